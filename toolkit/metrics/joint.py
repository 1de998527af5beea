"""Several models on the same resamples: their intervals, and those of their differences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toolkit.artifacts.base import Interval
from toolkit.metrics.base import Context, Metric
from toolkit.metrics.resampling import affordable, from_resamples, resamples, weighted

_MODELS_AT_FULL_PRICE = 4
"""So many models share the rows that `affordable` allows one; more are judged on fewer."""


@dataclass(frozen=True)
class Joint:
    """A metric of several models, on all rows and on common resamples.

    Attributes
    ----------
    values : dict of str to float or None
        On all rows.
    drawn : dict of str to array
        On each resample; NaN where it does not define the metric.
    wanted : int
        How many resamples were asked for: with fewer, intervals are normal ones.
    confidence : float
        Coverage of the intervals.
    """

    values: dict[str, float | None]
    drawn: dict[str, np.ndarray] = field(repr=False)
    wanted: int
    confidence: float

    def interval(self, name: str) -> Interval:
        """Return a model's value with its interval, as `bootstrap` would."""
        return self._interval(self.values[name], self.drawn[name])

    def difference(self, a: str, b: str) -> Interval:
        """Return model ``a`` minus model ``b``, as `paired_difference` would."""
        first, second = self.values[a], self.values[b]
        value = None if first is None or second is None else first - second
        return self._interval(value, self.drawn[a] - self.drawn[b])

    def _interval(self, value: float | None, drawn: np.ndarray) -> Interval:
        if value is None or not len(drawn):
            return Interval(value=value)
        known = drawn[~np.isnan(drawn)]
        return from_resamples(
            value, known, wanted=self.wanted, taken=len(drawn), confidence=self.confidence
        )


def joint(
    metric: Metric,
    actual: Any,
    scores: dict[str, Any],
    context: Context,
    *,
    resamples: int = 300,
    confidence: float = 0.95,
    seed: int = 7,
    weights: Any = None,
) -> Joint:
    """Judge several models on common resamples, each drawn once.

    Parameters
    ----------
    metric : Metric
        The metric.
    actual : array of shape (n,)
        Labels, their codes, or numbers.
    scores : dict of str to array
        By model, (n, k) or (n,).
    context : Context
        The task, its classes, threshold and costs.
    resamples, confidence, seed
        As for `bootstrap`; where rows times models are many, fewer resamples are taken.
    weights : array of shape (n,), optional
        How much each row counts.
    """
    rows = len(actual)
    if rows == 0:
        nothing: dict[str, float | None] = dict.fromkeys(scores)
        return Joint(nothing, {name: np.empty(0) for name in scores}, resamples, confidence)
    statistics = {
        name: weighted(metric.statistic(actual, given, context), weights)
        for name, given in scores.items()
    }
    whole = np.ones(rows)
    values = {name: statistic(whole) for name, statistic in statistics.items()}
    share = max(1, len(scores) // _MODELS_AT_FULL_PRICE)
    count = affordable(rows, resamples, share) if rows > 1 else 0
    drawn = {name: np.full(count, np.nan) for name in scores}
    for place, draws in enumerate(_weights(rows, count, seed)):
        for name, statistic in statistics.items():
            value = statistic(draws)
            drawn[name][place] = np.nan if value is None else value
    return Joint(values, drawn, resamples, confidence)


_weights = resamples  # `joint` has a parameter of that name
