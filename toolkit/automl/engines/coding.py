"""A design frame as one matrix of numbers: categories become codes. For trees of any make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_LARGE = 1 << 30
"""Bytes of a float64 matrix above which float32 has to do."""
_LIMIT = 1e38
"""Beyond it a float32 is infinite."""


@dataclass(frozen=True)
class Coding:
    """How each column of a design frame becomes a column of the matrix.

    Attributes
    ----------
    columns : list of str
        The design frame's columns, in order.
    levels : dict of str to list of str
        The levels of each category column, the most frequent first; a level's code is its
        place here.
    rare : list of str
        Category columns in which some training rows had a level that has no code of its own.
        Such levels share the code after the last, and so do levels never seen. In other
        columns a level never seen counts as missing.
    single : bool
        Whether the matrix is float32.
    """

    columns: list[str]
    levels: dict[str, list[str]]
    rare: list[str]
    single: bool

    @classmethod
    def fit(cls, design: pd.DataFrame, *, most: int = 1000, least: int = 2) -> Coding:
        """Learn the levels of training rows.

        Parameters
        ----------
        design : pandas.DataFrame
            Numbers (float64) and categories (strings).
        most : int
            The most levels of a column that get a code of their own.
        least : int
            Training rows that a level must have for it.
        """
        levels: dict[str, list[str]] = {}
        rare = []
        least = min(least, max(1, len(design) // 50))
        for name in design.columns:
            if design[name].dtype.kind == "f":
                continue
            counts = design[name].value_counts()
            found = sorted(
                ((-int(n), str(level)) for level, n in counts.items() if n), key=lambda pair: pair
            )
            kept = [level for n, level in found if -n >= least][:most]
            levels[name] = kept
            if len(kept) < len(found):
                rare.append(name)
        single = design.shape[0] * design.shape[1] * 8 > _LARGE
        return cls(list(design.columns), levels, rare, single)

    @property
    def categories(self) -> list[int]:
        """Places of the category columns."""
        return [place for place, name in enumerate(self.columns) if name in self.levels]

    def width(self, name: str) -> int:
        """Return how many codes a category column has."""
        return len(self.levels[name]) + (name in self.rare)

    def matrix(self, design: pd.DataFrame) -> np.ndarray:
        """Return the matrix, shape (n, columns), missing values as NaN."""
        kind = np.float32 if self.single else np.float64
        result = np.empty((len(design), len(self.columns)), dtype=kind)
        for place, name in enumerate(self.columns):
            if name in self.levels:
                result[:, place] = self._codes(name, design[name])
            else:
                values = design[name].to_numpy(dtype=np.float64, na_value=np.nan)
                np.clip(values, -_LIMIT, _LIMIT, out=result[:, place], casting="same_kind")
        return result

    def single_matrix(self, design: pd.DataFrame) -> np.ndarray:
        """Return the matrix in single precision."""
        return np.asarray(self.matrix(design), dtype=np.float32)

    def _codes(self, name: str, series: pd.Series) -> np.ndarray:
        import pandas as pd

        known = self.levels[name]
        codes = pd.Categorical(series.astype("str"), categories=pd.Index(known, dtype="str")).codes
        result = codes.astype(np.float64)
        unknown = codes < 0
        result[unknown] = len(known) if name in self.rare else np.nan
        result[unknown & series.isna().to_numpy()] = np.nan
        return result

    def facts(self) -> dict[str, Any]:
        """Return what `of` takes, for JSON."""
        return {
            "columns": self.columns,
            "levels": self.levels,
            "rare": self.rare,
            "single": self.single,
        }

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Coding:
        """Return the coding that `facts` describe."""
        return cls(facts["columns"], facts["levels"], facts["rare"], facts["single"])
