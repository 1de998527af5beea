"""How a source is read: its format and layout, detected where they are not given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.project.data import Data
from toolkit.table.images import image_source
from toolkit.table.read import excel_file, layout
from toolkit.table.read.file_type import detect_layout, file_type
from toolkit.table.read.files import open_bytes
from toolkit.table.read.table_file import read_file
from toolkit.table.read.text import delimiters


def detect(path: Path | str, **given: Any) -> Data:
    """Return how a source is read: format, and for a CSV its spelling; see `inspect`."""
    return inspect(path, **given)[0]


def inspect(
    path: Path | str,
    *,
    sheet: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: Literal[".", ","] | None = None,
    header_row: int | None = None,
) -> tuple[Data, list[Check]]:
    """Return how a source is read, and what about it was guessed.

    Parameters
    ----------
    path : Path or str
        A file, a folder of images, or a SQLAlchemy URL.
    sheet, encoding, delimiter, decimal, header_row : optional
        What is known already, as in `Data`; the rest is detected.

    Returns
    -------
    data : Data
        With `source` as given.
    checks : list of Check
        What was taken for granted and could be otherwise.

    Raises
    ------
    DataError
        If there is no such file, it is empty, or it is of no readable kind.
    """
    given = {
        "sheet": sheet, "encoding": encoding, "delimiter": delimiter, "decimal": decimal,
        "header_row": header_row,
    }  # fmt: skip
    data = _source_type(path)
    for key, formats in _BELONGS.items():
        if given[key] is not None and data.format not in formats:
            raise DataError(
                f"a source of the format {data.format} has no {key.replace('_', ' ')}",
                where=str(path),
                expected=f"the option for {' or '.join(formats)} alone",
                remedy=f"Leave --{key.replace('_', '-')} out",
            )
    fixed = {key: value for key, value in given.items() if value is not None}
    data = Data.model_validate(data.model_dump() | fixed)
    return detect_layout(data)


_BELONGS = {
    "sheet": ("excel",), "encoding": ("csv",), "delimiter": ("csv",),
    "header_row": ("csv", "excel"), "decimal": ("csv", "excel", "parquet", "sql"),
}  # fmt: skip


def _source_type(path: Path | str) -> Data:
    if is_url(path):
        return Data(source=str(path), format="sql")
    path = Path(path).expanduser()
    if path.is_dir():
        table = image_source.find_table(path, read_file)
        return Data(source=str(path), format="images", table=table)
    return file_type(path)


def is_url(source: Path | str) -> bool:
    """Whether a source is a database URL, not a file."""
    text = str(source)
    return bool(re.match(r"[A-Za-z][\w+]*://|\$\{\w+\}$", text)) and not Path(text).exists()


def find_header(data: Data, name: str) -> tuple[str, str] | None:
    """Return where a name stands that is no column, and the options that read it as one.

    Returns
    -------
    place : str
        Such as ``line 4`` or ``the sheet 'Data'``.
    options : str
        Such as ``--header-row 4``.
    """
    path = Path(data.source).expanduser()
    if data.format == "excel":
        sheets = excel_file.survey(path)
        for sheet, cells in sheets.items():
            for place in range(min(len(cells), 50)):
                if _is_header_with(name, cells[place:]):
                    read = sheet == (data.sheet or next(iter(sheets)))
                    options = [] if read else [f"--sheet {sheet!r}"]
                    options += [f"--header-row {place + 1}"] if place or read else []
                    return f"row {place + 1} of the sheet {sheet!r}", " ".join(options)
    elif data.format == "csv":
        with open_bytes(path, data.compression) as stream:
            sample = stream.read(1 << 16).decode(data.encoding or "utf-8", errors="replace")
        lines = delimiters.first_lines(sample, whole=False)
        rows = delimiters.records(lines, data.delimiter or ",")
        for place, (line, _) in enumerate(rows[:50]):
            if _is_header_with(name, [row for _, row in rows[place:]]):
                return f"line {line}", f"--header-row {line}"
    return None


def _is_header_with(name: str, rows: Sequence[Sequence[str]]) -> bool:
    filled = [cell.strip() for cell in rows[0] if cell.strip()]
    return name in filled and len(filled) > 1 and not layout.lacks_header(rows)
