"""H2O AutoML: linear models, forests, boosting and stacked ensembles."""

from __future__ import annotations

import re
import weakref
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.automl import cluster, java
from toolkit.automl.engines import h2o_frames, h2o_mojo
from toolkit.automl.engines.base import Candidate, Scorer, SearchTask, installed
from toolkit.automl.rest import Server
from toolkit.errors import EngineError, EnvironmentProblem, ProjectError

if TYPE_CHECKING:
    from toolkit.project.model import AutoML

ALGORITHMS = {
    "GLM": "generalised linear model",
    "DRF": "random forest",
    "XRT": "extremely randomised trees",
    "GBM": "gradient boosting",
    "XGBoost": "gradient boosting (XGBoost)",
    "DeepLearning": "neural network",
    "StackedEnsemble": "stacked ensemble",
}
_STEP_NAMES = {"StackedEnsemble_AllModels": "ensemble_all", "StackedEnsemble_Best": "ensemble_best"}


class H2oEngine:
    """H2O AutoML on a server that `toolkit.automl.cluster` gives."""

    name = "h2o"
    packages = ("h2o",)

    @property
    def version(self) -> str:
        """The version of H2O."""
        return installed("h2o")

    def available(self) -> str:
        """Return why H2O cannot be used here; empty if it can."""
        try:
            java.find_jar()
            java.find_java()
        except EnvironmentProblem as error:
            return error.line()
        return ""

    def settings(self, choices: AutoML) -> dict[str, Any]:
        """Return the choices that the models depend on."""
        budget = choices.budget
        return {
            "models": budget.models,
            "seconds": budget.seconds,
            "threads": budget.threads,
            "folds": choices.folds,
            "exclude": sorted(choices.exclude),
        }

    def search(self, task: SearchTask) -> list[Candidate]:
        """Return every model on AutoML's leaderboard, ensembles included, in order of name."""
        connection = cluster.connect(task.budget, task.progress)
        if connection.note:
            task.note(connection.note)
        try:
            return _Training(connection.server, task).run()
        except EngineError as error:
            if not connection.server.alive():
                raise
            task.failures.append(error.line())
            return []

    def load(self, folder: Path) -> Scorer:
        """Return the scorer of a saved MOJO."""
        return h2o_mojo.MojoScorer(folder)


class _Training:
    """One AutoML job, and the models it has made so far."""

    def __init__(self, server: Server, task: SearchTask) -> None:
        self.server = server
        self.task = task
        self.project = h2o_frames.unique_key("automl")
        self.candidates: dict[str, Candidate] = {}
        self._message = ""

    @cached_property
    def code(self) -> h2o_frames.FrameCode:
        return h2o_frames.FrameCode.fit(self.task.train)

    def run(self) -> list[Candidate]:
        task = self.task
        codes = None if task.task == "regression" else task.codes()
        frame = h2o_frames.upload(
            self.server,
            h2o_frames.with_target(self.code.encode(task.train), task.target, codes),
            [*self.code.kinds(), "Numeric" if codes is None else "Enum"],
            "train",
        )
        try:
            job = self.server.post_json("/99/AutoMLBuilder", self._order(frame))
            self.server.wait(job["job"]["key"]["name"], self._watch)
            state = self._state()
        finally:
            h2o_mojo.forget(self.server, frame)
        self._collect(state)
        self._report_failures(state)
        if not self.candidates:
            task.failures.append("H2O AutoML ended with an empty leaderboard")
        # The models stay in the server for as long as a candidate may be asked to predict.
        weakref.finalize(self, h2o_mojo.forget, self.server, self.project)
        return [self.candidates[name] for name in sorted(self.candidates)]

    def _order(self, frame: str) -> dict[str, Any]:
        task = self.task
        unknown = sorted(set(task.exclude) - set(ALGORITHMS))
        if unknown:
            raise ProjectError(
                f"H2O has no algorithm {', '.join(unknown)}",
                where="automl.exclude",
                expected=", ".join(ALGORITHMS),
            )
        # DeepLearning updates its weights from several threads at once: no two runs agree.
        excluded = {*task.exclude} | ({"DeepLearning"} if task.seconds is None else set())
        left = task.seconds_left()
        return {
            "build_control": {
                "project_name": self.project,
                "nfolds": task.folds,
                "keep_cross_validation_predictions": False,
                "keep_cross_validation_models": False,
                "stopping_criteria": {
                    "max_models": task.budget.models,
                    "max_runtime_secs": 0 if left is None else max(1.0, left),
                    "seed": task.seed,
                },
            },
            "build_models": {"exclude_algos": sorted(excluded - {"XRT"})},
            "input_spec": {"training_frame": frame, "response_column": h2o_frames.TARGET},
        }

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.server.get(f"/99/AutoML/{self.project}")
        return state

    def _watch(self, job: dict[str, Any]) -> None:
        message = h2o_mojo.without_run(str(job.get("progress_msg") or ""))
        if message == self._message:
            return
        self._message = message
        self._collect(self._state())
        self.task.progress(
            f"h2o: {len(self.candidates)} models" + (f", now {message}" if message else ""),
            min(len(self.candidates), self.task.budget.models),
            self.task.budget.models,
        )

    def _collect(self, state: dict[str, Any]) -> None:
        for model in (state.get("leaderboard") or {}).get("models") or []:
            key = model["name"]
            name = candidate_name(key)
            if name not in self.candidates:
                self.candidates[name] = self._candidate(name, key)
                self.task.found(self.candidates[name])

    def _candidate(self, name: str, key: str) -> Candidate:
        classes = len(self.task.classes)
        training = self  # keeps the models in the server

        def predict(design: Any) -> Any:
            return h2o_mojo.score(training.server, key, training.code, design, classes)

        def save(folder: Path) -> None:
            h2o_mojo.save(training.server, key, training.code, classes, folder)

        algorithm = key.split("_", 1)[0]
        return Candidate(
            name=name,
            engine="h2o",
            family=ALGORITHMS.get(algorithm, algorithm),
            predict=predict,
            save=save,
            details=self._details(key),
        )

    def _details(self, key: str) -> dict[str, str]:
        model = self.server.get(f"/3/Models/{key}")["models"][0]
        details = {}
        summary = (model["output"].get("model_summary") or {}).get("data") or []
        names = [c["name"] for c in (model["output"].get("model_summary") or {}).get("columns", [])]
        for wanted in ("number_of_trees", "max_depth", "regularization"):
            if wanted in names and summary:
                details[wanted.replace("_", " ")] = str(summary[names.index(wanted)][0])
        bases = next((p for p in model["parameters"] if p["name"] == "base_models"), None)
        if bases and bases["actual_value"]:
            details["base models"] = ", ".join(
                candidate_name(base["name"]) for base in bases["actual_value"]
            )
        return details

    def _report_failures(self, state: dict[str, Any]) -> None:
        log = state.get("event_log_table") or {}
        names = [column["name"] for column in log.get("columns", [])]
        if "level" not in names or "message" not in names:
            return
        levels, messages = (log["data"][names.index(name)] for name in ("level", "message"))
        for level, message in zip(levels, messages, strict=True):
            lines = h2o_mojo.without_run(str(message)).splitlines() or [""]
            # "_train param, Dropping constant columns" is a remark on a model that works.
            remark = " param, " in lines[0] and str(level).lower() == "warn"
            if str(level).lower() in ("warn", "error", "fatal") and not remark:
                self.task.failures.append(f"H2O: {lines[0].strip()[:300]}")


def candidate_name(key: str) -> str:
    """Return the stable name of a model: ``GBM_2_AutoML_1_2026...`` is ``h2o_gbm_2``."""
    name = h2o_mojo.without_run(key)
    for long, short in _STEP_NAMES.items():
        name = name.replace(long, short)
    name = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", name.replace("XGBoost", "xgboost"))
    return f"h2o_{name.lower()}"


ENGINE = H2oEngine
