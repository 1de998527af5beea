"""A saved model: a folder that holds everything needed to score raw rows.

``model.json`` says what the model is, ``native/`` holds its engine's own files. `Model` takes
the typed rows of a run; `toolkit.load_model` gives one that takes rows from anywhere.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit import canonical
from toolkit.automl.decisions.conformal import ConformalFit
from toolkit.automl.files.model_file import check_versions, read_facts
from toolkit.automl.model.additive import as_sum
from toolkit.automl.model.differentiable import as_smooth
from toolkit.automl.model.typed_scorer import TypedScorer
from toolkit.errors import ModelError
from toolkit.run.folder import Run

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from toolkit.forests import AdditiveModel
    from toolkit.run.stage import Stage
    from toolkit.table.predictor import Smooth


class Model(TypedScorer):
    """A model for typed rows; it keeps to `toolkit.table.Predictor`."""

    def as_sum(self) -> AdditiveModel | None:
        """Return what the model says as a sum of forests, as far as it is one; else None.

        Of two classes it is the log-odds of the positive one, calibrated as `predict` is, or,
        for forests of votes, its probability; of several classes the log-odds of each against
        the mean of all, or probabilities; of a number, the number.
        """
        return self._sum

    @cached_property
    def _sum(self) -> AdditiveModel | None:
        return as_sum(self)

    def as_smooth(self) -> Smooth | str:
        """Return what the model says as a differentiable function of encoded rows, or why not.

        Networks of tables and images are one, with the calibration that `predict` applies.
        """
        return self._smooth

    @cached_property
    def _smooth(self) -> Smooth | str:
        return as_smooth(self)

    def decide(self, scores: np.ndarray) -> np.ndarray:
        """Return a label for each row, or the values of a regression.

        Labels have the type that pandas gives the target's column: whole numbers for classes
        ``0`` and ``1``, booleans for ``True`` and ``False``, else text. Codes with leading zeros
        stay text.
        """
        from toolkit import metrics

        decided = metrics.decide(scores, metrics.context_of(self))
        if self.task == "regression":
            return decided
        codes = metrics.class_codes(decided, self.classes)
        return metrics.label_values(self.classes)[codes]

    def interval(self, frame: pd.DataFrame) -> np.ndarray:
        """Return lower and upper bounds, (n, 2), which cover the truth with the nominal coverage.

        Regression; the nominal coverage is ``conformal.coverage``.

        Raises
        ------
        ModelError
            For a model that is not a champion, or predicts classes.
        """
        inputs = self.inputs(frame)
        learnt = self._learnt(regression=True)
        return learnt.interval(self.score(inputs), inputs.design)

    def prediction_set(self, frame: pd.DataFrame) -> list[list[str]]:
        """Return for each row the classes, likeliest first, that may well be the truth.

        They hold the true class with the nominal coverage, ``conformal.coverage``.

        Raises
        ------
        ModelError
            For a model that is not a champion, or predicts a number.
        """
        learnt = self._learnt(regression=False)
        probabilities = self.calibration.apply(self.raw(frame))
        order = (-probabilities).argsort(axis=1, kind="stable")
        inside = learnt.included(probabilities)
        return [
            [self.classes[k] for k in ranked if held[k]]
            for ranked, held in zip(order, inside, strict=True)
        ]

    def _learnt(self, *, regression: bool) -> ConformalFit:
        if regression is not (self.task == "regression"):
            raise ModelError(
                f"a {self.task} model has no {'intervals' if regression else 'sets of classes'}",
                where=self.name,
                remedy=f"Use {'prediction_set' if regression else 'interval'}",
            )
        if self.conformal is None:
            raise ModelError(
                "has no intervals or sets: only the champion has",
                where=self.name,
                remedy="Load models/champion",
            )
        return self.conformal


def saved_facts(folder: Path | str) -> tuple[Path, dict[str, Any]]:
    """Return a model's folder and what its ``model.json`` says, if it can be loaded here.

    Raises
    ------
    ModelError
        If the folder holds no model, or one made by another major version of its engine.
    """
    folder = Path(folder).expanduser().absolute()
    facts = read_facts(folder)
    check_versions(facts, folder)
    return folder, facts


def saved_model(folder: Path | str) -> Model:
    """Return a saved model for the typed rows of its own run; see `saved_facts`."""
    return Model(*saved_facts(folder))


def load_champion(stage: Stage) -> Model:
    """Return the champion of the stage's run, for the rows of that run.

    Raises
    ------
    MissingArtifact
        If 04_automl.ipynb has not run.
    ModelError
        If the model's files are not those that were chosen.
    """
    return saved_model(champion_folder(stage))


def champion_folder(source: Stage | Run) -> Path:
    """Return the folder of a run's champion, as it was chosen; for errors see `load_champion`."""
    from toolkit.artifacts import Champion

    champion = source.read(Champion)
    run = source if isinstance(source, Run) else source.run
    folder = run.folder / champion.model
    kept = champion.model_digest and folder.is_dir()  # else loading says that it is not there
    if kept and canonical.digest_file(folder) != champion.model_digest:
        raise ModelError(
            "the champion's files are not those that were chosen",
            where=str(folder),
            remedy="Run 04_automl.ipynb again",
        )
    return folder
