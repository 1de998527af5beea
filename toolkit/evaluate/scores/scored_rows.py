"""Test rows with the model's predictions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics, table
from toolkit.artifacts import Interval, Rows
from toolkit.errors import DataError, ModelError
from toolkit.metrics import Context, Resampling
from toolkit.metrics.scores import cost_by_row
from toolkit.table import leak_suspects

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage
    from toolkit.table import Part, Predictor

_SMALLEST = 1e-3  # of a probability, so that one row cannot make a slice


@dataclass(frozen=True)
class ScoredTestRows:
    """Test rows with the model's predictions.

    Attributes
    ----------
    part : Part
        The rows, their features and targets.
    scores : ndarray, shape (n, k) or (n,)
        The model's output.
    decided : ndarray, shape (n,)
        Labels, or the values themselves.
    context : Context
        Task, classes, threshold and costs.
    metric : str
        The ranking metric.
    resampling : Resampling
        Of every bootstrap interval; for rows drawn together see `toolkit.table.drawn_together`.
    leaks : list of str
        The model's columns that may leak the target: what groups show then is not the model's.
    """

    part: Part
    scores: np.ndarray
    decided: np.ndarray
    context: Context
    metric: str
    resampling: Resampling
    leaks: list[str] = field(default_factory=list)

    def interval(self, name: str, inside: np.ndarray | None = None) -> Interval:
        """Return a metric over all rows, or those at some positions, with its interval."""
        rows = np.arange(len(self.part)) if inside is None else inside
        weights = None if self.part.weights is None else self.part.weights[rows]
        return metrics.bootstrap(
            metrics.get(name),
            self.part.target[rows],
            self.scores[rows],
            self.context,
            resampling=self.resampling.at(rows),
            weights=weights,
        )


def score_part(stage: Stage, model: Predictor, part: Part, kind: str = "test") -> ScoredTestRows:
    """Return rows of the split with what a model says of them.

    Parameters
    ----------
    stage : Stage
        For the project's choices.
    model : Predictor
        Anything with ``predict``.
    part : Part
        The rows.
    kind : str
        What they are called in an error.

    Raises
    ------
    DataError
        When there are no rows.
    ModelError
        When the model gives a row no number.
    """
    project = stage.project
    if not len(part):
        raise DataError(
            f"there are no {kind} rows", remedy=f"Raise split.{kind}, or give more rows"
        )
    scores = np.asarray(model.predict(part.frame), dtype=np.float64)
    bad = ~np.isfinite(scores.reshape(len(part), -1)).all(axis=1)
    if bad.any():
        raise ModelError(
            f"gives {int(bad.sum())} of {len(part)} {kind} rows no number, first row"
            f" {part.rows[bad][0]}",
            where=f"model {model.name}",
            remedy="Choose another champion, in choice.champion",
        )
    return ScoredTestRows(
        part=part,
        scores=scores,
        decided=metrics.decide(scores, metrics.context_of(model)),
        context=Context(model.task, list(model.classes), model.threshold, project.costs),
        metric=metrics.resolve(project)[0],
        resampling=Resampling.of(project, table.drawn_together(stage, part.rows)),
        leaks=[name for name in leak_suspects(stage) if name in model.columns],
    )


def some_rows(part: Part, most: int, seed: int) -> Part:
    """Return at most so many rows of a part, drawn at random, in row order."""
    if len(part) <= most:
        return part
    kept = np.sort(np.random.default_rng([seed, 71]).choice(len(part), most, replace=False))
    return replace(
        part,
        rows=part.rows[kept],
        frame=part.frame.iloc[kept].reset_index(drop=True),
        target=part.target[kept],
        part=part.part[kept],
        weights=None if part.weights is None else part.weights[kept],
    )


def protected_columns(stage: Stage, part: Part) -> dict[str, pd.Series]:
    """Return the protected columns of a part's rows."""
    rows = stage.read(Rows).frame
    return {name: rows[name].iloc[part.rows] for name in stage.project.protected()}


def calibrated(scored: ScoredTestRows) -> tuple[np.ndarray, np.ndarray]:
    """Return whether it happened, and with what probability it was predicted."""
    codes = metrics.class_codes(scored.part.target, scored.context.classes)
    if scored.context.task == "binary":
        return codes == 1, scored.scores[:, 1]
    return codes == scored.scores.argmax(axis=1), scored.scores.max(axis=1)


def row_loss(scored: ScoredTestRows) -> tuple[np.ndarray, str]:
    """Return each row's loss, and in words which it is: the one that fits the metric."""
    target, scores, context = scored.part.target, scored.scores, scored.context
    if context.task == "regression":
        error = np.abs(target.astype(np.float64) - scores)
        absolute = metrics.get(scored.metric).least_at_median
        return (error, "absolute error") if absolute else (error**2, "squared error")
    if scored.metric == "expected_cost":
        return cost_by_row(target, scores, context), "cost"
    if metrics.get(scored.metric).of_decisions:
        return (scored.decided.astype(str) != target.astype(str)).astype(np.float64), "error"
    codes = metrics.class_codes(target, context.classes)
    p = np.where(codes < 0, 0.0, scores[np.arange(len(codes)), codes])
    return -np.log(np.clip(p, _SMALLEST, 1.0)), "log loss"
