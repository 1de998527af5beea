"""One explanation of a stage: its rows, its background, and what is known of the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from toolkit.explain.shap import cost_plan, exact
from toolkit.explain.shap.background import Reference
from toolkit.explain.shap.outputs import in_space, scorer, spread_sample, tolerance
from toolkit.forests import AdditiveModel
from toolkit.table.predictor import Additive, Differentiable, Smooth

if TYPE_CHECKING:
    from toolkit.run.stage import Stage
    from toolkit.table import Part, Predictor

TOO_MANY_TREES = (
    "the trees are too many to explain exactly: they test columns made of two, or are deep"
)
_ROWS = 1  # a stream of random numbers


@dataclass(frozen=True)
class ExplanationTask:
    """A model and the test rows on which it is explained.

    Attributes
    ----------
    stage : Stage
        For the project and for notes.
    model : Predictor
        The model.
    test : Part
        The test rows.
    reference : Reference
        The training rows that the background is drawn from.
    """

    stage: Stage
    model: Predictor
    test: Part
    reference: Reference

    @cached_property
    def rows(self) -> np.ndarray:
        """Positions of the test rows to explain, as many as asked for, in order of output."""
        return self.sample_rows(self.stage.project.explain.rows)

    def sample_rows(self, size: int) -> np.ndarray:
        """Return positions of so many test rows, spread like the outputs of all."""
        seed = [self.stage.project.seed, _ROWS]
        return spread_sample(scorer(self.model), self.test.frame, size, seed)[0]

    @cached_property
    def background(self) -> int:
        """How many background rows there are of those asked for."""
        return min(self.stage.project.explain.background, len(self.reference))

    @property
    def columns(self) -> list[str]:
        """The model's columns that the table has."""
        return [name for name in self.model.columns if name in self.test.frame.columns]

    @property
    def wide(self) -> bool:
        """Whether the table has too many columns to estimate a value for each of them."""
        return len(self.model.columns) > cost_plan.MOST_COLUMNS

    @cached_property
    def additive(self) -> AdditiveModel | None:
        """The model as a sum, where it is one."""
        found = self.model.as_sum() if isinstance(self.model, Additive) else None
        threads = self.stage.project.automl.budget.threads
        return None if found is None else replace(found, threads=threads)

    @cached_property
    def smooth(self) -> Smooth | str:
        """The model as a differentiable function, or why it is none."""
        if isinstance(self.model, Differentiable):
            return self.model.as_smooth()
        return "it gives no gradients"

    @cached_property
    def sum_error(self) -> float | None:
        """By how much the sum misses the model on rows and mixtures; None within rounding."""
        if self.additive is None:
            return None
        score = in_space(scorer(self.model), self.additive.space)
        background, _ = self.reference.sample(self.model, self.background, self.stage.project.seed)
        frames = (self.test.frame.iloc[self.rows], background)
        rows, others = (each[self.columns].reset_index(drop=True) for each in frames)
        error = exact.sum_error(self.additive, score, rows, others)
        scores = np.concatenate([score(rows), score(others)])
        return error if error > tolerance(scores, self.additive.space) else None

    @cached_property
    def affordable_sum(self) -> tuple[AdditiveModel, int] | None:
        """The sum, maybe without its slowest forests, and the number of background rows.

        None where no forest or term is affordable.
        """
        additive, background = self.additive, self.background
        if additive is None:
            return None
        costs = exact.costs(additive, len(self.rows), background)
        most = cost_plan.TREE_SECONDS * self.stage.project.automl.effort
        size = cost_plan.tree_background(background, sum(costs), most)
        if size:
            if size < background:
                self.stage.note(
                    f"{size} background rows instead of {background}: the model has many trees"
                )
            return additive, size
        lighter = None if self.wide else _lighter(additive, np.array(costs), most)
        if lighter is None:
            return None
        self.stage.note(f"The values of some forests are estimated: {TOO_MANY_TREES}")
        return lighter, background


def _lighter(additive: AdditiveModel, costs: np.ndarray, most: float) -> AdditiveModel | None:
    """Return a sum without the forests that take too long; None if nothing exact is left."""
    order = np.argsort(costs, kind="stable")
    kept = int((np.cumsum(costs[order]) <= most).sum())
    if not kept and additive.terms is None:
        return None
    return additive.without_forests({int(place) for place in order[kept:]})
