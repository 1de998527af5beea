"""The trade-off of fairness and cost: policies fitted on other rows, judged on the test rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from toolkit import table
from toolkit.artifacts import Check, TradeOffPoint
from toolkit.evaluate.fairness import surrogate_mitigation
from toolkit.evaluate.fairness.group_rates import compare, fairness_statistic
from toolkit.evaluate.fairness.group_thresholds import decide_by_group, group_thresholds
from toolkit.evaluate.fairness.groups import grouped
from toolkit.evaluate.fairness.policy_results import Policy, judge_policies
from toolkit.evaluate.scores.conditions import Conditions
from toolkit.evaluate.scores.scored_rows import ScoredTestRows, score_part
from toolkit.metrics.decisions import threshold_of

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage
    from toolkit.table import Part, Predictor

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
_COARSE = (0.5, 1.0)  # of methods that fit models
_COLUMNS = 3
_FIT_ROWS = 50_000
_WIDE = 1_000
_OF_A_CLASS = 10
_IN_THE_FIT = "Mitigation in the fit"


@dataclass
class FrontierResult:
    """The curve, and on what it was fitted; see `FairnessDetail`."""

    curve: list[TradeOffPoint] = field(default_factory=list)
    fit_rows: int = 0
    surrogate_rows: int = 0
    surrogate_of: int = 0
    checks: list[Check] = field(default_factory=list)


class FairnessFrontier:
    """The trade-off of a binary model.

    Parameters
    ----------
    stage : Stage
        For the project, and the rows that are not in test.
    model : Predictor
        The champion.
    scored : ScoredTestRows
        The test rows.
    protected : dict of str to pandas.Series
        The protected columns of the test rows, in their order.
    rows : pandas.DataFrame
        The whole table.
    metric : str
        The fairness metric.
    """

    def __init__(
        self,
        stage: Stage,
        model: Predictor,
        scored: ScoredTestRows,
        protected: dict[str, pd.Series],
        *,
        rows: pd.DataFrame,
        metric: str,
    ) -> None:
        self._stage, self._model, self._scored = stage, model, scored
        self._protected, self._rows, self._metric = protected, rows, metric
        self._least = stage.project.fairness.minimum_group
        self._positive, self._threshold = model.classes[1], threshold_of(scored.context)
        self._made = FrontierResult()
        self._parts = {
            name: grouped(protected[name].rename(name), self._least)
            for name in list(protected)[:_COLUMNS]
        }

    def trace(self) -> FrontierResult:
        """Fit the policies and judge them."""
        if len(self._protected) > len(self._parts):
            self._remark(
                "Trade-off",
                f"The trade-off is traced for {', '.join(self._parts)}, the first of"
                f" {len(self._protected)} protected columns.",
                *self._protected,
            )
        self._stage.progress("thresholds by group")
        policies = [*self._by_threshold(), *self._by_fit()]
        self._stage.progress("judging the trade-off on the test rows")
        self._made.curve = judge_policies(
            policies,
            self._scored,
            self._parts,
            project=self._stage.project,
            metric=self._metric,
        )
        return self._made

    def _remark(self, name: str, message: str, *columns: str, remedy: str = "") -> None:
        self._made.checks.append(
            Check(name=name, severity="info", message=message, columns=list(columns), remedy=remedy)
        )

    def _groups(
        self, name: str, rows: np.ndarray, actual: np.ndarray, decided: np.ndarray
    ) -> np.ndarray:
        """Return the groups of rows of the table, -1 for those too small to fit anything on.

        As on the test rows, what counts are the rows that the metric is over.
        """
        values = self._rows[name].iloc[rows].rename(name)
        part = grouped(values, self._least, like=self._protected[name].rename(name))
        made = compare(
            self._metric, actual, decided, (actual != decided).astype(np.float64), part.codes,
            count=len(part.names), minimum=self._least,
            confidence=self._scored.resampling.confidence,
        )  # fmt: skip
        self._needed = made.needed()
        return np.where(np.append(made.judged, False)[part.codes], part.codes, -1)

    # -- the champion ---------------------------------------------------------------

    def _by_threshold(self) -> list[Policy]:
        """Return the champion's policies; only that of strength 0 where none can be fitted."""
        fit = _sampled(table.load_part(self._stage, "validation"), self._stage.project.seed)
        self._made.fit_rows = len(fit)
        known, actual = np.empty(0), fit.target == self._positive
        if len(fit):
            known = score_part(self._stage, self._model, fit, "validation").scores[:, 1]
        policies = []
        for name, part in self._parts.items():
            groups = self._groups(name, fit.rows, actual, known >= self._threshold)
            fitted = len(np.unique(groups[groups >= 0]))
            self._about_fit(name, len(part.names) - fitted, len(part.names))
            for strength in STRENGTHS if fitted > 1 else (0.0,):
                found = (
                    group_thresholds(self._metric, known, actual, groups,
                                     threshold=self._threshold, strength=strength,
                                     minimum=self._least)
                    if strength else {}
                )  # fmt: skip
                policies.append(self._policy(part, strength, found))
        return policies

    def _policy(self, part: Conditions, strength: float, found: dict[int, float]) -> Policy:
        labels, scores = part.labels(), self._scored.scores[:, 1]
        limits = {labels[group]: each for group, each in found.items()}
        spelt = np.array([*labels, ""], dtype=object)[part.codes]
        decided = decide_by_group(scores, spelt, limits, self._threshold)
        plain = scores >= self._threshold
        return Policy("thresholds", part.column, strength, decided, plain, limits, self._threshold)

    def _about_fit(self, column: str, lacking: int, groups: int) -> None:
        if lacking:
            self._remark(
                "Thresholds by group",
                f"{lacking} of {groups} groups of {column} have too few validation rows"
                f" ({self._needed}) and keep the common threshold.",
                column,
                remedy="Raise split.validation, or lower fairness.minimum_group",
            )

    # -- the surrogate model -----------------------------------------------------------------

    def _by_fit(self) -> list[Policy]:
        """Return policies that need a new fit, tried on the surrogate model."""
        train = table.load_part(self._stage, "train")
        made = surrogate_mitigation.prepare_surrogate(
            train, self._scored.part, self._positive, threshold=self._threshold,
            seed=self._stage.project.seed,
        )  # fmt: skip
        why = _cannot(made)
        if why:
            self._remark(_IN_THE_FIT, why)
            return []
        self._made.surrogate_rows, self._made.surrogate_of = len(made.rows), len(train)
        if not surrogate_mitigation.has_constraint(self._metric):
            words = self._metric.replace("_", " ")
            self._remark(_IN_THE_FIT, f"No reduction was tried: there is none for {words}.")
        known, plain = made.decide()
        policies = []
        for done, name in enumerate(self._parts):
            self._stage.progress("mitigation on a surrogate model", done, len(self._parts))
            policies.append(Policy("surrogate", name, 0.0, plain, plain))
            groups = self._groups(name, train.rows[made.rows], made.actual == 1, known)
            groups = _with_both(groups, made.actual)
            if len(np.unique(groups[groups >= 0])) < 2:
                self._remark(
                    _IN_THE_FIT,
                    f"No mitigation was tried for {name}: fewer than two of its groups have enough"
                    " training rows of both classes.",
                    name,
                )
                continue
            policies += [
                Policy("reweighting", name, strength, made.reweighted(groups, strength), plain)
                for strength in _COARSE
            ]
            if surrogate_mitigation.has_constraint(self._metric):
                spread = _spread(self._metric, made, known, groups)
                allowed = [(1 - strength) * spread for strength in _COARSE]
                reduced = made.reduced(self._metric, groups, allowed)
                policies += [
                    Policy("reductions", name, strength, decided, plain)
                    for strength, decided in zip(_COARSE, reduced, strict=True)
                ]
        return policies


def _sampled(part: Part, seed: int) -> Part:
    if len(part) <= _FIT_ROWS:
        return part
    kept = np.sort(np.random.default_rng(seed).choice(len(part), _FIT_ROWS, replace=False))
    return table.Part(
        rows=part.rows[kept],
        frame=part.frame.iloc[kept].reset_index(drop=True),
        target=part.target[kept],
        part=part.part[kept],
        columns=part.columns,
        weights=None if part.weights is None else part.weights[kept],
    )


def _cannot(made: surrogate_mitigation.SurrogateMitigation) -> str:
    if not made.train.shape[1]:
        return (
            "No mitigation was tried: the model has no columns that a surrogate model could take."
        )
    if made.train.shape[1] > _WIDE:
        return (
            f"No mitigation was tried: {made.train.shape[1]:,} columns are too many for a"
            " surrogate model."
        )
    if len(np.unique(made.actual)) < 2:
        return "No mitigation was tried: the training rows are all of one class."
    return ""


def _with_both(groups: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Return the groups with -1 in place of those with few rows of one of the classes."""
    kept = [
        group
        for group in np.unique(groups[groups >= 0])
        if np.bincount(actual[groups == group].astype(int), minlength=2).min() >= _OF_A_CLASS
    ]
    return np.where(np.isin(groups, kept), groups, -1)


def _spread(
    metric: str,
    made: surrogate_mitigation.SurrogateMitigation,
    decided: np.ndarray,
    groups: np.ndarray,
) -> float:
    """Return the unmitigated surrogate model's difference on its own training rows."""
    actual = made.actual == 1
    error = (actual != decided).astype(np.float64)
    value = fairness_statistic(metric, actual, decided, error, groups)(made.weights)
    return value or 0.0
