"""Numbers that stand for an image, with nothing learnt: brightness by place, edges, colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.table.images import images

if TYPE_CHECKING:
    import pandas as pd

GRID = 8
"""Brightness is averaged over a grid of 8 x 8 fields."""
_SIDE = 32
_CELLS = 4
_DIRECTIONS = 8
_HUES = 4
_BLOCK = 2_000


def image_numbers(series: pd.Series) -> dict[str, np.ndarray]:
    """Return the same columns of numbers for any images; NaN where there is none.

    Mean brightness of 8 x 8 fields; histograms of gradient directions in 4 x 4 cells
    (Dalal and Triggs 2005, without block normalisation: each image's are scaled to the
    length 1); two colour differences in 4 x 4 fields; and the shape of the original.

    Parameters
    ----------
    series : pandas.Series
        Typed images.
    """
    codes, found = images.of_distinct(series, _read)
    distinct = np.full((len(found) + 1, len(_NAMES)), np.nan)  # the last stands for code -1
    known = [place for place, each in enumerate(found) if each is not None]
    for start in range(0, len(known), _BLOCK):
        some = known[start : start + _BLOCK]
        read = [each for each in (found[place] for place in some) if each is not None]
        distinct[some, 0] = [shape for shape, _ in read]
        distinct[some, 1:] = _numbers(np.stack([pixels for _, pixels in read]))
    matrix = distinct[codes]
    return {name: matrix[:, place] for place, name in enumerate(_NAMES)}


def image_facts(series: pd.Series) -> pd.DataFrame:
    """Return width, height, channels (1 grey, 3 colour), brightness and contrast of each image.

    Brightness is the mean of all pixels and contrast their standard deviation, 0 to 255; all
    are NaN where there is no image.

    Parameters
    ----------
    series : pandas.Series
        Typed images.
    """
    import pandas as pd

    codes, found = images.of_distinct(series, _facts)
    table = np.array([*found, [np.nan] * len(_FACTS)], dtype=np.float64)
    return pd.DataFrame(table[codes], columns=list(_FACTS))


_FACTS = ("width", "height", "channels", "brightness", "contrast")


def _facts(data: bytes) -> list[float]:
    try:
        pixels = images.decode(data)
    except images.UnreadableImage:
        return [np.nan] * len(_FACTS)
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    return [width, height, channels, float(pixels.mean()), float(pixels.std())]


def _read(data: bytes) -> tuple[float, np.ndarray] | None:
    """Return the logarithm of width by height, and the pixels at the common size."""
    try:
        return images.shape_and_pixels(data, _SIDE, _SIDE)
    except images.UnreadableImage:
        return None


def _numbers(pixels: np.ndarray) -> np.ndarray:
    """Return (n, k) numbers of (n, 32, 32, 3) pixels, in the order of the names but the first."""
    colour = pixels.astype(np.float32) / 255
    light = colour @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    blue, red = colour[..., 2] - light, colour[..., 0] - light
    parts = [_means(light, GRID), _directions(light), _means(blue, _HUES), _means(red, _HUES)]
    return np.concatenate(parts, axis=1).astype(np.float64)


def _means(light: np.ndarray, fields: int) -> np.ndarray:
    side = _SIDE // fields
    cut = light.reshape(len(light), fields, side, fields, side)
    return np.asarray(cut.mean(axis=(2, 4)).reshape(len(light), -1))


def _directions(light: np.ndarray) -> np.ndarray:
    down, right = np.gradient(light, axis=(1, 2))
    size = np.hypot(down, right)
    angle = np.mod(np.arctan2(down, right), np.pi) * (_DIRECTIONS / np.pi)
    place = np.minimum(angle.astype(np.int8), _DIRECTIONS - 1)
    found = np.stack(
        [_means(np.where(place == k, size, 0), _CELLS) for k in range(_DIRECTIONS)], axis=2
    ).reshape(len(light), -1)
    length = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.maximum(length, 1e-6))


def _name_all() -> list[str]:
    names = ["shape"]
    names += [f"light {r + 1} {c + 1}" for r in range(GRID) for c in range(GRID)]
    names += [
        f"edges {r + 1} {c + 1} at {round(180 * d / _DIRECTIONS)}°"
        for r in range(_CELLS)
        for c in range(_CELLS)
        for d in range(_DIRECTIONS)
    ]
    for hue in ("blue", "red"):
        names += [f"{hue} {r + 1} {c + 1}" for r in range(_HUES) for c in range(_HUES)]
    return names


_NAMES = _name_all()
