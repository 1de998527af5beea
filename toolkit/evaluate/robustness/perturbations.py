"""Rows made worse on purpose: noise, gaps, shifts, values that never occurred."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

UNSEEN = "(a value never seen)"


def noisy(
    frame: pd.DataFrame, spread: dict[str, float], strength: float, seed: list[int]
) -> pd.DataFrame:
    """Add normal noise to number columns, in units of their spread.

    Strength 0 gives equal rows. Equal seeds draw equal noise, which strength only scales.

    Parameters
    ----------
    frame : pandas.DataFrame, n rows
        Typed rows.
    spread : dict of str to float
        The number columns, with their standard deviations.
    strength : float
        How many of them.
    seed : list of int
        Of the noise.
    """
    generator = np.random.default_rng(seed)
    return _with(
        frame,
        {
            name: moved(frame[name], strength * scale * generator.standard_normal(len(frame)))
            for name, scale in spread.items()
        },
    )


def moved(values: pd.Series, by: float | np.ndarray) -> pd.Series:
    """Return a number column plus something; missing stays missing."""
    return values.astype("float64") + by


def shifted(frame: pd.DataFrame, name: str, by: float) -> pd.DataFrame:
    """Return rows with so much added to a number column."""
    return _with(frame, {name: moved(frame[name], by)})


def scaled(frame: pd.DataFrame, names: list[str], factor: float) -> pd.DataFrame:
    """Return rows whose number columns are multiplied by a factor."""
    return _with(frame, {name: frame[name].astype("float64") * factor for name in names})


def emptied(values: pd.Series, inside: np.ndarray, kind: str) -> pd.Series:
    """Return a column with some cells missing; texts are empty there.

    Parameters
    ----------
    values : pandas.Series
        Typed.
    inside : ndarray of bool, shape (n,)
        Which cells.
    kind : str
        The column's type.
    """
    import pandas as pd

    if kind in ("number", "date"):
        return (values.astype("float64") if kind == "number" else values).mask(inside)
    cells = values.astype(object).to_numpy(copy=True)
    cells[inside] = "" if kind == "text" else None
    return pd.Series(cells, index=values.index, dtype=values.dtype)


def without(frame: pd.DataFrame, name: str, kind: str) -> pd.DataFrame:
    """Return rows in which a column is missing throughout."""
    return _with(frame, {name: emptied(frame[name], np.ones(len(frame), dtype=bool), kind)})


def gappy(
    frame: pd.DataFrame, kinds: dict[str, str], share: float, seed: list[int]
) -> pd.DataFrame:
    """Return rows with so many of the cells missing, drawn at random in all columns."""
    generator = np.random.default_rng(seed)
    return _with(
        frame,
        {
            name: emptied(frame[name], generator.random(len(frame)) < share, kind)
            for name, kind in kinds.items()
        },
    )


def constant(frame: pd.DataFrame, name: str, value: float | str) -> pd.DataFrame:
    """Return rows in which a column has one value throughout."""
    import pandas as pd

    dtype = "float64" if isinstance(value, float) else frame[name].dtype
    return _with(frame, {name: pd.Series([value] * len(frame), index=frame.index, dtype=dtype)})


def shuffled(frame: pd.DataFrame, seed: list[int]) -> pd.DataFrame:
    """Return rows whose columns are permuted each by itself: values that never met."""
    generator = np.random.default_rng(seed)
    return _with(
        frame,
        {
            name: frame[name].iloc[generator.permutation(len(frame))].set_axis(frame.index)
            for name in frame.columns
        },
    )


def _with(frame: pd.DataFrame, changes: dict[str, pd.Series]) -> pd.DataFrame:
    # Not `assign`: a column may be called `self`.
    result = frame.copy(deep=False)
    for name, values in changes.items():
        result[name] = values
    return result
