"""Which columns models do not get, and how loudly that is said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from toolkit.table import column_names
from toolkit.table.cells import amounts, values
from toolkit.table.cells.notes import Notes
from toolkit.table.types import personal

if TYPE_CHECKING:
    from toolkit.project.data import ColumnType, Role
    from toolkit.table.cells.values import Cells


_TRIFLES = re.compile(r"\+$|(?<=\d)_(?=\d)|^[~≈<>≤≥]\s*")
"""What stands at numbers that are not read as such: ``5,000+``, ``1_000``, ``~ 20``."""


def leaves(name: str, found: Cells, notes: Notes) -> str | None:
    """Return what a column holds that models do not get: names of people, or what is theirs."""
    if len(found) < 3:
        return None
    some = found.head(personal.MOST)  # of many numbers no others are turned into texts
    what = personal.people(name, some) or personal.reference(name, some)
    if what is None:
        return None
    notes.say(
        "Names of people" if what in personal.PEOPLE else "Identifier",
        f"{name!r} holds {what} ({len(found):,} different in {found.counts.sum():,} rows);"
        " models do not get it, and reports do not show its values.",
        name,
        f"If it is something else, set columns.{name}.role to feature",
    )
    return what


def role_of(name: str, kind: ColumnType, found: Cells, notes: Notes) -> Role:
    """Return what a column is used for; what keeps it from models is said."""
    rows = int(found.counts.sum())
    distinct, sample = len(found), found.head(500)
    whole = all(re.fullmatch(r"-?\d+", text) for text in sample)
    unspaced = all(" " not in text for text in sample)
    if kind in ("date", "boolean") or rows < 20:
        return "feature"
    named = column_names.identifier(name)
    if (named or kind == "number") and distinct == rows and whole and _counts_rows(found):
        _say_leaves(name, "counts the rows one by one", found, notes, counter=True)
        return "identifier"
    if named and (whole or kind == "category") and distinct > 20:
        if distinct > 0.95 * rows:
            why = f"is named like one and nearly every row has its own value ({distinct} of {rows})"
            _say_leaves(name, why, found, notes)
            return "identifier"
        if rows < 20 * distinct:
            notes.say(
                "Identifier that repeats",
                f"{name!r} is named like an identifier and has {distinct} values in {rows} rows;"
                " models do not get it.",
                name,
                "If its rows belong together, set split.method to group and split.column to it;"
                f" if it is a category, set columns.{name}.role to feature",
                severity="warning",
            )
            return "identifier"
    if distinct == rows and kind == "category" and unspaced:
        _say_leaves(name, f"holds a different word in each of {rows} rows", found, notes)
        return "identifier"
    return "feature"


def _say_leaves(name: str, why: str, found: Cells, notes: Notes, *, counter: bool = False) -> None:
    """Say that models do not get a column; loudly where what they lose are numbers."""
    numeric = not counter and _mostly_numbers(found)
    notes.say(
        "Identifier",
        f"{name!r} {why}; models do not get it"
        + (", though its cells are numbers." if numeric else "."),
        name,
        f"If it measures something, set columns.{name}.type to number and columns.{name}.role to"
        " feature"
        if numeric
        else "",
        severity="warning" if numeric else "info",
    )


def _mostly_numbers(found: Cells) -> bool:
    if amounts.no_amounts(found.words).all():
        return False
    parsed = values.numbers([_TRIFLES.sub("", text) for text in found.texts])
    if np.isnan(parsed).any():
        parsed = np.where(np.isnan(parsed), values.numbers(found.texts, ","), parsed)
    return float((~np.isnan(parsed)).mean()) > 0.5


def _counts_rows(found: Cells) -> bool:
    # Gaps do not matter: the number of a row is its place.
    numbers = found.numbers()
    if numbers is None:
        numbers = values.numbers(found.texts)
    offsets = numbers - np.flatnonzero(found.codes >= 0)
    return bool(offsets[0] in (0, 1) and np.all(offsets == offsets[0]))
