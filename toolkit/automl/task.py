"""The task of a search: on disk, so that worker processes can load it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import canonical
from toolkit.automl.folds import Folds
from toolkit.automl.inputs import Inputs
from toolkit.project.data import Column

if TYPE_CHECKING:
    from toolkit.table import InputSchema

_FACTS, _TYPED, _ARRAYS, _FEATURES = "task.json", "typed.parquet", "rows.npz", "features"


def _silent(text: str, done: int = 0, total: int = 0) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Size:
    """How large a table is that a search learns from.

    Attributes
    ----------
    rows, columns : int
        Training rows, and feature columns.
    classes : int
        0 for a regression.
    """

    rows: int
    columns: int
    classes: int = 0

    @property
    def cells(self) -> int:
        """Rows times columns, times classes where there are several: each has trees of its own."""
        return self.rows * self.columns * (self.classes if self.classes > 2 else 1)


@dataclass(frozen=True)
class TaskFacts:
    """What is known of a task without its rows.

    Attributes
    ----------
    task : str
        binary, multiclass or regression.
    classes : list of str
        The order of the columns of scores; empty for regression.
    columns : dict of str to dict
        The feature columns: type and what else `toolkit.project.model.Column` says.
    rows, width : int
        Training rows, and columns of the design frame.
    seed, folds, threads : int
        Threads are those that one trial may use.
    ordered : bool
        Whether folds follow time.
    trials, epochs, speedup : int, int, float
        See `toolkit.automl.trial_plan.Preset`.
    memory_gib : float
        H2O's heap.
    class_weights : str
        none or balanced; `SearchTask.weights` hold the effect already.
    augmentation : str
        auto, on or off.
    monotonic : dict of str to str
        Column to increasing or decreasing.
    metric : str
        The ranking metric's name.
    h2o_url : str, optional
        A cluster to use.
    parquet_mib : float
        Above it H2O imports a file.
    """

    task: str
    classes: list[str]
    columns: dict[str, dict[str, Any]]
    rows: int
    width: int
    seed: int
    folds: int
    threads: int
    ordered: bool = False
    trials: int = 3
    epochs: int = 30
    speedup: float = 1.0
    memory_gib: float = 4.0
    class_weights: str = "none"
    augmentation: str = "auto"
    monotonic: dict[str, str] = field(default_factory=dict)
    metric: str = ""
    h2o_url: str | None = None
    parquet_mib: float = 64.0

    @property
    def size(self) -> Size:
        """By which the preset is cut down."""
        return Size(self.rows, len(self.columns), len(self.classes))

    def of_type(self, kind: str) -> list[str]:
        """Return the names of the columns of a type."""
        return [name for name, column in self.columns.items() if column["type"] == kind]


@dataclass(frozen=True, eq=False)
class SearchTask:
    """The training rows, their folds, and what may be spent on one trial.

    Attributes
    ----------
    facts : TaskFacts
        What is known without the rows.
    inputs : Inputs
        The training rows.
    target : array of shape (n,)
        Codes of classes (int64), or float64.
    weights : array of shape (n,), optional
        How much each row counts; mean 1.
    folds : Folds
        The same for every engine.
    drawn_from : int, optional
        Of how many training rows these are a sample; None where they are all.
    schema : InputSchema, optional
        What the table held; saved with every model.
    seconds : float, optional
        What this trial may take.
    scratch : Path
        A folder of the trial's own that outlives a killed worker: what an engine leaves
        there, a second attempt may take up. It is removed when the trial has ended.
    progress : callable
        Takes what happens in words, and how much is done: ``progress(text, done, total)``.
    saved_digest : str, optional
        The digest that was computed when the task was saved.
    """

    facts: TaskFacts
    inputs: Inputs
    target: np.ndarray
    weights: np.ndarray | None
    folds: Folds
    drawn_from: int | None = None
    schema: InputSchema | None = None
    seconds: float | None = None
    scratch: Path = Path()
    progress: Callable[..., None] = _silent
    saved_digest: str | None = None

    def part(self, rows: np.ndarray, order: np.ndarray | None = None) -> SearchTask:
        """Return the task on some of its rows.

        Parameters
        ----------
        rows : array of int
            Positions, in their order.
        order : array of int, optional
            Positions that give each of these rows its target and weight: others than its own,
            where there shall be nothing to find.
        """
        order = rows if order is None else order
        fold = self.folds.fold[rows]
        # Folds of which no row was drawn would leave a gap in the numbering.
        kept = np.unique(fold[fold >= 0])
        fold = np.where(fold >= 0, np.searchsorted(kept, fold), fold).astype(self.folds.fold.dtype)
        moment = self.folds.moment
        return replace(
            self,
            facts=replace(self.facts, rows=len(rows), folds=len(kept)),
            inputs=self.inputs.take(rows),
            target=self.target[order],
            weights=None if self.weights is None else self.weights[order],
            folds=replace(self.folds, fold=fold, moment=None if moment is None else moment[rows]),
            drawn_from=None,
            schema=None,
            saved_digest=None,
        )

    def empty_oof(self) -> np.ndarray:
        """Return out-of-fold scores to be filled: NaN everywhere."""
        rows, classes = len(self.target), len(self.facts.classes)
        return np.full((rows, classes) if classes else rows, np.nan)

    @cached_property
    def digest(self) -> str:
        """The digest of everything that models depend on, besides trial and engine.

        Limits on seconds and memory are not part of it: a model that was finished under
        other limits is finished.
        """
        if self.saved_digest is not None:
            return self.saved_digest
        from toolkit import table

        facts = asdict(self.facts)
        for name in ("memory_gib", "h2o_url", "parquet_mib"):
            del facts[name]
        return canonical.digest(
            {
                "facts": facts,
                "rows": table.table_digest(self.inputs.typed),
                "design": table.table_digest(self.inputs.design),
                "target": canonical.digest(self.target),
                "weights": None if self.weights is None else canonical.digest(self.weights),
                "folds": canonical.digest(self.folds.fold),
                "moment": None
                if self.folds.moment is None
                else canonical.digest(self.folds.moment),
            }
        )

    def save(self, folder: Path) -> None:
        """Write the task for workers."""
        folder.mkdir(parents=True, exist_ok=True)
        self.inputs.typed.to_parquet(folder / _TYPED)
        self.inputs.design.to_parquet(folder / "design.parquet")
        self.inputs.features.save(folder / _FEATURES)
        if self.schema is not None:
            self.schema.save(folder)
        arrays: dict[str, Any] = {"target": self.target, "fold": self.folds.fold}
        for name, values in (("weights", self.weights), ("moment", self.folds.moment)):
            if values is not None:
                arrays[name] = values
        np.savez(folder / _ARRAYS, **arrays)
        facts = asdict(self.facts) | {"fold_method": self.folds.method, "digest": self.digest}
        facts["column_order"] = list(self.facts.columns)
        canonical.write_text(folder / _FACTS, canonical.dumps(facts))

    @classmethod
    def load(cls, folder: Path) -> SearchTask:
        """Return a task that `save` wrote."""
        import pandas as pd

        from toolkit import table

        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        method, digest = facts.pop("fold_method"), facts.pop("digest")
        order = facts.pop("column_order")
        facts["columns"] = {name: facts["columns"][name] for name in order}
        with np.load(folder / _ARRAYS) as arrays:
            target, fold = arrays["target"], arrays["fold"]
            weights, moment = arrays.get("weights"), arrays.get("moment")
        inputs = Inputs(
            pd.read_parquet(folder / _TYPED),
            table.Features.load(folder / _FEATURES),
            pd.read_parquet(folder / "design.parquet"),
        )
        columns = {name: Column(**column) for name, column in facts["columns"].items()}
        return cls(
            TaskFacts(**facts),
            inputs,
            target,
            weights,
            Folds(fold, facts["ordered"], method, moment),
            schema=table.InputSchema.load(folder, columns),
            saved_digest=digest,
        )


def balanced(codes: np.ndarray) -> np.ndarray:
    """Return weights under which every class counts alike; mean 1."""
    counts = np.bincount(codes)
    weights = len(codes) / (np.count_nonzero(counts) * np.maximum(counts, 1)[codes])
    return np.asarray(weights, dtype=np.float64)
