"""How strongly pairs of columns interact: Friedman's H (Friedman and Popescu 2008).

The joint partial dependence of two columns is compared with the sum of their single ones, at
the sampled rows' own values. What is left over is their interaction: its size in the output's
unit, and H, its share of the joint effect. All effects are averaged over the same rows, so the
left-over of a sum of single effects is exactly 0 and no sampling noise can pose as interaction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from toolkit.artifacts import Interactions, Interval, PairStrength
from toolkit.explain.effects.sampled_rows import SampledRows, mixed
from toolkit.project.model import RESAMPLES

COLUMNS = 6
ROWS = 50
_NEGLIGIBLE = 0.02
"""A joint effect below this share of the output's spread is noise over noise in H."""
_NONE = 0.005
"""An interaction below this share of the output's spread is not called one."""


def interactions(sample: SampledRows, columns: list[str]) -> Interactions:
    """Return the strength of each pair's interaction, over all outputs together."""
    columns = columns[:COLUMNS]
    rows = sample.choose(sample.fewer(ROWS), 11)
    if len(columns) < 2 or len(rows) < 3:
        return Interactions()
    sets: list[tuple[str, ...]] = [(name,) for name in columns]
    sets += combinations(columns, 2)
    scored = sample.score(_mixtures(sample, rows, sets))
    n = len(rows)
    # (value's row, row averaged over, output)
    effect = {key: table.reshape(n, n, -1) for key, table in zip(sets, scored, strict=True)}
    spread = math.sqrt(float(sample.scores.var(axis=0).sum())) or 1.0
    pairs = [
        _pair(effect, first, second, spread, sample.seed)
        for first, second in combinations(columns, 2)
    ]
    strongest = {}
    for name in columns:
        mine = [each for each in pairs if name in (each.first, each.second)]
        best = max(mine, key=lambda each: each.size.value or 0.0)
        if (best.size.value or 0.0) > _NONE * spread:
            strongest[name] = best.second if best.first == name else best.first
    pairs.sort(key=lambda each: -(each.size.value or 0.0))
    return Interactions(columns=columns, rows=n, pairs=pairs, strongest=strongest)


def _mixtures(
    sample: SampledRows, rows: np.ndarray, sets: list[tuple[str, ...]]
) -> Iterator[pd.DataFrame]:
    donors, receivers = np.repeat(rows, len(rows)), np.tile(rows, len(rows))
    for names in sets:
        yield mixed(sample.frame, receivers, dict.fromkeys(names, donors))


def _pair(
    effect: dict[tuple[str, ...], np.ndarray], first: str, second: str, spread: float, seed: int
) -> PairStrength:
    joint, single = effect[first, second], effect[(first,)] + effect[(second,)]
    n = len(joint)

    def sizes(at: np.ndarray, over: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the sizes of interaction and joint effect, (r,), with weights of rows (r, n)."""
        over, share = over / over.sum(axis=1)[:, None], at / at.sum(axis=1)[:, None]
        whole, parts = (np.einsum("ijk,rj->rik", each, over) for each in (joint, single))
        whole = whole - np.einsum("ri,rik->rk", share, whole)[:, None]
        parts = parts - np.einsum("ri,rik->rk", share, parts)[:, None]
        left, all_ = (
            np.sqrt(np.einsum("ri,rik->r", share, each**2)) for each in (whole - parts, whole)
        )
        return left, all_

    size, total = (float(each[0]) for each in sizes(np.ones((1, n)), np.ones((1, n))))
    generator = np.random.default_rng([seed, 12])
    draws = generator.multinomial(n, np.full(n, 1 / n), size=(RESAMPLES, 2)).astype(np.float64)
    drawn = np.column_stack(sizes(draws[:, 0], draws[:, 1]))
    defined = total > _NEGLIGIBLE * spread
    share = drawn[:, 0] / np.maximum(drawn[:, 1], 1e-12)
    return PairStrength(
        first=first,
        second=second,
        size=_interval(size, drawn[:, 0]),
        h=_interval(min(size / total, 1.0), np.minimum(share, 1.0))
        if defined
        else Interval(value=None),
    )


def _interval(value: float, drawn: np.ndarray) -> Interval:
    """Return plus and minus two standard errors: resampled sizes themselves lie too high."""
    reach = 2 * float(drawn.std(ddof=1))
    value = 0.0 if value < 1e-12 else value
    return Interval(value=value, low=max(0.0, value - reach), high=value + reach)
