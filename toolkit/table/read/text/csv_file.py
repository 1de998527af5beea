"""Text files as tables: every cell as text, and each fault with its line."""

from __future__ import annotations

import csv
import functools
import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.table.read import layout
from toolkit.table.read.files import open_bytes
from toolkit.table.read.text.decoding import not_text, nul_error
from toolkit.table.read.text.delimiters import EXCEL_HINT

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Data

_LOOK = 200
_MOST_FOOTERS = 5
csv.field_size_limit(1 << 27)


@dataclass(frozen=True)
class _Header:
    """The header as found.

    Attributes
    ----------
    names : list of str
        A name for each field of a row.
    before : int
        Lines before the header, or before the first row if there is no header.
    is_line : bool
        Whether a line holds it.
    checks : list of Check
    """

    names: list[str]
    before: int
    is_line: bool
    checks: list[Check]


def read_csv(path: Path, data: Data) -> tuple[pd.DataFrame, list[Check]]:
    """Read a text file.

    Raises
    ------
    DataError
        If it is no text in its encoding, or its rows do not fit its header.
    """
    header = _header(path, data)
    table, footers = _rows(path, data, header)
    _refuse_nul(path, data, table)
    _refuse_open_quotes(path, data, header, table)
    frame = table.to_pandas()
    frame.columns = header.names
    frame, checks = layout.trimmed(frame)
    return frame, [*header.checks, *footers, *checks]


def no_row(where: str) -> DataError:
    """Return the error of a table that is only a header."""
    return DataError("there is a header but no row", where=where, remedy="Give a table with rows")


def _rows(path: Path, data: Data, header: _Header) -> tuple[Any, list[Check]]:
    import pyarrow as pa
    from pyarrow import csv as arrow

    names = [str(place) for place in range(len(header.names))]
    encoding = data.encoding or "utf-8"
    odd: list[str] = []

    def ragged(row: Any) -> str:
        odd.append(row.text)
        return "skip" if len(odd) <= _MOST_FOOTERS else "error"

    with open_bytes(path, data.compression) as stream:
        try:
            table = arrow.read_csv(
                stream,
                read_options=arrow.ReadOptions(
                    column_names=names,
                    skip_rows=header.before,
                    skip_rows_after_names=int(header.is_line),
                    block_size=1 << 24,
                    encoding="utf8" if encoding in ("utf-8", "utf-8-sig") else encoding,
                ),
                parse_options=arrow.ParseOptions(
                    delimiter=data.delimiter or ",",
                    newlines_in_values=True,
                    ignore_empty_lines=len(names) > 1,
                    invalid_row_handler=ragged,
                ),
                convert_options=arrow.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.large_string()),
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                    null_values=["", " "],
                ),
            )
        except (pa.ArrowInvalid, UnicodeError, EOFError, OSError) as error:
            if odd:
                _refuse_ragged(path, data, header)
            raise unreadable(path, data, error) from error
    return table, _refuse_ragged(path, data, header) if odd else []


def _header(path: Path, data: Data) -> _Header:
    with _text(path, data) as text:
        before, lines = 0, text
        if data.header_row is None:
            before, lines = _first_line(text, path)
        else:
            before = max(data.header_row - 1, 0)
            skipped = sum(1 for _ in itertools.islice(text, before))
            if skipped < before:
                raise DataError(
                    f"there is no line {data.header_row}: the file has {skipped} lines",
                    where=str(path),
                    remedy="Correct data.header_row (--header-row)",
                )
        reader = csv.reader(lines, delimiter=data.delimiter or ",")
        rows = list(itertools.islice((row for row in reader if row), _LOOK))
    if not rows:
        raise DataError("the file holds no rows", where=str(path), expected="a header and rows")
    if data.header_row == 0:
        width = layout.width_of(rows)
        return _Header([f"column {place + 1}" for place in range(width)], 0, False, [])
    if not any(any(cell.strip() for cell in row) or len(row) > 1 for row in rows[1:]):
        raise no_row(str(path))
    fields, checks = _fitted(rows[0], rows[1:])
    names, said = layout.unique_names(fields)
    return _Header(names, before, True, [*said, *checks])


def _first_line(lines: Iterator[str], path: Path) -> tuple[int, Iterator[str]]:
    for before, line in enumerate(lines):
        bare = line.strip("\r\n").lstrip("\ufeff")
        # Excel's own line, which says what separates fields.
        if bare and not (before == 0 and EXCEL_HINT.fullmatch(bare)):
            return before, itertools.chain([line], lines)
    raise DataError("the file holds no rows", where=str(path), expected="a header and rows")


def _fitted(header: list[str], body: list[list[str]]) -> tuple[list[str], list[Check]]:
    """Return the header with a name for every field, where each row has one field more."""
    widths = {len(row) for row in body if len(row) > 1}
    if widths != {len(header) + 1} or len(header) < 2:
        return header, []
    ends = not any(row[-1].strip() for row in body if len(row) > 1)
    check = Check(
        name="Rows of one field more than the header",
        severity="info",
        message="Every row ends with a delimiter: the field after it is left out."
        if ends
        else "The first field of every row has no name; it was taken for a row's number or name.",
        remedy="Give every field a name in the source",
    )
    return ([*header, ""] if ends else ["", *header]), [check]


@contextmanager
def _text(path: Path, data: Data) -> Iterator[Iterator[str]]:
    """Give a file's lines; what cannot be read is a DataError."""
    with open_bytes(path, data.compression) as stream:
        try:
            with io.TextIOWrapper(stream, encoding=data.encoding or "utf-8", newline="") as text:
                yield text
        except (UnicodeError, EOFError, OSError, LookupError, csv.Error) as error:
            raise unreadable(path, data, error) from error


def unreadable(path: Path, data: Data, error: Exception) -> DataError:
    """Return the error of a file that is no text, or no CSV."""
    text = " ".join(str(error).split())
    if isinstance(error, UnicodeError | LookupError) or "UTF8" in text:
        return not_text(path, data)
    return DataError(
        f"cannot be read as CSV: {text[:200]}",
        where=str(path),
        remedy="Check data.delimiter, data.compression and the file's quotes",
    )


def _records(path: Path, data: Data, header: _Header) -> Iterator[tuple[int, int, list[str]]]:
    """Give each row with the lines on which it starts and ends."""
    with _text(path, data) as lines:
        for _ in itertools.islice(lines, header.before):
            pass
        reader = csv.reader(lines, delimiter=data.delimiter or ",")
        start = header.before + 1
        for row in reader:
            end = header.before + reader.line_num
            yield start, end, row
            start = end + 1


def _refuse_ragged(path: Path, data: Data, header: _Header) -> list[Check]:
    """Raise for rows with too many or too few fields; at the end of the file they are remarks."""
    width = len(header.names)
    odd: list[tuple[int, int, list[str]]] = []
    for start, end, row in _records(path, data, header):
        if start == header.before + 1 and header.is_line:
            continue
        if row and len(row) != width:
            odd.append((start, end, row))
            if len(odd) > _MOST_FOOTERS:
                break
        elif row and odd:
            break  # a good row below it: no remark at the end
    else:
        if odd and all(len(row) < width and _is_remark(row) for _, _, row in odd):
            return [_footer_check(odd)]
    if not odd:
        raise DataError("a row does not fit the header", where=str(path), remedy=_REMEDY)
    start, end, row = odd[0]
    if end > start:
        _raise_open_quote(path, start)
    raise DataError(
        f"a row has {len(row)} field{'' if len(row) == 1 else 's'}",
        where=f"{path}, line {start}",
        expected=f"{width}, as in the header"
        + (f" on line {header.before + 1}" if header.before else ""),
        remedy=_REMEDY,
    )


_REMEDY = (
    "Quote fields that hold the delimiter; or correct data.delimiter (--delimiter), or"
    " data.header_row (--header-row) if the header is on another line"
)


def _is_remark(row: list[str]) -> bool:
    # A row cut short has values; a remark is one sentence, or the word that announces a total.
    text = row[0].strip()
    alone = len(row) == 1 and (" " in text or "(" in text)
    return alone or layout.is_total(text) or layout.is_remark(text)


def _footer_check(odd: list[tuple[int, int, list[str]]]) -> Check:
    said = "; ".join(repr(", ".join(row)[:60]) for _, _, row in odd)
    return Check(
        name="Footer in the table",
        severity="warning",
        message=f"The last {len(odd)} rows, from line {odd[0][0]}, are no rows of the table and"
        f" left out: {said}.",
        remedy="Remove them from the source",
    )


def _refuse_nul(path: Path, data: Data, table: Any) -> None:
    """Raise for a NUL character far down the file, where nobody looked for one."""
    import pyarrow.compute as pc

    for column in filter(functools.partial(_holds, b"\0"), table.columns):
        found = column.filter(pc.fill_null(pc.match_substring(column, "\0"), False))
        if len(found):
            with _text(path, data) as lines:
                line = next((n for n, text in enumerate(lines, start=1) if "\0" in text), 1)
            raise nul_error(path, line, found[0].as_py())


def _holds(letter: bytes, column: Any) -> bool:
    """Whether a byte occurs in a column of texts; its buffers tell sooner than its cells."""
    buffers = (chunk.buffers()[2] for chunk in column.chunks)
    return any(
        bool((np.frombuffer(letters, dtype=np.uint8) == letter[0]).any())
        for letters in buffers
        if letters is not None and len(letters)
    )


def _refuse_open_quotes(path: Path, data: Data, header: _Header, table: Any) -> None:
    """Raise if a cell has swallowed lines of the table, since its quote was never closed."""
    if not any(_holds(b"\n", column) for column in table.columns):
        return
    with _text(path, data) as text:
        kept = itertools.islice(text, header.before, None)
        reader = csv.reader(kept, delimiter=data.delimiter or ",", strict=True)
        start = header.before + 1
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error:
                row = []
            end = header.before + reader.line_num
            if end > start and (not row or _holds_rows(row, data, len(header.names))):
                _raise_open_quote(path, start)
            start = end + 1


def _holds_rows(row: list[str], data: Data, width: int) -> bool:
    for text in row:
        inner = [line for line in text.splitlines()[1:] if line.strip()]
        alike = sum(line.count(data.delimiter or ",") + 1 == width for line in inner)
        if alike >= max(1, 0.8 * len(inner)) and (width > 2 or alike > 3):
            return True
    return False


def _raise_open_quote(path: Path, line: int | None) -> None:
    raise DataError(
        "a quote is opened here and not closed on the line, so that it takes in the next lines",
        where=f"{path}, line {line}" if line else str(path),
        remedy='Close the quote, or write it twice ("") where it is part of a text',
    )
