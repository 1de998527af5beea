"""What a trial may spend: the rows that each fold's model learns from, and time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from toolkit.automl.task import SearchTask

CELLS = 40_000_000
"""Numbers (rows x columns) that one model learns from at most."""
_HELD_CELLS = 10_000_000
"""Numbers on which one model is judged round by round at most."""
_MEANT = 0.5
"""The share of its time that a trial means to use; what it misjudges may take the rest."""


class FitClock:
    """What is left of a trial's time.

    Parameters
    ----------
    seconds : float, optional
        What the trial may take.
    share : float
        The share of it that fitting may take: the rest is for predicting and saving.
    """

    def __init__(self, seconds: float | None, share: float = 0.85) -> None:
        self._began = time.monotonic()
        self._seconds = np.inf if seconds is None else seconds * share

    @property
    def planned(self) -> float:
        """Seconds by which fitting is meant to be done: others wait for the rest."""
        return self.left * _MEANT

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return bool(np.isfinite(self._seconds))

    @property
    def left(self) -> float:
        """Seconds left, infinite without a limit."""
        return float(self._seconds - (time.monotonic() - self._began))


@dataclass
class RowBudget:
    """Which rows each fold's model learns from and is judged on: samples, where rows are many.

    Attributes
    ----------
    task : SearchTask
        Whose folds.
    cells : int
        Numbers that one model learns from at most.
    notes : list of str
        What was sampled.
    """

    task: SearchTask
    cells: int = CELLS
    notes: list[str] = field(default_factory=list)

    def pairs(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give, for each fold, positions to learn from and positions to be judged on."""
        for number, (learnt, held) in enumerate(self.task.folds.pairs()):
            yield self.sample(learnt, self.cells, number), self._part(held, _HELD_CELLS, number)

    def sample(self, rows: np.ndarray, cells: int, number: int) -> np.ndarray:
        """Return rows to learn from: all, or a seeded sample with a note."""
        part = self._part(rows, cells, number)
        if len(part) < len(rows) and not self.notes:
            self.notes.append(f"each model learnt from {len(part):,} rows drawn from {len(rows):,}")
        return part

    def _part(self, rows: np.ndarray, cells: int, number: int) -> np.ndarray:
        most = max(1000, cells // max(1, self.task.facts.width))
        if len(rows) <= most:
            return rows
        generator = np.random.default_rng([self.task.facts.seed, number])
        return np.sort(generator.choice(rows, most, replace=False))
