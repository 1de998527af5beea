"""AutoKeras: a search over networks for tables, texts and images, on Keras with JAX."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.automl.engines.autokeras.row_limits import SEARCHED, VISITS
from toolkit.automl.engines.base import Candidate, Engine, Scorer, Trial
from toolkit.automl.files.model_file import installed
from toolkit.errors import EnvironmentProblem

if TYPE_CHECKING:
    from toolkit.automl.engines.autokeras.input_gradients import Slopes
    from toolkit.automl.task import SearchTask, TaskFacts

_BACKEND = "jax"
_MEMBERS = 8
_FAMILIES = {
    "table": "neural network",
    "text": "neural network on texts",
    "image": "neural network on images",
}
_COST = {"table": 6.0, "text": 8.0, "image": 20.0}
_START = 15.0
"""Seconds in which libraries are loaded and the first steps compiled."""
_SPEED = {"table": 20_000, "text": 8_000, "image": 1_500}
"""Rows that networks see in a second of training."""


class AutoKerasEngine(Engine):
    """Networks: one architecture a trial, found by AutoKeras and fitted on all folds."""

    name = "autokeras"
    title = "AutoKeras"
    description = "neural networks; the one that reads texts and images as they are"
    packages = ("autokeras", "keras", "scikit-learn")
    process_group = "autokeras"
    runs_alone = True
    deep = True

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

    def plan(self, facts: TaskFacts) -> list[Trial]:
        """Return a trial for images or texts as they are, if there are any, and for the table.

        Without architectures to try there is none for the table.
        """
        trials = []
        texts, images = facts.of_type("text"), facts.of_type("image")
        if images:
            kinds = ["image", *(["text"] if texts else []), "table"]
            trials.append(_trial(facts, "autokeras_image_1", kinds, round=1))
        if texts:
            trials.append(_trial(facts, "autokeras_text_1", ["text", "table"], round=1))
        if facts.width and facts.trials:
            trials.append(_trial(facts, "autokeras_1", ["table"], round=2))
        return trials

    def seconds(self, facts: TaskFacts, trial: Trial) -> float:
        """Return about how long a trial takes on one core of the reference machine."""
        main = trial.settings["kinds"][0]
        tried = min(facts.rows, SEARCHED[main]) * trial.settings["architectures"]
        seen = [min(VISITS[main], facts.epochs * rows) for rows in (tried, facts.rows)]
        return _START + (seen[0] + facts.folds * seen[1]) / _SPEED[main]

    def fit(self, task: SearchTask, trial: Trial) -> Candidate:
        """Search for an architecture, then fit it on each fold."""
        began = time.monotonic()
        load_keras(task.facts.threads)
        from toolkit.automl.engines.autokeras.fit import Fit

        with quiet():
            return Fit(task, trial, began).run()

    def load(self, folder: Path) -> Scorer:
        """Return the scorer of saved networks."""
        keras = load_keras()
        from toolkit.automl.engines.autokeras.network import Networks

        with quiet():
            networks = Networks.load(folder, keras)

        def score(inputs: Any) -> Any:
            with quiet():
                return networks.score(inputs)

        return score

    def gradients(self, folder: Path) -> Slopes | str:
        """Return saved networks' scores and gradients, or why they have none."""
        keras = load_keras()
        from toolkit.automl.engines.autokeras.input_gradients import Slopes, refusal
        from toolkit.automl.engines.autokeras.network import Networks

        with quiet():
            networks = Networks.load(folder, keras)
            return refusal(networks) or Slopes(networks)


def _trial(facts: TaskFacts, name: str, kinds: list[str], round: int) -> Trial:
    main = kinds[0]
    settings = {
        "kinds": kinds,
        "architectures": max(1, facts.trials),
        "epochs": facts.epochs,
        "members": _MEMBERS,
    }
    if main == "image":
        settings["augmentation"] = facts.augmentation
    return Trial(name, "autokeras", _FAMILIES[main], round, settings, _COST[main])


def load_keras(threads: int | None = None) -> Any:
    """Return the Keras module on the JAX backend.

    Parameters
    ----------
    threads : int, optional
        Threads that JAX may use, if this is what starts it.

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
    if threads is not None:
        os.environ.setdefault("NPROC", str(threads))  # XLA makes its pool that large
    import keras

    return keras


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' own reports off the screen."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
