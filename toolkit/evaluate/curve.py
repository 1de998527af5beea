"""What ways to decide bring and cost on the test rows, all on the same resamples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toolkit import metrics
from toolkit.artifacts import GroupRates, Interval, TradeOffPoint
from toolkit.evaluate.conditions import Conditions
from toolkit.evaluate.fairness import (
    fairness_statistic,
    fairness_verdict,
    group_rates,
    not_below_zero,
    paired_confidence,
)
from toolkit.evaluate.scored import Scored
from toolkit.metrics.resampling import affordable, from_resamples

_DIFFERENCE, _ACCURACY, _COST = range(3)


@dataclass(frozen=True)
class Policy:
    """A way to decide on the test rows, not yet judged.

    Attributes
    ----------
    method, column, strength
        As in `TradeOffPoint`.
    decided : ndarray of bool, shape (n,)
        Whether each test row is decided positive.
    unmitigated : ndarray of bool, shape (n,)
        What the same model decides without mitigation.
    thresholds : dict of str to float
        By group, for the method thresholds.
    fallback : float, optional
        The threshold of other rows.
    """

    method: str
    column: str
    strength: float
    decided: np.ndarray
    unmitigated: np.ndarray
    thresholds: dict[str, float] = field(default_factory=dict)
    fallback: float | None = None

    @property
    def name(self) -> str:
        """What `fairness.mitigation` calls it."""
        return f"{self.method} {self.column} {self.strength:g}"


def judge_policies(
    policies: Sequence[Policy],
    scored: Scored,
    parts: dict[str, Conditions],
    *,
    metric: str,
    limit: float,
    minimum_group: int,
) -> list[TradeOffPoint]:
    """Return the policies with what they bring and cost.

    Differences, accuracy and cost are functions of one table of counts (group, actual class,
    decision), so that a resample is counted once for each policy and not once for each number.
    As in `compare_groups`, rates and differences count rows alike; accuracy and cost count them
    by their weight, where there is one.

    Parameters
    ----------
    policies : sequence of Policy
        All of one binary model's or stand-in's test rows.
    scored : Scored
        The test rows.
    parts : dict of str to Conditions
        The groups of each column, on the test rows.
    metric : str
        The fairness metric.
    limit : float
        Its limit.
    minimum_group : int
        Groups with fewer rows are not judged.
    """
    judges = {name: _Judge(scored, part, metric, minimum_group) for name, part in parts.items()}
    plain = {
        (policy.column, policy.unmitigated.tobytes()): policy.unmitigated for policy in policies
    }
    cells = [judges[p.column].cells(p.decided) for p in policies]
    base_cells = {key: judges[key[0]].cells(decided) for key, decided in plain.items()}
    taken = affordable(len(scored.part), scored.resamples)

    def numbers(weights: np.ndarray) -> np.ndarray:
        base = {key: judges[key[0]].numbers(each, weights) for key, each in base_cells.items()}
        rows = []
        for policy, each in zip(policies, cells, strict=True):
            mine = judges[policy.column].numbers(each, weights)
            rows.append([mine, mine - base[policy.column, policy.unmitigated.tobytes()]])
        return np.array(rows)

    values = numbers(np.ones(len(scored.part)))
    drawn = [
        numbers(weights) for weights in metrics.resamples(len(scored.part), taken, scored.seed)
    ]
    table = np.array(drawn).reshape(taken, len(policies), 2, 3)
    return [
        _point(policy, judges[policy.column], scored, limit, (values[i], table[:, i]))
        for i, policy in enumerate(policies)
    ]


def _point(
    policy: Policy,
    judge: _Judge,
    scored: Scored,
    limit: float,
    numbers: tuple[np.ndarray, np.ndarray],
) -> TradeOffPoint:
    values, drawn = numbers

    def interval(change: int, number: int, **how: Any) -> Interval:
        value, known = values[change, number], drawn[:, change, number]
        if np.isnan(value):
            return Interval(value=None)
        how = {"confidence": scored.confidence, **how}
        return from_resamples(
            float(value), known[~np.isnan(known)], wanted=scored.resamples, taken=len(drawn), **how
        )

    spread = not_below_zero(
        interval(0, _DIFFERENCE, basic=True,
                 confidence=paired_confidence(scored.confidence, judge.judged))
    )  # fmt: skip
    return TradeOffPoint.model_validate(
        {
            "name": policy.name,
            "method": policy.method,
            "column": policy.column,
            "strength": policy.strength,
            "thresholds": policy.thresholds,
            "fallback": policy.fallback,
            "difference": spread,
            "verdict": fairness_verdict(spread, limit),
            "accuracy": interval(0, _ACCURACY),
            "cost": interval(0, _COST),
            "difference_change": interval(1, _DIFFERENCE),
            "accuracy_change": interval(1, _ACCURACY),
            "cost_change": interval(1, _COST),
            "changed": float((policy.decided != policy.unmitigated).mean()),
            "groups": judge.groups(policy.decided),
        }
    )


class _Judge:
    """The test rows by group of one column, ready to be counted."""

    def __init__(self, scored: Scored, part: Conditions, metric: str, minimum_group: int) -> None:
        self._part, self._confidence = part, scored.confidence
        self._weights = scored.part.weights
        # 0 for a label that the model never saw, 1 negative, 2 positive.
        self._actual = metrics.class_codes(scored.part.target, scored.context.classes) + 1
        counts = np.bincount(part.codes[part.codes >= 0], minlength=len(part.names))
        self._enough = counts >= minimum_group
        self.judged = int(self._enough.sum())
        kept = np.where((part.codes >= 0) & self._enough[part.codes], part.codes, -1)
        self._groups = kept + 1
        size = len(part.names) + 1
        # What stands in each cell of the table of counts.
        group, actual, decided = (x.ravel() for x in np.indices((size, 3, 2)))
        self._cost = np.vstack([np.ones(2), metrics.cost_matrix(scored.context)])[actual, decided]
        self._right = (actual == decided + 1).astype(np.float64)
        self._cells = size * 6
        self._difference: Callable[[np.ndarray], float | None] = fairness_statistic(
            metric, actual == 2, decided == 1, 1 - self._right, group - 1
        )

    def cells(self, decided: np.ndarray) -> np.ndarray:
        return (self._groups * 3 + self._actual) * 2 + decided.astype(np.int64)

    def numbers(self, cells: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """Return difference, accuracy and cost on rows drawn so often; NaN where undefined."""
        counts = np.bincount(cells, drawn, self._cells)
        difference = self._difference(counts) if self.judged >= 2 else None
        if self._weights is not None:
            counts = np.bincount(cells, drawn * self._weights, self._cells)
        total = counts.sum()
        if not total:
            return np.full(3, np.nan)
        spread = np.nan if difference is None else difference
        return np.array([spread, counts @ self._right / total, counts @ self._cost / total])

    def groups(self, decided: np.ndarray) -> list[GroupRates]:
        found = []
        for place, label in enumerate(self._part.labels()):
            inside = self._part.codes == place
            rates = group_rates(self._actual[inside] == 2, decided[inside], self._confidence)
            found.append(
                GroupRates(
                    group=label,
                    rows=int(inside.sum()),
                    judged=bool(self._enough[place]),
                    rates=rates,
                )
            )
        return found
