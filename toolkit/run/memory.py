"""How much memory a process and all that it started hold together."""

from __future__ import annotations

import json
import os
import threading
import time
import weakref

_EVERY = 0.5
SERVER_VARIABLE = "TOOLKIT_H2O"
"""Environment variable that names the runner's H2O, which serves its notebooks.

It is no child of theirs, and what it holds is counted with what they hold.
"""


class Memory:
    """The most memory that this process and those it started held at once.

    Resident sizes are added up, so that pages which processes share count more than once:
    the sum is never too low.

    Attributes
    ----------
    peak_mib : float
        The most so far, in MiB.
    """

    def __init__(self) -> None:
        self.peak_mib = 0.0
        self._others = [_shared_server()]
        self._stopped = threading.Event()

    def look(self) -> None:
        """Measure now."""
        import psutil

        try:
            own = psutil.Process()
            processes = [own, *own.children(recursive=True)]
            processes += [psutil.Process(pid) for pid in self._others if psutil.pid_exists(pid)]
        except psutil.Error:  # one that ended meanwhile
            return
        total = 0
        for process in {p.pid: p for p in processes}.values():
            try:
                total += process.memory_info().rss
            except psutil.Error:
                continue
        self.peak_mib = max(self.peak_mib, total / 2**20)

    def watch(self) -> None:
        """Measure twice a second on a thread of its own, until `stop` or while this lives."""
        threading.Thread(target=_watch, args=(weakref.ref(self),), daemon=True).start()

    def stop(self) -> None:
        """Measure once more, and no more."""
        if not self._stopped.is_set():
            self._stopped.set()
            self.look()


def _watch(reference: weakref.ref[Memory]) -> None:
    while (memory := reference()) is not None and not memory._stopped.is_set():
        memory.look()
        del memory
        time.sleep(_EVERY)


def _shared_server() -> int:
    try:
        return int(json.loads(os.environ.get(SERVER_VARIABLE, "{}")).get("pid") or -1)
    except (ValueError, TypeError, AttributeError):
        return -1
