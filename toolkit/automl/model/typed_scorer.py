"""What a saved model predicts for typed rows: features, the engine's scores, calibration."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.automl import engines
from toolkit.automl.decisions.calibration import Calibration
from toolkit.automl.decisions.conformal import ConformalFit
from toolkit.automl.engines.base import Scorer
from toolkit.automl.files.model_file import FEATURES, NATIVE
from toolkit.automl.inputs import Inputs
from toolkit.project.criteria import Costs
from toolkit.project.data import Column

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from toolkit.table import Features


class TypedScorer:
    """A saved model's features, engine and calibration: typed rows in, scores out.

    Attributes
    ----------
    name, engine, family : str
        As on the leaderboard.
    task : str
        binary, multiclass or regression.
    classes : list of str
        The order of the columns of scores.
    threshold : float or None
        Binary: a row is positive when its probability reaches it.
    columns : dict of str to Column
        The feature columns it takes.
    costs : Costs
        What decisions cost, for models of several classes.
    calibration : Calibration
        Applied to the engine's scores.
    conformal : ConformalFit or None
        How intervals or sets are made; the champion has it.
    """

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        self.folder = folder
        self.name: str = facts["name"]
        self.engine: str = facts["engine"]
        self.family: str = facts["family"]
        self.task: str = facts["task"]
        self.classes: list[str] = facts["classes"]
        self.threshold: float | None = facts["threshold"]
        self.columns = {name: Column(**column) for name, column in facts["columns"].items()}
        self.costs = Costs(**facts["costs"])
        self.calibration = Calibration(**facts["calibration"])
        learnt = facts.get("conformal")
        self.conformal = None if learnt is None else ConformalFit(**learnt)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.task}, {str(self.folder)!r})"

    def inputs(self, frame: pd.DataFrame) -> Inputs:
        """Return typed rows as engines take them.

        Raises
        ------
        DataError
            If columns are missing.
        """
        from toolkit import table

        return Inputs(table.conform(frame, self.columns), self.features)

    def score(self, inputs: Inputs) -> np.ndarray:
        """Return the engine's scores, before calibration: (n, k) or (n,)."""
        return self._scorer(inputs)

    def raw(self, frame: pd.DataFrame) -> np.ndarray:
        """Return scores before calibration, (n, k) or (n,)."""
        return self.score(self.inputs(frame))

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Return calibrated probabilities (n, k) in the order of `classes`, or values (n,).

        Parameters
        ----------
        frame : pandas.DataFrame
            Typed rows, columns in any order.
        """
        return self.calibration.apply(self.raw(frame))

    @cached_property
    def members(self) -> dict[str, float]:
        """The weights of the models that it averages, heaviest first; empty for others."""
        return engines.get(self.engine).members(self.folder / NATIVE)

    @cached_property
    def features(self) -> Features:
        """The fitted transformer between typed columns and what engines take."""
        from toolkit import table

        return table.Features.load(self.folder / FEATURES)

    @cached_property
    def _scorer(self) -> Scorer:
        return engines.get(self.engine).load(self.folder / NATIVE)
