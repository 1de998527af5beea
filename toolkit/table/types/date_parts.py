"""Columns that are parts of one date: year, month, day, hour."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from toolkit.table.column_names import word_set, words

if TYPE_CHECKING:
    import pandas as pd

_UNITS = {
    "year": word_set("year yr jahr annee ano anio anno jaar"),
    "quarter": word_set("quarter qtr quartal trimestre"),
    "season": word_set("season saison jahreszeit estacion"),
    "month": word_set("month mnth mon monat mes mois mese maand mo"),
    "week": word_set("week wk kw woche semana semaine weekofyear weeknum weeknumber"),
    "yearday": word_set("dayofyear doy yday"),
    "day": word_set("day tag dia jour giorno dag mday dayofmonth dom"),
    "weekday": word_set("weekday dow dayofweek wochentag wday"),
    "hour": word_set("hour hr stunde hora heure ora uur"),
    "minute": word_set("minute"),
}
_RANGES = {
    "year": (1800, 2200), "quarter": (1, 4), "season": (0, 5), "month": (1, 12), "week": (0, 53),
    "yearday": (1, 366), "day": (1, 31), "weekday": (0, 7), "hour": (0, 24), "minute": (0, 59),
}  # fmt: skip
_PHRASES = (
    (r"day of (the )?month", "day"), (r"day of (the )?week", "weekday"), ("week day", "weekday"),
    (r"day of (the )?year", "yearday"), (r"week (of (the )?year|number|num|nr|no)", "week"),
    ("month (of year|name|number|num)", "month"), (r"hour of (the )?day", "hour"),
)  # fmt: skip
# Of these a year is no part of the row's own date.
_OTHER = word_set(
    "birth born built blt build remod remodel remodeled renovated renovation model expiry expire"
    " expiration expires exp valid manufacture manufactured production construction founded"
    " established graduation graduated first last since joined hire hired tenure in to until per"
    " experience contract age rate cycle work works worked prev previous next geburt bau baujahr"
    " warranty term over previous active inactive"
)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_CHAINS = (
    ("year", "yearday", "hour", "minute"), ("year", "month", "day", "hour", "minute"),
    ("year", "week"), ("year", "quarter"),
)  # fmt: skip


def unit(name: str) -> tuple[str, str] | None:
    """Return the unit that a name says and what else it says, such as ``month`` and ``sold``."""
    text = " ".join(words(name))
    for phrase, what in _PHRASES:
        match = re.search(rf"\b{phrase}\b", text)
        if match:
            rest = (text[: match.start()] + text[match.end() :]).split()
            return None if set(rest) & _OTHER else (what, " ".join(rest))
    found = text.split()
    hits = [(k, what) for k, w in enumerate(found) for what, known in _UNITS.items() if w in known]
    if len(hits) != 1:
        return None
    place, what = hits[0]
    rest = found[:place] + found[place + 1 :]
    if set(rest) & _OTHER or len(rest) > 3:
        return None
    return what, " ".join(rest)


def parts(frame: pd.DataFrame, names: list[str]) -> dict[str, str]:
    """Return the columns that are parts of a date, each with its unit.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed values, or some rows of them.
    names : list of str
        The columns to look at.
    """
    found = {}
    for name in names:
        said = unit(name)
        units = ("day", "yearday") if said and said[0] == "day" else said[:1] if said else ()
        fits = next((what for what in units if _fits(frame[name], what)), None)
        if fits:
            found[name] = fits
    return found


def one_date(found: Mapping[str, str]) -> list[str]:
    """Return the columns of the largest date that several parts make up, coarsest part first."""
    families: dict[str, dict[str, str]] = {}
    for name, what in found.items():
        rest = unit(name)
        families.setdefault(rest[1] if rest else "", {}).setdefault(what, name)
    best = max(families.values(), key=len, default={})
    if len(best) < 2 or not {"year", "month", "day", "yearday", "hour", "week"} & set(best):
        return []
    return sorted(best.values(), key=lambda name: list(_RANGES).index(found[name]))


def moments(frame: pd.DataFrame, names: list[str], found: Mapping[str, str]) -> np.ndarray:
    """Return a number for each row that grows with the date that the columns make up."""
    by_unit = {found[name]: name for name in names}
    best: list[str] = []
    for chain in _CHAINS:
        units = chain if "year" in by_unit else chain[1:]
        # Without the day, an hour orders nothing.
        known = list(itertools.takewhile(by_unit.__contains__, units))
        best = max(best, known, key=len)
    total = np.zeros(len(frame))
    for what in best:
        low, high = _RANGES[what]
        total = total * (high - low + 2) + _numbers(frame[by_unit[what]])
    return total


def _fits(series: pd.Series, what: str) -> bool:
    values = _numbers(series.iloc[:5000])
    known = values[np.isfinite(values)]
    if len(known) < 0.5 * len(values) or not len(known) or not np.array_equal(known, known.round()):
        return what == "season" and series.iloc[:5000].nunique() <= 5
    low, high = _RANGES[what]
    if what == "year" and known.max() < 100:
        return bool(known.min() >= 0)
    return bool(known.min() >= low and known.max() <= high)


def _numbers(series: pd.Series) -> np.ndarray:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(series.dtype):
        return series.to_numpy(dtype="float64", na_value=np.nan)
    codes, levels = pd.factorize(series)
    table = np.array([_number(str(level)) for level in levels] + [np.nan])
    return table[codes]


def _number(text: str) -> float:
    plain = text.strip().casefold()
    for known in (_MONTHS, _DAYS):
        if plain[:3] in known:
            return known.index(plain[:3]) + 1.0
    match = re.fullmatch(r"q?(\d+)(\.0+)?", plain)
    return float(match[1]) if match else np.nan
