"""How usual a row is among the training rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from toolkit.explain.rows.distance import Gower

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column

NEIGHBOURS = 5
_REFERENCE, _PROBES = 2_000, 500


class Density:
    """How thin the table is around a row: its mean distance to its 5 nearest training rows.

    Parameters
    ----------
    frame : pandas.DataFrame
        Training rows, in random order; the first 2,000 are used.
    columns : mapping of str to Column
        What the columns are.
    """

    def __init__(self, frame: pd.DataFrame, columns: Mapping[str, Column]) -> None:
        reference = frame.iloc[:_REFERENCE].reset_index(drop=True)
        self._gower = Gower(reference, columns)
        probes = reference.iloc[:_PROBES]
        # A probe is its own nearest row, at distance 0, which is left out.
        _, found = self._gower.nearest(probes, NEIGHBOURS + 1)
        self._usual = np.sort(found[:, 1:].mean(axis=1)) if found.shape[1] > 1 else np.zeros(0)

    def plausibility(self, frame: pd.DataFrame) -> np.ndarray:
        """Return, for each row, the share of training rows with as thin or thinner a place."""
        if not len(frame):
            return np.zeros(0)
        if not len(self._usual):
            return np.ones(len(frame))
        _, found = self._gower.nearest(frame, NEIGHBOURS)
        thin = found.mean(axis=1)
        # A rounding error of float32 must not make a training row rarer than itself.
        below = np.searchsorted(self._usual, thin - 1e-6, side="left")
        return np.asarray(1 - below / len(self._usual))
