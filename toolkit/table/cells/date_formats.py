"""How a column's dates are written."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from toolkit.project.data import Column
from toolkit.table import column_names
from toolkit.table.cells import values
from toolkit.table.cells.date_notes import (
    say_both,
    say_dates,
    say_doubtful,
    say_far,
    say_month_year,
    say_never,
    say_several,
    say_unread,
)
from toolkit.table.cells.dates import COMPACT, COUNTS, ISO, OFFSET, bare, common_zone, dates, follow
from toolkit.table.cells.notes import Notes, listed

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.table.cells.values import Cells

_LOOKS = re.compile(
    r"\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}([T ,:].*)?|\d{4}-\d{2}|\d{1,2}/\d{4}"
    r"|.*[^\W\d_]{3,12}.*\d{1,4}.*|\d{1,2}[-. ]*[^\W\d_]{3,}.*\d{2,4}.*"
    r"|\d{4}[-_/ ]?[QqWw]\d{1,2}(-?\d)?|[Qq][1-4][-_/ ]?\d{4}|\d{4}\s?[年년].*",
    re.S,
)
_NEVER = re.compile(
    r"(0000|9999)-?\d{2}-?\d{2}(?!\d).*|\d{2}[-/.]\d{2}[-/.](0000|9999)(?!\d).*", re.S
)
_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp]\.?[Mm]\.?)?|-?P\d+DT.*")
_DAY = re.compile(r"(\d{1,2})\.(\d{2})\.?")
_TIMES = (
    "", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S",
    " %I:%M%p", " %I:%M:%S%p", ", %H:%M", ", %H:%M:%S", ", %I:%M %p", ", %I:%M:%S %p", ":%H:%M:%S",
)  # fmt: skip
_DAYS = (
    "%Y/%m/%d", "%Y.%m.%d", "%Y-%m", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y",
    "%B %d, %Y", "%d-%b-%y", "%b-%Y", "%b %Y", "%B %Y", "%d/%b/%Y", "%d %b %y", "%m/%Y",
    "%b %d %Y", "%B %d %Y", "%d/%b/%y", "%Y-%b-%d", "%Y %b %d", "%d%b%Y",
    "%b %d %H:%M:%S %Y", "%b-%y", "%b %y",
)  # fmt: skip
_PAIRS = (
    ("%d/%m/%Y", "%m/%d/%Y"), ("%d-%m-%Y", "%m-%d-%Y"), ("%d.%m.%Y", "%m.%d.%Y"),
    ("%d/%m/%y", "%m/%d/%y"), ("%d.%m.%y", "%m.%d.%y"), ("%d-%m-%y", "%m-%d-%y"),
)  # fmt: skip
_MIRROR = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}
_SHARE = 0.95
_MOST_LAYOUTS = 3
_SERIAL = re.compile(r"[1-7]\d{4}(\.\d+)?")
_PLACEHOLDER_DATES = (
    "0001-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01",
    "2099-12-31",
)  # fmt: skip
_MANY = 10
_COMPACT_DIGITS = frozenset([8, 12, 14])


def date_column(name: str, found: Cells, notes: Notes) -> Column | None:
    """Return how a text column is read as dates; None if it holds none."""
    if sum(map(_might_be, found.texts[:200])) < 0.3 * len(found.texts[:200]):
        return None
    never = [
        t for t in found.texts if _NEVER.fullmatch(t) or t.casefold() in column_names.MISSING_WORDS
    ]
    gone = set(never)
    texts = [text for text in found.texts if text not in gone]
    forms = ["excel"] if column_names.day(name) and any(map(_SERIAL.fullmatch, texts)) else []
    if forms:  # a spreadsheet's days among dates that stayed text
        texts = [text for text in texts if not _SERIAL.fullmatch(text)]
    sample = texts[:200]
    if not texts or sum(bool(_LOOKS.fullmatch(t)) for t in sample) < _SHARE * len(sample):
        return None
    iso = [text for text in texts if ISO.fullmatch(text)]
    day = "%Y-%m-%d" if not any(":" in text for text in iso) else "%Y-%m-%dT%H:%M:%S"
    if len(iso) >= _SHARE * len(texts):
        if _parse(texts, "") < _SHARE:
            return None
        form = "" if ":" in day and not forms else day
        return _column(name, " | ".join([form, *forms]), found, never, notes)
    ways = _layouts(name, [text for text in texts if not ISO.fullmatch(text)], found, notes)
    if not ways:
        if column_names.clock(name):
            say_unread(name, texts, notes)
        return None
    return _column(name, " | ".join([*ways, *([day] if iso else []), *forms]), found, never, notes)


def _might_be(text: str) -> bool:
    return bool(_LOOKS.fullmatch(text) or _SERIAL.fullmatch(text) or _NEVER.fullmatch(text))


def counted_dates(name: str, found: Cells, notes: Notes) -> Column | None:
    """Return how numbers in a column named like a date are dates: 20240131, or a count of days."""
    named = column_names.date(name) or column_names.clock(name)
    if not named and (
        len(found) < _MANY or column_names.code(name) or column_names.identifier(name)
    ):
        return None
    first = [text for text in found.head(200) if not _NEVER.fullmatch(text)]
    lengths = set(map(len, first))
    if not all(text[0].isdecimal() for text in first) or not (named or lengths <= _COMPACT_DIGITS):
        return None
    never = [text for text in found.held("0000|9999") if _NEVER.fullmatch(text)]
    gone = set(never)
    texts = [text for text in found.texts if text not in gone] if gone else found.texts
    sample = texts[:200]
    if not all(text[0].isdecimal() for text in sample) or len(texts) < (1 if named else _MANY):
        return None
    # Without a name that says so, every one of many numbers must be a day of our time.
    years = r"(1[5-9]|2[0-2])\d{2}" if named else r"(19|20)\d{2}"
    for form, rest in zip(COMPACT, (4, 10, 8), strict=True):
        if all(re.fullmatch(rf"{years}\d{{{rest}}}", text) for text in sample):
            return _column(name, form, found, never, notes) if _parse(texts, form) == 1 else None
    if not named:
        return None
    if column_names.day(name) and all(
        re.fullmatch(r"(0?[1-9]|1[0-2])\.\d{4}", text) for text in texts
    ):
        return _column(name, "%m.%Y", found, never, notes)
    if column_names.day(name) and all(
        re.fullmatch(r"[12]\d{3}\.(0[1-9]|1[0-2])", text) for text in texts
    ):
        return _column(name, "%Y.%m", found, never, notes)
    for form in COUNTS:
        wanted = column_names.day(name) if form == "excel" else column_names.clock(name)
        digits = r"\d{5}(\.\d+)?" if form == "excel" else r"\d{9,13}(\.\d+)?"
        if not wanted or not all(re.fullmatch(digits, text) for text in sample):
            continue
        if _parse(texts, form) == 1:
            return _column(name, form, found, never, notes)
    return None


def undated(name: str, found: Cells, notes: Notes) -> bool:
    """Whether cells are days without a year, such as 24.12, or times; both are said."""
    sample = found.head(50)
    if sum(bool(_TIME.fullmatch(text)) for text in sample) >= _SHARE * len(sample):
        what = "times without a date"
    elif column_names.day(name) and all(
        (day := _DAY.fullmatch(text)) and 1 <= int(day[1]) <= 31 and 1 <= int(day[2]) <= 12
        for text in found.texts
    ):
        what = "days without a year"
    else:
        return False
    notes.say(
        "Times or days alone",
        f"{name!r} holds {what}, such as {sample[0]!r}; it is read as a category.",
        name,
        "Derive a number from it, such as the minutes since midnight, to keep the order",
        severity="warning",
    )
    return True


def date_moments(name: str, series: pd.Series, notes: Notes) -> Column:
    """Return how a column of moments is read: local times, and dates where no cell has a time."""
    moments = series.dropna()
    zone = None if moments.dt.tz is None else str(moments.dt.tz)
    plain = moments if zone is None else moments.dt.tz_localize(None)
    if zone is not None:
        hours = {moment.strftime("%H:%M") for moment in plain.dt.time.unique()}
        elsewhere = zone == "UTC" and 0 < len(hours) <= 2 and "00:00" not in hours
        notes.say(
            "Time zone",
            f"Local times of {zone} are kept in {name!r}"
            + (
                f"; every time is {' or '.join(sorted(hours))}, which may be midnight elsewhere, so"
                " that days may be off by one."
                if elsewhere
                else "."
            ),
            name,
            f"Set columns.{name}.timezone to the zone meant, such as Europe/Berlin",
            severity="warning" if elsewhere else "info",
        )
    whole = len(plain) > 0 and bool((plain == plain.dt.normalize()).all())
    never = sorted({f"{day:%Y-%m-%d}" for day in plain[plain.dt.year >= 9999]})
    if len(never) == plain.nunique():
        never = []
    if never:
        say_never(name, never, int((plain.dt.year >= 9999).sum()), notes)
    _placeholders(name, plain.to_numpy().astype("datetime64[us]"), np.ones(len(plain), int), notes)
    return Column(
        type="date",
        format="%Y-%m-%d" if whole else None,
        missing=[*values.MISSING, *never] if never else None,
        timezone=zone,
    )


def _layouts(name: str, texts: list[str], found: Cells, notes: Notes) -> list[str]:
    """Return the formats that together read nearly all texts; none if there are none."""
    rest, forms, doubts = texts, list[str](), list[tuple[str, str]]()
    while len(forms) < _MOST_LAYOUTS and len(rest) > (1 - _SHARE) * len(texts):
        form, doubtful = _best(rest)
        if form is None:
            return []
        day = next((day for day in _MIRROR if form.startswith(day)), None)
        mirror = form.replace(day, _MIRROR[day]) if day else None
        if mirror in forms:
            say_both(name, forms[-1], form, found, notes)
            return []
        if doubtful and mirror and "." not in form:
            doubts.append((rest[0], mirror))
        forms.append(form)
        parsed = follow(rest, form)
        rest = [text for text, moment in zip(rest, parsed, strict=True) if np.isnat(moment)]
    if len(rest) > (1 - _SHARE) * len(texts):
        return []
    for example, other in doubts:
        say_doubtful(name, example, other, notes)
    return forms


def _best(texts: list[str]) -> tuple[str | None, bool]:
    """Return the format that reads most of some texts, and whether day and month may change."""
    sample = texts[:200]
    best: tuple[float, str | None, bool] = (0.3, None, False)
    timed = sum(":" in text for text in sample)
    for time in _TIMES:
        if time and not timed:
            break
        for day in _DAYS:
            if "%H" in day if time or not timed else timed == len(sample) and "%H" not in day:
                continue
            share = _parse(sample, day + time)
            if share >= _SHARE and _parse(texts, day + time) >= _SHARE:
                return day + time, False
            best = max(best, (share, day + time, False), key=lambda item: item[0])
        for first, second in _PAIRS:
            either = max(_parse(sample, first + time), _parse(sample, second + time))
            if either <= best[0]:
                continue
            shares = _parse(texts, first + time), _parse(texts, second + time)
            form = (first if shares[0] >= shares[1] else second) + time
            best = (max(shares), form, shares[0] == shares[1])
            if best[0] >= _SHARE:
                return form, best[2]
    return best[1], best[2]


def _parse(texts: list[str], form: str) -> float:
    """Return the share of texts that a format alone reads; ISO 8601 if it is empty."""
    moments = follow(texts, form) if form else dates(texts)
    return float((~np.isnat(moments)).mean())


def _column(name: str, form: str, found: Cells, never: list[str], notes: Notes) -> Column:
    if never:
        rows = sum(
            count for text, count in zip(found.texts, found.counts.tolist(), strict=True)
            if text in never
        )  # fmt: skip
        say_never(name, never, rows, notes)
    gone = set(never)
    texts = [text for text in found.texts if text not in gone]
    counts = np.array([c for t, c in zip(found.texts, found.counts, strict=True) if t not in gone])
    latest = _latest_year(name, form, texts, notes)
    parsed = dates(texts, form or None, latest)
    say_dates(name, form, texts, int(counts[np.isnat(parsed)].sum()), notes)
    if " | " in form:
        say_several(name, form, texts, counts, notes)
    behind = [] if bare(texts) else filter(None, map(OFFSET.search, texts))
    offsets = Counter(match[1] for match in behind if match[1] != "Z")
    if offsets:
        notes.say(
            "Time zone",
            f"The local times in {name!r} are kept, and their offsets"
            f" ({listed(sorted(offsets))}) left away.",
            name,
            f"Set columns.{name}.timezone, such as Europe/Berlin, to bring all to one zone",
        )
    _placeholders(name, parsed, counts, notes)
    if form in ("%b-%y", "%b %y"):
        say_month_year(name, texts, notes)
    return Column(
        type="date",
        format=form or None,
        missing=[*values.MISSING, *never] if never else None,
        latest_year=latest,
        timezone=common_zone(texts),
    )


def _latest_year(name: str, form: str, texts: list[str], notes: Notes) -> int | None:
    """Return the latest year that two digits can mean, where the usual 2068 would be wrong."""
    if "%y" not in form:
        return None
    this_year = datetime.date.today().year
    parsed = dates(texts, form)
    if not (parsed[~np.isnat(parsed)] >= np.datetime64(f"{this_year + 1}-01-01")).any():
        return this_year if column_names.birth(name) else None
    late = int(np.nanargmax(np.where(np.isnat(parsed), -1, parsed.astype("int64"))))
    birth = column_names.birth(name)
    far = parsed[late] >= np.datetime64(f"{this_year + 15}-01-01")
    latest = this_year if birth or far else None
    if latest:
        other, read = str(parsed[late])[:4], str(dates([texts[late]], form, latest)[0])[:4]
        notes.say(
            "Years of two digits",
            f"{texts[late]!r} in {name!r} is read as {read}, not {other}"
            + (": nobody is born in the future." if birth else "."),
            name,
            f"Set columns.{name}.latest_year to the latest year that two digits can mean, such as"
            f" {this_year} or 2068",
            severity="info" if birth else "warning",
        )
    return latest


def _placeholders(name: str, moments: np.ndarray, counts: np.ndarray, notes: Notes) -> None:
    known = ~np.isnat(moments)
    days = moments[known].astype("datetime64[D]")
    say_far(name, days, counts[known], notes)
    for text in _PLACEHOLDER_DATES:
        day = np.datetime64(text, "D")
        near = np.abs((days - day).astype("int64"))
        rows = int(counts[known][near == 0].sum())
        if 2 <= rows < counts.sum() and not ((near > 0) & (near < 366)).any():
            notes.say(
                "Dates that may mean missing",
                f"{rows} cells of {name!r} are {text}, far from all other dates.",
                name,
                f"Add the spelling to columns.{name}.missing if nothing is known there",
                severity="warning",
            )
