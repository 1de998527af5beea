"""Gradient boosting with CatBoost: symmetric trees, categories by ordered target statistics."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import formats
from toolkit.automl.engines import bagging, portfolio, task_terms
from toolkit.automl.engines.base import Candidate, Engine, Scorer, Trial
from toolkit.automl.engines.catboost import trees
from toolkit.automl.engines.coding import Coding
from toolkit.automl.engines.row_budget import CELLS, FitClock, RowBudget
from toolkit.automl.engines.target_scale import TargetScale
from toolkit.errors import EngineError

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.automl.task import SearchTask, TaskFacts
    from toolkit.forests import TreeEnsemble, TreeNodes

_PROBE = 8
"""Rounds fitted to know how long a round takes."""
_FASTEST = 0.3
_FLOOR = 30.0
"""Rounds times learning rate that a model commonly needs."""
_MISSING = -1
_LOGARITHMIC = ("Poisson", "Tweedie")
"""Losses under which leaves add up to the logarithm of what is predicted."""


class CatboostEngine(Engine):
    """CatBoost."""

    name = "catboost"
    title = "CatBoost"
    description = "gradient boosting that knows categories; slower, often the best single model"
    packages = ("catboost",)
    pace = (5.0, 110.0)

    def plan(self, facts: TaskFacts) -> list[Trial]:
        """Return proven settings first, then seeded draws."""
        return portfolio.catboost(facts)

    def fit(self, task: SearchTask, trial: Trial) -> Candidate:
        """Fit one model for each fold."""
        import catboost

        try:
            return _CatboostFit(task, trial).run()
        except catboost.CatBoostError as error:
            line = str(error).strip().splitlines()[-1]
            raise EngineError(f"CatBoost: {line.rsplit(': ', 1)[-1]}") from error

    def load(self, folder: Path) -> Scorer:
        """Return the scorer of saved models."""
        models = Models()
        bag = bagging.Bag.load(folder, models)
        models.coding = bag.coding
        return bag.score

    def tree_ensembles(self, folder: Path) -> list[TreeEnsemble]:
        """Return the models' trees; none where a split looks at two categories at once."""
        bag = bagging.Bag.load(folder, Models())
        coding = bag.coding
        levels = {place: coding.width(coding.columns[place]) for place in coding.categories}

        def read(model: Any) -> tuple[list[TreeNodes], np.ndarray] | None:
            if model.get_all_params().get("loss_function") in _LOGARITHMIC:
                return None
            grown = trees.trees(
                model, len(coding.columns), levels, lambda matrix: _frame(coding, matrix)
            )
            return None if grown is None else (grown, trees.base(model))

        return bag.tree_ensembles(read, "margin", single=True)


class Models:
    """CatBoost's models: saved in its binary format, without what differs between equal ones."""

    def __init__(self, coding: Coding | None = None, threads: int = -1) -> None:
        self.coding = coding
        self.threads = threads

    def predict(self, model: Any, matrix: np.ndarray) -> np.ndarray:
        """Return probabilities, or values in the scale of learning."""
        assert self.coding is not None
        loss = model.get_all_params()["loss_function"] if model.get_all_params() else ""
        kind = "Probability" if loss in ("Logloss", "MultiClass") else "RawFormulaVal"
        frame = _frame(self.coding, matrix)
        return np.asarray(model.predict(frame, prediction_type=kind, thread_count=self.threads))

    def save(self, model: Any, stem: Path) -> None:
        """Write ``<stem>.cbm``."""
        facts = model.get_metadata()
        for name in ("model_guid", "train_finish_time"):
            facts[name] = ""
        model.save_model(str(stem.with_suffix(".cbm")), format="cbm")

    def load(self, stem: Path) -> Any:
        """Return the model."""
        import catboost

        return catboost.CatBoost().load_model(blob=stem.with_suffix(".cbm").read_bytes())


def _frame(coding: Coding, matrix: np.ndarray) -> pd.DataFrame:
    # Columns by place: a level's code is what the model knows of it.
    import pandas as pd

    places = set(coding.categories)
    return pd.DataFrame(
        {
            place: np.nan_to_num(matrix[:, place], nan=_MISSING).astype(np.int32)
            if place in places
            else np.ascontiguousarray(matrix[:, place])
            for place in range(matrix.shape[1])
        }
    )


class _Stop:
    """Ends a fit when its share of the time is over."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.reached = False

    def after_iteration(self, info: Any) -> bool:
        self.reached = time.monotonic() > self.until
        return not self.reached


class _CatboostFit:
    """The models of one trial."""

    def __init__(self, task: SearchTask, trial: Trial) -> None:
        self.task = task
        self.clock = FitClock(task.seconds, share=0.6 if task.folds.ordered else 0.85)
        self.coding = Coding.fit(task.inputs.design, most=trial.settings["levels"])
        self.matrix = self.coding.matrix(task.inputs.design)
        self.outcome = TargetScale.of(task, task_terms.outcome_kind(task, trial.settings))
        self.target = self.outcome.forth(task.target)
        self.shares = RowBudget(task)
        self.parameters = self._fixed() | trial.settings["parameters"]
        rate = self.parameters["learning_rate"]
        self.parameters["iterations"] = int(120 / rate)
        self.parameters["od_wait"] = int(np.clip(3 / rate, 30, 150))

    def run(self) -> Candidate:
        pairs = list(self.shares.pairs())
        if self.clock.limited:
            self._hurry(pairs)
        models: list[Any] = []
        for number, (learnt, held) in enumerate(pairs):
            self.task.progress(f"fold {number + 1} of {len(pairs)}", number, len(pairs))
            seconds = self.clock.left / (len(pairs) - number)
            models.append(self._fit(learnt, held, seconds))
        curves = [_curve(model) for model in models]
        rounds = bagging.rounds_by_others(curves)
        for model, count in zip(models, rounds, strict=True):
            model.shrink(ntree_end=count)
        bag = bagging.Bag(
            models,
            Models(self.coding, self.task.facts.threads),
            self.coding,
            len(self.task.facts.classes),
            self.outcome,
        )

        def refit() -> Any:
            rows = self.shares.sample(np.arange(len(self.target)), CELLS, 0)
            wanted = bagging.rounds_for_all(rounds, [len(learnt) for learnt, _ in pairs], len(rows))
            return self._fit(rows, None, np.inf, {"iterations": wanted})

        details = {
            "rounds": ", ".join(map(str, rounds)),
            "depth": str(self.parameters["depth"]),
            "learning rate": formats.number(self.parameters["learning_rate"]),
            "target": self.outcome.kind,
        }
        return bagging.candidate(
            self.task, bag, self.matrix, refit,
            details=details, leaves=self._leaves, notes=self.shares.notes,
        )  # fmt: skip

    def _fit(
        self,
        learnt: np.ndarray,
        held: np.ndarray | None,
        seconds: float,
        changes: dict[str, Any] | None = None,
    ) -> Any:
        import catboost

        parameters = self.parameters | (changes or {})
        if held is None:
            del parameters["od_wait"], parameters["od_type"]
        model = catboost.CatBoost(parameters)
        stop = _Stop(seconds)
        model.fit(
            self._pool(learnt),
            eval_set=None if held is None else self._pool(held),
            use_best_model=False,
            callbacks=[stop] if np.isfinite(seconds) else None,
        )
        if stop.reached:
            self.shares.notes.append(f"time was over after {model.tree_count_} rounds of a fold")
        return model

    def _pool(self, rows: np.ndarray) -> Any:
        import catboost

        weights = self.task.weights
        return catboost.Pool(
            _frame(self.coding, self.matrix[rows]),
            self.target[rows],
            cat_features=self.coding.categories,
            weight=None if weights is None else weights[rows],
            thread_count=self.task.facts.threads,
        )

    def _hurry(self, pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
        """Learn faster where time is too short for the rounds that the rate needs."""
        began = time.monotonic()
        self._fit(*pairs[0], np.inf, {"iterations": _PROBE})
        seconds = (time.monotonic() - began) / _PROBE
        possible = self.clock.planned / len(pairs) / seconds
        rate = self.parameters["learning_rate"]
        faster = min(_FASTEST, _FLOOR / max(possible, 1.0))
        if faster > rate:
            self.parameters["learning_rate"] = faster
            self.shares.notes.append(
                f"the learning rate was raised from {formats.number(rate)} to"
                f" {formats.number(faster)} for want of time"
            )

    def _leaves(self, model: Any) -> float:
        outputs = len(self.task.facts.classes) if self.task.facts.task == "multiclass" else 1
        return float(len(model.get_leaf_values()) / outputs)

    def _fixed(self) -> dict[str, Any]:
        facts = self.task.facts
        fixed: dict[str, Any] = {
            **self._loss(),
            "random_seed": facts.seed,
            "thread_count": facts.threads,
            "allow_writing_files": False,
            "allow_const_label": True,
            "verbose": False,
            "boosting_type": "Plain",
            "od_type": "Iter",
        }
        signs = task_terms.signs(self.task, self.coding.columns)
        return fixed if signs is None else fixed | {"monotone_constraints": signs}

    def _loss(self) -> dict[str, Any]:
        facts = self.task.facts
        if facts.task == "binary":
            return {"loss_function": "Logloss"}
        if facts.task == "multiclass":
            return {"loss_function": "MultiClass", "classes_count": len(facts.classes)}
        return {"loss_function": "MAE" if task_terms.median_wanted(facts) else "RMSE"}


def _curve(model: Any) -> np.ndarray:
    losses = model.get_evals_result()["validation"]
    (curve,) = losses.values()
    return np.asarray(curve)
