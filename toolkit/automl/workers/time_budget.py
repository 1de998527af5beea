"""Time: how much is left, and whether a trial fits into it."""

from __future__ import annotations

import statistics
import time

from toolkit.automl.engines.base import Trial

_KILL_AFTER = 1.0
"""Seconds beyond the end at which what still runs is killed."""
_FIRST_SHARE = 0.5
"""Share of the time that a trial may take while no model is there."""
_SHARE = 0.9
_LEAST = 4.0
"""Seconds below which a trial of unknown length is not begun."""


class SearchClock:
    """The clock of a search.

    Parameters
    ----------
    deadline : float, optional
        When fitting has to end, by the monotonic clock; None for never.
    """

    def __init__(self, deadline: float | None) -> None:
        self.deadline = deadline
        self._speed: dict[str, list[float]] = {}

    @property
    def timed(self) -> bool:
        """Whether there is a limit at all."""
        return self.deadline is not None

    def left(self) -> float:
        """Return the seconds until the deadline."""
        return float("inf") if self.deadline is None else self.deadline - time.monotonic()

    def over(self) -> bool:
        """Whether what still runs has to be killed."""
        return self.left() < -_KILL_AFTER

    def learn(self, trial: Trial, seconds: float) -> None:
        """Remember how long a trial took, saving included."""
        self._speed.setdefault(trial.engine, []).append(seconds / max(trial.cost, 0.05))

    def allowance(self, *, first: bool) -> float | None:
        """Return the seconds that a trial may take that begins now; None without limit."""
        if self.deadline is None:
            return None
        return max(1.0, self.left() * (_FIRST_SHARE if first else _SHARE))

    def too_long(self, trial: Trial) -> str:
        """Return why a trial is not begun any more; empty if it is."""
        left = self.left()
        known = self._speed.get(trial.engine)
        if known is None:
            return "" if left > _LEAST else f"only {max(left, 0):.0f} s are left"
        wanted = trial.cost * statistics.median(known)
        if wanted <= left:
            return ""
        return f"it would take about {wanted:.0f} s, and {max(left, 0):.0f} s are left"
