"""Design frames as H2O has them.

Inside H2O a column is called ``c12``, a category ``L0003`` and a class ``k0001``: names
and values of real tables hold commas, quotes, numbers that are labels, and spellings
that H2O takes for missing. The code is kept beside the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

TARGET = "target"
_MOST_LEVELS = 255
_MOST_LEVELS_IN_ALL = 5000
_LEAST_LEVELS = 8
_FEW = 20
"""Rows up to which it is quicker to look at each than to find the distinct ones."""


class FrameCode:
    """How a design frame is written for H2O.

    Parameters
    ----------
    columns : list of dict
        ``name``; for categories ``levels`` (texts in order), and ``rest`` (bool): whether
        rarer and unknown texts share one further level.
    """

    def __init__(self, columns: list[dict[str, Any]]) -> None:
        self.columns = columns
        self._numbers = [
            {level: number for number, level in enumerate(column.get("levels", ()))}
            for column in columns
        ]

    @classmethod
    def fit(cls, frame: pd.DataFrame) -> FrameCode:
        """Learn the levels of each category from the training rows.

        The most frequent are kept: 255 for a column, fewer where many columns are
        categories, since most algorithms make a column of each level.
        """
        texts = [name for name in frame.columns if not is_number(frame[name])]
        most = max(_LEAST_LEVELS, min(_MOST_LEVELS, _MOST_LEVELS_IN_ALL // max(1, len(texts))))
        columns: list[dict[str, Any]] = []
        for name in frame.columns:
            if is_number(frame[name]):
                columns.append({"name": str(name)})
                continue
            counts = frame[name].dropna().astype(str).value_counts()
            ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            kept = sorted(str(level) for level, _ in ranked[:most])
            columns.append({"name": str(name), "levels": kept, "rest": len(ranked) > most})
        return cls(columns)

    def encode(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with H2O's names and levels; categories keep all their levels."""
        series: dict[str, Any] = {}
        for number, column in enumerate(self.columns):
            values = frame[column["name"]]
            if "levels" not in column:
                series[f"c{number}"] = values.to_numpy(dtype=np.float64, na_value=np.nan)
                continue
            codes = self._coded(number, values)
            series[f"c{number}"] = _tokens("L", codes, len(column["levels"]) + 1)
        return pd.DataFrame(series, index=frame.index)

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the frame as numbers and codes of levels, (n, columns); missing ones are NaN."""
        result = np.empty((len(frame), len(self.columns)))
        for place, column in enumerate(self.columns):
            values = frame[column["name"]]
            if "levels" in column:
                codes = self._coded(place, values)
                result[:, place] = np.where(codes < 0, np.nan, codes)
            else:
                result[:, place] = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return result

    def _coded(self, place: int, values: pd.Series) -> np.ndarray:
        """Return the number of each row's level; -1 where it is missing or unknown."""
        which: Any = slice(len(values))
        texts: Any = values
        if len(values) > _FEW:
            # Texts are compared once for each that differs, not once for each row.
            which, texts = pd.factorize(values)
        column, numbers = self.columns[place], self._numbers[place]
        unknown = len(numbers) if column["rest"] else -1
        codes = [
            -1 if pd.isna(text) else numbers.get(str(text), unknown) for text in texts.tolist()
        ]
        return np.array([*codes, -1])[which]

    def kinds(self) -> list[str]:
        """Return H2O's type of each column."""
        return ["enum" if "levels" in column else "numeric" for column in self.columns]

    def tokens(self, place: int) -> list[str] | None:
        """Return what a column's levels are called inside H2O; None for numbers."""
        column = self.columns[place]
        if "levels" not in column:
            return None
        return [f"L{code:04d}" for code in range(len(column["levels"]) + column["rest"])]

    def place(self, name: str) -> str | None:
        """Return what a number column is called inside H2O; None if it is none or not there."""
        for number, column in enumerate(self.columns):
            if column["name"] == name and "levels" not in column:
                return f"c{number}"
        return None


def class_tokens(codes: np.ndarray, classes: int) -> Any:
    """Return what classes are called inside H2O; the order of names is that of codes."""
    return _tokens("k", codes, classes)


def is_number(values: pd.Series) -> bool:
    """Return whether a column goes to H2O as numbers; all others are categories."""
    return bool(pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values))


def _tokens(letter: str, codes: np.ndarray, count: int) -> Any:
    tokens = pd.Index([f"{letter}{place:04d}" for place in range(count)])
    return pd.Categorical.from_codes(codes.astype(np.int32), categories=tokens)
