"""Expected gradients: each column's contribution along straight lines from background rows.

Integrated gradients (Sundararajan, Taly and Yan 2017) averaged over background rows (Erion,
Janizek, Sturmfels, Lundberg and Lee 2021): the Aumann-Shapley values (1974) of a differentiable
model on its encoded columns. They add up to the output as SHAP values do. But where a SHAP value
mixes cells of two rows, a line leads through everything between them, such as half a category.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.explain.shap.background_blocks import background_blocks, over_parts

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.table.predictor import Smooth

POINTS = 8
"""Gauss-Legendre points of a line, or of each part of one that was cut."""
FEWEST = 20
"""Points for each line below which there are fewer lines instead."""
TOLERATED = 10.0
"""How much more than rounding the integration may err: a thousandth of the output's range."""
_HALVINGS = 10
_CELLS = 8_000_000
"""Cells of the gradients in memory at once."""


@dataclass(frozen=True)
class GradientValues:
    """Values and their standard errors, (n, columns, k), and how many gradients they took."""

    values: np.ndarray
    error: np.ndarray
    evaluations: int


def expected_gradients(
    smooth: Smooth,
    frame: pd.DataFrame,
    background: pd.DataFrame,
    *,
    tolerance: float,
    points: int = FEWEST,
    progress: Callable[[int, int], Any] | None = None,
) -> GradientValues:
    """Return expected gradients of rows, added up by the column that features come from.

    Parameters
    ----------
    smooth : Smooth
        The model.
    frame, background : pandas.DataFrame
        Typed rows to explain, and rows to compare them with, neighbours alike in output.
    tolerance : float
        By how much the values of a pair of rows may miss the difference of their outputs; else
        its line is cut in halves, and again, those first that miss most.
    points : int
        How many gradients may be taken for a line, the mean over a row's lines.
    progress : callable, optional
        Called with rows done and rows in all.

    Notes
    -----
    Standard errors hold values against those over all rows that the background was drawn from,
    and come from the spread between 8 parts of it.
    """
    rows, references = smooth.encode(frame), smooth.encode(background)
    lines = _Lines(smooth, rows, references)
    n, count = len(rows), len(references)
    parts = background_blocks(count)
    found = np.zeros((len(parts), n, len(smooth.columns), lines.outputs))
    step = max(1, lines.pairs // count)
    for start in range(0, n, step):
        some = np.arange(start, min(n, start + step))
        values = lines.values(some, tolerance, points)
        values = values.reshape(len(some), count, lines.outputs, -1).swapaxes(2, 3)
        for number, part in enumerate(parts):
            found[number, some] = values[:, part].mean(axis=1)
        if progress is not None:
            for row in some:
                progress(int(row) + 1, n)
    return GradientValues(*over_parts(found, parts), lines.evaluations)


class _Lines:
    """Straight lines from background rows to rows, in what a model is given."""

    def __init__(self, smooth: Smooth, rows: np.ndarray, references: np.ndarray) -> None:
        self._smooth = smooth
        self._rows, self._references = rows, references
        self._output, _ = smooth.gradients(rows)
        self._reference, _ = smooth.gradients(references)
        self.outputs = self._output.shape[1]
        self.evaluations = len(rows) + len(references)
        self._sorted = np.argsort(smooth.owners, kind="stable")
        self._owned, self._starts = np.unique(smooth.owners[self._sorted], return_index=True)
        self.pairs = max(1, _CELLS // (POINTS * self.outputs * rows.shape[1]))

    def values(self, rows: np.ndarray, tolerance: float, points: int) -> np.ndarray:
        """Return the values of rows' pairs with all background rows, (pairs, outputs, columns)."""
        count = len(self._references)
        row, reference = np.repeat(rows, count), np.tile(np.arange(count), len(rows))
        result = np.zeros((len(row), self.outputs, len(self._smooth.columns)))
        start, end = np.zeros(len(row)), np.ones(len(row))
        low, high = self._reference[reference], self._output[row]
        pair = np.arange(len(row))
        # A part that is cut costs two new ones. What a row may cost is its own, so that it has
        # the same values in whatever company.
        left = np.full(len(rows), max(0, count * (points - POINTS - 1)) // (2 * (POINTS + 1)))
        for _ in range(_HALVINGS):
            values, middle = self._integrals(row[pair], reference[pair], start, end)
            missed = np.abs(values.sum(axis=2) - (high - low)).max(axis=1)
            cut = _worst(missed, tolerance, pair // count, left)
            np.add.at(result, pair[~cut], values[~cut])
            if not cut.any():
                return result
            left -= np.bincount(pair[cut] // count, minlength=len(rows))
            pair, half = np.tile(pair[cut], 2), (start[cut] + end[cut]) / 2
            start, end = np.concatenate([start[cut], half]), np.concatenate([half, end[cut]])
            low, high = (
                np.concatenate([low[cut], middle[cut]]),
                np.concatenate([middle[cut], high[cut]]),
            )
        values, _ = self._integrals(row[pair], reference[pair], start, end)
        np.add.at(result, pair, values)
        return result

    def _integrals(
        self, row: np.ndarray, reference: np.ndarray, start: np.ndarray, end: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return integrals along parts of lines, and the outputs in their middle."""
        nodes, weights = np.polynomial.legendre.leggauss(POINTS)
        values, middle = [], []
        for first in range(0, len(row), self.pairs):
            some = slice(first, first + self.pairs)
            own, other = self._rows[row[some]], self._references[reference[some]]
            direction, length = own - other, (end[some] - start[some])[:, None]
            at = start[some, None] + length * (np.append(nodes, 0.0) + 1) / 2
            points = other[:, None] + at.astype(np.float32)[:, :, None] * direction[:, None]
            scores, slopes = self._smooth.gradients(points.reshape(-1, own.shape[1]))
            middle.append(scores.reshape(*at.shape, -1)[:, -1])
            slopes = slopes.reshape(*at.shape, self.outputs, -1)[:, :-1]
            mean = np.einsum("p,apkf->akf", weights / 2, slopes)
            values.append(self._by_column(mean * (length * direction)[:, None]))
            self.evaluations += at.size
        return np.concatenate(values), np.concatenate(middle)

    def _by_column(self, features: np.ndarray) -> np.ndarray:
        result = np.zeros((*features.shape[:-1], len(self._smooth.columns)))
        if len(self._owned):
            result[..., self._owned] = np.add.reduceat(
                features[..., self._sorted], self._starts, axis=-1
            )
        return result


def _worst(missed: np.ndarray, tolerance: float, row: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Return which parts are cut: those that miss by more than is tolerated, the worst first."""
    order = np.lexsort((-missed, row))
    first = np.searchsorted(row[order], np.arange(len(left)))
    rank = np.empty(len(row), dtype=np.int64)
    rank[order] = np.arange(len(row)) - first[row[order]]
    return np.asarray((missed > tolerance) & (rank < left[row]))
