"""Who made a choice, and when: the log of clicks beside ``project.yaml``."""

from __future__ import annotations

import datetime
import getpass
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from toolkit.canonical import plain
from toolkit.errors import ProjectError

_TORN = "#cut short"  # no JSON value ends like this


class Source(BaseModel, frozen=True):
    """Where the value of one key comes from."""

    kind: Literal["parameter", "project file", "person", "default"]
    by: str = ""
    at: str = ""

    def text(self) -> str:
        """Return a few words, such as ``person (Ana, 2026-03-01T10:00:00+00:00)``."""
        return f"{self.kind} ({self.by}, {self.at})" if self.kind == "person" else self.kind


def now() -> str:
    """Return the time in UTC to the second, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat()


def person() -> str:
    """Return the name under which choices are recorded."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def append_event(path: Path, event: dict[str, Any]) -> None:
    """Add one line to an append-only JSON Lines log.

    A line cut short by a crash is closed and marked first, so that it neither swallows the
    next one nor makes the log unreadable.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(plain(event), ensure_ascii=False, sort_keys=True) + "\n"
    with path.open("a+b") as stream:
        if stream.tell() > 0:
            stream.seek(0)
            tail = stream.read().rsplit(b"\n", 1)[-1]
            if tail:
                stream.write(b"\n" if _is_json(tail) else f" {_TORN}\n".encode())
        stream.write(line.encode())


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def read_events(path: Path) -> list[dict[str, Any]]:
    """Return the events of a log, oldest first; none if there is no log.

    Raises
    ------
    ProjectError
        For a line that is not JSON, unless a crash cut it short: the last one, or one that
        `append_event` marked.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    events = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.rstrip().endswith(_TORN):
            continue
        try:
            event = json.loads(line)
        except json.JSONDecodeError as error:
            if all(not later.strip() for later in lines[number:]):
                break
            raise ProjectError(
                "not a JSON object",
                where=f"{path}, line {number}",
                remedy="Restore the line from version control, or delete it",
            ) from error
        events.append(event)
    return events
