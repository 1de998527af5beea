"""Effects of single columns on the output: partial dependence and accumulated local effects.

Partial dependence (Friedman 2001) sets every row to a value and averages; single rows' curves
are individual conditional expectations (Goldstein et al. 2015). Where columns are related,
these mixtures may be rows that cannot exist. Accumulated local effects (Apley and Zhu 2020)
move each row only to the ends of the interval it is in, and add up the mean differences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from toolkit.artifacts import Curve, FeatureEffect
from toolkit.explain.effects.data_support import DataSupport
from toolkit.explain.effects.level_order import level_order
from toolkit.explain.effects.sampled_rows import SampledRows, as_levels, as_numbers, mixed
from toolkit.project.model import RESAMPLES

GRID = 20
LEVELS = 12
PDP_ROWS, ALE_ROWS = 200, 1_500
ICE_ROWS = 40
_NORMAL = 1.96
_FEWEST = 2


@dataclass(frozen=True)
class Grid:
    """Values that a column is set to, all taken from training rows.

    Attributes
    ----------
    column, kind : str
        See `toolkit.artifacts.FeatureEffect`.
    values : ndarray of int, shape (g,)
        Rows of the sample that have them.
    codes : ndarray of int64, shape (n,)
        Numbers: the interval each row of the sample is in. Categories: its level. -1 is none.
    numbers : ndarray
        Numbers and dates: the values.
    levels : list of str
        Categories: the values.
    left_out : int
        Rarer levels.
    """

    column: str
    kind: str
    values: np.ndarray
    codes: np.ndarray
    numbers: np.ndarray
    levels: list[str]
    left_out: int = 0

    @property
    def steps(self) -> int:
        """How many differences add up to the accumulated effect."""
        return len(self.values) - 1

    @property
    def counts(self) -> np.ndarray:
        """Rows of the sample in each interval, or of each level."""
        size = len(self.values) if self.levels else self.steps
        return np.bincount(self.codes[self.codes >= 0], minlength=size)


def grid_of(sample: SampledRows, column: str) -> Grid | None:
    """Return a column's grid: quantiles, or the most frequent levels; None if it is constant."""
    kind = sample.kinds[column]
    if kind == "category":
        return _levels(sample, column)
    numbers = as_numbers(sample.frame[column], kind)
    known = np.flatnonzero(~np.isnan(numbers))
    if not len(known):
        return None
    quantiles = np.quantile(numbers[known], np.linspace(0, 1, GRID), method="inverted_cdf")
    edges, _ = np.unique(quantiles, return_index=True)
    if len(edges) < _FEWEST:
        return None
    order = known[np.argsort(numbers[known], kind="stable")]
    values = order[np.searchsorted(numbers[order], edges)]
    codes = np.full(len(numbers), -1)
    codes[known] = np.maximum(np.searchsorted(edges, numbers[known], side="left") - 1, 0)
    return Grid(column, kind, values, codes, edges, [])


def _levels(sample: SampledRows, column: str) -> Grid | None:
    texts = as_levels(sample.frame[column])
    names, first, counts = np.unique(texts.astype(str), return_index=True, return_counts=True)
    kept = np.lexsort((names, -counts))[:LEVELS]
    if len(kept) < _FEWEST:
        return None
    place = {name: i for i, name in enumerate(names[kept])}
    codes = np.array([place.get(text, -1) for text in texts])
    order = level_order(sample, column, codes, len(kept))
    rank = np.argsort(order)
    ordered = kept[order]
    return Grid(
        column, "category", first[ordered], np.where(codes >= 0, rank[codes], -1), np.zeros(0),
        [str(name) for name in names[ordered]], len(names) - len(kept),
    )  # fmt: skip


def effects(
    sample: SampledRows,
    around: DataSupport,
    columns: list[str],
    shown: list[str],
    progress: Callable[[int, int], None],
) -> list[FeatureEffect]:
    """Return the effects of some columns on some outputs, constant columns left out.

    Parameters
    ----------
    sample : SampledRows
        The training rows.
    around : DataSupport
        By which mixtures are judged.
    columns, shown : list of str
        Columns, and outputs by name.
    progress : callable
        Takes how many columns are done, and of how many.
    """
    grids = [grid for name in columns if (grid := grid_of(sample, name)) is not None]
    rows = sample.choose(sample.fewer(PDP_ROWS), 1)
    local = sample.choose(sample.fewer(ALE_ROWS), 2)
    averaged = sample.score(_set_to(sample, grid, rows) for grid in grids)
    pairs = [_moves(grid, local) for grid in grids]
    moved = sample.score(
        mixed(sample.frame, np.concatenate([at, at]), {grid.column: np.concatenate([low, high])})
        for grid, (at, low, high, _) in zip(grids, pairs, strict=True)
    )
    found = []
    for done, (grid, table, pair, ends) in enumerate(
        zip(grids, averaged, pairs, moved, strict=True)
    ):
        progress(done, len(grids))
        ice = table.reshape(len(rows), len(grid.values), -1)
        low, high = np.split(ends, 2)
        curves = {
            name: _curve(grid, ice[:, :, k], (high - low)[:, k], pair[3], sample.seed)
            for k, name in enumerate(sample.names)
            if name in shown
        }
        found.append(
            FeatureEffect(
                column=grid.column,
                kind=grid.kind,
                grid=_plain(grid.numbers),
                levels=grid.levels,
                counts=grid.counts.tolist(),
                left_out=grid.left_out,
                outside=_plain(around.outside(grid.column, rows, grid.values)),
                related=around.related(grid.column),
                curves=curves,
            )
        )
    return found


def _set_to(sample: SampledRows, grid: Grid, rows: np.ndarray) -> pd.DataFrame:
    size = len(grid.values)
    return mixed(
        sample.frame, np.repeat(rows, size), {grid.column: np.tile(grid.values, len(rows))}
    )


def _moves(grid: Grid, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, the cells each is given (two), and the step it tells of.

    A number's row goes to both ends of its interval. A category's row goes to the next level
    and to the one before, so that each step rests on the rows of both its levels.
    """
    rows = rows[grid.codes[rows] >= 0]
    codes = grid.codes[rows]
    if grid.levels:
        up, down = codes < grid.steps, codes > 0
        rows = np.concatenate([rows[up], rows[down]])
        codes = np.concatenate([codes[up], codes[down] - 1])
    return rows, grid.values[codes], grid.values[codes + 1], codes


def _curve(
    grid: Grid, ice: np.ndarray, differences: np.ndarray, steps: np.ndarray, seed: int
) -> Curve:
    ale, error = _accumulate(grid, differences, steps, seed)
    order = np.argsort(ice.mean(axis=1), kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, min(ICE_ROWS, len(order))).astype(int))
    return Curve(
        pdp=_plain(ice.mean(axis=0)),
        ale=_plain(ale),
        ale_low=_plain(ale - _NORMAL * error),
        ale_high=_plain(ale + _NORMAL * error),
        ice=[_plain(ice[row]) for row in order[places]],
    )


def _accumulate(
    grid: Grid, differences: np.ndarray, steps: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the accumulated local effects (g,) and their bootstrap standard errors."""
    member = np.zeros((len(steps), grid.steps))
    member[np.arange(len(steps)), steps] = 1.0
    share = grid.counts / max(1, grid.counts.sum())

    def curves(weights: np.ndarray) -> np.ndarray:
        rows = weights @ member
        mean = (weights * differences) @ member / np.maximum(rows, 1)
        total = np.concatenate([np.zeros((len(weights), 1)), mean.cumsum(axis=1)], axis=1)
        # Over rows, 0 on average: an interval's rows are taken at the middle of its ends.
        at = total if grid.levels else (total[:, 1:] + total[:, :-1]) / 2
        return np.asarray(total - (at @ share)[:, None])

    whole = curves(np.ones((1, len(differences))))[0]
    if len(differences) < _FEWEST:
        return whole, np.zeros_like(whole)
    generator = np.random.default_rng([seed, 3])
    draws = generator.multinomial(
        len(differences), np.full(len(differences), 1 / len(differences)), size=RESAMPLES
    )
    return whole, curves(draws.astype(np.float64)).std(axis=0, ddof=1)


def _plain(numbers: np.ndarray) -> list[float]:
    """Return numbers with six digits: no figure shows more, and files stay small."""
    return [float(f"{number:.6g}") for number in numbers]
