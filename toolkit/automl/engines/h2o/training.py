"""Fitting one of AutoML's recipes on the shared folds.

H2O's cross-validation stops each fold's boosting by the very rows that are held out, and
so makes its out-of-fold scores optimistic. Here the rounds are found first, on one fold (or, in
order of time, on the end of what is learnt from), and are then the same for all folds.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from h2o import H2OFrame
from h2o.estimators import H2OEstimator, create_estimator
from h2o.model import ModelBase

from toolkit.automl.engines.h2o import frames, keys, recipes, transfer
from toolkit.automl.engines.h2o.client import forget
from toolkit.automl.engines.h2o.training_table import PLACE, WEIGHT, FittedModel, TrainingTable
from toolkit.errors import EngineError

if TYPE_CHECKING:
    from toolkit.automl.engines.base import Trial
    from toolkit.automl.task import SearchTask

_BOOSTED = ("gbm", "xgboost")
_SCORE_EVERY, _PATIENCE, _TOLERANCE = 5, 3, 0.001
"""Boosting ends when 3 scorings, 5 rounds apart, bring less than a thousandth."""
_TAIL = 0.15
"""Share of the latest rows on which rounds are found, where rows are ordered in time."""
_MORE_ROUNDS = 1.1
"""Rounds of the model on all rows, relative to those on the rows up to some moment."""
_ONE_NODE_CELLS = 100_000_000
"""Up to this size, XGBoost builds its trees on one node, whatever the cluster."""
_LEAST_SECONDS = 1.0
_USED, _SAFE = 0.9, 0.7
"""Shares of the time left: given to H2O, and filled by rounds as they were measured."""
_MANY_CELLS = 5_000_000
_ALPHA = 0.5
_PENALTIES = 20
"""Steps from the strongest penalty to the weakest, where H2O would take 100."""


def fit(
    table: TrainingTable, task: SearchTask, trial: Trial, deadline: float | None
) -> FittedModel:
    """Return a trial's model on all rows, with out-of-fold scores.

    Raises
    ------
    EngineError
        If H2O cannot fit it, or the time is over.
    """
    algorithm, parameters = recipes.recipe(table, trial.settings)
    if algorithm == "xgboost":
        # The exact method and the approximate one, between which H2O chooses by size and
        # by the number of nodes, give other models on a cluster than on one node.
        parameters["tree_method"] = "hist"
        parameters["build_tree_one_node"] = _cells(task) < _ONE_NODE_CELLS
    if algorithm in _BOOSTED:
        parameters |= _constraints(table, task)
    if algorithm == "glm" and (task.facts.task == "multiclass" or _cells(task) > _MANY_CELLS):
        # AutoML tries six mixes of ridge and lasso. On large tables they hardly differ. For
        # several classes H2O 3.46 confuses the coefficients of one mix and the next where
        # lasso drops some (ArrayIndexOutOfBoundsException).
        parameters |= {"alpha": [_ALPHA], "nlambdas": _PENALTIES}
    training = RecipeTraining(
        table, task, trial, algorithm=algorithm, parameters=parameters, deadline=deadline
    )
    return training.ordered() if task.folds.ordered else training.crossed()


def stack(
    table: TrainingTable,
    task: SearchTask,
    trial: Trial,
    bases: list[FittedModel],
    deadline: float | None,
) -> FittedModel:
    """Return a stacked ensemble of models that share the task's folds.

    Its out-of-fold scores are those of the metalearner's own cross-validation, on the same
    folds: each row is predicted by weights that were learnt without the row's fold.
    """
    training = RecipeTraining(
        table, task, trial, algorithm="stackedensemble", parameters={}, deadline=deadline
    )
    model = training.build(
        table.frame,
        base_models=[base.model for base in bases],
        metalearner_fold_column=PLACE,
        metalearner_transform="logit" if task.facts.classes else "none",
        metalearner_params='{"keep_cross_validation_predictions": [true]}',
    )
    return FittedModel(model, training.crossed_scores(model.metalearner()), members=bases)


def _cells(task: SearchTask) -> int:
    return len(task.target) * task.facts.width


def _constraints(table: TrainingTable, task: SearchTask) -> dict[str, Any]:
    wanted = {}
    for column, direction in task.facts.monotonic.items():
        place = table.code.place(column)
        if place is not None:
            wanted[place] = 1.0 if direction == "increasing" else -1.0
    return {"monotone_constraints": wanted} if wanted else {}


class RecipeTraining:
    """One recipe on one table.

    Parameters
    ----------
    table : TrainingTable
        The rows.
    task : SearchTask
        Whose folds, seed and progress are used.
    trial : Trial
        Gives models their names.
    algorithm : str
        H2O's model builder.
    parameters : dict
        What it is told besides its defaults.
    deadline : float, optional
        The moment of `time.monotonic` at which it has to be done.
    """

    def __init__(
        self,
        table: TrainingTable,
        task: SearchTask,
        trial: Trial,
        *,
        algorithm: str,
        parameters: dict[str, Any],
        deadline: float | None,
    ) -> None:
        self.table = table
        self.task = task
        self.trial = trial
        self.algorithm = algorithm
        self.parameters = parameters
        self.deadline = deadline
        self.notes: list[str] = []

    def crossed(self) -> FittedModel:
        """Fit on folds that can be exchanged: H2O's own cross-validation."""
        found: dict[str, Any] = {}
        rounds = None
        if self.algorithm in _BOOSTED:
            learn = self.table.part(0, 1, outside=True)
            rounds = self._rounds(learn, self.table.part(0, 1), fits=self.task.folds.count + 1.25)
            found = _boosting(rounds)
        model = self.build(
            self.table.frame,
            fold_column=PLACE,
            keep_cross_validation_predictions=True,
            keep_cross_validation_models=False,
            **found,
        )
        oof = self.crossed_scores(model)
        if rounds is not None and (grown := model.actual_params["ntrees"]) < rounds:
            self.notes.append(f"{grown} rounds instead of {rounds}, for want of time")
        return FittedModel(model, oof, self.notes)

    def ordered(self) -> FittedModel:
        """Fit on folds in order of time: each from all before it, then one model on all rows."""
        oof, fold = self.task.empty_oof(), self.task.folds.fold
        classes, settings = len(self.task.facts.classes), []
        pairs = list(self.task.folds.pairs())
        for number, (learnt, held) in enumerate(pairs):
            self.task.progress(f"{self.trial.name}: fold {number + 1}", number, len(pairs) + 1)
            settings.append(self._early(len(learnt), fits=1.2 * (len(pairs) - number + 1)))
            model = self.build(self.table.part(0, len(learnt)), **settings[-1])
            rows = self.table.part(len(learnt), len(learnt) + len(held))
            oof[fold == number] = transfer.predict(model, rows, classes)
            forget(model.model_id)
        final = settings[-1]
        if "ntrees" in final:
            mean = float(np.mean([found["ntrees"] for found in settings]))
            final = _boosting(round(mean * _MORE_ROUNDS))
        self.task.progress(f"{self.trial.name}: on all rows", len(pairs), len(pairs) + 1)
        return FittedModel(self.build(self.table.frame, **final), oof, self.notes)

    def build(
        self,
        frame: H2OFrame,
        *,
        validation: H2OFrame | None = None,
        fold_column: str | None = None,
        **parameters: Any,
    ) -> H2OEstimator:
        """Fit one model."""
        key, client = keys.unique(self.trial.name), self.table.client
        estimator = create_estimator(self.algorithm).set_params(
            model_id=key,
            seed=self.trial.settings.get("seed", self.task.facts.seed),
            # Boosting that runs out of time is a smaller model; a cancelled job is none.
            **{"max_runtime_secs": self._share(_USED)} | self.parameters | parameters,
        )
        try:
            with client.errors(self._watch, self.deadline):
                estimator.train(
                    self.table.features,
                    frames.TARGET,
                    frame,
                    validation_frame=validation,
                    weights_column=WEIGHT if self.table.weighted else None,
                    fold_column=fold_column,
                )
        except EngineError as error:
            forget(key)
            raise EngineError(keys.MARK.sub("", error.problem), remedy=error.remedy) from error
        return estimator

    def crossed_scores(self, model: ModelBase) -> np.ndarray:
        """Return the scores of held-out rows that a cross-validated model kept."""
        kept = model.cross_validation_holdout_predictions()
        oof = transfer.scores(kept, len(self.task.facts.classes))
        if len(oof) != len(self.task.target):
            raise EngineError(f"H2O kept {len(oof)} out-of-fold scores of {len(self.task.target)}")
        return oof

    def _early(self, learnt: int, fits: float) -> dict[str, Any]:
        # What has to be found on rows: on the latest of those that are learnt from.
        cut = learnt - max(1, round(learnt * _TAIL))
        if self.algorithm in _BOOSTED:
            return _boosting(
                self._rounds(self.table.part(0, cut), self.table.part(cut, learnt), fits)
            )
        if self.algorithm != "glm":
            return {}
        model = self.build(self.table.part(0, cut), validation=self.table.part(cut, learnt))
        forget(model.model_id)
        return {
            "alpha": [model.getAlphaBest(model)],
            "lambda": [model.getLambdaBest(model)],
            "lambda_search": False,
        }

    def _rounds(self, learn: H2OFrame, held: H2OFrame, fits: float) -> int:
        """Return how many rounds serve best on held rows.

        `fits` is what is still to be done after that, in models of this size.
        """
        started = time.monotonic()
        model = self.build(
            learn,
            validation=held,
            score_tree_interval=_SCORE_EVERY,
            stopping_rounds=_PATIENCE,
            stopping_tolerance=_TOLERANCE,
            max_runtime_secs=self._share(1 / (fits + 3)),
        )
        forget(model.model_id)
        taken = time.monotonic() - started
        history = _history(model)
        rounds = max(1, int(history.index[int(history.argmin())]))
        left = None if self.deadline is None else self.deadline - time.monotonic()
        if (
            left is not None
            and (needs := taken * rounds / history.index.max() * fits) > _SAFE * left
        ):
            fewer = max(1, int(rounds * _SAFE * max(left, 0) / needs))
            self.notes.append(f"{fewer} rounds instead of {rounds}, for want of time")
            rounds = fewer
        return rounds

    def _share(self, share: float) -> float:
        if self.deadline is None:
            return 0.0  # no limit, to H2O
        return max(_LEAST_SECONDS, (self.deadline - time.monotonic()) * share)

    def _watch(self, done: float) -> None:
        if not self.task.folds.ordered:
            self.task.progress(f"{self.trial.name}: {self.trial.family}", int(100 * done), 100)


def _boosting(rounds: int) -> dict[str, Any]:
    return {"ntrees": rounds, "stopping_rounds": 0, "score_tree_interval": rounds}


def _history(model: ModelBase) -> pd.Series:
    """Return the error on held rows by the number of trees."""
    table = model.scoring_history()
    error = next(n for n in ("validation_logloss", "validation_rmse") if n in table)
    scored = table.set_index("number_of_trees")[error].replace([np.inf, "", "NaN"], np.nan)
    if scored.isna().all():
        raise EngineError("H2O was stopped before its first scoring")
    return scored.dropna().astype("float64")
