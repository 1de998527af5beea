"""Images split into a grid of patches, and copies of an image with some of them covered."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np

from toolkit.table.images import images

MOST_PATCHES = 49
"""The most patches of an image."""

_BLOCK = 4_000_000  # pixels that are mixed at a time


@dataclass(frozen=True)
class PatchedImage:
    """An image, ready to have patches covered.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (height, width) or (height, width, 3)
        The whole.
    rows, columns : list of int
        Where patches begin and end, from 0 to the height and the width.
    differs : ndarray of bool, shape (patches,)
        Whether covering a patch changes it; patches go from left to right, then down.
    """

    pixels: np.ndarray
    rows: list[int]
    columns: list[int]
    differs: np.ndarray

    @property
    def size(self) -> int:
        """Bytes that a scored copy has."""
        return int(self.pixels.size)

    def masked(self, masks: np.ndarray) -> list[bytes]:
        """Return copies of the image in which some patches have its mean colour.

        Parameters
        ----------
        masks : ndarray of bool, shape (e, patches)
            True where a patch stays.
        """
        patch = _patches(self.rows, self.columns)
        colour = _mean_colour(self.pixels)
        found: list[bytes] = []
        step = max(1, _BLOCK // self.size)
        for start in range(0, len(masks), step):
            seen = masks[start : start + step][:, patch]
            if self.pixels.ndim == 3:
                seen = seen[..., None]
            found += map(_file, np.where(seen, self.pixels, colour))
        return found


def image(data: bytes) -> PatchedImage:
    """Return an image with its patches, at most `MOST_PATCHES`, as square as they can be.

    Raises
    ------
    UnreadableImage
        If the bytes are no image.
    """
    pixels = images.decode(data)
    height, width = pixels.shape[:2]
    across = min(MOST_PATCHES, max(1, round(math.sqrt(MOST_PATCHES * width / height))))
    rows, columns = _edges(height, MOST_PATCHES // across), _edges(width, across)
    changed = pixels != _mean_colour(pixels)
    if changed.ndim == 3:
        changed = changed.any(axis=2)
    patches = (len(rows) - 1) * (len(columns) - 1)
    patch = _patches(rows, columns)
    differs = np.bincount(patch.ravel(), changed.ravel(), minlength=patches) > 0
    return PatchedImage(pixels=pixels, rows=rows, columns=columns, differs=differs)


def _edges(side: int, parts: int) -> list[int]:
    """Return where parts of a side begin and end; parts of a short side are equally long."""
    parts = min(parts, side)
    if side < 3 * parts:
        parts = max(n for n in range(1, parts + 1) if side % n == 0)
    return [round(side * i / parts) for i in range(parts + 1)]


def _patches(rows: list[int], columns: list[int]) -> np.ndarray:
    """Return the number of the patch that each pixel is in, (height, width)."""
    down = np.repeat(np.arange(len(rows) - 1), np.diff(rows))
    across = np.repeat(np.arange(len(columns) - 1), np.diff(columns))
    return np.asarray(down[:, None] * (len(columns) - 1) + across)


def _mean_colour(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(np.round(pixels.mean(axis=(0, 1)))).astype(np.uint8)


def _file(pixels: np.ndarray) -> bytes:
    """Return pixels as a BMP file, which is written and read much faster than a PNG."""
    from PIL import Image as pillow

    stream = io.BytesIO()
    pillow.fromarray(np.ascontiguousarray(pixels)).save(stream, "BMP")
    return stream.getvalue()
