"""What one line of the reviewers' log says."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from toolkit.errors import ProjectError
from toolkit.project.sources import read_log, time_of

LOG_NAME = "labels.jsonl"
ACTIONS = ("accept", "relabel", "drop", "skip", "undo")


class Decision(BaseModel):
    """One line of ``decisions/labels.jsonl``."""

    # Strict, and no other key: a mistyped one must not be lost without a word.
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )

    at: str
    """ISO 8601, with its offset from UTC; without one it is taken as UTC."""
    by: str = Field(min_length=1)
    action: str
    """accept, relabel, drop, skip (no opinion), undo (the person's last on this row)."""
    row: int = Field(ge=0)
    """Position in the table that was looked at."""
    key: str = Field(min_length=1)
    """What the row holds; see `toolkit.labels.RowIndex`."""
    table_digest: str = Field(min_length=1)
    """Digest of the table that was looked at."""
    given: str | float | None = None
    """The label as it was."""
    label: str | float | None = None
    """The right label; only for relabel."""
    reason: str = ""

    @cached_property
    def time(self) -> datetime.datetime:
        """When it was decided; raises ValueError where `at` is no time."""
        return time_of(self.at)

    @property
    def zoned(self) -> bool:
        """Whether `at` says how far it is from UTC."""
        return datetime.datetime.fromisoformat(self.at).tzinfo is not None


def read_decisions(path: Path) -> tuple[list[Decision], list[str]]:
    """Return the decisions of a log, in its order, and a note for each line that is left out.

    Raises
    ------
    ProjectError
        For a line that is no decision.
    """
    log = read_log(path)
    return parse(log.events, path, log.lines), log.notes()


def parse(
    events: Sequence[dict[str, Any]],
    path: Path | str = LOG_NAME,
    lines: Sequence[int] | None = None,
) -> list[Decision]:
    """Return the events of a log as decisions.

    Parameters
    ----------
    events : sequence of dict
        As in the log.
    path : Path
        Where they are from.
    lines : sequence of int, optional
        The line of each; 1, 2, ... by default.

    Raises
    ------
    ProjectError
        For an event that does not say what an event must say.
    """
    result = []
    for number, event in zip(lines or range(1, len(events) + 1), events, strict=True):
        try:
            decision = Decision.model_validate(event)
        except ValidationError as error:
            raise _bad(*_problem(error), path, number) from error
        if decision.action not in ACTIONS:
            raise _bad(f"unknown action {decision.action!r}", ", ".join(ACTIONS), path, number)
        if decision.action == "relabel" and decision.label is None:
            raise _bad("relabel without a label", "the right label under 'label'", path, number)
        try:
            _ = decision.time
        except ValueError as error:
            expected = "one such as 2026-03-01T10:00:00+00:00"
            raise _bad(f"at: {decision.at[:40]!r} is no time", expected, path, number) from error
        result.append(decision)
    return result


def _problem(error: ValidationError) -> tuple[str, str]:
    """Return what is wrong with an event, and what was expected."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "the event"
    if first["type"] == "missing":
        needed = [key for key, field in Decision.model_fields.items() if field.is_required()]
        return f"the key {name!r} is missing", ", ".join(needed)
    if first["type"] == "extra_forbidden":
        return f"unknown key {name[:40]!r}", ", ".join(Decision.model_fields)
    expected = {"row": "a whole number of 0 or more", "given": "a text or a number",
                "label": "a text or a number"}.get(name, "a text that is not empty")  # fmt: skip
    return f"{name} is {repr(first['input'])[:40]}", expected


def _bad(problem: str, expected: str, path: Path | str, number: int) -> ProjectError:
    return ProjectError(
        problem,
        where=f"{path}, line {number}",
        expected=expected,
        remedy="Restore the line from version control, or correct it",
    )
