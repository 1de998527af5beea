"""Rows that are copies of each other, and whether they have to stay together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.model import SplitSettings

LARGEST = 0.05
"""Above this share of rows in one group of equal rows, columns are coarse, not rows copied."""
_FEWEST = 50
_ODD = np.uint64(0x9E3779B97F4A7C15)


def row_hashes(
    frame: pd.DataFrame,
    columns: list[str] | None = None,
    codes: Callable[[str], np.ndarray] | None = None,
) -> np.ndarray:
    """Return a 64-bit hash of each row's values; equal rows of one frame hash alike.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed columns, images included. Missing equals missing.
    columns : list of str, optional
        Which of them; all by default. Without any, all rows are alike.
    codes : callable, optional
        Gives the level codes of a column of neither numbers nor dates, where they are known.
    """
    import pandas as pd

    hashes = np.zeros(len(frame), dtype=np.uint64)
    for name in frame.columns if columns is None else columns:
        series = frame[name]
        if pd.api.types.is_float_dtype(series.dtype):
            values = series.to_numpy(dtype=np.float64, na_value=np.nan) + 0.0  # one zero
            values[np.isnan(values)] = np.nan  # one bit pattern
            bits = values.view(np.uint64)
        elif pd.api.types.is_datetime64_dtype(series.dtype):
            bits = series.to_numpy().view(np.uint64)
        else:
            found = codes(name) if codes is not None else pd.factorize(series)[0]
            bits = found.astype(np.uint64)
        hashes *= _ODD
        hashes += _mixed(bits)
    return hashes


def _mixed(bits: np.ndarray) -> np.ndarray:
    """Return 64-bit numbers whose every bit hangs on all bits (Stafford's mix 13, 2011)."""
    bits = bits ^ (bits >> np.uint64(30))
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return bits


def duplicate_groups(frame: pd.DataFrame) -> np.ndarray:
    """Return a group number for each row; equal rows have the same.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed columns; all of them are compared, and missing equals missing.

    Returns
    -------
    ndarray of int64, shape (n,)
        From 0, in order of first appearance.
    """
    return _numbered(row_hashes(frame))


def _numbered(hashes: np.ndarray) -> np.ndarray:
    import pandas as pd

    return pd.factorize(hashes)[0].astype(np.int64)


def copies_together(
    split: SplitSettings, frame: pd.DataFrame, hashes: np.ndarray | None = None
) -> np.ndarray | None:
    """Return the groups of equal rows that have to share a part or fold; None if none have to.

    Parameters
    ----------
    split : SplitSettings
        The project's section; its `duplicates` decides.
    frame : pandas.DataFrame
        The typed feature columns.
    hashes : ndarray, optional
        Their `row_hashes`, where they are known.
    """
    if split.duplicates == "apart" or split.method in ("group", "time") or not frame.shape[1]:
        return None
    groups = duplicate_groups(frame) if hashes is None else _numbered(hashes)
    sizes = np.bincount(groups) if len(groups) else np.zeros(1, dtype=np.int64)
    if sizes.max() < 2:
        return None
    if split.duplicates == "auto" and coarse(groups):
        return None
    return groups


def coarse(groups: np.ndarray) -> bool:
    """Whether rows are equal because columns have few values, not because they were copied."""
    sizes = np.bincount(groups)
    return bool(sizes.max() > LARGEST * len(groups) or len(sizes) < _FEWEST)
