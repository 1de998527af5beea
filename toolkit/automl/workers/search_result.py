"""The result of a search, and the callbacks that decide while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from toolkit.artifacts import TrialRun
from toolkit.automl.engines.base import Trial
from toolkit.automl.workers.trial_store import TrialRecord


@dataclass
class SearchResult:
    """The result of a search.

    Attributes
    ----------
    records : dict of str to TrialRecord
        Finished trials, in the order of the plan.
    trials : list of TrialRun
        What became of each trial of the plan.
    failures : dict of str to list of str
        By engine.
    notes : list of str
        What was degraded.
    ended : str
        Why the search ended.
    whole : bool
        Whether it ended by itself: not by time, and not by a person.
    """

    records: dict[str, TrialRecord] = field(default_factory=dict)
    trials: list[TrialRun] = field(default_factory=list)
    failures: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    ended: str = ""
    whole: bool = True


class SearchCallbacks:
    """Callbacks of a search; every method may be overridden."""

    def finished(self, trial: Trial, record: TrialRecord, before: bool) -> None:
        """A trial is done; `before` says that an earlier search did it."""

    def failed(self, trial: Trial, reason: str) -> None:
        """A trial did not work."""

    def tick(self, running: list[str], done: int, planned: int) -> bool:
        """Look at the search; return whether to stop it."""
        return False

    def stop_reason(self, round: int) -> str:
        """Return why another round would bring nothing; empty to go on."""
        return ""

    def prune_reason(self, trial: Trial) -> str:
        """Return why a trial of a later round is left out; empty to try it."""
        return ""
