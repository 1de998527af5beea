"""What all lines of the reviewers' log together decide."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from toolkit.artifacts.labels import LabelPatch, Reviewer
from toolkit.labels.content import RowIndex
from toolkit.project.review_decisions import Decision

_PATCH_COLUMNS = ("row", "action", "label", "by", "at", "reason")


@dataclass(frozen=True)
class StandingDecision:
    """A decision that stands, and where its row is in the present table."""

    row: int
    decision: Decision


@dataclass(frozen=True)
class Replay:
    """What a log decides on a table, net of undo.

    Attributes
    ----------
    standing : dict of int to StandingDecision
        The decision by row (accept, relabel, drop).
    skipped : set of int
        Rows that were skipped and not decided.
    reviewers : list of Reviewer
        By name; a skip counts as a decision of the person, an undone one does not.
    unmatched : list of Decision
        Decisions made on another table whose row is not in this one.
    misplaced : list of Decision
        Decisions made on this table whose row does not hold what their key says.
    events : int
        All events of the log, undone ones and their undos included.
    disputed : list of int
        Rows on which the last words of two persons differ.
    compared : int
        Rows on which two or more persons decided.
    """

    standing: dict[int, StandingDecision] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)
    reviewers: list[Reviewer] = field(default_factory=list)
    unmatched: list[Decision] = field(default_factory=list)
    misplaced: list[Decision] = field(default_factory=list)
    events: int = field(default=0, compare=False)
    disputed: list[int] = field(default_factory=list)
    compared: int = 0

    def patch(self, refused: set[int] | frozenset[int] = frozenset()) -> LabelPatch:
        """Return the patch, in row order, without some rows."""
        import pandas as pd

        lines = [
            (row, d.action, label_text(d.label), d.by, d.at, d.reason)
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


def replay(events: list[Decision], index: RowIndex) -> Replay:
    """Say what a log decides on a table.

    An undo withdraws the same person's last decision on that row that still stands. Of
    several persons the last one counts; who skips has no say. Events count by time, those
    of one instant in the order of the log, so that merged logs of two people work. A row's
    position counts only where the row holds what the event's key says.

    Parameters
    ----------
    events : list of Decision
        Oldest first.
    index : RowIndex
        The present table. A decision made on another table is applied to the row with the
        same cells, label included, and to no other.
    """
    kept = _without_undone(sorted(events, key=lambda event: event.time))
    matched, unmatched, misplaced = [], [], []
    for event in kept:
        row = _locate(event, index)
        if row is not None:
            matched.append(StandingDecision(row, event))
        elif event.table_digest == index.table_digest:
            misplaced.append(event)
        else:
            unmatched.append(event)
    standing: dict[int, StandingDecision] = {}
    last_words: dict[int, dict[str, tuple[str, str | None]]] = {}
    for item in matched:
        if item.decision.action != "skip":
            standing[item.row] = item
            word = (item.decision.action, label_text(item.decision.label))
            last_words.setdefault(item.row, {})[item.decision.by] = word
    shared = {row: words for row, words in last_words.items() if len(words) > 1}
    counts = Counter(event.by for event in kept)
    return Replay(
        standing=standing,
        skipped={item.row for item in matched} - set(standing),
        reviewers=[Reviewer(name=name, decisions=counts[name]) for name in sorted(counts)],
        unmatched=unmatched,
        misplaced=misplaced,
        events=len(events),
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
        held = event.row < len(index) and index.key(event.row) == event.key
        return event.row if held else None
    return index.find(event.key)


def label_text(label: str | float | None) -> str | None:
    """Return a label as the patch holds it."""
    return label if label is None or isinstance(label, str) else repr(float(label))
