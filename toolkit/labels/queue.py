"""The review queue: which row is next, and where a decision goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.artifacts.labels import LabelReview
from toolkit.errors import UsageError
from toolkit.labels.content import RowIndex
from toolkit.labels.events import Replay, replay
from toolkit.project.review_decisions import Decision, read_decisions
from toolkit.project.sources import append_event, now, person


@dataclass(frozen=True)
class Item:
    """One row to look at.

    Attributes
    ----------
    row : int
        Position in the table.
    given, suggested : str or float
        The label as it is, and what the quick model would say.
    score : float
        0 to 1, lower is more suspicious.
    flagged : bool
        Whether the statistics hold the label for wrong.
    p_given, p_suggested : float or None
        Probabilities of the two labels; None for regression.
    values : tuple of (str, str)
        Column and cell as text, the most informative column first.
    pictures : tuple of (str, str)
        Image column and a small copy of the row's image as a ``data:`` address.
    """

    row: int
    given: str | float
    suggested: str | float
    score: float
    flagged: bool
    p_given: float | None
    p_suggested: float | None
    values: tuple[tuple[str, str], ...]
    pictures: tuple[tuple[str, str], ...] = ()


class Queue:
    """Rows with the lowest label quality, and the log of what people decided on them.

    Parameters
    ----------
    items : list of Item
        The most suspicious first.
    classes : list of str
        Labels to choose from; empty for regression.
    index : RowIndex
        The table that the rows belong to.
    log : Path
        ``decisions/labels.jsonl``; it need not exist.
    refresh : callable
        Called after each decision with the log replayed; writes what depends on it, and
        gives the review's new state, or a sentence if it could not write.
    by : str, optional
        Who decides; by default the user of this computer.
    """

    def __init__(
        self,
        items: list[Item],
        classes: list[str],
        index: RowIndex,
        log: Path,
        *,
        refresh: Callable[[Replay], LabelReview | str],
        by: str | None = None,
    ) -> None:
        self.items = items
        self.classes = classes
        self.by = by or person()
        self.message = ""
        self.review: LabelReview | None = None
        self._index = index
        self._log = log
        self._refresh = refresh
        self.replay = self._read()

    # -- where one is -------------------------------------------------------------

    def decision(self, row: int) -> Decision | None:
        """Return the decision that stands on a row."""
        standing = self.replay.standing.get(row)
        return standing.decision if standing else None

    def done(self, given: str | None = None) -> tuple[int, int]:
        """Return how many rows were decided or skipped, and how many are queued.

        Parameters
        ----------
        given : str, optional
            Count rows with this label only.
        """
        rows = [item.row for item in self.items if given in (None, item.given)]
        seen = self.replay.skipped | set(self.replay.standing)
        return sum(row in seen for row in rows), len(rows)

    def next(self, given: str | None = None, after: int | None = None) -> Item | None:
        """Return the next row without a decision; skipped rows come back at the end.

        Parameters
        ----------
        given : str, optional
            Rows with this label only.
        after : int, optional
            A row that is left for last.
        """
        fresh = [
            item
            for item in self.items
            if given in (None, item.given) and item.row not in self.replay.standing
        ]
        fresh.sort(key=lambda item: (item.row in self.replay.skipped, item.row == after))
        return fresh[0] if fresh else None

    def find(self, row: int) -> Item | None:
        """Return the queued item of a row."""
        return next((item for item in self.items if item.row == row), None)

    # -- deciding -----------------------------------------------------------------

    def decide(
        self, row: int, action: str, label: str | float | None = None, reason: str = ""
    ) -> None:
        """Append one decision to the log, and bring everything that follows up to date.

        Parameters
        ----------
        row : int
            Position in the table.
        action : str
            accept, relabel, drop or skip.
        label : str or float, optional
            The right label, for relabel.
        reason : str
            In the reviewer's words.

        Raises
        ------
        UsageError
            For a relabel without a label that the target can take.
        """
        item = self.find(row)
        if action == "relabel":
            label = self._checked(label)
            if item is not None and label == item.given:
                action, label = "accept", None
        facts = {"given": item.given if item else None, "label": label, "reason": reason}
        self._append(row, action, self._index.key(row), facts)

    def undo(self) -> int | None:
        """Withdraw this person's last decision that still stands; return its row, if any."""
        mine = self._mine()
        if not mine:
            return None
        row = mine[-1].row
        self._append(row, "undo", mine[-1].key, {})
        return row

    def _checked(self, label: str | float | None) -> str | float:
        if self.classes:
            if label not in self.classes:
                raise UsageError(
                    f"{label!r} is no label of this target", expected=", ".join(self.classes)
                )
            return str(label)
        try:
            number = float(label)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            number = float("nan")
        if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124
            raise UsageError(f"{label!r} is no number", expected="a finite number")
        return number

    def _append(self, row: int, action: str, key: str, facts: dict[str, Any]) -> None:
        event = {
            "at": now(),
            "by": self.by,
            "action": action,
            "row": row,
            "key": key,
            "table_digest": self._index.table_digest,
        }
        self._read()  # a log that cannot be read takes no further line
        append_event(self._log, event | {n: v for n, v in facts.items() if v not in (None, "")})
        self.replay = self._read()
        answer = self._refresh(self.replay)
        self.message = answer if isinstance(answer, str) else ""
        self.review = answer if isinstance(answer, LabelReview) else self.review

    def _mine(self) -> list[Decision]:
        stack: list[Decision] = []
        for event in sorted(self._events, key=lambda event: event.time):
            if event.by != self.by or event.table_digest != self._index.table_digest:
                continue
            if event.action != "undo":
                stack.append(event)
                continue
            for position in range(len(stack) - 1, -1, -1):
                if stack[position].key == event.key:
                    del stack[position]
                    break
        return stack

    def _read(self) -> Replay:
        self._events, _ = read_decisions(self._log)
        return replay(self._events, self._index)
