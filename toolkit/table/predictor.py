"""What evaluation, explanation and deployment know of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from toolkit.forests import AdditiveModel
    from toolkit.project.data import Column


@runtime_checkable
class Predictor(Protocol):
    """A model ready for use, whatever engine made it.

    Attributes
    ----------
    task : str
        binary, multiclass or regression.
    classes : list of str
        Binary: negative, positive; multiclass: sorted; regression: empty.
    threshold : float or None
        Binary: the probability from which a row is predicted positive.
    columns : dict of str to Column
        The feature columns it takes.
    name : str
        Its name on the leaderboard.
    """

    task: str
    classes: list[str]
    threshold: float | None
    columns: dict[str, Column]
    name: str

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Return ``(n, k)`` calibrated probabilities in the order of `classes`, or ``(n,)`` values.

        Takes typed rows, columns in any order.
        """
        ...


@runtime_checkable
class Additive(Protocol):
    """A model that may be a sum of forests, whose values are exact then."""

    def as_sum(self) -> AdditiveModel | None:
        """Return what it says as a sum, in the space that the sum names; None if it is none."""
        ...


@dataclass(frozen=True)
class Smooth:
    """What a model predicts, as a differentiable function of encoded rows.

    Attributes
    ----------
    columns : list of str
        The table's columns, to which values are attributed.
    space : str
        What `gradients` gives: value or probability, as `Predictor.predict` does.
    owners : array of int, shape (features,)
        The place in `columns` of the column that each feature comes from.
    encode : callable
        From typed rows to float32 (n, features).
    gradients : callable
        From encoded rows to outputs (n, k), of two classes the positive one's, and their
        gradients (n, k, features), both float64.
    """

    columns: list[str]
    space: str
    owners: np.ndarray
    encode: Callable[[pd.DataFrame], np.ndarray]
    gradients: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@runtime_checkable
class Differentiable(Protocol):
    """A model that may be a differentiable function of what its columns are encoded as."""

    def as_smooth(self) -> Smooth | str:
        """Return that function, or why there is none."""
        ...
