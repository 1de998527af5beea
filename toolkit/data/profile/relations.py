"""Association of pairs of columns: numbers, categories, and both, on one scale from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.artifacts import Pair
from toolkit.data.correlation import correlation_ratio, cramers_v, spearman
from toolkit.data.rows import codes, is_numeric, numbers, rounded
from toolkit.data.sentinels import sentinels

if TYPE_CHECKING:
    from toolkit.data.rows import Table

SPEARMAN, CRAMER, RATIO = "Spearman", "Cramér's V", "correlation ratio"
MOST_COLUMNS = 200
"""Columns whose pairs are looked at, the most associated with the target first."""
PROXY = 0.5
"""From here on a column is listed as a possible proxy of a protected one."""
_ROWS = 20_000
_LEVELS = 30
_MOST_PAIRS = 500
_TOP_PAIRS = 20
_MAP_COLUMNS = 15
_SALT = 107


@dataclass(frozen=True)
class Related:
    """Strengths of all pairs of some columns.

    Attributes
    ----------
    names : list of str
        The columns, most associated with the target first.
    strength : numpy.ndarray
        (k, k), symmetric, 0 to 1.
    measure : numpy.ndarray
        (k, k), the name of what was computed.
    rows : numpy.ndarray
        (k, k), how many rows it rests on.
    left_out : int
        Columns that were not looked at, for there are too many.
    """

    names: list[str]
    strength: np.ndarray
    measure: np.ndarray
    rows: np.ndarray
    left_out: int


def relate(table: Table, rows: np.ndarray, association: dict[str, float | None]) -> Related:
    """Return the strength of association of every pair of features and protected columns.

    Two numbers or dates: Spearman's rank correlation (ranks within each column, over the
    rows that have both). Two sets of levels: Cramér's V with Bergsma's bias correction
    (2013). A number and levels: the correlation ratio, its square reduced by what chance
    gives (epsilon squared).

    Numbers that stand for a missing value are left aside; pairs of numbers of which one has a
    value in more than half of the rows, mostly 0, are no more associated than they are where both
    have another. A pair rests on at least 30 rows (of fewer than 200: 10) in which each has
    another value than its most frequent one, or counts as not associated.
    """
    chosen = [
        name
        for name, column in table.columns.items()
        if (column.use == "feature" or column.protected) and column.type not in ("text", "image")
    ]
    protected = set(table.project.protected())
    chosen.sort(key=lambda name: (name not in protected, -(association.get(name) or 0.0)))
    kept = chosen[:MOST_COLUMNS]
    kept.sort(key=lambda name: -(association.get(name) or 0.0))
    rows = table.sample(rows, _ROWS, _SALT)
    frame = table.frame[kept].iloc[rows]
    numeric = [i for i, name in enumerate(kept) if is_numeric(table.columns[name])]
    levels = [i for i in range(len(kept)) if i not in set(numeric)]
    strength = np.eye(len(kept))
    measure = np.full((len(kept), len(kept)), SPEARMAN, dtype=object)
    values = [_amounts(numbers(frame[kept[i]]), kept[i]) for i in numeric]
    coded = [_few_levels(frame[kept[i]]) for i in levels]
    known = np.zeros((len(rows), len(kept)), dtype=np.float32)
    other = np.zeros_like(known)
    for i, each in [*zip(numeric, values, strict=True), *zip(levels, coded, strict=True)]:
        known[:, i] = np.isfinite(each) if each.dtype.kind == "f" else each >= 0
        other[:, i] = known[:, i] * (each != _mode(each))
    if values:
        strength[np.ix_(numeric, numeric)] = spearman(np.column_stack(values))
        matrix = np.column_stack(values)
        aside = np.where(other[:, numeric] > 0, matrix, np.nan)
        beside = other[:, numeric].T @ other[:, numeric]
        often = other[:, numeric].sum(axis=0) < 0.5 * known[:, numeric].sum(axis=0)
        often &= np.array([len(np.unique(each[np.isfinite(each)])) > 3 for each in aside.T])
        weigh = (often[:, None] | often[None, :]) & (beside >= _support(len(rows)))
        both = np.ix_(numeric, numeric)
        strength[both] = np.where(
            weigh, np.minimum(strength[both], spearman(aside)), strength[both]
        )
        for j, level_codes in zip(levels, coded, strict=True):
            ratio = correlation_ratio(matrix, level_codes)
            strength[j, numeric] = strength[numeric, j] = ratio
            measure[j, numeric] = measure[numeric, j] = RATIO
    for a in range(len(levels)):
        for b in range(a):
            v = cramers_v(coded[a], coded[b])
            i, j = levels[a], levels[b]
            strength[i, j] = strength[j, i] = v
            measure[i, j] = measure[j, i] = CRAMER
    support = other.T @ known
    strength[np.minimum(support, support.T) < _support(len(rows))] = 0.0
    np.fill_diagonal(strength, 1.0)
    shared = (known.T @ known).astype(np.int64)
    return Related(kept, strength, measure, shared, len(chosen) - len(kept))


def _support(rows: int) -> int:
    return 30 if rows >= 200 else 10


def _amounts(values: np.ndarray, name: str) -> np.ndarray:
    """Return numbers without those that stand for a missing value."""
    absent = [value for value, _ in sentinels(values, name)]
    return np.where(np.isin(values, absent), np.nan, values) if absent else values


def _mode(values: np.ndarray) -> float:
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values[values >= 0]
    if not len(known):
        return np.nan
    distinct, counts = np.unique(known, return_counts=True)
    return float(distinct[np.argmax(counts)])


def strongest_pairs(related: Related, threshold: float, protected: set[str]) -> list[Pair]:
    """Return the pairs worth listing, strongest first.

    Those above the threshold and the top 20; possible proxies of protected columns (from .5
    on); and all pairs of the columns that are most associated with the target, which the
    heat map draws.
    """
    k = len(related.names)
    first, second = np.triu_indices(k, 1)
    found = related.strength[first, second]
    order = np.lexsort((second, first, -found))
    keep = set(order[:_TOP_PAIRS].tolist())
    keep |= set(order[: int((found > threshold).sum())][:_MOST_PAIRS].tolist())
    guarded = np.array([name in protected for name in related.names], dtype=bool)
    proxy = (guarded[first] | guarded[second]) & (found >= PROXY)
    keep |= set(order[proxy[order]][:_MOST_PAIRS].tolist())
    keep |= set(np.flatnonzero(second < _MAP_COLUMNS).tolist())
    return [
        Pair(
            first=related.names[first[i]],
            second=related.names[second[i]],
            strength=rounded(found[i], 4) or 0.0,
            measure=str(related.measure[first[i], second[i]]),
            rows=int(related.rows[first[i], second[i]]),
        )
        for i in order.tolist()
        if i in keep
    ]


def _few_levels(series: pd.Series) -> np.ndarray:
    found, levels = codes(series)
    if len(levels) <= _LEVELS:
        return found
    counts = np.bincount(found[found >= 0], minlength=len(levels))
    place = np.full(len(levels) + 1, _LEVELS - 1)
    place[np.argsort(-counts, kind="stable")[: _LEVELS - 1]] = np.arange(_LEVELS - 1)
    place[-1] = -1  # the code -1 of a missing value
    return place[found]
