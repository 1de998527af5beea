"""Simple models on scikit-learn: baselines, and models that a person can read whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import formats
from toolkit.automl.engines import bagging, task_terms
from toolkit.automl.engines.base import Candidate, Engine, Scorer, Trial
from toolkit.automl.engines.coding import Coding
from toolkit.automl.engines.row_budget import CELLS, FitClock, RowBudget
from toolkit.automl.engines.sklearn.estimators import Estimators, dense, quiet
from toolkit.automl.engines.target_scale import TargetScale

if TYPE_CHECKING:
    from toolkit.automl.task import SearchTask, TaskFacts
    from toolkit.forests import TreeEnsemble

_FEWER_CELLS = 5_000_000
_SPLINED = 100
"""The most design columns for which curves are drawn."""
_MOST_LEVELS = 254  # histogram boosting has 255 bins, and one is for missing


class BaselineEngine(Engine):
    """A linear model, an additive one, a shallow tree, and boosting with default settings."""

    name = "baseline"
    title = "Baseline"
    description = "a linear model and an untuned boosted one: the baselines"
    is_baseline = True
    packages = ("scikit-learn",)
    pace = (2.0, 100.0)

    def plan(self, facts: TaskFacts) -> list[Trial]:
        """Return the baselines; the first in round 1."""
        linear = "logistic regression" if facts.classes else "ridge regression"
        recipes = [
            ("linear", linear, 1, 0.3, True),
            ("boosting", "gradient boosting (untuned)", 3, 1.0, False),
            ("tree", "decision tree", 3, 0.1, True),
        ]
        if facts.width <= _SPLINED:
            recipes.insert(1, ("additive", f"additive {linear}", 2, 1.0, True))
        return [
            Trial(
                name=f"baseline_{algorithm}",
                engine=self.name,
                family=family,
                round=round,
                settings={"algorithm": algorithm},
                cost=cost,
                interpretable=readable,
                monotonic=algorithm == "boosting" and task_terms.enforced(facts),
            )
            for algorithm, family, round, cost, readable in recipes
        ]

    def fit(self, task: SearchTask, trial: Trial) -> Candidate:
        """Fit one baseline on all folds."""
        algorithm = trial.settings["algorithm"]
        kind = {"boosting": _Boosting, "tree": _Tree}.get(algorithm, _Linear)
        with quiet(task.facts.threads):
            return _fit(task, kind(task, splines=algorithm == "additive"))

    def load(self, folder: Path) -> Scorer:
        """Return the scorer of a saved model."""
        return _bag(folder).score

    def tree_ensembles(self, folder: Path) -> list[TreeEnsemble]:
        """Return the trees of histogram boosting, or the one tree; none of linear models."""
        from toolkit.automl.engines.sklearn import trees

        bag = _bag(folder)
        read = trees.reader(bag.models[0], bag.coding, bag.classes)
        if read is None:
            return []
        boosted = trees.boosted(bag.models[0])
        return bag.tree_ensembles(read, "margin" if boosted else "probability", single=not boosted)

    def is_linear(self, folder: Path) -> bool:
        """Return whether the model is linear in functions of single columns."""
        bag = _bag(folder)
        one = len(bag.models) == 1 and bag.outcome.kind in ("classes", "plain")
        return one and hasattr(_last(bag.models[0]), "coef_")


def _bag(folder: Path) -> bagging.Bag:
    native = Estimators(0)
    bag = bagging.Bag.load(folder, native)
    native.classes = bag.classes
    return bag


def _last(model: Any) -> Any:
    return model[-1] if hasattr(model, "steps") else model


class _Recipe(ABC):
    """A model with settings, from simple to complex; the folds choose one."""

    ladder: tuple[float, ...] = (0.0,)
    single = True
    """Whether one model on all rows is shipped, so that it can be read."""
    cells = _FEWER_CELLS
    levels = 1000

    def __init__(self, task: SearchTask, splines: bool = False) -> None:
        self.task = task
        self.splines = splines
        self.coding = Coding.fit(task.inputs.design, most=self.levels)
        self.seed = task.facts.seed
        self.numbers = not task.facts.classes

    def before(self, rows: int) -> Any:
        """Return what prepares the matrix, unfitted; None if nothing does."""
        return None

    @abstractmethod
    def model(self, step: float) -> Any:
        """Return an unfitted estimator."""

    @abstractmethod
    def leaves(self, model: Any) -> float:
        """Return how much there is to read."""

    def details(self, step: float) -> dict[str, str]:
        """Return what a reader wants to know of the chosen setting."""
        return {}


class _Linear(_Recipe):
    ladder = (0.0003, 0.003, 0.03, 0.3, 3.0)

    def before(self, rows: int) -> Any:
        return dense(self.coding, rows, splines=self.splines)

    def model(self, step: float) -> Any:
        from sklearn.linear_model import LogisticRegression, Ridge

        if self.numbers:
            return Ridge(alpha=1 / step)
        return LogisticRegression(C=step, max_iter=300)

    def leaves(self, model: Any) -> float:
        return float(np.size(model[-1].coef_))

    def details(self, step: float) -> dict[str, str]:
        return {"penalty": formats.number(1 / step)}


class _Tree(_Recipe):
    ladder = (2, 3, 4)

    def before(self, rows: int) -> Any:
        return dense(self.coding, rows, scaled=False)

    def model(self, step: float) -> Any:
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        kind = DecisionTreeRegressor if self.numbers else DecisionTreeClassifier
        least = max(5, self.task.facts.rows // 100)
        return kind(max_depth=int(step), min_samples_leaf=least, random_state=self.seed)

    def leaves(self, model: Any) -> float:
        return float(model[-1].get_n_leaves())

    def details(self, step: float) -> dict[str, str]:
        return {"depth": str(int(step))}


class _Boosting(_Recipe):
    single = False
    cells = CELLS
    levels = _MOST_LEVELS

    def model(self, step: float) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        facts = self.task.facts
        options: dict[str, Any] = {
            "categorical_features": self.coding.categories or None,
            "early_stopping": False,
            "random_state": self.seed,
            "monotonic_cst": task_terms.signs(self.task, self.coding.columns),
        }
        if not self.numbers:
            return HistGradientBoostingClassifier(**options)
        loss = "absolute_error" if task_terms.median_wanted(facts) else "squared_error"
        return HistGradientBoostingRegressor(loss=loss, **options)

    def leaves(self, model: Any) -> float:
        grown = model._predictors
        return float(sum(tree.get_n_leaf_nodes() for step in grown for tree in step))


def _fit(task: SearchTask, recipe: _Recipe) -> Candidate:
    matrix = recipe.coding.matrix(task.inputs.design)
    outcome = TargetScale.of(task)
    target = outcome.forth(task.target)
    native = Estimators(len(task.facts.classes))
    shares = RowBudget(task, recipe.cells)
    clock = FitClock(task.seconds)
    grown: list[list[Any]] = []
    curves: list[np.ndarray] = []
    steps = len(recipe.ladder)
    for number, (learnt, held) in enumerate(shares.pairs()):
        task.progress(f"fold {number + 1} of {task.folds.count}", number, task.folds.count)
        climb = _climb(recipe, matrix, target, task.weights, learnt)
        models, losses = [], []
        for step in recipe.ladder[:steps]:
            models.append(climb(step))
            predicted = native.predict(models[-1], matrix[held])
            losses.append(_loss(task, predicted, target[held], held))
            if clock.left < 0:
                steps = len(models)  # what time did not suffice for in one fold, no fold has
                break
        grown.append(models)
        curves.append(np.asarray(losses))
    if steps < len(recipe.ladder):
        shares.notes.append(f"time was over after {steps} of {len(recipe.ladder)} penalties")
    chosen = bagging.rounds_by_others([curve[:steps] for curve in curves])
    best = int(np.mean([curve[:steps] for curve in curves], axis=0).argmin())
    bag = bagging.Bag(
        [models[count - 1] for models, count in zip(grown, chosen, strict=True)],
        native,
        recipe.coding,
        len(task.facts.classes),
        outcome,
    )

    def refit() -> Any:
        rows = shares.sample(np.arange(len(target)), recipe.cells, 0)
        return _climb(recipe, matrix, target, task.weights, rows)(recipe.ladder[best])

    return bagging.candidate(
        task,
        bag,
        matrix,
        refit,
        details=recipe.details(recipe.ladder[best]),
        leaves=recipe.leaves,
        notes=shares.notes,
        single=recipe.single,
    )


def _climb(
    recipe: _Recipe,
    matrix: np.ndarray,
    target: np.ndarray,
    weights: np.ndarray | None,
    rows: np.ndarray,
) -> Callable[[float], Any]:
    """Return what fits a step of the ladder to some rows."""
    from sklearn.pipeline import Pipeline

    before = recipe.before(len(rows))
    prepared = matrix[rows] if before is None else before.fit_transform(matrix[rows])
    weight = None if weights is None else weights[rows]

    def fitted(step: float) -> Any:
        model = recipe.model(step).fit(prepared, target[rows], sample_weight=weight)
        return model if before is None else Pipeline([("before", before), ("model", model)])

    return fitted


def _loss(task: SearchTask, predicted: np.ndarray, target: np.ndarray, held: np.ndarray) -> float:
    """Return the mean loss of held rows, in the scale of learning."""
    if task.facts.classes:
        losses = -np.log(np.clip(predicted[np.arange(len(target)), target], 1e-6, 1.0))
    elif task_terms.median_wanted(task.facts):
        losses = np.abs(predicted - target)
    else:
        losses = (predicted - target) ** 2
    return float(np.average(losses, weights=None if task.weights is None else task.weights[held]))
