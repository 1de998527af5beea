"""Checks of single values: outliers, placeholders, dates, spellings, markup."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.artifacts import Check, Profile
from toolkit.artifacts.base import COMMON
from toolkit.data.findings import Found, amount, check_of, counted, listed, percent
from toolkit.data.rows import numbers, quantiles
from toolkit.data.sentinels import sentinels
from toolkit.table.cells.values import MISSING
from toolkit.table.column_names import MISSING_WORDS

if TYPE_CHECKING:
    from toolkit.data.rows import Table

_FAR = 3.0
_FEW = 0.02
_LEVELS = 20_000
_MARKUP = re.compile(r"<[a-zA-Z/!][^<>]*>|&(#\d{1,6}|#x[0-9a-fA-F]{1,5}|[a-zA-Z]{2,8});")
_BROKEN = re.compile("\ufffd|\u00c3[\u0080-\u00bf]|\u00e2\u20ac|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MOMENTS = tuple(
    pd.Timestamp(day)
    for day in ("1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01", "2099-12-31", "9999-12-31")
)


def value_checks(table: Table, profile: Profile, today: pd.Timestamp | None = None) -> list[Check]:
    """Return checks that look at values themselves.

    Parameters
    ----------
    table : Table
        The rows.
    profile : Profile
        Its columns in numbers.
    today : pandas.Timestamp, optional
        Dates of events after this day are reported; without it none are.
    """
    found: dict[str, list[Found]] = {
        name: []
        for name in ("far", "placeholder", "future", "old", "alike", "filler", "markup", "broken")
    }
    for facts in profile.columns:
        if (
            facts.role in ("ignore", "identifier", "group")
            or facts.distinct < 2
            or facts.type == "image"
        ):
            continue
        series = table.frame[facts.name]
        if facts.type == "number":
            _number(facts.name, numbers(series), facts.role == "target", found)
        elif facts.type == "date":
            _date(facts.name, series, today, found)
        else:
            column = table.project.columns.get(facts.name)
            spellings = column.missing if column else None
            answered = set() if spellings is None else set(MISSING) - set(spellings)
            _levels(facts.name, facts.type, table.cells.codes(facts.name), found, answered)
    return [
        *check_of("Placeholder numbers", "warning", "may write a missing value as a number",
                  found["placeholder"], "If so, add the number to data.missing and read again."),
        *check_of("Words for missing", "warning", "spell a missing value as a word",
                  found["filler"], "If it is no level of its own, add it to data.missing."),
        *check_of("Spellings of one level", "warning", "spell the same level in several ways",
                  found["alike"], "Correct them at the source: a model takes them for different."),
        *check_of("Dates in the future", "warning", "have dates after the run was made",
                  found["future"], "Check the format (day and month) and whether they are plans."),
        *check_of("Placeholder dates", "warning", "hold dates that stand for unknown",
                  found["old"], "Make them missing at the source."),
        *check_of("Broken characters", "warning", "hold characters of a wrong encoding",
                  found["broken"], "Set data.encoding, or correct the source."),
        *check_of("Markup in values", "info", "hold HTML tags or entities", found["markup"],
                  "Decode or strip them if they are not part of the meaning."),
        *check_of("Outliers", "info", f"have values far out (beyond {_FAR:g} interquartile ranges)",
                  found["far"], "Check the extremes by hand: errors of unit or of typing?"),
    ]  # fmt: skip


def _number(name: str, values: np.ndarray, target: bool, found: dict[str, list[Found]]) -> None:
    values = values[np.isfinite(values)]
    low, high = quantiles(np.sort(values), [0.25, 0.75])
    span = high - low
    if span > 0 and not target:
        far = (values < low - _FAR * span) | (values > high + _FAR * span)
        n = int(far.sum())
        if 0 < n <= _FEW * len(values):
            extreme = values[far][np.argmax(np.abs(values[far] - (low + high) / 2))]
            found["far"].append(
                (name, n / len(values), f"{counted(n, 'value')}, such as {amount(extreme)}")
            )
    repeated = [
        f"{amount(value)} in {n:,} rows, {percent(n / len(values))}"
        for value, n in sentinels(values, name)
    ]
    if repeated:
        found["placeholder"].append((name, 1.0, "; ".join(repeated)))


def _date(
    name: str, series: pd.Series, today: pd.Timestamp | None, found: dict[str, list[Found]]
) -> None:
    known = series.dropna()
    if today is not None and (late := int((known > today).sum())):
        found["future"].append((name, late, f"{late:,} rows, up to {known.max():%Y-%m-%d}"))
    days = known.dt.normalize()
    for moment in _MOMENTS:
        n = int((days == moment).sum())
        if n < max(2, 0.0005 * len(known)):
            continue
        near = ((days - moment).abs() < pd.Timedelta(days=366)) & (days != moment)
        if not near.any():
            found["old"].append((name, n, f"{moment:%Y-%m-%d} in {n:,} rows"))
            return
    early = int((known < pd.Timestamp("1850-01-01")).sum())
    if early:
        found["old"].append((name, early, f"{early:,} rows before 1850"))


def _levels(
    name: str,
    kind: str,
    coded: tuple[np.ndarray, list[str]],
    found: dict[str, list[Found]],
    answered: set[str],
) -> None:
    """Look at levels; `answered` are spellings that the project takes for levels."""
    level_codes, levels = coded
    counts = np.bincount(level_codes[level_codes >= 0], minlength=len(levels))
    levels = levels[:_LEVELS]
    for key, pattern in (("markup", _MARKUP), ("broken", _BROKEN)):
        hits = [k for k, level in enumerate(levels) if pattern.search(level)]
        if hits:
            n = int(counts[hits].sum())
            text = pattern.search(levels[hits[0]])
            shown = ascii(text.group(0)[:20] if text else "")
            found[key].append((name, n, f"{n:,} rows, such as {shown}"))
    if kind == "text":
        return
    fillers = [
        place for place, level in enumerate(levels)
        if level.casefold().strip() in MISSING_WORDS and level not in answered
    ]  # fmt: skip
    if fillers:
        n = int(counts[fillers].sum())
        shown = listed([f"{levels[k]!r}" for k in fillers], 3)
        share = percent(n / max(len(level_codes), 1))
        found["filler"].append((name, n, f"{shown} in {n:,} rows, {share}"))
    alike: dict[str, list[str]] = {}
    for level in levels:
        alike.setdefault(plain_level(level), []).append(level)
    several = [group for group in alike.values() if len(group) > 1]
    if several:
        # A value that few rows have may be a person's: it is counted, not shown.
        often = dict(zip(levels, counts.tolist(), strict=False))
        open_ = [group for group in several if min(often[level] for level in group) >= COMMON]
        shown = " and ".join(repr(level[:40]) for level in open_[0][:3]) if open_ else ""
        more = counted(len(several), "level")
        found["alike"].append((name, len(several), f"{shown}, {more}" if shown else more))


def plain_level(text: str) -> str:
    """Return a level without case, width, accents of encoding, or spacing differences."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s_\-./]+", " ", text).strip()
