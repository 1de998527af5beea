"""The training rows on which models are compared, and the metric that compares them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toolkit import metrics
from toolkit.artifacts import Interval
from toolkit.automl.folds import Folds


@dataclass(frozen=True, eq=False)
class ScoringRows:
    """Training rows, how they count, and the ranking metric.

    Attributes
    ----------
    target : array of shape (n,)
        Labels, codes of classes, or numbers.
    weights : array of shape (n,), optional
        How much each row counts.
    folds : Folds
        Which rows were held out together; models are scored on those that some fold held out.
    metric : str
        The ranking metric's name.
    context : Context
        The task and its classes.
    seed : int
        Of whatever is drawn at random.
    """

    target: np.ndarray
    weights: np.ndarray | None
    folds: Folds
    metric: str
    context: metrics.Context
    seed: int = 7

    @property
    def scored_target(self) -> np.ndarray:
        """The targets of the rows that some fold held out."""
        return np.asarray(self.target[self.folds.scored])

    @property
    def scored_weights(self) -> np.ndarray | None:
        """How much each of these rows counts."""
        return None if self.weights is None else self.weights[self.folds.scored]

    def score(self, oof: np.ndarray) -> float | None:
        """Return the metric of out-of-fold scores, (n, k) or (n,)."""
        return metrics.get(self.metric)(
            self.scored_target, oof[self.folds.scored], self.context, self.scored_weights
        )

    def difference(self, first: np.ndarray, second: np.ndarray, *, resamples: int) -> Interval:
        """Return by how much the metric of one model's scores exceeds another's, paired by row."""
        rows = self.folds.scored
        return metrics.paired_difference(
            metrics.get(self.metric), self.scored_target, first[rows], second[rows], self.context,
            resampling=metrics.Resampling(resamples, seed=self.seed), weights=self.scored_weights,
        )  # fmt: skip
