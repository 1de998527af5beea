"""What evaluation, explanation and deployment know of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from toolkit.forests import Sum
    from toolkit.project.model import Column


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
        Binary: rows whose positive probability reaches it are called positive.
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

    def predict(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return ``(n, k)`` calibrated probabilities in the order of `classes`, or ``(n,)`` values.

        Takes raw rows as they stand in the source, or typed ones, columns in any order.
        """
        ...

    def decide(self, scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return labels (by the threshold, or the likeliest class), or the values themselves."""
        ...


@runtime_checkable
class Additive(Protocol):
    """A model that may be a sum of forests, whose values are exact then."""

    def as_sum(self) -> Sum | None:
        """Return what it says as a sum, in the space that the sum names; None if it is none."""
        ...
