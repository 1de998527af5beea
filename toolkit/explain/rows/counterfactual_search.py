"""A search for small changes of rows that lead to another decision.

Wide at first and batched, since a model call costs as much for one row as for thousands: all
single changes; then the best of them with one change more (a beam), beside parts of what sets
nearby training rows with the wanted decision apart (after the case-based counterfactuals of Keane
and Smyth 2020); then each way found is made smaller, one change left out or a number moved less
far. Sparse first, since people can act on few things (Wachter, Mittelstadt and Russell 2018).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.explain.rows.goals import CountedModel, Goal
from toolkit.explain.rows.limits import Limit

if TYPE_CHECKING:
    import pandas as pd

Changes = tuple[tuple[int, Any], ...]
"""Places of free columns, rising, and their new values."""

_BEAM, _DIFFERENCES, _POLISHED = 24, 6, 36
CALLS = 6
"""The most model calls of a search with three changes."""


@dataclass
class RowSearch:
    """One row and what was tried on it.

    Attributes
    ----------
    position : int
        Of the row in the frame.
    goal : Goal
        The decision to be reached.
    cells : list
        Its cells in the free columns; None is missing.
    like : list of list
        The same of nearby training rows with the wanted decision.
    start : float
        Its progress unchanged.
    tried : dict of changes to progress
        Everything scored.
    reached : set of changes
        Those that lead to the wanted decision.
    """

    position: int
    goal: Goal
    cells: list[Any]
    like: list[list[Any]]
    start: float
    tried: dict[Changes, float] = field(default_factory=dict)
    reached: set[Changes] = field(default_factory=set)


def cells_of(frame: pd.DataFrame, limits: Sequence[Limit]) -> list[list[Any]]:
    """Return the cells of rows, a list a row: float, text, or None for missing."""
    columns = []
    for limit in limits:
        cells, missing = frame[limit.column], frame[limit.column].isna().to_numpy()
        kind = float if limit.numeric else str
        columns.append(
            [None if gone else kind(x) for x, gone in zip(cells.tolist(), missing, strict=True)]
        )
    return (
        [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in frame.index]
    )


def changed(
    frame: pd.DataFrame, limits: Sequence[Limit], asked: Sequence[tuple[int, Changes]]
) -> pd.DataFrame:
    """Return a row for each position and changes of it; types stay as they are."""
    import pandas as pd

    table = frame.iloc[[position for position, _ in asked]].reset_index(drop=True)
    where: dict[int, list[int]] = {}
    values: dict[int, list[Any]] = {}
    for line, (_, changes) in enumerate(asked):
        for place, value in changes:
            where.setdefault(place, []).append(line)
            values.setdefault(place, []).append(value)
    for place, lines in where.items():
        name, cells = limits[place].column, table[limits[place].column]
        if limits[place].numeric:
            new = cells.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
            new[lines] = values[place]
            table[name] = new
        else:
            texts = cells.astype(object).to_numpy(copy=True)
            texts[lines] = values[place]
            table[name] = pd.Series(texts, dtype=cells.dtype)
    return table


class CounterfactualSearch:
    """The search for several rows at once.

    Parameters
    ----------
    outputs : CountedModel
        The model.
    frame : pandas.DataFrame
        The rows.
    limits : sequence of Limit
        Columns that may change, the most important first.
    cases : sequence of RowSearch
        The rows' goals and neighbours.
    tries : int
        The most changes of a row scored in one call.
    most : int
        The most columns changed.
    enough : int
        A row is left once so many sets of columns lead to its goal.
    """

    def __init__(  # noqa: PLR0917
        self,
        outputs: CountedModel,
        frame: pd.DataFrame,
        limits: Sequence[Limit],
        cases: Sequence[RowSearch],
        tries: int,
        most: int,
        enough: int,
    ) -> None:
        self.outputs, self.frame, self.limits = outputs, frame, limits
        self.cases, self.tries, self.most, self.enough = cases, tries, most, enough

    def run(self) -> None:
        """Fill in what each case tried and reached."""
        self.score([(case, self.singles(case)) for case in self.cases])
        for size in range(2, self.most + 1):
            left = [case for case in self.cases if not self._enough(case)]
            self.score([(case, self._longer(case, size)) for case in left])
        for _ in range(2):
            self.score([(case, self._smaller(case)) for case in self.cases])

    def score(self, asked: Sequence[tuple[RowSearch, list[Changes]]]) -> None:
        """Score changes not tried before, all in one call, and remember what they lead to."""
        new = [
            (case, [c for c in dict.fromkeys(changes) if c not in case.tried][: self.tries])
            for case, changes in asked
        ]
        rows = [(case.position, c) for case, changes in new for c in changes]
        if not rows:
            return
        outputs = self.outputs(changed(self.frame, self.limits, rows))
        start = 0
        for case, changes in new:
            mine = outputs[start : start + len(changes)]
            start += len(changes)
            if not len(mine):
                continue
            case.tried.update(zip(changes, case.goal.progress(mine).tolist(), strict=True))
            reached = case.goal.reached(mine)
            case.reached.update(c for c, r in zip(changes, reached, strict=True) if r)

    def size(self, case: RowSearch, changes: Changes) -> float:
        """Return the sum of the sizes of changes."""
        return sum(self.limits[p].size(case.cells[p], value) for p, value in changes)

    def ranked(self, case: RowSearch) -> list[Changes]:
        """Return the changes that reach the goal: the fewest first, then the smallest."""
        return sorted(case.reached, key=lambda c: (len(c), round(self.size(case, c), 9), str(c)))

    # -- what to try -------------------------------------------------------------------

    def singles(self, case: RowSearch) -> list[Changes]:
        """Return all single changes, or an even selection of them."""
        options = [limit.options(cell) for limit, cell in zip(self.limits, case.cells, strict=True)]
        options = options[: max(1, self.tries // 2)]
        if sum(map(len, options)) > self.tries:
            each = max(2, self.tries // len(options))
            options = [found[:: -(-len(found) // each) or 1] for found in options]
        return [((place, value),) for place, found in enumerate(options) for value in found]

    def _longer(self, case: RowSearch, size: int) -> list[Changes]:
        """Return the best shorter changes with one more, after parts of nearby rows."""
        singles = self._best(case, 1, self.tries // _BEAM)
        found = self._parts(case) if size == 2 else []
        for state in self._best(case, size - 1, _BEAM):
            places = {place for place, _ in state}
            found += [
                tuple(sorted((*state, *single), key=lambda change: change[0]))
                for single in singles
                if single[0][0] not in places
            ]
        return found

    def _best(self, case: RowSearch, size: int, count: int) -> list[Changes]:
        """Return unreached changes of a size: half by their gain, half by gain for its size."""
        states = [c for c in case.tried if len(c) == size and c not in case.reached]
        gain = {c: case.tried[c] - case.start for c in states}
        far = sorted(states, key=lambda c: (-gain[c], str(c)))
        cheap = sorted(states, key=lambda c: (-gain[c] / (0.2 + self.size(case, c)), str(c)))
        mixed = itertools.chain.from_iterable(zip(far, cheap, strict=True))
        return list(dict.fromkeys(mixed))[:count]

    def _parts(self, case: RowSearch) -> list[Changes]:
        """Return sets of cells of nearby rows with the wanted decision."""
        found: list[Changes] = []
        for cells in case.like:
            differs = [
                (place, cells[place])
                for place, limit in enumerate(self.limits)
                if cells[place] is not None and limit.allows(case.cells[place], cells[place])
            ]
            differs.sort(key=lambda c: (-case.tried.get((c,), case.start), c[0]))
            some = sorted(differs[:_DIFFERENCES], key=lambda c: c[0])
            for size in range(1, self.most + 1):
                found += itertools.combinations(some, size)
        return found[: self.tries // 3]

    def _smaller(self, case: RowSearch) -> list[Changes]:
        found: list[Changes] = []
        for changes in self._varied(case):
            if len(changes) > 1:
                found += itertools.combinations(changes, len(changes) - 1)
            for at, (place, value) in enumerate(changes):
                for nearer in self.limits[place].between(case.cells[place], value):
                    found.append((*changes[:at], (place, nearer), *changes[at + 1 :]))
        return found

    def _varied(self, case: RowSearch) -> list[Changes]:
        """Return the best changes that reach the goal, at most three a set of columns."""
        counts: dict[tuple[int, ...], int] = {}
        kept = []
        for changes in self.ranked(case):
            places = tuple(place for place, _ in changes)
            counts[places] = counts.get(places, 0) + 1
            if counts[places] <= 3:
                kept.append(changes)
        return kept[:_POLISHED]

    def _enough(self, case: RowSearch) -> bool:
        return len({tuple(p for p, _ in c) for c in case.reached}) >= self.enough
