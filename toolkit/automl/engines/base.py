"""What an engine is: it plans trials, fits one, and loads what it fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from toolkit.automl.files.model_file import installed

if TYPE_CHECKING:
    import numpy as np

    from toolkit.automl.inputs import Inputs
    from toolkit.automl.task import SearchTask, TaskFacts
    from toolkit.forests import TreeEnsemble

Scorer = Callable[["Inputs"], "np.ndarray"]
"""Gives (n, k) probabilities in the order of the task's classes, or (n,) values."""


_LONG = 5.0
"""Boosted models that a trial takes as long as, to be called long."""


@dataclass(frozen=True)
class Trial:
    """One model that is to be fitted.

    Attributes
    ----------
    name : str
        Unique and the same in every replay, such as ``lightgbm_2``.
    engine : str
        The engine's name.
    family : str
        The algorithm in words, as the leaderboard shows it.
    round : int
        The round of the search in which it is due, from 1.
    settings : dict
        What the engine needs to know to fit it: JSON values only. It is part of the trial's
        identity, so everything that the model depends on besides the task stands here.
    cost : float
        How long it takes, roughly, in units of one boosted model (1.0).
    interpretable : bool
        Whether the fitted model can be read whole.
    monotonic : bool
        Whether it keeps to monotonic constraints.
    """

    name: str
    engine: str
    family: str
    round: int
    settings: dict[str, Any] = field(default_factory=dict)
    cost: float = 1.0
    interpretable: bool = False
    monotonic: bool = False

    @property
    def long(self) -> bool:
        """Whether it takes several times as long as most."""
        return self.cost >= _LONG


@dataclass(frozen=True)
class Candidate:
    """A fitted model.

    Attributes
    ----------
    oof : numpy.ndarray
        Out-of-fold scores of the training rows: (n, k) or (n,); NaN in rows that no fold
        holds out. Each is predicted by a model that was fitted without the row's fold.
    predict : Scorer
        Scores before calibration.
    save : callable
        Writes the model's native files into a folder.
    details : dict of str
        What a reader may want to know: layers, trees.
    complexity : float, optional
        Coefficients, leaves or weights, in all.
    notes : list of str
        What was sampled or degraded, a sentence each.
    """

    oof: np.ndarray
    predict: Scorer
    save: Callable[[Path], None]
    details: dict[str, str] = field(default_factory=dict)
    complexity: float | None = None
    notes: list[str] = field(default_factory=list)


class Engine(Protocol):
    """A family of models.

    `plan` and `available` run in the notebook and must be quick: no heavy import. `fit` runs
    in a worker process, which may be killed at any time; `load` runs anywhere.
    """

    name: str
    packages: tuple[str, ...]
    """Distributions whose versions decide whether a saved model can be loaded."""
    group: str
    """Engines of one group share a worker process, and run one after the other."""

    @property
    def version(self) -> str:
        """The version of what does the work."""

    def available(self) -> str:
        """Return why the engine cannot be used here; empty if it can."""

    def plan(self, facts: TaskFacts) -> list[Trial]:
        """Return trials in the order of their promise: the search takes as many as it may.

        A plan for more models begins with the plan for fewer.
        """

    def seconds(self, facts: TaskFacts, trial: Trial) -> float:
        """Return about how long a trial takes on one core of the reference machine.

        It is told to people beforehand, and decides nothing.
        """

    def fit(self, task: SearchTask, trial: Trial) -> Candidate:
        """Fit one trial on all folds.

        Raises
        ------
        EngineError, ValueError, MemoryError
            If it cannot be fitted; the search goes on with the next.
        """

    def load(self, folder: Path) -> Scorer:
        """Return the scorer of a model that a candidate saved."""

    def tree_ensembles(self, folder: Path) -> list[TreeEnsemble]:
        """Return a saved model as forests that add up to it; empty where it is no such sum."""

    def linear(self, folder: Path) -> bool:
        """Return whether a saved model is a sum of one term for each design column.

        Of classes it is their margins that are such a sum.
        """


class PythonEngine:
    """What engines on one Python library have in common: the first of `packages` does the work."""

    packages: tuple[str, ...]
    group = "python"
    pace = (1.0, 20.0)
    """Seconds of a trial, and for a million cells on five folds at a cost of 1."""

    def seconds(self, facts: TaskFacts, trial: Trial) -> float:
        """Return about how long a trial takes on one core of the reference machine."""
        return paced(self.pace, facts, trial)

    @property
    def version(self) -> str:
        """The library's version."""
        return installed(self.packages[0])

    def tree_ensembles(self, folder: Path) -> list[TreeEnsemble]:
        """Return no forests: engines of trees say otherwise."""
        return []

    def linear(self, folder: Path) -> bool:
        """Return False: engines of linear models say otherwise."""
        return False

    def available(self) -> str:
        """Return why the engine cannot be used here; empty if it can."""
        name = self.packages[0]
        if installed(name) != "not installed":
            return ""
        return f"{name} is not installed (pip install 'jupyter-automl-toolkit[boosting]')"


def paced(pace: tuple[float, float], facts: TaskFacts, trial: Trial) -> float:
    """Return the seconds of a trial that takes some in any case, and others for a million cells."""
    fixed, million = pace
    return fixed + million * facts.size.cells / 1e6 * facts.folds / 5 * trial.cost
