"""One trial: the search for an architecture, then its networks, a fold each."""

from __future__ import annotations

import time
import zipfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from keras.callbacks import EarlyStopping

from toolkit import canonical, formats
from toolkit.automl.engines.autokeras.architecture_search import (
    ArchitectureResult,
    Search,
    words_of,
)
from toolkit.automl.engines.autokeras.augmentation import MIRRORED, MOVED, OFF
from toolkit.automl.engines.autokeras.network import Fitted, Networks, load_fitted, save_fitted
from toolkit.automl.engines.autokeras.row_limits import VISITS
from toolkit.automl.engines.autokeras.training import VALIDATION_LOSS, Training, TrainingWatch
from toolkit.automl.engines.autokeras.training_rows import Prepared
from toolkit.automl.engines.base import Candidate, Trial
from toolkit.automl.files.model_file import installed
from toolkit.errors import EngineError

if TYPE_CHECKING:
    from toolkit.automl.task import SearchTask

_FORMAT = 2
_SHARE = {"table": 0.5, "text": 0.8, "image": 0.85}
"""Share of the trial's seconds that is planned for; the rest is for saving and for surprise."""
_SEARCH = 0.4
"""Share of that for the search, the rest is for the folds."""
_PATIENCE = 0.25
"""Share of the planned training without progress after which a proposal is given up."""
_FEW_IMAGES = 1000  # for each class; below it images are altered in training


class Clock:
    """What is left of a trial's time."""

    def __init__(self, seconds: float | None, share: float, began: float) -> None:
        self._began = began
        self.seconds = np.inf if seconds is None else seconds * share

    def left(self, share: float = 1.0) -> float:
        """Return the seconds left of a share of the time, from the beginning."""
        return float(self.seconds * share - (time.monotonic() - self._began))


class Fit:
    """A trial on a task.

    Parameters
    ----------
    task : SearchTask
        What is learned.
    trial : Trial
        What is fitted.
    began : float
        When the trial began, by the monotonic clock: loading the libraries takes its time too.
    """

    def __init__(self, task: SearchTask, trial: Trial, began: float) -> None:
        self.task = task
        self.trial = trial
        self.kinds: list[str] = trial.settings["kinds"]
        self.main = self.kinds[0]
        self.seed = task.facts.seed
        self.clock = Clock(task.seconds, _SHARE[self.main], began)
        self.notes: list[str] = []
        self.details: dict[str, str] = {}
        self._trainings: dict[str, Training] = {}
        self._speed = 0.0  # seconds of an epoch, once it is compiled
        self._total = trial.settings["architectures"] + task.folds.count
        self.folder = task.scratch / _fingerprint(task, trial)

    def run(self) -> Candidate:
        """Return the candidate."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._say("preparing rows", 0)
        self.data = Prepared(self.task, self.trial)
        return self._cross_fit(self._search())

    # -- the search --------------------------------------------------------------

    def _search(self) -> ArchitectureResult:
        settings = self.trial.settings
        augmentations = self._augmentations()
        self.search = Search(
            self.data.encoder.facts(),
            classes=self.data.classes,
            members=settings["members"],
            augmentation=augmentations[0],
            folder=self.folder,
            seed=self.seed,
            most=settings["architectures"],
        )
        results = self.search.run(self._judged, lambda: self.clock.left(_SEARCH) <= 0)
        self.notes += self.search.failures
        if not results:
            reason = (self.search.failures or ["no reason"])[0]
            raise EngineError(f"no architecture could be trained: {reason}", where=self.trial.name)
        best = results[0]
        self.details["architectures tried"] = str(len(results))
        self.details |= words_of(best.values)
        if len(results) < settings["architectures"]:
            self._note(f"{len(results)} of {settings['architectures']} architectures were tried")
        return self._augmented(best, augmentations) if self.main == "image" else best

    def _augmentations(self) -> list[str]:
        """Return what may be done to images in training; the first counts in the search."""
        choice = self.trial.settings.get("augmentation", OFF)
        if choice == "on":
            return [MOVED, MIRRORED]
        each = len(self.data.rows.target) / max(1, self.data.classes)
        return [MOVED, OFF, MIRRORED] if choice != OFF and each < _FEW_IMAGES else [OFF]

    def _augmented(self, best: ArchitectureResult, augmentations: list[str]) -> ArchitectureResult:
        """Train the winner once more with each other augmentation, and keep the best."""
        results = {augmentations[0]: best}
        for other in augmentations[1:]:
            if self.clock.left(_SEARCH) <= 0:
                self._note("what altering images brings was not measured: the time was short")
                break
            values = best.values | {"augmentation": other}
            results[other] = self.search.judged(self._judged, best.number, values)
        chosen = min(results, key=lambda name: results[name].loss)
        tried = "; ".join(f"{n} {formats.number(result.loss, 4)}" for n, result in results.items())
        self.details["augmentation"] = f"{chosen} (inner loss: {tried})"
        return results[chosen]

    def _judged(self, number: int, values: dict[str, Any]) -> ArchitectureResult:
        training = self._training(values)
        planned = max(1, round(self._rows_seen(len(self.data.train_rows)) / self._epoch))
        waiting = max(1, self.trial.settings["architectures"] - number)
        # The first are the safest: each may take half of the time that is left.
        allowed = self.clock.left(_SEARCH) / min(2, waiting)
        for limit in (allowed, np.inf):
            progress = TrainingWatch(
                partial(self._say_pass, number, planned), lambda: self.clock.left(_SEARCH), limit
            )
            patience = max(3, int(_PATIENCE * planned))
            losses = training.fit(
                self.data.train_rows,
                self.seed + number,
                planned,
                [progress, EarlyStopping(VALIDATION_LOSS, patience=patience, mode="min")],
                validation=self.data.validation_rows,
                augmentation=values["augmentation"],
            )
            if not np.isfinite(losses).all():
                raise EngineError("its output is not a number")
            self._speed = progress.seconds or self._speed
            if not progress.slow:
                break
            # Begun again for as long as there is time, so that the rate comes down in the end.
            planned = int(np.clip(allowed / self._speed, 2, planned))
        return ArchitectureResult(number, values, min(losses), int(np.argmin(losses)) + 1, planned)

    @property
    def _epoch(self) -> int:
        """The rows of an epoch."""
        return self.data.batch * self.data.steps

    def _rows_seen(self, rows: int) -> float:
        """Return how many rows a network of so many should see in training."""
        return float(min(self.trial.settings["epochs"] * rows, VISITS[self.main]))

    def _training(self, values: dict[str, Any]) -> Training:
        key = canonical.digest(values | {"augmentation": ""})  # which compiles nothing else
        if key not in self._trainings:
            self._trainings[key] = Training(
                lambda: self.search.build(values),
                self.data.rows,
                batch=self.data.batch,
                steps=self.data.steps,
                rate=float(values["learning_rate"]),
            )
        return self._trainings[key]

    # -- the folds ---------------------------------------------------------------

    def _cross_fit(self, best: ArchitectureResult) -> Candidate:
        task, data, training = self.task, self.data, self._training(best.values)
        networks = Networks(
            data.encoder, training.network, [], data.classes,
            data.mean, data.scale, float(task.target.min()), float(task.target.max()),
        )  # fmt: skip
        oof = task.empty_oof()
        pairs = list(task.folds.pairs())
        jobs = [rows for rows, _ in pairs]
        if task.folds.ordered:
            jobs.append(np.arange(len(task.target)))
        fitted = []
        for number, rows in enumerate(jobs):
            fitted.append(self._fitted(training, best, rows, number, len(jobs)))
            if number < len(pairs):
                held = pairs[number][1]
                oof[held] = networks.of_one(fitted[-1], data.rows.arrays, held)
        _refuse_constant(oof[task.folds.scored] / data.scale, self.trial.name)
        networks.fitted = fitted[-1:] if task.folds.ordered else fitted
        weights = sum(int(np.prod(w.shape)) for w in fitted[0].weights)
        self.details["networks"] = str(len(networks.fitted))
        self.details["weights of one"] = f"{weights:,}"
        return Candidate(
            oof,
            networks.score,
            networks.save,
            self.details,
            float(weights * len(networks.fitted)),
            list(dict.fromkeys(self.data.notes + self.notes)),
        )

    def _fitted(
        self, training: Training, best: ArchitectureResult, rows: np.ndarray, number: int, jobs: int
    ) -> Fitted:
        path = self.folder / f"network_{number}.npz"
        if (saved := _saved_network(path)) is not None:
            return saved
        rows = self.data.of_fold(rows, number)
        epochs, planned = self._planned(best, len(rows), jobs - number)
        until = time.monotonic() + self.clock.left() / (jobs - number)
        progress = TrainingWatch(
            lambda done: self._say(
                f"network {number + 1} of {jobs}, part {done} of {epochs}",
                self.trial.settings["architectures"] + number,
            ),
            lambda: until - time.monotonic(),
        )
        done = training.fit(
            rows,
            self.seed + 1000 + number,
            planned,
            [progress],
            epochs=epochs,
            augmentation=best.values["augmentation"],
        )
        if len(done) < epochs:
            self._note("networks were stopped before the planned end: the time was short")
        fitted = Fitted.of(training.network)
        if not all(np.isfinite(w).all() for w in fitted.weights):
            raise EngineError("a network's weights grew beyond all bounds", where=self.trial.name)
        save_fitted(path, [fitted])
        return fitted

    def _planned(self, best: ArchitectureResult, rows: int, jobs: int) -> tuple[int, int]:
        """Return the epochs to train, and those that the learning rate is planned for."""
        planned = max(1, round(self._rows_seen(rows) / self._epoch))
        share = best.epochs / best.planned
        if self.clock.seconds < np.inf and self._speed:
            affordable = int(self.clock.left() / jobs / self._speed * 0.8)
            if affordable < share * planned:
                self._note("networks were trained for less than was planned: the time was short")
                planned, share = max(1, affordable), 1.0
        if self.trial.settings["epochs"] * rows > VISITS[self.main]:
            self._note(f"rows are many: each network sees {VISITS[self.main]:,} in training")
        return max(1, round(share * planned)), planned

    # -- words -------------------------------------------------------------------

    def _say_pass(self, number: int, planned: int, done: int) -> None:
        self._say(f"architecture {number + 1}, pass {done} of {planned}", number)

    def _say(self, text: str, done: int) -> None:
        self.task.progress(f"autokeras: {text}", done, self._total)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _fingerprint(task: SearchTask, trial: Trial) -> str:
    facts = {
        "task": task.digest,
        "settings": trial.settings,
        "version": [installed(name) for name in ("autokeras", "keras", "jax")],
        "format": _FORMAT,
    }
    return canonical.digest(facts).removeprefix("sha256:")[:16]


def _saved_network(path: Path) -> Fitted | None:
    try:
        return load_fitted(path)[0]
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile):
        return None


def _refuse_constant(scores: np.ndarray, name: str) -> None:
    if not np.isfinite(scores).all():
        raise EngineError("its predictions are not numbers", where=name)
    if len(scores) > 1 and float(np.ptp(scores, axis=0).max()) < 1e-9:
        raise EngineError("it predicts the same for every row", where=name)
