"""Whether models keep to the constraints on the champion: measured on rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats
from toolkit.automl.inputs import Inputs

if TYPE_CHECKING:
    from toolkit.automl.model.saved_model import Model
    from toolkit.automl.task import SearchTask
    from toolkit.run.stage import Stage

_ROWS, _GRID = 100, 11
_SHUFFLED_ROWS = 1_000
_SLACK = 1.2
"""Times differ from machine to machine and from run to run: so much more is let pass."""
_SMALL = 1e-6
"""Differences that are rounding, in units of the scores (regression: of their deviation)."""


def violations(
    stage: Stage, task: SearchTask, models: dict[str, Model], seconds: dict[str, float]
) -> dict[str, list[str]]:
    """Return for each model the constraints that it does not keep to, a sentence each.

    Parameters
    ----------
    stage : Stage
        Gives ``automl.constraints``.
    task : SearchTask
        Gives real rows.
    models : dict of str to Model
        By name.
    seconds : dict of str to float
        To score 1,000 rows, by model.
    """
    limits = stage.project.automl.constraints
    found: dict[str, list[str]] = {name: [] for name in models}
    for done, (name, model) in enumerate(models.items()):
        said = found[name]
        if limits.milliseconds is not None and name in seconds:
            said += _too_slow(seconds[name], limits.milliseconds)
        if limits.interpretable and model.members:
            said.append("An average of several models is not interpretable.")
        if limits.monotonic or limits.force:
            stage.progress(f"constraints: {name}", done, len(models))
        for column, direction in limits.monotonic.items():
            said += _not_monotonic(task, model, column, direction)
        for column in limits.force:
            said += _unused(task, model, column)
    return found


def _too_slow(seconds: float, limit: float) -> list[str]:
    # Seconds for 1,000 rows are milliseconds for one.
    if seconds <= limit * _SLACK:
        return []
    return [
        # How much too long differs from run to run; it stands with the search's other times.
        f"Scoring one row takes longer than {formats.number(limit, 6)} ms (measured here in"
        f" batches of 1,000; up"
        f" to {formats.percent(_SLACK - 1)} more would pass)."
    ]


def _not_monotonic(task: SearchTask, model: Model, column: str, direction: str) -> list[str]:
    typed = task.inputs.typed
    generator = np.random.default_rng(task.facts.seed)
    rows = np.sort(generator.permutation(len(typed))[:_ROWS])
    known = typed[column].dropna().to_numpy(dtype=np.float64)
    values = np.unique(np.quantile(known, np.linspace(0, 1, _GRID))) if len(known) else known
    if len(values) < 2:
        return []
    # Each row once with each value, in ascending order.
    frame = typed.iloc[np.repeat(rows, len(values))].reset_index(drop=True)
    frame[column] = np.tile(values, len(rows))
    scores = _one(model.score(Inputs(frame, task.inputs.features))).reshape(len(rows), -1)
    steps = np.diff(scores, axis=1) * (1 if direction == "increasing" else -1)
    worst = float(-steps.min())
    if worst <= _SMALL * _unit(task, scores):
        return []
    share = float((steps < -_SMALL * _unit(task, scores)).any(axis=1).mean())
    return [
        f"{column}: the prediction is not always {direction}; for {formats.percent(share)} of"
        f" {len(rows)} rows"
        f" it goes the other way, by up to {formats.number(worst)}."
    ]


def _unused(task: SearchTask, model: Model, column: str) -> list[str]:
    typed = task.inputs.typed
    generator = np.random.default_rng(task.facts.seed)
    rows = np.sort(generator.permutation(len(typed))[:_SHUFFLED_ROWS])
    frame = typed.iloc[rows].reset_index(drop=True)
    shuffled = frame.copy()
    shuffled[column] = frame[column].iloc[generator.permutation(len(frame))].to_numpy()
    before = model.score(Inputs(frame, task.inputs.features))
    after = model.score(Inputs(shuffled, task.inputs.features))
    if float(np.abs(after - before).max()) > _SMALL * _unit(task, _one(before)):
        return []
    return [f"{column}: no prediction changes when its values are shuffled: it is not used."]


def _one(scores: np.ndarray) -> np.ndarray:
    return scores[:, -1] if scores.ndim == 2 else scores


def _unit(task: SearchTask, scores: np.ndarray) -> float:
    return 1.0 if task.facts.classes else max(float(np.std(scores)), 1e-12)
