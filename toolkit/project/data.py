"""Where the table is, how it is read, and what its columns are."""

from __future__ import annotations

import datetime
import difflib
from typing import Literal

from pydantic import Field, field_validator

from toolkit.project.section import Section

ColumnType = Literal["number", "category", "boolean", "date", "text", "image"]
Role = Literal["feature", "target", "identifier", "time", "group", "weight", "ignore"]

_DELIMITERS = {
    "\\t": "\t", "tab": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|",
    "colon": ":",
}  # fmt: skip


_ENCODINGS = [  # those that a misspelling may mean
    "utf-8", "utf-8-sig", "utf-16", "utf-32", "ascii", "cp1252", "latin-1", "cp1250", "cp1251",
    "cp1253", "cp1254", "cp1257", "cp850", "cp437", "iso8859-2", "iso8859-15", "mac-roman",
    "koi8-r", "gb18030", "gbk", "big5", "shift_jis", "cp932", "euc-jp", "euc-kr", "cp949",
]  # fmt: skip


def _is_encoding(name: str) -> bool:
    try:
        return isinstance(b"a,1\n".decode(name), str)
    except UnicodeDecodeError:
        return True  # UTF-16 wants an even number of bytes
    except (LookupError, ValueError, TypeError, UnicodeError):
        return False


class Data(Section):
    """Where the table is and how it is read. Detected once, then fixed here."""

    source: str
    """Path of a CSV, Parquet, Excel or NumPy (.npz) file or of a folder of images, relative to
    this file; or a SQLAlchemy URL."""
    format: Literal["csv", "parquet", "excel", "sql", "npz", "images"] = "csv"
    """How the source is read."""
    delimiter: str | None = None
    """CSV: the character between fields; `tab` and `space` may be written so."""
    encoding: str | None = None
    """CSV: the text encoding, such as `cp1252`."""
    header_row: int | None = Field(default=None, ge=0)
    """CSV: the line of the header, Excel: its row, counted from 1; 0 if there is no header.
    By default the first that is not blank."""
    decimal: Literal[".", ","] | None = None
    """Numbers in texts: the decimal mark."""
    compression: Literal["gzip", "bz2", "zip", "xz", "zstd"] | None = None
    """CSV: how the file is compressed."""
    missing: list[str] = Field(default_factory=list)
    """Further spellings of a missing value in this table, such as `?`."""
    sheet: str | None = None
    """Excel: the sheet's name."""
    query: str | None = None
    """SQL: the query that returns the table."""
    table: str | None = None
    """Images: the table in the folder, one of whose columns names the files."""
    label: str = "label"
    """Images: the column that gets the names of the subfolders."""

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str | None) -> str | None:
        if value is None:
            return None
        mark = _DELIMITERS.get(value.casefold(), value)
        if len(mark) != 1 or not mark.isascii() or mark in '\r\n"\0':
            raise ValueError(
                f"the delimiter {value[:20]!r} is not one ASCII character, such as ';' or 'tab'"
            )
        return mark

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        if value is not None and not _is_encoding(value):
            near = difflib.get_close_matches(value.casefold(), _ENCODINGS, n=1, cutoff=0.5)
            raise ValueError(f"unknown encoding {value[:40]!r}, unlike {(near or ['cp1252'])[0]!r}")
        return value


class Column(Section):
    """What one column is and what it may be used for."""

    type: ColumnType
    """How the values are read."""
    role: Role = "feature"
    """What the column is used for; only a `feature` reaches a model. A `weight` says how much a
    row counts, in fitting and in scores."""
    known: Literal["before", "after"] | None = None
    """When the value is known, as it stands in the table: `before` the outcome, when the prediction
    is made, or only `after` it. What is known `after` reaches no model, whatever its role."""
    protected: bool = False
    """Whether the column names a protected group: results are compared across its values."""
    missing: list[str] | None = None
    """Spellings of a missing value in this column, in place of the usual ones."""
    decimal: Literal[".", ","] | None = None
    """Numbers: the decimal mark, where it is not that of `data.decimal`."""
    unit: str | None = None
    """Numbers: the unit that stands in the cells, such as `kg` or `USD`; numbers in another unit
    are missing."""
    multiples: bool = False
    """Numbers: whether `k`, `M`, `bn` and the like after a number multiply it."""
    format: str | None = None
    """Dates: how they are written, such as `%d/%m/%Y`; several formats are separated by `|`;
    `excel`, `unix` and `unix-ms` count days, seconds and milliseconds; ISO 8601 if not given."""
    latest_year: int | None = Field(default=None, ge=1000, le=9999)
    """Dates: the latest year that a year of two digits can mean; 2068 if not given."""
    timezone: str | None = None
    """Dates: the zone whose local time is kept where moments carry a zone, such as
    `Europe/Berlin`; each cell's own if not given."""

    @property
    def use(self) -> Role:
        """The role, or `ignore` for a feature that is known only after the outcome."""
        return "ignore" if self.role == "feature" and self.known == "after" else self.role

    @field_validator("format")
    @classmethod
    def _format_can_be_read(cls, value: str | None) -> str | None:
        for part in map(str.strip, (value or "").split("|")):
            if value and part not in ("excel", "unix", "unix-ms") and "%" not in part:
                raise ValueError(f"{part!r} is no format of dates; such as %d/%m/%Y or excel")
            try:
                datetime.datetime.strptime("", part)
            except ValueError as error:
                if "directive" in str(error) or "stray" in str(error):
                    raise ValueError(f"{part!r} is no format of dates: {error}") from error
        return value

    @field_validator("timezone")
    @classmethod
    def _zone_is_known(cls, value: str | None) -> str | None:
        import re
        import zoneinfo

        if value is not None and not re.fullmatch(r"UTC([+-]\d{2}:\d{2})?", value):
            try:
                zoneinfo.ZoneInfo(value)
            except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
                raise ValueError(
                    f"{value!r} is no time zone; such as Europe/Berlin or UTC+01:00"
                ) from error
        return value
