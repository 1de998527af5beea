"""The leaderboard: every model's validation scores, with their uncertainty."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import metrics
from toolkit.artifacts import Entry, Interval, Leaderboard
from toolkit.automl.model import NATIVE, Model, read_facts

if TYPE_CHECKING:
    from toolkit.run.stage import Stage


def judge(
    stage: Stage,
    actual: np.ndarray,
    context: metrics.Context,
    models: dict[str, Model],
    predictions: dict[str, np.ndarray],
) -> Leaderboard:
    """Return the models best first, each compared with the best on the same resamples.

    Parameters
    ----------
    stage : Stage
        Gives metric, seed, and how the intervals are made.
    actual : array of shape (n,)
        Targets of the validation rows.
    context : Context
        What metrics need to know.
    models : dict of str to Model
        By name.
    predictions : dict of str to array
        Scores of the validation rows by name.
    """
    project = stage.project
    metric = metrics.get(metrics.resolve(project)[0])
    options: dict[str, Any] = {
        "resamples": project.explain.bootstrap,
        "confidence": project.explain.confidence,
        "seed": project.seed,
    }
    scores = {
        name: metrics.bootstrap(metric, actual, given, context, **options)
        for name, given in sorted(predictions.items())
    }
    order = sorted(scores, key=lambda name: _rank(scores[name], metric, name))
    entries = []
    for done, name in enumerate(order):
        stage.progress(f"judging {name}", done, len(order))
        difference = metrics.paired_difference(
            metric, actual, predictions[name], predictions[order[0]], context, **options
        )
        entries.append(
            Entry(
                name=name,
                engine=models[name].engine,
                family=models[name].family,
                score=scores[name],
                metrics={
                    other: metrics.get(other)(actual, predictions[name], context)
                    for other in metrics.for_task(context.task)
                },
                size_kib=size_kib(models[name].folder),
                within_noise=name != order[0] and _may_be_chance(difference),
                details=read_facts(models[name].folder)["details"],
            )
        )
    return Leaderboard(
        metric=metric.name,
        greater_is_better=metric.greater_is_better,
        train_rows=0,
        scored_rows=len(actual),
        entries=entries,
    )


def size_kib(folder: Path) -> float:
    """Return the size of a model's native files in KiB."""
    total = sum(item.stat().st_size for item in (folder / NATIVE).rglob("*") if item.is_file())
    return round(total / 1024, 1)


def _rank(score: Interval, metric: metrics.Metric, name: str) -> tuple[bool, float, str]:
    if score.value is None:
        return True, 0.0, name
    return False, -score.value if metric.greater_is_better else score.value, name


def _may_be_chance(difference: Interval) -> bool:
    if difference.low is None or difference.high is None:
        return True  # too few rows to tell
    return difference.low <= 0 <= difference.high
