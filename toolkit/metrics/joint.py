"""Several models on the same resamples: their intervals, and those of their differences.

The best of many models is also the one that chance favoured. What it is worth without that is
read off the same resamples (Tsamardinos, Greasidou and Borboudakis 2018, "Bootstrapping the
out-of-sample predictions for efficient and accurate cross-validation", Machine Learning 107,
1895): each resample chooses its own winner, and the rows that it left out judge it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toolkit.artifacts.base import Interval
from toolkit.metrics.base import Context, Metric, Statistic
from toolkit.metrics.resampling import (
    DEFAULT,
    Resampling,
    affordable,
    draws,
    on_resamples,
    weighted,
)

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
    resampling : Resampling
        With fewer resamples than it asks for, intervals are normal ones.
    """

    values: dict[str, float | None]
    drawn: dict[str, np.ndarray] = field(repr=False)
    resampling: Resampling
    left_out: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    """For each resample, the metric on the rows that it left out: of the contender that did best
    on the resample, under the name ``""``; of the one that did best on all rows; and of every
    model that is no contender."""

    def interval(self, name: str) -> Interval:
        """Return a model's value with its interval, as `bootstrap` would."""
        return self._interval(self.values[name], self.drawn[name])

    def difference(self, a: str, b: str) -> Interval:
        """Return model ``a`` minus model ``b``, as `paired_difference` would."""
        first, second = self.values[a], self.values[b]
        value = None if first is None or second is None else first - second
        return self._interval(value, self.drawn[a] - self.drawn[b])

    def beside_winner(self, name: str) -> Interval:
        """Return model ``name`` minus the best contender, on rows that did not choose that.

        Of the contender that is best on all rows, it is the selection bias of its score.
        """
        drawn = self.left_out.get(name, np.empty(0)) - self.left_out.get("", np.empty(0))
        known = drawn[np.isfinite(drawn)]
        return self._interval(float(known.mean()) if len(known) else None, drawn)

    def _interval(self, value: float | None, drawn: np.ndarray) -> Interval:
        if value is None or not len(drawn):
            return Interval(value=value)
        known = drawn[~np.isnan(drawn)]
        return self.resampling.interval_of(value, known, len(drawn))


def joint(
    metric: Metric,
    actual: Any,
    scores: dict[str, Any],
    context: Context,
    *,
    resampling: Resampling = DEFAULT,
    weights: Any = None,
    contenders: Sequence[str] = (),
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
    resampling : Resampling
        As for `bootstrap`; where rows times models are many, fewer resamples are taken.
    weights : array of shape (n,), optional
        How much each row counts.
    contenders : sequence of str
        Models of which the best is to be chosen, for `Joint.beside_winner`.
    """
    rows = len(actual)
    if rows == 0:
        nothing: dict[str, float | None] = dict.fromkeys(scores)
        return Joint(nothing, {name: np.empty(0) for name in scores}, resampling)
    statistics = {
        name: weighted(metric.statistic(actual, given, context), weights)
        for name, given in scores.items()
    }
    whole = np.ones(rows)
    values = {name: statistic(whole) for name, statistic in statistics.items()}
    share = max(1, len(scores) // _MODELS_AT_FULL_PRICE)
    count = affordable(rows, resampling.count, share) if rows > 1 else 0
    top = _best({name: _number(values[name]) for name in contenders}, metric)
    beside = [name for name in scores if name == top or name not in set(contenders)]
    counted = whole if weights is None else np.asarray(weights)
    parts: list[dict[str, np.ndarray]] = []
    left: list[dict[str, np.ndarray]] = []
    for block in draws(rows, count, resampling.seed, resampling.blocks):
        seen = {name: on_resamples(each, block) for name, each in statistics.items()}
        parts.append(seen)
        if top is not None:
            rest = (block == 0).astype(np.float64)
            some = np.einsum("rn,n->r", rest, counted) > 0
            left.append(_left_out(statistics, seen, rest, some, metric, contenders, beside))
    names = ["", *beside] if left else []
    return Joint(
        values,
        {name: _joined(parts, name) for name in scores},
        resampling,
        {name: _joined(left, name) for name in names},
    )


def _joined(parts: list[dict[str, np.ndarray]], name: str) -> np.ndarray:
    return np.concatenate([part[name] for part in parts]) if parts else np.empty(0)


def _left_out(  # noqa: PLR0917
    statistics: dict[str, Statistic],
    seen: dict[str, np.ndarray],
    rest: np.ndarray,
    some: np.ndarray,
    metric: Metric,
    contenders: Sequence[str],
    beside: list[str],
) -> dict[str, np.ndarray]:
    """Return `Joint.left_out` of a block of resamples."""
    count = len(rest)
    best = [_best({n: float(seen[n][i]) for n in contenders}, metric) for i in range(count)]
    found = {name: np.full(count, np.nan) for name in ["", *beside]}
    for name, statistic in statistics.items():
        mine = np.array([each == name for each in best]) & some
        wanted = some & np.array([each is not None for each in best]) if name in beside else mine
        if not wanted.any():
            continue
        values = np.full(count, np.nan)
        values[wanted] = on_resamples(statistic, rest[wanted])
        found[""][mine] = values[mine]
        if name in beside:
            found[name] = values
    return found


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _best(values: dict[str, float], metric: Metric) -> str | None:
    known = {name: value for name, value in values.items() if np.isfinite(value)}
    if not known:
        return None
    sign = -1 if metric.greater_is_better else 1
    return min(known, key=lambda name: (sign * known[name], name))
