"""Which trials a search may fit: presets, rungs, and the order of promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.automl import engines
from toolkit.automl.engines.base import Trial
from toolkit.automl.task import TaskFacts
from toolkit.errors import ProjectError

if TYPE_CHECKING:
    from toolkit.project.search import AutoML

H2O_ALGORITHMS = (
    "GLM", "DRF", "XRT", "GBM", "XGBoost", "DeepLearning", "StackedEnsemble",
)  # fmt: skip


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
        AutoKeras: architectures tried, and passes over the rows.
    """

    models: int
    folds: int
    trials: int
    epochs: int


PRESETS = {
    "quick": Preset(models=9, folds=3, trials=2, epochs=20),
    "balanced": Preset(models=18, folds=5, trials=3, epochs=40),
    "thorough": Preset(models=60, folds=8, trials=10, epochs=100),
}
_TIMED = 200
"""Trials that a search limited by time alone may take."""


def effective(choices: AutoML) -> Preset:
    """Return the preset, with what the project says in its place."""
    preset, budget = PRESETS[choices.preset], choices.budget
    models = budget.models or (_TIMED if budget.seconds is not None else preset.models)
    return Preset(
        models=models,
        folds=choices.folds or preset.folds,
        trials=budget.trials or preset.trials,
        epochs=budget.epochs or preset.epochs,
    )


def make_plan(choices: AutoML, facts: TaskFacts, names: list[str]) -> list[Trial]:
    """Return the trials of some engines, rung by rung, engines taking turns within a rung.

    Parameters
    ----------
    choices : AutoML
        Excluded algorithms and constraints are left out.
    facts : TaskFacts
        What engines plan by.
    names : list of str
        Engines that are there.
    """
    plans = {name: engines.get(name).plan(facts) for name in names}
    known = {label for plan in plans.values() for trial in plan for label in _labels(trial)}
    unknown = [name for name in choices.exclude if name.casefold() not in known]
    unknown = [name for name in unknown if name not in H2O_ALGORITHMS]
    if unknown:
        raise ProjectError(
            f"no engine has an algorithm {', '.join(unknown)}",
            where="automl.exclude",
            expected=", ".join(sorted({t.family for plan in plans.values() for t in plan})),
        )
    excluded = {name.casefold() for name in choices.exclude}
    kept = [
        (trial.rung, turn, names.index(name), trial)
        for name, plan in plans.items()
        for turn, trial in enumerate(plan)
        if not excluded & _labels(trial)
        and (trial.interpretable or not choices.constraints.interpretable)
    ]
    return [trial for *_, trial in sorted(kept, key=lambda item: item[:3])]


def _labels(trial: Trial) -> set[str]:
    algorithm = trial.settings.get("algorithm")
    names = {trial.family, trial.name, trial.engine, *([algorithm] if algorithm else [])}
    return {name.casefold() for name in names}
