"""Keeps one command alive exactly as long as its owner, even if the owner is killed.

Run by path in an isolated interpreter, with the standard library alone::

    python -I -S guard.py FOLDER LOG COMMAND [ARGUMENT ...]

The owner holds the write end of this process's standard input. When that pipe closes
(the owner ended, whatever ended it) or on SIGTERM, the command's whole process group is
ended and FOLDER is removed. The command's process id is the one line written to
standard output; if the command ends first, its exit code is left in ``FOLDER/ended``.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

_PERIOD_SECONDS = 0.5
_GRACE_SECONDS = 3.0
_PR_SET_PDEATHSIG = 1


def _die_with_guard() -> None:
    # Linux: the kernel ends the command should the guard itself be killed.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(child: subprocess.Popen[bytes]) -> None:
    for number, patience in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
            return


def _owner_lives(owner: int) -> bool:
    # A child that the owner forked may hold the pipe open, so the parent counts as well.
    if os.getppid() != owner:
        return False
    ready, _, _ = select.select([0], [], [], _PERIOD_SECONDS)
    return not ready or bool(os.read(0, 4096))


def main(folder: str, log: str, *command: str) -> int:
    """Run the command until it or its owner ends; return its exit code, or 0."""
    owner = os.getppid()
    told_to_stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _: told_to_stop.append(number))
    with open(log, "ab") as stream:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=folder,
            start_new_session=True,
            preexec_fn=_die_with_guard,  # noqa: PLW1509 - this process has one thread
        )
    print(child.pid, flush=True)
    ended = Path(folder) / "ended"
    while not told_to_stop and _owner_lives(owner):
        if child.poll() is not None and not ended.exists():
            ended.write_text(str(child.returncode), encoding="ascii")
    _end(child)
    shutil.rmtree(folder, ignore_errors=True)
    return child.returncode if ended.exists() else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
