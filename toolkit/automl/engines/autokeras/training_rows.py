"""The rows of a trial as networks take them, and how many of them one network sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.automl.engines.autokeras.inputs import Encoder
from toolkit.automl.engines.autokeras.row_limits import SEARCHED
from toolkit.automl.engines.autokeras.training import TrainingArrays
from toolkit.errors import EngineError

if TYPE_CHECKING:
    from toolkit.automl.engines.base import Trial
    from toolkit.automl.task import SearchTask

_VALIDATION = 0.2
_BATCH = {"table": (16, 32, 512), "text": (32, 16, 128), "image": (32, 16, 64)}
"""Steps of a pass that are wanted, and the least and most rows of a step."""
_CELLS = 250_000_000
"""Cells of all arrays (1 GB of float32) beyond which rows are sampled."""


class Prepared:
    """The training rows of a trial.

    Parameters
    ----------
    task : SearchTask
        Whose rows.
    trial : Trial
        Its ``kinds`` say what is taken of a row.

    Attributes
    ----------
    encoder : Encoder
        From rows to arrays.
    rows : TrainingArrays
        All training rows as arrays.
    mean, scale : float
        Of a number that is learnt.
    train_rows, validation_rows : array of int
        Positions from which the search learns, and by which it compares; none of the first fold.
    batch, steps : int
        Rows of a step, and steps of an epoch: of a pass over `train_rows`.
    notes : list of str
        What was sampled.
    """

    def __init__(self, task: SearchTask, trial: Trial) -> None:
        self.task = task
        self.name = trial.name
        self.main: str = trial.settings["kinds"][0]
        self.seed = task.facts.seed
        self.classes = len(task.facts.classes)
        self.notes: list[str] = []
        self.encoder = Encoder.fit(
            task.inputs, task.facts.columns, trial.settings["kinds"], self.seed
        )
        if not self.encoder.parts:
            raise EngineError("there is no column that a network could take", where=self.name)
        self.mean, self.scale = 0.0, 1.0
        self.rows = self._arrays()
        cells = sum(int(np.prod(array.shape[1:])) for array in self.rows.arrays)
        self._most = max(1000, _CELLS // cells)
        self.train_rows, self.validation_rows = self._inner_split()
        if not len(self.train_rows) or not len(self.validation_rows):
            raise EngineError("too few rows for an inner split", where=self.name)
        steps, least, most = _BATCH[self.main]
        wanted = len(self.train_rows) // steps
        batch = int(np.clip(1 << max(0, wanted.bit_length() - 1), least, most))
        self.batch = min(batch, max(4, len(self.train_rows)))
        self.steps = max(1, len(self.train_rows) // self.batch)

    def of_fold(self, rows: np.ndarray, number: int) -> np.ndarray:
        """Return the rows that one network learns from: all, or as many as memory takes."""
        return self._sampled(rows, self._most, 2 + number, "each network learnt from a sample:")

    def _arrays(self) -> TrainingArrays:
        task = self.task
        if self.classes:
            target: np.ndarray = task.target.astype(np.int32)
        else:
            self.mean, self.scale = float(task.target.mean()), float(task.target.std()) or 1.0
            target = ((task.target - self.mean) / self.scale).astype(np.float32)
        weights = np.ones(len(target)) if task.weights is None else task.weights
        return TrainingArrays(
            self.encoder.arrays(task.inputs),
            [part.kind for part in self.encoder.parts],
            target,
            weights.astype(np.float32),
            self.classes,
        )

    def _inner_split(self) -> tuple[np.ndarray, np.ndarray]:
        """The last rows compare where folds follow time, else a share of each class."""
        learnt, _ = next(iter(self.task.folds.pairs()))
        learnt = self._sampled(
            learnt, SEARCHED[self.main], 0, "architectures were compared on a sample:"
        )
        if self.task.folds.ordered:
            learnt = self.task.folds.in_time(learnt)
            cut = max(1, min(len(learnt) - 1, round(len(learnt) * (1 - _VALIDATION))))
            return learnt[:cut], learnt[cut:]
        order = np.random.default_rng([self.seed, 1]).permutation(learnt)
        if self.classes:
            order = order[np.argsort(self.rows.target[order], kind="stable")]
        every = round(1 / _VALIDATION)
        chosen = np.zeros(len(order), dtype=bool)
        chosen[every - 1 :: every] = True
        if not chosen.any():
            chosen[-1:] = True
        return np.sort(order[~chosen]), np.sort(order[chosen])

    def _sampled(self, rows: np.ndarray, most: int, stream: int, why: str) -> np.ndarray:
        if len(rows) <= most:
            return rows
        note = f"{why} {most:,} of {len(rows):,} rows, drawn at random"
        if note not in self.notes:
            self.notes.append(note)
        generator = np.random.default_rng([self.seed, stream])
        return np.sort(generator.choice(rows, most, replace=False))
