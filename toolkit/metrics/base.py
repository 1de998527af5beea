"""What a metric is, and the list of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toolkit.project.criteria import Costs

Statistic = Callable[[np.ndarray], float | None]
"""Takes one weight a row (how often the row counts) and gives the metric, or None."""


@dataclass(frozen=True)
class Sums:
    """A statistic that follows from sums over rows, and so is quick on many resamples.

    Attributes
    ----------
    columns : ndarray of float64, shape (n, k)
        What each row adds to each sum.
    finish : callable
        Takes sums (r, k) and gives the statistic, (r,); NaN where they do not define it.
    """

    columns: np.ndarray
    finish: Callable[[np.ndarray], np.ndarray]

    def __call__(self, weights: np.ndarray) -> float | None:
        """Return the statistic for one weight a row."""
        value = float(self.many(weights[None])[0])
        return None if np.isnan(value) else value

    def many(self, weights: np.ndarray) -> np.ndarray:
        """Return the statistic for each of many resamples, (r,), from weights (r, n)."""
        # Not `@`: BLAS spreads it over threads, which wait for each other on a busy machine,
        # and whose number shows in the last digits.
        sums = np.einsum("rn,nk->rk", weights, self.columns)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.finish(sums)

    def weighted(self, counted: np.ndarray) -> Sums:
        """Return the statistic in which each row counts by its weight besides."""
        return Sums(self.columns * counted[:, None], self.finish)


@dataclass(frozen=True)
class Context:
    """What a metric needs to know besides the rows.

    Attributes
    ----------
    task : str
        binary, multiclass or regression.
    classes : list of str
        Binary: negative, positive. The order of the columns of scores.
    threshold : float, optional
        Binary: decide positive at or above it; by default what the costs imply.
    costs : Costs
        The project's section.
    """

    task: str
    classes: list[str] = field(default_factory=list)
    threshold: float | None = None
    costs: Costs = field(default_factory=Costs)


@dataclass(frozen=True)
class Metric:
    """A score of a model; call it with the actual values, the scores and a `Context`.

    Attributes
    ----------
    name : str
        One of `toolkit.project.criteria.MetricName`.
    title : str
        In words.
    greater_is_better : bool
        Whether a higher value is better.
    unit : str
        ``target`` for the target's own unit, else in words; empty for a plain number.
    prepare : callable
        Takes actual values, scores and a context, and gives the metric as a function of weights.
    of_decisions : bool
        Whether it looks at the decided classes alone, not at probabilities.
    least_at_median : bool
        Of numbers: whether the best constant guess is the median, not the mean.
    """

    name: str
    title: str
    greater_is_better: bool
    unit: str
    prepare: Callable[[np.ndarray, np.ndarray, Context], Statistic] = field(repr=False)
    of_decisions: bool = False
    least_at_median: bool = False

    def __call__(
        self, actual: Any, scores: Any, context: Context, weights: Any = None
    ) -> float | None:
        """Return the metric over all rows, or None where the rows do not define it.

        Parameters
        ----------
        actual : array of shape (n,)
            Labels as text (or their positions among the classes, as integers), or numbers.
        scores : array of shape (n, k) or (n,)
            Probabilities in the order of ``context.classes`` (binary may give the positive
            class's alone), or predicted values.
        context : Context
            The task, its classes, threshold and costs.
        weights : array of shape (n,), optional
            How much each row counts; all alike by default.
        """
        rows = len(actual)
        if not rows:
            return None
        counted = np.ones(rows) if weights is None else np.asarray(weights, dtype=np.float64)
        return self.statistic(actual, scores, context)(counted)

    def statistic(self, actual: Any, scores: Any, context: Context) -> Statistic:
        """Return the metric as a function of row weights; sorting and coding is done once."""
        scores = np.asarray(scores, dtype=np.float64)
        if len(actual) != len(scores):
            raise ValueError(f"{len(actual)} actual values, {len(scores)} scores")
        if context.task == "binary":
            if scores.ndim == 1:
                scores = np.column_stack([1 - scores, scores])
            if scores.shape[1] != 2:
                raise ValueError("binary scores have two columns")
        return self.prepare(np.asarray(actual), scores, context)


_TASKS = {
    "binary": (
        "roc_auc", "average_precision", "log_loss", "brier", "f1", "balanced_accuracy",
        "accuracy", "expected_cost",
    ),
    "multiclass": (
        "log_loss", "brier", "accuracy", "balanced_accuracy", "f1_macro", "roc_auc_ovr",
        "expected_cost",
    ),
    "regression": ("rmse", "mae", "r2", "median_absolute_error"),
}  # fmt: skip


def for_task(task: str) -> list[str]:
    """Return the names of all metrics of a task."""
    return list(_TASKS[task])
