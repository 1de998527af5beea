"""Worker processes, and what they report."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from toolkit.automl.engines.base import Trial
from toolkit.automl.workers.trial_store import WORKER

_LOG_END = 4000
_GRACE = 5.0


@dataclass
class Event:
    """Something that a worker reports, or that its process ended.

    Attributes
    ----------
    worker : Worker
        The worker.
    kind : str
        progress, ended or died.
    facts : dict
        What it reports.
    """

    worker: Worker
    kind: str
    facts: dict[str, Any] = field(default_factory=dict)


class Worker:
    """A process that fits the trials of one group of engines.

    Parameters
    ----------
    group : str
        The group.
    run : Path
        The run folder.
    events : queue.Queue
        Takes what it reports.
    threads : int
        Threads for whatever counts them by environment variables.
    environment : dict of str
        Added to this process's environment.

    Attributes
    ----------
    environment : dict of str
        What was added to its environment.
    trial : Trial or None
        What it works on.
    started : float
        When it took it up, by the monotonic clock.
    doing : str
        Its last line of progress.
    """

    def __init__(
        self,
        group: str,
        run: Path,
        events: queue.Queue[Event],
        threads: int,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.group = group
        self.environment = environment or {}
        self.trial: Trial | None = None
        self.started = 0.0
        self.doing = ""
        self._events = events
        self._log = run / "search" / f"{group}.log"
        # -P: nothing in the working folder can take the place of a module.
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", WORKER, str(run), group],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # a Ctrl-C is for the owner, who decides
                env=_environment(threads) | self.environment,
            )
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def order(self, trial: Trial, fingerprint: str, seconds: float | None) -> None:
        """Hand it a trial, with the fingerprint that its record is to bear."""
        self.trial, self.started, self.doing = trial, time.monotonic(), ""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it died: the listener says so
            self._process.stdin.write(
                json.dumps({"trial": asdict(trial), "fingerprint": fingerprint, "seconds": seconds})
                + "\n"
            )
            self._process.stdin.flush()

    def stop(self) -> None:
        """End it, whatever it does."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)

    def last_log_line(self) -> str:
        """Return the last line that it wrote to its log."""
        try:
            with self._log.open("rb") as log:
                log.seek(max(0, self._log.stat().st_size - _LOG_END))
                lines = log.read().decode(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].strip()[:200] if lines else ""

    def _listen(self, answers: IO[str]) -> None:
        for line in answers:
            facts = json.loads(line)
            self._events.put(Event(self, facts.pop("kind"), facts))
        self._events.put(Event(self, "died", {"code": self._process.wait()}))


def _environment(threads: int) -> dict[str, str]:
    counted = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {
        **os.environ,
        **dict.fromkeys(counted, str(threads)),
        # Idle threads that spin would starve the other worker.
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
    }


class ServerStart(Worker):
    """Stands for a worker whose server is being started."""

    def __init__(self, group: str, trial: Trial) -> None:  # no process: none is needed yet
        self.group, self.trial, self.started, self.doing = group, trial, time.monotonic(), ""
        self.environment = {}

    def stop(self) -> None:
        """Nothing runs yet."""


def exit_reason(code: int, worker: Worker) -> str:
    """Return how a process ended, from its exit status."""
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"its process was ended by {name}" + (
            ", perhaps for want of memory" if name == "SIGKILL" else ""
        )
    line = worker.last_log_line()
    return f"its process ended with status {code}" + (f" ({line})" if line else "")
