"""The search's best model on shuffled labels: it must score no better than chance."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from toolkit import canonical, formats, metrics
from toolkit.artifacts import Check, Entry, Interval, Leaderboard, Shuffled
from toolkit.automl.engines.base import Trial
from toolkit.automl.task import SearchTask
from toolkit.automl.workers.refit import refit
from toolkit.automl.workers.trial_store import SEARCH
from toolkit.errors import ToolkitError

if TYPE_CHECKING:
    from toolkit.run.stage import Stage

_FILE, _APART = "shuffled.json", "shuffled"
MOST_ROWS = 5_000
_CONFIDENCE = 0.99
"""Of the interval that decides: one sound search in 200 is suspected."""
_DEAR = 4.0
"""An ensemble's member is fitted again if it costs no more than so many boosted models."""

Fit = Callable[[SearchTask, Trial], np.ndarray]
"""Fits a trial on a task and gives its out-of-fold scores."""


@dataclass(frozen=True)
class ShuffledRecord:
    """The search's best model, and its score on shuffled labels."""

    result: Shuffled | None
    checks: list[Check]


def record(folder: Path, name: str, found: Shuffled | None, checks: list[Check]) -> None:
    """Keep the result for `choose`: it is made once a search, not at every click.

    Parameters
    ----------
    folder : Path
        `toolkit.automl.workers.trial_store.TrialStore.folder`.
    name : str
        The leaderboard's model that it stands for.
    """
    content = {
        "name": name,
        "result": None if found is None else found.model_dump(mode="json"),
        "checks": [check.model_dump(mode="json") for check in checks],
    }
    canonical.write_text(folder / _FILE, canonical.dumps(content))


def recorded(stage: Stage, entry: Entry) -> ShuffledRecord | None:
    """Return what is known of a champion on shuffled labels; None if it was not asked for."""
    if not stage.project.automl.sanity:
        return None
    try:
        path = stage.run.folder / SEARCH / _FILE
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ShuffledRecord(None, [_not_made("It was not made")])
    checks = [Check(**facts) for facts in content["checks"]]
    if content["name"] != entry.name:
        # What leaks is engine, folds or rows, which models share: the result still tells.
        checks.append(_not_made(f"It was made of {content['name']}, the best on the leaderboard"))
    result = content["result"]
    return ShuffledRecord(None if result is None else Shuffled(**result), checks)


def _not_made(text: str) -> Check:
    return Check(name="Shuffled labels of this champion", severity="info", message=f"{text}.")


def of_winner(
    stage: Stage, task: SearchTask, trials: dict[str, Trial], *, seconds: float | None = None
) -> None:
    """Fit the best on the leaderboard on shuffled labels, and keep what comes out for `choose`.

    Parameters
    ----------
    stage : Stage
        The open stage ``automl``, with leaderboard and out-of-fold predictions written.
    task : SearchTask
        The task of the search.
    trials : dict of str to Trial
        The plan, by name.
    seconds : float, optional
        The most that the fit may take.
    """
    if not stage.project.automl.sanity:
        return
    leaderboard = stage.read(Leaderboard)
    folder = stage.run.folder / SEARCH
    # Not of the champion: a click changes that after the search, and a replay knows it before.
    kept = [entry for entry in leaderboard.entries if not entry.violates]
    entry = (kept or leaderboard.entries)[0]
    trial = quick_member(entry.members or {entry.name: 1.0}, trials)
    if trial is None:
        return
    apart = folder / _APART

    def fit(small: SearchTask, wanted: Trial) -> np.ndarray:
        return refit(stage.project, small, [wanted], apart, seconds=seconds).oof(wanted.name)

    try:
        found, checks = shuffled(stage, task, trial, fit)
    except ToolkitError as error:
        record(folder, entry.name, None, [_failed(error.problem)])
    else:
        record(folder, entry.name, found, checks)
    finally:
        shutil.rmtree(apart, ignore_errors=True)


def _failed(reason: str) -> Check:
    return Check(
        name="Shuffled labels",
        severity="warning",
        message=f"The winner could not be fitted on shuffled labels: {reason}.",
        remedy="Run 04_automl.ipynb again with more time, or set automl.sanity to false",
    )


def quick_member(weights: dict[str, float], trials: dict[str, Trial]) -> Trial | None:
    """Return the trial that is fitted in place of an ensemble: its heaviest quick member.

    Parameters
    ----------
    weights : dict of str to float
        Of the ensemble.
    trials : dict of str to Trial
        By name; a member that is not there cannot be fitted again.

    Returns
    -------
    Trial or None
        If none is quick, the quickest.
    """
    there = [name for name in weights if name in trials]
    if not there:
        return None
    quick = [name for name in there if trials[name].cost <= _DEAR]
    if quick:
        return trials[max(quick, key=lambda name: (weights[name], name))]
    return trials[min(there, key=lambda name: (trials[name].cost, name))]


def shuffled(
    stage: Stage, task: SearchTask, trial: Trial, fit: Fit
) -> tuple[Shuffled, list[Check]]:
    """Fit a trial on labels in random order, where no model can beat a constant guess.

    Whatever beats it has seen the labels of the rows that it was judged on: an engine that
    learns from the rows held out, a transformation fitted on all rows, folds that overlap.

    Parameters
    ----------
    stage : Stage
        Gives metric and seed.
    task : SearchTask
        The task of the search; at most 5,000 of its rows are used.
    trial : Trial
        What is fitted.
    fit : callable
        Fits it, as the search did.
    """
    started = time.monotonic()
    small = permuted(task)
    stage.progress(f"sanity: {trial.name} on shuffled labels of {len(small.target):,} rows")
    oof = fit(small, trial)
    stage.progress(f"sanity: {time.monotonic() - started:.0f} s")
    facts, rows = task.facts, small.folds.scored
    metric = metrics.get(metrics.resolve(stage.project)[0])
    context = metrics.Context(facts.task, facts.classes, None, stage.project.costs)
    counted = None if small.weights is None else small.weights[rows]
    constant = metrics.constant_scores(
        small.target, len(rows), context, metric=metric.name, weights=small.weights
    )
    given = {"model": oof[rows], "constant": constant}
    judged = metrics.joint(
        metric, small.target[rows], given, context,
        resampling=replace(metrics.Resampling.of(stage.project), confidence=_CONFIDENCE),
        weights=counted,
    )  # fmt: skip
    difference = judged.difference("model", "constant")
    found = Shuffled(
        metric=metric.name,
        model=trial.name,
        score=judged.interval("model"),
        chance=judged.values["constant"],
        better_than_chance=_better(difference, metric.greater_is_better),
    )
    return found, [_check(found, trial, len(small.target), len(task.target))]


def permuted(task: SearchTask) -> SearchTask:
    """Return the task with targets (and what they weigh) in random order, on fewer rows."""
    generator = np.random.default_rng(task.facts.seed + 1)
    rows = np.arange(len(task.target))
    if len(rows) > MOST_ROWS:
        rows = np.sort(generator.permutation(rows)[:MOST_ROWS])
    order = rows[generator.permutation(len(rows))]
    return task.part(rows, order)


def _better(difference: Interval, greater_is_better: bool) -> bool:
    if difference.low is None or difference.high is None:
        return False
    return difference.low > 0 if greater_is_better else difference.high < 0


def _check(found: Shuffled, trial: Trial, rows: int, total: int) -> Check:
    title, score = metrics.get(found.metric).title, found.score
    some = f"{rows:,} of {total:,} rows" if rows < total else f"{rows:,} rows"
    value = "unknown" if score.value is None else formats.number(score.value, 4)
    chance = "unknown" if found.chance is None else formats.number(found.chance, 4)
    text = f"{title} of {trial.name} on shuffled labels ({some}): {value}; chance gives {chance}."
    if not found.better_than_chance:
        return Check(name="Shuffled labels", severity="ok", message=text)
    return Check(
        name="Shuffled labels",
        severity="critical",
        message=f"The model scores better than chance on shuffled labels. {text}",
        remedy="Do not trust the leaderboard: look for an engine that sees the rows held out"
        " (early stopping, encodings of the target) or rows that are in several folds",
    )
