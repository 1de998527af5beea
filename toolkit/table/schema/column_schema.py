"""What one column of the training table held."""

from __future__ import annotations

from dataclasses import dataclass, field

_MARGIN = 0.1


@dataclass(frozen=True)
class ColumnSchema:
    """What one column of the training table held.

    Attributes
    ----------
    levels : list of str or None
        The levels of the training rows, sorted; None for other types, or where they are many.
    spellings : dict of str to list of str
        For each text that a reader's conversion leads to and that is not itself the one spelling
        in the table: the spellings that lead to it, such as ``1`` to ``001``.
    width : int or None
        Codes of digits that all have this length, some with leading zeros.
    irregular : bool
        Codes of digits of several lengths, some with leading zeros: a new one, once converted,
        has no known spelling.
    low, high : float or None
        The range of the training rows; dates in seconds since 1970.
    whole : bool
        Whether all numbers are whole.
    missing : bool
        Whether any row of the table lacks a value.
    rare : float
        The share of the training rows whose level no other has: about as many of further rows
        of the same source have a level that was never seen.
    """

    levels: list[str] | None = None
    spellings: dict[str, list[str]] = field(default_factory=dict)
    width: int | None = None
    irregular: bool = False
    low: float | None = None
    high: float | None = None
    whole: bool = False
    missing: bool = False
    rare: float = 0.0

    def widened(self) -> tuple[float, float] | None:
        """Return the range, a tenth of it wider on both sides."""
        if self.low is None or self.high is None:
            return None
        margin = _MARGIN * (self.high - self.low)
        return self.low - margin, self.high + margin
