"""Rates by group, and how far groups are apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from toolkit.artifacts import Interval
from toolkit.metrics import wilson

RATES = ("selection_rate", "true_positive_rate", "false_positive_rate", "precision")

COMPARED = {
    "demographic_parity_difference": ("selection_rate",),
    "equal_opportunity_difference": ("true_positive_rate",),
    "equalized_odds_difference": ("true_positive_rate", "false_positive_rate"),
    "predictive_parity_difference": ("precision",),
}
"""The rates that a fairness metric compares."""


def _parts(rate: str, actual: np.ndarray, decided: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows count for a rate, and which of them are hits."""
    everyone = np.ones(len(actual), dtype=bool)
    base = {
        "selection_rate": everyone,
        "true_positive_rate": actual,
        "false_positive_rate": ~actual,
        "precision": decided,
    }[rate]
    return base, base & (actual if rate == "precision" else decided)


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
        base, hits = _parts(rate, actual, decided)
        rows, found = int(base.sum()), int(hits.sum())
        if not rows:
            result[rate] = Interval(value=None)
            continue
        low, high = wilson(found, rows, confidence)
        result[rate] = Interval(value=found / rows, low=low, high=high)
    return result


def fairness_statistic(
    name: str, actual: np.ndarray, decided: np.ndarray, error: np.ndarray, groups: np.ndarray
) -> Callable[[np.ndarray], float | None]:
    """Return a fairness metric as a function of row weights.

    The largest minus the smallest rate over the groups; for equalized odds the larger
    difference of the two error rates (as in fairlearn). ``group_error_difference`` compares
    the mean of ``error``. Groups without a row that counts are left out; with fewer than two
    left, or for equalized odds with either rate undefined, the metric is None.

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
    codes = np.where(inside, groups, 0)
    count = int(groups.max(initial=-1)) + 1
    if name == "group_error_difference":
        pairs = [(inside.astype(np.float64), np.where(inside, error, 0.0))]
    else:
        pairs = []
        for rate in COMPARED[name]:
            base, hits = _parts(rate, actual, decided)
            pairs.append(((base & inside).astype(float), (hits & inside).astype(float)))

    def value(weights: np.ndarray) -> float | None:
        gaps = []
        for base, hits in pairs:
            total = np.bincount(codes, weights * base, count)
            known = total > 0
            if known.sum() < 2:
                return None
            rates = np.bincount(codes, weights * hits, count)[known] / total[known]
            gaps.append(float(rates.max() - rates.min()))
        return max(gaps)

    return value


def fairness_verdict(difference: Interval, limit: float) -> str:
    """Return within, beyond, unclear (the interval spans the limit), or not judged."""
    if difference.low is None or difference.high is None:
        return "not judged"
    if difference.high <= limit:
        return "within"
    return "beyond" if difference.low > limit else "unclear"


def not_below_zero(interval: Interval) -> Interval:
    """Return an interval of a difference that cannot be negative, cut at 0."""
    if interval.low is None or interval.high is None:
        return interval
    return Interval(value=interval.value, low=max(0.0, interval.low), high=max(0.0, interval.high))


def paired_confidence(confidence: float, groups: int) -> float:
    """Return the coverage for the largest difference between several groups.

    The more pairs of groups, the larger the largest difference by chance (Bonferroni).
    """
    return 1 - (1 - confidence) / max(groups * (groups - 1) // 2, 1)
