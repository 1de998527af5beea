"""The distance between two rows of mixed columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolkit.explain.effects.sampled_rows import as_numbers, kind_of

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column

_CELLS = 4_000_000  # distances in memory at once
_COMPARED = ("number", "date", "category", "boolean")


@dataclass(frozen=True)
class _Codes:
    column: str
    weight: float
    scale: float
    """Of numbers; 0 for categories."""
    known: np.ndarray
    """Training cells: scaled float32, or codes int32 with -1 for missing."""
    levels: dict[str, int]


class Gower:
    """Distances from given rows to all training rows (Gower 1971), prepared once.

    The distance is a weighted mean over columns: of numbers and dates the difference over the
    span of the middle 90 % of the training rows, at most 1; of categories 0 if equal, else 1.
    Missing is at distance 0 from missing and 1 from anything else. Texts and images do not count.

    Parameters
    ----------
    frame : pandas.DataFrame
        The training rows, typed.
    columns : mapping of str to Column
        What the columns are.
    weights : mapping of str to float, optional
        How much each column counts; all alike by default.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        columns: Mapping[str, Column],
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.rows = len(frame)
        compared = [n for n in frame.columns if n in columns and columns[n].type in _COMPARED]
        given = np.array([1.0 if weights is None else weights.get(n, 0.0) for n in compared])
        if not given.sum() > 0:
            given = np.ones(len(compared))
        share = given / max(given.sum(), 1e-300)
        self._columns = [
            _codes(frame[name], columns[name].type in ("number", "date"), float(weight))
            for name, weight in zip(compared, share, strict=True)
            if weight > 0
        ]

    def distances(self, frame: pd.DataFrame) -> np.ndarray:
        """Return distances of shape (rows given, training rows), float32, 0 to 1."""
        total = np.zeros((len(frame), self.rows), dtype=np.float32)
        for each in self._columns:
            mine = _encoded(frame[each.column], each)
            if each.scale:
                part = np.abs(mine[:, None] - each.known[None, :])
                np.minimum(part, 1, out=part)
                # NaN marks missing: the difference is NaN unless both are known.
                both = np.isnan(mine)[:, None] & np.isnan(each.known)[None, :]
                part = np.where(np.isnan(part), np.where(both, 0, 1), part)
            else:
                part = mine[:, None] != each.known[None, :]
            total += np.float32(each.weight) * part.astype(np.float32, copy=False)
        return total

    def nearest(
        self, frame: pd.DataFrame, count: int, among: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return positions of and distances to the nearest training rows.

        Parameters
        ----------
        frame : pandas.DataFrame
            Rows to start from.
        count : int
            How many; fewer where there are not so many.
        among : ndarray of bool, shape (training rows,), optional
            Which may be returned.

        Returns
        -------
        positions, distances : ndarray, shape (rows given, count)
            Nearest first; of equally near ones the earlier.
        """
        allowed = np.arange(self.rows) if among is None else np.flatnonzero(among)
        count = min(count, len(allowed))
        positions = np.empty((len(frame), count), dtype=np.int64)
        found = np.empty((len(frame), count), dtype=np.float32)
        step = max(1, _CELLS // max(self.rows, 1))
        for start in range(0, len(frame), step):
            part = self.distances(frame.iloc[start : start + step])[:, allowed]
            order = np.argsort(part, axis=1, kind="stable")[:, :count]
            positions[start : start + step] = allowed[order]
            found[start : start + step] = np.take_along_axis(part, order, axis=1)
        return positions, found


def _codes(cells: pd.Series, numeric: bool, weight: float) -> _Codes:
    import pandas as pd

    if numeric:
        numbers = as_numbers(cells, kind_of(cells, ""))
        scale = _span(numbers)
        known = (numbers / scale).astype(np.float32)
        return _Codes(str(cells.name), weight, scale, known, {})
    codes, found = pd.factorize(cells.astype(object))
    levels = {str(level): i for i, level in enumerate(found)}
    return _Codes(str(cells.name), weight, 0.0, codes.astype(np.int32), levels)


def _encoded(cells: pd.Series, codes: _Codes) -> np.ndarray:
    if codes.scale:
        return (as_numbers(cells, kind_of(cells, "")) / codes.scale).astype(np.float32)
    missing = cells.isna().to_numpy()
    return np.array(
        [
            -1 if absent else codes.levels.get(str(cell), -2)
            for cell, absent in zip(cells.tolist(), missing, strict=True)
        ],
        dtype=np.int32,
    )


def _span(numbers: np.ndarray) -> float:
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return 1.0
    low, high = np.quantile(known, [0.05, 0.95])
    return float(high - low) or float(known.max() - known.min()) or 1.0
