"""Where the champion errs: an artefact of ``05_evaluate``."""

from __future__ import annotations

from typing import ClassVar, Literal

from toolkit.artifacts.base import Check, Interval, JsonArtifact, Record


class ErrorNode(Record):
    """A node of the error tree; the first is the root, parents come before their children."""

    parent: int | None
    """Place of the parent in the list."""
    depth: int
    condition: str
    """What divides it from its sibling, in words; empty at the root."""
    where: str
    """All conditions from the root on."""
    columns: list[str]
    """The columns of these conditions."""
    leaf: bool
    fitted_rows: int
    """Rows by which the tree was grown."""
    rows: int
    """Held-out rows, on which the loss is measured."""
    loss: Interval
    """Mean loss of the held-out rows; its root where the loss is a squared error."""
    p_value: float | None = None
    """Leaves: of the loss not being higher than on all other held-out rows, corrected for the
    number of leaves."""
    worse: bool = False
    """Leaves: whether the held-out rows confirm that the loss is higher here."""
    verdict: Literal["", "worse", "too few rows to tell", "no higher loss found"] = ""
    """Leaves: what the held-out rows say."""


class Confusion(Record):
    """Rows of one class that are decided as another."""

    actual: str
    decided: str
    rows: int
    share: float
    """Of the rows of the actual class."""
    examples: list[int]
    """Row numbers in the table, the most certain first."""
    certainty: list[float]
    """Of the examples: the probability given to the class that was decided."""


class CurvePart(Record):
    """Rows in one range of a quantity."""

    name: str
    """The range in words, or the value."""
    rows: int
    value: Interval


class ErrorCurve(Record):
    """The error over ranges of time, of the prediction or of a column."""

    over: str
    """Of what the ranges are."""
    kind: str
    """time, prediction or column."""
    parts: list[CurvePart]


class ErrorsFound(JsonArtifact):
    """Where the champion errs on the test rows, and on which rows."""

    file: ClassVar[str] = "errors.json"
    stage: ClassVar[str] = "evaluate"

    rows: int
    """Test rows that were looked at."""
    of_rows: int
    """Test rows in all."""
    loss: str
    """What tells how bad it is, in words: mean log loss, root mean squared error."""
    mean_loss: Interval
    """The same over all rows that were looked at."""
    tree: list[ErrorNode] = []
    confusions: list[Confusion] = []
    """The most frequent first."""
    measure: str
    """What the curves show, in words."""
    overall: Interval
    """The same over all rows."""
    curves: list[ErrorCurve] = []
    checks: list[Check] = []
