"""Inferences, gathered as checks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolkit.artifacts.base import Check, Severity

if TYPE_CHECKING:
    from toolkit.table.cells.values import Cells


@dataclass
class Notes:
    """Inferences of one kind, gathered so that a table of 5,000 columns stays readable."""

    columns: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    checks: list[Check] = field(default_factory=list)
    words: dict[str, dict[str, int]] = field(default_factory=dict)
    """Words that are read as missing, by column, and how many cells say them."""
    repeated: dict[str, tuple[Cells, bool]] = field(default_factory=dict)
    """Columns whose values may be persons or things with several rows; whether they say so."""

    def say(
        self,
        name: str,
        message: str,
        column: str | list[str],
        remedy: str = "",
        severity: Severity = "info",
    ) -> None:
        """Add one check."""
        columns = [column] if isinstance(column, str) else column
        self.checks.append(
            Check(name=name, severity=severity, message=message, columns=columns, remedy=remedy)
        )

    def forget(self, column: str) -> None:
        """Take back what was said of one column alone."""
        self.checks = [check for check in self.checks if check.columns != [column]]
        for listed_columns in self.columns.values():
            if column in listed_columns:
                listed_columns.remove(column)


def listed(texts: list[str], most: int = 4) -> str:
    """Return texts in quotes, shortened, and how many more there are."""
    shown = ", ".join(repr(text[:30]) for text in texts[:most])
    return shown + (f" and {len(texts) - most} more" if len(texts) > most else "")


def several(number: int, noun: str = "column") -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
