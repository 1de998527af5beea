"""Where the table lies among the rows of a sheet or a text file: header, units, and footers."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from toolkit.artifacts.base import Check
from toolkit.table import column_names
from toolkit.table.cells import values
from toolkit.table.cells.notes import several

if TYPE_CHECKING:
    import pandas as pd

Row = Sequence[str]
BLANKS = "Blanks around column names"
"""The check whose columns are names as the header writes them."""

_VALUE = re.compile(r"[+-]?[$€£]?[\d.,:/' -]*\d[\d.,:/'\-% TZ]*")
_MOSTLY = 0.9
_LOOK = 200
_TOTAL = re.compile(
    r"(grand |sub)?total\b|sums?\b|(gesamt)?summe\b|(ins)?gesamt\b|somme\b|suma\b|totaal\b|итого\b"
    r"|totale\b|合計|总计|合计",
    re.IGNORECASE,
)
_REMARK = re.compile(
    r"\(?\s*\d[\d.,]* (rows?|records?|lignes?|zeilen|filas)\b.*|(source|quelle|fuente|fonte|notes?"
    r"|hinweis|copyright|generated|printed|end of (file|report)|page \d+)\b.*|©.*",
    re.IGNORECASE | re.DOTALL,
)


def width_of(rows: Sequence[Row]) -> int:
    """Return how many fields most rows have."""
    counts = Counter(len(row) for row in rows if len(row) > 1)
    return counts.most_common(1)[0][0] if counts else 1


def header_place(rows: Sequence[Row]) -> int:
    """Return which of the first rows is the header: title lines above it have few cells.

    Parameters
    ----------
    rows : sequence of sequence of str
        Rows that are not blank, as text; "" where a cell is.
    """
    width = width_of(rows)
    if width < 2:
        return 0
    marked = rows[0][0].startswith("#") and not rows[-1][0].startswith("#")
    for place, row in enumerate(rows[:50]):
        filled = [bool(cell.strip()) for cell in row]
        title = sum(filled) < max(1, width / 2) or filled == [True] + [False] * (len(row) - 1)
        if (
            title
            or len(row) not in (width, width - 1)
            or (marked and len(row) < width and row[0].startswith("#"))
        ):
            continue
        if len(row) < width:
            # Rows may begin with a name that the header leaves out; a title does not go before
            # rows but before a header.
            after = rows[place + 1 :]
            if not after or len(after[0]) != width or not _is_data(after[0], after[1:]):
                continue
        return 0 if place and _is_data(row, rows[place + 1 :]) else place
    return 0


def lacks_header(rows: Sequence[Row]) -> bool:
    """Whether the first row looks like the rows after it, not like names."""
    return bool(rows) and _is_data(rows[0], rows[1:])


def _is_data(header: Row, body: Sequence[Row]) -> bool:
    body = body[:_LOOK]
    if len(body) < 3:
        return False
    columns = [
        [row[place].strip() for row in body if place < len(row) and row[place].strip()]
        for place in range(len(header))
    ]
    first = [cell.strip() for cell in header]
    measured = [place for place, cells in enumerate(columns) if cells and _share(cells) >= _MOSTLY]
    if measured:
        over = [first[place] for place in measured if first[place]]
        return (
            bool(over)
            and all(_VALUE.fullmatch(cell) for cell in over)
            and not _counts([cell for cell in first if _VALUE.fullmatch(cell)])
        )
    again = [cell in cells for cell, cells in zip(first, columns, strict=True) if cell]
    return len(again) > 1 and sum(again) >= 0.6 * len(again)


def _share(cells: Sequence[str]) -> float:
    return sum(bool(_VALUE.fullmatch(cell)) for cell in cells) / len(cells)


def _counts(cells: Sequence[str]) -> bool:
    # Years, positions or wavelengths may be names of columns: each is larger than the one before.
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return False
    steps = [b - a for a, b in itertools.pairwise(numbers)]
    return all(step > 0 for step in steps) and (len(steps) > 1 or steps == [1.0])


# -- rows of a frame that are none ----------------------------------------------------


def trimmed(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Check]]:
    """Leave out a row of units below the header, and blank rows and totals at the end.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows as read, by named columns.
    """
    checks: list[Check] = []
    if len(frame) < 4 or frame.shape[1] < 2:
        return frame, checks
    frame, checks = _without_headers(frame)
    end = len(frame)
    while end > 1 and bool(frame.iloc[end - 1].isna().all()):
        end -= 1
    blank = len(frame) - end
    last = _footers(frame.iloc[:end])
    if last:
        said = "; ".join(_shown(frame.iloc[place]) for place in range(end - last, end))
        checks.append(_left_out(f"The last {last} rows are no rows of the table", said, "Footer"))
    if blank:
        checks.append(
            Check(
                name="Blank rows at the end",
                severity="info",
                message=f"{blank} blank rows at the end of the table are left out.",
                remedy="Remove them from the source",
            )
        )
    frame = frame.iloc[: end - last]
    if _is_units(frame):
        checks.insert(0, _left_out("The row below the header", _shown(frame.iloc[0]), "Units"))
        frame = frame.iloc[1:]
    return frame.reset_index(drop=True) if checks else frame, checks


def _without_headers(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Check]]:
    """Leave out rows that repeat the header, as files that were joined have them."""
    again = (frame.iloc[:, 0] == frame.columns[0]) & (frame.iloc[:, 1] == frame.columns[1])
    for place in range(2, frame.shape[1]):
        if not again.any():
            return frame, []
        again &= frame.iloc[:, place] == frame.columns[place]
    if not again.any():
        return frame, []
    return frame[~again.fillna(False)].reset_index(drop=True), [
        Check(
            name="Header lines among the rows",
            severity="warning",
            message=f"{int(again.sum())} rows repeat the header and are left out, as in files that"
            " were joined.",
            remedy="Remove them from the source",
        )
    ]


def _left_out(what: str, said: str, name: str) -> Check:
    kind = "holds units or types, not values" if name == "Units" else "(totals or remarks)"
    return Check(
        name=f"{name} in the table",
        severity="warning",
        message=f"{what} {kind}, and left out: {said}."
        if name == "Footer"
        else f"{what} {kind}, and is left out: {said}.",
        remedy="Remove it from the source",
    )


def _shown(row: pd.Series) -> str:
    texts = [values.cell_text(value) for value in row.tolist()]
    return ", ".join(repr(text[:30]) for text in texts if text and text != "nan")[:160]


def _texts(series: pd.Series) -> list[str]:
    return [text.strip() for value in series.tolist() if (text := values.cell_text(value))]


def is_total(text: str) -> bool:
    """Whether a text announces a total."""
    return bool(_TOTAL.match(text)) and len(text) < 30


def is_remark(text: str) -> bool:
    """Whether a text is what programs and people write below a table."""
    return bool(_REMARK.fullmatch(text))


def _footers(frame: pd.DataFrame) -> int:
    found = 0
    while found < 5 and found < len(frame) - 3:
        row = frame.iloc[len(frame) - 1 - found]
        cells = [values.cell_text(value) or "" for value in row.tolist()]
        filled = [place for place, text in enumerate(cells) if text.strip()]
        if not filled:
            found += 1
            continue
        text = cells[filled[0]].strip()
        if len(filled) == 1 and filled[0] == 0 and is_remark(text):
            found += 1
        elif is_total(text) and filled[0] <= 1:
            others = _texts(frame.iloc[: len(frame) - 1 - found, filled[0]])
            if text in others:
                break
            found += 1
        else:
            break
    return found


def _is_units(frame: pd.DataFrame) -> bool:
    """Whether the first row holds texts over every column that holds numbers otherwise."""
    if len(frame) < 4:
        return False
    over = []
    for place in range(frame.shape[1]):
        head = values.cell_text(frame.iloc[0, place])
        rest = _texts(frame.iloc[1 : _LOOK + 1, place])
        if len(rest) < 3 or _share(rest) < _MOSTLY:
            continue
        text = (head or "").strip()
        if _VALUE.fullmatch(text) or text.casefold() in column_names.MISSING_WORDS:
            return False
        if text in rest:
            return False
        if text and text not in values.MISSING:
            over.append(text)
    return len(over) > 1 or (len(over) == 1 and bool(_UNIT.fullmatch(over[0])))


_UNIT = re.compile(
    r"[\[(].{1,15}[\])]|[µmkcdMGn]?(m|g|s|l|L|W|V|A|Hz|Pa|J|t|bar|eV|mol)[²³23]?(/\w+[²³23]?)?|%|°[CF]?|K"
    r"|EUR|USD|GBP|€|\$|£|years?|days?|hours?|h|min|sec|ft|in|lbs?|mph|km/h|int(eger)?|float|num(eric)?"
    r"|double|string|date"
)


# -- names of columns ----------------------------------------------------------------


def unique_names(header: list[str]) -> tuple[list[str], list[Check]]:
    """Return a name of its own for each field of a header, and what had to be said."""
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
    around = [raw for raw in header if raw.strip() and raw != raw.strip()]
    if around:
        checks.append(
            Check(
                name=BLANKS,
                severity="info",
                message=f"{several(len(around))} of the header, such as {around[0]!r}, are written"
                " with blanks around the name; the name is read without.",
                columns=around,
                remedy="Nothing: rows are found by either name",
            )
        )
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
