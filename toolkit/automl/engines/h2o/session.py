"""What a worker does in H2O: its connection, the rows of its search there, and their models."""

from __future__ import annotations

import json
import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.automl.engines.base import Candidate, Trial
from toolkit.automl.engines.h2o import keys, mojo, steps, summary, training, transfer
from toolkit.automl.engines.h2o.client import Client, forget
from toolkit.automl.engines.h2o.training_table import FittedModel, TrainingTable
from toolkit.errors import EngineError

if TYPE_CHECKING:
    import numpy as np

    from toolkit.automl.engines.h2o.server.node import Connection
    from toolkit.automl.inputs import Inputs
    from toolkit.automl.task import SearchTask


class Session:
    """A worker's work in one server.

    Parameters
    ----------
    connection : Connection
        The way to it.
    """

    def __init__(self, connection: Connection) -> None:
        self.client = Client(connection)
        self._table: TrainingTable | None = None

    def fit(self, task: SearchTask, trial: Trial, deadline: float | None) -> Candidate:
        """Fit one trial on the task's folds; see `H2oEngine.fit`."""
        with self.client.errors():
            table = self._table_of(task)
            fitted = _fitted(table, task, trial, deadline)
            model = (table, fitted, len(task.facts.classes))
            return Candidate(
                oof=fitted.oof,
                predict=partial(_predict, *model),
                save=partial(_save, *model),
                details=summary.details(fitted),
                complexity=summary.complexity(fitted, table.classes),
                notes=[*table.notes, *fitted.notes],
            )

    def _table_of(self, task: SearchTask) -> TrainingTable:
        # Rows are brought to the server once for all trials of a search.
        if self._table is None or self._table.digest != task.digest:
            if self._table is not None:
                self._table.forget()
            self._table = TrainingTable(self.client, task)
        return self._table


def _predict(table: TrainingTable, fitted: FittedModel, classes: int, inputs: Inputs) -> np.ndarray:
    rows, client = keys.unique("rows"), table.client
    try:
        with client.errors():
            frame, _ = transfer.store(
                table.code, inputs.design, key=rows, imported=client.connection.external
            )
            return transfer.predict(fitted.model, frame, classes)
    finally:
        forget(rows)


def _save(table: TrainingTable, fitted: FittedModel, classes: int, folder: Path) -> None:
    with table.client.errors():
        mojo.save(fitted.model, table.code, classes, folder)


def _fitted(
    table: TrainingTable, task: SearchTask, trial: Trial, deadline: float | None
) -> FittedModel:
    name = _identity(trial.name, trial.settings)
    if name in table.kept:
        return table.kept[name]
    if "bases" in trial.settings:
        fitted = _stacked(table, task, trial, deadline)
    else:
        fitted = training.fit(table, task, trial, deadline)
    # It stays in the server for as long as a candidate, a stack or the table holds it.
    weakref.finalize(fitted, forget, fitted.model.model_id)
    if trial.name in steps.STACKED:
        table.kept[name] = fitted
    return fitted


def _identity(name: str, settings: dict[str, Any]) -> str:
    return f"{name} {json.dumps(settings, sort_keys=True)}"


def _stacked(
    table: TrainingTable, task: SearchTask, trial: Trial, deadline: float | None
) -> FittedModel:
    members, notes = [], []
    for name, settings in trial.settings["bases"].items():
        base = Trial(name, "h2o", steps.ALGORITHMS[settings["algorithm"]], 1, settings)
        if _identity(name, settings) not in table.kept:
            notes.append(f"{name} was fitted for the stack")
        try:
            members.append(_fitted(table, task, base, deadline))
        except EngineError as error:
            if not table.client.connection.server.alive():
                raise
            notes.append(f"{name} is not in the stack: {error.problem}")
    if len(members) < 2:
        raise EngineError(f"a stack needs two models: {'; '.join(notes)}")
    fitted = training.stack(table, task, trial, members, deadline)
    fitted.notes.extend(notes)
    return fitted
