"""Files that are no tables we read, named for what they are, with the way out."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from toolkit.errors import DataError

_EXPECTED = "CSV, Parquet, Excel, .npz, a folder of images, or a database URL"
_EXPORT = "Export the table as CSV or Parquet"

_MAGIC: list[tuple[bytes, str, str]] = [
    (b"%PDF", "a PDF document", _EXPORT),
    (b"{\\rtf", "an RTF document", _EXPORT),
    (b"\x89PNG", "a PNG image", "Name the folder that holds the images"),
    (b"\xff\xd8\xff", "a JPEG image", "Name the folder that holds the images"),
    (b"GIF8", "a GIF image", "Name the folder that holds the images"),
    (b"ARROW1", "a Feather (Arrow) file", "Save it with pandas.read_feather(...).to_parquet(...)"),
    (b"FEA1", "a Feather file", "Save it with pandas.read_feather(...).to_parquet(...)"),
    (b"ORC", "an ORC file", "Save it with pandas.read_orc(...).to_parquet(...)"),
    (b"Obj\x01", "an Avro file", "Save it as Parquet"),
    (b"$FL2", "an SPSS file", "Save it with pandas.read_spss(...).to_parquet(...)"),
    (b"$FL3", "an SPSS file", "Save it with pandas.read_spss(...).to_parquet(...)"),
    (b"<stata_dta>", "a Stata file", "Save it with pandas.read_stata(...).to_parquet(...)"),
    (b"HEADER RECORD*******LIBRARY", "a SAS transport file",
     "Save it with pandas.read_sas(...).to_parquet(...)"),
    (b"\x89HDF", "an HDF5 file", "Save it with pandas.read_hdf(...).to_parquet(...)"),
    (b"SQLite format 3", "an SQLite database",
     "Give it as --data sqlite:///FILE with --query 'SELECT * FROM ...'"),
    (b"\x93NUMPY", "a NumPy array (.npy)", "Save arrays by name with numpy.savez"),
    (b"\x80\x04\x95", "a pickle file", "Save it with pandas: DataFrame.to_parquet(...)"),
    (b"\x80\x05\x95", "a pickle file", "Save it with pandas: DataFrame.to_parquet(...)"),
    (b"RDX", "an R file", "Save it in R with write.csv(...)"),
    (b"RDA", "an R file", "Save it in R with write.csv(...)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it and name the file"),
    (b"Rar!", "a RAR archive", "Unpack it and name the file"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "Run git lfs pull"),
]  # fmt: skip
_SAS = bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")
_WORDS: list[tuple[str, str, str]] = [
    (r"<!doctype html|<html\b|<(head|body|table|div)\b", "an HTML page",
     "Download the file itself, or save its table as CSV"),
    (r"<\?xml\b|<\w[\w:.-]*(\s[^<>]*)?>\s*<\w", "an XML file",
     "Save it with pandas.read_xml(...).to_csv(...)"),
    (r"(%[^\n]*\n|\s)*@relation\b", "an ARFF file",
     "Save its rows as CSV with the attributes' names as header"),
    (r"\{\s*(\"[^\"\n]*\"\s*:|\})|\[\s*(\{|\[|\"|-?\d)|\[\s*\]", "a JSON file",
     "Save it with pandas.read_json(...).to_csv(...)"),
]  # fmt: skip


def refuse(path: Path, head: bytes) -> None:
    """Raise if a file's first bytes, unpacked, say that it is something else than a table.

    Raises
    ------
    DataError
        That names the kind of file, and what to do.
    """
    for magic, kind, remedy in _MAGIC:
        if head.startswith(magic):
            raise _foreign(path, kind, remedy)
    if _SAS in head[:64]:
        raise _foreign(path, "a SAS file", "Save it with pandas.read_sas(...).to_parquet(...)")
    if head[257:262] == b"ustar":
        raise _foreign(path, "a tar archive", "Unpack it and name the file")
    if (
        head[:1] in (b"\x71", b"\x72", b"\x73")
        and head[1:2] in (b"\x01", b"\x02")
        and b"\0" in head
    ):
        raise _foreign(path, "a Stata file", "Save it with pandas.read_stata(...).to_parquet(...)")
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        _refuse_ole(path)
    text = head.decode("utf-8-sig", errors="replace").lstrip()
    for pattern, kind, remedy in _WORDS:
        if re.match(pattern, text, re.IGNORECASE):
            raise _foreign(path, kind, remedy)


def _refuse_ole(path: Path) -> None:
    # Names of streams stand in UTF-16 in the directory of an OLE file.
    content = path.read_bytes()
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise _foreign(
            path, "an Excel file under a password", "Save it in Excel without a password, or as CSV"
        )
    if "WordDocument".encode("utf-16-le") in content:
        raise _foreign(path, "a Word document", _EXPORT)
    raise DataError(
        "is an old Excel file (.xls)",
        where=str(path),
        expected="CSV, Parquet or .xlsx",
        remedy="Save it as .xlsx or CSV",
    )


def refuse_package(path: Path) -> None:
    """Raise if a zip archive is an office document that holds no Excel workbook we read.

    Raises
    ------
    DataError
        That names the kind of file, and what to do.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            kind = (
                archive.read("mimetype").decode("ascii", "replace") if "mimetype" in names else ""
            )
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        return
    if "opendocument" in kind:
        raise _foreign(path, "an OpenDocument file (.ods)", "Save it as .xlsx or CSV")
    if "xl/workbook.bin" in names:
        raise _foreign(path, "a binary Excel file (.xlsb)", "Save it as .xlsx or CSV")
    for folder, what in (("word/", "a Word document"), ("ppt/", "a PowerPoint file")):
        if any(name.startswith(folder) for name in names):
            raise _foreign(path, what, _EXPORT)


def _foreign(path: Path, kind: str, remedy: str) -> DataError:
    return DataError(f"is {kind}", where=str(path), expected=_EXPECTED, remedy=remedy)
