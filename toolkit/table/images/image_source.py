"""Sources that hold images: a folder of files, and paths in a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.table.images import images

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Data

IMAGE, FILE, FOLDER = "image", "file", "folder"
"""Columns that a folder of images gives, besides the label and those of its table."""

_TABLES = (".csv", ".tsv", ".csv.gz", ".parquet")
_ENOUGH = 0.5
_BATCH = 32

Reader = Callable[["Path"], "pd.DataFrame"]


# -- a folder --------------------------------------------------------------------------


def image_files(folder: Path) -> list[Path]:
    """Return the image files below a folder, in order of their names; hidden ones are left out."""
    found = []
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
        if not hidden and path.name.lower().endswith(images.ENDINGS) and path.is_file():
            found.append(path)
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def find_table(folder: Path, read: Reader) -> str | None:
    """Return the name of the table in a folder that names the most of its images, if any does.

    Raises
    ------
    DataError
        If there is no image.
    """
    files = _require(folder)
    names = _Names(folder, files)
    tables = sorted(p for p in folder.iterdir() if p.name.lower().endswith(_TABLES) and p.is_file())
    score = {path.name: names.column(read(path))[1] for path in tables}
    best = max(score, key=lambda name: score[name], default=None)
    return best if best is not None and score[best] >= _ENOUGH else None


def read_folder(folder: Path, data: Data, read: Reader) -> tuple[pd.DataFrame, list[Check]]:
    """Read a folder of images: a row a file, or a row of the table that names the files.

    Parameters
    ----------
    folder : Path
        Where the images are.
    data : Data
        Its ``table`` names the table, its ``label`` the column for the subfolders' names.
    read : callable
        Reads a table.

    Raises
    ------
    DataError
        If there is no image, or nothing says what an image shows.
    """
    import pandas as pd

    files = _require(folder)
    found, checks = _read(folder, files)
    place = {path: row for row, path in enumerate(files)}
    if data.table is None:
        frame = pd.DataFrame({IMAGE: pd.Series(found, dtype=object)})
        _label(frame, files, folder, data.label)
        frame[FILE] = [path.relative_to(folder).as_posix() for path in files]
        return frame, checks
    table = folder / data.table
    if not table.is_file():
        raise DataError(
            "there is no such table in the folder", where=str(table), remedy="Set data.table"
        )
    frame = read(table)
    names = _Names(folder, files)
    column, share = names.column(frame)
    if column is None or share == 0:
        raise DataError(
            "no column of the table names the files of the folder",
            where=str(table),
            expected="file names such as " + repr(files[0].relative_to(folder).as_posix()),
            remedy="Correct the names, or leave data.table out to use the subfolders",
        )
    rows = [names.find(text) for text in frame[column]]
    checks += _unmatched(frame[column], rows, files, column)
    named = pd.Series([None if p is None else found[place[p]] for p in rows], dtype=object)
    frame.insert(0, _free(frame, IMAGE), named)
    if data.label not in frame.columns:
        _label(frame, rows, folder, data.label)
    return frame, checks


def _require(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError("there is no such folder", where=str(folder), remedy="Check the path")
    files = image_files(folder)
    if not files:
        raise DataError(
            "the folder holds no image",
            where=str(folder),
            expected="files that end in " + ", ".join(images.ENDINGS),
            remedy="Name the folder that holds the images or their subfolders, or a table's file",
        )
    return files


def _label(frame: pd.DataFrame, files: list[Any], folder: Path, label: str) -> None:
    """Add the names of the subfolders; those above them, if there are several, as `folder`."""
    parts = [() if p is None else p.relative_to(folder).parts[:-1] for p in files]
    own = [part[-1] if part else None for part in parts]
    above = ["/".join(part[:-1]) for part in parts]
    if len({name for name in own if name}) > 1:
        frame[label] = own
    if len(set(above)) > 1:
        frame[_free(frame, FOLDER)] = above


def _free(frame: pd.DataFrame, name: str) -> str:
    number, free = 0, name
    while free in frame.columns:
        number += 1
        free = f"{name}.{number}"
    return free


class _Names:
    """Finds a file by what a table calls it: its path, its name, or its name without ending."""

    def __init__(self, folder: Path, files: list[Path]) -> None:
        self._known: dict[str, Path] = {}
        paths = [path.relative_to(folder).as_posix() for path in files]
        for names in (paths, [p.name for p in files], [p.stem for p in files]):
            count = Counter(names)  # a name that two files bear finds neither
            for name, path in zip(names, files, strict=True):
                if count[name] == 1:
                    self._known.setdefault(name, path)

    def find(self, text: Any) -> Path | None:
        if not isinstance(text, str):
            text = "" if text is None or text != text else str(text)  # noqa: PLR0124
        text = text.strip().replace("\\", "/").removeprefix("./")
        return self._known.get(text) or self._known.get(text.rpartition("/")[2])

    def column(self, frame: pd.DataFrame) -> tuple[str | None, float]:
        """Return the column that names the most files, and the share of its cells that do."""
        best: tuple[str | None, float] = (None, 0.0)
        for name in frame.columns:
            cells = frame[name].dropna()
            share = sum(self.find(text) is not None for text in cells) / max(len(cells), 1)
            if share > best[1]:
                best = (str(name), share)
        return best


def _unmatched(
    cells: pd.Series, rows: list[Path | None], files: list[Path], column: str
) -> list[Check]:
    lacking = [str(text) for text, path in zip(cells, rows, strict=True) if path is None]
    unnamed = len(files) - len({path for path in rows if path is not None})
    checks = []
    if lacking:
        checks.append(
            Check(
                name="Images that are not there",
                severity="warning",
                message=f"{len(lacking):,} rows name no file of the folder and have no image:"
                f" {listed(lacking)}.",
                columns=[column],
                remedy="Add the files, or remove the rows",
            )
        )
    if unnamed:
        checks.append(
            Check(
                name="Images that no row names",
                severity="info",
                message=f"{unnamed:,} images of the folder are not used: no row names them.",
                remedy="Add rows for them to the table",
            )
        )
    return checks


def _read(folder: Path, files: list[Path]) -> tuple[list[bytes | None], list[Check]]:
    """Return each file as a typed image, and what had to be said about some."""

    def one(path: Path) -> tuple[bytes | None, bool]:
        try:
            raw = path.read_bytes()
            data = images.bounded(raw)
        except (OSError, images.UnreadableImage):
            return None, False
        return data, data is not raw

    batches = [files[i : i + _BATCH] for i in range(0, len(files), _BATCH)]
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda batch: [one(path) for path in batch], batches)
        found = [result for batch in done for result in batch]
    broken = [
        path.relative_to(folder).as_posix()
        for path, (data, _) in zip(files, found, strict=True)
        if data is None
    ]
    checks = []
    if broken:
        checks.append(_broken(broken, len(files)))
    smaller = sum(changed for _, changed in found)
    if smaller:
        checks.append(smaller_check(smaller, len(files)))
    return [data for data, _ in found], checks


def _broken(names: list[str], total: int) -> Check:
    return Check(
        name="Images that cannot be read",
        severity="warning",
        message=f"{len(names):,} of {total:,} images are damaged or no images, and count as"
        f" missing: {listed(names)}.",
        remedy="Replace or remove these files",
    )


def smaller_check(number: int, total: int) -> Check:
    """Return what is said of images that were scaled down."""
    return Check(
        name="Images made smaller",
        severity="info",
        message=f"{number:,} of {total:,} images are larger than {images.SIDE} x {images.SIDE}"
        " pixels and were scaled down to it.",
    )


def listed(names: list[str], most: int = 8) -> str:
    """Return names in a row, quoted, and how many more there are."""
    shown = ", ".join(repr(name[:60]) for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


# -- paths in a table ------------------------------------------------------------------


def load_paths(
    frame: pd.DataFrame, folder: Path, wanted: Collection[str] | None
) -> tuple[pd.DataFrame, list[Check]]:
    """Put images in place of their paths.

    Parameters
    ----------
    frame : pandas.DataFrame
        A table as read.
    folder : Path
        Relative paths start here.
    wanted : collection of str, optional
        The columns that hold paths; by default those whose first cells all name image files,
        one of which at least is there.
    """
    import pandas as pd

    checks: list[Check] = []
    for name in list(frame.columns):
        series = frame[name]
        if not isinstance(series.dtype, pd.StringDtype):
            continue
        if not (_are_paths(series, folder) if wanted is None else str(name) in wanted):
            continue
        texts = series.astype(object).where(series.notna(), None).to_numpy()
        known = [place for place, text in enumerate(texts) if text is not None]
        found, said = _read(folder, [folder / texts[place] for place in known])
        cells = np.empty(len(frame), dtype=object)
        cells[known] = [*found]
        frame = frame.assign(**{name: pd.Series(cells, dtype=object, index=frame.index)})
        checks += [check.model_copy(update={"columns": [str(name)]}) for check in said]
    return frame, checks


def _are_paths(series: pd.Series, folder: Path) -> bool:
    first = [str(text) for text in series.dropna().iloc[:20]]
    if not first or not all(text.lower().endswith(images.ENDINGS) for text in first):
        return False
    return any((folder / text).is_file() for text in first)
