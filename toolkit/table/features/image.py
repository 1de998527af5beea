"""Images: brightness, edges and colours, turned onto their main directions."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from toolkit.table.features.steps import Arrays, Facts, StepColumn
from toolkit.table.images import images

if TYPE_CHECKING:
    import pandas as pd

SIZE = 80
"""Directions kept."""
FIT_IMAGES = 10_000
SIDE = 28
"""Pixels on a side, after scaling."""
_CELL = 4
_DIRECTIONS = 9
_BLOCK = 1_000
_EPSILON = 0.05


@dataclass(frozen=True)
class ImageComponents:
    """An image as points along the main directions of its pixels and edges.

    Histograms of oriented gradients (Dalal and Triggs, 2005) in 4 x 4 pixels, normalised in
    blocks of 2 x 2 cells, beside the pixels; then principal components.

    Attributes
    ----------
    name : str
        The image column.
    colour : bool
        Whether training images had colours.
    mean : ndarray of float32, shape (numbers,)
        The mean image.
    components : ndarray of float32, shape (numbers, k)
        The main directions.
    """

    name: str
    colour: bool
    mean: np.ndarray
    components: np.ndarray
    kind: ClassVar[str] = "image"

    @classmethod
    def fit(cls, series: pd.Series, name: str, seed: int) -> Self:
        """Learn the main directions from training images."""
        from sklearn.utils.extmath import randomized_svd
        from threadpoolctl import threadpool_limits

        known = np.flatnonzero(series.notna().to_numpy())
        if len(known) > FIT_IMAGES:
            drawn = np.random.default_rng(seed).choice(known, FIT_IMAGES, replace=False)
            known = np.sort(drawn)
        pixels, readable = images.stack(series.iloc[known], SIDE, SIDE, colour=True)
        pixels = pixels[readable]
        colour = bool((pixels != pixels[..., :1]).any())
        size = min(SIZE, len(pixels) - 1)
        if size < 1:
            return cls(name, colour, *_nothing(colour))
        matrix = _blocks(pixels, colour)
        mean = matrix.mean(axis=0)
        # One thread: the order in which threads add up would show in the last bits.
        with threadpool_limits(1):
            turned = randomized_svd(matrix - mean, size, n_iter=4, random_state=seed)[2]
        components = np.ascontiguousarray(turned.T, dtype="float32")
        return cls(name, colour, mean.astype("float32"), components)

    @property
    def sources(self) -> tuple[str, ...]:
        """The column that it reads."""
        return (self.name,)

    def parts(self) -> dict[str, StepColumn]:
        """Return what it makes."""
        kept = {"pixels": SIDE, "cell": _CELL, "directions": _DIRECTIONS, "colour": self.colour}
        what = "a main direction of pixels and edges"
        return {f"look {k + 1}": StepColumn(what, kept) for k in range(self.components.shape[1])}

    def transform(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return the numbers; missing where there is no readable image."""
        from scipy import sparse

        pixels, known = images.stack(frame[self.name], SIDE, SIDE, colour=self.colour)
        if not self.colour:
            pixels = pixels[..., None]
        made = np.full((len(pixels), self.components.shape[1]), np.nan)
        places = np.flatnonzero(known)
        wide = self.components.astype("float64")
        for start in range(0, len(places), _BLOCK):
            rows = places[start : start + _BLOCK]
            centred = _numbers(pixels[rows], self.colour) - self.mean
            # Sparse times dense goes row by row: one image gives the same bits as many do.
            made[rows] = sparse.csr_array(centred.astype("float64")) @ wide
        return {f"look {k + 1}": made[:, k] for k in range(made.shape[1])}

    def state(self) -> tuple[Facts, Arrays]:
        """Return the mean and the directions."""
        return {"name": self.name, "colour": self.colour}, {
            "mean": self.mean,
            "components": self.components,
        }

    @classmethod
    def from_state(cls, facts: Facts, arrays: Arrays) -> Self:
        """Return the step."""
        return cls(facts["name"], facts["colour"], arrays["mean"], arrays["components"])


def _nothing(colour: bool) -> tuple[np.ndarray, np.ndarray]:
    width = _blocks(np.zeros((1, SIDE, SIDE, 3), dtype="uint8"), colour).shape[1]
    return np.zeros(width, dtype="float32"), np.zeros((width, 0), dtype="float32")


def _blocks(pixels: np.ndarray, colour: bool) -> np.ndarray:
    parts = [
        _numbers(pixels[start : start + _BLOCK], colour) for start in range(0, len(pixels), _BLOCK)
    ]
    return np.concatenate(parts)


def _numbers(pixels: np.ndarray, colour: bool) -> np.ndarray:
    """Return float32 numbers of (n, side, side, 3 or 1) pixels, n at least 1."""
    # Sums are spelt out: NumPy's own add up in an order that depends on the shape, and one
    # image would not give the same bits as many do.
    scaled = pixels.astype("float32") / 255
    light = _total(scaled[..., c] for c in range(scaled.shape[3])) / scaled.shape[3]
    parts = [_reduced(light, 2) / 4, _edges(light)]
    if colour:
        parts += [_reduced(scaled[..., channel] - light, 4) / 16 for channel in (0, 2)]
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def _total(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return functools.reduce(operator.add, arrays)


def _reduced(light: np.ndarray, by: int) -> np.ndarray:
    """Return the sums of fields of so many pixels on a side."""
    return _total(light[:, i::by, j::by] for i in range(by) for j in range(by))


def _edges(light: np.ndarray) -> np.ndarray:
    down, right = np.gradient(light, axis=(1, 2))
    size = np.hypot(down, right)
    angle = np.mod(np.arctan2(down, right), np.pi) * (_DIRECTIONS / np.pi)
    # A gradient counts for the two nearest directions, by its distance from each.
    lower = np.floor(angle)
    share = angle - lower
    first = lower.astype("int8") % _DIRECTIONS
    second = (first + 1) % _DIRECTIONS
    cells = [
        _reduced(
            np.where(first == k, size * (1 - share), 0) + np.where(second == k, size * share, 0),
            _CELL,
        )
        for k in range(_DIRECTIONS)
    ]
    down_or_not = (slice(None, -1), slice(1, None))
    joined = [c[:, i, j] for c in cells for i in down_or_not for j in down_or_not]
    length = np.sqrt(_total(part**2 for part in joined) + np.float32(_EPSILON**2))
    return np.stack([part / length for part in joined], axis=3)
