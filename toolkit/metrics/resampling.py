"""Bootstrap intervals.

Rows are drawn with replacement, each as likely as another. The draw is not stratified: how
many rows of each class a test part holds is chance too, and an interval that leaves that
out is too narrow for accuracy, log loss or cost. A resample that has lost a class and so does
not define the metric is left out; where more than half are, there is no interval.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.artifacts.base import Interval
from toolkit.metrics.base import Context, Metric, Statistic
from toolkit.project.model import RESAMPLES, Project

_ROW_BUDGET = 240_000_000  # rows drawn in all: seconds for a metric that has to rank
_FEWEST = 200
_CELLS = 2_000_000  # of a block of resamples
_KEPT = 100_000_000  # bytes of the last draws that are kept


@dataclass(frozen=True)
class Resampling:
    """How rows are drawn for bootstrap intervals.

    Attributes
    ----------
    count : int
        How many resamples are asked for.
    confidence : float
        Coverage of the intervals, between 0 and 1.
    seed : int
        Equal seeds and sizes draw equal rows, so that differences are paired.
    blocks : array of int, shape (n,), optional
        Rows of one number are drawn together: persons, or stretches of time.
    """

    count: int = RESAMPLES
    confidence: float = 0.95
    seed: int = 7
    blocks: np.ndarray | None = None

    @classmethod
    def of(cls, project: Project, blocks: np.ndarray | None = None) -> Resampling:
        """Return what a project asks for."""
        return cls(project.explain.bootstrap, project.explain.confidence, project.seed, blocks)

    def at(self, rows: np.ndarray) -> Resampling:
        """Return that of the rows at some positions."""
        return self if self.blocks is None else replace(self, blocks=self.blocks[rows])

    def interval_of(self, value: float, known: Any, taken: int) -> Interval:
        """Return the interval of a value from what it was on resamples; see `interval`.

        It always holds the value, which percentiles of a skewed statistic may leave out. A value
        that overflowed is none.

        Parameters
        ----------
        value : float
            On all rows.
        known : array
            On those of the `taken` resamples that define it.
        taken : int
            How many resamples there were.
        """
        if not np.isfinite(value):
            return Interval(value=None)
        if len(known) * 2 <= taken:
            return Interval(value=value)
        tail = (1 - self.confidence) / 2
        if taken == self.count:
            low, high = np.quantile(known, [tail, 1 - tail])
        else:
            from statistics import NormalDist

            reach = NormalDist().inv_cdf(1 - tail) * np.std(known, ddof=1)
            low, high = value - reach, value + reach
        if not np.isfinite([low, high]).all():
            return Interval(value=value)
        return Interval(value=value, low=min(float(low), value), high=max(float(high), value))


DEFAULT = Resampling()


def resamples(
    n: int, count: int, seed: int, blocks: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """Give, for each resample, how often each of the ``n`` rows was drawn (float64).

    Parameters
    ----------
    n, count, seed : int
        Rows, resamples, and what makes equal draws of equal sizes.
    blocks : array of int, shape (n,), optional
        Rows of one number are drawn together: persons, or stretches of time.
    """
    for block in draws(n, count, seed, blocks):
        yield from block


def draws(n: int, count: int, seed: int, blocks: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Give `resamples` many at a time, as float64 of shape (resamples, n)."""
    codes = None if blocks is None else np.unique(blocks, return_inverse=True)[1]
    size = n if codes is None else int(codes.max(initial=-1)) + 1
    step = max(1, _CELLS // max(n, 1))
    kept = _counts(size, count, seed) if size * count <= _KEPT else None
    generator = np.random.default_rng(seed)
    for start in range(0, count, step):
        stop = min(start + step, count)
        block = _draw(generator, size, stop - start) if kept is None else kept[start:stop]
        yield (block if codes is None else block[:, codes]).astype(np.float64)


def _draw(generator: np.random.Generator, n: int, count: int) -> np.ndarray:
    made = np.empty((count, n), dtype=np.uint8)
    for row in made:
        np.minimum(
            np.bincount(generator.integers(0, n, size=n, dtype=np.int64), minlength=n),
            255, out=row, casting="unsafe",
        )  # fmt: skip
    return made


@functools.lru_cache(maxsize=2)
def _counts(n: int, count: int, seed: int) -> np.ndarray:
    return _draw(np.random.default_rng(seed), n, count)


def on_resamples(statistic: Statistic, weights: np.ndarray) -> np.ndarray:
    """Return a statistic on each of many resamples, (r,); NaN where it is not defined.

    Parameters
    ----------
    statistic : callable
        One with a method ``many`` is asked once for all.
    weights : ndarray of float64, shape (r, n)
    """
    many = getattr(statistic, "many", None)
    if many is not None:
        together: np.ndarray = many(weights)
        return together
    found = [statistic(each) for each in weights]
    return np.array([np.nan if value is None else value for value in found], dtype=np.float64)


def interval(statistic: Statistic, n: int, resampling: Resampling = DEFAULT) -> Interval:
    """Return a statistic of weighted rows with its bootstrap interval.

    Percentiles of the resampled values (Efron and Tibshirani 1993, chapter 13). Beyond
    240 million rows drawn (120,000 rows at 2,000 resamples) fewer resamples are taken, at
    least 200, and the interval is the value plus and minus the normal quantile times their standard
    deviation: at that size the two agree and the time stays bounded.

    Parameters
    ----------
    statistic : callable
        Takes weights of shape (n,) and gives a number, or None where it is not defined.
    n : int
        Rows.
    resampling : Resampling
        How they are drawn.
    """
    if n == 0:
        return Interval(value=None)
    value = statistic(np.ones(n))
    if value is None or not np.isfinite(value):
        return Interval(value=None)
    blocks = resampling.blocks
    if n < 2 or (blocks is not None and len(np.unique(blocks)) < 2):
        return Interval(value=value)
    count = affordable(n, resampling.count)
    found = [on_resamples(statistic, each) for each in draws(n, count, resampling.seed, blocks)]
    known = np.concatenate(found)
    return resampling.interval_of(value, known[~np.isnan(known)], count)


def affordable(n: int, wanted: int, models: int = 1) -> int:
    """Return how many resamples of ``n`` rows are taken, at least 200 if so many are wanted."""
    return min(wanted, max(_FEWEST, _ROW_BUDGET // max(n * models, 1)))


def weighted(statistic: Statistic, weights: Any = None) -> Statistic:
    """Return a statistic in which each row counts by its weight, times how often it is drawn."""
    if weights is None:
        return statistic
    counted = np.asarray(weights, dtype=np.float64)
    own = getattr(statistic, "weighted", None)
    if own is not None:
        together: Statistic = own(counted)
        return together
    return lambda drawn: statistic(drawn * counted)


def bootstrap(
    metric: Metric,
    actual: Any,
    scores: Any,
    context: Context,
    *,
    resampling: Resampling = DEFAULT,
    weights: Any = None,
) -> Interval:
    """Return a metric with its bootstrap interval; see `interval`.

    Rows that count for more (`weights`, shape (n,)) are not drawn more often: a row drawn
    twice counts twice its weight.
    """
    rows = len(actual)
    if rows == 0:
        return Interval(value=None)
    return interval(weighted(metric.statistic(actual, scores, context), weights), rows, resampling)


def paired_difference(
    metric: Metric,
    actual: Any,
    a: Any,
    b: Any,
    context: Context,
    *,
    resampling: Resampling = DEFAULT,
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
    return interval(Difference(first, second), rows, resampling)


@dataclass(frozen=True)
class Difference:
    """A statistic less another of the same rows."""

    first: Statistic
    second: Statistic

    def __call__(self, weights: np.ndarray) -> float | None:
        """Return the difference for one weight a row."""
        x, y = self.first(weights), self.second(weights)
        return None if x is None or y is None else x - y

    def many(self, weights: np.ndarray) -> np.ndarray:
        """Return it on each of many resamples."""
        return on_resamples(self.first, weights) - on_resamples(self.second, weights)
