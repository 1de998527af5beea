"""The agreement of a column with the target: it distinguishes a copy from a strong feature.

A strong feature makes outcomes likelier by degrees. A copy, whatever its form, gives the target
outright in most rows, and is wrong in a few, at random. Scores of association do not tell the two
apart: a tenth of the rows changed brings a copy down to where strong features are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toolkit.data.leakage.association import number_bins

LIMIT = 0.7
"""Agreement with the target (0 to 1) from which a column is examined as a copy of it."""
_CLASS_ROWS = 20
_FEW_LEVELS = 20
_LEVEL_ROWS = 5
_KNOTS = 64
_SAME = 0.1


@dataclass(frozen=True)
class Agreement:
    """How far a column determines the target, and the target it, 0 to 1.

    Attributes
    ----------
    given : float
        Target from column. Classes: of the best class, the true positive rate less the false
        positive rate, over groups of bins (Youden's J). Numbers: the share of the rows in which
        the column's curve gives the target nearly exactly, less what chance would.
    step : float
        Classes: how far two plateaus (it is, it is not) explain all that the bins tell; a feature
        that makes the class likelier by degrees is below 1.
    reverse : float
        Column from target: the root of Goodman and Kruskal's tau, for columns of few levels.
    told : float
        Classes: the share of the rows whose class the column gives (J of `LIMIT` or more).
    """

    given: float = 0.0
    step: float = 1.0
    reverse: float = 0.0
    told: float = 1.0


def of_classes(
    bins: np.ndarray, classes: np.ndarray, count: int, levels: int, halves: np.ndarray
) -> Agreement:
    """Return how far bins and classes determine each other.

    Parameters
    ----------
    bins : numpy.ndarray
        The column's bin of each row.
    classes : numpy.ndarray
        The class of each row, 0 to `count` less 1.
    count : int
        The number of classes.
    levels : int
        Distinct values of the column.
    halves : numpy.ndarray
        0 or 1 for each row, at random: what one half teaches is judged in the other.
    """
    size = int(bins.max()) + 1
    place = (halves * size + bins) * count + classes
    tables = np.bincount(place, minlength=2 * size * count).reshape(2, size, count)
    total = tables.sum(axis=(0, 1))
    best, step, told = 0.0, 1.0, 0
    for k in np.flatnonzero((total >= _CLASS_ROWS) & (total.sum() - total >= _CLASS_ROWS)):
        hits, rows = tables[:, :, k], tables.sum(axis=2)
        found = (_youden(hits, rows, 0) + _youden(hits, rows, 1)) / 2
        told += int(total[k]) if found >= LIMIT else 0
        if found > best:
            best, step = found, _step(hits.sum(axis=0), rows.sum(axis=0))
    few = levels <= max(_FEW_LEVELS, count)
    reverse = _tau(tables.sum(axis=0).T) ** 0.5 if few else 0.0
    return Agreement(best, step, reverse, told / max(int(total.sum()), 1))


def _youden(hits: np.ndarray, rows: np.ndarray, learned: int) -> float:
    """Return Youden's J in one half of the groups of bins that are best in the other."""
    own, other = hits[learned], rows[learned]
    share = (own + own.sum() / max(other.sum(), 1)) / (other + 1)
    order = np.argsort(-share, kind="stable")
    caught, alarmed = (np.cumsum(part[:, order], axis=1) for part in (hits, rows - hits))
    sums = np.maximum(caught[:, -1:], 1), np.maximum(alarmed[:, -1:], 1)
    gain = caught / sums[0] - alarmed / sums[1]
    return float(max(gain[1 - learned, int(np.argmax(gain[learned]))], 0.0))


def _step(hits: np.ndarray, rows: np.ndarray) -> float:
    """Return how much of what bins tell of a class two plateaus tell too."""
    hits, rows = hits[rows > 1], rows[rows > 1]
    share = hits / np.maximum(rows, 1)
    order = np.argsort(-share, kind="stable")
    hits, rows, share = hits[order], rows[order], share[order]
    if len(rows) < 3:
        return 1.0
    mean = hits.sum() / rows.sum()
    spread = float((rows * (share - mean) ** 2).sum())
    # The shares of small bins differ by chance alone: that is no gradient.
    chance = float((rows * share * (1 - share) / (rows - 1)).sum())
    n, found = np.cumsum(rows)[:-1], np.cumsum(hits)[:-1]
    lower = (hits.sum() - found) / (rows.sum() - n)
    explained = n * (found / n - mean) ** 2 + (rows.sum() - n) * (lower - mean) ** 2
    return float(min(explained.max() / max(spread - chance, 1e-12), 1.0))


def _tau(table: np.ndarray) -> float:
    """Return Goodman and Kruskal's tau of columns given rows, unbiased over pairs of rows."""
    n = table.sum(axis=1)
    table, n = table[n > 1], n[n > 1]
    if not len(n):
        return 0.0
    same = float(((table * (table - 1)).sum(axis=1) / (n - 1)).sum() / n.sum())
    whole = table.sum(axis=0)
    chance = float((whole * (whole - 1)).sum() / max(n.sum() * (n.sum() - 1), 1))
    return max((same - chance) / (1 - chance), 0.0) if chance < 1 else 0.0


def of_numbers(values: np.ndarray | None, bins: np.ndarray, target: np.ndarray) -> Agreement:
    """Return how far a column and a numeric target determine each other.

    Parameters
    ----------
    values : numpy.ndarray or None
        The column's numbers; None for levels.
    bins : numpy.ndarray
        The column's bin of each row; for levels, 0 is missing.
    target : numpy.ndarray
        The target of each row.
    """
    known = np.isfinite(values) if values is not None else bins > 0
    if known.sum() < 2 * _LEVEL_ROWS:
        return Agreement()
    codes = np.unique(bins[known], return_inverse=True)[1]
    levels = len(np.unique(values[known])) if values is not None else int(codes.max()) + 1
    reverse = 0.0
    if 1 < levels <= _FEW_LEVELS:
        cells = number_bins(target, _KNOTS)
        every = np.unique(bins, return_inverse=True)[1]
        width = int(every.max()) + 1
        table = np.bincount(cells * width + every, minlength=(int(cells.max()) + 1) * width)
        reverse = _tau(table.reshape(-1, width)) ** 0.5
    curve = _curve(values[known] if values is not None else None, codes, target[known])
    near = np.abs(target[known] - curve)
    far = np.abs(target[known] - np.roll(curve, len(curve) // 2 + 1))
    limit = np.quantile(far, _SAME)
    chance = float((far <= limit).mean())
    given = max(float((near <= limit).mean()) - chance, 0.0) / (1 - chance) if chance < 1 else 0.0
    return Agreement(given * float(known.mean()), 1.0, reverse)


def _curve(values: np.ndarray | None, codes: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the median target along a column: by level, or a line through bins' medians."""
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes))
    parts = np.split(order, ends[:-1])
    middles = np.array([np.median(target[part]) for part in parts])
    if values is None or len(np.unique(values)) <= len(parts):
        # A level of few rows would vouch for itself.
        small = np.array([len(part) < _LEVEL_ROWS for part in parts])
        middles[small] = np.median(target)
        return middles[codes]
    places = np.array([np.median(values[part]) for part in parts])
    return np.interp(values, places, middles)
