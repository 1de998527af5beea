"""The training rows of a search inside an H2O server: brought there once for all its trials."""

from __future__ import annotations

import atexit
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.automl.engines.h2o import frames, keys
from toolkit.errors import EngineError

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.automl.engines.h2o.server.node import Connection
    from toolkit.automl.engines.h2o.server.rest import Server
    from toolkit.automl.task import SearchTask

PLACE = "place"
"""The column of folds; where these are ordered in time, of each row's place in that order."""
WEIGHT = "weight"
_SAMPLE = 1000
_swept: set[str] = set()


@dataclass
class FittedModel:
    """A model in the server, and its out-of-fold scores."""

    key: str
    record: dict[str, Any]
    """The server's description of the model."""
    oof: np.ndarray
    rounds: int | None = None
    """Boosting rounds that were found, where there are any."""
    notes: list[str] = field(default_factory=list)
    members: list[FittedModel] = field(default_factory=list)
    """The models that a stack is made of."""


class TrainingTable:
    """One task's training frame in one server.

    Attributes
    ----------
    key : str
        The frame's name.
    code : FrameCode
        How columns and levels are called.
    notes : list of str
        What went another way than asked for.
    weighted : bool
        Whether rows count differently.
    places : array of int, shape (n,)
        The content of the column `PLACE`.
    kept : dict of str to FittedModel
        Models by trial, kept for a stack.
    """

    def __init__(self, connection: Connection, task: SearchTask) -> None:
        import pandas as pd

        self.connection = connection
        self.server: Server = connection.server
        self.digest = task.digest
        self.kept: dict[str, FittedModel] = {}
        self._parts: dict[str, str] = {}
        self._session = ""
        design = task.inputs.design
        self.code = frames.FrameCode.fit(design)
        self.places = _places(task)
        classes = len(task.facts.classes)
        target = frames.class_tokens(task.target, classes) if classes else task.target
        extra = pd.DataFrame({frames.TARGET: target, PLACE: self.places.astype("float64")})
        self.weighted = task.weights is not None
        if self.weighted:
            extra[WEIGHT] = task.weights
        self.key = keys.unique("train")
        large = design.shape[0] * design.shape[1] * 8 / 2**20 > task.facts.parquet_mib
        task.progress("h2o: bringing the rows to H2O", 0, 1)
        note = frames.store(
            self.server, self.code, design, extra,
            key=self.key,
            imported=connection.external or large,
            folder=task.scratch if large or connection.external else None,
        )  # fmt: skip
        self.notes = [text for text in (connection.note, note) if text]
        self._check(len(design))
        self._few = _few_rows(task, design, extra)

    def sample(self) -> str:
        """Return the key of at most 1,000 of the rows, with every class among them."""
        if "sample" not in self._parts:
            key = keys.unique("sample")
            frames.store(
                self.server, self.code, *self._few, key=key, imported=self.connection.external
            )
            self._parts["sample"] = key
        return self._parts["sample"]

    def part(self, low: int, high: int, *, outside: bool = False) -> str:
        """Return the key of the rows whose place is in [low, high), or outside of it."""
        word = f"{'outside' if outside else 'inside'} {low} {high}"
        if word not in self._parts:
            key = keys.unique("part")
            column = f'(cols {self.key} "{PLACE}")'
            tests = (f"(| (< {column} {low}) (>= {column} {high}))" if outside else
                     f"(& (>= {column} {low}) (< {column} {high}))")  # fmt: skip
            self.rapids(f"(tmp= {key} (rows {self.key} {tests}))")
            self._parts[word] = key
        return self._parts[word]

    def rapids(self, expression: str) -> Any:
        """Evaluate an expression of H2O's frame language."""
        if not self._session:
            self._session = self.server.post("/4/sessions")["session_key"]
        return self.server.post("/99/Rapids", ast=expression, session_id=self._session)

    def forget(self) -> None:
        """Remove the frame and its parts from the server, and let go of what was kept."""
        keys.forget(self.server, self.key, *self._parts.values())
        self._parts.clear()
        self.kept.clear()

    def _check(self, rows: int) -> None:
        # Predictions are matched to rows by position, so the order has to have survived.
        answer = self.rapids(
            f'(sum (* (cols {self.key} "{PLACE}") (seq_len {rows})))'
        )["scalar"]  # fmt: skip
        expected = float(self.places @ np.arange(1, rows + 1, dtype=np.float64))
        if not np.isclose(float(answer), expected, rtol=1e-9, atol=1e-6):
            raise EngineError("H2O holds the training rows in another order than they were sent")


_table: TrainingTable | None = None


def table_of(connection: Connection, task: SearchTask) -> TrainingTable:
    """Return the task's table, bringing it to the server unless it is there."""
    global _table  # noqa: PLW0603 - a worker process serves one search at a time
    server = connection.server
    if _table is not None:
        if _table.server.url == server.url and _table.digest == task.digest:
            return _table
        _table.forget()
        _table = None
    if server.url not in _swept:
        keys.sweep(server)
        _swept.add(server.url)
        if connection.external:
            atexit.register(keys.sweep, server, own=True)
    _table = TrainingTable(connection, task)
    return _table


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
