"""Run one system on one task: ``python -P adapter.py SYSTEM.py TASK_FOLDER``.

Runs in the system's own environment, so it imports nothing of the toolkit, and of the
system only what ``SYSTEM.py`` imports. That file has one function::

    def fit(task: Task) -> Fitted

The task folder holds ``task.json``, ``train.parquet`` (features and target) and
``test.parquet`` (features only). Written are ``fitted.json`` as soon as there is a model,
``predictions.npy``, ``facts.json`` last, and ``failure.txt`` where something was raised.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import runpy
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

STARTED = "BENCHMARK_STARTED"
"""Environment variable: what `time.monotonic` gave when the process was started."""


@dataclass(frozen=True)
class Task:
    """What is to be learnt, and what may be spent.

    Attributes
    ----------
    folder : Path
        The system's own, for whatever it writes.
    kind : str
        binary, multiclass or regression.
    target : str
        The target's column in `train`: text for classes, float for regression.
    classes : list of str
        The order of columns in predictions; binary: negative, positive.
    metric : str
        What the predictions are judged by: auc, log_loss or rmse.
    budget : float
        Seconds from the start of the process to the fitted model.
    choices : list of str
        ``KEY=VALUE`` for the toolkit's project.
    """

    folder: Path
    table: str
    kind: str
    target: str
    classes: list[str]
    metric: str
    budget: float
    cores: int
    seed: int
    choices: list[str]
    started: float

    @property
    def train_file(self) -> Path:
        return self.folder / "train.parquet"

    @cached_property
    def train(self) -> Any:
        """Features and target."""
        import pandas as pd

        return pd.read_parquet(self.train_file)

    @cached_property
    def features(self) -> Any:
        """The features of the training rows."""
        return self.train.drop(columns=self.target)

    @property
    def scratch(self) -> Path:
        """An empty folder."""
        path = self.folder / "scratch"
        path.mkdir(exist_ok=True)
        return path

    def left(self) -> float:
        """Return the seconds of the budget that are left; at least one."""
        return max(1.0, self.budget - (time.monotonic() - self.started))


@dataclass(frozen=True)
class Fitted:
    """A model, and what there is to know of its search.

    Attributes
    ----------
    predict : callable
        Takes a frame of features; gives the positive class's probability (n,), the classes'
        probabilities (n, k) in the order of `Task.classes`, or values (n,).
    packages : list of str
        Distributions whose versions count.
    facts : dict
        JSON values.
    close : callable, optional
        Ends what the system started.
    """

    predict: Callable[[Any], Any]
    packages: list[str]
    facts: dict[str, Any] = field(default_factory=dict)
    close: Callable[[], None] = lambda: None


def read_task(folder: Path, started: float) -> Task:
    facts = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    return Task(folder=folder, started=started, **facts)


def write(path: Path, values: dict[str, Any]) -> None:
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def checked(task: Task, predictions: Any, rows: int) -> Any:
    import numpy as np

    found = np.asarray(predictions, dtype=np.float64)
    shape = (rows, len(task.classes)) if task.kind == "multiclass" else (rows,)
    if found.shape != shape:
        raise ValueError(f"predictions have the shape {found.shape}, not {shape}")
    if not np.isfinite(found).all():
        raise ValueError(f"{int((~np.isfinite(found)).sum())} predictions are not finite")
    return found


def run(system: Path, task: Task) -> None:
    import numpy as np
    import pandas as pd

    fitted = runpy.run_path(str(system))["fit"](task)
    fit_seconds = time.monotonic() - task.started
    write(task.folder / "fitted.json", {"fit_seconds": fit_seconds})
    test = pd.read_parquet(task.folder / "test.parquet")
    since = time.monotonic()
    predictions = checked(task, fitted.predict(test), len(test))
    predict_seconds = time.monotonic() - since
    np.save(task.folder / "predictions.npy", predictions)
    versions = {name: importlib.metadata.version(name) for name in fitted.packages}
    facts = {"fit_seconds": fit_seconds, "predict_seconds": predict_seconds}
    write(task.folder / "facts.json", facts | {"versions": versions, "facts": fitted.facts})
    fitted.close()


def main() -> int:
    system, folder = Path(sys.argv[1]), Path(sys.argv[2])
    # `from adapter import Fitted` in a system's file finds this module.
    sys.modules["adapter"] = sys.modules["__main__"]
    task = read_task(folder, float(os.environ.get(STARTED, time.monotonic())))
    if hasattr(os, "sched_setaffinity"):  # for what does not keep to the number of threads
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: task.cores])
    try:
        run(system, task)
    except Exception as error:
        traceback.print_exc()
        reason = f"{type(error).__name__}: {error}".strip().splitlines()[0]
        (folder / "failure.txt").write_text(reason[:300] + "\n", encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
