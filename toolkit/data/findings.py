"""Checks about many columns as one sentence: how many, which first, what number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from toolkit import formats
from toolkit.artifacts import Check
from toolkit.artifacts.base import Severity
from toolkit.formats import number

MOST_COLUMNS = 50
"""Columns that a check names, at most; its message says how many there are."""

_SINGULAR = {
    "differ": "differs", "have": "has", "hold": "holds", "lack": "lacks", "spell": "spells",
    "vary": "varies",
}  # fmt: skip

Found = tuple[str, float, str]
"""A column, a number to order by (higher is worse), and the number in words."""


def check_of(
    name: str, severity: Severity, what: str, found: Iterable[Found], remedy: str
) -> list[Check]:
    """Return one check about the columns found, or none.

    Parameters
    ----------
    name : str
        What was checked.
    severity : str
        Its grade.
    what : str
        The fault as a predicate in the plural, such as ``hold a single value``; the verb
        comes first.
    found : iterable of (column, number, words)
        The columns that show it.
    remedy : str
        What to do.
    """
    ordered = sorted(found, key=lambda item: -item[1])
    if not ordered:
        return []
    columns = [column for column, _, _ in ordered]
    noun = "columns"
    if len(columns) == 1:
        verb, _, rest = what.partition(" ")
        rest = rest.replace(" of their values", " of its values")
        noun, what = "column", f"{_SINGULAR.get(verb, verb)} {rest}"
    shown = listed([f"{column} ({words})" if words else column for column, _, words in ordered])
    return [
        Check(
            name=name,
            severity=severity,
            message=f"{len(columns):,} {noun} {what}: {shown}.",
            columns=columns[:MOST_COLUMNS],
            remedy=remedy,
        )
    ]


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names in a row, and how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 pair``, ``2,000 pairs``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def amount(value: float) -> str:
    """Return a number for a sentence; see `toolkit.formats.number`."""
    return f"{int(value):,}" if value == int(value) and abs(value) < 1e15 else number(value, 6)


def percent(share: float) -> str:
    """Return a share as a percentage; see `toolkit.formats.share`."""
    return formats.share(share)
