"""The encoding of a text file: Unicode by its marks, else the likeliest one."""

from __future__ import annotations

import codecs
from pathlib import Path

from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.project.data import Data
from toolkit.table.read.files import open_bytes
from toolkit.table.read.text import encodings

_BLOCK = 1 << 20


def find_encoding(path: Path, data: Data) -> tuple[str, list[Check]]:
    """Return a text file's encoding, and what to say where it is no Unicode.

    Raises
    ------
    DataError
        If it is UTF-8 with damaged characters.
    """
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
            block = stream.read(_BLOCK)
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
    words, decodable = encodings.Words(), encodings.Decodable()
    rest = b""
    with open_bytes(path, data.compression) as stream:
        while block := stream.read(_BLOCK):
            lines, mark, tail = (rest + block).rpartition(b"\n")
            words.add(lines if mark else tail)
            rest = tail if mark else b""
            decodable.add(block)
        words.add(rest)
        decodable.add(b"", final=True)
    found = words.reading(decodable.names())
    message = f"The file is not UTF-8; it is read as {found.encoding}, as in {found.example!r}"
    for name, text in list(found.rivals.items())[:3]:
        message += f"; as {name} it would be {text!r}"
    return found.encoding, [
        Check(
            name="Encoding",
            severity="warning" if found.rivals else "info",
            message=message + ".",
            remedy="If that reads wrong, give the encoding with --encoding (data.encoding)",
        )
    ]


def not_text(path: Path, data: Data) -> DataError:
    """Return the error of a file that cannot be read in its encoding, with the first bad line."""
    return DataError(
        f"is not {data.encoding or 'utf-8'} text",
        where=_undecodable(path, data),
        remedy="Set data.encoding (--encoding) to the file's encoding, such as cp1252, or save it"
        " as UTF-8",
    )


def _undecodable(path: Path, data: Data) -> str:
    if codecs.lookup(data.encoding or "utf-8").name.startswith(("utf-16", "utf-32")):
        return str(path)  # bytes do not tell its lines
    with open_bytes(path, data.compression) as stream:
        try:
            for number, line in enumerate(stream, start=1):
                try:
                    line.decode(data.encoding or "utf-8")
                except UnicodeError:
                    return f"{path}, line {number}"
        except (OSError, EOFError, LookupError):
            pass
    return str(path)


def refuse_nul(path: Path, text: str) -> None:
    """Raise if a text holds NUL characters, which no text does.

    Raises
    ------
    DataError
        With the line of the first, or that the file is none of text.
    """
    count = text.count("\0")
    if not count:
        return
    controls = sum(sign < " " and sign not in "\0\t\r\n" for sign in text)
    if text.strip("\0").count("\0") < 0.02 * len(text) and controls < 0.002 * len(text):
        line = text.count("\n", 0, text.index("\0")) + 1
        raise nul_error(path, line, _around(text, text.index(chr(0))))
    raise DataError(
        "is not a table of text",
        where=str(path),
        expected="CSV, Parquet, Excel, .npz, a folder of images, or a database URL",
        remedy="Export the table as CSV or Parquet",
    )


def nul_error(path: Path, line: int, example: str) -> DataError:
    """Return the error of a text with NUL bytes, which were left by damage."""
    return DataError(
        f"is text with NUL bytes, the first in {example[:60]!r}",
        where=f"{path}, line {line}",
        remedy="The file was damaged on its way: get it again, or remove these bytes",
    )


def _around(text: str, place: int) -> str:
    return " ".join(text[max(0, place - 20) : place + 10].split())
