"""Where a search learns from a sample: what the rows that it left out may be worth."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats, metrics
from toolkit.automl.engines.base import Trial
from toolkit.automl.task import SearchTask
from toolkit.automl.workers.refit import refit
from toolkit.automl.workers.search_result import SearchCallbacks
from toolkit.automl.workers.trial_store import TrialRecord
from toolkit.errors import ToolkitError

if TYPE_CHECKING:
    from toolkit.run.stage import Stage

_PATIENCE = 6.0
_LEAST_SECONDS = 20.0


def halved(
    stage: Stage,
    task: SearchTask,
    trial: Trial,
    oof: np.ndarray,
    folder: Path,
    *,
    took: float | None = None,
) -> None:
    """Fit a trial on half of its rows, and note by how much it is worse on them.

    Learning curves flatten: what one doubling of the rows brought bounds what the next one
    would (Viering and Loog 2023, "The shape of learning curves: a review").

    Parameters
    ----------
    stage : Stage
        Takes the note.
    task : SearchTask
        The task of the search, of which `task.drawn_from` rows were to be had.
    trial : Trial
        A trial that is fitted quickly.
    oof : array of shape (n, k) or (n,)
        Its out-of-fold scores in the search.
    folder : Path
        Takes the place of a run; removed afterwards.
    took : float, optional
        Seconds that it took in the search, if time is limited. Half of the rows should take half
        as long; the limit is much wider, so that the trial does not hurry.
    """
    generator = np.random.default_rng(task.facts.seed + 2)
    half = np.sort(generator.permutation(len(task.target))[: len(task.target) // 2])
    small = task.part(half)
    stage.progress(f"learning curve: {trial.name} on {len(half):,} rows")
    hurried = _Hurried()
    limit = None if took is None else max(_LEAST_SECONDS, _PATIENCE * took)
    try:
        store = refit(stage.project, small, [trial], folder, seconds=limit, callbacks=hurried)
        again = store.oof(trial.name)
    except ToolkitError as error:
        stage.note(f"What more rows would bring is not known: {error.problem}")
        return
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rows = small.folds.scored
    metric = metrics.get(metrics.resolve(stage.project)[0])
    context = metrics.Context(task.facts.task, task.facts.classes, None, stage.project.costs)
    found = metrics.paired_difference(
        metric, small.target[rows], oof[half][rows], again[rows], context,
        resampling=metrics.Resampling.of(stage.project),
        weights=None if small.weights is None else small.weights[rows],
    )  # fmt: skip
    total = task.drawn_from or len(task.target)
    doublings = np.log2(total / len(task.target))
    ends = (found.value, found.low, found.high)
    value, low, high = (
        "unknown" if end is None else formats.number(end, 2, sign=True) for end in ends
    )
    stage.note(
        f"What the sample costs: {trial.name} on all {len(task.target):,} rows of it, beside half"
        f" of them, changes {metric.title} by {value} ({low} to {high}); all {total:,} rows"
        f" are {doublings:.1f} doublings more, each worth less than the one before"
        + "".join(f"; on the half, {note}" for note in hurried.notes)
    )


class _Hurried(SearchCallbacks):
    """Keeps what was degraded in the fit on half of the rows: the comparison suffers from it."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def finished(self, trial: Trial, record: TrialRecord, before: bool) -> None:
        self.notes += record.notes
