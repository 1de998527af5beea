"""The evidence that one column leaks the target."""

from __future__ import annotations

from dataclasses import dataclass, field

from toolkit.artifacts.base import Severity
from toolkit.data.leakage.outcome_names import Hint

CERTAIN = 0.9
"""From this agreement with the target on, of 1, a column is critical whatever others can do."""
COARSE_WORTH = 0.05
"""A coarse copy says little of the target where other columns are strong, and is still one."""
_NAMED = 0.5


@dataclass
class LeakEvidence:
    """The evidence that one column leaks the target.

    Attributes
    ----------
    strength : float
        How well it predicts alone, 0 to 1.
    copy : bool
        Whether it gives the target outright in most rows, as a copy does.
    certain : bool
        Whether it is critical whatever other columns can do.
    strong : bool
        Whether it predicts better alone than `eda.leakage_threshold`.
    hint : Hint or None
        What its name says.
    least_worth : float
        What it must be worth among unsuspected columns to be critical.
    worth : float or None
        The share of what unsuspected columns leave open that it closes; None where nobody asked.
    most : str
        The highest severity that it may get.
    reasons : list of (float, str)
    """

    strength: float = 0.0
    copy: bool = False
    certain: bool = False
    strong: bool = False
    least_worth: float = 0.2
    hint: Hint | None = None
    most: Severity = "critical"
    reasons: list[tuple[float, str]] = field(default_factory=list)
    worth: float | None = None

    def say(self, score: float, reason: str) -> None:
        """Add a reason."""
        self.reasons.append((score, reason))

    @property
    def named(self) -> bool:
        """Whether its name alone makes it suspicious, given how well it predicts."""
        hint = self.hint
        return hint is not None and not hint.early and self.strength >= max(_NAMED, hint.least)


Found = dict[str, LeakEvidence]
"""Evidence by column."""
