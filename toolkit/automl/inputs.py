"""Rows on their way into models: typed columns, and the design frame made of them once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from toolkit.table import Features


class Inputs:
    """Rows as engines take them.

    Parameters
    ----------
    typed : pandas.DataFrame
        The typed feature columns, as `toolkit.table.conform` gives them: texts as strings,
        images as encoded bytes.
    features : Features
        The fitted transformer.
    design : pandas.DataFrame, optional
        What `features` makes of `typed`, if it is known already.
    """

    def __init__(
        self, typed: pd.DataFrame, features: Features, design: pd.DataFrame | None = None
    ) -> None:
        self.typed = typed
        self.features = features
        if design is not None:
            self.__dict__["design"] = design

    def __len__(self) -> int:
        return len(self.typed)

    @cached_property
    def design(self) -> pd.DataFrame:
        """Numbers (float64) and categories (strings): the columns of tabular engines."""
        return self.features.transform(self.typed)

    def take(self, rows: np.ndarray) -> Inputs:
        """Return some rows, by position, index 0, 1, ..."""
        design = self.__dict__.get("design")
        return Inputs(
            self.typed.iloc[rows].reset_index(drop=True),
            self.features,
            None if design is None else design.iloc[rows].reset_index(drop=True),
        )
