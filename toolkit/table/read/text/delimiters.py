"""What separates the fields of a text file."""

from __future__ import annotations

import contextlib
import csv
import re
from pathlib import Path

from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.table.read import layout

DELIMITERS = ",;\t|"
_CONSISTENT, _ALIKE = 0.9, 0.6

EXCEL_HINT = re.compile(r"sep=(.)", re.IGNORECASE)
"""A first line that tells Excel what separates fields; no row of the table."""


def first_lines(text: str, *, whole: bool) -> list[str]:
    """Return the first lines of a text; the last may be cut short if it is not whole."""
    lines = re.split(r"\r\n|\n|\r", text, maxsplit=500)[:500]
    if not whole and 1 < len(lines) < 500:
        lines = lines[:-1]  # cut short by the end of the sample
    return lines


def records(lines: list[str], delimiter: str, skip: int = 0) -> list[tuple[int, list[str]]]:
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


def find_delimiter(path: Path, lines: list[str]) -> tuple[str, list[Check]]:
    """Return the character that splits most lines alike, and what to say of an unusual one.

    Raises
    ------
    DataError
        If fields are separated by several characters, or aligned by spaces.
    """
    hint = EXCEL_HINT.fullmatch(lines[0].lstrip("\ufeff"))
    if hint:
        return hint[1], []
    rows = {mark: [row for _, row in records(lines, mark)] for mark in DELIMITERS}
    best = max(DELIMITERS, key=lambda mark: _consistency(rows[mark]))
    if _consistency(rows[best])[0] >= _CONSISTENT:
        first = rows[best][0]
        if len(first) > 2 and len(first) % 2 and not any(first[1::2]) and all(first[::2]):
            raise _several(path, best * 2)
        return best, []
    # Title lines and remarks are of other widths: most rows decide.
    likely = max(DELIMITERS, key=lambda mark: _most_alike(rows[mark]))
    if _most_alike(rows[likely])[0] >= _ALIKE:
        return likely, []
    if _consistency(rows[best])[0] > 0 or _most_alike(rows[likely])[0] > 0:
        return (best if _consistency(rows[best])[0] > 0 else likely), []
    return _unusual(path, lines)


def _unusual(path: Path, lines: list[str]) -> tuple[str, list[Check]]:
    """Return an unusual delimiter that splits every line alike; a comma if there is none."""
    filled = [line for line in lines if line.strip()]
    for mark in ("::", "||", "<>", "\xa6", "\xa7"):
        widths = {line.count(mark) for line in filled}
        if len(widths) == 1 and widths != {0} and len(filled) > 3:
            raise _several(path, mark)
    for mark in "~^\x01\x1f\x1e:#!/ ":
        fields = [row for _, row in records(filled, mark)]
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


def _several(path: Path, mark: str) -> DataError:
    return DataError(
        f"fields are separated by {mark!r}",
        where=str(path),
        expected="one ASCII character between fields",
        remedy=f"Replace {mark!r} by a tab or a comma that occurs in no field",
    )


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
