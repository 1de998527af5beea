"""Rows that are copies of each other, and whether they have to stay together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.model import Split

LARGEST = 0.05
"""Above this share of rows in one group of equal rows, columns are coarse, not rows copied."""
_FEWEST = 50


def row_hashes(frame: pd.DataFrame, columns: list[str] | None = None) -> np.ndarray[Any, Any]:
    """Return a 64-bit hash of each row's values; equal rows hash alike.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed columns, images included.
    columns : list of str, optional
        Which of them; all by default. Without any, all rows are alike.
    """
    import pandas as pd

    frame = frame if columns is None else frame[columns]
    if not frame.shape[1]:
        return np.zeros(len(frame), dtype=np.uint64)
    return np.asarray(pd.util.hash_pandas_object(frame, index=False), dtype=np.uint64)


def duplicate_groups(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
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
    import pandas as pd

    return pd.factorize(row_hashes(frame))[0].astype(np.int64)


def copies_together(split: Split, frame: pd.DataFrame) -> np.ndarray[Any, Any] | None:
    """Return the groups of equal rows that have to share a part or fold; None if none have to.

    Parameters
    ----------
    split : Split
        The project's section; its `duplicates` decides.
    frame : pandas.DataFrame
        The typed feature columns.
    """
    if split.duplicates == "apart" or split.method in ("group", "time") or not frame.shape[1]:
        return None
    groups = duplicate_groups(frame)
    sizes = np.bincount(groups) if len(groups) else np.zeros(1, dtype=np.int64)
    if sizes.max() < 2:
        return None
    if split.duplicates == "auto" and coarse(groups):
        return None
    return groups


def coarse(groups: np.ndarray[Any, Any]) -> bool:
    """Whether rows are equal because columns have few values, not because they were copied."""
    sizes = np.bincount(groups)
    return bool(sizes.max() > LARGEST * len(groups) or len(sizes) < _FEWEST)
