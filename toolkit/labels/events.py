"""The reviewers' log: what one line says, and what all lines together decide."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from toolkit.artifacts.labels import LabelPatch, Reviewer
from toolkit.errors import ProjectError
from toolkit.labels.content import RowIndex

LOG_NAME = "labels.jsonl"
ACTIONS = ("accept", "relabel", "drop", "skip", "undo")
_PATCH_COLUMNS = ("row", "action", "label", "by", "at", "reason")


class Decision(BaseModel):
    """One line of ``decisions/labels.jsonl``."""

    # A later version may add facts; the ones that matter here are checked.
    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)

    at: str
    """UTC, ISO 8601."""
    by: str
    action: str
    """accept, relabel, drop, skip (no opinion), undo (the person's last on this row)."""
    row: int
    """Position in the table that was looked at."""
    key: str
    """What the row holds; see `RowIndex`."""
    table_digest: str
    """Digest of the table that was looked at."""
    given: str | float | None = None
    """The label as it was."""
    label: str | float | None = None
    """The right label; only for relabel."""
    reason: str = ""


@dataclass(frozen=True)
class Standing:
    """A decision that stands, and where its row is in the present table."""

    row: int
    decision: Decision


@dataclass(frozen=True)
class Replay:
    """What a log decides on a table, net of undo.

    Attributes
    ----------
    standing : dict of int to Standing
        The decision by row (accept, relabel, drop).
    skipped : set of int
        Rows that were skipped and not decided.
    reviewers : list of Reviewer
        By name; a skip counts as a decision of the person, an undone one does not.
    unmatched : list of Decision
        Decisions whose row is not in this table.
    disputed : list of int
        Rows on which the last words of two persons differ.
    compared : int
        Rows on which two or more persons decided.
    """

    standing: dict[int, Standing] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)
    reviewers: list[Reviewer] = field(default_factory=list)
    unmatched: list[Decision] = field(default_factory=list)
    disputed: list[int] = field(default_factory=list)
    compared: int = 0

    def patch(self, refused: set[int] | frozenset[int] = frozenset()) -> LabelPatch:
        """Return the patch, in row order, without some rows."""
        import pandas as pd

        lines = [
            (row, d.action, _label_text(d.label), d.by, d.at, d.reason)
            for row, d in ((row, self.standing[row].decision) for row in sorted(self.standing))
            if row not in refused
        ]
        columns = zip(*lines, strict=True) if lines else ((),) * len(_PATCH_COLUMNS)
        types = ("int64", *["str"] * (len(_PATCH_COLUMNS) - 1))
        return LabelPatch(
            pd.DataFrame(
                {
                    name: pd.Series(list(values), dtype=kind)
                    for name, values, kind in zip(_PATCH_COLUMNS, columns, types, strict=True)
                }
            )
        )


def parse(events: list[dict[str, Any]], path: Path | str = LOG_NAME) -> list[Decision]:
    """Return the events of a log as decisions.

    Raises
    ------
    ProjectError
        For an event that does not say what an event must say.
    """
    result = []
    for number, event in enumerate(events, start=1):
        try:
            decision = Decision.model_validate(event)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or "the event"
            raise _bad(f"{name}: {first['msg']}", path, number) from error
        if decision.action not in ACTIONS:
            raise _bad(f"unknown action {decision.action!r}", path, number, ", ".join(ACTIONS))
        if decision.action == "relabel" and decision.label is None:
            raise _bad("relabel without a label", path, number)
        result.append(decision)
    return result


def replay(events: list[Decision], index: RowIndex) -> Replay:
    """Say what a log decides on a table.

    An undo withdraws the same person's last decision on that row that still stands. Of
    several persons the last one counts; who skips has no say. Events count by time, those
    of one second in the order of the log, so that merged logs of two people work.

    Parameters
    ----------
    events : list of Decision
        Oldest first.
    index : RowIndex
        The present table. A decision made on another table is applied to the row with the
        same cells, label included, and to no other.
    """
    kept = _without_undone(sorted(events, key=lambda event: event.at))
    matched, unmatched = [], []
    for event in kept:
        row = _locate(event, index)
        if row is None:
            unmatched.append(event)
        else:
            matched.append(Standing(row, event))
    standing: dict[int, Standing] = {}
    last_words: dict[int, dict[str, tuple[str, str | None]]] = {}
    for item in matched:
        if item.decision.action != "skip":
            standing[item.row] = item
            word = (item.decision.action, _label_text(item.decision.label))
            last_words.setdefault(item.row, {})[item.decision.by] = word
    shared = {row: words for row, words in last_words.items() if len(words) > 1}
    counts = Counter(event.by for event in kept)
    return Replay(
        standing=standing,
        skipped={item.row for item in matched} - set(standing),
        reviewers=[Reviewer(name=name, decisions=counts[name]) for name in sorted(counts)],
        unmatched=unmatched,
        disputed=sorted(row for row, words in shared.items() if len(set(words.values())) > 1),
        compared=len(shared),
    )


def _without_undone(events: list[Decision]) -> list[Decision]:
    kept: list[Decision | None] = []
    last: dict[tuple[str, str], list[int]] = {}
    for event in events:
        stack = last.setdefault((event.by, event.key), [])
        if event.action != "undo":
            stack.append(len(kept))
            kept.append(event)
        elif stack:
            kept[stack.pop()] = None
    return [event for event in kept if event is not None]


def _locate(event: Decision, index: RowIndex) -> int | None:
    if event.table_digest == index.table_digest:
        return event.row if 0 <= event.row < len(index) else None
    return index.find(event.key)


def _label_text(label: str | float | None) -> str | None:
    return label if label is None or isinstance(label, str) else repr(float(label))


def _bad(problem: str, path: Path | str, number: int, expected: str = "") -> ProjectError:
    return ProjectError(
        problem,
        where=f"{path}, event {number}",
        expected=expected,
        remedy="Restore the line from version control, or delete it",
    )
