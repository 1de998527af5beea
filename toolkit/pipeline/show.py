"""What a person sees while the chain works: live in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, TextIO

from toolkit import paths
from toolkit.errors import ToolkitError
from toolkit.run.folder import Run
from toolkit.run.manifest import StageRecord
from toolkit.run.progress import LOG_NAME, kernel_shell


class Show:
    """Is told what happens to the chain, in one thread only; shows nothing by itself."""

    def begin(self, run: Run, stages: list[str]) -> None:
        """The chain starts."""

    def expected(self, text: str) -> None:
        """About how long the chain will take is known."""

    def reused(self, stage: str) -> None:
        """A stage still holds and is not computed again."""

    def started(self, stage: str) -> None:
        """A stage starts."""

    def tick(self) -> None:
        """Some time has passed."""

    def finished(self, stage: str, record: StageRecord) -> None:
        """A stage is done."""

    def failed(self, stage: str, error: ToolkitError) -> None:
        """A stage did not get done."""

    def close(self) -> None:
        """The chain is over; may be called when it never began."""


class PlainLines(Show):
    """One line for each thing that happens: for cron's mail and for a CI log."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def _say(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", file=self._stream, flush=True)

    def begin(self, run: Run, stages: list[str]) -> None:
        """Say which run and which stages."""
        self._say(f"run {run.folder}")

    def expected(self, text: str) -> None:
        """Say how long it will take."""
        self._say(text)

    def reused(self, stage: str) -> None:
        """Say that nothing has changed."""
        self._say(f"{_title(stage)}: unchanged, reused")

    def started(self, stage: str) -> None:
        """Say that the stage starts."""
        self._say(f"{_title(stage)}: started")

    def finished(self, stage: str, record: StageRecord) -> None:
        """Say how long it took, and what was degraded."""
        self._say(f"{_title(stage)}: done in {record.seconds:.1f} s")
        for note in record.notes:
            self._say(f"{_title(stage)}: note: {note}")

    def failed(self, stage: str, error: ToolkitError) -> None:
        """Say that it ended; the error itself is the command's last line."""
        self._say(f"{_title(stage)}: not done (exit code {error.exit_code})")


class CellOutput(PlainLines):
    """The same lines below a notebook's cell, and the newest line of the log."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)
        self._tail: _Tail | None = None
        self._line = ""
        self._handle: Any = None

    def begin(self, run: Run, stages: list[str]) -> None:
        """Say which run, and follow its log."""
        super().begin(run, stages)
        self._tail = _Tail(run.folder / LOG_NAME)

    def started(self, stage: str) -> None:
        """Say that the stage starts; its log appears below."""
        self._display("")
        super().started(stage)
        self._handle = None

    def tick(self) -> None:
        """Show the newest line of the log."""
        line = self._tail.newest() if self._tail else ""
        if line != self._line:
            self._display(line)

    def close(self) -> None:
        """Leave no line of the log behind."""
        self._display("")

    def _display(self, line: str) -> None:
        from IPython.display import display

        self._line = line
        bundle = {"text/plain": line}
        if self._handle is not None:
            self._handle.update(bundle, raw=True)
        elif line:
            self._handle = display(bundle, raw=True, display_id=True)


class LiveTable(Show):
    """A table that is drawn again and again, with the newest line of the log."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._console = Console(stderr=True)
        self._live = RichLive(console=self._console, refresh_per_second=8, transient=False)
        self._tail: _Tail | None = None
        self._rows: dict[str, tuple[str, str, str]] = {}
        self._stage = ""
        self._since = 0.0

    def begin(self, run: Run, stages: list[str]) -> None:
        """Draw all stages as waiting."""
        self._console.print(f"run {run.folder}", soft_wrap=True, highlight=False)
        self._tail = _Tail(run.folder / LOG_NAME)
        self._rows = dict.fromkeys(stages, ("·", "", ""))
        self._live.start()
        self._draw()

    def expected(self, text: str) -> None:
        """Print it above the table."""
        self._console.print(text, soft_wrap=True, highlight=False)

    def reused(self, stage: str) -> None:
        """Mark the stage as reused."""
        self._rows[stage] = ("[green]✓[/]", "", "unchanged, reused")
        self._draw()

    def started(self, stage: str) -> None:
        """Mark the stage as running."""
        self._stage, self._since = stage, time.monotonic()
        self._rows[stage] = ("[cyan]▸[/]", "", "starting")
        self._draw()

    def tick(self) -> None:
        """Show the newest line of the log and the time."""
        line = self._tail.newest() if self._tail else ""
        seconds = f"{time.monotonic() - self._since:.0f} s"
        self._rows[self._stage] = ("[cyan]▸[/]", seconds, line or self._rows[self._stage][2])
        self._draw()

    def finished(self, stage: str, record: StageRecord) -> None:
        """Mark the stage as done."""
        notes = f"{len(record.notes)} note(s): {record.notes[0]}" if record.notes else ""
        self._rows[stage] = ("[green]✓[/]", f"{record.seconds:.0f} s", notes)
        self._draw()

    def failed(self, stage: str, error: ToolkitError) -> None:
        """Mark the stage as not done."""
        self._rows[stage] = ("[red]✗[/]", "", f"not done (exit code {error.exit_code})")
        self._draw()

    def close(self) -> None:
        """Leave the last picture on the screen."""
        self._live.stop()

    def _draw(self) -> None:
        from rich.table import Table
        from rich.text import Text

        table: Any = Table.grid(padding=(0, 2))
        for _ in range(2):
            table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis")
        for stage, (mark, seconds, text) in self._rows.items():
            table.add_row(Text.from_markup(mark), _title(stage), seconds, Text(text))
        self._live.update(table)


class _Tail:
    """The newest line of a log that others append to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0
        self._line = ""

    def newest(self) -> str:
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                block = stream.read()
        except OSError:
            return self._line
        whole, mark, _ = block.rpartition(b"\n")
        if mark:
            self._offset += len(whole) + 1
            last = whole.rpartition(b"\n")[2].decode(errors="replace")
            # "2026-01-31 10:00:00 [automl] 3/8 text" without its date
            self._line = last[20:].partition("] ")[2] or last
        return self._line


def choose() -> Show:
    """Return the way to show progress that suits a notebook, a terminal or a log."""
    if kernel_shell() is not None:
        return CellOutput()
    return LiveTable() if sys.stderr.isatty() else PlainLines()


def _title(stage: str) -> str:
    return f"{paths.STAGES.index(stage) + 1}/{len(paths.STAGES)} {stage}"
