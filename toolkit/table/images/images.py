"""Images as cells of a table.

A typed image is the bytes of a PNG, JPEG, GIF, BMP or WebP file of at most 256 x 256 pixels;
a missing one, or one that cannot be read, is None.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from toolkit.table.images.image_files import (
    ENDINGS,
    SIDE,
    UnreadableImage,
    bounded,
    decode,
    describe,
    encode,
    from_pillow,
    is_image,
    pixels,
    shape_and_pixels,
    thumbnail,
    to_bytes_scale,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ENDINGS", "SIDE", "UnreadableImage", "bounded", "cell", "decode", "describe", "encode",
    "holds_images", "is_image", "of_distinct", "pixels", "shape_and_pixels", "stack", "thumbnail",
    "to_bytes_scale", "typed",
]  # fmt: skip

_THREADS = 2
_BATCH = 64

T = TypeVar("T")


def holds_images(series: pd.Series) -> bool:
    """Whether a column's first known cell is the bytes of an image."""
    if series.dtype != object:
        return False
    first = next((value for value in series.array if not _absent(value)), None)
    first = first.get("bytes") if isinstance(first, dict) else first
    return isinstance(first, bytes | bytearray | memoryview) and is_image(bytes(first))


def typed(series: pd.Series) -> pd.Series:
    """Return a column of bytes (object), None where there is no readable image.

    Takes bytes, arrays of pixels, Pillow images, paths of files, ``data:`` addresses and base64
    text, so that a row is scored in whatever way an image comes.
    """
    import pandas as pd

    found = np.empty(len(series), dtype=object)
    known: dict[bytes, bytes | None] = {}
    for place, value in enumerate(series.array):
        data = cell(value)
        if data is None:
            continue
        if data not in known:
            known[data] = _bounded_or_none(data)
        found[place] = known[data]
    return pd.Series(found, dtype=object)


def cell(value: Any) -> bytes | None:
    """Return one raw cell as the bytes of a file; None if it is none."""
    if isinstance(value, dict):  # as Parquet files of the datasets package hold them
        value = value.get("bytes")
    if isinstance(value, bytes):
        return value or None
    if isinstance(value, bytearray | memoryview):
        return bytes(value) or None
    if isinstance(value, np.ndarray):
        try:
            return encode(value)
        except UnreadableImage:
            return None
    if _absent(value):
        return None
    if hasattr(value, "tobytes") and hasattr(value, "mode"):
        return from_pillow(value)
    return _named(str(value))


def _named(text: str) -> bytes | None:
    """Return the file at a path, or what a ``data:`` address or base64 text holds."""
    text = text.strip()
    try:
        if text.startswith("data:image/"):
            return base64.b64decode(text.partition(",")[2], validate=True)
        if len(text) < 4096 and text.lower().endswith(ENDINGS):
            return Path(text).read_bytes()
        data = base64.b64decode(text, validate=True)
    except (OSError, ValueError, binascii.Error):
        return None
    return data if is_image(data) else None


def _bounded_or_none(data: bytes) -> bytes | None:
    try:
        return bounded(data)
    except UnreadableImage:
        return None


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value) or str(value) == "<NA>"  # noqa: PLR0124


def of_distinct(series: pd.Series, function: Callable[[bytes], T]) -> tuple[np.ndarray, list[T]]:
    """Apply a function to each distinct image once.

    Parameters
    ----------
    series : pandas.Series
        Typed images.
    function : callable
        Takes the bytes of one.

    Returns
    -------
    codes : ndarray of int64, shape (n,)
        Position in `results`; -1 is missing.
    results : list
        In order of first appearance.
    """
    from concurrent.futures import ThreadPoolExecutor

    import pandas as pd

    codes, distinct = pd.factorize(series.array)
    batches = [distinct[i : i + _BATCH] for i in range(0, len(distinct), _BATCH)]
    with ThreadPoolExecutor(_THREADS) as pool:  # Pillow lets other threads run while it reads
        done = pool.map(lambda batch: [function(data) for data in batch], batches)
        results = [result for batch in done for result in batch]
    return codes.astype(np.int64), results


def stack(
    series: pd.Series, width: int, height: int, *, colour: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return all images at one size, and which rows have one.

    Returns
    -------
    pixels : ndarray of uint8, shape (n, height, width) or (n, height, width, 3)
        Zero where there is none.
    known : ndarray of bool, shape (n,)
    """
    shape = (height, width, 3) if colour else (height, width)

    def read(data: bytes) -> np.ndarray | None:
        try:
            return pixels(data, width, height, colour=colour)
        except UnreadableImage:
            return None

    codes, found = of_distinct(series, read)
    table = np.zeros((len(found) + 1, *shape), dtype=np.uint8)  # the last stands for code -1
    readable = np.zeros(len(found) + 1, dtype=bool)
    for place, array in enumerate(found):
        if array is not None:
            table[place], readable[place] = array, True
    return table[codes], readable[codes]
