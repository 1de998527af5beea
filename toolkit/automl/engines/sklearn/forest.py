"""Random forests and extremely randomised trees with scikit-learn.

A forest does not overfit with more trees and needs no rows to tell it when to stop. So one
forest on all rows is shipped rather than a bag of forests that each lack a fold.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.automl.engines import bagging, portfolio, task_terms
from toolkit.automl.engines.base import Candidate, Engine, Scorer, Trial
from toolkit.automl.engines.coding import Coding
from toolkit.automl.engines.row_budget import FitClock, RowBudget
from toolkit.automl.engines.sklearn.forest_file import AveragedForest
from toolkit.automl.engines.target_scale import TargetScale

if TYPE_CHECKING:
    from toolkit.automl.task import SearchTask, TaskFacts
    from toolkit.forests import TreeEnsemble

_CELLS = 4_000_000
_LEAVES = 3_000_000
"""Leaves of a forest for one output: what keeps its file below some 50 MB."""
_MORE = 2
"""Trees of the shipped forest, in multiples of a fold's trees."""
_BATCH = 10
"""Trees grown between two looks at the clock."""


class ForestEngine(Engine):
    """Forests: each tree sees other rows, or cuts at random."""

    name = "forest"
    title = "Forest"
    description = "random forests and extremely randomised trees"
    packages = ("scikit-learn",)
    pace = (2.0, 105.0)

    def plan(self, facts: TaskFacts) -> list[Trial]:
        """Return proven settings first, then seeded draws."""
        return portfolio.forest(facts)

    def fit(self, task: SearchTask, trial: Trial) -> Candidate:
        """Fit one forest for each fold."""
        return _ForestFit(task, trial).run()

    def load(self, folder: Path) -> Scorer:
        """Return the scorer of saved forests."""
        return bagging.Bag.load(folder, Forests()).score

    def tree_ensembles(self, folder: Path) -> list[TreeEnsemble]:
        """Return the forests' trees: their mean is a probability, or a value."""
        bag = bagging.Bag.load(folder, Forests())

        return bag.tree_ensembles(AveragedForest.nodes, "probability", single=True)


class Forests:
    """Forests as arrays."""

    def predict(self, model: AveragedForest, matrix: np.ndarray) -> np.ndarray:
        """Return probabilities, or values in the scale of learning."""
        return model.predict(matrix)

    def save(self, model: AveragedForest, stem: Path) -> None:
        """Write ``<stem>.npz``."""
        model.save(stem.with_suffix(".npz"))

    def load(self, stem: Path) -> AveragedForest:
        """Return the forest."""
        return AveragedForest.load(stem.with_suffix(".npz"))


class _ForestFit:
    """The forests of one trial."""

    def __init__(self, task: SearchTask, trial: Trial) -> None:
        self.task = task
        self.settings = trial.settings
        self.clock = FitClock(task.seconds, share=0.7)
        self.coding = Coding.fit(task.inputs.design)
        self.matrix = self.coding.matrix(task.inputs.design).astype(np.float32, copy=False)
        self.outcome = TargetScale.of(task, task_terms.outcome_kind(task, trial.settings))
        self.target = self.outcome.forth(task.target)
        self.shares = RowBudget(task, _CELLS)
        self.classes = len(task.facts.classes)

    def run(self) -> Candidate:
        pairs = list(self.shares.pairs())
        models = []
        trees, steps = int(self.settings["trees"]), len(pairs) + _MORE
        for number, (learnt, _) in enumerate(pairs):
            self.task.progress(f"fold {number + 1} of {len(pairs)}", number, len(pairs))
            models.append(self._fit(learnt, trees, self.clock.left / (steps - number)))
        least = min(len(model.trees) for model in models)
        bag = bagging.Bag(models, Forests(), self.coding, self.classes, self.outcome)

        def refit() -> AveragedForest:
            rows = self.shares.sample(np.arange(len(self.target)), _CELLS, 0)
            return self._fit(rows, _MORE * trees, self.clock.left, least)

        def details(shipped: list[AveragedForest]) -> dict[str, str]:
            return {
                "trees": str(len(shipped[0].trees)),
                "trees of a fold": str(least),
                "smallest leaf": str(self._smallest(len(pairs[0][0]))),
                "target": self.outcome.kind,
            }

        return bagging.candidate(
            self.task, bag, self.matrix, refit,
            details=details, leaves=lambda model: float(model.leaves), notes=self.shares.notes,
            single=True,
        )  # fmt: skip

    def _fit(
        self, rows: np.ndarray, wanted: int, seconds: float, least: int = _BATCH
    ) -> AveragedForest:
        """Grow as many trees as there is time for, and `least` in any case."""
        weights = self.task.weights
        model = self._model(len(rows))
        prepared, target = self.matrix[rows], self.target[rows]
        clock = FitClock(seconds, share=1.0)
        for trees in [*range(_BATCH, wanted, _BATCH), wanted]:
            model.set_params(n_estimators=trees)
            model.fit(prepared, target, sample_weight=None if weights is None else weights[rows])
            # The next batch takes as long as the mean one did.
            if trees >= least and clock.left < (seconds - clock.left) * _BATCH / trees:
                break
        if trees < wanted:
            self.shares.notes.append(f"time was over after {trees} trees of {wanted}")
        return AveragedForest.of(model, self.classes, self._prior(rows))

    def _prior(self, rows: np.ndarray) -> np.ndarray:
        """Return each class's share of the rows learnt from, none of them 0."""
        if not self.classes:
            return np.zeros(0)
        weights = None if self.task.weights is None else self.task.weights[rows]
        counts = np.bincount(self.target[rows], weights, self.classes)
        return np.asarray((counts + 0.5) / (counts.sum() + 0.5 * self.classes))

    def _model(self, rows: int) -> Any:
        from sklearn import ensemble

        extra = self.settings["algorithm"] == "extra"
        name = ("ExtraTrees" if extra else "RandomForest") + (
            "Classifier" if self.classes else "Regressor"
        )
        return getattr(ensemble, name)(
            min_samples_leaf=self._smallest(rows),
            max_features=self.settings["features"],
            criterion=self.settings.get("criterion", "gini" if self.classes else "squared_error"),
            bootstrap=not extra,
            warm_start=True,
            random_state=self.task.facts.seed,
            n_jobs=self.task.facts.threads,
        )

    def _smallest(self, rows: int) -> int:
        """Return the smallest leaf, such that the forest's file stays small."""
        trees = self.settings["trees"] * _MORE * max(1, self.classes - 1)
        return max(int(self.settings["leaf"]), int(np.ceil(rows * trees / _LEAVES / 2)))
