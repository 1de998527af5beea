"""Read a source as it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit import canonical
from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.project import address
from toolkit.table import image_arrays, image_source, sniff, sql

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.model import Data


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
        frame, path = sql.read(data, folder)
        frame, checks = _named(frame)
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
        sniff.require_file(path)
        digest = canonical.digest_file(path)
        frame, checks = _READERS[data.format](path, data)
        frame, loaded = image_source.load_paths(frame, path.parent, pictures)
        checks = [*checks, *loaded]
    if len(frame) == 0:
        raise _no_row(_shown(data))
    return RawTable(frame, digest, checks, path)


def read_file(path: Path) -> pd.DataFrame:
    """Return the rows of a file whose format is found by looking at it."""
    data = sniff.detect(path)
    frame, _ = _READERS[data.format](path, data)
    return frame


def _no_row(where: str) -> DataError:
    return DataError("there is a header but no row", where=where, remedy="Give a table with rows")


def source_path(data: Data, folder: Path) -> Path:
    """Return the file that a source means."""
    path = Path(data.source).expanduser()
    return path if path.is_absolute() else Path(folder) / path


def _shown(data: Data) -> str:
    return address.shown(data.source) if data.format == "sql" else data.source


# -- CSV ---------------------------------------------------------------------------


def _read_csv(path: Path, data: Data) -> tuple[pd.DataFrame, list[Check]]:
    import pyarrow as pa
    from pyarrow import csv as arrow

    encoding = data.encoding or "utf-8"
    delimiter = data.delimiter or ","
    names, blank, checks = _header(path, data, encoding, delimiter)
    numbers: list[int] = []
    widths: list[tuple[int, int]] = []

    def ragged(row: Any) -> str:
        widths.append((row.expected_columns, row.actual_columns))
        numbers.append(row.number if row.number is not None else -1)
        return "error"

    with sniff.open_bytes(path, data.compression) as stream:
        try:
            table = arrow.read_csv(
                stream,
                read_options=arrow.ReadOptions(
                    column_names=[str(i) for i in range(len(names))],
                    skip_rows=blank,
                    skip_rows_after_names=1,
                    block_size=1 << 24,
                    encoding="utf8" if encoding in ("utf-8", "utf-8-sig") else encoding,
                ),
                parse_options=arrow.ParseOptions(
                    delimiter=delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=len(names) > 1,
                    invalid_row_handler=ragged,
                ),
                convert_options=arrow.ConvertOptions(
                    column_types={str(i): pa.string() for i in range(len(names))},
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                    null_values=["", " "],
                ),
            )
        except (pa.ArrowInvalid, UnicodeError, EOFError, OSError) as error:
            if widths:
                raise _ragged(path, data, *widths[0]) from error
            raise _unreadable(path, encoding, error) from error
    frame = table.to_pandas()
    frame.columns = names
    return frame, checks


def _header(
    path: Path, data: Data, encoding: str, delimiter: str
) -> tuple[list[str], int, list[Check]]:
    with sniff.open_bytes(path, data.compression) as stream:
        try:
            with io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
                blank = 0
                for first in text:
                    if first.strip("\r\n"):
                        break
                    blank += 1
                else:
                    raise DataError(
                        "the file holds no rows", where=str(path), expected="a header and rows"
                    )
                lines = _chain(first, text)
                header = next(csv.reader(lines, delimiter=delimiter))
                if not any(line.strip("\r\n") for line in lines):
                    raise _no_row(str(path))
        except (UnicodeError, EOFError, OSError, LookupError, csv.Error) as error:
            raise _unreadable(path, encoding, error) from error
    names, checks = _unique(header)
    return names, blank, checks


def _chain(first: str, rest: Any) -> Any:
    yield first
    yield from rest


def _unreadable(path: Path, encoding: str, error: Exception) -> DataError:
    text = " ".join(str(error).split())
    if isinstance(error, UnicodeError | LookupError) or "UTF8" in text:
        return DataError(
            f"is not {encoding} text",
            where=str(path),
            remedy="Set data.encoding to the file's encoding, such as cp1252, or save it as UTF-8",
        )
    return DataError(
        f"cannot be read as CSV: {text[:200]}",
        where=str(path),
        remedy="Check data.delimiter, data.compression and the file's quotes",
    )


def _ragged(path: Path, data: Data, expected: int, found: int) -> DataError:
    # The fast reader works in parallel and does not know line numbers: look again.
    where = str(path)
    with (
        sniff.open_bytes(path, data.compression) as stream,
        io.TextIOWrapper(stream, encoding=data.encoding or "utf-8", newline="") as text,
    ):
        reader = csv.reader(text, delimiter=data.delimiter or ",")
        try:
            for row in reader:
                if row and len(row) != expected:
                    where, found = f"{path}, line {reader.line_num}", len(row)
                    break
        except (csv.Error, UnicodeError):
            pass  # the position stays unknown; the widths are still worth telling
    return DataError(
        f"a row has {found} fields",
        where=where,
        expected=f"{expected}, as in the header",
        remedy="Quote fields that hold the delimiter, or correct data.delimiter",
    )


# -- Parquet and Excel ---------------------------------------------------------------


def _read_parquet(path: Path, data: Data) -> tuple[pd.DataFrame, list[Check]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        frame = pq.ParquetFile(path).read().to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"cannot be read as Parquet: {str(error).splitlines()[0]}",
            where=str(path),
            remedy="Check the file, and data.format",
        ) from error
    unnamed = [name for name in frame.columns if str(name).startswith("__index_level_")]
    return _named(frame.drop(columns=unnamed))


def _read_excel(path: Path, data: Data) -> tuple[pd.DataFrame, list[Check]]:
    import difflib
    import zipfile

    import pandas as pd

    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            sheets = [str(name) for name in book.sheet_names]
            sheet = data.sheet or sheets[0]
            if sheet not in sheets:
                near = difflib.get_close_matches(sheet, sheets, n=1)
                raise DataError(
                    f"there is no sheet {sheet!r}",
                    where=str(path),
                    expected=", ".join(repr(name) for name in sheets),
                    remedy=f"Did you mean {near[0]!r}?" if near else "Set data.sheet",
                )
            # Cells keep their own types; words such as None may be real values.
            frame = book.parse(sheet, header=None, keep_default_na=False, na_values=[""])
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise DataError(
            f"cannot be read as Excel: {str(error).splitlines()[0]}",
            where=str(path),
            remedy="Check the file, and data.format",
        ) from error
    if frame.empty:
        raise DataError(f"the sheet {sheet!r} is empty", where=str(path), remedy="Set data.sheet")
    header = ["" if pd.isna(cell) else str(cell) for cell in frame.iloc[0]]
    body = frame.iloc[1:].reset_index(drop=True).infer_objects()
    names, checks = _unique(header)
    body.columns = pd.Index(names)
    if len(sheets) > 1 and data.sheet is None:
        checks.append(
            Check(
                name="Sheet",
                severity="info",
                message=f"The first of {len(sheets)} sheets was read: {sheet!r}.",
                remedy="Set data.sheet for another",
            )
        )
    return body, checks


_READERS = {
    "csv": _read_csv,
    "parquet": _read_parquet,
    "excel": _read_excel,
    "npz": image_arrays.read_npz,
}


# -- names -----------------------------------------------------------------------------


def _named(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Check]]:
    import pandas as pd

    names, checks = _unique([str(name) for name in frame.columns])
    frame = frame.copy(deep=False)
    frame.columns = pd.Index(names)
    return frame.reset_index(drop=True), checks


def _unique(header: list[str]) -> tuple[list[str], list[Check]]:
    # Doubles and blanks get the names that pandas gives them, so that rows read with
    # pandas.read_csv fit the project too.
    names: list[str] = []
    taken = {name.strip() for name in header}
    used: set[str] = set()
    doubles, blanks = [], []
    for place, raw in enumerate(header):
        name = raw.strip().removeprefix("\ufeff")
        if not name:
            name = f"Unnamed: {place}"
            blanks.append(name)
        if name in used:
            number = 1
            while f"{name}.{number}" in used or f"{name}.{number}" in taken:
                number += 1
            name = f"{name}.{number}"
            doubles.append(name)
        used.add(name)
        names.append(name)
    checks = []
    if doubles:
        checks.append(
            Check(
                name="Column names that occur twice",
                severity="warning",
                message=f"{len(doubles)} columns got a number: {', '.join(doubles[:8])}.",
                columns=doubles,
                remedy="Give each column its own name in the source",
            )
        )
    if blanks:
        checks.append(
            Check(
                name="Columns without a name",
                severity="warning",
                message=f"{len(blanks)} columns were named by position: {', '.join(blanks[:8])}.",
                columns=blanks,
                remedy="Name them in the source",
            )
        )
    return names, checks
