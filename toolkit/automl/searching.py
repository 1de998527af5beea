"""The search: every engine on the same training rows, every model on the same held-out rows."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics, table
from toolkit.artifacts import Check, EngineRun, Leaderboard, Search, OutOfFoldPredictions
from toolkit.automl import checkpoint, engines
from toolkit.automl.engines.base import Candidate, Engine, SearchTask
from toolkit.automl.judge import judge
from toolkit.automl.model import NATIVE, Model, facts_of, load_model, write_facts
from toolkit.errors import DataError, EngineError

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage
    from toolkit.table import Part

_SAME = 1e-6
"""How far a saved model's predictions may be from the fitted one's, in units of the scores."""


@dataclass(frozen=True)
class LiveRow:
    """One line of the leaderboard while the search runs."""

    name: str
    engine: str
    family: str
    score: float | None


Live = Callable[[str, list[LiveRow]], None]
"""Given the metric's name and the rows so far, best first."""


def search(stage: Stage, live: Live | None = None) -> tuple[Leaderboard, Search]:
    """Search for models with every engine that the project names, and rank what they find.

    An engine that finished in an earlier attempt is not run again as long as nothing that
    its models depend on has changed.

    Parameters
    ----------
    stage : Stage
        The open stage ``automl``.
    live : callable, optional
        Given the leaderboard so far whenever a model is done, such as
        ``toolkit.widgets.LiveLeaderboard(stage).update``.

    Returns
    -------
    Leaderboard, Search
        Both are also written to the run, with the validation predictions of every model.

    Raises
    ------
    DataError
        If the rows cannot be learned from.
    EngineError
        If H2O's JVM ended, or no engine made a model.
    """
    work = _Work(stage, live)
    runs = [work.engine(name) for name in stage.project.automl.engines]
    if not work.models:
        reasons = [reason for run in runs for reason in run.failures]
        raise EngineError(
            "no engine made a model" + (f": {'; '.join(reasons[:3])}" if reasons else ""),
            remedy="Check automl.engines, automl.exclude and the number of rows",
        )
    predictions, seconds = work.score()
    leaderboard = judge(stage, work.validation.target, work.context, work.models, predictions)
    leaderboard = leaderboard.model_copy(update={"train_rows": len(work.train)})
    reproducible, reason = _reproducible(stage)
    result = Search(
        engines=runs,
        scoring_seconds=seconds,
        reproducible=reproducible,
        reproducible_reason=reason,
        checks=_checks(runs),
    )
    stage.write(OutOfFoldPredictions(_frame(work.validation.rows, predictions, work.classes)))
    stage.write(leaderboard)
    stage.write(result)
    return leaderboard, result


def classes_of(stage: Stage, *targets: np.ndarray) -> list[str]:
    """Return the classes in the order of scores; none for regression."""
    target = stage.project.target
    if target.task == "regression":
        return []
    found = sorted({str(label) for labels in targets for label in labels})
    if target.task == "multiclass":
        return found
    positive = str(target.positive)
    return [*(label for label in found if label != positive), positive]


class _Work:
    """The rows, and the models found so far."""

    def __init__(self, stage: Stage, live: Live | None) -> None:
        self.stage = stage
        self.live = live
        self.train = table.load_part(stage, "train")
        self.validation = table.load_part(stage, "validation")
        self.classes = classes_of(stage, self.train.target, self.validation.target)
        _refuse_unlearnable(stage, self.train, self.validation, self.classes)
        project = stage.project
        self.context = metrics.Context(project.target.task, self.classes, None, project.costs)
        self.metric = metrics.get(metrics.resolve(project)[0])
        self.design = self._design(self.train)
        self.held_out = self._design(self.validation)
        self.models: dict[str, Model] = {}
        self.early: dict[str, np.ndarray] = {}
        self._rows: dict[str, LiveRow] = {}
        self._started = time.monotonic()

    def _design(self, part: Part) -> pd.DataFrame:
        return table.design(part.frame, part.columns)[0]

    # -- one engine --------------------------------------------------------------

    def engine(self, name: str) -> EngineRun:
        """Run one engine, or take what it did before, and keep its models."""
        engine = engines.get(name)
        project, folder = self.stage.project, self.stage.run.folder
        mark = checkpoint.fingerprint(
            engine, self.train, self.classes, project.seed, project.automl
        )
        finished = checkpoint.read(folder, name, mark)
        if finished is not None:
            self.stage.progress(f"{name}: {len(finished.names)} models kept from before")
        else:
            checkpoint.clear(folder, name)
            finished = self._search(engine, mark)
            checkpoint.write(folder, name, finished)
        for text in finished.notes:
            self.stage.note(text)
        for model in finished.names:
            self.models[model] = load_model(folder / checkpoint.MODELS / model)
        return EngineRun(
            engine=name,
            version=finished.version,
            models=len(finished.names),
            seconds=finished.seconds,
            failures=finished.failures,
        )

    def _search(self, engine: Engine, mark: str) -> checkpoint.Finished:
        started = time.monotonic()
        for left in self.stage.run.folder.glob(".scratch-*"):  # of a search that was killed
            shutil.rmtree(left, ignore_errors=True)
        notes: list[str] = []
        names: list[str] = []
        problem = engine.available()
        failures = [problem] if problem else []
        if problem:
            notes.append(f"{engine.name} was left out: {problem}")
        else:
            with tempfile.TemporaryDirectory(prefix=".scratch-", dir=self.stage.run.folder) as path:
                task = self._task(engine, Path(path), notes)
                for candidate in engine.search(task):
                    try:
                        self._keep(engine, candidate)
                        names.append(candidate.name)
                    except _NotTheSame as error:
                        task.failures.append(str(error))
                failures = task.failures
        seconds = round(time.monotonic() - started, 1)
        self.stage.progress(f"{engine.name}: {len(names)} models in {seconds:.0f} s")
        digests = checkpoint.digests(self.stage.run.folder, names)
        return checkpoint.Finished(mark, engine.version, names, seconds, failures, notes, digests)

    def _task(self, engine: Engine, scratch: Path, notes: list[str]) -> SearchTask:
        project = self.stage.project
        return SearchTask(
            task=project.target.task,
            classes=self.classes,
            train=self.design,
            target=self.train.target,
            seed=project.seed,
            folds=project.automl.folds,
            budget=project.automl.budget,
            exclude=list(project.automl.exclude),
            scratch=scratch,
            seconds=self._allowance(engine.name),
            progress=self.stage.progress,
            found=self._found,
            note=notes.append,
        )

    def _allowance(self, name: str) -> float | None:
        """Return an engine's share of what is left of the time; the baselines take little."""
        total = self.stage.project.automl.budget.seconds
        if total is None:
            return None
        order = [n for n in self.stage.project.automl.engines if n != "baseline"]
        left = max(1.0, total - (time.monotonic() - self._started))
        return left / (len(order) - order.index(name)) if name in order else left

    def _found(self, candidate: Candidate) -> None:
        scores = candidate.predict(self.held_out)
        self.early[candidate.name] = scores
        value = self.metric(self.validation.target, scores, self.context)
        self._rows[candidate.name] = LiveRow(
            candidate.name, candidate.engine, candidate.family, value
        )
        if self.live is not None:
            self.live(self.metric.name, ranked(list(self._rows.values()), self.metric))

    def _keep(self, engine: Engine, candidate: Candidate) -> None:
        """Save a candidate, and see that what was saved predicts what was fitted."""
        self.stage.progress(f"{engine.name}: saving {candidate.name}")
        folder = self.stage.run.folder / checkpoint.MODELS / candidate.name
        shutil.rmtree(folder, ignore_errors=True)
        candidate.save(folder / NATIVE)
        project = self.stage.project
        write_facts(
            folder,
            facts_of(
                name=candidate.name,
                engine=engine,
                family=candidate.family,
                task=project.target.task,
                classes=self.classes,
                columns=self.train.columns,
                costs=project.costs,
                details=candidate.details,
            ),
        )
        expected = self.early.pop(candidate.name, None)
        if expected is None:
            expected = candidate.predict(self.held_out)
        saved = load_model(folder).score_design(self.held_out)
        scale = 1.0 if self.classes else max(float(np.std(self.train.target.astype(float))), 1e-12)
        gap = float(np.abs(saved - expected).max()) / scale if len(saved) else 0.0
        if not gap <= _SAME:
            shutil.rmtree(folder)
            raise _NotTheSame(
                f"{candidate.name}: once saved it predicts otherwise (by {gap:.2g}); left out"
            )

    # -- all of them -------------------------------------------------------------

    def score(self) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        """Return every saved model's validation scores, and its seconds for 1,000 rows."""
        predictions, seconds = {}, {}
        some = self.held_out.iloc[:1000]
        for done, (name, model) in enumerate(sorted(self.models.items())):
            self.stage.progress(f"scoring {name}", done, len(self.models))
            predictions[name] = model.score_design(self.held_out)
            started = time.monotonic()
            model.score_design(some)
            seconds[name] = round((time.monotonic() - started) * 1000 / max(1, len(some)), 4)
        return predictions, seconds


class _NotTheSame(Exception):
    """A saved model does not predict what the fitted one did."""


def ranked(rows: list[LiveRow], metric: metrics.Metric) -> list[LiveRow]:
    """Return rows best first; those without a score come last."""
    sign = -1 if metric.greater_is_better else 1

    def place(row: LiveRow) -> tuple[bool, float, str]:
        return row.score is None, 0.0 if row.score is None else sign * row.score, row.name

    return sorted(rows, key=place)


def _refuse_unlearnable(stage: Stage, train: Part, validation: Part, classes: list[str]) -> None:
    where = f"target {stage.project.target.column!r}"
    for part, name in ((train, "training"), (validation, "validation")):
        if not len(part):
            raise DataError(
                f"there are no {name} rows",
                where=where,
                remedy="Change split.validation and split.test, or add rows",
            )
    if not train.columns:
        raise DataError(
            "no column may be used as a feature",
            where="columns",
            remedy="Give at least one column the role `feature`",
        )
    if classes and len({str(label) for label in train.target}) < 2:
        raise DataError(
            "the training rows hold one class only",
            where=where,
            expected="at least two",
            remedy="Use a stratified split, or add rows of the other class",
        )


def _reproducible(stage: Stage) -> tuple[bool, str]:
    budget = stage.project.automl.budget
    if budget.seconds is not None:
        return False, (
            f"The search was limited to {budget.seconds:g} seconds: how many models fit into"
            " that differs from run to run."
        )
    return True, (
        "Models, trials and epochs are counted, everything random is seeded, and no algorithm"
        " whose threads race is used. The same versions and number of threads are needed."
    )


def _checks(runs: list[EngineRun]) -> list[Check]:
    checks = []
    for run in runs:
        if not run.models:
            reason = run.failures[0] if run.failures else "no reason given"
            checks.append(
                Check(
                    name=f"Engine {run.engine}",
                    severity="warning",
                    message=f"It made no model: {reason}",
                    remedy="Leave it out of automl.engines, or mend the reason",
                )
            )
        elif run.failures:
            checks.append(
                Check(
                    name=f"Engine {run.engine}",
                    severity="info",
                    message=f"{run.models} models; {len(run.failures)} attempt(s) did not work:"
                    f" {run.failures[0]}",
                )
            )
    return checks


def _frame(
    rows: np.ndarray, predictions: dict[str, np.ndarray], classes: list[str]
) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, np.ndarray] = {"row": rows}
    for name, scores in predictions.items():
        if classes:
            columns |= {f"{name}:{label}": scores[:, k] for k, label in enumerate(classes)}
        else:
            columns[name] = scores
    return pd.DataFrame(columns)
