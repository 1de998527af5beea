"""Which trials a search may fit: presets, sizes of tables, and which trials come first."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from toolkit.automl import engines
from toolkit.automl.engines.base import Trial
from toolkit.automl.task import Size, TaskFacts
from toolkit.errors import EngineError, ProjectError

if TYPE_CHECKING:
    from toolkit.project.search import AutoML


@dataclass(frozen=True)
class Preset:
    """What a search does where the budget does not say.

    Attributes
    ----------
    models : int
        Trials, over all engines.
    folds : int
        Shared folds.
    trials, epochs : int
        AutoKeras: architectures tried, and passes over the rows. Without architectures there is
        no network for tables; images and texts have theirs all the same.
    members : int
        Models that the ensemble may be made of; twice as many where rows are few.
    speedup : float
        By how much boosting's learning rates are raised, so that fewer rounds suffice, and how many
        times fewer trees a forest has.
    """

    models: int
    folds: int
    trials: int
    epochs: int
    members: int = 4
    speedup: float = 1.0


PRESETS = {
    "quick": Preset(models=9, folds=3, trials=2, epochs=20),
    "balanced": Preset(models=18, folds=5, trials=3, epochs=40, members=8),
    "thorough": Preset(models=60, folds=8, trials=10, epochs=100, members=8),
}
BALANCED = (
    (100_000, Preset(models=18, folds=5, trials=3, epochs=40)),
    (300_000, Preset(models=12, folds=3, trials=1, epochs=10, speedup=1.5)),
    (1_000_000, Preset(models=10, folds=3, trials=1, epochs=4, speedup=1.5)),
    (2_000_000, Preset(models=9, folds=3, trials=0, epochs=4, speedup=2.5)),
    (np.inf, Preset(models=5, folds=3, trials=0, epochs=4, speedup=4.0)),
)
"""What `balanced` means, by the most cells (see `Size.cells`) for which it does."""
_TIMED = 200
"""Trials that a search limited by time alone may take."""


def effective(choices: AutoML, size: Size | None = None) -> Preset:
    """Return the preset, with what the project says in its place.

    Parameters
    ----------
    choices : AutoML
        The project's section.
    size : Size, optional
        By which `balanced` is cut down; without it, and under a limit in seconds, it is not.
    """
    preset, budget = PRESETS[choices.preset], choices.budget
    if choices.preset == "balanced" and size is not None and budget.seconds is None:
        preset = next(cut for most, cut in BALANCED if size.cells <= most)
    models = budget.models or (_TIMED if budget.seconds is not None else preset.models)
    return replace(
        preset,
        models=models,
        folds=choices.folds or preset.folds,
        trials=budget.trials or preset.trials,
        epochs=budget.epochs or preset.epochs,
    )


def make_plan(choices: AutoML, facts: TaskFacts, names: list[str]) -> list[Trial]:
    """Return the trials of some engines, round by round, engines taking turns within a round.

    Parameters
    ----------
    choices : AutoML
        Excluded algorithms and constraints are left out.
    facts : TaskFacts
        What engines plan by.
    names : list of str
        Engines that are there.
    """
    plans = {name: _planned(name, facts) for name in names}
    whole = replace(facts, trials=max(1, facts.trials))  # what may be excluded hangs on no size
    possible = [trial for name in names for trial in engines.get(name).plan(whole)]
    known = {label for trial in possible for label in _labels(trial)}
    unknown = [name for name in choices.exclude if name.casefold() not in known]
    if unknown:  # engines that are not searched have algorithms, too
        others = {name for engine in engines.installed_engines() for name in engine.algorithms}
        unknown = [name for name in unknown if name not in others]
    if unknown:
        raise ProjectError(
            f"no engine has an algorithm {', '.join(unknown)}",
            where="automl.exclude",
            expected=", ".join(sorted({trial.family for trial in possible})),
        )
    excluded = {name.casefold() for name in choices.exclude}
    # Rounds of a counted search wait for their slowest trial: in a later one it would be alone.
    counted = choices.budget.seconds is None
    plans = {
        name: [
            replace(trial, round=1) if counted and trial.long and trial.round == 2 else trial
            for trial in plan
        ]
        for name, plan in plans.items()
    }
    kept = [
        (trial.round, turn, names.index(name), trial)
        for name, plan in plans.items()
        for turn, trial in enumerate(plan)
        if not excluded & _labels(trial)
        and (trial.interpretable or not choices.constraints.interpretable)
    ]
    return [trial for *_, trial in sorted(kept, key=lambda item: item[:3])]


def _planned(name: str, facts: TaskFacts) -> list[Trial]:
    """Return an engine's trials, whose names are folders and must not meet another engine's."""
    plan = engines.get(name).plan(facts)
    own = re.compile(rf"{name}_[a-z0-9_]+")
    wrong = [trial for trial in plan if trial.engine != name or not own.fullmatch(trial.name)]
    names = [trial.name for trial in plan]
    if wrong or len(set(names)) < len(names):
        raise EngineError(
            f"the engine {name} plans a trial {(wrong[0].name if wrong else 'name twice')!r}",
            expected=f"names of their own such as {name}_1: small letters, digits and underscores",
            remedy="Correct the engine's `plan`",
        )
    return plan


def _labels(trial: Trial) -> set[str]:
    algorithm = trial.settings.get("algorithm")
    names = {trial.family, trial.name, trial.engine, *([algorithm] if algorithm else [])}
    return {name.casefold() for name in names}
