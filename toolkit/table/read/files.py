"""Files as streams of bytes, unpacked."""

from __future__ import annotations

import bz2
import difflib
import gzip
import io
import lzma
import zipfile
from pathlib import Path
from typing import IO, Literal

from toolkit.errors import DataError

Compression = Literal["gzip", "bz2", "zip", "xz", "zstd"]

_MAGIC: list[tuple[bytes, Compression]] = [
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
]


def packing(head: bytes) -> Compression | None:
    """Return how a file is compressed, by its first bytes."""
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


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
