"""The perturbations of test rows that `toolkit.evaluate.robustness` scores, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats
from toolkit.evaluate.robustness import perturbations
from toolkit.evaluate.robustness.rescoring import Perturbation
from toolkit.evaluate.scores.conditions import conditions, movement
from toolkit.evaluate.scores.scored_rows import ScoredTestRows

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.table import Part

STRENGTHS = (0.1, 0.25, 0.5, 1.0)
SHARES = (0.05, 0.1, 0.2, 0.4)
SHIFTS = (-2.0, -1.0, 1.0, 2.0)
REPEATS = 3
SCALE = 10.0
COLUMNS = 60
"""The most columns that are perturbed one by one."""


@dataclass(frozen=True)
class PerturbationPlan:
    """What is perturbed, and how.

    Attributes
    ----------
    frame : pandas.DataFrame
        The rows as they are.
    kinds : dict of str to str
        The columns that are perturbed one by one, with their types.
    every : dict of str to str
        All columns, with their types.
    spread : dict of str to float
        The number columns that vary in training, with their standard deviations there.
    ranges : dict of str to (float, float)
        Their lowest and highest values there.
    seed : int
        Of all that is drawn.
    """

    frame: pd.DataFrame
    kinds: dict[str, str]
    every: dict[str, str]
    spread: dict[str, float]
    ranges: dict[str, tuple[float, float]]
    seed: int

    @classmethod
    def of(cls, base: ScoredTestRows, train: Part) -> PerturbationPlan:
        """Return the plan for some rows; spread and ranges are those of the training rows."""
        every = {name: column.type for name, column in base.part.columns.items()}
        first = base.scores.reshape(len(base.part), -1)[:, -1]
        names = list(every)
        if len(names) > COLUMNS:
            differs = {
                name: movement(conditions(base.part.frame[name].rename(name)).codes, first)
                for name in names
                if every[name] not in ("text", "image")
            }
            kept = sorted(names, key=lambda name: -differs.get(name, np.inf))[:COLUMNS]
            names = [name for name in names if name in kept]
        spread, ranges = {}, {}
        for name, kind in every.items():
            if kind != "number":
                continue
            values = train.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
            known = values[np.isfinite(values)]
            if len(known) and np.ptp(known) > 0:
                spread[name] = float(known.std())
                ranges[name] = (float(known.min()), float(known.max()))
        return cls(
            frame=base.part.frame,
            kinds={name: every[name] for name in names},
            every=every,
            spread=spread,
            ranges=ranges,
            seed=base.resampling.seed,
        )

    def noise(self) -> Iterator[Perturbation]:
        """Noise on all numbers together, from none upward."""
        for strength in (0.0, *STRENGTHS) if self.spread else ():
            for repeat in range(REPEATS if strength else 1):
                make = partial(
                    perturbations.noisy, self.frame, self.spread, strength, [self.seed, 73, repeat]
                )
                yield Perturbation("noise added to all numbers", "", strength, make)

    def blanks(self) -> Iterator[Perturbation]:
        """Cells missing at random."""
        for share in SHARES if self.every else ():
            for repeat in range(REPEATS):
                make = partial(
                    perturbations.gappy, self.frame, self.every, share, [self.seed, 74, repeat]
                )
                yield Perturbation("cells missing at random", "", share, make)

    def missing(self) -> Iterator[Perturbation]:
        """Each column missing in all rows."""
        for name, kind in self.kinds.items():
            make = partial(perturbations.without, self.frame, name, kind)
            yield Perturbation("all values missing", name, "missing", make)

    def shifts(self, names: list[str]) -> Iterator[Perturbation]:
        """Some number columns moved."""
        for name in names:
            for by in SHIFTS:
                make = partial(perturbations.shifted, self.frame, name, by * self.spread[name])
                yield Perturbation("values shifted", name, by, make)

    def unseen(self) -> Iterator[Perturbation]:
        """Each category column set to a value that never occurred."""
        for name, kind in self.kinds.items():
            if kind == "category":
                make = partial(perturbations.constant, self.frame, name, perturbations.UNSEEN)
                yield Perturbation("a value never seen", name, "unseen", make)

    def ends(self, name: str) -> dict[str, float]:
        """Return the ends of a column's training range, and beyond them by half of it."""
        low, high = self.ranges[name]
        half = (high - low) / 2
        return {"lowest": low, "highest": high, "below": low - half, "above": high + half}

    def extremes(self, rows: int) -> Iterator[Perturbation]:
        """Each number column set to an end of its range, in the first rows."""
        some = self.frame.iloc[:rows]
        for name in self.kinds:
            if name not in self.ranges:
                continue
            for setting, value in self.ends(name).items():
                make = partial(perturbations.constant, some, name, value)
                yield Perturbation(
                    f"{setting} value {formats.number(value, 5)}", name, setting, make
                )

    def outside(self) -> Iterator[Perturbation]:
        """Rows that lie outside the data."""
        make = partial(perturbations.shuffled, self.frame, [self.seed, 75])
        yield Perturbation("columns permuted", "", "columns permuted independently", make)
        if self.spread:
            make = partial(perturbations.scaled, self.frame, list(self.spread), SCALE)
            yield Perturbation(
                "numbers scaled", "", f"all numbers multiplied by {formats.number(SCALE, 6)}", make
            )
