"""Which columns are numbers, though some of their cells are not."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.project.model import Column
from toolkit.table import amounts, names, values
from toolkit.table.marks import Reading, TableMarks, read_marks
from toolkit.table.notes import Notes, listed

if TYPE_CHECKING:
    from toolkit.table.amounts import Amount
    from toolkit.table.values import Cells

PARSED = 0.95
_BARE = re.compile(r"[+-]?[\d.,]+([eE][+-]?\d+)?")
_SHARE_OF_AMOUNTS = 0.5


@dataclass(frozen=True)
class _Numbers:
    """A column's cells as numbers: the values of its distinct texts, and how they are read."""

    column: Column
    parsed: np.ndarray[Any, Any]


def number_column(name: str, found: Cells, table: TableMarks, notes: Notes) -> Column | None:
    """Return how a column is read as a number; None if it holds no numbers.

    A column counts as numbers if nearly all its cells are, or if all that are not spell
    out that the value is missing. Its decimal mark, its unit, and whether ``k`` multiplies
    are kept in the column, so that a row scored later is read alike.
    """
    marks = read_marks(found.texts, table)
    own = marks.mark if marks.mark != table.decimal else None
    parsed = values.numbers(found.texts, marks.mark)
    read = _Numbers(Column(type="number", decimal=own), parsed)
    odd = [text for text in found.texts if not _BARE.fullmatch(text)]
    if odd:
        read = _with_units(name, found, marks, read, notes)
    if not np.isfinite(read.parsed).any():
        return None
    column = _checked(name, found, read, notes)
    if column is not None:
        _say_marks(name, marks, notes)
        if odd:
            _say_signs(name, odd, marks, column, notes)
    return column


def typed_numbers(name: str, found: Cells, notes: Notes) -> Column:
    """Return how a column is read whose source holds numbers, not texts."""
    parsed = values.numbers(found.texts)
    return _checked(name, found, _Numbers(Column(type="number"), parsed), notes) or Column(
        type="number"
    )


def _checked(name: str, found: Cells, read: _Numbers, notes: Notes) -> Column | None:
    bad = np.isnan(read.parsed)
    column: Column | None = read.column
    if bad.any():
        endless = np.array([odd and amounts.endless(t) for t, odd in zip(found.texts, bad)])  # noqa: B905
        if (bad & ~endless).any():
            column = _with_rest(name, found, bad & ~endless, read.column, notes)
        if column is not None and endless.any():
            shown = listed([text for text, odd in zip(found.texts, endless, strict=True) if odd])
            notes.say(
                "Infinite numbers",
                f"{int(found.counts[endless].sum())} cells of {name!r} are infinite ({shown}) and"
                " are read as missing.",
                name,
                "Find out what they stand for: a division by zero, or no limit",
                severity="warning",
            )
    return column


def _with_rest(
    name: str, found: Cells, bad: np.ndarray[Any, Any], column: Column, notes: Notes
) -> Column | None:
    # Whatever is left does not parse: a spelling of missing, dirt, or no number at all.
    part = 1 - float(found.counts[bad].sum() / found.counts.sum())
    rows = int(found.counts[bad].sum())
    spellings = [text for text, odd in zip(found.texts, bad, strict=True) if odd]
    absent = [text for text in spellings if text.casefold() in names.MISSING_WORDS]
    if part > 0 and len(absent) == len(spellings) and (~bad).sum() >= 2:
        notes.say(
            "Missing values spelled out",
            f"{rows} cells of {name!r} say {listed(absent)} and are read as missing.",
            name,
            f"Set columns.{name}.type to category if they are values",
        )
        return column.model_copy(update={"missing": [*values.MISSING, *absent]})
    if part >= PARSED and (~bad).sum() >= 2:
        notes.say(
            "Cells that are no numbers",
            f"{rows} of {len(found.codes)} cells of {name!r} are no numbers ({listed(spellings)})"
            " and are read as missing.",
            name,
            f"Correct the cells, or set columns.{name}.type to category",
            severity="warning",
        )
        return column
    if part > 0.5 and len(spellings) <= 20 and len(spellings) < 0.1 * len(found.texts):
        notes.say(
            "Numbers beside words",
            f"{part:.0%} of the cells of {name!r} are numbers, but {rows} are not"
            f" ({listed(spellings)}); it is read as a category.",
            name,
            f"If these mean that nothing is known, add them to columns.{name}.missing and set its"
            " type to number",
            severity="warning",
        )
    return None


# -- units -----------------------------------------------------------------------------


def _with_units(
    name: str, found: Cells, marks: Reading, read: _Numbers, notes: Notes
) -> _Numbers:
    """Return the numbers of cells that bear units; units are never mixed in silence."""
    cells = [amounts.amount(text, marks.mark) for text in found.texts]
    counts = found.counts
    rows: Counter[tuple[str, str]] = Counter()
    for cell, count in zip(cells, counts.tolist(), strict=True):
        if cell is not None and cell.value(marks.mark, multiples=False) != 0:
            rows[cell.multiple, cell.unit] += count
    total = int(counts.sum())
    if sum(rows.values()) < _SHARE_OF_AMOUNTS * total:
        return read
    several = _multiplied(cells)
    units: Counter[str] = Counter()
    for (multiple, unit), count in rows.items():
        units[unit if several else f"{multiple} {unit}".strip()] += count
    bare = units.pop("", 0)
    if not units:
        return _parsed(found, marks, read, None, several)
    unit, most = units.most_common(1)[0]
    rest = {other: count for other, count in units.items() if other != unit}
    recognised = amounts.known(unit) or bool(several)
    if rest:
        if not (amounts.known(unit) and any(amounts.known(other) for other in rest)):
            return read if most < PARSED * total else _parsed(found, marks, read, unit, several)
        _say_mixed(name, found, cells, [unit, *rest], notes)
        few = most >= PARSED * total
        return _parsed(found, marks, read, unit, several) if few else _none(read)
    if bare and not (recognised or most > bare):
        return read
    if bare and unit == "%" and _fractions(found, cells):
        _say_mixed(name, found, cells, ["%", ""], notes)
        return _none(read)
    if bare and most + bare >= PARSED * total:
        notes.say(
            "Unit in some cells",
            f"{most} cells of {name!r} bear the unit {unit!r} and {bare} bear none; all are read as"
            " in this unit.",
            name,
            "Correct the source if the bare numbers are in another unit",
            severity="warning",
        )
    return _parsed(found, marks, read, unit, several)


def _multiplied(cells: list[Amount | None]) -> bool:
    """Whether ``k``, ``M`` and the like multiply: two of them, or decimals or money before one."""
    with_word = [cell for cell in cells if cell is not None and cell.multiple]
    if not with_word:
        return False
    words = {amounts.MULTIPLES[cell.multiple] for cell in with_word}
    others = any(cell is not None and not cell.multiple for cell in cells)
    if len(words) == 1 and not others:
        # One word in every cell is a unit, unless it can be nothing else.
        return any(len(cell.multiple) > 1 or cell.unit for cell in with_word)
    if words == {1e6} and all(cell.multiple == "m" and not cell.unit for cell in with_word):
        return False  # 5 m are metres
    return len(words) > 1 or any(
        cell.unit or len(cell.multiple) > 1 or re.search(r"[.,]", cell.bare) for cell in with_word
    )


def _parsed(
    found: Cells, marks: Reading, read: _Numbers, unit: str | None, multiples: bool
) -> _Numbers:
    update: dict[str, Any] = {"unit": unit} if unit else {}
    if multiples:
        update["multiples"] = True
    parsed = values.numbers(found.texts, marks.mark, unit, multiples=multiples)
    return _Numbers(read.column.model_copy(update=update), parsed)


def _none(read: _Numbers) -> _Numbers:
    return _Numbers(read.column, np.full_like(read.parsed, np.nan))


def _fractions(found: Cells, cells: list[Amount | None]) -> bool:
    """Whether the numbers without a per cent sign are shares of one, and those with it are not."""
    with_sign, without = [], []
    for cell in cells:
        if cell is not None:
            number = abs(cell.value(".", multiples=False))
            (with_sign if cell.unit == "%" else without).append(number)
    known = [number for number in without if number and not np.isnan(number)]
    signed = [number for number in with_sign if not np.isnan(number)]
    return bool(known) and float(np.median(known)) <= 1 < float(np.median(signed or [0]))


def _say_mixed(
    name: str, found: Cells, cells: list[Amount | None], units: list[str], notes: Notes
) -> None:
    parts = []
    for unit in units[:4]:
        places = [
            place for place, cell in enumerate(cells)
            if cell is not None and unit in (cell.unit, f"{cell.multiple} {cell.unit}".strip())
        ]  # fmt: skip
        count = int(found.counts[places].sum())
        parts.append(f"{count} cells in {unit or 'no unit'} ({found.texts[places[0]]!r})")
    notes.say(
        "Several units",
        f"{name!r} holds numbers in more than one unit: {', '.join(parts)}; they are not mixed:"
        " those of a rare unit are read as missing, or else the column is read as a category.",
        name,
        f"Bring them to one unit in the source, or set columns.{name}.type to number and"
        f" columns.{name}.unit to the one to keep",
        severity="warning",
    )


# -- what is said ------------------------------------------------------------------------


def _say_marks(name: str, marks: Reading, notes: Notes) -> None:
    if not marks.reason:
        return
    if not marks.example:
        title = "Decimal comma" if marks.mark == "," else "Decimal point"
        notes.say(
            title,
            f"{name!r} is read with a {title.lower()}, since its cells allow nothing else.",
            name,
        )
        return
    taken, other = (
        f"{values.numbers([marks.example], mark)[0]:.12g}" for mark in (marks.mark, marks.other)
    )
    notes.say(
        "Thousands or decimals" if marks.doubtful else "Thousands and decimals",
        f"{marks.example!r} in {name!r} is read as {taken}, not {other}: {marks.reason}.",
        name,
        f"Set columns.{name}.decimal to {marks.other!r} if it means {other}",
        severity="warning" if marks.doubtful else "info",
    )


def _say_signs(name: str, odd: list[str], marks: Reading, column: Column, notes: Notes) -> None:
    cells = [(text, amounts.amount(text, marks.mark)) for text in odd[:2000]]
    told = [(text, cell) for text, cell in cells if cell is not None]
    if not told:
        return
    text, cell = told[0]
    value = amounts.number(text, marks.mark, column.unit, multiples=column.multiples)
    unit = f" in {column.unit}" if column.unit else ""
    notes.say(
        "Numbers with signs",
        f"{name!r} is read as a number{unit}, as in {text!r}, which is {value:.12g}.",
        name,
    )
    marked = [text for text, cell in told if cell.marked]
    if marked:
        notes.say(
            "Footnote marks",
            f"{len(marked)} different cells of {name!r} bear a mark behind the number"
            f" ({listed(marked)}); it is left away.",
            name,
            "Keep the marks in a column of their own if they mean something",
        )
    trailing = [text for text, cell in told if cell.trailing]
    if trailing:
        doubt = all(re.fullmatch(r"\d{1,2}-", text) for text in trailing)
        notes.say(
            "Minus behind the number",
            f"{len(trailing)} different cells of {name!r} end in a minus ({listed(trailing)}) and"
            " are read as negative.",
            name,
            f"Set columns.{name}.type to category if they are grades or open ranges",
            severity="warning" if doubt else "info",
        )
