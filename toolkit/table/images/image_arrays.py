"""NumPy files as tables: arrays of images, and of one value a row."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.table.images import images
from toolkit.table.images.image_source import listed, smaller_check

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Data


def is_npz(path: Path) -> bool:
    """Whether a file is an archive of NumPy arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def read_npz(path: Path, data: Data) -> tuple[pd.DataFrame, list[Check]]:
    """Read an .npz file: arrays (n, h, w) or (n, h, w, c) as images, others of length n as columns.

    Raises
    ------
    DataError
        If it cannot be read, holds Python objects, or no rows.
    """
    import pandas as pd

    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"cannot be read as NumPy arrays: {' '.join(str(error).split())[:120]}",
            where=str(path),
            expected="arrays of numbers or texts, without Python objects",
            remedy="Save it again with numpy.savez",
        ) from error
    pictures = {
        n: a for n, a in ((n, _channels_last(a)) for n, a in arrays.items()) if a is not None
    }
    lengths = [len(a) for a in pictures.values()] or [
        len(a) for a in arrays.values() if a.ndim == 1
    ]
    if not lengths:
        raise DataError(
            "no array holds images or a value a row",
            where=str(path),
            expected="an array of the shape (n, h, w) or (n, h, w, c), and labels of length n",
            remedy="Name the arrays' shapes so, or give a CSV",
        )
    rows = max(lengths)
    columns: dict[str, Any] = {}
    unused = []
    checks: list[Check] = []
    for name, array in arrays.items():
        if name in pictures and len(array) == rows:
            columns[name] = _pictures(pictures[name])
            if max(pictures[name].shape[1:3]) > images.SIDE:
                checks.append(smaller_check(rows, rows).model_copy(update={"columns": [name]}))
        elif array.ndim == 1 and len(array) == rows:
            columns[name] = _plain(array)
        else:
            unused.append(f"{name} {array.shape}")
    if unused:
        checks.append(
            Check(
                name="Arrays that are not used",
                severity="info",
                message=f"Neither images nor one value for each of {rows:,} rows:"
                f" {listed(unused)}.",
                remedy="Save them as arrays of this length to use them",
            )
        )
    return pd.DataFrame(columns), checks


def _channels_last(array: np.ndarray) -> np.ndarray | None:
    """Return an array of images as (n, h, w) or (n, h, w, c); None if it is none."""
    if array.ndim not in (3, 4) or array.dtype.kind not in "buif" or not array.size:
        return None
    if array.ndim == 4 and array.shape[3] not in (1, 3, 4):
        if array.shape[1] not in (1, 3, 4):
            return None
        array = array.transpose(0, 2, 3, 1)
    if min(array.shape[1:3]) < 2:
        return None
    if array.dtype.kind in "if" and (not np.isfinite(array).all() or array.min() < 0):
        return None
    return array


def _pictures(array: np.ndarray) -> Any:
    import pandas as pd

    # One scale for all: the brightest image of the array decides what white is.
    cells = np.empty(len(array), dtype=object)
    cells[:] = [images.encode(each) for each in images.to_bytes_scale(array)]
    return pd.Series(cells, dtype=object)


def _plain(array: np.ndarray) -> Any:
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8", errors="replace")
    return array
