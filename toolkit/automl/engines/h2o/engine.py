"""H2O AutoML's steps, one a trial: linear models, forests, boosting, a stacked ensemble."""

from __future__ import annotations

import json
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.automl.engines.base import Candidate, Engine, Scorer, SharedServer, Trial
from toolkit.automl.engines.h2o import steps
from toolkit.automl.engines.h2o.server import java
from toolkit.automl.files.model_file import installed
from toolkit.errors import EngineError, EnvironmentProblem

if TYPE_CHECKING:
    import numpy as np

    from toolkit.automl.engines.h2o.training_table import FittedModel, TrainingTable
    from toolkit.automl.inputs import Inputs
    from toolkit.automl.task import SearchTask, TaskFacts
    from toolkit.forests import TreeEnsemble
    from toolkit.project.model import Project


class H2oEngine(Engine):
    """H2O: trained on a server that `server.node` gives, scored in this process."""

    name = "h2o"
    title = "H2O"
    description = (
        "H2O AutoML: linear models, forests, boosting and stacks of them, in a Java process"
    )
    packages = ("h2o",)
    algorithms = (*steps.ALGORITHMS, "DeepLearning")
    process_group = "h2o"
    runs_alone = True
    needs_server = True
    pace = (4.0, 30.0)

    def available(self) -> str:
        """Return why H2O cannot be used here; empty if it can."""
        try:
            java.find_jar()
            java.find_java()
        except EnvironmentProblem as error:
            return error.line()
        if installed("jpype1") == "not installed":
            return "JPype, in which H2O's saved models run, is not installed (pip install jpype1)"
        return ""

    def plan(self, facts: TaskFacts) -> list[Trial]:
        """Return AutoML's steps the most promising first."""
        return steps.plan(facts)

    def fit(self, task: SearchTask, trial: Trial) -> Candidate:
        """Fit one step on the task's folds.

        Raises
        ------
        EngineError
            If H2O cannot fit it, its time was over, or the server ended.
        """
        from toolkit.automl.engines.h2o import summary, training_table
        from toolkit.automl.engines.h2o.server import node

        deadline = None if task.seconds is None else time.monotonic() + task.seconds
        connection = node.connect(
            task.facts, lambda text: task.progress(text, 0, 1), task.facts.h2o_url
        )
        table = training_table.table_of(connection, task)
        fitted = _fitted(table, task, trial, deadline)
        model = _Model(table, fitted, len(task.facts.classes))
        return Candidate(
            oof=fitted.oof,
            predict=model.predict,
            save=model.save,
            details=summary.details(fitted),
            complexity=summary.complexity(table.server, fitted),
            notes=[*table.notes, *fitted.notes],
        )

    def load(self, folder: Path) -> Scorer:
        """Return the scorer of a saved MOJO, which needs no server."""
        from toolkit.automl.engines.h2o import mojo

        return mojo.MojoScorer(folder)

    def tree_ensembles(self, folder: Path) -> list[TreeEnsemble]:
        """Return the trees of a GBM, a forest or XGBoost; none of other models."""
        from toolkit.automl.engines.h2o import tree_ensemble

        return tree_ensemble.tree_ensembles(folder)

    def is_linear(self, folder: Path) -> bool:
        """Return whether the model is a GLM whose terms add up to a margin or a value."""
        from toolkit.automl.engines.h2o import tree_ensemble

        return tree_ensemble.linear(folder)

    def start_server(self, project: Project) -> tuple[dict[str, str], str]:
        """Make sure of an H2O for workers: the project's cluster, a shared one, or an own one."""
        from toolkit.automl.engines.h2o.server import node

        return node.ensure(project.automl.budget, project.h2o.url)

    def server_answers(self, environment: dict[str, str], project: Project) -> bool:
        """Return whether H2O is up."""
        from toolkit.automl.engines.h2o.server import node

        return node.usable(environment, project.h2o.url)

    def shared_server(self, project: Project) -> SharedServer:
        """Start an H2O for the search of a chain."""
        from toolkit.automl.engines.h2o.server import node

        return node.start_shared(project.automl.budget)


class _Model:
    """A model in the server."""

    def __init__(self, table: TrainingTable, fitted: FittedModel, classes: int) -> None:
        self._table = table
        self._fitted = fitted
        self._classes = classes

    def predict(self, inputs: Inputs) -> np.ndarray:
        from toolkit.automl.engines.h2o import frames, keys

        table, rows = self._table, keys.unique("rows")
        try:
            frames.store(
                table.server,
                table.code,
                inputs.design,
                key=rows,
                imported=table.connection.external,
            )
            return frames.predict(table.server, self._fitted.key, rows, self._classes)
        finally:
            keys.forget(table.server, rows)

    def save(self, folder: Path) -> None:
        from toolkit.automl.engines.h2o import mojo

        mojo.save(self._table.server, self._fitted.key, self._table.code, self._classes, folder)


def _fitted(
    table: TrainingTable, task: SearchTask, trial: Trial, deadline: float | None
) -> FittedModel:
    from toolkit.automl.engines.h2o import keys, training

    name = _identity(trial.name, trial.settings)
    if name in table.kept:
        return table.kept[name]
    if "bases" in trial.settings:
        fitted = _stacked(table, task, trial, deadline)
    else:
        fitted = training.fit(table, task, trial, deadline)
    # It stays in the server for as long as a candidate, a stack or the table holds it.
    weakref.finalize(fitted, keys.forget, table.server, fitted.key)
    if trial.name in steps.STACKED:
        table.kept[name] = fitted
    return fitted


def _identity(name: str, settings: dict[str, Any]) -> str:
    return f"{name} {json.dumps(settings, sort_keys=True)}"


def _stacked(
    table: TrainingTable, task: SearchTask, trial: Trial, deadline: float | None
) -> FittedModel:
    from toolkit.automl.engines.h2o import training

    members, notes = [], []
    for name, settings in trial.settings["bases"].items():
        base = Trial(name, "h2o", steps.ALGORITHMS[settings["algorithm"]], 1, settings)
        if _identity(name, settings) not in table.kept:
            notes.append(f"{name} was fitted for the stack")
        try:
            members.append(_fitted(table, task, base, deadline))
        except EngineError as error:
            if not table.server.alive():
                raise
            notes.append(f"{name} is not in the stack: {error.problem}")
    if len(members) < 2:
        raise EngineError(f"a stack needs two models: {'; '.join(notes)}")
    fitted = training.stack(table, task, trial, members, deadline)
    fitted.notes.extend(notes)
    return fitted
