"""Which columns are numbers, though some of their cells are not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from toolkit.project.model import Column
from toolkit.table import names, values
from toolkit.table.notes import Notes, listed

if TYPE_CHECKING:
    from toolkit.table.values import Cells

_PARSED = 0.95
_BARE = re.compile(r"[+-]?[\d.,eE+-]+")


def number_column(
    name: str, found: Cells, decimal: Literal[".", ","], notes: Notes
) -> Column | None:
    """Return how a column is read as a number; None if it holds no numbers.

    A column counts as numbers if nearly all its cells are, or if all that are not spell
    out that the value is missing.
    """
    column = Column(type="number")
    parsed = values.numbers(found.texts, decimal)
    if decimal == "." and np.isnan(parsed).any():
        other = values.numbers(found.texts, ",")
        commas = sum("," in text for text in found.texts)
        if commas and _share(found, other) > max(_share(found, parsed), _PARSED):
            parsed, column = other, column.model_copy(update={"decimal": ","})
            notes.say(
                "Decimal comma",
                f"{name!r} is read with a decimal comma, as in {_example(found, ',')!r}.",
                name,
                f"Set columns.{name}.decimal if the comma separates thousands",
            )
    bad = np.isnan(parsed)
    if not bad.any():
        odd = next((t for t in found.texts[:2000] if not _BARE.fullmatch(t)), None)
        if odd is not None:
            notes.say("Numbers with signs", f"{name!r} is read as a number, as in {odd!r}.", name)
        return column
    # Whatever is left does not parse: a spelling of missing, dirt, or no number at all.
    return _with_rest(name, found, bad, column, notes)


def _with_rest(
    name: str, found: Cells, bad: np.ndarray[Any, Any], column: Column, notes: Notes
) -> Column | None:
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
    if part >= _PARSED and (~bad).sum() >= 2:
        notes.say(
            "Cells that are no numbers",
            f"{rows} of {len(found.codes)} cells of {name!r} are no numbers ({listed(spellings)})"
            " and are read as missing.",
            name,
            f"Correct the cells, or set columns.{name}.type to category",
            severity="warning",
        )
        return column
    return None


def _share(found: Cells, parsed: np.ndarray[Any, Any]) -> float:
    counts = found.counts
    return float(counts[~np.isnan(parsed)].sum() / counts.sum())


def _example(found: Cells, sign: str) -> str:
    return next(text for text in found.texts if sign in text)
