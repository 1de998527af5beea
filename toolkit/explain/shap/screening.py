"""Screening a table of very many columns for those that change the output most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from toolkit.explain.shap.sampling import FeatureGroups, Score, TableValueFunction

if TYPE_CHECKING:
    import pandas as pd

_PAIRS = 16
_BLOCKS = 256


def screen(
    score: Score, frame: pd.DataFrame, background: pd.DataFrame, keep: int, seed: Sequence[int]
) -> tuple[FeatureGroups, int]:
    """Explain the columns that move the output most by themselves, all others as one.

    In 16 pairs of a row and a background row, a block of columns is exchanged and the change
    of the output taken, both ways. Blocks that move it are halved until the ``keep`` strongest
    are single columns (sequential bifurcation, Bettonvil and Kleijnen 1997), so a table of
    5,000 columns costs tens of thousands of evaluations, not millions. Columns whose
    effects cancel within a block in all pairs would be missed.

    Returns
    -------
    groups : FeatureGroups
        In the table's order; the last is the group.
    evaluations : int
        Rows scored.
    """
    names = list(frame.columns)
    generator = np.random.default_rng(list(seed))
    rows = frame.iloc[generator.integers(0, len(frame), _PAIRS)].reset_index(drop=True)
    others = background.iloc[generator.integers(0, len(background), _PAIRS)]
    single = FeatureGroups.of_columns(names)
    function = TableValueFunction(score, rows, others.reset_index(drop=True), single)
    blocks = list(np.array_split(np.arange(len(names)), min(_BLOCKS, len(names))))
    strength = dict(zip(_keys(blocks), _strengths(function, blocks), strict=True))
    while True:
        strongest = sorted(strength, key=lambda key: (-strength[key], key))[:keep]
        wide = [key for key in strongest if key[1] - key[0] > 1]
        if not wide:
            break
        halves = []
        for start, end in wide:
            del strength[(start, end)]
            middle = (start + end) // 2
            halves += [np.arange(start, middle), np.arange(middle, end)]
        strength.update(zip(_keys(halves), _strengths(function, halves), strict=True))
    chosen = sorted(start for start, _ in strongest)
    rest = [name for place, name in enumerate(names) if place not in set(chosen)]
    groups = FeatureGroups(
        [*(names[place] for place in chosen), f"({len(rest):,} other columns)"],
        [*([names[place]] for place in chosen), rest],
    )
    return groups, function.evaluations


def _keys(blocks: list[np.ndarray]) -> list[tuple[int, int]]:
    return [(int(block[0]), int(block[-1]) + 1) for block in blocks]


def _strengths(function: TableValueFunction, blocks: list[np.ndarray]) -> list[float]:
    """Return how much exchanging each block moves the output, the mean over pairs."""
    pairs, columns = np.arange(_PAIRS), len(function.groups.names)
    step = max(1, 20_000_000 // (2 * _PAIRS * columns))
    result: list[float] = []
    for start in range(0, len(blocks), step):
        some = blocks[start : start + step]
        own = np.zeros((len(some), columns), dtype=bool)
        for place, block in enumerate(some):
            own[place, block] = True
        masks = np.repeat(np.concatenate([own, ~own]), _PAIRS, axis=0)
        index = np.tile(pairs, 2 * len(some))
        paid = function.coalitions(index, index, masks).reshape(2, len(some), _PAIRS, -1)
        gained, lost = np.abs(paid[0] - function.reference), np.abs(paid[1] - function.output)
        result += [float(x) for x in (gained + lost).sum(axis=2).mean(axis=1) / 2]
    return result
