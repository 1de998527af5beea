"""AutoKeras: a search over dense networks, on Keras with the JAX backend."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.automl import skops_file
from toolkit.automl.archive import Renumbering, normalised
from toolkit.automl.engines.base import Candidate, Scorer, SearchTask, installed
from toolkit.canonical import dumps, write_text
from toolkit.errors import EnvironmentProblem
from toolkit.table import make_preprocessor

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.model import AutoML

MODEL_FILE, PREPARE_FILE, FACTS_FILE = "model.keras", "prepare.skops", "network.json"
_BACKEND = "jax"
_HELD_OUT = 0.2
_PATIENCE = 5
_SMALLEST = np.float32(1e-7)  # Keras clips probabilities there
_MOST_CELLS = 250_000_000
"""Numbers in the training matrix (1 GB of float32) beyond which rows are sampled."""


class AutoKerasEngine:
    """Networks for tables, each trial a candidate."""

    name = "autokeras"
    packages = ("keras", "scikit-learn")

    @property
    def version(self) -> str:
        """The versions of AutoKeras and Keras."""
        return f"{installed('autokeras')} on Keras {installed('keras')}"

    def available(self) -> str:
        """Return why the engine cannot be used here; empty if it can."""
        missing = [p for p in ("autokeras", "keras", "jax") if installed(p) == "not installed"]
        if missing:
            return f"{', '.join(missing)} is not installed. Run `pip install {' '.join(missing)}`"
        loaded = sys.modules.get("keras")
        if loaded is not None and loaded.backend.backend() != _BACKEND:
            return (
                f"Keras was already loaded with the backend {loaded.backend.backend()}, and a"
                f" process has only one. Restart the kernel, or set KERAS_BACKEND to {_BACKEND}"
            )
        return ""

    def settings(self, choices: AutoML) -> dict[str, Any]:
        """Return the choices that the networks depend on."""
        budget = choices.budget
        return {"trials": budget.trials, "epochs": budget.epochs, "seconds": budget.seconds}

    def search(self, task: SearchTask) -> list[Candidate]:
        """Return a candidate for each trial that ended well, in order of trial."""
        keras = load_keras()
        task.progress("autokeras: preparing", 0, task.budget.trials)
        with quiet():
            return _Trials(keras, task).run()

    def load(self, folder: Path) -> Scorer:
        """Return the scorer of a saved network."""
        keras = load_keras()
        facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        with quiet():
            # AutoKeras's own layers have to be known to Keras by name.
            import autokeras  # noqa: F401

            network = keras.models.load_model(folder / MODEL_FILE)
        prepare = skops_file.load(folder / PREPARE_FILE)
        return _Network(network, prepare, facts["classes"], facts["mean"], facts["scale"])


def load_keras() -> Any:
    """Return the Keras module on the JAX backend.

    Raises
    ------
    EnvironmentProblem
        If it is not installed, or was loaded with another backend.
    """
    problem = AutoKerasEngine().available()
    if problem:
        raise EnvironmentProblem(problem)
    os.environ["KERAS_BACKEND"] = _BACKEND
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import keras

    return keras


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' own reports off the screen."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


class _Network:
    """A fitted network with what prepares its input and undoes the scaling of its output."""

    def __init__(self, network: Any, prepare: Any, classes: int, mean: float, scale: float) -> None:
        self.network = network
        self.prepare = prepare
        self.classes = classes
        self.mean = mean
        self.scale = scale

    def __call__(self, design: pd.DataFrame) -> np.ndarray:
        """Return (n, k) probabilities, or (n,) values."""
        output = self._forward(self.prepare.transform(design))
        if not self.classes:
            return output[:, 0] * self.scale + self.mean
        if output.shape[1] == 1:
            return np.column_stack([1 - output[:, 0], output[:, 0]])
        total = output.sum(axis=1, keepdims=True)
        return output / np.where(total > 0, total, 1)

    def _forward(self, matrix: np.ndarray) -> np.ndarray:
        # JAX compiles for each shape: batches are filled up to a few fixed sizes.
        rows = len(matrix)
        size = min(4096, max(32, 1 << (rows - 1).bit_length()))
        parts = []
        for start in range(0, rows, size):
            batch = matrix[start : start + size]
            padded = np.zeros((size, matrix.shape[1]), dtype=np.float32)
            padded[: len(batch)] = batch
            parts.append(np.asarray(self.network.predict_on_batch(padded))[: len(batch)])
        if not parts:
            parts = [np.zeros((0, max(1, self.classes)))]
        output = np.concatenate(parts).astype(np.float64)
        return output.reshape(len(output), -1)

    def loss(self, matrix: np.ndarray, target: np.ndarray) -> float:
        """Return the loss that training minimised: cross-entropy, or the squared error."""
        output = self._forward(matrix)
        if not self.classes:
            return float(((output - target) ** 2).mean())
        # In single precision, as Keras counts: a sure and wrong row costs 15.9, not 16.1.
        output = np.clip(output.astype(np.float32), _SMALLEST, np.float32(1) - _SMALLEST)
        if output.shape[1] == 1:
            return float(-np.log(np.where(target > 0.5, output, 1 - output)).mean())
        return float(-(target * np.log(output)).sum(axis=1).mean())

    def save(self, folder: Path) -> None:
        """Write network, preparation and scaling."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / MODEL_FILE
        self.network.save(path)
        path.write_bytes(normalised(path.read_bytes(), _stable))
        skops_file.save(self.prepare, folder / PREPARE_FILE)
        facts = {"classes": self.classes, "mean": self.mean, "scale": self.scale}
        write_text(folder / FACTS_FILE, dumps(facts))


def _stable(name: str, content: bytes) -> tuple[str, bytes]:
    if name == "metadata.json":
        facts = json.loads(content)
        facts.pop("date_saved", None)
        content = dumps(facts).encode()
    elif name == "config.json":
        # Keras names shared objects by address in memory.
        content = Renumbering(r'"shared_object_id": (\d+)')(content.decode()).encode()
    return name, content


class _Trials:
    """One AutoKeras search."""

    def __init__(self, keras: Any, task: SearchTask) -> None:
        self.keras = keras
        self.task = task
        self.done = 0

    def run(self) -> list[Candidate]:
        task = self.task
        self.keras.utils.set_random_seed(task.seed)
        rows = self._sampled_rows()
        design = task.train.iloc[rows].reset_index(drop=True)
        self.prepare = make_preprocessor(design).fit(design)
        matrix = self.prepare.transform(design)
        target, mean, scale = self._target(rows)
        inner, held_out = self._hold_out(rows)
        search = self._search_object(matrix.shape[1])
        problem = ""
        try:
            search.fit(
                matrix[inner],
                target[inner],
                validation_data=(matrix[held_out], target[held_out]),
                epochs=task.budget.epochs,
                batch_size=_batch_size(len(inner)),
                callbacks=self._callbacks(search),
                verbose=0,
            )
        except Exception as error:
            # Its tuner gives up after several failed trials; those that ended well still count.
            problem = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
        self.held_out = matrix[held_out], target[held_out]
        return self._candidates(search.tuner, mean, scale, problem)

    def _sampled_rows(self) -> np.ndarray:
        train = self.task.train
        most = _MOST_CELLS // max(1, train.shape[1])
        if len(train) <= most:
            return np.arange(len(train))
        self.task.note(f"autokeras: {most} of {len(train)} training rows fit into memory")
        chosen = np.random.default_rng(self.task.seed).choice(len(train), most, replace=False)
        return np.sort(chosen)

    def _target(self, rows: np.ndarray) -> tuple[np.ndarray, float, float]:
        task = self.task
        if task.task == "regression":
            values = task.target[rows].astype(np.float64)
            mean, scale = float(values.mean()), float(values.std()) or 1.0
            return ((values - mean) / scale).astype(np.float32).reshape(-1, 1), mean, scale
        codes = task.codes()[rows]
        if task.task == "binary":
            return codes.astype(np.float32).reshape(-1, 1), 0.0, 1.0
        return np.eye(len(task.classes), dtype=np.float32)[codes], 0.0, 1.0

    def _hold_out(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return positions to learn from, and to stop and rank by; classes in proportion."""
        generator = np.random.default_rng(self.task.seed)
        order = generator.permutation(len(rows))
        if self.task.task != "regression":
            codes = self.task.codes()[rows]
            order = order[np.argsort(codes[order], kind="stable")]
        every = round(1 / _HELD_OUT)
        chosen = np.zeros(len(rows), dtype=bool)
        chosen[order[every - 1 :: every]] = True
        if not chosen.any():
            chosen[order[-1]] = True
        return np.flatnonzero(~chosen), np.flatnonzero(chosen)

    def _search_object(self, columns: int) -> Any:
        import autokeras

        # Left to itself AutoKeras takes a column of few values for categories, and encodes it
        # again by a step that its exported network does not hold.
        names = [f"x{number}" for number in range(columns)]

        task = self.task
        kind = (
            autokeras.StructuredDataRegressor
            if task.task == "regression"
            else autokeras.StructuredDataClassifier
        )
        return kind(
            column_names=names,
            column_types=dict.fromkeys(names, "numerical"),
            max_trials=task.budget.trials,
            objective="val_loss",
            directory=task.scratch,
            project_name="autokeras",
            overwrite=True,
            seed=task.seed,
        )

    def _callbacks(self, search: Any) -> list[Any]:
        trials = self
        keras = self.keras

        class Watch(keras.callbacks.Callback):  # type: ignore[name-defined,misc]
            """Reports each trial, and ends the search when its time is over."""

            def __deepcopy__(self, _: Any) -> Watch:
                return self  # the tuner copies callbacks for each trial

            def on_train_begin(self, logs: Any = None) -> None:
                trials.task.progress(
                    f"autokeras: network {trials.done + 1}", trials.done, trials.task.budget.trials
                )
                trials.done += 1

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                left = trials.task.seconds_left()
                if left is not None and left <= 0:
                    self.model.stop_training = True
                    search.tuner.oracle.max_trials = trials.done

        stop = keras.callbacks.EarlyStopping(
            monitor="val_loss", patience=_PATIENCE, restore_best_weights=True
        )
        return [stop, Watch()]

    def _candidates(self, tuner: Any, mean: float, scale: float, problem: str) -> list[Candidate]:
        candidates = []
        for number, trial_id in enumerate(sorted(tuner.oracle.trials), start=1):
            trial = tuner.oracle.trials[trial_id]
            if trial.status != "COMPLETED":
                lines = (trial.message or problem or "no reason given").strip().splitlines()
                self.task.failures.append(f"autokeras_{number}: {lines[-1][:200]}")
                continue
            network = _Network(
                tuner.load_model(trial), self.prepare, len(self.task.classes), mean, scale
            )
            loss = network.loss(*self.held_out)
            if not np.isclose(loss, trial.score, rtol=1e-3, atol=1e-4):
                self.task.failures.append(
                    f"autokeras_{number}: taken out of its search the network has the loss"
                    f" {loss:.4g}, in it {trial.score:.4g}"
                )
                continue
            candidates.append(
                Candidate(
                    name=f"autokeras_{number}",
                    engine="autokeras",
                    family="neural network",
                    predict=network,
                    save=network.save,
                    details=_details(trial, network.network),
                )
            )
            self.task.found(candidates[-1])
        if problem:
            self.task.failures.append(f"AutoKeras stopped early: {problem}")
        return candidates


def _batch_size(rows: int) -> int:
    # About 60 steps an epoch: small tables need updates, large ones must not take hours.
    wanted = rows // 60
    return int(min(1024, max(32, 1 << max(0, wanted.bit_length() - 1))))


def _details(trial: Any, network: Any) -> dict[str, str]:
    values = trial.hyperparameters.values
    details = {
        "parameters": str(network.count_params()),
        "epochs": str((trial.best_step or 0) + 1),
    }
    for wanted in ("num_layers", "dropout", "optimizer", "learning_rate"):
        found = next((v for k, v in sorted(values.items()) if k.split("/")[-1] == wanted), None)
        if found is not None:
            details[wanted.replace("_", " ")] = (
                f"{found:g}" if isinstance(found, float) else str(found)
            )
    return details


ENGINE = AutoKerasEngine
