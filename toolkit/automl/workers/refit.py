"""Fitting some trials once more, in processes and a folder of their own."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.automl.workers.scheduler import Scheduler
from toolkit.automl.workers.search_result import SearchCallbacks
from toolkit.automl.workers.trial_store import TrialStore
from toolkit.errors import EngineError

if TYPE_CHECKING:
    from toolkit.automl.engines.base import Trial
    from toolkit.automl.task import SearchTask
    from toolkit.project.model import Project


def refit(
    project: Project,
    task: SearchTask,
    trials: list[Trial],
    folder: Path,
    *,
    seconds: float | None = None,
    callbacks: SearchCallbacks | None = None,
) -> TrialStore:
    """Fit trials as a search does, with nothing taken over from an earlier one.

    Parameters
    ----------
    project : Project
        Threads, memory, and where H2O runs.
    task : SearchTask
        What is learned.
    trials : list of Trial
        What is fitted; trials that build on others need those too.
    folder : Path
        Takes the place of a run; what was there is removed.
    seconds : float, optional
        The most that it may take.
    callbacks : SearchCallbacks, optional
        Told how it goes.

    Returns
    -------
    TrialStore
        Of the folder: models and out-of-fold scores.

    Raises
    ------
    EngineError
        If a trial could not be fitted.
    """
    shutil.rmtree(folder, ignore_errors=True)
    store = TrialStore(folder)
    task.save(store.task)
    outcome = Scheduler(
        project,
        task,
        store,
        trials,
        most=len(trials),
        deadline=None if seconds is None else time.monotonic() + seconds,
        callbacks=callbacks or SearchCallbacks(),
    ).run()
    lacking = [trial.name for trial in trials if trial.name not in outcome.records]
    if lacking:
        reasons = [text for texts in outcome.failures.values() for text in texts]
        raise EngineError(
            f"{lacking[0]} could not be fitted again: {(reasons or [outcome.ended])[0]}"
        )
    return store
