"""One trial: the search for an architecture, then its networks, a fold each."""

from __future__ import annotations

import itertools
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import canonical, formats
from toolkit.automl.engines.autokeras.architecture_search import Found, Search, words_of
from toolkit.automl.engines.autokeras.network import Fitted, Networks, load_fitted, save_fitted
from toolkit.automl.engines.autokeras.row_limits import VISITS
from toolkit.automl.engines.autokeras.training import State, Training
from toolkit.automl.engines.autokeras.training_rows import Prepared
from toolkit.automl.engines.base import Candidate, Trial
from toolkit.automl.files.model_file import installed
from toolkit.errors import EngineError

if TYPE_CHECKING:
    from toolkit.automl.task import SearchTask

_FORMAT = 1
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
        self._speed = 0.0  # seconds of a stretch of steps, once it is compiled
        self._total = trial.settings["architectures"] + task.folds.count
        self.folder = task.scratch / _fingerprint(task, trial)

    def run(self) -> Candidate:
        """Return the candidate."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._say("preparing rows", 0)
        self.data = Prepared(self.task, self.trial)
        best, alter = self._search()
        training = self._training(best.values, alter)
        return self._cross_fit(training, best)

    # -- the search --------------------------------------------------------------

    def _search(self) -> tuple[Found, str]:
        settings = self.trial.settings
        self.search = Search(
            self.data.encoder.facts(),
            classes=self.data.classes,
            members=settings["members"],
            folder=self.folder,
            seed=self.seed,
            most=settings["architectures"],
        )
        ways = self._ways()

        def judge(number: int, values: dict[str, Any], alter: str = ways[0]) -> Found:
            return self._judged(number, values, alter)

        found = self.search.run(judge, lambda: self.clock.left(_SEARCH) <= 0)
        failures = self.search.failures
        if not found:
            raise EngineError(
                f"no architecture could be trained: {failures[0] if failures else 'no reason'}",
                where=self.trial.name,
            )
        self.notes += failures
        best = found[0]
        self.details["architectures tried"] = str(len(found))
        self.details |= words_of(best.values)
        if len(found) < settings["architectures"]:
            self._note(f"{len(found)} of {settings['architectures']} architectures were tried")
        return self._altered(best, ways, judge)

    def _ways(self) -> list[str]:
        """Return what may be done to images in training; the first counts in the search."""
        choice = self.trial.settings.get("augmentation", "off")
        if choice == "off":
            return [""]
        if choice == "on":
            return ["moved", "mirrored"]
        each = len(self.data.rows.target) / max(1, self.data.classes)
        return ["moved", "", "mirrored"] if each < _FEW_IMAGES else [""]

    def _altered(self, best: Found, ways: list[str], judge: Any) -> tuple[Found, str]:
        """Train the winner once more in each other way, and keep the best way."""
        results = {ways[0]: best}
        for way in ways[1:]:
            if self.clock.left(_SEARCH) <= 0:
                self._note("what altering images brings was not measured: the time was short")
                break
            path = self.folder / f"way_{way or 'plain'}.json"
            kept = self.search.kept(path)
            if kept is None or kept.values != best.values:
                kept = judge(best.number, best.values, way)
                self.search.keep(path, kept)
            results[way] = kept
        chosen = min(results, key=lambda way: (results[way].loss, ways.index(way)))
        if self.main == "image":
            names = {"": "off", "moved": "moved", "mirrored": "moved and mirrored"}
            tried = "; ".join(
                f"{names[w]} {formats.number(found.loss, 4)}" for w, found in results.items()
            )
            self.details["augmentation"] = f"{names[chosen]} (inner loss: {tried})"
        return results[chosen], chosen

    def _judged(self, number: int, values: dict[str, Any], alter: str) -> Found:
        training = self._training(values, alter)
        rows = len(self.data.learnt)
        planned = training.stretches(rows, self._passes(rows))
        waiting = max(1, self.trial.settings["architectures"] - number)
        # The first are the safest: each may take half of the time that is left.
        allowed = self.clock.left(_SEARCH) / min(2, waiting)
        found = self._trained(training, Found(number, values, np.inf, 0, planned), allowed)
        if found is None:
            # Begun again for as long as there is time, so that the rate comes down in the end.
            planned = int(np.clip(allowed / self._speed, 2, planned))
            found = self._trained(training, Found(number, values, np.inf, 0, planned), np.inf)
        assert found is not None
        return found

    def _trained(self, training: Training, start: Found, allowed: float) -> Found | None:
        """Train one proposal; None as soon as it shows that it would take too long."""
        number, planned = start.number, start.planned
        best, at = np.inf, 0
        began = time.monotonic()
        stream = training.train(self.data.learnt, self.seed + number, planned)
        for done, (state, _) in enumerate(stream, start=1):
            self._say(f"architecture {number + 1}, pass {done} of {planned}", number)
            loss = training.loss(state, self.data.held)
            if not np.isfinite(loss):
                raise EngineError("its output is not a number")
            if loss < best:
                best, at = loss, done
            if done == 1:
                began = time.monotonic()  # what came before was mostly compiling
                continue
            self._speed = (time.monotonic() - began) / (done - 1)
            if done == 2 and self._speed * planned > allowed:
                return None
            if done - at >= max(3, _PATIENCE * planned) or self.clock.left(_SEARCH) <= 0:
                break
        return Found(number, start.values, float(best), at, planned)

    def _passes(self, rows: int) -> float:
        epochs: int = self.trial.settings["epochs"]
        return min(float(epochs), VISITS[self.main] / rows)

    def _training(self, values: dict[str, Any], alter: str) -> Training:
        key = canonical.digest([values, alter])
        if key not in self._trainings:
            import keras

            def build() -> Any:
                keras.backend.clear_session()
                return self.search.build(values)

            self._trainings[key] = Training(
                build,
                self.data.rows,
                batch=self.data.batch,
                stretch=self.data.stretch,
                rate=float(values["learning_rate"]),
                alter=alter,
            )
        return self._trainings[key]

    # -- the folds ---------------------------------------------------------------

    def _cross_fit(self, training: Training, best: Found) -> Candidate:
        task, data = self.task, self.data
        networks = Networks(
            data.encoder, training.network, training.forward, [], data.classes,
            data.mean, data.scale, float(task.target.min()), float(task.target.max()),
        )  # fmt: skip
        oof = task.empty_oof()
        pairs = list(task.folds.pairs())
        jobs = [learnt for learnt, _ in pairs]
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
        self, training: Training, best: Found, rows: np.ndarray, number: int, jobs: int
    ) -> Fitted:
        path = self.folder / f"network_{number}.npz"
        if (known := _kept(path)) is not None:
            return known
        rows = self.data.of_fold(rows, number)
        stretches, planned = self._planned(training, best, rows, jobs - number)
        state: State | None = None
        allowed = self.clock.left() / (jobs - number)
        began = time.monotonic()
        stream = training.train(rows, self.seed + 1000 + number, planned)
        for done, (state, _) in enumerate(  # noqa: B007 - the last one is used
            itertools.islice(stream, stretches), start=1
        ):
            self._say(
                f"network {number + 1} of {jobs}, part {done} of {stretches}",
                self.trial.settings["architectures"] + number,
            )
            if time.monotonic() - began > allowed:
                self._note("networks were stopped before the planned end: the time was short")
                break
        assert state is not None
        fitted = Fitted(
            [np.asarray(w) for w in state.weights], [np.asarray(o) for o in state.others]
        )
        if not all(np.isfinite(w).all() for w in fitted.weights):
            raise EngineError("a network's weights grew beyond all bounds", where=self.trial.name)
        save_fitted(path, [fitted])
        return fitted

    def _planned(
        self, training: Training, best: Found, rows: np.ndarray, jobs: int
    ) -> tuple[int, int]:
        """Return the stretches to train, and those that the learning rate is planned for."""
        passes = self._passes(len(self.data.learnt)) * len(rows) / len(self.data.learnt)
        planned = training.stretches(len(self.data.learnt), passes)
        most = max(1, int(VISITS[self.main] / (self.data.batch * self.data.stretch)))
        share = best.stretches / best.planned
        shorter = planned > most
        planned = min(planned, most)
        if self.clock.seconds < np.inf and self._speed:
            affordable = int(self.clock.left() / jobs / self._speed * 0.8)
            if affordable < share * planned:
                self._note("networks were trained for less than was planned: the time was short")
                planned, share = max(1, affordable), 1.0
        if shorter:
            self._note(f"rows are many: each network sees {VISITS[self.main]:,} in training")
        return max(1, round(share * planned)), planned

    # -- words -------------------------------------------------------------------

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


def _kept(path: Path) -> Fitted | None:
    try:
        return load_fitted(path)[0]
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile):
        return None


def _refuse_constant(scores: np.ndarray, name: str) -> None:
    if not np.isfinite(scores).all():
        raise EngineError("its predictions are not numbers", where=name)
    if len(scores) > 1 and float(np.ptp(scores, axis=0).max()) < 1e-9:
        raise EngineError("it predicts the same for every row", where=name)
