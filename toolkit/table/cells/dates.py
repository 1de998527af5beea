"""Dates from texts, each cell on its own."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

COUNTS = {
    "excel": ("1899-12-30", 86_400e6, 1e4, 8e4),
    "unix": ("1970-01-01", 1e6, 2e8, 4e9),
    "unix-ms": ("1970-01-01", 1e3, 2e11, 4e12),
}
"""Formats that count: from when, microseconds of one, and between which numbers."""

COMPACT = ("%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M")
"""Formats of digits alone."""
OFFSET = re.compile(r"(?<=\d)\s?(Z|UTC|GMT|(?<=:\d\d)[+-]\d{2}(:?\d{2})?"
                    r"|(?<=[:.,]\d{3})[+-]\d{2}(:?\d{2})?|(?<=\d{6})[+-]\d{2}(:?\d{2})?"
                    r"|(?<= )[+-]\d{2}:?\d{2}|(?<=:\d\d )[A-Z]{3,4})$")  # fmt: skip
_ZONES = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 60, "CET": 60, "CEST": 120, "MEZ": 60,
    "MESZ": 120, "EET": 120, "EEST": 180, "MSK": 180, "JST": 540, "KST": 540, "EST": -300,
    "EDT": -240, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420, "AEST": 600,
    "AEDT": 660, "NZST": 720, "NZDT": 780,
}  # fmt: skip
"""Minutes ahead of UTC, by names that mean one zone alone."""
_CLOCK_WORD = re.compile(r"(?<=\d:\d\d)\s?(Uhr|hrs?|h)$")
_MIDDLE = re.compile(r"(?<=:\d\d) (\+0000|utc|gmt)(?= \d{4}$)")
ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}(:\d{2}(:\d{2}([.,]\d+)?)?)?"
    r"( ?(Z|[A-Z]{3,4}|[+-]\d{2}:?\d{2}|[+-]\d{2}))?)?"
    r"|\d{4}\s?[年년]\s?\d{1,2}\s?[月월]\s?\d{1,2}\s?[日일]"
    r"|\d{4}[-_/ ]?[Qq][1-4]|[Qq][1-4][-_/ ]?\d{4}|\d{4}[-_ ]?[Ww]\d{2}(-?[1-7])?"
)
"""ISO 8601, and quarters and weeks, which are read as their first day."""
_BARE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?$"
_QUARTER = re.compile(r"(?P<year>\d{4})[-_/ ]?[Qq](?P<part>[1-4])"
                      r"|[Qq](?P<part2>[1-4])[-_/ ]?(?P<year2>\d{4})")  # fmt: skip
_EAST = re.compile(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]")
_WEEK = re.compile(r"(\d{4})[-_ ]?[Ww](\d{2})(?:-?([1-7]))?")
_MONTHS = tuple(
    names.split()
    for names in (
        "january jan januar janner janvier janv enero ene gennaio gen janeiro januari styczen"
        " stycznia sty leden ledna",
        "february feb februar fevrier fevr fev febrero febbraio fevereiro februari luty lutego lut"
        " unor unora",
        "march mar marz maerz mrz mars marzo marco maart mrt marts marzec marca brezen brezna",
        "april apr avril avr abril abr aprile kwiecien kwietnia kwi duben dubna",
        "may mai mayo maggio mag maio mei maj maja kveten kvetna",
        "june jun juni juin junio giugno giu junho czerwiec czerwca cze cerven cervna",
        "july jul juli juillet juil julio luglio lug julho lipiec lipca lip cervenec cervence",
        "august aug aout agosto ago augustus augusti sierpien sierpnia sie srpen srpna",
        "september sep sept septembre septiembre settembre set setembro wrzesien wrzesnia wrz zari",
        "october oct oktober okt octobre octubre ottobre ott outubro out pazdziernik"
        " pazdziernika paz rijen rijna",
        "november nov novembre noviembre novembro listopad listopada lis listopadu",
        "december dec dezember dez decembre diciembre dic dicembre dezembro desember des"
        " grudzien grudnia gru prosinec prosince",
    )
)
_FURTHER = tuple(  # Turkish and Russian, by month
    names.split()
    for names in (
        "ocak января январь",
        "subat февраля февраль",
        "mart марта март",
        "nisan апреля апрель",
        "mayıs mayis мая маи",
        "haziran июня июнь",
        "temmuz июля июль",
        "agustos августа август",
        "eylul сентября сентябрь",
        "ekim октября октябрь",
        "kasım kasim ноября ноябрь",
        "aralık aralik декабря декабрь",
    )
)
_MONTH = {word: number for names in (_FURTHER, _MONTHS) for number, words in enumerate(names)
          for word in words}  # fmt: skip


def dates(
    texts: list[str], layout: str | None = None, latest: int | None = None, zone: str | None = None
) -> np.ndarray:
    """Return datetime64[us] for texts; NaT for what is no date.

    Quarters (``2024Q1``) and weeks (``2024-W05``) are their first day. Local time is kept: what
    stands behind a time as its offset is left away, unless `zone` is given.

    Parameters
    ----------
    texts : list of str
        Dates as written.
    layout : str, optional
        strptime formats or names of `COUNTS`, parted by ``|``, of which the first that fits is
        taken; what follows none is tried as ISO 8601, which is also the default.
    latest : int, optional
        The latest year that a year of two digits can mean.
    zone : str, optional
        The time zone into which times with an offset are brought; NaT where a name such as IST
        says no one offset.
    """
    import pandas as pd

    result = np.full(len(texts), np.datetime64("NaT", "us"))
    if not texts:
        return result
    plain = texts if bare(texts) else [_first_day(text) for text in texts]
    column = pd.Series(_local(plain), dtype="str")
    forms = [part.strip() for part in (layout or "").split("|") if part.strip()]
    if layout not in COMPACT and not (len(forms) == 1 and forms[0] in COUNTS):
        forms.append("ISO8601")
    for form in forms:
        rest = np.isnat(result)
        if not rest.any():
            break
        result[rest] = _as(column[rest], form, latest)
    return result if zone is None else _zoned(result, plain, zone)


def follow(texts: list[str], form: str) -> np.ndarray:
    """Return datetime64[us] for texts; NaT for what does not follow this one format."""
    import pandas as pd

    return _as(pd.Series(_local(texts), dtype="str"), form, None)


def bare(texts: list[str]) -> bool:
    """Whether all texts are days, or days with times, of ISO 8601, and nothing stands behind."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.match_substring_regex(pa.array(texts, pa.large_string()), _BARE)
    return bool(pc.all(found, min_count=0).as_py())


def _local(texts: list[str]) -> list[str]:
    if bare(texts):
        return texts
    return [OFFSET.sub("", _CLOCK_WORD.sub("", text)) for text in texts]


def _as(column: pd.Series, form: str, latest: int | None) -> np.ndarray:
    if form in COUNTS:
        return _counted(column, form)
    form = form.replace("%z", "").strip()
    found = _parsed(column, form)
    if "%b" in form or "%B" in form:
        rest = np.isnat(found)
        if rest.any():
            words = [_english(text, full="%B" in form) for text in column[rest]]
            found[rest] = _parsed(column[rest].__class__(words, dtype="str"), form)
    return _in_century(found, latest) if "%y" in form and latest else found


def _parsed(column: pd.Series, form: str) -> np.ndarray:
    import pandas as pd

    found = pd.to_datetime(column, format=form, errors="coerce", utc=True)
    moments: np.ndarray = found.dt.tz_localize(None).dt.as_unit("us").to_numpy()
    return moments.astype("datetime64[us]")


def _counted(column: pd.Series, form: str) -> np.ndarray:
    import pandas as pd

    start, unit, low, high = COUNTS[form]
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype="float64")
    inside = (numbers >= low) & (numbers <= high)
    passed = np.where(inside, numbers, 0) * unit
    moments = np.datetime64(start, "us") + passed.round().astype("int64").astype("timedelta64[us]")
    moments[~inside] = np.datetime64("NaT")
    return moments


def _in_century(moments: np.ndarray, latest: int) -> np.ndarray:
    """Move dates of two-digit years by whole centuries into the 100 years up to `latest`."""
    known = ~np.isnat(moments)
    months = moments[known].astype("datetime64[M]")
    years = months.astype("int64") // 12 + 1970
    shift = (latest - (latest - years) % 100 - years) * 12
    moved = months + shift
    days = moments[known] - months
    # The 29th of February is not in every century.
    inside = (moved.astype("datetime64[us]") + days).astype("datetime64[M]") == moved
    days = np.where(inside, days, days - np.timedelta64(1, "D"))
    moments[known] = moved.astype("datetime64[us]") + days
    return moments


def _zoned(moments: np.ndarray, texts: list[str], zone: str) -> np.ndarray:
    """Bring local times to one zone by the offsets behind them; others stay as they are."""
    import pandas as pd

    offsets = [match and _minutes(match[1]) for match in map(OFFSET.search, texts)]
    shifts = [np.timedelta64("NaT") if o is None else np.timedelta64(o, "m") for o in offsets]
    utc = pd.Series(moments - np.array(shifts, "timedelta64[us]")).dt.tz_localize("UTC")
    local = utc.dt.tz_convert(zone).dt.tz_localize(None).dt.as_unit("us").to_numpy()
    bare = np.array([OFFSET.search(text) is None for text in texts])
    return np.where(bare, moments, local.astype("datetime64[us]"))


def common_zone(texts: list[str]) -> str | None:
    """Return the zone that all texts carry as their offset, such as ``UTC+02:00``, if there is one.

    With it, the same moments given in another zone have the same local time.
    """
    if bare(texts):
        return None
    found = {match and _minutes(match[1]) for match in map(OFFSET.search, texts)}
    minutes = found.pop() if len(found) == 1 else None
    if minutes is None:
        return None
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{sign}{hours:02}:{rest:02}" if minutes else "UTC"


def _minutes(offset: str) -> int | None:
    """Return how far an offset is ahead of UTC; None for the name of several zones."""
    digits = re.sub(r"\D", "", offset)
    if not digits:
        return _ZONES.get(offset)
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    return -minutes if offset[0] == "-" else minutes


def _first_day(text: str) -> str:
    quarter = _QUARTER.fullmatch(text)
    if quarter:
        part = int(quarter["part"] or quarter["part2"])
        return f"{quarter['year'] or quarter['year2']}-{3 * part - 2:02d}-01"
    east = _EAST.fullmatch(text)
    if east:
        return f"{east[1]}-{int(east[2]):02d}-{int(east[3]):02d}"
    week = _WEEK.fullmatch(text)
    if week and 1 <= int(week[2]) <= 53:
        import datetime

        try:
            day = datetime.date.fromisocalendar(int(week[1]), int(week[2]), int(week[3] or 1))
        except ValueError:
            return text
        return day.isoformat()
    return text


def _english(text: str, *, full: bool) -> str:
    """Return a date with its month named in English and nothing but spaces between the parts."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l"))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    for word in re.findall(r"[^\W\d_]{3,}", plain):
        if word in _MONTH:
            name = _MONTHS[_MONTH[word]][0].capitalize()
            head, _, tail = plain.partition(word)
            head = re.sub(r"^[^\W\d_]+[.,]?\s+(?=\d|$)", "", head)  # the day of the week
            tail = _MIDDLE.sub("", tail)
            parts = re.sub(r"\b(de|del|of)\b|(?<=\d)(st|nd|rd|th)\b|\.", " ", f"{head}@{tail}")
            return " ".join(parts.split()).replace("@", name if full else name[:3])
    return text
