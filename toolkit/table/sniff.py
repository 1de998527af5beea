"""What kind of file a source is, found from its content."""

from __future__ import annotations

import bz2
import codecs
import contextlib
import csv
import difflib
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Literal

from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.project.model import Data
from toolkit.table import encodings, excel_file, foreign, image_arrays, image_source, layout
from toolkit.table.notes import listed

Compression = Literal["gzip", "bz2", "zip", "xz", "zstd"]

_SAMPLE = 1 << 20
_DELIMITERS = ",;\t|"
_MAGIC: list[tuple[bytes, Compression]] = [
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
]


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
    data = _kind(path)
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
    if data.format == "csv":
        return _csv(Path(data.source).expanduser(), data)
    return _excel(data) if data.format == "excel" else (data, [])


_BELONGS = {
    "sheet": ("excel",), "encoding": ("csv",), "delimiter": ("csv",),
    "header_row": ("csv", "excel"), "decimal": ("csv", "excel", "parquet", "sql"),
}  # fmt: skip


def _kind(path: Path | str) -> Data:
    if is_url(path):
        return Data(source=str(path), format="sql")
    path = Path(path).expanduser()
    if path.is_dir():
        return _folder(path)
    head = require_file(path)
    if head.startswith(b"PAR1"):
        return Data(source=str(path), format="parquet")
    if head.startswith(b"PK\x03\x04"):
        if _is_excel(path):
            return Data(source=str(path), format="excel")
        if image_arrays.is_npz(path):
            return Data(source=str(path), format="npz")
        foreign.refuse_package(path)
    packed = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    return Data(source=str(path), format="csv", compression=packed)


def _folder(path: Path) -> Data:
    from toolkit.table.source import read_file

    table = image_source.find_table(path, read_file)
    return Data(source=str(path), format="images", table=table)


def is_url(source: Path | str) -> bool:
    """Whether a source is a database URL, not a file."""
    text = str(source)
    return bool(re.match(r"[A-Za-z][\w+]*://|\$\{\w+\}$", text)) and not Path(text).exists()


def require_file(path: Path) -> bytes:
    """Return a file's first bytes.

    Raises
    ------
    DataError
        If it is not there (the nearest name is offered), is empty, or cannot be opened.
    """
    if path.is_dir():
        raise DataError(
            "is a folder", where=str(path), expected="a file", remedy="Name one file in it"
        )
    if not path.is_file():
        near: list[str] = []
        if path.parent.is_dir():
            names = [item.name for item in path.parent.iterdir() if item.is_file()]
            near = difflib.get_close_matches(path.name, sorted(names), n=1, cutoff=0.5)
        raise DataError(
            "there is no such file",
            where=str(path),
            remedy=f"Did you mean {near[0]!r}?" if near else "Check the path",
        )
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
    except OSError as error:
        raise DataError(
            f"cannot be opened: {error.strerror}",
            where=str(path),
            remedy="Correct the file's permissions",
        ) from error
    if not head:
        raise DataError("the file is empty", where=str(path), expected="a header line and rows")
    return head


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
            foreign.refuse(path, stream.read(4096))
        encoding, checks = _encoding(path, data)
        with open_bytes(path, packed) as stream:
            sample = stream.read(_SAMPLE)
    except (EOFError, OSError, zlib.error, lzma.LZMAError, RuntimeError) as error:
        raise DataError(
            f"cannot be unpacked ({packed}): {error}",
            where=str(path),
            remedy="Copy or download the file again",
        ) from error
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(sample)
    _refuse_nul(path, text)
    if not text.strip("\ufeff \t\r\n"):
        raise DataError("the file holds no rows", where=str(path), expected="a header and rows")
    lines = _lines(text, whole=len(sample) < _SAMPLE)
    update: dict[str, Any] = {"encoding": encoding}
    hint = EXCEL_HINT.fullmatch(lines[0].lstrip("\ufeff"))
    if data.delimiter is None:
        update["delimiter"], said = _delimiter(path, lines, hint)
        checks += said
    delimiter = update.get("delimiter", data.delimiter)
    rows = _records(lines, delimiter, max((data.header_row or 1) - 1, 0) or int(bool(hint)))
    if data.header_row is None and rows:
        place = layout.header_place([row for _, row in rows])
        if place:
            update["header_row"] = rows[place][0]
            checks.append(_title_check(rows[place][0], [", ".join(r) for _, r in rows[:place]]))
        rows = rows[place:]
    fields = [row for _, row in rows]
    if data.header_row != 0 and layout.lacks_header(fields):
        checks.append(_headless_check(fields[0]))
    if data.decimal is None:
        update["decimal"] = _decimal(fields[1:])
    return data.model_copy(update=update), checks


EXCEL_HINT = re.compile(r"sep=(.)", re.IGNORECASE)
"""A first line that tells Excel what separates fields; no row of the table."""


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
            above = [", ".join(c for c in row if c) for _, row in rows[:place]]
            checks.append(_title_check(rows[place][0], above, "row"))
            data = data.model_copy(update={"header_row": rows[place][0]})
        rows = rows[place:]
    if data.header_row is None and layout.lacks_header([row for _, row in rows]):
        checks.append(_headless_check(rows[0][1]))
    return data, checks


def _is_table(rows: list[list[str]]) -> bool:
    return sum(sum(bool(cell.strip()) for cell in row) > 1 for row in rows) > 2


def _refuse_nul(path: Path, text: str) -> None:
    count = text.count("\0")
    if not count:
        return
    if count < 0.02 * len(text) and sum(sign.isprintable() for sign in text) > 0.7 * len(text):
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(
            f"is text with {count} NUL bytes, the first in {_around(text, text.index(chr(0)))!r}",
            where=f"{path}, line {line}",
            remedy="The file was damaged on its way: get it again, or remove these bytes",
        )
    raise DataError(
        "is not a table of text",
        where=str(path),
        expected="CSV, Parquet, Excel, .npz, a folder of images, or a database URL",
        remedy="Export the table as CSV or Parquet",
    )


def _lines(text: str, *, whole: bool) -> list[str]:
    lines = re.split(r"\r\n|\n|\r", text, maxsplit=500)[:500]
    if not whole and 1 < len(lines) < 500:
        lines = lines[:-1]  # cut short by the end of the sample
    return lines


def _records(lines: list[str], delimiter: str, skip: int = 0) -> list[tuple[int, list[str]]]:
    """Return rows that are not blank, each with the line on which it starts."""
    reader = csv.reader((line + "\n" for line in lines[skip:]), delimiter=delimiter)
    found: list[tuple[int, list[str]]] = []
    start = skip + 1
    # A field beyond the limit ends the look: the rows before it are enough.
    with contextlib.suppress(csv.Error):
        for row in reader:
            if row and (len(row) > 1 or row[0].strip("\ufeff ")):
                found.append((start, row))
            start = skip + reader.line_num + 1
    return found


def _delimiter(
    path: Path, lines: list[str], hint: re.Match[str] | None
) -> tuple[str, list[Check]]:
    if hint:
        return hint[1], []
    rows = {mark: [row for _, row in _records(lines, mark)] for mark in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda mark: _consistency(rows[mark]))
    if _consistency(rows[best])[0] >= _CONSISTENT:
        return best, []
    # Title lines and remarks are of other widths: most rows decide.
    likely = max(_DELIMITERS, key=lambda mark: _most_alike(rows[mark]))
    if _most_alike(rows[likely])[0] >= _ALIKE:
        return likely, []
    if _consistency(rows[best])[0] > 0 or _most_alike(rows[likely])[0] > 0:
        return (best if _consistency(rows[best])[0] > 0 else likely), []
    return _unusual(path, lines)


_CONSISTENT, _ALIKE = 0.9, 0.6


def _unusual(path: Path, lines: list[str]) -> tuple[str, list[Check]]:
    """Return an unusual delimiter that splits every line alike; a comma if there is none."""
    filled = [line for line in lines if line.strip()]
    for mark in ("::", "||", "<>", "\xa6", "\xa7"):
        widths = {line.count(mark) for line in filled}
        if len(widths) == 1 and widths != {0} and len(filled) > 3:
            raise DataError(
                f"fields are separated by {mark!r}",
                where=str(path),
                expected="one ASCII character between fields",
                remedy=f"Replace {mark!r} by a tab or a comma that occurs in no field",
            )
    for mark in "~^\x01\x1f\x1e:#!/ ":
        fields = [row for _, row in _records(filled, mark)]
        if len(fields) > 3 and _consistency(fields)[0] == 1.0 and "" not in fields[0]:
            return mark, [
                Check(
                    name="Delimiter",
                    severity="info",
                    message=f"Fields are taken to be separated by {mark!r}.",
                    remedy="Give another with --delimiter (data.delimiter)",
                )
            ]
    columns = {len(re.split(r"\s{2,}|\t", line.strip())) for line in filled}
    words = {len(line.split()) for line in filled}
    aligned = columns == {max(columns)} and max(columns) > 1
    if len(filled) > 3 and (aligned or (len(words) == 1 and max(words) > 1)):
        raise DataError(
            "columns are aligned by spaces (fixed width)",
            where=str(path),
            expected="a delimiter between fields",
            remedy="Convert it: pandas.read_fwf(...).to_csv(...)",
        )
    return ",", []


def _consistency(rows: list[list[str]]) -> tuple[float, int]:
    # The right mark splits the header, and nearly every row into as many fields.
    width = len(rows[0]) if rows else 0
    if width < 2:
        return (0.0, 0)
    same = sum(len(row) == width for row in rows) / len(rows)
    return (round(same, 2), width)


def _most_alike(rows: list[list[str]]) -> tuple[float, int]:
    width = layout.width_of(rows)
    if width < 2:
        return (0.0, 0)
    return (round(sum(len(row) == width for row in rows) / len(rows), 2), width)


def _decimal(rows: list[list[str]]) -> Literal[".", ","]:
    seen: Counter[str] = Counter()
    for row in rows:
        for cell in row:
            match = re.fullmatch(r"\s*[+-]?(\d*)([.,])(\d+)\s*[%€]?\s*", cell)
            # 1,234 and 1.234 may be thousands: three digits after the mark decide nothing,
            # unless no thousands would be written so (0,123 or 1234,567).
            if match and (len(match[3]) != 3 or match[1].startswith("0") or len(match[1]) > 3):
                seen[match[2]] += 1
    return "," if seen[","] > seen["."] else "."


def _encoding(path: Path, data: Data) -> tuple[str, list[Check]]:
    if data.encoding is not None:
        return data.encoding, []
    with open_bytes(path, data.compression) as stream:
        head = stream.read(1 << 16)
        wide = _wide_encoding(head)
        if wide or head.startswith(codecs.BOM_UTF8):
            return wide or "utf-8-sig", []
        decoder = codecs.getincrementaldecoder("utf-8")()
        block = head
        while True:
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError:
                _refuse_damaged(path, block or head)
                break
            if not block:
                return "utf-8", []
            block = stream.read(_SAMPLE)
    return _legacy(path, data)


def _wide_encoding(head: bytes) -> str | None:
    """Return UTF-16 or UTF-32 where a byte-order mark or NUL bytes say so."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" not in head:
        return None
    for encoding, size, high in (
        ("utf-32-le", 4, (2, 3)), ("utf-32-be", 4, (0, 1)),
        ("utf-16-le", 2, (1,)), ("utf-16-be", 2, (0,)),
    ):  # fmt: skip
        # Line ends and delimiters are ASCII: their high bytes are NUL, and low bytes never are.
        whole = head[: len(head) - len(head) % 4]
        nul = [whole[place::size].count(0) for place in range(size)]
        low = (0 if high[0] else size - 1,)
        ends = whole.decode(encoding, errors="replace")
        if (
            min(nul[place] for place in high) > 0.02 * len(whole) / size
            and all(nul[place] == 0 for place in low)
            and ("\n" in ends or "\r" in ends)
            and "\ufffd" not in ends
        ):
            return encoding
    return None


def _refuse_damaged(path: Path, block: bytes) -> None:
    text = block.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    if sum(not sign.isascii() for sign in text) > 20 * broken:
        raise DataError(
            f"is UTF-8 text with {broken} damaged characters,"
            f" the first in {_around(text, text.index(chr(0xFFFD)))!r}",
            where=str(path),
            remedy="Repair the file, or save it again as UTF-8; or give its encoding with"
            " --encoding (data.encoding)",
        )


def _legacy(path: Path, data: Data) -> tuple[str, list[Check]]:
    """Return the likeliest of the encodings under which the whole file can be read."""
    words = encodings.Words()
    decoders = {
        name: codecs.getincrementaldecoder(name)() for name in encodings.candidates()
    }
    rest = b""
    with open_bytes(path, data.compression) as stream:
        while block := stream.read(_SAMPLE):
            lines, mark, tail = (rest + block).rpartition(b"\n")
            words.add(lines if mark else tail)
            rest = tail if mark else b""
            encodings.decodable(decoders, block, final=False)
        words.add(rest)
        encodings.decodable(decoders, b"", final=True)
    found = words.reading(decoders)
    message = f"The file is not UTF-8; it is read as {found.encoding}, as in {found.example!r}"
    if found.rival:
        message += f"; as {found.rival} it would be {found.rival_example!r}"
    return found.encoding, [
        Check(
            name="Encoding",
            severity="warning" if found.rival else "info",
            message=message + ".",
            remedy="If that reads wrong, give the encoding with --encoding (data.encoding)",
        )
    ]


def _around(text: str, place: int) -> str:
    return " ".join(text[max(0, place - 20) : place + 10].split())


def open_bytes(path: Path, packed: str | None) -> IO[bytes]:
    """Return a stream of a file's bytes, unpacked.

    Raises
    ------
    DataError
        If the archive is damaged or holds other than one file.
    """
    try:
        if packed == "gzip":
            return gzip.open(path)  # type: ignore[return-value]
        if packed == "bz2":
            return bz2.open(path)
        if packed == "xz":
            return lzma.open(path)
        if packed == "zip":
            return _zipped(path)
        if packed == "zstd":
            import pyarrow as pa

            return io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"))
        return path.open("rb")
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(
            f"cannot be opened: {error}",
            where=str(path),
            remedy="Check the file, and data.compression",
        ) from error


def _zipped(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    names = [
        item.filename
        for item in archive.infolist()
        if not item.is_dir() and not item.filename.startswith("__MACOSX/")
    ]
    if len(names) != 1:
        raise DataError(
            f"the archive holds {len(names)} files ({', '.join(names[:5])})",
            where=str(path),
            expected="one",
            remedy="Unpack it and name the file",
        )
    return archive.open(names[0])
