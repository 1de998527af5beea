"""Conditions on one column, in words, and which rows meet them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import formats
from toolkit.table.measures import MEASURES, measure

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.table import Part

MISSING = "missing"


@dataclass(frozen=True)
class Conditions:
    """The parts that a column's values divide rows into.

    Attributes
    ----------
    column : str
        The column.
    names : list of str
        Each part in words, without the column: ``= car``,
        ``from 25 to below 33``, ``missing``.
    codes : ndarray of int64, shape (n,)
        Which part each row is in, -1 for none that is named.
    """

    column: str
    names: list[str]
    codes: np.ndarray

    def text(self, place: int) -> str:
        """Return a part as a condition: ``purpose = car``, ``age from 25 to below 33``."""
        name = self.names[place]
        verb = "is " if name == MISSING or name.startswith("other (") else ""
        return f"{self.column} {verb}{name}"

    def label(self, place: int) -> str:
        """Return a part's name alone: ``car``, ``from 25 to below 33``."""
        return self.names[place].removeprefix("= ")

    def labels(self) -> list[str]:
        """Return every part's name alone, or as a condition where another is called alike."""
        short = [self.label(place) for place in range(len(self.names))]
        return [
            name if short.count(name) == 1 else self.names[place]
            for place, name in enumerate(short)
        ]


def conditions(
    values: pd.Series, *, bins: int = 4, levels: int = 12, like: pd.Series | None = None
) -> Conditions:
    """Divide rows by the values of a typed column.

    Numbers and dates are cut at quantiles, unless they have at most ``bins`` values; others
    by value, the most frequent first, the rest together. Missing values are a part.

    Parameters
    ----------
    values : pandas.Series
        Typed as by `toolkit.table.conform`.
    bins : int
        The most intervals of a number or date.
    levels : int
        The most values named of a category.
    like : pandas.Series, optional
        Rows of the same column from which the parts are made, in place of `values`. What is in
        none of them gets the code -1.
    """
    import pandas as pd

    if like is not None:
        both = conditions(like, bins=bins, levels=levels)
        return _same(both, like, values)
    column = str(values.name)
    if pd.api.types.is_datetime64_any_dtype(values):
        unit = values.dtype
        return _cut(
            column,
            _numbers(values),
            bins,
            lambda x: str(pd.Series([int(x)]).astype(unit)[0])[:10],
            lambda _, x: x,
        )
    if pd.api.types.is_numeric_dtype(values):
        return _cut(column, _numbers(values), bins, lambda x: formats.number(x, 6), _shortest)
    return _levels(column, values, levels)


def _numbers(values: pd.Series) -> np.ndarray:
    import pandas as pd

    if not pd.api.types.is_datetime64_any_dtype(values):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = values.astype("int64").to_numpy(dtype=np.float64, copy=True)
    numbers[values.isna().to_numpy()] = np.nan
    return numbers


def _shortest(low: float, high: float) -> float:
    """Return the number with the fewest digits that is above `low` and not above `high`."""
    for digits in range(2, 17):
        found = float(f"{high:.{digits}g}")
        if low < found <= high:
            return found
    return high


def _cut(column: str, numbers: np.ndarray, bins: int, text: Any, between: Any) -> Conditions:
    known = ~np.isnan(numbers)
    codes = np.full(len(numbers), -1, dtype=np.int64)
    distinct = np.unique(numbers[known])
    if len(distinct) <= bins:
        codes[known] = np.searchsorted(distinct, numbers[known])
        names = [f"= {text(x)}" for x in distinct]
    else:
        inner = np.quantile(numbers[known], np.linspace(0, 1, bins + 1)[1:-1], method="nearest")
        # An edge at the smallest value would leave the first interval empty.
        edges = [x for x in np.unique(inner) if x > distinct[0]] or [distinct[1]]
        # Any edge above the value before it divides alike: the shortest is read most easily.
        edges = [between(distinct[np.searchsorted(distinct, x) - 1], x) for x in edges]
        codes[known] = np.searchsorted(edges, numbers[known], side="right")
        names = [f"below {text(edges[0])}"]
        names += [f"from {text(a)} to below {text(b)}" for a, b in itertools.pairwise(edges)]
        names.append(f"from {text(edges[-1])}")
    return _with_missing(column, names, codes, ~known)


def _levels(column: str, values: pd.Series, levels: int) -> Conditions:
    import pandas as pd

    codes, found = pd.factorize(values.astype(object))
    missing = codes < 0
    counts = np.bincount(codes[~missing], minlength=len(found))
    texts = [str(x) for x in found]
    order = sorted(range(len(found)), key=lambda i: (-counts[i], texts[i]))
    kept = order if len(order) <= levels else order[: levels - 1]
    place = np.full(len(found) + 1, -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    names = [f"= {texts[i]}" for i in kept]
    if len(kept) < len(order):
        place[order[len(kept) :]] = len(kept)
        names.append(f"other ({len(order) - len(kept)} values)")
    return _with_missing(column, names, place[codes], missing)


def _same(made: Conditions, like: pd.Series, values: pd.Series) -> Conditions:
    """Return the parts made of some rows, for other rows of the same column."""
    import pandas as pd

    missing = values.isna().to_numpy()
    codes = np.full(len(values), -1, dtype=np.int64)
    ordered = pd.api.types.is_datetime64_any_dtype(like) or pd.api.types.is_numeric_dtype(like)
    if ordered:
        known, numbers = _numbers(like), _numbers(values)
        # An interval begins at its smallest value that was seen; a list of values has no between.
        kept = [i for i in range(len(made.names)) if made.names[i] != MISSING]
        starts = np.array([np.nanmin(known[made.codes == i]) for i in kept])
        if len(starts):
            codes = np.maximum(np.searchsorted(starts, numbers, side="right") - 1, 0)
            if made.names[0].startswith("= "):
                codes = np.where(np.isin(numbers, starts), codes, -1)
    else:
        places = dict(zip(like.astype(object), made.codes.tolist(), strict=True))
        others = next((i for i, n in enumerate(made.names) if n.startswith("other (")), -1)
        codes = np.array([places.get(x, others) for x in values.astype(object)], dtype=np.int64)
    at = made.names.index(MISSING) if MISSING in made.names else -1
    return Conditions(made.column, made.names, np.where(missing, at, codes))


def _with_missing(
    column: str, names: list[str], codes: np.ndarray, missing: np.ndarray
) -> Conditions:
    if missing.any():
        codes = np.where(missing, len(names), codes)
        names = [*names, MISSING]
    return Conditions(column, names, codes)


def described(part: Part, others: dict[str, pd.Series] | None = None) -> dict[str, pd.Series]:
    """Return the columns that rows are divided by, each named as a person reads it.

    A text or an image is described by one number (see `toolkit.table.measures`).

    Parameters
    ----------
    part : Part
        The rows.
    others : dict of str to pandas.Series, optional
        Columns that are no features, such as protected ones, of the same rows.
    """
    import pandas as pd

    columns = {}
    for name, column in part.columns.items():
        values = part.frame[name]
        if column.type in MEASURES:
            label = f"{MEASURES[column.type]} of {name}"
            numbers = np.round(measure(values, column.type))
            columns[label] = pd.Series(numbers, index=values.index, name=label)
        else:
            columns[name] = values.rename(name)
    for name, values in (others or {}).items():
        columns.setdefault(name, values.reset_index(drop=True).rename(name))
    return columns


def movement(codes: np.ndarray, score: np.ndarray) -> float:
    """Return how far the mean output differs between a column's parts (its variance)."""
    rows = np.bincount(codes + 1)
    mean = np.bincount(codes + 1, score) / np.maximum(rows, 1)
    return float(rows @ (mean - score.mean()) ** 2 / len(score))
