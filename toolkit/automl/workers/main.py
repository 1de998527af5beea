"""A process that fits trials, one at a time; if it dies, only its trial is lost.

It takes orders as lines of JSON on its standard input and answers in lines of JSON on
its standard output. It ends when its input ends: with its owner, however that ended.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from toolkit import formats
from toolkit.automl import engines
from toolkit.automl.engines.base import Candidate, Trial
from toolkit.automl.files.model_file import FEATURES, NATIVE, facts_of, write_facts
from toolkit.automl.model.saved_model import saved_model
from toolkit.automl.task import SearchTask
from toolkit.automl.workers.trial_store import TrialRecord, TrialStore
from toolkit.errors import ToolkitError
from toolkit.project.criteria import Costs
from toolkit.project.data import Column

SAME = 1e-6
"""How far a saved model's predictions may be from the fitted one's, in units of the scores."""
_PROBE = 1000
_QUIET = 0.5  # seconds between two lines of progress


class ReloadMismatch(Exception):
    """A saved model does not predict what the fitted one did."""


def main() -> None:
    """Serve orders until the input ends."""
    run = Path(sys.argv[1])
    answers = _own_output()
    orders: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    store = TrialStore(run)
    task = SearchTask.load(store.task)
    while True:
        order = orders.get()
        _say(answers, {"kind": "ended", **fit_trial(store, task, order, answers)})


def _own_output() -> IO[str]:
    # Libraries print to descriptor 1; answers need one that nobody else writes to.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _listen(orders: queue.Queue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        orders.put(json.loads(line))
    os._exit(0)


def _say(answers: IO[str], message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def fit_trial(
    store: TrialStore, task: SearchTask, order: dict[str, Any], answers: IO[str]
) -> dict[str, Any]:
    """Fit one trial, keep its model, and return its record or why it did not work."""
    trial = Trial(**order["trial"])
    last = [0.0]

    def progress(text: str, done: int = 0, total: int = 0) -> None:
        if time.monotonic() - last[0] > _QUIET:
            last[0] = time.monotonic()
            _say(answers, {"kind": "progress", "text": text, "done": done, "total": total})

    task = replace(
        task, seconds=order["seconds"], scratch=store.scratch(trial.name), progress=progress
    )
    try:
        started = time.monotonic()
        candidate = engines.get(trial.engine).fit(task, trial)
        seconds = time.monotonic() - started
        _refuse_unfit(task, candidate)
        scoring = save(store.model(trial.name), task, trial, candidate)
        record = TrialRecord(
            name=trial.name,
            fingerprint=order["fingerprint"],
            seconds=round(seconds, 2),
            scoring_seconds=scoring,
            details=candidate.details,
            complexity=candidate.complexity,
            notes=candidate.notes,
        )
        record = store.finish(record, candidate.oof)
    except ToolkitError as error:
        return {"trial": trial.name, "error": error.line()}
    except MemoryError:
        return {"trial": trial.name, "error": "ran out of memory"}
    except Exception as error:  # whatever a library raises costs this trial, not the search
        lines = str(error).strip().splitlines() or [""]
        return {"trial": trial.name, "error": f"{type(error).__name__}: {lines[0][:300]}"}
    return {"trial": trial.name, "error": "", "record": asdict(record)}


def _refuse_unfit(task: SearchTask, candidate: Candidate) -> None:
    scores = candidate.oof[task.folds.scored]
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores).reshape(len(scores), -1).all(axis=1)).sum())
        raise ReloadMismatch(f"{bad} of {len(scores)} out-of-fold predictions are not numbers")


def save(folder: Path, task: SearchTask, trial: Trial, candidate: Candidate) -> float:
    """Write a model's folder, check that it predicts what was fitted, and time it.

    Returns
    -------
    float
        Seconds for 1,000 rows.
    """
    part = folder.with_name(f".part-{folder.name}")
    shutil.rmtree(part, ignore_errors=True)
    candidate.save(part / NATIVE)
    task.inputs.features.save(part / FEATURES)
    if task.schema is not None:
        task.schema.save(part)
    engine = engines.get(trial.engine)
    write_facts(
        part,
        facts_of(
            name=trial.name,
            engine=engine.name,
            packages=engine.requirements(),
            family=trial.family,
            task=task.facts.task,
            classes=task.facts.classes,
            columns={name: Column(**column) for name, column in task.facts.columns.items()},
            costs=Costs(),
            details=candidate.details,
            complexity=candidate.complexity,
        ),
    )
    probe = task.inputs.take(np.arange(min(_PROBE, len(task.inputs))))
    fitted = candidate.predict(probe)
    model = saved_model(part)
    saved = model.score(probe)
    scale = 1.0 if task.facts.classes else max(float(np.std(task.target)), 1e-12)
    gap = float(np.abs(saved - fitted).max()) / scale
    if not gap <= SAME:
        shutil.rmtree(part)
        raise ReloadMismatch(
            f"once saved it predicts otherwise (by {formats.number(gap, 2)}); left out"
        )
    started = time.monotonic()
    model.score(probe)
    seconds = (time.monotonic() - started) * 1000 / len(probe)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return round(seconds, 4)


if __name__ == "__main__":
    main()
