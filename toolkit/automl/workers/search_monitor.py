"""The monitor of a search: it reports the state, and prunes the plan."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats, metrics
from toolkit.automl.blend import blend
from toolkit.automl.engines.base import Trial
from toolkit.automl.scoring_rows import ScoringRows
from toolkit.automl.search_state import LiveRow, SearchObserver, SearchState, ranked
from toolkit.automl.workers.search_result import SearchCallbacks
from toolkit.automl.workers.trial_store import TrialRecord, TrialStore

if TYPE_CHECKING:
    from toolkit.automl.task import SearchTask
    from toolkit.run.stage import Stage

_EVERY = 1.0
_SAY_EVERY = 20.0
"""Seconds without a finished model after which terminal and log are told what runs."""
_RELATIVE = 1e-3
"""A gain of the ensemble below this share of its score is none."""
_RESAMPLES = 100
_PRUNE_EVERY = 6
"""Where there are no rounds: models after which the plan is looked at again."""


class SearchMonitor(SearchCallbacks):
    """Scores finished trials, reports them, and prunes the plan.

    Parameters
    ----------
    stage : Stage
        Takes progress.
    task : SearchTask
        Holds the targets.
    store : TrialStore
        Holds out-of-fold scores.
    live : SearchObserver, optional
        Shows the state and may stop.
    most, members : int
        How many models the budget allows, and the ensemble.
    """

    def __init__(
        self,
        stage: Stage,
        task: SearchTask,
        store: TrialStore,
        live: SearchObserver | None,
        *,
        most: int,
        members: int,
    ) -> None:
        project = stage.project
        self.stage, self.task, self.store, self.live = stage, task, store, live
        self.most, self.members = most, members
        self.metric = metrics.get(metrics.resolve(project)[0])
        classes = np.array(task.facts.classes, dtype=object)
        self.rows = ScoringRows(
            classes[task.target] if len(classes) else task.target,
            task.weights,
            task.folds,
            self.metric.name,
            metrics.Context(project.target.task, task.facts.classes, None, project.costs),
            project.seed,
        )
        self.timeline: list[tuple[float, str, float | None]] = []
        self._began = time.monotonic()
        self._looked = 0.0
        self._said = time.monotonic()
        self._rows: dict[str, LiveRow] = {}
        self._families: dict[str, list[str]] = {}
        self._failures: list[str] = []
        self._running: list[str] = []
        self._oof: dict[str, np.ndarray] = {}
        self._ensemble: blend.Ensemble | None = None
        self._prune_reasons: dict[str, str] = {}
        self._counted = (0, 0)

    # -- what the scheduler reports ----------------------------------------------

    def finished(self, trial: Trial, record: TrialRecord, before: bool) -> None:
        """Score a finished trial."""
        scores = self.store.oof(trial.name)
        self._oof[trial.name] = scores
        value = self.rows.score(scores)
        self._rows[trial.name] = LiveRow(trial.name, trial.engine, trial.family, value)
        self._families.setdefault(_family(trial), []).append(trial.name)
        self.timeline.append((round(time.monotonic() - self._began, 1), trial.name, value))
        self._said = time.monotonic()
        text = "unknown" if value is None else formats.number(value, 5)
        how = "kept from before" if before else f"fitted in {record.seconds:.1f} s"
        best = ranked(list(self._rows.values()), self.metric)[0]
        self.stage.progress(
            f"{trial.name}: {self.metric.title} {text}, {how}; best {best.name}",
            len(self._rows),
            self.most,
        )
        timed = self.stage.project.automl.budget.seconds is not None
        if timed and len(self._rows) % _PRUNE_EVERY == 0 and (now := self.weigh()):
            self._prune(now)
        self._running = [text for text in self._running if not text.startswith(trial.name)]
        self._show()

    def failed(self, trial: Trial, reason: str) -> None:
        """Report a failure."""
        self._failures.append(f"{trial.name}: {reason}")
        self.stage.progress.warn(f"{trial.name} did not work: {reason}")
        self._show()

    def tick(self, running: list[str], done: int, planned: int) -> bool:
        """Show what runs; return whether a person wants to stop."""
        now = time.monotonic()
        self._running, self._counted = running, (done, planned)
        if now - self._looked > _EVERY:
            self._looked = now
            self._show()
        if running and now - self._said > _SAY_EVERY:
            self._said = now
            self.stage.progress("; ".join(running), done, planned)
        return self.live is not None and self.live.stopped()

    def end(self, why: str) -> None:
        """Show that the search is over."""
        self._running = []
        self._show(why)

    def _show(self, ended: str = "") -> None:
        if self.live is None:
            return
        done, planned = self._counted
        self.live.update(
            SearchState(
                metric=self.metric.name,
                rows=ranked(list(self._rows.values()), self.metric),
                running=list(self._running),
                done=max(done, len(self._rows)),
                planned=planned,
                elapsed=time.monotonic() - self._began,
                seconds=self.stage.project.automl.budget.seconds,
                failures=list(self._failures),
                timeline=list(self.timeline),
                ended=ended,
            )
        )

    # -- what the scheduler asks -------------------------------------------------

    def stop_reason(self, round: int) -> str:
        """Return why another round would bring nothing."""
        before, now = self._ensemble, self.weigh()
        self._ensemble = now
        if now is None:
            return ""
        self._prune(now)
        if before is None or not self.stage.project.automl.early_stop:
            return ""
        gain = blend.gain(before, now, self.rows)
        score = self.rows.score(now.oof)
        if gain.high is None or score is None or gain.high > _RELATIVE * abs(score):
            return ""
        return (
            f"Round {round} improved the ensemble's {self.metric.title} by"
            f" {formats.number(gain.value, 2)}"
            f" (at most {formats.number(gain.high, 2)}): nothing more is to gain."
        )

    def prune_reason(self, trial: Trial) -> str:
        """Return why a further model of a family is left out."""
        return self._prune_reasons.get(_family(trial), "")

    def weigh(self, *, bagged: bool = False) -> blend.Ensemble | None:
        """Return the ensemble over what is finished; None where there are not two models."""
        if len(self._oof) < 2:
            return None
        return blend.select(
            self._oof,
            self.rows,
            members=self.members,
            bagged=bagged,
            families={name: family for family, names in self._families.items() for name in names},
        )

    def _prune(self, now: blend.Ensemble) -> None:
        """Leave out families of which every model is clearly worse and none helps."""
        best = ranked(list(self._rows.values()), self.metric)[0]
        for family, names in self._families.items():
            if any(name in now.weights or name == best.name for name in names):
                self._prune_reasons.pop(family, None)
                continue
            rows = ranked([self._rows[name] for name in names], self.metric)
            difference = self.rows.difference(
                self._oof[rows[0].name], self._oof[best.name], resamples=_RESAMPLES
            )
            low, high = difference.low, difference.high
            if low is None or high is None or low <= 0 <= high:
                continue
            self._prune_reasons[family] = (
                f"{rows[0].name}, the best of its family so far, is clearly worse than"
                f" {best.name}, and the ensemble does not use it"
            )


def _family(trial: Trial) -> str:
    return f"{trial.engine}: {trial.family}"
