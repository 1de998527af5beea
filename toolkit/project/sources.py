"""Who made a choice, and when: the log of clicks beside ``project.yaml``."""

from __future__ import annotations

import codecs
import datetime
import getpass
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from toolkit.canonical import plain
from toolkit.errors import ProjectError

_TORN = "#cut short"  # no JSON value ends like this
_CONFLICT = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")
_JSON_TYPES = {list: "list", str: "text", int: "number", float: "number", bool: "truth value"}
_QUOTED = 60  # bytes of a line that an error quotes
_RESTORE = "Restore the line from version control, or correct it"


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


def time_of(text: str) -> datetime.datetime:
    """Return an ISO 8601 time so that times of several zones compare; without a zone it is UTC.

    Raises
    ------
    ValueError
        For a text that is no time; a date alone is none.
    """
    found = datetime.datetime.fromisoformat(text)
    if len(text) < len("20260301T10"):
        raise ValueError("a date is no time")
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


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
                # What is no beginning of an event stays as it is, for `read_log` to refuse.
                cut = tail.strip() and _is_beginning(tail)
                stream.write(f" {_TORN}\n".encode() if cut else b"\n")
        stream.write(line.encode())


@dataclass(frozen=True)
class Log:
    """What an append-only log holds.

    Attributes
    ----------
    path : Path
        The file.
    events : list of dict
        Oldest first.
    lines : list of int
        The line of the file that each event is on, from 1.
    cut_short : list of int
        Lines that a crash cut short: nothing is known of what they were to say.
    """

    path: Path
    events: list[dict[str, Any]]
    lines: list[int]
    cut_short: list[int]

    def notes(self) -> list[str]:
        """Return a sentence for each line that is left out."""
        return [
            f"{self.path.name}, line {line}: a crash cut it short while it was written; what it was"
            " to say is lost, and the other lines count"
            for line in self.cut_short
        ]


def read_log(path: Path) -> Log:
    """Return what a log holds; nothing if there is no log. The file is never changed.

    A byte-order mark, blank lines and the line ends of Windows are taken as they come. The
    beginning of an event in a last line without its end is a crash; so is a line that
    `append_event` marked.

    Raises
    ------
    ProjectError
        For any other line that is not one JSON object.
    """
    log = Log(path, [], [], [])
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise ProjectError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ProjectError(
            "is in UTF-16", where=f"{path}, line 1", expected="UTF-8", remedy="Save it as UTF-8"
        )
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    for number, raw in enumerate(lines, start=1):
        line = raw.removeprefix(codecs.BOM_UTF8).strip()
        if not line:
            continue
        written = line.removesuffix(_TORN.encode())
        if (written != line or number == len(lines)) and _is_beginning(written):
            log.cut_short.append(number)
            continue
        log.events.append(_event(line, path, number))
        log.lines.append(number)
    return log


def _event(line: bytes, path: Path, number: int) -> dict[str, Any]:
    problem, remedy = "", _RESTORE
    try:
        text = line.decode("utf-8").strip()  # editors leave other blanks too
        event = json.loads(text, object_pairs_hook=_without_twins, parse_constant=_refuse)
        json.dumps(event, ensure_ascii=False).encode()
        if isinstance(event, dict):
            return event
        problem = f"holds a {_JSON_TYPES.get(type(event), 'value')}, not an event"
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except UnicodeEncodeError:
        problem = "holds half of a surrogate pair, which is no text"
    except json.JSONDecodeError as error:
        problem = f"is not JSON ({error.msg.lower()}, at character {error.pos + 1})"
        if error.msg == "Extra data" and line.startswith(b"{"):
            comma = error.doc[error.pos :].strip() == ","
            problem = "ends with a comma" if comma else "holds more than one event"
            remedy = "Delete the comma" if comma else "Put each event on a line of its own"
    except RecursionError:
        problem = "is nested too deeply"
    except _Refused as error:
        problem = str(error)
    except ValueError:
        problem = "holds a number that is too long"
    if b"\0" in line:
        problem = "holds NUL bytes: it is in UTF-16, or damaged"
    if line.startswith(_CONFLICT):
        problem = "is the mark of a merge conflict that git left"
        remedy = "Keep the events of both sides, and delete the lines <<<<<<<, ======= and >>>>>>>"
    start = line[:_QUOTED].decode("utf-8", errors="backslashreplace")
    more = "…" if len(line) > _QUOTED else ""
    raise ProjectError(
        f"{problem}: {start!r}{more}",
        where=f"{path}, line {number}",
        expected="one JSON object a line",
        remedy=remedy,
    )


class _Refused(ValueError):
    """What JSON in the wild allows and a log does not."""


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Refused(f"has the key {twice!r} twice")
    return found


def _refuse(constant: str) -> Any:
    raise _Refused(f"holds {constant}, which is no number")


def _is_beginning(line: bytes) -> bool:
    """Whether a line is the beginning of an event, and not all of it.

    After a crash of the machine, bytes that never reached the disk may read as NULs.
    """
    # The cut may lie within a sign.
    text = line.rstrip(b"\0 ").removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="ignore")
    if not text.startswith("{"):
        return not text
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        rest = text[error.pos :]
        word = any(whole.startswith(rest) for whole in ("true", "false", "null", "-"))
        inside = error.msg.startswith(("Unterminated string", "Invalid \\u")) and "\n" not in rest
        return not rest or word or inside
    except (RecursionError, ValueError):
        return False
    return False


def read_choices(path: Path) -> list[dict[str, Any]]:
    """Return the events of the log of choices, in the order of their times.

    Raises
    ------
    ProjectError
        For a line that is no such event.
    """
    log, timed = read_log(path), []
    for number, event in zip(log.lines, log.events, strict=True):
        wrong = [name for name in ("at", "by", "key") if not isinstance(event.get(name), str)]
        try:
            timed.append((time_of("" if wrong else event["at"]), event))
        except ValueError as error:
            name = wrong[0] if wrong else "at"
            raise ProjectError(
                f"{name} is {event.get(name)!r}",
                where=f"{path}, line {number}",
                expected="a time such as 2026-03-01T10:00:00+00:00" if name == "at" else "a text",
                remedy=_RESTORE,
            ) from error
    return [event for _, event in sorted(timed, key=lambda each: each[0])]
