"""Columns that say whose row it is: values that repeat, and rows of one value that are alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.table import column_names
from toolkit.table.cells.notes import Notes
from toolkit.table.types.typed import conform

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column, ColumnType
    from toolkit.table.cells.values import Cells

_PAIRS = 1_500
_FEWEST_PAIRS = 20
_FEWEST_GROUPS = 20
_LARGEST_GROUP = 0.2
_ALIKE = 0.25
_VERY_ALIKE = 0.5
_Z = 5.0
_COLUMNS = 60
_UNSHOWN_ROLES = ("target", "identifier", "ignore", "group", "weight")


@dataclass(frozen=True)
class Alike:
    """How much more often two rows of one value agree in a column than rows of two values.

    Attributes
    ----------
    column : str
        The column that they agree in.
    within, beside : float
        Share of equal cells among pairs of rows of one value, and of two values that follow each
        other when sorted.
    excess : float
        How much more pairs of one value agree, as a share of the most they could; numbers agree
        by how close their ranks are.
    """

    column: str
    within: float
    beside: float
    excess: float


def keep_if_repeated(
    name: str, kind: ColumnType, found: Cells, notes: Notes, *, named: bool = False
) -> None:
    """Keep a column whose values may be persons or things, for `find_groups`.

    Amounts, places, products, and columns whose values do not repeat are none.
    """
    if kind not in ("date", "boolean", "text", "image"):
        whole = kind != "number" or all(text.isdecimal() for text in found.head(500))
        holder = _holder(name, found.counts, named=named)
        if whole and holder is not None:
            notes.repeated[name] = found, bool(holder)


def _holder(name: str, counts: np.ndarray, *, named: bool = False) -> str | None:
    """Return what `names.holder` says; None too if values do not repeat as persons would."""
    distinct, rows = len(counts), int(counts.sum())
    if distinct < 5 or rows - distinct < 20:
        return None
    holder = "person" if named else column_names.holder(name)
    return holder if holder or _many(counts) else None


def _many(counts: np.ndarray) -> bool:
    """Whether values are as many, and repeat as often, as persons would."""
    distinct, rows = len(counts), int(counts.sum())
    much = distinct >= 100 and 1.1 * distinct <= rows <= 200 * distinct
    return bool(much and counts.max() <= max(0.02 * rows, 5))


def repeated_group(
    frame: pd.DataFrame,
    name: str,
    columns: Mapping[str, Column],
    coded: Callable[[str], tuple[np.ndarray, Sequence[str]]],
) -> tuple[Cells, list[Alike], bool]:
    """Return the values of a typed column, in what rows of one value are alike, and by name.

    `coded` gives level codes (-1 is missing) and levels of a column that holds no numbers.
    """
    import pandas as pd

    from toolkit.table.cells.values import Cells

    series, column = frame[name], columns[name]
    none = Cells([], np.empty(0, dtype=np.int64)), list[Alike](), False
    if column.type in ("date", "boolean", "text", "image"):
        return none
    if column.type == "number":
        head = series.iloc[:1_000].dropna().to_numpy(dtype=np.float64)
        if not np.array_equal(head, head.round()):
            return none
    codes, levels = pd.factorize(series) if column.type == "number" else coded(name)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    holder = _holder(name, counts)
    if holder is None:
        return none
    texts = [str(level) for level in levels]
    if column.type == "number":
        values = np.asarray(levels, dtype=np.float64)
        if not np.array_equal(values, values.round()) or values.min() < 0:
            return none
        texts = [str(int(value)) for value in values]
    found = Cells(texts, codes.astype(np.int64))
    beside = {
        n: c
        for n, c in columns.items()
        if n != name and c.role not in _UNSHOWN_ROLES and c.type not in ("text", "image")
    }
    others = frame[list(beside)]
    alike = resemblance(found.codes, _ranks(found), others.take, beside)
    return found, alike, bool(holder)


def find_groups(columns: dict[str, Column], frame: pd.DataFrame, notes: Notes) -> None:
    """Give the role group to columns that are named like persons and group rows that are alike.

    What only its name or only its rows suggest is said, and left as it is.
    """
    others = {
        name: column
        for name, column in columns.items()
        if column.role not in _UNSHOWN_ROLES and column.type not in ("text", "image")
    }
    places = {str(name): place for place, name in enumerate(frame.columns)}
    known: set[str] = set()
    for name, (found, named) in notes.repeated.items():
        if columns[name].role not in ("feature", "identifier"):
            continue
        beside = {n: c for n, c in list(others.items())[:_COLUMNS] if n != name}

        def typed(rows: np.ndarray, beside: dict[str, Column] = beside) -> pd.DataFrame:
            return conform(frame.iloc[rows, [places[n] for n in beside]], beside)

        alike = resemblance(found.codes, _ranks(found), typed, beside)
        counts = found.counts
        facts = (
            f"{name!r} has {len(counts):,} values in {counts.sum():,} rows, up to"
            f" {counts.max():,} each"
        )
        if alike and named:
            _group(name, columns, counts, f"{facts}, and rows of one value are alike:"
                   f" {in_words(alike)}", notes)  # fmt: skip
        elif very_alike(alike) and not known & {each.column for each in alike}:
            known.add(name)
            notes.say(
                "Rows that may belong together",
                f"{facts}. Rows of one value are alike, of the next they are not:"
                f" {in_words(alike)}. Persons, accounts or devices may repeat.",
                name,
                f"If so, set columns.{name}.role to group, split.method to group and split.column"
                f" to {name}; a model would learn them by heart",
                severity="warning",
            )
        elif (
            named
            and (column_names.numbered(name) or _many(counts))
            and columns[name].role == "feature"
        ):
            notes.say(
                "Rows that may belong together",
                f"{facts}; its name says that these are persons, accounts or devices, though their"
                " rows are not seen to be alike.",
                name,
                f"If rows of one {name} belong together, set columns.{name}.role to group,"
                f" split.method to group and split.column to {name}",
                severity="warning",
            )


def _group(
    name: str, columns: dict[str, Column], counts: np.ndarray, why: str, notes: Notes
) -> None:
    notes.forget(name)
    columns[name] = columns[name].model_copy(
        update={"type": "category", "role": "group", "decimal": None, "unit": None,
                "multiples": False}
    )  # fmt: skip
    divides = divisible(counts)
    notes.say(
        "Rows of one group",
        f"{why}. Models do not get it"
        + (", and rows of one value stay in one part of the split." if divides else
           "; it is too uneven to split by."),
        name,
        f"If its rows do not belong together, set split.method to stratified and"
        f" columns.{name}.role to ignore"
        if divides
        else "Read every score as optimistic: rows of one group are on both sides of the split",
        severity="warning",
    )  # fmt: skip


def very_alike(alike: list[Alike]) -> bool:
    """Whether rows agree so well that persons are likely without a name that says so."""
    return len(alike) > 1 and alike[1].excess >= _VERY_ALIKE


def divisible(counts: np.ndarray) -> bool:
    """Whether groups of these sizes can be divided among train, validation and test."""
    return len(counts) >= _FEWEST_GROUPS and counts.max() <= _LARGEST_GROUP * counts.sum()


def in_words(alike: list[Alike], most: int = 3) -> str:
    """Return the columns that agree most, and how much."""
    return ", ".join(
        f"{each.column} agrees {each.within:.0%} (otherwise {each.beside:.0%})"
        for each in alike[:most]
    ) + (f" and {len(alike) - most} more columns" if len(alike) > most else "")


def _ranks(found: Cells) -> np.ndarray:
    """Return each distinct text's place in order: of numbers where all are, else of texts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pa.array(found.texts, pa.large_string())
    if all(text.isdecimal() for text in found.texts):
        texts = texts.cast(pa.float64())
    ranks = np.empty(len(texts), dtype=np.int64)
    ranks[pc.sort_indices(texts).to_numpy()] = np.arange(len(texts))
    return ranks


def resemblance(
    codes: np.ndarray,
    ranks: np.ndarray,
    typed: Any,
    columns: Mapping[str, Column],
) -> list[Alike]:
    """Return the columns in which rows of one value agree beyond rows of the next value.

    The next value, not any other, is what they are held against: of an amount, rows of two values
    that lie side by side are as alike as rows of one; of a person's number they are not.

    Parameters
    ----------
    codes : array of int, shape (n,)
        Each row's value; -1 is missing.
    ranks : array of int, shape (k,)
        Each value's place when sorted.
    typed : callable
        Takes positions of rows, and returns them typed.
    columns : dict of str to Column
        What is compared.

    Returns
    -------
    list of Alike
        Those with an excess of a quarter or more that chance does not explain, largest first;
        nothing where fewer than 20 values repeat.
    """
    if not columns:
        return []
    rng = np.random.default_rng(0)
    counts = np.bincount(codes[codes >= 0], minlength=len(ranks))
    repeated = np.flatnonzero(counts > 1)
    if len(repeated) < 5 or counts[repeated].sum() < 2 * _FEWEST_PAIRS:
        return []
    places = np.argsort(ranks)
    few = len(repeated) < _FEWEST_PAIRS
    chosen = rng.choice(repeated, _PAIRS if not few else 10 * len(repeated), replace=True)
    if not few:
        chosen = np.unique(chosen)
    ahead = np.where(ranks[chosen] + 1 < len(ranks), ranks[chosen] + 1, ranks[chosen] - 1)
    following = places[ahead]
    wanted = np.zeros(len(ranks), dtype=bool)
    wanted[chosen] = wanted[following] = True
    rows = np.flatnonzero((codes >= 0) & wanted[codes])
    rows = rows[np.argsort(codes[rows], kind="stable")]
    start = np.searchsorted(codes[rows], chosen)
    size = counts[chosen]
    first = rng.integers(0, size)
    second = (first + rng.integers(1, size)) % size
    after = np.searchsorted(codes[rows], following) + rng.integers(0, counts[following])
    one, same, other = rows[start + first], rows[start + second], rows[after]
    frame = typed(np.concatenate([one, same, other]))
    n = len(chosen)
    found = []
    for name, column in columns.items():
        each = _compare(frame[name], n, column.type, rng)
        if each is not None and each[3] >= _Z and each[2] >= _ALIKE:
            found.append(Alike(name, each[0], each[1], each[2]))
    return sorted(found, key=lambda each: -each.excess)


def _compare(
    series: pd.Series, n: int, kind: ColumnType, rng: np.random.Generator
) -> tuple[float, float, float, float] | None:
    """Return the share of equal pairs within and beside, the excess, and its standard errors."""
    import pandas as pd

    if kind in ("number", "date"):
        values = series.rank(pct=True).to_numpy(dtype=np.float64)
        known = np.isfinite(values)
    else:
        values = pd.factorize(series)[0].astype(np.float64)
        known = values >= 0
    one, same, other = values[:n], values[n : 2 * n], values[2 * n :]
    here = known[:n] & known[n : 2 * n] & known[2 * n :]
    if here.sum() < _FEWEST_PAIRS:
        return None
    one, same, other = one[here], same[here], other[here]
    ordered = kind in ("number", "date")

    def agree(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return 1 - np.abs(a - b) if ordered else (a == b).astype(np.float64)

    within, beside = agree(one, same), agree(one, other)
    equal = float((one == same).mean()), float((one == other).mean())
    chance = float(agree(one, rng.permutation(other)).mean())
    if chance > 0.98:
        return None
    difference = within - beside
    error = float(difference.std()) / np.sqrt(len(difference))
    mean = float(difference.mean())
    z = mean / max(error, 1e-9)
    return *equal, mean / (1 - chance), z
