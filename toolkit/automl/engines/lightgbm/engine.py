"""Gradient boosting with LightGBM, one booster for each fold, all grown in step."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import formats
from toolkit.automl.engines import bagging, portfolio, task_terms
from toolkit.automl.engines.base import Candidate, Engine, Scorer, Trial
from toolkit.automl.engines.coding import Coding
from toolkit.automl.engines.lightgbm import trees
from toolkit.automl.engines.row_budget import CELLS, FitClock, RowBudget
from toolkit.automl.engines.target_scale import TargetScale
from toolkit.errors import EngineError

if TYPE_CHECKING:
    from toolkit.automl.task import SearchTask, TaskFacts
    from toolkit.forests import TreeEnsemble, TreeNodes

_WIDE = 500
_PROBE = 5
"""Rounds after which it is known how long a round takes."""
_FASTEST = 0.3
"""The learning rate is never raised above it."""
_FLOOR = 25.0
"""Rounds times learning rate that a model commonly needs."""


class LightgbmEngine(Engine):
    """LightGBM."""

    name = "lightgbm"
    title = "LightGBM"
    description = "gradient boosting with tuned defaults; quick"
    packages = ("lightgbm",)
    pace = (5.0, 30.0)

    def plan(self, facts: TaskFacts) -> list[Trial]:
        """Return proven settings first, then seeded draws."""
        return portfolio.lightgbm(facts)

    def fit(self, task: SearchTask, trial: Trial) -> Candidate:
        """Fit one booster for each fold."""
        return _LightgbmFit(task, trial).run()

    def load(self, folder: Path) -> Scorer:
        """Return the scorer of saved boosters."""
        return bagging.Bag.load(folder, Boosters()).score

    def tree_ensembles(self, folder: Path) -> list[TreeEnsemble]:
        """Return the boosters' trees."""
        return bagging.Bag.load(folder, Boosters()).tree_ensembles(_read, "margin")


class Boosters:
    """LightGBM's boosters: saved as its text format."""

    def predict(self, model: Any, matrix: np.ndarray) -> np.ndarray:
        """Return probabilities, or values in the scale of learning."""
        return np.asarray(model.predict(matrix))

    def save(self, model: Any, stem: Path) -> None:
        """Write ``<stem>.txt``."""
        stem.with_suffix(".txt").write_text(_text(model), encoding="utf-8", newline="\n")

    def load(self, stem: Path) -> Any:
        """Return the booster."""
        import lightgbm

        text = stem.with_suffix(".txt").read_text(encoding="utf-8")
        return lightgbm.Booster(model_str=text)


def _read(model: Any) -> tuple[list[TreeNodes], np.ndarray] | None:
    text = _text(model)
    if "\nobjective=poisson" in text:
        return None  # the leaves add up to a logarithm
    return trees.trees(text), np.zeros(trees.outputs(text))


def _text(model: Any) -> str:
    # Columns are known by place: their names may hold what the format cannot.
    return str(model.model_to_string())


class _LightgbmFit:
    """The boosters of one trial."""

    def __init__(self, task: SearchTask, trial: Trial) -> None:
        self.task = task
        self.settings = trial.settings
        self.clock = FitClock(task.seconds, share=0.6 if task.folds.ordered else 0.85)
        self.coding = Coding.fit(task.inputs.design, most=trial.settings["levels"])
        self.matrix = self.coding.matrix(task.inputs.design)
        self.outcome = TargetScale.of(task, task_terms.outcome_kind(task, trial.settings))
        self.target = self.outcome.forth(task.target)
        self.shares = RowBudget(task)
        self.parameters = self._parameters()
        self.rate = float(trial.settings["parameters"]["learning_rate"])
        self.patience = int(np.clip(4 / self.rate, 40, 200))
        self.most = int(150 / self.rate)

    def run(self) -> Candidate:
        boosters, learnt = self._boosters()
        curves = self._grow(boosters)
        rounds = bagging.rounds_by_others(curves)
        models = [_cut(b, r) for b, r in zip(boosters, rounds, strict=True)]
        bag = bagging.Bag(
            models, Boosters(), self.coding, len(self.task.facts.classes), self.outcome
        )

        def refit() -> Any:
            rows = self.shares.sample(np.arange(len(self.target)), CELLS, 0)
            wanted = bagging.rounds_for_all(rounds, learnt, len(rows))
            return self._refit(rows, wanted)

        details = {
            "rounds": ", ".join(map(str, rounds)),
            "learning rate": formats.number(self.rate),
            "leaves": str(self.parameters["num_leaves"]),
            "target": self.outcome.kind,
        }
        return bagging.candidate(
            self.task, bag, self.matrix, refit,
            details=details, leaves=_leaves, notes=self.shares.notes,
        )  # fmt: skip

    # -- what is grown -----------------------------------------------------------

    def _dataset(self, rows: np.ndarray | None = None) -> Any:
        import lightgbm

        weights = self.task.weights
        return lightgbm.Dataset(
            self.matrix if rows is None else self.matrix[rows],
            self.target if rows is None else self.target[rows],
            weight=weights if rows is None or weights is None else weights[rows],
            categorical_feature=[] if self.settings["ordinal"] else self.coding.categories,
            params=self.parameters,
            free_raw_data=True,
        ).construct()

    def _boosters(self) -> tuple[list[Any], list[int]]:
        import lightgbm

        whole = self._dataset()
        boosters, learnt = [], []
        for rows, held in self.shares.pairs():
            booster = lightgbm.Booster(self.parameters, whole.subset(rows))
            booster.add_valid(whole.subset(held), "held")
            boosters.append(booster)
            learnt.append(len(rows))
        return boosters, learnt

    def _grow(self, boosters: list[Any]) -> list[np.ndarray]:
        """Grow all boosters round by round, until no fold's rounds can change any more."""
        curves: list[list[float]] = [[] for _ in boosters]
        began = time.monotonic()
        total = np.zeros(0)
        for done in range(1, self.most + 1):
            for booster, curve in zip(boosters, curves, strict=True):
                booster.update()
                curve.append(booster.eval_valid()[0][2])
            total = np.append(total, np.mean([curve[-1] for curve in curves]))
            self.task.progress(f"{done} rounds", done, self.most)
            if done == _PROBE:
                self._hurry(boosters, (time.monotonic() - began) / done)
            if done - int(total.argmin()) > self.patience or self.clock.left < 0:
                break
        if self.clock.left < 0:
            self.shares.notes.append(f"time was over after {len(total)} rounds")
        return [np.asarray(curve) for curve in curves]

    def _hurry(self, boosters: list[Any], seconds: float) -> None:
        """Learn faster where time is too short for the rounds that this rate needs."""
        possible = self.clock.planned / seconds
        faster = min(_FASTEST, _FLOOR / max(possible, 1.0))
        if faster > self.rate:
            self.shares.notes.append(
                f"the learning rate was raised from {formats.number(self.rate)} to"
                f" {formats.number(faster)} for want"
                " of time"
            )
            self.rate = faster
            for booster in boosters:
                booster.reset_parameter({"learning_rate": faster})

    def _refit(self, rows: np.ndarray, rounds: int) -> Any:
        import lightgbm

        parameters = self.parameters | {"learning_rate": self.rate}
        everything = len(rows) == len(self.target)
        booster = lightgbm.Booster(parameters, self._dataset(None if everything else rows))
        for _ in range(rounds):
            booster.update()
        return _cut(booster, rounds)

    # -- parameters --------------------------------------------------------------

    def _parameters(self) -> dict[str, Any]:
        facts = self.task.facts
        wide = facts.width > _WIDE
        fixed: dict[str, Any] = {
            **self._objective(),
            "verbosity": -1,
            "deterministic": True,
            "force_col_wise" if wide else "force_row_wise": True,
            "num_threads": facts.threads,
            "seed": facts.seed,
            "feature_pre_filter": False,
        }
        parameters = fixed | self.settings["parameters"]
        signs = task_terms.signs(self.task, self.coding.columns)
        if signs is not None:
            # Smoothing mixes a leaf with its parent after the constraint was seen to: measured,
            # it breaks it.
            parameters |= {"monotone_constraints": signs, "path_smooth": 0.0}
        return parameters

    def _objective(self) -> dict[str, Any]:
        facts = self.task.facts
        if facts.task == "binary":
            return {"objective": "binary", "metric": "binary_logloss"}
        if facts.task == "multiclass":
            count = len(facts.classes)
            return {"objective": "multiclass", "metric": "multi_logloss", "num_class": count}
        if self.outcome.kind == "rate":
            return {"objective": "poisson", "metric": "poisson"}
        if task_terms.median_wanted(facts):
            return {"objective": "regression_l1", "metric": "l1"}
        return {"objective": "regression", "metric": "l2"}


def _cut(booster: Any, rounds: int) -> Any:
    """Return the booster's first rounds, without the data it was grown on."""
    import lightgbm

    try:
        return lightgbm.Booster(model_str=booster.model_to_string(num_iteration=rounds))
    except lightgbm.basic.LightGBMError as error:
        raise EngineError(f"LightGBM: {error}") from error


def _leaves(booster: Any) -> float:
    text = _text(booster)
    return float(
        sum(
            int(line.partition("=")[2])
            for line in text.splitlines()
            if line.startswith("num_leaves=")
        )
    )
