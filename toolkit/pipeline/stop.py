"""Reasons to end the chain early: a signal, or the time that was given."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any

from toolkit import formats
from toolkit.errors import StageTimeout, Terminated, ToolkitError, UsageError

_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")


class Stop:
    """A context in which signals are noted instead of ending the process at once.

    Nothing is interrupted: whoever works asks `reason` often, and tidies up. A signal
    that was ignored before, as ``nohup`` does, stays ignored.

    Parameters
    ----------
    seconds : float or None
        The most that the chain may take from now on.
    """

    def __init__(self, seconds: float | None = None) -> None:
        if seconds is not None and not seconds > 0:
            raise UsageError(
                f"--timeout {formats.number(seconds, 6)}", expected="a number of seconds above 0"
            )
        self.seconds = seconds
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._signal: str | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for name in _SIGNALS:
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        self._signal = self._signal or signal.Signals(number).name

    def reason(self) -> ToolkitError | None:
        """Return why to stop now, or None."""
        if self._signal is not None:
            return Terminated(
                f"terminated by {self._signal}",
                remedy="`toolkit run` goes on from the last finished stage",
            )
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return StageTimeout(
                f"not done after {formats.number(self.seconds, 6)} s",
                remedy="Allow more with --timeout; `toolkit run` goes on from the last"
                " finished stage",
            )
        return None
