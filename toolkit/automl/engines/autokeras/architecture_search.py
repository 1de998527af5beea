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

import autokeras
import keras
import keras_tuner
import numpy as np
from autokeras.tuners.greedy import Greedy
from keras_tuner.src import config as tuner_config

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
class Found:
    """A proposal and how it did.

    Attributes
    ----------
    number : int
        From 0, in order of the search.
    values : dict
        The hyperparameters.
    loss : float
        The least on the rows held out inside the search.
    stretches, planned : int
        Stretches of steps until then, and those that the learning rate was planned for.
    """

    number: int
    values: dict[str, Any]
    loss: float
    stretches: int
    planned: int


Judge = Callable[[int, dict[str, Any]], Found]


class _Tuner(Greedy):  # type: ignore[misc]
    """AutoKeras' greedy tuner, with a judge in place of its own training."""

    judge: Judge
    enough: Callable[[], bool]
    seed_of_search: int
    failures: list[str]

    def search(self, **_: Any) -> None:
        """Ask the oracle for proposals until there are enough."""
        space = self.oracle.get_space()
        self._try_build(space)
        self.oracle.update_space(space)
        default = dict(space.values)
        self.oracle.initial_hps = [
            default | {name: value for name, value in start.items() if name in default}
            for start in self.oracle.initial_hps
        ]
        self.oracle._tried_initial_hps = [False] * len(self.oracle.initial_hps)
        keras_tuner.engine.tuner.Tuner.search(self, verbose=0)

    def pre_create_trial(self) -> None:
        """Make proposals depend on the seed and on results alone."""
        keras.utils.set_random_seed(self.seed_of_search + len(self.oracle.trials))
        if self.oracle.trials and self.enough():
            self.oracle.max_trials = len(self.oracle.trials)

    def run_trial(self, trial: Any, *_: Any, **__: Any) -> float:
        """Judge one proposal."""
        try:
            found = self.judge(int(trial.trial_id), dict(trial.hyperparameters.values))
        except Exception as error:  # one proposal's failure is no failure of the search
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            self.failures.append(f"architecture {int(trial.trial_id) + 1}: {reason}")
            raise keras_tuner.errors.FailedTrialError(reason) from error
        return found.loss


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
    folder : Path
        Where finished proposals are kept.
    seed : int
        Of the oracle.
    most : int
        Proposals.
    """

    def __init__(
        self,
        parts: list[dict[str, Any]],
        *,
        classes: int,
        members: int,
        folder: Path,
        seed: int,
        most: int,
    ) -> None:
        self.folder = folder
        self.seed = seed
        self.failures: list[str] = []
        self._kept = folder / "architectures.json"
        main = parts[0]["kind"]
        keras.backend.clear_session()
        inputs, outputs = blocks.space(parts, classes, members)
        named = [
            {f"{part['kind']}_{number}/{name}": value for name, value in start.items()}
            for number, part in enumerate(parts[:1])
            for start in _STARTS[part["kind"]]
        ]
        space = keras_tuner.HyperParameters()
        space.Fixed("optimizer", "adam")
        space.Choice("learning_rate", RATES[main], default=RATES[main][0])
        automodel = autokeras.AutoModel(
            inputs=inputs,
            outputs=outputs,
            max_trials=most,
            directory=folder,
            project_name="oracle",
            overwrite=True,
            tuner=_Tuner,
            seed=seed + 1,
            hyperparameters=space,
            initial_hps=named,
        )
        self._tuner = automodel.tuner
        # A proposal that fails is one result among others.
        self._tuner.oracle.max_consecutive_failed_trials = most + 1

    def run(self, judge: Judge, enough: Callable[[], bool]) -> list[Found]:
        """Return proposals, best first.

        Parameters
        ----------
        judge : callable
            Trains and judges a proposal: its number and hyperparameters.
        enough : callable
            Whether to stop before the last.
        """
        known = self._read()
        results: list[Found] = []

        def remembered(number: int, values: dict[str, Any]) -> Found:
            found = known.get(number)
            if found is None or found.values != values:
                found = judge(number, values)
                known[number] = found
                self._write(known)
            results.append(found)
            return found

        self._tuner.judge, self._tuner.enough = remembered, enough
        self._tuner.failures, self._tuner.seed_of_search = self.failures, self.seed + 1
        tuner_config.DEBUG = False  # else it prints the traceback of a proposal that failed
        self._tuner.search()
        return sorted(results, key=lambda found: (found.loss, found.number))

    def build(self, values: dict[str, Any]) -> Any:
        """Return a fresh Keras model of a proposal, with random weights."""
        space = self._tuner.oracle.get_space()
        space.values = dict(values)
        return self._tuner.hypermodel.build(space)

    @staticmethod
    def keep(path: Path, found: Found) -> None:
        """Write down one result."""
        canonical.write_text(path, json.dumps(asdict(found)))

    @staticmethod
    def kept(path: Path) -> Found | None:
        """Return what `keep` wrote, if anything."""
        try:
            return Found(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _read(self) -> dict[int, Found]:
        try:
            kept = json.loads(self._kept.read_text(encoding="utf-8"))
            return {facts["number"]: Found(**facts) for facts in kept}
        except (OSError, ValueError, TypeError, KeyError):
            return {}

    def _write(self, known: dict[int, Found]) -> None:
        facts = [asdict(known[number]) for number in sorted(known)]
        canonical.write_text(self._kept, json.dumps(facts))


def words_of(values: dict[str, Any]) -> dict[str, str]:
    """Return the hyperparameters of an architecture for a reader."""
    words: dict[str, str] = {}
    for name, value in sorted(values.items()):
        short = name.rpartition("/")[2].replace("_", " ")
        if short != "optimizer" and short not in words:
            words[short] = (
                formats.number(float(value), 6)
                if isinstance(value, float | np.floating)
                else str(value)
            )
    return words
