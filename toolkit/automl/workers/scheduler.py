"""The search at work: two worker processes fit trials, round by round, within one budget."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal

from toolkit import formats
from toolkit.artifacts import TrialRun
from toolkit.automl import engines
from toolkit.automl.engines.base import Trial
from toolkit.automl.workers.search_result import SearchCallbacks, SearchResult
from toolkit.automl.workers.time_budget import SearchClock
from toolkit.automl.workers.trial_order import next_in_line, slow_first
from toolkit.automl.workers.trial_store import TrialRecord, TrialStore, trial_fingerprint
from toolkit.automl.workers.worker_process import Event, ServerStart, Worker, exit_reason

if TYPE_CHECKING:
    from toolkit.automl.engines.base import Engine
    from toolkit.automl.task import SearchTask
    from toolkit.project.model import Project

WORKERS = 2
_TICK = 0.2
_ATTEMPTS = 2


class Scheduler:
    """Fits trials until the plan or the budget is used up.

    Parameters
    ----------
    project : Project
        The budget, and where H2O runs.
    task : SearchTask
        What is learned; `TrialStore.task` holds it.
    store : TrialStore
        Finished trials.
    plan : list of Trial
        The most promising first.
    most : int
        How many trials may be fitted.
    deadline : float, optional
        When fitting has to end, by the monotonic clock.
    callbacks : SearchCallbacks
        Who decides and reports.
    """

    def __init__(
        self,
        project: Project,
        task: SearchTask,
        store: TrialStore,
        plan: list[Trial],
        *,
        most: int,
        deadline: float | None,
        callbacks: SearchCallbacks,
    ) -> None:
        self.project = project
        self.task = task
        self.store = store
        self.plan = plan
        self.most = most
        self.clock = SearchClock(deadline)
        self.callbacks = callbacks
        self.outcome = SearchResult()
        self._events: queue.Queue[Event] = queue.Queue()
        self._workers: list[Worker] = []
        self._starting: dict[str, Future[dict[str, str]]] = {}
        self._pool = ThreadPoolExecutor(1)
        self._attempts: dict[str, int] = {}
        self._again: list[Trial] = []
        self._state: dict[str, TrialRun] = {}
        planned = [engines.get(trial.engine) for trial in plan]
        self._alone = {engine.process_group for engine in planned if engine.runs_alone}

    # -- the whole search --------------------------------------------------------

    def run(self) -> SearchResult:
        """Fit; what is finished is kept however this ends."""
        outcome = self.outcome
        try:
            for trials in self._batches():
                self._fit(trials)
                if outcome.ended:
                    break
            outcome.ended = outcome.ended or "Every planned model was fitted."
        except KeyboardInterrupt:
            outcome.ended, outcome.whole = "A person stopped it.", False
        finally:
            for worker in self._workers:
                worker.stop()
            self._pool.shutdown(wait=False, cancel_futures=True)
        names = [trial.name for trial in self.plan]
        outcome.trials = [self._state[n] for n in names if n in self._state]
        outcome.records = {n: outcome.records[n] for n in names if n in outcome.records}
        return outcome

    def _batches(self) -> Iterator[list[Trial]]:
        """Give the trials of round after round, as long as the budget lasts and they help."""
        if self.clock.timed:
            # Waiting for the slowest of a round would waste time, and nothing replays anyway.
            yield self.plan
            return
        left = self.most
        rounds = sorted({trial.round for trial in self.plan})
        for round in rounds:
            due = [trial for trial in self.plan if trial.round == round]
            if round > rounds[0]:
                due = [trial for trial in due if not self._pruned(trial)]
            due = slow_first(due[:left])
            left -= len(due)
            yield due
            if left <= 0:
                self.outcome.ended = f"The budget of {self.most} models is used up."
                return
            if round != rounds[-1] and (reason := self.callbacks.stop_reason(round)):
                self.outcome.ended = reason
                return

    def _pruned(self, trial: Trial) -> bool:
        reason = self.callbacks.prune_reason(trial)
        if reason:
            self._mark(trial, "skipped", reason)
        return bool(reason)

    # -- some trials -------------------------------------------------------------

    def _fit(self, trials: list[Trial]) -> None:
        """Fit trials in all workers; say in the outcome why it ended before all were done."""
        waiting = self._unfinished(trials)
        while waiting or self._again or self._busy() or self._starting:
            if self.clock.over():
                self._cut_short()
                return
            if self.callbacks.tick(self._running(), len(self._state), self._planned(waiting)):
                raise KeyboardInterrupt
            for trial in self._next_trials(waiting):
                self._start(trial)
            self._take_events()

    def _unfinished(self, trials: list[Trial]) -> list[Trial]:
        """Return the trials that no earlier search has finished, as many as the budget allows."""
        waiting: list[Trial] = []
        for trial in trials:
            if len(waiting) + len(self.outcome.records) >= self.most:
                break
            record = self.store.finished(trial, self._fingerprint(trial))
            if record is None:
                waiting.append(trial)
            else:
                self._done(trial, record, before=True)
        return waiting

    def _next_trials(self, waiting: list[Trial]) -> Iterator[Trial]:
        """Take trials to begin from those that wait, one for each free worker."""
        if self.clock.left() <= 0:
            waiting.clear()
        while (self._again or waiting) and self._worker_is_free():
            trial = self._next(self._again) or self._next(waiting)
            if trial is None:
                return
            fresh = trial.name not in self._attempts
            if fresh and self.clock.timed and (why := self._not_worth(trial)):
                self._mark(trial, "skipped", why)
                continue
            yield trial

    def _next(self, waiting: list[Trial]) -> Trial | None:
        active = {worker.group for worker in self._busy()} | set(self._starting)
        groups = [engines.get(trial.engine).process_group for trial in waiting]
        place = next_in_line(groups, active, self._alone, timed=self.clock.timed)
        return None if place is None else waiting.pop(place)

    def _worker_is_free(self) -> bool:
        most = min(WORKERS, self.project.automl.budget.threads)
        return len(self._starting) + len(self._busy()) < most

    def _busy(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.trial is not None]

    def _start(self, trial: Trial, environment: dict[str, str] | None = None) -> None:
        """Hand a trial to a worker; without a server's environment, start the server first."""
        engine = engines.get(trial.engine)
        if environment is None:
            self._attempts[trial.name] = self._attempts.get(trial.name, 0) + 1
            self.store.begin(trial)
            if engine.needs_server:
                # Starting one takes seconds, in which the other worker goes on.
                start = self._pool.submit(self._server_environment, engine)
                self._starting[engine.process_group] = start
                start.add_done_callback(lambda done: self._ready(engine, trial, done))
                return
        worker = self._worker(engine.process_group, environment or {})
        seconds = self.clock.allowance(first=not self.outcome.records)
        worker.order(trial, self._fingerprint(trial), seconds)

    def _server_environment(self, engine: Engine) -> dict[str, str]:
        environment, note = engine.start_server(self.project)
        if note and note not in self.outcome.notes:
            self.outcome.notes.append(note)
        return environment

    def _ready(self, engine: Engine, trial: Trial, done: Future[dict[str, str]]) -> None:
        if done.cancelled():
            return
        worker = ServerStart(engine.process_group, trial)
        error = done.exception()
        if error is not None:
            line = error.line() if hasattr(error, "line") else str(error)
            self._events.put(Event(worker, "ended", {"trial": trial.name, "error": line}))
        else:
            self._events.put(Event(worker, "ready", {"environment": done.result()}))

    def _worker(self, group: str, environment: dict[str, str]) -> Worker:
        """Return an idle worker of a group, or a new one."""
        for worker in [w for w in self._workers if w.group == group and w.trial is None]:
            if worker.environment == environment:
                return worker
            self._drop(worker)  # it would look for a server that is gone
        worker = Worker(group, self.store.run, self._events, self.task.facts.threads, environment)
        self._workers.append(worker)
        return worker

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
            self._start(trial, event.facts["environment"])
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
                self._lost(trial, exit_reason(event.facts["code"], worker))

    def _ended(self, worker: Worker, trial: Trial, facts: dict[str, Any]) -> None:
        if not facts["error"]:
            record = TrialRecord(**facts["record"])
            self.clock.learn(trial, time.monotonic() - worker.started)
            self._done(trial, record, before=False)
        elif not engines.get(trial.engine).server_answers(worker.environment, self.project):
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
            self.callbacks.failed(trial, f"{reason}; it is fitted once more")
            self._again.append(trial)
        else:
            self._failed(trial, f"{reason} ({_ATTEMPTS} attempts)")

    def _done(self, trial: Trial, record: TrialRecord, *, before: bool) -> None:
        outcome = self.outcome
        outcome.records[trial.name] = record
        outcome.notes += [f"{trial.name}: {note}" for note in record.notes]
        self._mark(trial, "done", "")
        self.callbacks.finished(trial, record, before)

    def _failed(self, trial: Trial, reason: str) -> None:
        self.outcome.failures.setdefault(trial.engine, []).append(f"{trial.name}: {reason}")
        self._mark(trial, "failed", reason)
        self.callbacks.failed(trial, reason)

    def _mark(
        self, trial: Trial, status: Literal["done", "failed", "skipped"], reason: str
    ) -> None:
        self._state[trial.name] = TrialRun(
            name=trial.name,
            engine=trial.engine,
            family=trial.family,
            round=trial.round,
            status=status,
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
        return self.clock.too_long(trial) or self.callbacks.prune_reason(trial)

    def _cut_short(self) -> None:
        for worker in self._busy():
            if worker.trial is not None:
                self._mark(worker.trial, "skipped", "time was over before it was done")
        seconds = formats.number(self.project.automl.budget.seconds, 6)
        self.outcome.ended, self.outcome.whole = f"The time of {seconds} seconds is over.", False

    def _fingerprint(self, trial: Trial) -> str:
        return trial_fingerprint(self.task.digest, engines.get(trial.engine), trial)
