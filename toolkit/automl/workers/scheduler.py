"""The search at work: two worker processes fit trials, round by round, within one budget."""

from __future__ import annotations

import queue
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from toolkit import formats
from toolkit.artifacts import TrialRun
from toolkit.automl import engines
from toolkit.automl.engines.base import Trial
from toolkit.automl.engines.h2o.server import node
from toolkit.automl.workers.search_result import SearchCallbacks, SearchResult
from toolkit.automl.workers.time_budget import SearchClock
from toolkit.automl.workers.trial_store import TrialRecord, TrialStore, trial_fingerprint
from toolkit.automl.workers.worker_process import (
    Event,
    Starting,
    Worker,
    next_in_line,
    words_of_death,
)

if TYPE_CHECKING:
    from toolkit.automl.task import SearchTask
    from toolkit.project.model import Project

WORKERS = 2
_TICK = 0.2
_ATTEMPTS = 2
_ALONE = frozenset({"h2o", "autokeras"})
"""Groups of which one trial runs at a time: they share a server, or much memory."""


class Scheduler:
    """Fits trials until the plan or the budget is used up.

    Parameters
    ----------
    project : Project
        The budget, and where H2O runs.
    task : SearchTask
        What is learned; `TrialStore.task` holds it.
    ledger : TrialStore
        Finished trials.
    plan : list of Trial
        In the order of their promise.
    most : int
        How many trials may be fitted.
    deadline : float, optional
        When fitting has to end, by the monotonic clock.
    watcher : SearchCallbacks
        Who decides and reports.
    """

    def __init__(
        self,
        project: Project,
        task: SearchTask,
        ledger: TrialStore,
        plan: list[Trial],
        *,
        most: int,
        deadline: float | None,
        watcher: SearchCallbacks,
    ) -> None:
        self.project = project
        self.task = task
        self.ledger = ledger
        self.plan = plan
        self.most = most
        self.pace = SearchClock(deadline)
        self.watcher = watcher
        self.outcome = SearchResult()
        self._events: queue.Queue[Event] = queue.Queue()
        self._workers: list[Worker] = []
        self._starting: dict[str, Future[dict[str, str]]] = {}
        self._pool = ThreadPoolExecutor(1)
        self._attempts: dict[str, int] = {}
        self._again: list[Trial] = []
        self._state: dict[str, TrialRun] = {}

    # -- the whole search --------------------------------------------------------

    def run(self) -> SearchResult:
        """Fit; what is finished is kept however this ends."""
        outcome = self.outcome
        try:
            outcome.ended = self._rungs()
        except KeyboardInterrupt:
            outcome.ended, outcome.whole = "A person stopped it.", False
        finally:
            for worker in self._workers:
                worker.stop()
            self._pool.shutdown(wait=False, cancel_futures=True)
        for trial in self.plan:
            run = self._state.get(trial.name)
            if run is not None:
                outcome.trials.append(run)
        names = [trial.name for trial in self.plan]
        outcome.records = {n: outcome.records[n] for n in names if n in outcome.records}
        return outcome

    def _rungs(self) -> str:
        left = self.most
        rounds = sorted({trial.round for trial in self.plan})
        if self.pace.timed:
            # Waiting for the slowest of a round would waste time, and nothing replays anyway.
            return self._fit(self.plan, left) or "Every planned model was fitted."
        for round in rounds:
            due = [trial for trial in self.plan if trial.round == round]
            if round > rounds[0]:
                due = [trial for trial in due if not self._left_out(trial)]
            due = _in_chains(due[:left])
            left -= len(due)
            stopped = self._fit(due, len(due))
            if stopped:
                return stopped
            if left <= 0:
                return f"The budget of {self.most} models is used up."
            if round != rounds[-1] and (reason := self.watcher.gained(round)):
                return reason
        return "Every planned model was fitted."

    def _left_out(self, trial: Trial) -> bool:
        reason = self.watcher.hopeless(trial)
        if reason:
            self._mark(trial, "skipped", reason)
        return bool(reason)

    # -- some trials -------------------------------------------------------------

    def _fit(self, trials: list[Trial], most: int) -> str:
        """Fit trials in all workers; return why it ended before all were done, if it did."""
        waiting: list[Trial] = []
        for trial in trials:
            if len(waiting) + len(self.outcome.records) >= self.most:
                break
            record = self.ledger.finished(trial, self._fingerprint(trial))
            if record is None:
                waiting.append(trial)
            else:
                self._done(trial, record, before=True)
        started = 0
        while waiting or self._again or self._busy() or self._starting:
            if self.pace.over():
                self.outcome.whole = False
                return self._cut_short()
            if self.watcher.tick(self._running(), len(self._state), self._planned(waiting)):
                raise KeyboardInterrupt
            started += self._launch(waiting, most - started)
            if started >= most and not self._again:
                waiting.clear()
            self._take_events()
        return ""

    def _launch(self, waiting: list[Trial], most: int) -> int:
        started = 0
        if self.pace.left() <= 0:
            waiting.clear()
        while (self._again or (waiting and started < most)) and self._worker_is_free():
            trial = self._next(self._again) or (self._next(waiting) if started < most else None)
            if trial is None:
                break
            fresh = trial.name not in self._attempts
            if fresh and self.pace.timed and (why := self._not_worth(trial)):
                self._mark(trial, "skipped", why)
                continue
            started += fresh
            self._start(trial)
        return started

    def _next(self, waiting: list[Trial]) -> Trial | None:
        active = {worker.group for worker in self._busy()} | set(self._starting)
        groups = [engines.get(trial.engine).group for trial in waiting]
        place = next_in_line(groups, active, _ALONE, timed=self.pace.timed)
        return None if place is None else waiting.pop(place)

    def _worker_is_free(self) -> bool:
        return len(self._starting) + len(self._busy()) < self._most_workers()

    def _most_workers(self) -> int:
        return min(WORKERS, self.project.automl.budget.threads)

    def _busy(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.trial is not None]

    def _start(self, trial: Trial) -> None:
        group = engines.get(trial.engine).group
        self._attempts[trial.name] = self._attempts.get(trial.name, 0) + 1
        self.ledger.begin(trial)
        if group == "h2o":
            # Starting a JVM takes seconds, in which the other worker goes on.
            self._starting[group] = self._pool.submit(self._h2o_environment)
            self._starting[group].add_done_callback(lambda done: self._ready(group, trial, done))
        else:
            self._order(group, trial, {})

    def _h2o_environment(self) -> dict[str, str]:
        environment, note = node.ensure(self.project.automl.budget, self.project.h2o.url)
        if note and note not in self.outcome.notes:
            self.outcome.notes.append(note)
        return environment

    def _ready(self, group: str, trial: Trial, done: Future[dict[str, str]]) -> None:
        if done.cancelled():
            return
        worker = Starting(group, trial)
        error = done.exception()
        if error is not None:
            line = error.line() if hasattr(error, "line") else str(error)
            self._events.put(Event(worker, "ended", {"trial": trial.name, "error": line}))
        else:
            self._events.put(Event(worker, "ready", {"environment": done.result()}))

    def _order(self, group: str, trial: Trial, environment: dict[str, str]) -> None:
        idle = [w for w in self._workers if w.group == group and w.trial is None]
        for worker in [w for w in idle if w.environment != environment]:
            self._drop(worker)  # it would look for a server that is gone
            idle.remove(worker)
        if idle:
            worker = idle[0]
        else:
            threads = self.task.facts.threads
            worker = Worker(group, self.ledger.run, self._events, threads, environment)
            self._workers.append(worker)
        seconds = self.pace.allowance(first=not self.outcome.records)
        worker.order(trial, self._fingerprint(trial), seconds)

    # -- what happens ------------------------------------------------------------

    def _take_events(self) -> None:
        try:
            event = self._events.get(timeout=_TICK)
        except queue.Empty:
            return
        while True:
            self._take(event)
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                return

    def _take(self, event: Event) -> None:
        worker, trial = event.worker, event.worker.trial
        if event.kind == "ready":
            assert trial is not None
            self._starting.pop(worker.group)
            self._order(worker.group, trial, event.facts["environment"])
        elif event.kind == "progress":
            worker.doing = event.facts["text"]
        elif event.kind == "ended":
            self._starting.pop(worker.group, None)
            worker.trial = None
            assert trial is not None
            self._ended(worker, trial, event.facts)
        elif worker in self._workers:  # it died
            self._drop(worker)
            worker.trial = None
            if trial is not None:
                self._lost(trial, words_of_death(event.facts["code"], worker))

    def _ended(self, worker: Worker, trial: Trial, facts: dict[str, object]) -> None:
        if not facts["error"]:
            record = TrialRecord(**facts["record"])  # type: ignore[arg-type]
            self.pace.learn(trial, time.monotonic() - worker.started)
            self._done(trial, record, before=False)
        elif worker.group == "h2o" and not node.usable(worker.environment, self.project.h2o.url):
            self._drop(worker)
            self._lost(trial, str(facts["error"]))
        else:
            self._failed(trial, str(facts["error"]))

    def _drop(self, worker: Worker) -> None:
        if worker in self._workers:
            self._workers.remove(worker)
        worker.stop()

    def _lost(self, trial: Trial, reason: str) -> None:
        """A worker or a server was lost in a trial that may be sound: once more."""
        if self._attempts[trial.name] < _ATTEMPTS:
            self.outcome.notes.append(f"{trial.name}: {reason}; it is fitted once more")
            self.watcher.failed(trial, f"{reason}; it is fitted once more")
            self._again.append(trial)
        else:
            self._failed(trial, f"{reason} ({_ATTEMPTS} attempts)")

    def _done(self, trial: Trial, record: TrialRecord, *, before: bool) -> None:
        outcome = self.outcome
        outcome.records[trial.name] = record
        outcome.notes += [f"{trial.name}: {note}" for note in record.notes]
        self._mark(trial, "done", "")
        self.watcher.finished(trial, record, before)

    def _failed(self, trial: Trial, reason: str) -> None:
        self.outcome.failures.setdefault(trial.engine, []).append(f"{trial.name}: {reason}")
        self._mark(trial, "failed", reason)
        self.watcher.failed(trial, reason)

    def _mark(self, trial: Trial, status: str, reason: str) -> None:
        self._state[trial.name] = TrialRun(
            name=trial.name,
            engine=trial.engine,
            family=trial.family,
            round=trial.round,
            status=status,  # type: ignore[arg-type]
            reason=reason,
        )

    # -- words -------------------------------------------------------------------

    def _running(self) -> list[str]:
        lines = []
        for worker in self._busy():
            assert worker.trial is not None
            seconds = time.monotonic() - worker.started
            doing = f": {worker.doing}" if worker.doing else ""
            lines.append(f"{worker.trial.name}{doing} ({seconds:.0f} s)")
        return lines + [f"starting {group}" for group in self._starting]

    def _planned(self, waiting: list[Trial]) -> int:
        now = len(self._state) + len(self._busy()) + len(waiting)
        return max(now, min(self.most, len(self.plan)))

    def _not_worth(self, trial: Trial) -> str:
        return self.pace.too_long(trial) or self.watcher.hopeless(trial)

    def _cut_short(self) -> str:
        for worker in self._busy():
            if worker.trial is not None:
                self._mark(worker.trial, "skipped", "time was over before it was done")
        return (
            f"The time of {formats.number(self.project.automl.budget.seconds, 6)} seconds is over."
        )

    def _fingerprint(self, trial: Trial) -> str:
        return trial_fingerprint(self.task.digest, engines.get(trial.engine), trial)


def _in_chains(trials: list[Trial]) -> list[Trial]:
    """Return trials in the order in which to begin them.

    Those that run one at a time come first, but for the very first trial, whose score is there at
    once: left to the end, they would keep one worker busy and the other idle.
    """
    chained = [trial for trial in trials if engines.get(trial.engine).group in _ALONE]
    others = [trial for trial in trials if trial not in chained]
    return others[:1] + sorted(chained, key=lambda trial: -trial.cost) + others[1:]
