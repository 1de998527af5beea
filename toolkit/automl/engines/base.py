"""What an engine is: it searches a task, gives candidates, and loads them again."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from toolkit.project.model import AutoML, Budget

Scorer = Callable[["pd.DataFrame"], "np.ndarray"]
"""Takes a design frame, gives (n, k) probabilities in the order of the task's classes, or
(n,) values."""


@dataclass(frozen=True)
class Candidate:
    """A fitted model.

    Attributes
    ----------
    name : str
        Unique and the same in every replay, such as ``h2o_gbm_2``.
    engine : str
        The engine's name.
    family : str
        The algorithm in words.
    predict : Scorer
        Scores of a design frame, before calibration.
    save : callable
        Writes the model's native files into a folder.
    details : dict of str
        What a reader may want to know: layers, trees, how long.
    """

    name: str
    engine: str
    family: str
    predict: Scorer
    save: Callable[[Path], None]
    details: dict[str, str] = field(default_factory=dict)


def _ignore(*_: Any) -> None:
    pass


@dataclass
class SearchTask:
    """What is to be learned, and what it may cost.

    Attributes
    ----------
    task : str
        binary, multiclass or regression.
    classes : list of str
        The order of the columns of scores; empty for regression.
    train : pandas.DataFrame
        The design frame of the training rows.
    target : numpy.ndarray
        Labels as text, or float64.
    seed, folds : int
        From the project.
    budget : Budget
        From the project.
    exclude : list of str
        H2O algorithms that are left out.
    seconds : float, optional
        What this engine may take, if time is limited.
    scratch : Path
        A folder for temporary files.
    progress : callable
        Told in words what happens, and how much is done.
    found : callable
        Given each candidate as soon as it can predict.
    note : callable
        Told in a sentence what was skipped or degraded.
    """

    task: str
    classes: list[str]
    train: pd.DataFrame
    target: np.ndarray
    seed: int
    folds: int
    budget: Budget
    exclude: list[str]
    scratch: Path
    seconds: float | None = None
    progress: Callable[..., None] = _ignore
    found: Callable[[Candidate], None] = _ignore
    note: Callable[[str], None] = _ignore
    failures: list[str] = field(default_factory=list)
    """Sentences about what was tried and did not work; engines add to it."""

    def __post_init__(self) -> None:
        self._deadline = None if self.seconds is None else time.monotonic() + self.seconds

    def seconds_left(self) -> float | None:
        """Return what is left of ``seconds``; None if time is not limited."""
        return None if self._deadline is None else self._deadline - time.monotonic()

    def codes(self) -> np.ndarray:
        """Return the position of each row's class."""
        import pandas as pd

        return pd.Categorical(self.target, categories=self.classes).codes.astype("int64")


class Engine(Protocol):
    """A way to search for models."""

    name: str
    packages: tuple[str, ...]
    """Distributions whose versions decide whether a saved model can be loaded."""

    @property
    def version(self) -> str:
        """The version of what does the work."""

    def available(self) -> str:
        """Return why the engine cannot be used here; empty if it can."""

    def settings(self, choices: AutoML) -> dict[str, Any]:
        """Return the choices that the engine's models depend on."""

    def search(self, task: SearchTask) -> list[Candidate]:
        """Return fitted candidates, in an order that is the same in every replay.

        What did not work goes to ``task.failures``, and there may be no candidate at all.

        Raises
        ------
        EngineError
            If something broke that the next run may find mended: a JVM that was killed.
        """

    def load(self, folder: Path) -> Scorer:
        """Return the scorer of a model that a candidate saved."""


def installed(package: str) -> str:
    """Return a distribution's version, or ``not installed``."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
