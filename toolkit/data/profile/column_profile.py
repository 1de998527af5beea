"""One column in numbers, and its association with the target."""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit.artifacts import ColumnProfile
from toolkit.data.rows import numbers, quantiles, rounded

if TYPE_CHECKING:
    from toolkit.data.rows import Table

_TOP = 12
_BINS = 20
_CLASSES = 6
_VALUE_LENGTH = 200


class TargetColumns:
    """The target as columns of numbers, known for some rows only.

    Rows kept apart for the test are treated as unknown: nothing that a person sees before
    the evaluation shows their targets.
    """

    def __init__(self, table: Table, rows: np.ndarray) -> None:
        self.known = np.zeros(len(table.frame), dtype=bool)
        self.known[rows] = True
        self.regression = table.task == "regression"
        self.labels: list[str] = []
        if self.regression:
            self.values = {"": np.where(self.known, table.target.astype(np.float64), 0.0)}
            return
        found = table.class_codes()
        if table.task == "binary":
            self.values = {"": ((found == 1) & self.known).astype(np.float64)}
            return
        counts = np.bincount(found[rows], minlength=len(table.classes))
        most = np.argsort(-counts, kind="stable")[:_CLASSES]
        self.values = {
            table.classes[k]: ((found == k) & self.known).astype(np.float64) for k in sorted(most)
        }

    def by(self, bins: np.ndarray, size: int) -> tuple[list[float | None], dict[str, Any]]:
        """Return the mean target by bin (-1 is no bin): one list, or one for each class."""
        use = self.known & (bins >= 0)
        n = np.bincount(bins[use], minlength=size)[:size]
        means = {}
        for label, values in self.values.items():
            total = np.bincount(bins[use], values[use], minlength=size)[:size]
            means[label] = [rounded(s / c, 4) if c else None for s, c in zip(total, n, strict=True)]
        if "" in means:
            return means[""], {}
        return [], means


def profile_column(table: Table, name: str, outcome: TargetColumns | None) -> ColumnProfile:
    """Return one column in numbers.

    Parameters
    ----------
    table : Table
        The rows.
    name : str
        The column's name.
    outcome : TargetColumns, optional
        The target, to relate to; None for the target itself.
    """
    column = table.project.columns[name]
    facts: dict[str, Any] = {
        "name": name,
        "type": column.type,
        "role": column.use,
        "protected": column.protected,
    }
    if column.type in ("number", "date"):
        facts |= of_numbers(numbers(table.frame[name]), column.type == "date", outcome)
    elif column.role in ("identifier", "group"):  # counted, never shown
        found, levels = table.cells.codes(name)
        facts |= {"missing": int((found < 0).sum()), "distinct": len(levels)}
    else:
        facts |= of_levels(*table.cells.codes(name), outcome)
    return ColumnProfile(**facts)


def of_numbers(values: np.ndarray, date: bool, outcome: TargetColumns | None) -> dict[str, Any]:
    """Return the facts of numbers, or of dates in seconds, for a `ColumnProfile`."""
    finite = np.isfinite(values)
    known = values[finite]
    facts: dict[str, Any] = {"missing": int(np.isnan(values).sum()), "distinct": 0}
    if not len(known):
        return facts
    ordered = np.sort(known)
    facts["distinct"] = int((np.diff(ordered) > 0).sum()) + 1
    edges = _edges(ordered)
    bins = np.full(len(values), -1)
    bins[finite] = np.clip(np.searchsorted(edges, known, side="right") - 1, 0, len(edges) - 2)
    counts = np.bincount(bins[finite], minlength=len(edges) - 1)
    facts["histogram_edges"] = [float(edge) for edge in edges]
    facts["histogram_counts"] = [int(n) for n in counts]
    quartiles = quantiles(ordered, [0.25, 0.5, 0.75])
    if date:
        facts["minimum"], facts["maximum"] = _moment(ordered[0]), _moment(ordered[-1])
        facts["quartiles"] = [float(q) for q in quartiles]
    else:
        facts["minimum"], facts["maximum"] = float(ordered[0]), float(ordered[-1])
        facts["quartiles"] = [rounded(q) or 0.0 for q in quartiles]
        facts |= _moments(known)
        if facts["distinct"] <= _TOP:
            levels, n = np.unique(known, return_counts=True)
            facts["top"] = [(f"{v:g}", int(c)) for v, c in zip(levels, n, strict=True)]
    if outcome is not None:
        facts["target_by_bin"], facts["classes_by_bin"] = outcome.by(bins, len(edges) - 1)
    return facts


def _moments(known: np.ndarray) -> dict[str, float | None]:
    with np.errstate(over="ignore", invalid="ignore"):
        mean = known.mean()
        away = known - mean
        squares = away * away
        std = np.sqrt(squares.mean())
        skew = (squares * away).mean() / std**3 if std > 0 else 0.0
    return {"mean": rounded(mean), "std": rounded(std), "skew": rounded(skew)}


def _edges(ordered: np.ndarray) -> np.ndarray:
    """Return bin edges: one bin a value where there are few, else 20 of equal width.

    The outer bins take everything beyond the .5 % and 99.5 % quantiles when these lie far
    inside: one odd value must not squeeze all others into one bar.
    """
    distinct = np.unique(ordered) if len(ordered) <= 100_000 else np.unique(ordered[::37])
    low, high = float(ordered[0]), float(ordered[-1])
    if not math.isfinite(high - low):  # the span itself overflows
        return np.unique([low, 0.0, high])
    if low == high:
        return np.array([low - 0.5, high + 0.5]) if abs(low) < 1e15 else np.array([low, high])
    if len(distinct) <= _BINS and np.array_equal(distinct, np.round(distinct)):
        span = int(high - low)
        if span < 2 * _BINS:
            return np.arange(low - 0.5, high + 1.0)
    inner_low, inner_high = quantiles(ordered, [0.005, 0.995])
    if inner_high > inner_low and (high - low) > 4 * (inner_high - inner_low):
        return np.r_[low, np.linspace(inner_low, inner_high, _BINS - 1), high]
    return np.linspace(low, high, _BINS + 1)


def of_levels(
    found: np.ndarray, levels: list[str], outcome: TargetColumns | None
) -> dict[str, Any]:
    """Return the facts of categories (codes, -1 for missing, and levels) for a `ColumnProfile`."""
    counts = np.bincount(found[found >= 0], minlength=len(levels))
    least = np.partition(counts, -_TOP)[-_TOP] if len(counts) > _TOP else 0
    often = np.flatnonzero(counts >= least).tolist()
    # Ties in alphabetical order, so that the rows' order does not matter.
    order = heapq.nsmallest(_TOP, often, key=lambda k: (-counts[k], levels[k]))
    facts: dict[str, Any] = {
        "missing": int((found < 0).sum()),
        "distinct": len(levels),
        "top": [(levels[k][:_VALUE_LENGTH], int(counts[k])) for k in order],
    }
    if outcome is not None and len(levels):
        place = np.full(len(levels) + 1, -1)
        place[order] = np.arange(len(order))
        facts["target_by_bin"], facts["classes_by_bin"] = outcome.by(place[found], len(order))
    return facts


def _moment(seconds: float) -> str:
    return str(pd.Timestamp(seconds, unit="s").isoformat(sep=" ")).removesuffix(" 00:00:00")
