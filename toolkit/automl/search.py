"""The search: every engine on the same rows and folds, then one ensemble across them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats, table
from toolkit.artifacts import Check, EngineRun, Leaderboard, OutOfFoldPredictions, SearchSummary
from toolkit.automl import engines
from toolkit.automl.blend import blend
from toolkit.automl.blend.engine import write as write_ensemble
from toolkit.automl.checks import learning_curve, shuffled_labels
from toolkit.automl.checks.constraints import violations
from toolkit.automl.leaderboard import judge
from toolkit.automl.model.saved_model import saved_model
from toolkit.automl.task_preparation import prepare
from toolkit.automl.trial_plan import effective, make_plan
from toolkit.automl.workers.scheduler import Scheduler
from toolkit.automl.workers.search_monitor import SearchMonitor
from toolkit.automl.workers.search_result import SearchResult
from toolkit.automl.workers.trial_store import TrialStore
from toolkit.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from toolkit.automl.engines.base import Trial
    from toolkit.automl.search_state import SearchObserver
    from toolkit.automl.workers.trial_store import TrialRecord
    from toolkit.run.stage import Stage

_KEPT_FOR_THE_REST = 0.08
"""Share of a time limit that is left for ensemble, leaderboard and champion."""
_LEAST_KEPT = 4.0
_FOR_SANITY = 0.05
_FOR_THE_SAMPLE = 0.1
"""Share of a time limit that a fit on half of a sample may take."""


def search(stage: Stage, live: SearchObserver | None = None) -> tuple[Leaderboard, SearchSummary]:
    """Search for models with every engine that the project names, and rank what they find.

    A trial that an earlier attempt finished is not fitted again as long as nothing that
    its model depends on has changed. Interrupting the search keeps what is finished.

    Parameters
    ----------
    stage : Stage
        The open stage ``automl``.
    live : SearchObserver, optional
        Told of every change, and asked whether to stop, such as
        ``toolkit.widgets.LiveLeaderboard(stage)``.

    Returns
    -------
    Leaderboard, SearchSummary
        Both are also written to the run, with the out-of-fold predictions of every model.

    Raises
    ------
    DataError
        If the rows cannot be learned from.
    EngineError
        If no engine made a model.
    """
    started = time.monotonic()
    work = _Work(stage, live)
    work.take(work.scheduler(started).run())
    work.weigh()
    leaderboard = work.leaderboard()
    result = work.result(time.monotonic() - started)
    stage.write(OutOfFoldPredictions(work.frame()))
    stage.write(leaderboard)
    stage.write(result)
    work.sanity()
    work.store.tidy()
    return leaderboard, result


class _Work:
    """One search: what is learned, what was fitted, and how it is weighed."""

    def __init__(self, stage: Stage, live: SearchObserver | None) -> None:
        self.stage = stage
        self.task, self.rows = prepare(stage)
        self.preset = effective(stage.project.automl, self.task.facts.size)
        self.store = TrialStore(stage.run.folder)
        self.monitor = SearchMonitor(
            stage, self.task, self.store, live,
            most=self.preset.models, members=self.preset.members,
        )  # fmt: skip
        self.missing: list[str] = []
        self.plan: list[Trial] = []
        self.outcome = SearchResult()
        self.oof: dict[str, np.ndarray] = {}
        self.ensemble: blend.Ensemble | None = None

    # -- trials ------------------------------------------------------------------

    def scheduler(self, started: float) -> Scheduler:
        """Return what fits the planned trials, as far as the budget allows."""
        stage, task, choices = self.stage, self.task, self.stage.project.automl
        task.save(self.store.task)
        there = self._available()
        self.plan = plan = make_plan(choices, task.facts, there)
        if not plan:
            raise EngineError(
                "no engine has a model to fit"
                + (f": {'; '.join(self.missing)}" if self.missing else ""),
                remedy="Check automl.engines, automl.exclude and automl.constraints",
            )
        unused = set(there) - {trial.engine for trial in plan}
        if not choices.exclude and not choices.constraints.interpretable:
            for name in sorted(unused):
                stage.note(f"The preset {choices.preset} has no {name} model for so large a table")
        return Scheduler(
            stage.project,
            task,
            self.store,
            plan,
            most=self.preset.models,
            deadline=_deadline(
                choices.budget.seconds, started, sampled=task.drawn_from is not None
            ),
            callbacks=self.monitor,
        )

    def take(self, outcome: SearchResult) -> None:
        """Take over what was fitted.

        Raises
        ------
        EngineError
            If nothing was.
        """
        self.outcome = outcome
        for note in self.outcome.notes:
            self.stage.note(note)
        if not self.outcome.records:
            reasons = [text for texts in self.outcome.failures.values() for text in texts]
            reasons += self.missing
            raise EngineError(
                "no engine made a model" + (f": {'; '.join(reasons[:3])}" if reasons else ""),
                remedy="Check automl.engines, automl.exclude and the number of rows",
            )
        self.oof = {name: self.store.oof(name) for name in self.outcome.records}
        self.stage.progress(self.outcome.ended)
        self.monitor.end(self.outcome.ended)

    def _available(self) -> list[str]:
        there: list[str] = []
        for name in self.stage.project.automl.engines:
            problem = engines.get(name).available()
            if problem:
                self.missing.append(f"{name} was left out: {problem}")
                self.stage.note(self.missing[-1])
            else:
                there.append(name)
        return there

    # -- all of them together ----------------------------------------------------

    def weigh(self) -> None:
        """Weigh the models against each other, where there is something to weigh."""
        if len(self.oof) < 2 or self.stage.project.choice.ensemble == "never":
            return
        self.stage.progress(f"weighing {len(self.oof)} models for the ensemble")
        chosen = self.monitor.weigh(bagged=True)
        assert chosen is not None
        if chosen.note:
            self.stage.note(chosen.note)
        if len(chosen.weights) == 1:
            return  # the best model alone: it is on the leaderboard already
        folders = {name: self.store.model(name) for name in chosen.weights}
        write_ensemble(self.store.model(blend.NAME), folders, chosen)
        self.oof[blend.NAME] = chosen.oof
        self.ensemble = chosen

    def leaderboard(self) -> Leaderboard:
        """Judge every model on the same out-of-fold rows."""
        stage, task = self.stage, self.task
        models = {name: saved_model(self.store.model(name)) for name in self.oof}
        broken = violations(stage, task, models, self._scoring_seconds())
        return judge(
            stage,
            self.monitor.rows,
            models,
            self.oof,
            broken,
            blocks=table.drawn_together(stage, self.rows),
        )

    def frame(self) -> pd.DataFrame:
        """Return the out-of-fold predictions of every model, a row for each training row."""
        import pandas as pd

        classes = self.task.facts.classes
        fold = self.task.folds.fold.astype(np.int64)
        columns: dict[str, np.ndarray] = {"row": self.rows, "fold": fold}
        for name, scores in self.oof.items():
            if classes:
                columns |= {f"{name}:{label}": scores[:, k] for k, label in enumerate(classes)}
            else:
                columns[name] = scores
        return pd.DataFrame(columns)

    def sanity(self) -> None:
        """Fit the winner on shuffled labels, in little time where time is limited."""
        limit = self.stage.project.automl.budget.seconds
        seconds = None if limit is None else max(_LEAST_KEPT, _FOR_SANITY * limit)
        trials = {trial.name: trial for trial in self.plan}
        shuffled_labels.of_winner(self.stage, self.task, trials, seconds=seconds)
        if self.task.drawn_from is not None:
            self._cost_of_the_sample(trials, limit)

    def _cost_of_the_sample(self, trials: dict[str, Trial], limit: float | None) -> None:
        """Measure what fewer rows cost, with a quick one of the models that count."""
        stage, records = self.stage, self.outcome.records
        entries = stage.read(Leaderboard).entries
        if limit is not None:
            ranked = [entry.name for entry in entries if entry.name in records]
            affordable = [n for n in ranked if records[n].seconds <= _FOR_THE_SAMPLE * limit]
            quick = trials[affordable[0]] if affordable else None
        elif self.outcome.whole:
            quick = shuffled_labels.quick_member(
                entries[0].members or {entries[0].name: 1.0}, trials
            )
        else:
            quick = None  # a person stopped it
        if quick is None:
            stage.note("What the sample costs was not measured, for want of time")
            return
        learning_curve.halved(
            stage, self.task, quick, self.oof[quick.name], self.store.folder / "halved",
            took=None if limit is None else records[quick.name].seconds,
        )  # fmt: skip

    # -- what it did -------------------------------------------------------------

    def _scoring_seconds(self) -> dict[str, float]:
        return self._with_ensemble(lambda record: record.scoring_seconds)

    def _with_ensemble(self, of: Callable[[TrialRecord], float]) -> dict[str, float]:
        seconds = {name: of(record) for name, record in self.outcome.records.items()}
        if self.ensemble is not None:
            seconds[blend.NAME] = round(sum(seconds[name] for name in self.ensemble.weights), 4)
        return seconds

    def result(self, seconds: float) -> SearchSummary:
        """Return what the search did and what it cost."""
        runs = [self._engine(name) for name in self.stage.project.automl.engines]
        reproducible, reason = _reproducible(self.stage, self.outcome)
        return SearchSummary(
            preset=self.stage.project.automl.preset,
            engines=runs,
            trials=self.outcome.trials,
            ended=self.outcome.ended,
            scoring_seconds=self._scoring_seconds(),
            fit_seconds=self._with_ensemble(lambda record: record.seconds),
            timeline=self.monitor.timeline,
            seconds=round(seconds, 1),
            peak_mib=self.stage.peak_mib,
            reproducible=reproducible,
            reproducible_reason=reason,
            checks=_checks(runs),
        )

    def _engine(self, name: str) -> EngineRun:
        done = [t.name for t in self.outcome.trials if t.engine == name and t.status == "done"]
        left_out = [text for text in self.missing if text.startswith(f"{name} was")]
        return EngineRun(
            engine=name,
            version=engines.get(name).version,
            models=len(done),
            seconds=round(sum(self.outcome.records[model].seconds for model in done), 1),
            failures=self.outcome.failures.get(name, []) + left_out,
        )


def _deadline(seconds: float | None, started: float, *, sampled: bool) -> float | None:
    if seconds is None:
        return None
    share = _KEPT_FOR_THE_REST + (_FOR_THE_SAMPLE if sampled else 0.0)
    return started + seconds - max(_LEAST_KEPT, share * seconds)


def _reproducible(stage: Stage, outcome: SearchResult) -> tuple[bool, str]:
    budget = stage.project.automl.budget
    if budget.seconds is not None:
        return False, (
            f"The search was limited to {formats.number(budget.seconds, 6)} seconds: how many"
            f" models fit into"
            " that, and how far each gets, differs from run to run."
        )
    if not outcome.whole:
        return False, "The search was stopped before its budget was used up."
    fitted = {trial.engine for trial in outcome.trials if trial.status == "done"}
    drifting = [name for name in sorted(fitted) if not engines.get(name).repeatable]
    if drifting:
        return False, f"Models of {', '.join(drifting)} differ from run to run."
    return True, (
        "Models, trials and epochs are counted, everything random is seeded, and no algorithm"
        " whose threads race is used. The same versions and number of threads are needed."
    )


def _checks(runs: list[EngineRun]) -> list[Check]:
    checks = []
    for run in runs:
        if not run.models and run.failures:
            checks.append(
                Check(
                    name=f"Engine {run.engine}",
                    severity="warning",
                    message=f"It made no model: {run.failures[0]}",
                    remedy="Leave it out of automl.engines, or mend the reason",
                )
            )
        elif run.failures:
            checks.append(
                Check(
                    name=f"Engine {run.engine}",
                    severity="warning",
                    message=f"{run.models} models; {len(run.failures)} trial(s) did not work:"
                    f" {run.failures[0]}",
                )
            )
    return checks
