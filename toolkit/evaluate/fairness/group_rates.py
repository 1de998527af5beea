"""Rates by group, which groups can be compared, and the largest difference between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.artifacts import Interval
from toolkit.metrics import COMPARED, RATE_ROWS, wilson
from toolkit.metrics.base import Sums

RATES = ("selection_rate", "true_positive_rate", "false_positive_rate", "precision")


def rate_rows(rate: str, actual: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """Return which rows a rate is over: all, positives, negatives, or those decided positive."""
    if rate == "true_positive_rate":
        return actual
    if rate == "false_positive_rate":
        return ~actual
    return decided if rate == "precision" else np.ones(len(actual), dtype=bool)


def _sums(
    rate: str, actual: np.ndarray, decided: np.ndarray, error: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return whether a row counts for a rate (0 or 1), and what it adds to its sum."""
    base = (rate_rows(rate, actual, decided) & inside).astype(np.float64)
    if rate == "error":
        return base, np.where(inside, error, 0.0)
    return base, base * (actual if rate == "precision" else decided)


def group_rates(
    actual: np.ndarray, decided: np.ndarray, confidence: float = 0.95
) -> dict[str, Interval]:
    """Return the rates of one group with Wilson's intervals; None where no row counts.

    Parameters
    ----------
    actual, decided : ndarray of bool, shape (n,)
        Whether a row is positive, and whether the model decides so.
    confidence : float
        Coverage of the intervals.
    """
    result = {}
    for rate in RATES:
        base = rate_rows(rate, actual, decided)
        hits = actual if rate == "precision" else decided
        result[rate] = share_interval(int((base & hits).sum()), int(base.sum()), confidence)
    return result


def share_interval(found: float, rows: float, confidence: float) -> Interval:
    """Return a share with Wilson's interval, which holds its level on few rows; None of no rows."""
    if not rows:
        return Interval(value=None)
    low, high = wilson(found, rows, confidence)
    return Interval(value=found / rows, low=low, high=high)


def mean_interval(
    values: np.ndarray, confidence: float, spread: float, weights: np.ndarray | None = None
) -> Interval:
    """Return a mean with Student's interval, on the effective rows where rows have weights.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        None has no mean.
    confidence : float
        Coverage.
    spread : float
        The variance that one more observation is taken to have, as in `compare`.
    weights : ndarray of float64, shape (n,), optional
        How much each row counts.
    """
    counted = np.ones(len(values)) if weights is None else weights
    total = float(counted.sum())
    if not total:
        return Interval(value=None)
    effective = total**2 / float(counted @ counted)
    mean = float(counted @ values) / total
    squares = float(counted @ (values - mean) ** 2) / total * effective
    reach = float(_reach(squares, effective, spread, confidence))
    if not np.isfinite([mean, reach]).all():
        return Interval(value=None)  # numbers so large that they overflow
    return Interval(value=mean, low=mean - reach, high=mean + reach)


def _reach(squares: Any, rows: Any, spread: float, confidence: float) -> Any:
    """Return how far Student's interval of a mean reaches: the squares are those of deviations."""
    from scipy import stats

    return stats.t.ppf((1 + confidence) / 2, rows) * np.sqrt((squares + spread) / rows / rows)


def fairness_statistic(
    name: str, actual: np.ndarray, decided: np.ndarray, error: np.ndarray, groups: np.ndarray
) -> Sums:
    """Return a fairness metric as a function of row weights.

    The largest minus the smallest rate over the groups; for equalized odds the larger
    difference of the two error rates (as in fairlearn). ``group_error_difference`` compares
    the mean of ``error``. With fewer than two groups, or where a group has no row that
    counts, the metric is None.

    Parameters
    ----------
    name : str
        One of `toolkit.project.model.FairnessMetric`, but not ``none``.
    actual, decided : ndarray of bool, shape (n,)
        Binary: whether a row is positive, and is decided so. Else unused.
    error : ndarray of float, shape (n,)
        Each row's error, for ``group_error_difference``.
    groups : ndarray of int64, shape (n,)
        Each row's group; -1 leaves it out.
    """
    inside = groups >= 0
    member = (groups[:, None] == np.unique(groups[inside])).astype(np.float64)
    shape = len(COMPARED[name]), 2, member.shape[1]
    sums = [_sums(rate, actual, decided, error, inside) for rate in COMPARED[name]]
    columns = np.hstack([each[:, None] * member for pair in sums for each in pair])

    def finish(found: np.ndarray) -> np.ndarray:
        if shape[2] < 2:
            return np.full(len(found), np.nan)
        base, hits = np.moveaxis(found.reshape(-1, *shape), 2, 0)
        gaps = np.ptp(hits / base, axis=2).max(axis=1)
        return np.where(base.all(axis=(1, 2)), gaps, np.nan)

    return Sums(columns, finish)


@dataclass(frozen=True)
class GroupComparison:
    """Groups side by side.

    Attributes
    ----------
    name : str
        The fairness metric.
    minimum : int
        How many rows a group needs, of those that a compared rate is over.
    base : dict of str to ndarray of int64, shape (groups,)
        By compared rate: how many rows of each group it is over.
    judged : ndarray of bool, shape (groups,)
        Which groups have enough of them, for every compared rate.
    difference : Interval
        The fairness metric over those; None with fewer than two of them.
    """

    name: str
    minimum: int
    base: dict[str, np.ndarray]
    judged: np.ndarray
    difference: Interval

    def lacks(self, place: int) -> str:
        """Return what a group has too few of, such as ``1 positive``; empty if it is judged."""
        counts = {RATE_ROWS[rate]: int(rows[place]) for rate, rows in self.base.items()}
        return ", ".join(
            f"{n or 'no'} {word[:-1] if n == 1 else word}"
            for word, n in counts.items()
            if n < self.minimum
        )

    def needed(self) -> str:
        """Return what a group needs to be compared, such as ``at least 30 positives``."""
        words = " and ".join(RATE_ROWS[rate] for rate in COMPARED[self.name])
        return f"at least {self.minimum} {words[:-1] if self.minimum == 1 else words}"


def compare(
    name: str,
    actual: np.ndarray,
    decided: np.ndarray,
    error: np.ndarray,
    groups: np.ndarray,
    *,
    count: int,
    minimum: int,
    confidence: float,
    shares: bool = True,
    rows: np.ndarray | None = None,
) -> GroupComparison:
    """Compare the groups that have enough rows which the metric's rates are over.

    The interval is in closed form, so it holds on few rows, contains the difference and never
    leaves what is possible. Each pair of groups gets the interval of a difference that follows
    from the two groups' own (Newcombe 1998, "Interval estimation for the difference between
    independent proportions", method 10; Zou and Donner 2008 for means). A group's own is
    Wilson's for shares. For means of numbers it is Student's, with one more observation at the
    spread of all rows in the variance (after Smyth 2004), so that a few equal errors do not
    read as certainty. Coverage is divided by the number of pairs and rates (Bonferroni): all
    hold at once, and so do the largest of their lower and of their upper bounds.

    Parameters
    ----------
    name, actual, decided, error, groups
        As in `fairness_statistic`.
    count : int
        How many groups there are, those without rows included.
    minimum : int
        Rows, of those that a rate is over, below which a group is not compared.
    confidence : float
        Coverage of the interval.
    shares : bool
        Whether ``error`` is 0 or 1, not a number.
    rows : ndarray of float64, shape (n,), optional
        How many rows each entry stands for; one by default.
    """
    weights = np.ones(len(groups)) if rows is None else rows
    inside, codes = groups >= 0, np.where(groups >= 0, groups, 0)
    sums = {rate: _sums(rate, actual, decided, error, inside) for rate in COMPARED[name]}
    totals = {rate: np.bincount(codes, weights * base, count) for rate, (base, _) in sums.items()}
    # A single number has no spread.
    least = max(minimum, 1 if shares else 2)
    judged = np.logical_and.reduce([total >= least for total in totals.values()])
    base = {rate: np.rint(total).astype(np.int64) for rate, total in totals.items()}
    kept, unknown = np.flatnonzero(judged), Interval(value=None)
    if len(kept) < 2:
        return GroupComparison(name, least, base, judged, unknown)
    tail = (1 - confidence) / (len(kept) * (len(kept) - 1) // 2 * len(sums))
    gaps = []
    for rate, (_, hits) in sums.items():
        found = np.bincount(codes, weights * hits, count)
        if shares:
            own = _of_shares(found[kept], totals[rate][kept], 1 - tail)
        else:
            squares = np.bincount(codes, weights * hits**2, count)
            own = _of_means(found[kept], squares[kept], totals[rate][kept], 1 - tail)
        gaps.append(_largest_gap(*own))
    value, low, high = np.max(gaps, axis=0).tolist()
    finite = np.isfinite([value, low, high]).all()
    difference = Interval(value=value, low=low, high=high) if finite else unknown
    return GroupComparison(name, least, base, judged, difference)


def _of_shares(
    found: np.ndarray, rows: np.ndarray, confidence: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    bounds = [wilson(x, n, confidence) for x, n in zip(found, rows, strict=True)]
    low, high = np.array(bounds).T
    return found / rows, low, high


def _of_means(
    sums: np.ndarray, squares: np.ndarray, rows: np.ndarray, confidence: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    means, everyone = sums / rows, rows.sum()
    spread = max(squares.sum() / everyone - (sums.sum() / everyone) ** 2, 0.0)
    reach = _reach(np.maximum(squares - rows * means**2, 0.0), rows, spread, confidence)
    # Errors are sizes: their mean cannot be negative.
    return means, np.maximum(means - reach, 0.0), means + reach


def _largest_gap(
    values: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[float, float, float]:
    """Return the largest difference of values, and its bounds, from each value's own bounds."""
    gap = values[:, None] - values[None, :]
    below, above = (values - low) ** 2, (high - values) ** 2
    least = gap - np.sqrt(below[:, None] + above[None, :])
    most = gap + np.sqrt(above[:, None] + below[None, :])
    # Over both orders of a pair: the upper bound of one is minus the lower bound of the other.
    return float(gap.max()), max(float(least.max()), 0.0), float(most.max())


def fairness_verdict(difference: Interval, limit: float) -> str:
    """Return within, beyond, unclear (the interval spans the limit), or cannot be judged."""
    if difference.low is None or difference.high is None:
        return "cannot be judged"
    if difference.high <= limit:
        return "within"
    return "beyond" if difference.low > limit else "unclear"
