"""Which unit a column's numbers bear."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.table.cells import amounts
from toolkit.table.cells.notes import Notes

if TYPE_CHECKING:
    from toolkit.table.cells.amounts import Amount
    from toolkit.table.cells.values import Cells

PARSED = 0.95
"""The share of cells that must follow for a column to be read in one way."""
_SHARE_OF_AMOUNTS = 0.5
_MOST_UNITS = 6
_SIDES = frozenset(["cr", "dr"])  # of an account: which of them is negative, nothing tells


@dataclass(frozen=True)
class Units:
    """What stands around a column's numbers.

    Attributes
    ----------
    unit : str or None
        The one unit.
    multiples : bool
        Whether ``k``, ``M`` and the like multiply.
    refused : bool
        Whether there are several units, so that the numbers must not be put together.
    """

    unit: str | None = None
    multiples: bool = False
    refused: bool = False


def read_units(
    name: str, found: Cells, cells: list[Amount | None], mark: str, notes: Notes
) -> Units:
    """Return the unit that a column's cells bear; units are never mixed in silence."""
    counts = found.counts
    rows: Counter[tuple[str, str]] = Counter()
    for cell, count in zip(cells, counts.tolist(), strict=True):
        if cell is not None and cell.value(mark, multiples=False) != 0:
            rows[cell.multiple, cell.unit] += count
    total = int(counts.sum())
    if sum(rows.values()) < _SHARE_OF_AMOUNTS * total:
        return Units()
    several = _multiplied(cells)
    units: Counter[str] = Counter()
    for (multiple, unit), count in rows.items():
        units[unit if several else f"{multiple} {unit}".strip()] += count
    bare = units.pop("", 0)
    if not units:
        return Units(None, several)
    unit, most = units.most_common(1)[0]
    rest = {other: count for other, count in units.items() if other != unit}
    recognised = amounts.known(unit) or bool(several)
    if rest:
        if not _measures([unit, *rest], bare) and _worded(found, [unit, *rest], bare):
            notes.say(**_mixed(name, found, cells, [unit, *rest], "it is read as a category"))
            return Units(refused=True)
        if not _measures([unit, *rest], bare):
            return Units() if most < PARSED * total else Units(unit, several)
        few = most >= PARSED * total
        then = "the others are read as missing" if few else "it is read as a category"
        notes.say(**_mixed(name, found, cells, [unit, *rest], then))
        return Units(unit, several, refused=not few)
    if bare and unit in _SIDES:
        notes.say(**_mixed(name, found, cells, [unit, ""], "it is read as a category"))
        return Units(refused=True)
    if bare and not (recognised or most > bare):
        return Units()
    if bare and unit == "%" and _fractions(cells, mark):
        notes.say(**_mixed(name, found, cells, ["%", ""], "it is read as a category"))
        return Units(refused=True)
    if bare and most + bare >= PARSED * total:
        notes.say(
            "Unit in some cells",
            f"{most} cells of {name!r} bear the unit {unit!r} and {bare} bear none; all are read as"
            " in this unit.",
            name,
            "Correct the source if the bare numbers are in another unit",
            severity="warning",
        )
    return Units(unit, several)


def _worded(found: Cells, units: list[str], bare: int) -> bool:
    """Whether a few words behind many numbers tell them apart: CR and DR, minutes and seasons."""
    if _SIDES.issuperset(units):
        return True
    if bare or len(units) > _MOST_UNITS or len(found.texts) <= _MOST_UNITS:
        return False
    apart = sum(bool(re.search(r"\d\s+\w", text)) for text in found.texts)
    words = all(len(unit) > 1 or amounts.money(unit) for unit in units)
    return apart > 0 if words else apart == len(found.texts)


def _measures(units: list[str], bare: int) -> bool:
    """Whether words behind numbers are units, not letters of codes such as 12a and 7c."""
    known = [unit for unit in units if amounts.known(unit)]
    clear = [unit for unit in known if len(unit) > 1 or amounts.money(unit)]
    # V beside mV: one that is not known alone, and a part of it.
    kin = any(part != one and part.casefold().endswith(one) for part in clear for one in units)
    return (len(known) > 1 or kin) and bool(clear or not bare)


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
    plain = [cell.value(".", multiples=False) for cell in cells if cell and not cell.multiple]
    if others and len(words) == 1 and _flagged(with_word, cells):
        return False
    if words == {1e3} and max(plain, default=0) >= 100:
        return True  # 950 and 2k; carats are 18K and 24
    if words == {1e6} and all(cell.multiple == "m" and not cell.unit for cell in with_word):
        return False  # 5 m are metres
    return len(words) > 1 or any(
        cell.unit or len(cell.multiple) > 1 or re.search(r"[.,]", cell.bare) for cell in with_word
    )


def _flagged(with_word: list[Amount], cells: list[Amount | None]) -> bool:
    """Whether a lone letter marks a number, as Eurostat's b a break: others are no larger."""
    if any(len(cell.multiple) > 1 or cell.unit for cell in with_word):
        return False
    sizes = [abs(cell.value(".", multiples=False)) for cell in with_word]
    bare = [abs(cell.value(".", multiples=False)) for cell in cells if cell and not cell.multiple]
    # Who writes 1.2k writes 950 for what is smaller.
    return float(np.nanmedian(bare)) <= 3 * float(np.nanmax(sizes))


def _fractions(cells: list[Amount | None], mark: str) -> bool:
    """Whether the numbers without a per cent sign are shares of one, and those with it are not."""
    numbers = [(cell.unit, abs(cell.value(mark, multiples=False))) for cell in cells if cell]
    bare = [number for unit, number in numbers if not unit and number > 0]
    signed = [number for unit, number in numbers if unit == "%" and number >= 0]
    return bool(bare) and float(np.median(bare)) <= 1 < float(np.median(signed or [0]))


def _mixed(
    name: str, found: Cells, cells: list[Amount | None], units: list[str], then: str
) -> dict[str, Any]:
    """Return the arguments of the check that says which units there are, and what is done."""
    parts = []
    for unit in units[:4]:
        places = [
            place for place, cell in enumerate(cells)
            if cell is not None and unit in (cell.unit, f"{cell.multiple} {cell.unit}".strip())
        ]  # fmt: skip
        count = int(found.counts[places].sum())
        parts.append(f"{count} cells in {unit or 'no unit'} ({found.texts[places[0]]!r})")
    return {
        "name": "Several units",
        "message": f"{name!r} holds numbers in more than one unit: {', '.join(parts)}; {then}.",
        "column": name,
        "remedy": f"Bring them to one unit in the source, or set columns.{name}.type to number and"
        f" columns.{name}.unit to the one to keep",
        "severity": "warning",
    }
