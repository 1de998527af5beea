"""Fairness and cost of decision policies on the test rows, all on the same resamples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from toolkit import formats, metrics
from toolkit.artifacts import GroupRates, Interval, TradeOffPoint
from toolkit.evaluate.fairness.group_rates import (
    GroupComparison,
    compare,
    fairness_statistic,
    group_rates,
    rate_rows,
)
from toolkit.evaluate.fairness.group_verdict import judge
from toolkit.evaluate.fairness.groups import spoken
from toolkit.evaluate.scores.conditions import Conditions
from toolkit.evaluate.scores.scored_rows import ScoredTestRows
from toolkit.metrics.base import Sums
from toolkit.metrics.resampling import affordable, draws
from toolkit.project.model import Project

_DIFFERENCE, _ACCURACY, _COST = range(3)


@dataclass(frozen=True)
class Policy:
    """A decision policy on the test rows, not yet judged.

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
        return f"{self.method} {self.column} {formats.number(self.strength, 6)}"


def judge_policies(
    policies: Sequence[Policy],
    scored: ScoredTestRows,
    parts: dict[str, Conditions],
    *,
    project: Project,
    metric: str,
) -> list[TradeOffPoint]:
    """Return the policies with what they bring and cost.

    Differences, accuracy and cost are functions of one table of counts (group, actual class,
    decision), so that a resample is counted once for each policy and not once for each number.
    As in `compare_groups`, rates and differences count rows alike; accuracy and cost count them
    by their weight, where there is one.

    Parameters
    ----------
    policies : sequence of Policy
        All of one binary model's or surrogate model's test rows.
    scored : ScoredTestRows
        The test rows.
    parts : dict of str to Conditions
        The groups of each column, on the test rows.
    project : Project
        Its fairness section.
    metric : str
        The fairness metric.
    """
    judges = {name: _GroupCounts(project, scored, part, metric) for name, part in parts.items()}
    outcomes = [judges[p.column].outcome(p.decided) for p in policies]
    plain = [judges[p.column].outcome(p.unmitigated) for p in policies]
    n, own = len(scored.part), scored.part.weights
    taken = affordable(n, scored.resampling.count)
    # Rows that stand in one cell under every policy are counted together, once for all of them.
    cells = np.array([outcome.cells for outcome in outcomes + plain]).reshape(-1, n)
    kinds, kind = np.unique(cells, axis=1, return_inverse=True)
    kind = kind.ravel()

    def numbers(drawn: np.ndarray) -> np.ndarray:
        rows = _counted(kind, kinds.shape[1], drawn)
        weighed = rows if own is None else _counted(kind, kinds.shape[1], drawn * own)
        found = np.empty((len(drawn), len(policies), 2, 3))
        known: dict[tuple[str, bytes], np.ndarray] = {}  # many policies begin from one decision
        for i, (policy, mine, base) in enumerate(zip(policies, outcomes, plain, strict=True)):
            judge = judges[policy.column]
            found[:, i, 0] = judge.numbers(mine, kinds[i], rows, weighed)
            key = policy.column, policy.unmitigated.tobytes()
            if key not in known:
                known[key] = judge.numbers(base, kinds[len(policies) + i], rows, weighed)
            found[:, i, 1] = found[:, i, 0] - known[key]
            if (mine.made.judged != base.made.judged).any():
                found[:, i, 1, _DIFFERENCE] = np.nan
        return found

    values = numbers(np.ones((1, n)))[0]
    table = np.concatenate([numbers(block) for block in draws(n, taken, scored.resampling.seed)])
    return [
        _point(policy, judges[policy.column], scored, outcomes[i], (values[i], table[:, i]))
        for i, policy in enumerate(policies)
    ]


def _counted(kind: np.ndarray, kinds: int, drawn: np.ndarray) -> np.ndarray:
    """Return, of rows drawn so often (r, n), how many are of each kind: (r, kinds)."""
    return np.array([np.bincount(kind, each, kinds) for each in drawn])


def _point(
    policy: Policy,
    judge: _GroupCounts,
    scored: ScoredTestRows,
    outcome: _Outcome,
    numbers: tuple[np.ndarray, np.ndarray],
) -> TradeOffPoint:
    values, drawn = numbers

    def interval(change: int, number: int) -> Interval:
        value, known = values[change, number], drawn[:, change, number]
        if np.isnan(value):
            return Interval(value=None)
        known = known[~np.isnan(known)]
        return scored.resampling.interval_of(float(value), known, len(drawn))

    return TradeOffPoint.model_validate(
        {
            "name": policy.name,
            "method": policy.method,
            "column": policy.column,
            "strength": policy.strength,
            "thresholds": policy.thresholds,
            "fallback": policy.fallback,
            "difference": outcome.made.difference,
            "verdict": judge.verdict(outcome),
            "accuracy": interval(0, _ACCURACY),
            "cost": interval(0, _COST),
            "difference_change": interval(1, _DIFFERENCE),
            "accuracy_change": interval(1, _ACCURACY),
            "cost_change": interval(1, _COST),
            "changed": float((policy.decided != policy.unmitigated).mean()),
            "groups": judge.groups(policy.decided, outcome),
        }
    )


@dataclass(frozen=True)
class _Outcome:
    """The outcome of a decision policy: each test row's cell in the table of counts."""

    cells: np.ndarray
    made: GroupComparison
    difference: Sums
    """Of counts by cell, over the groups that can be compared under this policy."""


class _GroupCounts:
    """The test rows by group of one column, ready to be counted."""

    def __init__(
        self, project: Project, scored: ScoredTestRows, part: Conditions, metric: str
    ) -> None:
        self._project, self._metric = project, metric
        self._part, self._confidence = part, scored.resampling.confidence
        self._leaks = scored.leaks
        # 0 for a label that the model never saw, 1 negative, 2 positive.
        self._actual = metrics.class_codes(scored.part.target, scored.context.classes) + 1
        size = len(part.names) + 1
        # What stands in each cell of the table of counts; group -1 is none.
        self._group, self._was, self._is = (x.ravel() for x in np.indices((size, 3, 2)))
        self._group -= 1
        costs = np.vstack([np.ones(2), metrics.cost_matrix(scored.context)])
        self._right = (self._was == self._is + 1).astype(np.float64)
        self._paid = np.column_stack([self._right, costs[self._was, self._is]])

    def outcome(self, decided: np.ndarray) -> _Outcome:
        cells = ((self._part.codes + 1) * 3 + self._actual) * 2 + decided.astype(np.int64)
        facts = self._metric, self._was == 2, self._is == 1, 1 - self._right
        made = compare(
            *facts,
            self._group,
            count=len(self._part.names),
            minimum=self._project.fairness.minimum_group,
            confidence=self._confidence,
            rows=np.bincount(cells, minlength=len(self._group)).astype(np.float64),
        )
        judged = np.append(made.judged, False)[self._group]
        difference = fairness_statistic(*facts, np.where(judged, self._group, -1))
        return _Outcome(cells, made, difference)

    def numbers(
        self, outcome: _Outcome, cells: np.ndarray, rows: np.ndarray, weighed: np.ndarray
    ) -> np.ndarray:
        """Return difference, accuracy and cost of resamples, (r, 3); NaN where undefined.

        Parameters
        ----------
        outcome : _Outcome
            Under one policy.
        cells : ndarray of int64, shape (kinds,)
            The cell in which rows of a kind stand.
        rows, weighed : ndarray, shape (r, kinds)
            How many rows of each kind there are, and how much they weigh.
        """
        order = np.argsort(cells, kind="stable")
        there, starts = np.unique(cells[order], return_index=True)

        def table(counted: np.ndarray) -> np.ndarray:
            found = np.zeros((len(counted), len(self._group)))
            found[:, there] = np.add.reduceat(counted[:, order], starts, axis=1)
            return found

        counts = table(weighed)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.einsum("rc,cm->rm", counts, self._paid) / counts.sum(axis=1)[:, None]
        difference = outcome.difference.many(counts if weighed is rows else table(rows))
        return np.column_stack([difference, shares])

    def verdict(self, outcome: _Outcome) -> str:
        labels = spoken(self._project, self._part)
        return judge(
            self._project,
            self._part.column,
            outcome.made,
            labels,
            self._part.codes,
            leaks=self._leaks,
        ).verdict

    def groups(self, decided: np.ndarray, outcome: _Outcome) -> list[GroupRates]:
        found = []
        for place, label in enumerate(self._part.labels()):
            inside = self._part.codes == place
            actual, flagged = self._actual[inside] == 2, decided[inside]
            rates = group_rates(actual, flagged, self._confidence)
            found.append(
                GroupRates(
                    group=label,
                    rows=int(inside.sum()),
                    judged=bool(outcome.made.judged[place]),
                    rates=rates,
                    base={name: int(rate_rows(name, actual, flagged).sum()) for name in rates},
                )
            )
        return found
