"""Coalitions of the parts of one column's content: words or patches; the other columns stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from toolkit.explain.shap.sampling import Score, ValueFunction

if TYPE_CHECKING:
    import pandas as pd

MOST = 49
"""Parts for which orders are drawn; a row draws the same ones whatever rows are beside it."""
CALL_CONTENT = 200_000_000
"""Characters or bytes of one scoring call."""


class Content(Protocol):
    """A text or an image from which parts can be removed."""

    @property
    def differs(self) -> np.ndarray:
        """Whether removing each part changes anything, (parts,)."""

    @property
    def size(self) -> int:
        """Characters or bytes of one copy."""

    def masked(self, masks: np.ndarray) -> Sequence[Any]:
        """Return cells without the parts that are False in masks (e, parts)."""


class Masking(ValueFunction):
    """The value function of rows whose content has parts; the base has all of them removed.

    Parts whose removal changes nothing are left out. Each row has its own parts, the first of
    ``size`` places; the other places change nothing.

    Parameters
    ----------
    score : callable
        The model.
    frame : pandas.DataFrame
        The rows.
    column : str
        The column that holds the contents.
    contents : sequence of Content
        One for each row.
    size : int
        At least as many places as any row has parts.
    """

    references = 1

    def __init__(
        self, score: Score, frame: pd.DataFrame, column: str, contents: Sequence[Content], size: int
    ) -> None:
        self.score, self.frame, self.column = score, frame.reset_index(drop=True), column
        self.contents = contents
        self.active = [np.flatnonzero(content.differs) for content in contents]
        self.rows, self.size, self.width = len(frame), size, frame.shape[1]
        self.differs = np.zeros((self.rows, 1, size), dtype=bool)
        for row, parts in enumerate(self.active):
            self.differs[row, 0, : len(parts)] = True
        self.evaluations = 0
        self.output = np.empty((0, 0))
        masks = np.repeat([[True], [False]], self.rows, axis=0)
        ends = np.tile(np.arange(self.rows), 2)
        found = self.coalitions(ends, ends, np.broadcast_to(masks, (2 * self.rows, size)))
        self.output, self.base = found[: self.rows], found[self.rows :]

    @property
    def call_rows(self) -> int:
        """The most rows of one scoring call."""
        largest = max(content.size for content in self.contents)
        return max(1, min(super().call_rows, CALL_CONTENT // largest))

    def nothing(self, rows: np.ndarray, references: np.ndarray) -> np.ndarray:
        """Return the outputs of the rows without their contents."""
        return self.base[rows]

    def _mixed(self, rows: np.ndarray, references: np.ndarray, masks: np.ndarray) -> pd.DataFrame:
        import pandas as pd

        cells = np.empty(len(rows), dtype=object)
        for row in np.unique(rows):
            mine = np.flatnonzero(rows == row)
            parts = self.active[row]
            whole = np.ones((len(mine), len(self.contents[row].differs)), dtype=bool)
            whole[:, parts] = masks[mine, : len(parts)]
            for place, cell in zip(mine, self.contents[row].masked(whole), strict=True):
                cells[place] = cell
        mixed = self.frame.take(rows).reset_index(drop=True)
        mixed[self.column] = pd.Series(cells, dtype=self.frame[self.column].dtype)
        return mixed
