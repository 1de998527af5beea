"""Which rows, mixed from two, lie outside the data.

A mixture is judged by the column that was changed and those most closely related to it, since
these are the ones that it can contradict. Its distance to a row is Gower's (1971): numbers by
difference over range, categories by equality. It lies outside if its nearest training row is
farther than 95% of training rows are from theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolkit.explain.effects.sampled_rows import SampledRows, as_levels, as_numbers

if TYPE_CHECKING:
    import pandas as pd

REFERENCES = 1_000
RELATED = 3
FAR = 0.95
_UNRELATED = 0.05
_MANTEL_ROWS = 200


def codes(frame: pd.DataFrame, kinds: dict[str, str]) -> dict[str, np.ndarray]:
    """Return columns made comparable: numbers mostly from 0 to 1, categories as codes."""
    import pandas as pd

    found = {}
    for name, kind in kinds.items():
        if kind == "category":
            found[name] = pd.factorize(as_levels(frame[name]))[0].astype(np.float64)
        elif kind in ("number", "date"):
            numbers = as_numbers(frame[name], kind)
            known = numbers[~np.isnan(numbers)]
            # Between the 1st and the 99th percentile: one wild value would hide all others.
            low, high = np.quantile(known, [0.01, 0.99]) if len(known) else (0.0, 1.0)
            if high <= low:
                low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
            found[name] = (numbers - low) / ((high - low) or 1.0)
    return found


def gaps(a: np.ndarray, b: np.ndarray, kind: str) -> np.ndarray:
    """Return Gower's distances (len(a), len(b)) of one column's coded cells."""
    if kind == "category":
        return (a[:, None] != b[None, :]).astype(np.float64)
    distance = np.minimum(np.abs(a[:, None] - b[None, :]), 1.0)
    lacking = np.isnan(a)[:, None] != np.isnan(b)[None, :]
    return np.where(lacking, 1.0, np.nan_to_num(distance))


@dataclass(frozen=True)
class DataSupport:
    """Training rows to measure distances from.

    Attributes
    ----------
    kinds : dict of str to str
        The columns that count.
    coded : dict of str to ndarray
        All rows of the sample, see `codes`.
    references : ndarray of int
        Rows that distances are measured from.
    association : dict of (str, str) to float
        Mantel correlations (Mantel 1967) of the columns' distances.
    """

    kinds: dict[str, str]
    coded: dict[str, np.ndarray]
    references: np.ndarray
    association: dict[tuple[str, str], float]

    def related(self, column: str) -> list[str]:
        """Return the columns most closely related to one."""
        others = [name for name in self.kinds if name != column]
        ranked = sorted(others, key=lambda name: -self.association[column, name])
        return [name for name in ranked[:RELATED] if self.association[column, name] > _UNRELATED]

    def outside(self, column: str, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the share (len(values),) of mixtures that lie outside the data.

        Parameters
        ----------
        column : str
            The column that is changed.
        rows, values : ndarray of int
            Rows that are changed, and rows whose cells they are given.
        """
        fixed = self.related(column)
        own, reference = self.coded[column], self.references
        if len(reference) < 3:
            return np.zeros(len(values))
        limit = self._limit([column, *fixed])
        rest = self._distance(fixed, rows)
        rest[rows[:, None] == reference[None, :]] = np.inf  # it is near its own row always
        step = gaps(own[values], own[reference], self.kinds[column])
        far = [((rest + each[None, :]).min(axis=1) > limit).mean() for each in step]
        return np.asarray(far)

    def _limit(self, names: list[str]) -> float:
        distance = self._distance(names, self.references)
        np.fill_diagonal(distance, np.inf)
        return float(np.quantile(distance.min(axis=1), FAR)) + 1e-12

    def _distance(self, names: list[str], rows: np.ndarray) -> np.ndarray:
        total = np.zeros((len(rows), len(self.references)))
        for name in names:
            coded = self.coded[name]
            total += gaps(coded[rows], coded[self.references], self.kinds[name])
        return total


def surroundings(sample: SampledRows, columns: list[str]) -> DataSupport:
    """Return the surroundings of a sample by some of its columns, texts and images aside."""
    kinds = {n: sample.kinds[n] for n in columns if sample.kinds[n] not in ("text", "image")}
    coded = codes(sample.frame, kinds)
    references = sample.choose(REFERENCES, 21)
    some = sample.choose(_MANTEL_ROWS, 22)
    upper = np.triu_indices(len(some), 1)
    flat = {}
    for name, kind in kinds.items():
        distance = gaps(coded[name][some], coded[name][some], kind)[upper]
        distance = distance - distance.mean() if len(distance) else distance
        flat[name] = distance / (np.linalg.norm(distance) or 1.0)
    association = {(a, b): float(flat[a] @ flat[b]) for a in flat for b in flat}
    return DataSupport(kinds, coded, references, association)
