"""What a search tells whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from toolkit import metrics


@dataclass(frozen=True)
class LiveRow:
    """One line of the leaderboard while the search runs."""

    name: str
    engine: str
    family: str
    score: float | None


@dataclass(frozen=True)
class SearchState:
    """The search as it is now.

    Attributes
    ----------
    metric : str
        The ranking metric.
    rows : list of LiveRow
        Finished models, best first.
    running : list of str
        What each worker does now, in words.
    done, planned : int
        Trials that ended, and those that the budget allows.
    elapsed : float
        Seconds since the search began.
    seconds : float, optional
        Its time limit.
    failures : list of str
        Failures so far.
    timeline : list of (float, str, float or None)
        Seconds since the start, model, score, in order of finishing.
    ended : str
        Why the search ended; empty while it runs.
    """

    metric: str
    rows: list[LiveRow] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    done: int = 0
    planned: int = 0
    elapsed: float = 0.0
    seconds: float | None = None
    failures: list[str] = field(default_factory=list)
    timeline: list[tuple[float, str, float | None]] = field(default_factory=list)
    ended: str = ""


class SearchObserver(Protocol):
    """Somebody who watches, and may stop the search."""

    def update(self, state: SearchState) -> None:
        """Show the state; called after every change and about once a second."""

    def stopped(self) -> bool:
        """Whether a person asked to stop; what is finished is kept."""


def ranked(rows: list[LiveRow], metric: metrics.Metric) -> list[LiveRow]:
    """Return rows best first; those without a score come last."""
    sign = -1 if metric.greater_is_better else 1

    def place(row: LiveRow) -> tuple[bool, float, str]:
        return row.score is None, 0.0 if row.score is None else sign * row.score, row.name

    return sorted(rows, key=place)
