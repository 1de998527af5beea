"""About how long a run will take, said before it does.

The seconds come from counts alone: rows, columns, trials, folds. What one count costs was
measured once, on one core of a reference machine; how much slower or faster this machine is
right now is measured in a fraction of a second. The forecast decides nothing: what is computed
hangs on the counts, see ``docs/adr/0004-budget-in-counts.md``.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolkit.automl import engines
from toolkit.automl.task import Size, TaskFacts
from toolkit.automl.trial_plan import effective, make_plan
from toolkit.automl.workers.scheduler import WORKERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolkit.project.model import Project
    from toolkit.run.folder import Run
    from toolkit.run.stage import Stage

_AFTER_SEARCH, _AFTER_CELLS = 8.0, 6.0
"""Weighing, judging, choosing, shuffled labels: seconds, and seconds for a million cells."""
_EXPLAIN, _SCORED, _SCORED_COLUMN = 30.0, 60.0, 2.0
"""Seconds of ``05_evaluate`` and ``06_explain``, of what `thorough` scores in them, and of that
for each column: rows are capped, columns are not."""
_MITIGATED, _TRACED = 6.0, 3
"""Seconds to trace what fairness would cost for a protected column, of so many at most."""
_CLASS = 0.25
"""By how much each class after the second adds to what is scored."""
_REST, _REST_COLUMN, _REST_CELLS = 40.0, 0.4, 40.0
"""The other notebooks: seconds, for each column, and for a million cells."""
_ROUNDS = 16
_REFERENCE = 0.0083
"""Seconds of a round of `slowness` on the reference machine."""


@dataclass(frozen=True)
class Forecast:
    """About how long a run will take.

    Attributes
    ----------
    size : Size
        What the search learns from.
    models, folds : int
        What it may fit.
    search, explanation, total : float
        Seconds on this machine; the total holds every notebook.
    """

    size: Size
    models: int
    folds: int
    search: float
    explanation: float
    total: float

    def text(self) -> str:
        """Return it in a sentence."""
        return (
            f"About {minutes(self.total)} in all, {minutes(self.search)} of them for the search"
            f" ({self.models} models, {self.folds} folds) and {minutes(self.explanation)} for the"
            f" explanation: {self.size.rows:,} training rows, {self.size.columns:,} features."
        )


def forecast(stage: Stage) -> Callable[[], Forecast]:
    """Return a function that says how long a run will take with the choices as they stand.

    This machine is measured once, for a fraction of a second.

    Parameters
    ----------
    stage : Stage
        Open; ``01_scoping`` has to be done.

    Raises
    ------
    MissingArtifact
        If the number of rows is not known.
    """
    found, slow = counted(stage.run, stage.project), slowness()
    return lambda: of_rows(stage.project, *found, slow)


def counted(run: Run, project: Project) -> tuple[int, int]:
    """Return how many training rows and classes there are, or will be once rows are divided.

    Raises
    ------
    MissingArtifact
        If ``01_scoping`` is not done.
    """
    from toolkit.artifacts import Feasibility, Intake, SplitSummary

    classes = len(run.read(Feasibility).classes) if run.has(Feasibility) else 2
    if run.has(SplitSummary):
        parts = {part.part: part.rows for part in run.read(SplitSummary).parts}
        return parts["train"], classes
    share = 1 - project.split.validation - project.split.test
    return round(run.read(Intake).rows * share), classes


def of_rows(project: Project, rows: int, classes: int, slow: float) -> Forecast:
    """Return about how long a run on a table will take.

    Parameters
    ----------
    project : Project
        Its choices.
    rows, classes : int
        Training rows, and classes.
    slow : float
        How many times as long as the reference machine this one takes, see `slowness`.
    """
    choices = project.automl
    size = size_of(project, rows, classes)
    preset = effective(choices, size)
    workers = max(1, min(WORKERS, choices.budget.threads, _cores()))
    search = _trials(project, size) / workers + _AFTER_SEARCH + _AFTER_CELLS * size.cells / 1e6
    search *= slow
    if choices.budget.seconds is not None:
        search = choices.budget.seconds
    explanation = slow * (
        _EXPLAIN
        + choices.effort
        * (_SCORED + _SCORED_COLUMN * size.columns)
        * (1 + _CLASS * max(0, size.classes - 2))
        + _MITIGATED * (min(len(project.protected()), _TRACED) if size.classes == 2 else 0)
    )
    rest = _REST + _REST_COLUMN * size.columns + _REST_CELLS * rows * size.columns / 1e6
    rest *= slow
    return Forecast(
        size, preset.models, preset.folds, search, explanation, search + explanation + rest
    )


def size_of(project: Project, rows: int, classes: int) -> Size:
    """Return what a search learns from that has some training rows and classes."""
    excluded = set(project.automl.constraints.exclude)
    features = [name for name in project.features() if name not in excluded]
    several = 0 if project.target.task == "regression" else classes
    return Size(min(rows, project.automl.rows), len(features), several)


def slowness() -> float:
    """Return how many times as long as the reference machine this one takes now."""
    generator = np.random.default_rng(0)
    values, places = generator.random(100_000), generator.integers(0, 1_000, 100_000)
    taken = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        order = np.argsort(values)
        np.bincount(places[order], weights=np.exp(values[order])).sum()
        sum(int(value) for value in places[:20_000])
        taken.append(time.perf_counter() - began)
    # What interrupts a fraction of a second says little of the minutes to come.
    return float(np.clip(np.quantile(taken, 0.25) / _REFERENCE, 0.2, 20.0))


def minutes(seconds: float) -> str:
    """Return seconds as people say them."""
    if seconds < 50:
        return f"{max(10, round(seconds, -1)):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds >= 570 else f"{round(seconds / 30) / 2:g} min"


def _trials(project: Project, size: Size) -> float:
    """Return the seconds that the trials of a search take on one core of the reference machine."""
    choices, task = project.automl, project.target.task
    preset = effective(choices, size)
    facts = TaskFacts(
        task=task,
        classes=[str(number) for number in range(size.classes)],
        columns={
            name: project.columns[name].model_dump(mode="json") for name in project.features()
        },
        rows=size.rows,
        width=size.columns,
        seed=project.seed,
        folds=preset.folds,
        threads=1,
        ordered=project.split.method == "time",
        trials=preset.trials,
        epochs=preset.epochs,
        speedup=preset.speedup,
    )
    names: list[str] = [n for n in choices.engines if not engines.get(n).available()]
    plan = make_plan(choices, facts, names)[: preset.models]
    return sum(engines.get(trial.engine).seconds(facts, trial) for trial in plan)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
