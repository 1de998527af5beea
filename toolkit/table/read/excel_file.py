"""Sheets of Excel workbooks as tables."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.table.cells import values
from toolkit.table.cells.notes import listed
from toolkit.table.read import cells, layout

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Data

_LOOK = 120
_EXACT = 1e15
_ZEROS = re.compile(r"0{2,}")


def read_excel(path: Path, data: Data) -> tuple[pd.DataFrame, list[Check]]:
    """Read a sheet.

    Raises
    ------
    DataError
        If there is no such sheet, or it is empty.
    """
    import pandas as pd

    with _book(path) as book:
        sheets = _visible(book)
        sheet = _sheet(path, data, sheets, [each.title for each in book.worksheets])
        read = _Cells()
        rows = list(read.rows(book[sheet]))
    place = _header_place(path, data, sheet, rows)
    body = rows[place + 1 :] if data.header_row != 0 else rows[place:]
    width = max((len(row) for row in rows), default=0)
    header = [] if data.header_row == 0 else [_name(value) for value in rows[place]]
    header += [""] * (width - len(header))
    used = [
        k for k in range(width) if header[k] or any(k < len(r) and r[k] is not None for r in body)
    ]
    if data.header_row == 0:
        header = [f"column {k + 1}" for k in range(width)]
    names, checks = layout.unique_names([header[k] for k in used])
    columns = [[row[k] if k < len(row) else None for row in body] for k in used]
    _refuse_formulas(path, sheet, dict(zip(names, columns, strict=True)))
    frame = pd.DataFrame({k: pd.Series(column, dtype=object) for k, column in enumerate(columns)})
    frame.columns = pd.Index(names, dtype=object)
    frame, trimmed = layout.trimmed(frame)
    frame = pd.DataFrame({k: _typed(frame.iloc[:, k]) for k in range(frame.shape[1])})
    frame.columns = pd.Index(names, dtype=object)
    checks += [*trimmed, *read.checks(dict(zip(used, names, strict=True)))]
    if len(sheets) > 1 and data.sheet is None:
        checks.append(
            Check(
                name="Sheet",
                severity="info",
                message=f"The first of {len(sheets)} sheets was read: {sheet!r}.",
                remedy="Set data.sheet for another",
            )
        )
    return frame, checks


def _typed(series: pd.Series) -> pd.Series:
    found = cells.column(series.tolist())
    assert found is not None  # a sheet holds no binary cells
    return found


def _name(value: Any) -> str:
    return " ".join((values.cell_text(value) or "").split())


class _Cells:
    """Reads a sheet's cells, and remembers errors and numbers shown as codes by column."""

    def __init__(self) -> None:
        self.errors: dict[int, list[str]] = {}
        self.zeros: dict[int, str] = {}
        self.cut: dict[int, float] = {}

    def rows(self, sheet: Any) -> Iterator[list[Any]]:
        sheet.reset_dimensions()
        for row in sheet.iter_rows():
            yield [self._value(place, cell) for place, cell in enumerate(row)]

    def _value(self, place: int, cell: Any) -> Any:
        value = cell.value
        if value is None or value == "":
            return None
        if cell.data_type == "e":
            self.errors.setdefault(place, []).append(str(value))
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not float(value).is_integer():
                return value
            form = str(cell.number_format)
            if _ZEROS.fullmatch(form) and value >= 0:
                # Who typed it sees a code, and so would a CSV of this sheet hold it.
                self.zeros.setdefault(place, form)
                return str(int(value)).zfill(form.count("0"))
            if isinstance(value, float) and abs(value) >= _EXACT:
                self.cut.setdefault(place, value)
            return int(value)
        return value

    def checks(self, names: dict[int, str]) -> list[Check]:
        found = []
        errors = {names[k]: texts for k, texts in self.errors.items() if k in names}
        if errors:
            kinds = sorted({text for texts in errors.values() for text in texts})
            found.append(
                Check(
                    name="Errors in cells",
                    severity="warning",
                    message=f"{sum(map(len, errors.values()))} cells of {listed(list(errors))} hold"
                    f" an error ({', '.join(kinds)}) and count as missing.",
                    columns=list(errors),
                    remedy="Correct the formulas in the sheet",
                )
            )
        zeros = {names[k]: form for k, form in self.zeros.items() if k in names}
        if zeros:
            found.append(
                Check(
                    name="Zeros that the format shows",
                    severity="info",
                    message=f"{listed(list(zeros))} hold numbers that Excel shows with leading"
                    f" zeros (format {next(iter(zeros.values()))}); they are read as shown.",
                    columns=list(zeros),
                    remedy="If they are amounts, set their type to number",
                )
            )
        cut = {names[k]: value for k, value in self.cut.items() if k in names}
        if cut:
            found.append(
                Check(
                    name="Digits that Excel does not keep",
                    severity="warning",
                    message=f"{listed(list(cut))} hold whole numbers of more than 15 digits, such"
                    f" as {next(iter(cut.values())):.0f}; Excel has stored the first 15 of each.",
                    columns=list(cut),
                    remedy="If they are identifiers, store them as text in the sheet, or read the"
                    " table from where it came from",
                )
            )
        return found


@contextlib.contextmanager
def _book(path: Path, *, formulas: bool = False) -> Iterator[Any]:
    # As a stream: openpyxl refuses a path by its ending.
    with path.open("rb") as stream:
        yield from _opened(path, stream, formulas)


def _opened(path: Path, stream: Any, formulas: bool) -> Iterator[Any]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=not formulas)
    except Exception as error:  # openpyxl meets damage in many ways
        raise DataError(
            "cannot be read as Excel:"
            f" {str(error).splitlines()[0][:200] if str(error) else type(error).__name__}",
            where=str(path),
            remedy="Save it again as .xlsx, or as CSV; or correct data.format",
        ) from error
    with contextlib.closing(book):
        yield book


def _visible(book: Any) -> list[str]:
    shown = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
    return shown or [sheet.title for sheet in book.worksheets]


def _sheet(path: Path, data: Data, shown: list[str], sheets: list[str]) -> str:
    if data.sheet is None:
        return shown[0]
    if data.sheet not in sheets:
        near = difflib.get_close_matches(data.sheet, sheets, n=1)
        raise DataError(
            f"there is no sheet {data.sheet!r}",
            where=str(path),
            expected=", ".join(repr(name) for name in sheets),
            remedy=f"Did you mean {near[0]!r}?" if near else "Set data.sheet",
        )
    return data.sheet


def _header_place(path: Path, data: Data, sheet: str, rows: list[list[Any]]) -> int:
    filled = [k for k, row in enumerate(rows) if any(value is not None for value in row)]
    if not filled:
        raise DataError(
            f"the sheet {sheet!r} is empty", where=str(path), remedy="Set data.sheet (--sheet)"
        )
    if not data.header_row:
        return filled[0]
    if data.header_row > len(rows):
        raise DataError(
            f"there is no row {data.header_row}: the sheet {sheet!r} has {len(rows)} rows",
            where=str(path),
            remedy="Correct data.header_row (--header-row)",
        )
    return data.header_row - 1


def _refuse_formulas(path: Path, sheet: str, columns: dict[str, list[Any]]) -> None:
    """Raise for columns of formulas whose values the program that wrote the file did not save."""
    empty = [name for name, column in columns.items() if not any(v is not None for v in column)]
    if not empty:
        return
    with _book(path, formulas=True) as book:
        found = book[sheet]
        found.reset_dimensions()
        formula = any(
            isinstance(cell.value, str) and cell.value.startswith("=") and cell.data_type == "f"
            for row in found.iter_rows(max_row=_LOOK)
            for cell in row
        )
    if formula:
        raise DataError(
            "holds formulas without their values",
            where=f"{path}, sheet {sheet!r}",
            expected="saved values",
            remedy="Open the file in Excel or LibreOffice and save it, or save it as CSV",
        )


# -- what to read of a workbook ----------------------------------------------------------


def survey(path: Path) -> dict[str, list[list[str]]]:
    """Return the first rows of each visible sheet as text."""
    found = {}
    with _book(path) as book:
        for name in _visible(book):
            sheet = book[name]
            sheet.reset_dimensions()
            rows = [
                ["" if cell.value is None else (values.cell_text(cell.value) or "") for cell in row]
                for row in sheet.iter_rows(max_row=_LOOK)
            ]
            found[name] = rows
    return found
