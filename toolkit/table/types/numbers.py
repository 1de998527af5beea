"""Which columns are numbers, though some of their cells are not."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from toolkit.project.data import Column
from toolkit.table import column_names
from toolkit.table.cells import amounts, values
from toolkit.table.cells.decimal_marks import MarkReading, TableMarks, evidence, read_marks
from toolkit.table.cells.notes import Notes, listed
from toolkit.table.types.units import PARSED, Units, read_units

if TYPE_CHECKING:
    from toolkit.table.cells.values import Cells

_BARE = re.compile(r"[+-]?[\d.,]+([eE][+-]?\d+)?")
_POWER = re.compile(r"\d+[eE]\d+\Z")
_MANY = 10  # different numbers: fewer may be grades


def number_column(name: str, found: Cells, table: TableMarks, notes: Notes) -> Column | None:
    """Return how a column is read as a number; None if it holds no numbers.

    A column counts as numbers if nearly all its cells are, or if all that are not spell
    out that the value is missing. Its decimal mark, its unit, and whether ``k`` multiplies
    are kept in the column, so that a row scored later is read alike.
    """
    if found.numeric:
        parsed = found.numbers()
        if parsed is None:
            parsed = values.numbers(found.texts)
        parsed[~np.isfinite(parsed)] = math.nan
        return _checked(name, found, parsed, Column(type="number"), notes)
    marks = read_marks(found.texts, table)
    plain = found.numbers() if marks.mark == "." else None
    if plain is None and amounts.no_amounts(found.words).all():
        return None
    odd = [] if plain is not None else [t for t in found.texts if not _BARE.fullmatch(t)]
    if odd:
        cells = [amounts.amount(text, marks.mark) for text in found.texts]
        units = read_units(name, found, cells, marks.mark, notes)
        parsed = np.array([
            math.nan if cell is None
            else cell.read(marks.mark, units.unit, multiples=units.multiples)
            for cell in cells
        ])  # fmt: skip
    else:
        units = Units()
        parsed = values.numbers(found.texts, marks.mark) if plain is None else plain
    parsed[~np.isfinite(parsed)] = math.nan
    if units.refused or np.isnan(parsed).all():
        return None
    column = Column(
        type="number",
        decimal=marks.mark if marks.mark != table.decimal else None,
        unit=units.unit,
        multiples=units.multiples,
    )
    if np.isnan(parsed).any():
        _say_two_marks(name, found, parsed, marks, notes)
    checked = _checked(name, found, parsed, column, notes)
    if checked is not None:
        _say_marks(name, marks, notes)
        _say_powers(name, found, notes)
        _say_signs(name, odd, marks, checked, notes)
    return checked


def _checked(
    name: str, found: Cells, parsed: np.ndarray, column: Column, notes: Notes
) -> Column | None:
    bad = np.isnan(parsed)
    if not bad.any():
        return column
    endless = bad.copy()
    endless[bad] = [amounts.endless(found.texts[place]) for place in np.flatnonzero(bad)]
    checked: Column | None = column
    if (bad & ~endless).any():
        checked = _with_rest(name, found, bad & ~endless, column, notes)
    if checked is not None and endless.any():
        texts = [text for text, odd in zip(found.texts, endless, strict=True) if odd]
        say_endless(name, found, texts, notes)
    return checked


def say_endless(name: str, found: Cells, endless: list[str], notes: Notes) -> None:
    """Say that infinite numbers are read as missing."""
    rows = sum(found.counts[found.texts.index(text)] for text in endless)
    notes.say(
        "Infinite numbers",
        f"{rows} cells of {name!r} are infinite ({listed(endless)}) and are read as missing.",
        name,
        "Find out what they stand for: a division by zero, or no limit",
        severity="warning",
    )


def _with_rest(
    name: str, found: Cells, bad: np.ndarray, column: Column, notes: Notes
) -> Column | None:
    # Whatever is left does not parse: a spelling of missing, dirt, or no number at all.
    part = 1 - float(found.counts[bad].sum() / found.counts.sum())
    rows = int(found.counts[bad].sum())
    spellings = [text for text, odd in zip(found.texts, bad, strict=True) if odd]
    absent = [text for text in spellings if text.casefold() in column_names.MISSING_WORDS]
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
    numbers = int((~bad).sum())
    rare = len(spellings) <= 20 and len(spellings) < 0.1 * len(found.texts)
    if (rare and (part > 0.5 or numbers >= _MANY)) or (part > 0.5 and numbers >= _MANY):
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


# -- what is said ------------------------------------------------------------------------


def _say_marks(name: str, marks: MarkReading, notes: Notes) -> None:
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


def _say_powers(name: str, found: Cells, notes: Notes) -> None:
    powers = [text for text in found.held("[eE]") if _POWER.match(text)]
    if powers and not amounts.endless(powers[0]):
        notes.say(
            "Powers of ten or codes",
            f"{powers[0]!r} in {name!r} is read as {float(powers[0]):.12g}; it may be a code.",
            name,
            f"Set columns.{name}.type to category if it is one",
            severity="warning",
        )


def _say_two_marks(
    name: str, found: Cells, parsed: np.ndarray, marks: MarkReading, notes: Notes
) -> None:
    lost = np.isnan(parsed)
    texts = [text for text, odd in zip(found.texts, lost, strict=True) if odd]
    other = evidence(texts).proved[marks.other]
    if other >= max(2, 0.5 * len(texts)):
        notes.say(
            "Two decimal marks",
            f"{name!r} holds numbers with a decimal point and numbers with a decimal comma, such as"
            f" {texts[0]!r}; {int(found.counts[lost].sum())} cells do not fit {marks.mark!r}.",
            name,
            "Write all cells with one mark in the source",
            severity="warning",
        )


def _say_signs(name: str, odd: list[str], marks: MarkReading, column: Column, notes: Notes) -> None:
    cells = [(text, amounts.amount(text, marks.mark)) for text in odd[:2000]]
    told = [(text, cell) for text, cell in cells if cell is not None]
    if not told:
        return
    read = [amounts.number(t, marks.mark, column.unit, multiples=column.multiples) for t, _ in told]
    place = next((place for place, value in enumerate(read) if np.isfinite(value)), None)
    if place is None:
        return
    text, value = told[place][0], read[place]
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
