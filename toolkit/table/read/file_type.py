"""The format of a file and the layout of its table, detected from its content."""

from __future__ import annotations

import codecs
import lzma
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.project.data import Data
from toolkit.table.cells import decimal_marks
from toolkit.table.cells.notes import listed
from toolkit.table.images import image_arrays
from toolkit.table.read import excel_file, layout, unsupported_files
from toolkit.table.read.files import open_bytes, packing, require_file
from toolkit.table.read.text import decoding, delimiters

_SAMPLE = 1 << 20
_NUMBER = re.compile(r"\s*[+-]?[\d.,]*\d[\d.,]*\s*[%€]?\s*")


def file_type(path: Path) -> Data:
    """Return the format of a file, and how it is compressed.

    Raises
    ------
    DataError
        If there is no such file, it is empty, or it is of no readable kind.
    """
    head = require_file(path)
    if head.startswith(b"PAR1"):
        return Data(source=str(path), format="parquet")
    if head.startswith(b"PK\x03\x04"):
        if _is_excel(path):
            return Data(source=str(path), format="excel")
        if image_arrays.is_npz(path):
            return Data(source=str(path), format="npz")
        unsupported_files.refuse_package(path)
    return Data(source=str(path), format="csv", compression=packing(head))


def detect_layout(data: Data) -> tuple[Data, list[Check]]:
    """Return a file's encoding, delimiter, sheet and header where they are not given.

    Parameters
    ----------
    data : Data
        The file and its format, with what is known already.

    Returns
    -------
    data : Data
        Completed.
    checks : list of Check
        What was taken for granted and could be otherwise.
    """
    if data.format == "csv":
        return _csv(Path(data.source).expanduser(), data)
    return _excel(data) if data.format == "excel" else (data, [])


def _is_excel(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            return "xl/workbook.bin" not in names and any(n.startswith("xl/") for n in names)
    except zipfile.BadZipFile:
        return False


def _csv(path: Path, data: Data) -> tuple[Data, list[Check]]:
    packed = data.compression
    try:
        with open_bytes(path, packed) as stream:
            unsupported_files.refuse(path, stream.read(4096))
        encoding, checks = decoding.find_encoding(path, data)
        with open_bytes(path, packed) as stream:
            sample = stream.read(_SAMPLE)
    except (EOFError, OSError, zlib.error, lzma.LZMAError, RuntimeError) as error:
        raise DataError(
            f"cannot be unpacked ({packed}): {error}",
            where=str(path),
            remedy="Copy or download the file again",
        ) from error
    try:
        text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(sample)
    except UnicodeError as error:
        raise decoding.not_text(path, data) from error
    decoding.refuse_nul(path, text)
    if not text.strip("\ufeff \t\r\n"):
        raise DataError("the file holds no rows", where=str(path), expected="a header and rows")
    lines = delimiters.first_lines(text, whole=len(sample) < _SAMPLE)
    update: dict[str, Any] = {"encoding": encoding}
    hint = delimiters.EXCEL_HINT.fullmatch(lines[0].lstrip("\ufeff"))
    if data.delimiter is None:
        update["delimiter"], said = delimiters.find_delimiter(path, lines)
        checks += said
    delimiter = str(update.get("delimiter", data.delimiter))
    rows = delimiters.records(
        lines, delimiter, max((data.header_row or 1) - 1, 0) or int(bool(hint))
    )
    if data.header_row is None and rows:
        place = layout.header_place([row for _, row in rows])
        if place:
            update["header_row"] = rows[place][0]
            checks.append(_title_check(rows[place][0], [_shown(row) for _, row in rows[:place]]))
        rows = rows[place:]
    fields = [row for _, row in rows]
    if data.header_row != 0 and layout.lacks_header(fields):
        checks.append(_headless_check(fields[0]))
    if data.decimal is None:
        update["decimal"] = _decimal(fields[1:], delimiter)
    return data.model_copy(update=update), checks


def _shown(row: Sequence[str]) -> str:
    return ", ".join(cell.strip() for cell in row if cell.strip())


def _title_check(line: int, above: list[str], what: str = "line") -> Check:
    return Check(
        name="Lines above the header",
        severity="warning",
        message=f"The header is taken from {what} {line}; above it stands {listed(above)}.",
        remedy="If the header is another, give its number with --header-row (data.header_row)",
    )


def _headless_check(first: Sequence[str]) -> Check:
    return Check(
        name="A header that looks like data",
        severity="warning",
        message=f"The first line looks like a row, not like names: {listed(list(first))}.",
        remedy="If there is no header, give --header-row 0 (data.header_row): columns are named"
        " 'column 1', 'column 2' and so on",
    )


def _excel(data: Data) -> tuple[Data, list[Check]]:
    sheets = excel_file.survey(Path(data.source).expanduser())
    first = next(iter(sheets))
    checks: list[Check] = []
    sheet = data.sheet
    if sheet is None and not _is_table(sheets[first]):
        others = [name for name, rows in sheets.items() if _is_table(rows)]
        if len(others) > 1:
            raise DataError(
                f"the first sheet, {first!r}, holds no table",
                where=data.source,
                expected=f"one of {', '.join(map(repr, others))}",
                remedy="Name the sheet with --sheet (data.sheet)",
            )
        if others:
            sheet = others[0]
            checks.append(
                Check(
                    name="Sheet",
                    severity="info",
                    message=f"The first sheet, {first!r}, holds no table; {sheet!r} was read.",
                    remedy="Name another with --sheet (data.sheet)",
                )
            )
    data = data.model_copy(update={"sheet": sheet})
    rows = list(enumerate(sheets.get(sheet or first, []), start=1))
    rows = [(line, row) for line, row in rows if any(cell.strip() for cell in row)]
    if data.header_row is None and rows:
        place = layout.header_place([row for _, row in rows])
        if place:
            above = [_shown(row) for _, row in rows[:place]]
            checks.append(_title_check(rows[place][0], above, "row"))
            data = data.model_copy(update={"header_row": rows[place][0]})
        rows = rows[place:]
    if data.header_row is None and layout.lacks_header([row for _, row in rows]):
        checks.append(_headless_check(rows[0][1]))
    return data, checks


def _is_table(rows: list[list[str]]) -> bool:
    return sum(sum(bool(cell.strip()) for cell in row) > 1 for row in rows) > 2


def _decimal(rows: list[list[str]], delimiter: str) -> Literal[".", ","]:
    numbers = (cell for row in rows for cell in row if _NUMBER.fullmatch(cell))
    found = decimal_marks.evidence(numbers).mark
    # Semicolons part fields where the comma is taken: it is the decimal mark.
    return found or ("," if delimiter == ";" else ".")
