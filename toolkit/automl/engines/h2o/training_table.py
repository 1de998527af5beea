"""The training rows of a search inside an H2O server: brought there once for all its trials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h2o
import numpy as np
import pandas as pd
from h2o import H2OFrame
from h2o.model import ModelBase

from toolkit.automl.engines.h2o import frames, keys, transfer
from toolkit.automl.engines.h2o.client import Client, forget
from toolkit.errors import EngineError

if TYPE_CHECKING:
    from toolkit.automl.task import SearchTask

PLACE = "place"
"""The column of folds; where these are ordered in time, of each row's place in that order."""
WEIGHT = "weight"
_SAMPLE = 1000


@dataclass
class FittedModel:
    """A model in the server, and its out-of-fold scores."""

    model: ModelBase
    """The model as H2O's client has it."""
    oof: np.ndarray
    notes: list[str] = field(default_factory=list)
    members: list[FittedModel] = field(default_factory=list)
    """The models that a stack is made of."""


class TrainingTable:
    """One task's training frame in one server.

    Attributes
    ----------
    client : Client
        The way to the server.
    digest : str
        The task's.
    frame : H2OFrame
        All rows.
    code : FrameCode
        How columns and levels are called.
    features : list of str
        What the features are called in the server.
    classes : list of str
        What those classes are called in the server that are among the rows.
    notes : list of str
        What went another way than asked for.
    weighted : bool
        Whether rows count differently.
    places : array of int, shape (n,)
        The content of the column `PLACE`.
    kept : dict of str to FittedModel
        Models by trial, kept for a stack.
    """

    def __init__(self, client: Client, task: SearchTask) -> None:
        self.client = client
        self.digest = task.digest
        self.kept: dict[str, FittedModel] = {}
        self._parts: dict[str, H2OFrame] = {}
        design = task.inputs.design
        self.code = frames.FrameCode.fit(design)
        self.features = [f"c{number}" for number in range(len(self.code.columns))]
        self.places = _places(task)
        count = len(task.facts.classes)
        target: Any = frames.class_tokens(task.target, count) if count else task.target
        self.classes = list(target.remove_unused_categories().categories) if count else []
        extra = pd.DataFrame({frames.TARGET: target, PLACE: self.places.astype("float64")})
        self.weighted = task.weights is not None
        if self.weighted:
            extra[WEIGHT] = task.weights
        external = client.connection.external
        large = design.shape[0] * design.shape[1] * 8 / 2**20 > task.facts.parquet_mib
        task.progress("h2o: bringing the rows to H2O", 0, 1)
        self.frame, note = transfer.store(
            self.code, design, extra,
            key=keys.unique("train"),
            imported=external or large,
            folder=task.scratch if large or external else None,
        )  # fmt: skip
        self.notes = [text for text in (client.connection.note, note) if text]
        self._check(len(design))
        self._few = _few_rows(task, design, extra)

    def sample(self) -> H2OFrame:
        """Return at most 1,000 of the rows, with every class among them."""
        if "sample" not in self._parts:
            self._parts["sample"], _ = transfer.store(
                self.code,
                *self._few,
                key=keys.unique("sample"),
                imported=self.client.connection.external,
            )
        return self._parts["sample"]

    def part(self, low: int, high: int, *, outside: bool = False) -> H2OFrame:
        """Return the rows whose place is in [low, high), or outside of it."""
        word = f"{'outside' if outside else 'inside'} {low} {high}"
        if word not in self._parts:
            # A frame that the client cuts out itself has a name that no sweep finds.
            key, rows = keys.unique("part"), self.frame.frame_id
            column = f'(cols {rows} "{PLACE}")'
            tests = (f"(| (< {column} {low}) (>= {column} {high}))" if outside else
                     f"(& (>= {column} {low}) (< {column} {high}))")  # fmt: skip
            h2o.rapids(f"(tmp= {key} (rows {rows} {tests}))")
            self._parts[word] = h2o.get_frame(key, light=True)
        return self._parts[word]

    def forget(self) -> None:
        """Remove the frame and its parts from the server, and let go of what was kept."""
        forget(*(frame.frame_id for frame in (self.frame, *self._parts.values())))
        self._parts.clear()
        self.kept.clear()

    def _check(self, rows: int) -> None:
        # Predictions are matched to rows by position, so the order has to have survived.
        column = f'(cols {self.frame.frame_id} "{PLACE}")'
        answer = h2o.rapids(f"(sum (* {column} (seq_len {rows})))")["scalar"]
        expected = float(self.places @ np.arange(1, rows + 1, dtype=np.float64))
        if not np.isclose(float(answer), expected, rtol=1e-9, atol=1e-6):
            raise EngineError("H2O holds the training rows in another order than they were sent")


def _places(task: SearchTask) -> np.ndarray:
    fold = task.folds.fold
    if not task.folds.ordered:
        return np.asarray(fold, dtype=np.int64)
    places = np.empty(len(fold), dtype=np.int64)
    places[task.folds.in_time(np.arange(len(fold)))] = np.arange(len(fold))
    return places


def _few_rows(
    task: SearchTask, design: pd.DataFrame, extra: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = np.arange(len(design))
    if len(rows) > _SAMPLE and task.facts.classes:
        share = max(2, _SAMPLE // (2 * len(task.facts.classes)))
        first = [np.flatnonzero(task.target == c)[:share] for c in range(len(task.facts.classes))]
        rows = np.unique(np.concatenate([*first, rows[:_SAMPLE]]))
    rows = rows[:_SAMPLE] if not task.facts.classes else rows
    return tuple(part.iloc[rows].reset_index(drop=True) for part in (design, extra))  # type: ignore[return-value]
