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
from pathlib import Path
from typing import IO, Any, Literal

from toolkit.errors import DataError
from toolkit.project.model import Data
from toolkit.table import image_arrays, image_source, marks

Compression = Literal["gzip", "bz2", "zip", "xz", "zstd"]

_SAMPLE = 1 << 20
_DELIMITERS = ",;\t|"
_NUMBER = re.compile(r"\s*[+-]?[\d.,]*\d[\d.,]*\s*[%€]?\s*")
_MAGIC: list[tuple[bytes, Compression]] = [
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
]


def detect(path: Path | str) -> Data:
    """Return how a source is read: format, and for a CSV its spelling.

    Parameters
    ----------
    path : Path or str
        A file, a folder of images, or a SQLAlchemy URL.

    Returns
    -------
    Data
        With `source` as given.

    Raises
    ------
    DataError
        If there is no such file, it is empty, or it is of no readable kind.
    """
    if is_url(path):
        return Data(source=str(path), format="sql")
    path = Path(path).expanduser()
    if path.is_dir():
        return _folder(path)
    head = require_file(path)
    if head.startswith(b"PAR1"):
        return Data(source=str(path), format="parquet")
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError(
            "is an old Excel file (.xls)",
            where=str(path),
            expected="CSV, Parquet or .xlsx",
            remedy="Save it as .xlsx or CSV",
        )
    if head.startswith(b"PK\x03\x04") and _is_excel(path):
        return Data(source=str(path), format="excel")
    if head.startswith(b"PK\x03\x04") and image_arrays.is_npz(path):
        return Data(source=str(path), format="npz")
    return _csv(path, head)


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
            return any(name.startswith("xl/") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def _csv(path: Path, head: bytes) -> Data:
    packed = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    try:
        encoding = _encoding(path, packed)
        with open_bytes(path, packed) as stream:
            sample = stream.read(_SAMPLE)
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise DataError(
            f"cannot be unpacked ({packed}): {error}",
            where=str(path),
            remedy="Copy or download the file again",
        ) from error
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(sample)
    if "\0" in text:
        raise DataError(
            "is not a table of text",
            where=str(path),
            expected="CSV, Parquet, Excel, .npz, a folder of images, or a database URL",
            remedy="Export the table as CSV or Parquet",
        )
    if not text.strip():
        raise DataError("the file holds no rows", where=str(path), expected="a header and rows")
    whole = len(sample) < _SAMPLE
    rows = _delimited(text, whole)
    delimiter = max(_DELIMITERS, key=lambda mark: _consistency(rows(mark)))
    fields = rows(delimiter)
    return Data(
        source=str(path),
        format="csv",
        delimiter=delimiter,
        encoding=encoding,
        decimal=_decimal(fields[1:], delimiter),
        compression=packed,
    )


def _delimited(text: str, whole: bool) -> Any:
    lines = re.split(r"\r\n|\n|\r", text, maxsplit=500)[:500]
    if not whole and 1 < len(lines) < 500:
        lines = lines[:-1]  # cut short by the end of the sample

    def rows(delimiter: str) -> list[list[str]]:
        reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter)
        found: list[list[str]] = []
        # A field beyond the limit ends the look: the rows before it are enough.
        with contextlib.suppress(csv.Error):
            found.extend(row for row in reader if row)
        return found

    return rows


def _consistency(rows: list[list[str]]) -> tuple[float, int]:
    # The right mark splits the header, and nearly every row into as many fields.
    width = len(rows[0]) if rows else 0
    if width < 2:
        return (0.0, 0)
    same = sum(len(row) == width for row in rows) / len(rows)
    return (round(same, 2), width)


def _decimal(rows: list[list[str]], delimiter: str) -> Literal[".", ","]:
    numbers = (cell for row in rows for cell in row if _NUMBER.fullmatch(cell))
    found = marks.evidence(numbers).mark
    # Semicolons part fields where the comma is taken: it is the decimal mark.
    return found or ("," if delimiter == ";" else ".")


def _encoding(path: Path, packed: Compression | None) -> str:
    with open_bytes(path, packed) as stream:
        head = stream.read(4096)
        if head.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if head.count(b"\0") > len(head) // 4:
            return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
        decoder = codecs.getincrementaldecoder("utf-8")()
        block = head
        while True:
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError:
                return _legacy(path, block or head)
            if not block:
                return "utf-8"
            block = stream.read(_SAMPLE)


def _legacy(path: Path, block: bytes) -> str:
    from charset_normalizer import from_bytes

    text = block.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    if sum(not sign.isascii() for sign in text) > 20 * broken:
        raise DataError(
            f"is UTF-8 text with {broken} damaged characters,"
            f" the first in {_around(text, text.index(chr(0xFFFD)))!r}",
            where=str(path),
            remedy="Repair the file, or save it again as UTF-8",
        )
    # Only lines with other than ASCII letters tell encodings apart.
    lines = [line for line in block.splitlines() if not line.isascii()][:2000]
    best = from_bytes(b"\n".join(lines)).best()
    western = {"cp1252", "latin_1", "iso8859_15", "iso8859_1", "cp1250", "ascii", "utf_8"}
    guess = best.encoding if best is not None else "cp1252"
    if guess not in western:
        # Short samples are easily taken for exotic encodings: a western reading whose odd
        # signs are all letters and common marks is the likelier one.
        try:
            text = b"\n".join(lines).decode("cp1252")
        except UnicodeDecodeError:
            return guess
        odd = [sign for sign in text if not sign.isascii()]
        common = sum(sign in "äöüÄÖÜßéèêëàâçñóíáúãõåøæœ€£’“”–—°§ÉÈÀÇÑ" for sign in odd)
        if common < 0.9 * len(odd):
            return guess
    try:
        block.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


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
