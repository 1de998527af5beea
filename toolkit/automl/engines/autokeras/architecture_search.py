"""AutoKeras' search for an architecture, in a form that outlives a killed process.

AutoKeras' blocks span the space, and its greedy oracle proposes what to try next; how a
proposal is trained and judged is the toolkit's own. Every finished proposal is written
down. A search that starts again asks the oracle for the same proposals, since they depend
on the seed and on results alone, and takes what is written instead of training.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
from autokeras.tuners.greedy import GreedyOracle

from toolkit import canonical, formats
from toolkit.automl.engines.autokeras import blocks

RATES = {"table": [5e-3, 2e-3, 1e-2], "text": [3e-3, 1e-3], "image": [3e-3, 1e-3, 6e-3]}
"""Learning rates, by what a network takes; the first is tried first."""
_STARTS: dict[str, list[dict[str, Any]]] = {
    "table": [{}, {"periodic": False, "dropout": 0.25}],
    "text": [{}, {"patterns": 0, "width": 128}],
    "image": [{}, {"layers": 2, "residual": True}],
}
"""Proposals that precede the oracle's own, as differences from the blocks' defaults."""


@dataclass(frozen=True)
class ArchitectureResult:
    """A proposal and how it did.

    Attributes
    ----------
    number : int
        From 0, in order of the search.
    values : dict
        The hyperparameters.
    loss : float
        The least on the rows held out inside the search.
    epochs, planned : int
        Epochs until then, and those that the learning rate was planned for.
    """

    number: int
    values: dict[str, Any]
    loss: float
    epochs: int
    planned: int


Judge = Callable[[int, dict[str, Any]], ArchitectureResult]


class _Tuner(keras_tuner.Tuner):  # type: ignore[misc]
    """KerasTuner's loop over proposals, with a judge in place of its own training."""

    judge: Callable[[int, dict[str, Any]], float]
    enough: Callable[[], bool]
    seed: int

    def pre_create_trial(self) -> None:
        """Make proposals depend on the seed and on results alone."""
        keras.utils.set_random_seed(self.seed + len(self.oracle.trials))
        if self.oracle.trials and self.enough():
            self.oracle.max_trials = len(self.oracle.trials)

    def run_trial(self, trial: Any, *_: Any, **__: Any) -> float:
        """Judge one proposal."""
        return self.judge(int(trial.trial_id), dict(trial.hyperparameters.values))


class Search:
    """A search space with its oracle.

    Parameters
    ----------
    parts : list of dict
        What a row consists of, as `Encoder.facts` says.
    classes : int
        0 for regression.
    members : int
        Networks that share matrices.
    augmentation : str
        What is done to images while architectures are compared, of `AUGMENTATIONS`.
    folder : Path
        Where finished proposals are kept.
    seed : int
        Of the oracle.
    most : int
        Proposals.

    Attributes
    ----------
    failures : list of str
        Proposals that could not be trained, and why.
    """

    def __init__(
        self,
        parts: list[dict[str, Any]],
        *,
        classes: int,
        members: int,
        augmentation: str,
        folder: Path,
        seed: int,
        most: int,
    ) -> None:
        self.failures: list[str] = []
        self._file = folder / "architectures.json"
        self._finished = self._read()
        main = parts[0]["kind"]
        keras.backend.clear_session()
        self._graph = blocks.space(parts, classes, members)
        space = keras_tuner.HyperParameters()
        space.Fixed("optimizer", "adam")
        space.Choice("learning_rate", RATES[main], default=RATES[main][0])
        space.Fixed("augmentation", augmentation)
        self._graph.build(space)
        default = dict(space.values)
        starts = [
            {f"{main}_0/{name}": value for name, value in start.items()} for start in _STARTS[main]
        ]
        oracle = GreedyOracle(
            objective=keras_tuner.Objective("loss", "min"),
            max_trials=most,
            hyperparameters=space,
            initial_hps=[
                default | {name: value for name, value in start.items() if name in default}
                for start in starts
            ],
            seed=seed + 1,
        )
        self._tuner = _Tuner(
            oracle, self._graph, directory=folder, project_name="oracle", overwrite=True
        )
        self._tuner.seed = seed + 1

    def run(self, judge: Judge, enough: Callable[[], bool]) -> list[ArchitectureResult]:
        """Return proposals, best first.

        Parameters
        ----------
        judge : callable
            Trains and judges a proposal: its number and hyperparameters.
        enough : callable
            Whether to stop before the last.
        """
        results: list[ArchitectureResult] = []

        def loss(number: int, values: dict[str, Any]) -> float:
            try:
                results.append(self.judged(judge, number, values))
            except Exception as error:  # one proposal's failure is no failure of the search
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                self.failures.append(f"architecture {number + 1}: {reason}")
                return np.inf
            return results[-1].loss

        self._tuner.judge, self._tuner.enough = loss, enough
        self._tuner.search(verbose=0)
        return sorted(results, key=lambda result: (result.loss, result.number))

    def judged(self, judge: Judge, number: int, values: dict[str, Any]) -> ArchitectureResult:
        """Return a proposal's result, read from the file of a killed process or judged now."""
        for result in self._finished:
            if (result.number, result.values) == (number, values):
                return result
        result = judge(number, values)
        self._finished.append(result)
        canonical.write_text(self._file, json.dumps([asdict(each) for each in self._finished]))
        return result

    def build(self, values: dict[str, Any]) -> Any:
        """Return a fresh Keras model of a proposal, with random weights."""
        keras.backend.clear_session(free_memory=False)  # names begin again from the first
        space = self._tuner.oracle.get_space()
        space.values = dict(values)
        return self._graph.build(space)

    def _read(self) -> list[ArchitectureResult]:
        try:
            written = json.loads(self._file.read_text(encoding="utf-8"))
            return [ArchitectureResult(**result) for result in written]
        except (OSError, ValueError, TypeError):
            return []


def words_of(values: dict[str, Any]) -> dict[str, str]:
    """Return the hyperparameters of an architecture for a reader."""
    words: dict[str, str] = {}
    for name, value in sorted(values.items()):
        short = name.rpartition("/")[2].replace("_", " ")
        if short not in ("optimizer", "augmentation") and short not in words:
            words[short] = (
                formats.number(float(value), 6)
                if isinstance(value, float | np.floating)
                else str(value)
            )
    return words
