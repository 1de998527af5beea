"""An order of a category's levels in which neighbours are alike in the other columns."""

from __future__ import annotations

import numpy as np

from toolkit.explain.effects.sampled_rows import SampledRows, as_levels, as_numbers

_MOST_COLUMNS = 30
_DECILES = 10


def level_order(sample: SampledRows, column: str, codes: np.ndarray, levels: int) -> np.ndarray:
    """Return the order of levels: the first axis of a scaling of their distances.

    Two levels are as far apart as their rows' distributions in the other columns: the largest
    difference of the shares below a decile for numbers, half the sum of the differences of
    shares for categories (Apley and Zhu 2020, appendix E). The level whose rows have the lower
    output comes first.

    Parameters
    ----------
    sample : SampledRows
        The rows.
    column : str
        The category.
    codes : ndarray of int64, shape (n,)
        Each row's level, -1 for none of them.
    levels : int
        How many there are.
    """
    member = np.zeros((len(codes), levels))
    known = codes >= 0
    member[np.flatnonzero(known), codes[known]] = 1.0
    rows = np.maximum(member.sum(axis=0), 1.0)
    mean = (sample.scores[:, -1] @ member) / rows
    distance = np.zeros((levels, levels))
    others = [n for n, k in sample.kinds.items() if n != column and k not in ("text", "image")]
    for name in others[:_MOST_COLUMNS]:
        shares, largest = _shares(sample, name)
        by_level = (member.T @ shares) / rows[:, None]
        apart = np.abs(by_level[:, None] - by_level[None, :])
        distance += apart.max(axis=2) if largest else apart.sum(axis=2) / 2
    if levels < 3 or not distance.any():
        return np.argsort(mean, kind="stable")
    # Classical scaling (Torgerson 1952).
    squared = distance**2
    centred = squared - squared.mean(axis=0) - squared.mean(axis=1)[:, None] + squared.mean()
    axis = np.linalg.eigh(-centred / 2)[1][:, -1]
    order = np.argsort(np.round(axis, 9), kind="stable")
    return order if mean[order[0]] <= mean[order[-1]] else order[::-1]


def _shares(sample: SampledRows, name: str) -> tuple[np.ndarray, bool]:
    """Return indicators (n, parts) to average over a level, and whether they accumulate."""
    kind = sample.kinds[name]
    if kind == "category":
        _, codes, counts = np.unique(
            as_levels(sample.frame[name]).astype(str), return_inverse=True, return_counts=True
        )
        kept = np.argsort(-counts, kind="stable")[:_MOST_COLUMNS]
        return (codes[:, None] == kept[None, :]).astype(np.float64), False
    numbers = as_numbers(sample.frame[name], kind)
    if np.isnan(numbers).all():
        return np.zeros((len(numbers), 1)), True
    cuts = np.nanquantile(numbers, np.arange(1, _DECILES) / _DECILES)
    return (numbers[:, None] <= cuts[None, :]).astype(np.float64), True
