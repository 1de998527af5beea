"""One trial: the search for an architecture, then its networks, a fold each."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import canonical
from toolkit.automl.engines.autokeras_inputs import Encoder
from toolkit.automl.engines.autokeras_network import Fitted, Networks, load_fitted, save_fitted
from toolkit.automl.engines.autokeras_search import Found, Search, words_of
from toolkit.automl.engines.autokeras_training import Rows, State, Training
from toolkit.automl.engines.base import Candidate, Trial, installed
from toolkit.errors import EngineError

if TYPE_CHECKING:
    from toolkit.automl.task import SearchTask

_FORMAT = 1
_SHARE = {"table": 0.5, "text": 0.8, "image": 0.85}
"""Share of the trial's seconds that is planned for; the rest is for saving and for surprise."""
_SEARCH = 0.4
"""Share of that for the search, the rest is for the folds."""
_HELD = 0.2
_PATIENCE = 0.25
"""Share of the planned training without progress after which a proposal is given up."""
_SEARCHED = {"table": 20_000, "text": 10_000, "image": 4_000}
"""Rows from which the search learns at most."""
_VISITS = {"table": 2_000_000, "text": 400_000, "image": 200_000}
"""Rows that one network sees in training at most, each as often as it is seen."""
_BATCH = {"table": (16, 32, 512), "text": (32, 16, 128), "image": (32, 16, 64)}
"""Steps of a pass that are wanted, and the least and most rows of a step."""
_CELLS = 250_000_000
"""Cells of all arrays (1 GB of float32) beyond which rows are sampled."""
_FEW_IMAGES = 1000  # for each class; below it images are altered in training


class Clock:
    """What is left of a trial's time."""

    def __init__(self, seconds: float | None, share: float) -> None:
        self._began = time.monotonic()
        self.seconds = np.inf if seconds is None else seconds * share

    def left(self, share: float = 1.0) -> float:
        """Return the seconds left of a share of the time, from the beginning."""
        return float(self.seconds * share - (time.monotonic() - self._began))


@dataclass
class _Speed:
    """Seconds that a stretch of steps takes, once it is compiled."""

    seconds: float = 0.0


class Fit:
    """A trial on a task."""

    def __init__(self, task: SearchTask, trial: Trial) -> None:
        self.task = task
        self.trial = trial
        self.kinds: list[str] = trial.settings["kinds"]
        self.main = self.kinds[0]
        self.seed = task.facts.seed
        self.clock = Clock(task.seconds, _SHARE[self.main])
        self.notes: list[str] = []
        self.details: dict[str, str] = {}
        self._trainings: dict[str, Training] = {}
        self._speed = _Speed()
        self._total = trial.settings["architectures"] + task.folds.count
        self.folder = task.scratch / _fingerprint(task, trial)

    def run(self) -> Candidate:
        """Return the candidate."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._say("preparing rows", 0)
        self._prepare()
        best, alter = self._search()
        training = self._training(best.values, alter)
        return self._cross_fit(training, best)

    # -- rows --------------------------------------------------------------------

    def _prepare(self) -> None:
        task = self.task
        columns = task.facts.columns
        self.encoder = Encoder.fit(task.inputs, columns, self.kinds, self.seed)
        if not self.encoder.parts:
            raise EngineError("there is no column that a network could take", where=self.trial.name)
        self.classes = len(task.facts.classes)
        self.mean, self.scale = 0.0, 1.0
        if self.classes:
            target = task.target.astype(np.int32)
        else:
            self.mean, self.scale = float(task.target.mean()), float(task.target.std()) or 1.0
            target = ((task.target - self.mean) / self.scale).astype(np.float32)
        weights = np.ones(len(target)) if task.weights is None else task.weights
        self.rows = Rows(
            self.encoder.arrays(task.inputs),
            [part.kind for part in self.encoder.parts],
            target,
            weights.astype(np.float32),
            self.classes,
        )
        cells = sum(int(np.prod(array.shape[1:])) for array in self.rows.arrays)
        self._most = max(1000, _CELLS // cells)

    def _sampled(self, rows: np.ndarray, most: int, stream: int, why: str) -> np.ndarray:
        if len(rows) <= most:
            return rows
        self._note(f"{why} {most:,} of {len(rows):,} rows, drawn at random")
        generator = np.random.default_rng([self.seed, stream])
        return np.sort(generator.choice(rows, most, replace=False))

    def _inner_split(self) -> tuple[np.ndarray, np.ndarray]:
        """Return positions to learn from and to judge proposals by: none of the first fold.

        The last rows judge where folds follow time, else a share of each class.
        """
        learnt, _ = next(iter(self.task.folds.pairs()))
        learnt = self._sampled(
            learnt, _SEARCHED[self.main], 0, "architectures were compared on a sample:"
        )
        if self.task.folds.ordered:
            cut = max(1, min(len(learnt) - 1, round(len(learnt) * (1 - _HELD))))
            return learnt[:cut], learnt[cut:]
        order = np.random.default_rng([self.seed, 1]).permutation(learnt)
        if self.classes:
            order = order[np.argsort(self.rows.target[order], kind="stable")]
        every = round(1 / _HELD)
        chosen = np.zeros(len(order), dtype=bool)
        chosen[every - 1 :: every] = True
        if not chosen.any():
            chosen[-1] = True
        return np.sort(order[~chosen]), np.sort(order[chosen])

    # -- the search --------------------------------------------------------------

    def _search(self) -> tuple[Found, str]:
        learnt, held = self._inner_split()
        if not len(learnt) or not len(held):
            raise EngineError("too few rows for an inner split", where=self.trial.name)
        steps, least, most = _BATCH[self.main]
        wanted = len(learnt) // steps
        self.batch = int(np.clip(1 << max(0, wanted.bit_length() - 1), least, most))
        self.batch = min(self.batch, max(4, len(learnt)))
        self.stretch = max(1, len(learnt) // self.batch)
        self.searched = len(learnt)
        settings = self.trial.settings
        self.search = Search(
            self.encoder.facts(),
            classes=self.classes,
            members=settings["members"],
            folder=self.folder,
            seed=self.seed,
            most=settings["architectures"],
        )
        ways = self._ways()

        def judge(number: int, values: dict[str, Any], alter: str = ways[0]) -> Found:
            return self._judged(number, values, alter, learnt, held)

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
        each = len(self.rows.target) / max(1, self.classes)
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
            tried = "; ".join(f"{names[w]} {found.loss:.4g}" for w, found in results.items())
            self.details["augmentation"] = f"{names[chosen]} (inner loss: {tried})"
        return results[chosen], chosen

    def _judged(
        self, number: int, values: dict[str, Any], alter: str,
        learnt: np.ndarray, held: np.ndarray,
    ) -> Found:  # fmt: skip
        training = self._training(values, alter)
        planned = training.stretches(len(learnt), self._passes(len(learnt)))
        best, at = np.inf, 0
        began = time.monotonic()
        for done, (state, _) in enumerate(
            training.train(learnt, self.seed + number, planned), start=1
        ):
            self._say(f"architecture {number + 1}, pass {done} of {planned}", number)
            loss = training.loss(state, held)
            if not np.isfinite(loss):
                raise EngineError("its output is not a number")
            if loss < best:
                best, at = loss, done
            if done == 1:
                began = time.monotonic()  # what came before was mostly compiling
            elif done - at >= max(3, _PATIENCE * planned):
                break
            if self.clock.left(_SEARCH) <= 0:
                break
        self._speed.seconds = (time.monotonic() - began) / max(1, done - 1)
        return Found(number, values, float(best), at, planned)

    def _passes(self, rows: int) -> float:
        epochs: int = self.trial.settings["epochs"]
        return min(float(epochs), _VISITS[self.main] / rows)

    def _training(self, values: dict[str, Any], alter: str) -> Training:
        key = canonical.digest([values, alter])
        if key not in self._trainings:
            import keras

            def build() -> Any:
                keras.backend.clear_session()
                return self.search.build(values)

            self._trainings[key] = Training(
                build,
                self.rows,
                batch=self.batch,
                stretch=self.stretch,
                rate=float(values["learning_rate"]),
                alter=alter,
            )
        return self._trainings[key]

    # -- the folds ---------------------------------------------------------------

    def _cross_fit(self, training: Training, best: Found) -> Candidate:
        task = self.task
        networks = Networks(
            self.encoder, training.network, training.forward, [], self.classes,
            self.mean, self.scale, float(task.target.min()), float(task.target.max()),
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
                oof[held] = networks.of_one(fitted[-1], self.rows.arrays, held)
        _refuse_constant(oof[task.folds.scored], self.trial.name)
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
            self.notes,
        )

    def _fitted(
        self, training: Training, best: Found, rows: np.ndarray, number: int, jobs: int
    ) -> Fitted:
        path = self.folder / f"network_{number}.npz"
        if (known := _kept(path)) is not None:
            return known
        rows = self._sampled(rows, self._most, 2 + number, "each network learnt from a sample:")
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
        fitted = Fitted([np.asarray(w) for w in state.weights], [*map(_array, state.others)])
        if not all(np.isfinite(w).all() for w in fitted.weights):
            raise EngineError("a network's weights grew beyond all bounds", where=self.trial.name)
        save_fitted(path, [fitted])
        return fitted

    def _planned(
        self, training: Training, best: Found, rows: np.ndarray, jobs: int
    ) -> tuple[int, int]:
        """Return the stretches to train, and those that the learning rate is planned for."""
        passes = self._passes(self.searched) * len(rows) / self.searched
        planned = training.stretches(self.searched, passes)
        most = max(1, int(_VISITS[self.main] / (self.batch * self.stretch)))
        share = best.stretches / best.planned
        shorter = planned > most
        planned = min(planned, most)
        if self.clock.seconds < np.inf and self._speed.seconds:
            affordable = int(self.clock.left() / jobs / self._speed.seconds * 0.8)
            if affordable < share * planned:
                self._note("networks were trained for less than was planned: the time was short")
                planned, share = max(1, affordable), 1.0
        elif shorter:
            self._note(f"rows are many: each network sees {_VISITS[self.main]:,} in training")
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
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _array(value: Any) -> np.ndarray:
    return np.asarray(value)


def _refuse_constant(scores: np.ndarray, name: str) -> None:
    if not np.isfinite(scores).all():
        raise EngineError("its predictions are not numbers", where=name)
    if len(scores) > 1 and float(np.ptp(scores, axis=0).max()) < 1e-9:
        raise EngineError("it predicts the same for every row", where=name)
