"""A process and all that it starts: wall time, memory at the highest, and its end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

_EVERY = 0.25
_MARK = "BENCHMARK_CELL"


@dataclass(frozen=True)
class Measured:
    """What a process took.

    Attributes
    ----------
    code : int
        Its exit status.
    stopped : str
        Why it was ended from outside; empty if it ended by itself.
    seconds : float
        Wall time.
    peak_mib : float
        The most memory that it and its descendants held at once: proportional set size
        where the system tells it, so that shared pages count once; else resident size.
    """

    code: int
    stopped: str
    seconds: float
    peak_mib: float


def threads(cores: int) -> dict[str, str]:
    """Return the environment that keeps numeric libraries to so many threads."""
    names = (
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
        "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS", "LOKY_MAX_CPU_COUNT",
    )  # fmt: skip
    return dict.fromkeys(names, str(cores))


def watch(
    command: list[str],
    *,
    environment: dict[str, str],
    folder: Path,
    log: Path,
    stop: Callable[[float], str],
) -> Measured:
    """Run a command to its end, or until `stop` gives a reason to end it.

    Parameters
    ----------
    command : list of str
    environment : dict
        Added to this process's.
    folder : Path
        Where it runs.
    log : Path
        What it prints.
    stop : callable
        Given the seconds since the start; returns why it is to end now, or nothing.
    """
    # Whatever loses its parent is still found by this mark in its environment.
    mark = f"{os.getpid()}-{time.monotonic_ns()}"
    since = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | environment | {_MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    tree = _Tree(process.pid)
    stopped = ""
    try:
        while process.poll() is None:
            tree.sample()
            stopped = stop(time.monotonic() - since)
            if stopped:
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_EVERY)
        seconds = time.monotonic() - since
    finally:
        tree.end(mark)
        process.wait()
    return Measured(process.returncode, stopped, seconds, tree.peak / 2**20)


class _Tree:
    """A process and its descendants, also those that it left behind."""

    def __init__(self, pid: int) -> None:
        self.known: dict[int, psutil.Process] = {}
        self.peak = 0
        with contextlib.suppress(psutil.Error):
            self.known[pid] = psutil.Process(pid)

    def _grow(self) -> None:
        # Children come after their parents often enough; who is missed is found next time.
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid not in self.known and process.ppid() in self.known:
                    self.known[process.pid] = process
        self.known = {pid: one for pid, one in self.known.items() if one.is_running()}

    def sample(self) -> None:
        self._grow()
        self.peak = max(self.peak, sum(_bytes(one) for one in self.known.values()))

    def end(self, mark: str) -> None:
        """End what is left of the tree, and nothing else."""
        self._grow()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(_MARK) == mark:
                    self.known.setdefault(process.pid, process)
        for process in self.known.values():
            with contextlib.suppress(psutil.Error):
                process.kill()  # psutil checks that the number was not given to another process
        psutil.wait_procs(list(self.known.values()), timeout=10)


def _bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.Error, AttributeError, OSError):
        pass
    try:
        return int(process.memory_info().rss)
    except (psutil.Error, OSError):
        return 0
