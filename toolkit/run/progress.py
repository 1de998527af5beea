"""One account of long work, for a notebook, a terminal and a log file alike."""

from __future__ import annotations

import contextlib
import html
import logging
import time
from pathlib import Path
from typing import Any

LOG_NAME = "log.txt"
_PAUSE = 2.0
"""Seconds between two lines that differ in their count only; the last one always comes."""


class Progress:
    """Says what is happening, how much is done, and how much is left.

    Parameters
    ----------
    stage : str
        The stage's name, which starts every line.
    log : Path
        The run's log file; lines are appended.
    shown : bool
        Whether a notebook shows it below the cell, too.
    """

    def __init__(self, stage: str, log: Path, *, shown: bool = True) -> None:
        self.stage = stage
        self.log = log
        self._shown = shown
        self._started = time.monotonic()
        self._handle: Any = None
        self._lines: list[str] = []
        self._last = ("", 0.0)

    def __call__(self, message: str, done: int | None = None, total: int | None = None) -> None:
        """Report a step.

        Parameters
        ----------
        message : str
            What is happening now.
        done, total : int, optional
            Steps finished, and steps in all.
        """
        text, written = self._last
        soon = time.monotonic() - written < _PAUSE
        if message == text and soon and done is not None and done != total:
            return
        self._last = (message, time.monotonic())
        count = f" {done}/{total}" if done is not None and total else ""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        # A log that cannot be written must not end the work that it tells of.
        with contextlib.suppress(OSError):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("a", encoding="utf-8") as stream:
                stream.write(f"{stamp} [{self.stage}]{count} {' '.join(message.split())}\n")
        self._show(message, done, total)

    def warn(self, message: str) -> None:
        """Report something that was skipped or degraded."""
        self(f"WARNING: {message}")

    def _show(self, message: str, done: int | None, total: int | None) -> None:
        if not self._shown or kernel_shell() is None:
            logging.getLogger("toolkit").info("[%s] %s", self.stage, message)
            return
        from IPython.display import HTML, display

        elapsed = time.monotonic() - self._started
        share = done / total if done is not None and total else None
        bar = (
            f'<progress value="{share:.3f}" max="1" style="width:12em;vertical-align:middle">'
            f"</progress> {done} of {total} · "
            if share is not None
            else ""
        )
        if self._lines[-1:] != [html.escape(message)]:
            self._lines = [*self._lines[-4:], html.escape(message)]
        body = HTML(
            '<div role="status" style="font:13px system-ui,sans-serif">'
            f"{bar}{elapsed:.0f} s<br>" + "<br>".join(self._lines) + "</div>"
        )
        if self._handle is None:
            self._handle = display(body, display_id=True)
        else:
            self._handle.update(body)

    def new_cell(self) -> None:
        """Let the next message appear below the cell that runs now."""
        self._handle = None
        self._lines = []
        self._started = time.monotonic()


def kernel_shell() -> object | None:
    """Return IPython's shell where the code runs in a notebook's kernel."""
    import sys

    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    shell = get_ipython()
    return shell if shell is not None and hasattr(shell, "kernel") else None
