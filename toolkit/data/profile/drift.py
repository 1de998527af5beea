"""Whether a column's distribution changes over time, or between train and test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.artifacts import Drift
from toolkit.data.rows import MEASURES, is_numeric, numbers, quantiles, rounded
from toolkit.table.types import date_parts

if TYPE_CHECKING:
    from toolkit.data.rows import Table

MODERATE, LARGE = 0.1, 0.25
_BINS = 10
_LISTED = 200


def drift(table: Table, train: np.ndarray, test: np.ndarray) -> list[Drift]:
    """Return how much columns change, by population stability index; graded ones first.

    Parameters
    ----------
    table : Table
        The rows.
    train, test : numpy.ndarray
        Row positions of the two parts.

    Notes
    -----
    Grades are the usual ones: from .1 a warning, from .25 critical. A distance that two
    random halves of the same rows would often show (Yurdakul 2018: the index times the
    harmonic sample size is chi-squared) stays ok, whatever its size.
    """
    found = _compare(table, train, test, "split", leave_out="")
    times, column = _times(table)
    if times is not None:
        known = np.flatnonzero(np.isfinite(times))
        if len(known) >= 30:
            low, high = np.quantile(times[known], [1 / 3, 2 / 3])
            early, late = known[times[known] <= low], known[times[known] > high]
            if len(early) and len(late):
                found += _compare(table, early, late, "time", leave_out=column)
    return found


def time_column(table: Table) -> str | None:
    """Return the column that orders the rows: the split's, the time role's, or the first date."""
    split = table.project.split
    if split.method == "time" and split.column in table.columns:
        return split.column if is_numeric(table.columns[split.column]) else None
    dates = {n: c for n, c in table.columns.items() if c.type == "date" and c.use != "ignore"}
    named = [name for name, column in dates.items() if column.role == "time"]
    return next(iter(named or dates), None)


def _times(table: Table) -> tuple[np.ndarray | None, str]:
    """Return what orders the rows in time, and the column that says so."""
    split = table.project.split
    if split.method == "time" and split.column is None:
        return np.arange(len(table.frame), dtype=np.float64), ""
    column = time_column(table)
    return (None, "") if column is None else (numbers(table.frame[column]), column)


def by_the_calendar(table: Table, axis: str) -> list[str]:
    """Return the columns that differ between times because they say the time.

    Dates, and the month, day or hour apart from a date.
    """
    if axis == "split" and table.project.split.method != "time":
        return []
    names = [name for name, column in table.columns.items() if column.role in ("feature", "time")]
    parts = date_parts.parts(table.frame, names)
    return [name for name in names if table.columns[name].type == "date" or name in parts]


def stability_index(before: np.ndarray, after: np.ndarray) -> float:
    """Return the population stability index of two arrays of counts by bin."""
    # Half a row in each bin: an empty bin must not make the logarithm explode.
    p = (before + 0.5) / (before.sum() + 0.5 * len(before))
    q = (after + 0.5) / (after.sum() + 0.5 * len(after))
    return float(((q - p) * np.log(q / p)).sum())


def _compare(
    table: Table, before: np.ndarray, after: np.ndarray, axis: str, *, leave_out: str
) -> list[Drift]:
    from scipy.stats import chi2

    said = {leave_out, *by_the_calendar(table, axis)}
    if axis == "split" and table.project.split.method == "time":
        said.add(table.project.split.column or "")
    names = [
        name
        for name, column in table.columns.items()
        if column.use == "feature" and name not in said
    ]
    names.append(table.project.target.column)
    if not len(before) or not len(after):
        return []
    harmonic = 1 / len(before) + 1 / len(after)
    # About ten rows a bin at the least, or chance alone looks like drift.
    most = int(np.clip(min(len(before), len(after)) // 10, 2, _BINS))
    found = []
    for name in names:
        counts = _counts(table, name, before, after, most)
        distance = stability_index(*counts)
        chance = harmonic * chi2.ppf(1 - 0.05 / len(names), max(len(counts[0]) - 1, 1))
        grade = "ok"
        if distance > chance and distance >= MODERATE:
            grade = "critical" if distance >= LARGE else "warning"
        kind = table.project.columns[name].type
        found.append(Drift(column=name, axis=axis, distance=rounded(distance, 4) or 0.0,
                           severity=grade, measure=MEASURES.get(kind, "")))  # fmt: skip
    found.sort(key=lambda item: (item.severity == "ok", -item.distance))
    return found[:_LISTED]


def _counts(
    table: Table, name: str, before: np.ndarray, after: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Count both parts in bins: equal shares of the first part, or its most frequent levels."""
    if name == table.project.target.column:
        if table.task != "regression":
            return _tally(table.class_codes() + 1, before, after)
        return _shares(table.target.astype(np.float64), before, after, most)
    if is_numeric(table.columns[name]) or table.columns[name].type in MEASURES:
        return _shares(table.measure(name), before, after, most)
    found, levels = table.cells.codes(name)
    counts = np.bincount(found[before][found[before] >= 0], minlength=len(levels))
    place = np.full(len(levels) + 1, 1)
    common = np.argsort(-counts, kind="stable")[: 2 * most]
    place[common] = np.arange(len(common)) + 2
    place[-1] = 0
    return _tally(place[found], before, after)


def _tally(
    bins: np.ndarray, before: np.ndarray, after: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    size = int(bins.max()) + 1
    return np.bincount(bins[before], minlength=size), np.bincount(bins[after], minlength=size)


def _shares(
    values: np.ndarray, before: np.ndarray, after: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Count numbers that are missing, and between the first part's quantiles."""
    ordered = [np.sort(part[np.isfinite(part)]) for part in (values[before], values[after])]
    if not len(ordered[0]):
        return _tally(np.isfinite(values).astype(np.int64), before, after)
    edges = np.unique(quantiles(ordered[0], np.linspace(0, 1, most + 1)[1:-1]))
    counts = [
        np.r_[len(rows) - len(known), np.diff(np.searchsorted(known, edges), prepend=0,
                                              append=len(known))]
        for rows, known in zip((before, after), ordered, strict=True)
    ]  # fmt: skip
    return counts[0], counts[1]
