"""A run as the rules of the verdict see it, and the values that their sentences quote."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.artifacts import Champion, Evaluation
from toolkit.report.blocks import Cell
from toolkit.report.book import Book
from toolkit.report.words import metric_unit

Parts = dict[str, Cell | list[Cell]]
"""What is filled into a rule's sentence, by name."""


@dataclass(frozen=True)
class Case:
    """A run, as the rules see it.

    Attributes
    ----------
    book : Book
        Artefacts, choices and claims.
    outdated : list of (stage, reason)
        Stages whose results do not follow from today's choices and files.
    """

    book: Book
    outdated: list[tuple[str, str]]

    @property
    def tested(self) -> Evaluation | None:
        """The test results."""
        return self.book.get(Evaluation)

    @property
    def champion(self) -> Champion | None:
        """The champion."""
        return self.book.get(Champion)

    def score(self, metric: str) -> Cell:
        """Return a metric on the test rows."""
        unit = metric_unit(metric)
        recipe = f"test_metric({metric})"
        return self.book.cite(Evaluation, "metrics", metric, unit=unit, recipe=recipe)

    def guess(self, metric: str) -> Cell:
        """Return a metric of a constant guess on the test rows."""
        unit = metric_unit(metric)
        return self.book.cite(Evaluation, "constant", metric, unit=unit,
                              recipe=f"constant({metric})")  # fmt: skip

    def rows(self, found: Evaluation) -> list[Cell]:
        """Return how many test rows there are."""
        claim = self.book.cite(Evaluation, "rows", unit="count", recipe="split")
        return counted(claim, found.rows, "test row")


def counted(claim: Cell, count: int, what: str) -> list[Cell]:
    """Return a count with its noun."""
    return [claim, f" {what}" + ("" if count == 1 else "s")]
