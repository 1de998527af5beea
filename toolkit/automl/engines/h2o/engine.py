"""H2O AutoML's steps, one a trial: linear models, forests, boosting, a stacked ensemble."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.automl.engines.base import Candidate, Engine, Scorer, SharedServer, Trial
from toolkit.automl.engines.h2o import steps
from toolkit.automl.engines.h2o.server import java
from toolkit.automl.files.model_file import installed
from toolkit.errors import EnvironmentProblem

if TYPE_CHECKING:
    from toolkit.automl.engines.h2o.session import Session
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

    def __init__(self) -> None:
        self._session: Session | None = None  # a worker's

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
        from toolkit.automl.engines.h2o.server import node
        from toolkit.automl.engines.h2o.session import Session

        deadline = None if task.seconds is None else time.monotonic() + task.seconds
        connection = node.connect(
            task.facts, lambda text: task.progress(text, 0, 1), task.facts.h2o_url
        )
        if self._session is None or not self._session.client.serves(connection):
            self._session = Session(connection)
        return self._session.fit(task, trial, deadline)

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
