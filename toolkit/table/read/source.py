"""Read a source as it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit import canonical
from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.project import address
from toolkit.table.images import image_source
from toolkit.table.read import sql
from toolkit.table.read.files import require_file
from toolkit.table.read.table_file import read_file, read_table, unique_columns
from toolkit.table.read.text import csv_file

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Data


@dataclass(frozen=True)
class RawTable:
    """A source as it was read.

    Attributes
    ----------
    frame : pandas.DataFrame
        Every cell of a CSV as text, missing only where it is blank; the types of the
        source for Parquet, Excel, SQL and arrays; images as bytes.
    digest : str
        SHA-256 of the source file or folder, or of the rows that a query returned.
    checks : list of Check
        What was renamed or dropped on reading.
    path : Path or None
        The file behind the source, if there is one.
    """

    frame: pd.DataFrame
    digest: str
    checks: list[Check] = field(default_factory=list)
    path: Path | None = None


def read_source(data: Data, folder: Path, *, pictures: Collection[str] | None = None) -> RawTable:
    """Read the table that a project names.

    Parameters
    ----------
    data : Data
        Source and how to read it.
    folder : Path
        Relative sources start here.
    pictures : collection of str, optional
        Columns that hold paths of images, which are read; found by their cells by default.

    Raises
    ------
    DataError
        One line with a remedy, for whatever cannot be read.
    """
    if data.format == "sql":
        frame, said, path = sql.read(data, folder)
        frame, checks = unique_columns(frame)
        checks = [*said, *checks]
        digest = sql.digest(frame)
        if path is None:
            checks.append(
                Check(
                    name="A query is not watched",
                    severity="info",
                    message="The database cannot tell whether its rows changed: a finished stage"
                    " is reused.",
                    remedy="Run with --fresh to query again",
                )
            )
    elif data.format == "images":
        path = source_path(data, folder)
        frame, checks = image_source.read_folder(path, data, read_file)
        digest = canonical.digest_file(path)
    else:
        path = source_path(data, folder)
        require_file(path)
        digest = canonical.digest_file(path)
        frame, checks = read_table(path, data)
        frame, loaded = image_source.load_paths(frame, path.parent, pictures)
        checks = [*checks, *loaded]
    if frame.shape[1] == 0:
        raise DataError(
            "no column holds single values, but lists or binary data",
            where=_shown(data),
            remedy="Turn them into numbers or texts in the source",
        )
    if len(frame) == 0:
        if data.format == "sql":
            raise DataError(
                "the query returns no row",
                where=_shown(data),
                remedy="Correct data.query (--query)",
            )
        raise csv_file.no_row(_shown(data))
    return RawTable(frame, digest, checks, path)


def source_path(data: Data, folder: Path) -> Path:
    """Return the file that a source means."""
    path = Path(data.source).expanduser()
    return path if path.is_absolute() else Path(folder) / path


def _shown(data: Data) -> str:
    return address.shown(data.source) if data.format == "sql" else data.source
