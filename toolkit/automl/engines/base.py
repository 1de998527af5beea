"""What an engine is: it plans trials, fits one, and loads what it fitted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from toolkit.automl.files.model_file import installed
from toolkit.errors import EngineError

if TYPE_CHECKING:
    import numpy as np

    from toolkit.automl.inputs import Inputs
    from toolkit.automl.task import SearchTask, TaskFacts
    from toolkit.forests import TreeEnsemble
    from toolkit.project.model import Project

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


class Engine(ABC):
    """A family of models, and what is special about it.

    `plan` and `available` run in the notebook and must be quick: no heavy import. `fit` runs
    in a worker process, which may be killed at any time; `load` runs anywhere. Only the four
    abstract members have to be written; ``docs/how-to/engines.md`` shows a whole engine.
    """

    name: str
    """Its name in ``automl.engines``, and the first word of its trials' names."""
    title = ""
    """Its name in words; by default `name`."""
    description = ""
    """What it is, in one line of the panel."""
    packages: tuple[str, ...] = ()
    """Distributions whose versions decide whether a saved model can be loaded; the first does
    the work."""
    distribution = ""
    """The distribution that brings the engine; set where that is not the toolkit."""
    algorithms: tuple[str, ...] = ()
    """Names that ``automl.exclude`` may hold, besides those of planned trials."""
    process_group = "python"
    """Engines of one group share worker processes."""
    runs_alone = False
    """Whether one trial of its group runs at a time: they share a server, or much memory."""
    needs_server = False
    """Whether trials need a server that outlives them, see `start_server`; saved models do not."""
    deep = False
    """Whether it trains networks, whose rounding errors depend on threads and processor."""
    repeatable = True
    """Whether the same trial, rows, seed, versions and threads give the same model."""
    is_baseline = False
    """Whether its models are the simple ones that a champion has to beat."""
    pace = (1.0, 20.0)
    """Seconds of a trial, and for a million cells on five folds at a cost of 1."""

    @property
    def version(self) -> str:
        """The version of what does the work."""
        return installed(next(iter(self.requirements()), "jupyter-automl-toolkit"))

    def requirements(self) -> tuple[str, ...]:
        """Return the distributions that a saved model needs."""
        return (*self.packages, *([self.distribution] if self.distribution else []))

    def available(self) -> str:
        """Return why the engine cannot be used here; empty if it can."""
        lacking = [name for name in self.packages if installed(name) == "not installed"]
        if not lacking:
            return ""
        return f"{', '.join(lacking)} is not installed (pip install {' '.join(lacking)})"

    @abstractmethod
    def plan(self, facts: TaskFacts) -> list[Trial]:
        """Return trials, the most promising first: the search takes as many as it may.

        A plan for more models begins with the plan for fewer.
        """

    def seconds(self, facts: TaskFacts, trial: Trial) -> float:
        """Return about how long a trial takes on one core of the reference machine.

        It is shown to people beforehand, and decides nothing.
        """
        fixed, million = self.pace
        return fixed + million * facts.size.cells / 1e6 * facts.folds / 5 * trial.cost

    @abstractmethod
    def fit(self, task: SearchTask, trial: Trial) -> Candidate:
        """Fit one trial on all folds.

        Raises
        ------
        EngineError, ValueError, MemoryError
            If it cannot be fitted; the search goes on with the next.
        """

    @abstractmethod
    def load(self, folder: Path) -> Scorer:
        """Return the scorer of a model that a candidate saved; it needs no server."""

    # -- what is known of a saved model, for exact explanations ---------------------

    def tree_ensembles(self, folder: Path) -> list[TreeEnsemble]:
        """Return a saved model as forests that add up to it; empty where it is no such sum."""
        return []

    def is_linear(self, folder: Path) -> bool:
        """Return whether a saved model is a sum of one term for each design column.

        Of classes it is their margins that are such a sum.
        """
        return False

    def gradients(self, folder: Path) -> ModelGradients | str | None:
        """Return a saved model's scores and gradients, why it has none, or None for no network."""
        return None

    def members(self, folder: Path) -> dict[str, float]:
        """Return the weights of the models that a saved model averages; empty for others."""
        return {}

    # -- a server, for engines that need one ----------------------------------------

    def start_server(self, project: Project) -> tuple[dict[str, str], str]:
        """Make sure of a server; return what workers need in their environment, and a note.

        Raises
        ------
        EngineError
            If it does not start.
        """
        return {}, ""

    def server_answers(self, environment: dict[str, str], project: Project) -> bool:
        """Return whether the server whose address a worker was given is up."""
        return True

    def shared_server(self, project: Project) -> SharedServer:
        """Start a server for the search of a chain.

        Raises
        ------
        EngineError
            If it does not start.
        """
        raise EngineError(f"the engine {self.name} has no server")


class SharedServer(Protocol):
    """A running server that the processes of a chain share."""

    @property
    def environment(self) -> dict[str, str]:
        """What child processes need in their environment to find it."""

    def alive(self) -> bool:
        """Return whether it runs."""

    def stop(self) -> None:
        """End it."""


class ModelGradients(Protocol):
    """A model's scores and gradients before calibration."""

    owners: list[str]
    """The design column, or the typed one, that each feature comes from."""

    def encode(self, inputs: Inputs) -> np.ndarray:
        """Return float32 (n, features)."""

    def __call__(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return scores, (n, k) or (n,), and the gradients of what is explained of them."""
