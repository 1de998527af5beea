"""Bootstrap intervals.

Rows are drawn with replacement, each as likely as another. The draw is not stratified: how
many rows of each class a test part holds is chance too, and an interval that leaves that
out is too narrow for accuracy, log loss or cost. A resample that has lost a class and so does
not define the metric is left out; where more than half are, there is no interval.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from toolkit.artifacts.base import Interval
from toolkit.metrics.base import Context, Metric, Statistic

_ROW_BUDGET = 60_000_000  # rows drawn in all: a few seconds for a metric that has to rank
_FEWEST = 50


def resamples(n: int, count: int, seed: int) -> Iterator[np.ndarray]:
    """Give, for each resample, how often each of the ``n`` rows was drawn (float64)."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        draws = generator.integers(0, n, size=n, dtype=np.int64)
        yield np.bincount(draws, minlength=n).astype(np.float64)


def interval(
    statistic: Callable[[np.ndarray], float | None],
    n: int,
    *,
    resamples: int = 300,
    confidence: float = 0.95,
    seed: int = 7,
) -> Interval:
    """Return a statistic of weighted rows with its bootstrap interval.

    Percentiles of the resampled values (Efron and Tibshirani 1993, chapter 13). Beyond
    60 million rows drawn (200,000 rows at 300 resamples) fewer resamples are taken, at least
    50, and the interval is the value plus and minus the normal quantile times their standard
    deviation: at that size the two agree and the time stays bounded.

    Parameters
    ----------
    statistic : callable
        Takes weights of shape (n,) and gives a number, or None where it is not defined.
    n : int
        Rows.
    resamples : int
        How many resamples.
    confidence : float
        Coverage, between 0 and 1.
    seed : int
        Equal seeds and sizes draw equal rows, so that differences are paired.
    """
    if n == 0:
        return Interval(value=None)
    value = statistic(np.ones(n))
    if value is None or not np.isfinite(value):
        return Interval(value=None)
    if n < 2:
        return Interval(value=value)
    count = affordable(n, resamples)
    known = [x for w in _weights(n, count, seed) if (x := statistic(w)) is not None]
    return from_resamples(value, known, wanted=resamples, taken=count, confidence=confidence)


_weights = resamples  # `interval` has a parameter of that name


def affordable(n: int, wanted: int, models: int = 1) -> int:
    """Return how many resamples of ``n`` rows are taken, at least 50 if so many are wanted."""
    return min(wanted, max(_FEWEST, _ROW_BUDGET // max(n * models, 1)))


def from_resamples(
    value: float,
    known: Any,
    *,
    wanted: int,
    taken: int,
    confidence: float,
) -> Interval:
    """Return the interval of a value from what it was on resamples; see `interval`.

    It always holds the value, which percentiles of a skewed statistic may leave out. A value
    that overflowed is none.
    """
    if not np.isfinite(value):
        return Interval(value=None)
    if len(known) * 2 <= taken:
        return Interval(value=value)
    tail = (1 - confidence) / 2
    if taken == wanted:
        low, high = np.quantile(known, [tail, 1 - tail])
    else:
        from statistics import NormalDist

        reach = NormalDist().inv_cdf(1 - tail) * np.std(known, ddof=1)
        low, high = value - reach, value + reach
    if not np.isfinite([low, high]).all():
        return Interval(value=value)
    return Interval(value=value, low=min(float(low), value), high=max(float(high), value))


def weighted(statistic: Statistic, weights: Any = None) -> Statistic:
    """Return a statistic in which each row counts by its weight, times how often it is drawn."""
    if weights is None:
        return statistic
    counted = np.asarray(weights, dtype=np.float64)
    return lambda drawn: statistic(drawn * counted)


def bootstrap(
    metric: Metric,
    actual: Any,
    scores: Any,
    context: Context,
    *,
    resamples: int = 300,
    confidence: float = 0.95,
    seed: int = 7,
    weights: Any = None,
) -> Interval:
    """Return a metric with its bootstrap interval; see `interval`.

    Rows that count for more (`weights`, shape (n,)) are not drawn more often: a row drawn
    twice counts twice its weight.
    """
    rows = len(actual)
    if rows == 0:
        return Interval(value=None)
    statistic = weighted(metric.statistic(actual, scores, context), weights)
    return interval(statistic, rows, resamples=resamples, confidence=confidence, seed=seed)


def paired_difference(
    metric: Metric,
    actual: Any,
    a: Any,
    b: Any,
    context: Context,
    *,
    resamples: int = 300,
    confidence: float = 0.95,
    seed: int = 7,
    weights: Any = None,
) -> Interval:
    """Return a metric of scores ``a`` minus that of ``b`` on the same rows, with its interval.

    Both are computed on the same resamples: what makes a row hard for both cancels.
    """
    rows = len(actual)
    if rows == 0:
        return Interval(value=None)
    first = weighted(metric.statistic(actual, a, context), weights)
    second = weighted(metric.statistic(actual, b, context), weights)

    def difference(weights: np.ndarray) -> float | None:
        x, y = first(weights), second(weights)
        return None if x is None or y is None else x - y

    return interval(difference, rows, resamples=resamples, confidence=confidence, seed=seed)
