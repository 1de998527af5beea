"""The order in which trials begin."""

from __future__ import annotations

from collections.abc import Sequence, Set

from toolkit.automl import engines
from toolkit.automl.engines.base import Trial


def slow_first(trials: list[Trial]) -> list[Trial]:
    """Return trials in the order in which to begin them.

    Those that run one at a time come first, but for the very first trial, whose score is there at
    once: left to the end, they would keep one worker busy and the other idle.
    """
    slow = [trial for trial in trials if engines.get(trial.engine).runs_alone]
    others = [trial for trial in trials if trial not in slow]
    return others[:1] + sorted(slow, key=lambda trial: -trial.cost) + others[1:]


def next_in_line(
    waiting: Sequence[str], active: Set[str], alone: Set[str], *, timed: bool
) -> int | None:
    """Return the place of the trial that begins next; None where none may begin now.

    Parameters
    ----------
    waiting : sequence of str
        The group of each waiting trial, the most promising first.
    active : set of str
        Groups that are at work, or being started.
    alone : set of str
        Groups of which one trial runs at a time: they share a server, or much memory.
    timed : bool
        Whether the search is limited by time. Then these groups, which are the slow ones,
        also take turns with each other as long as quicker trials wait: two of them side by
        side would keep all of those waiting.
    """
    barred = active & alone
    if barred and timed and not set(waiting) <= alone:
        barred = alone
    return next((place for place, group in enumerate(waiting) if group not in barred), None)
