"""Artefacts of ``01_scoping``: the table as read, and whether the plan can work."""

from __future__ import annotations

from typing import ClassVar

from toolkit.artifacts.base import Check, FrameArtifact, JsonArtifact, Record
from toolkit.artifacts.eda import Suspect


class ColumnFacts(Record):
    """What was found in one column on reading."""

    name: str
    type: str
    role: str
    protected: bool
    missing: int
    distinct: int
    examples: list[str] = []


class Intake(JsonArtifact):
    """How the table was read."""

    file: ClassVar[str] = "intake.json"
    stage: ClassVar[str] = "scoping"

    source: str
    """The source as the project names it; a password in a URL is left out."""
    digest: str
    """SHA-256 of the source file, or of the rows a query returned."""
    table_digest: str
    """SHA-256 of the typed rows, which every later stage reads."""
    rows: int
    columns: list[ColumnFacts]
    checks: list[Check] = []
    """What had to be converted or dropped on the way in."""


class Rows(FrameArtifact):
    """The typed table: one column for each of the project's columns, a row a source row.

    Numbers are float64, categories, booleans and text are strings, dates are datetime64.
    The position of a row is its identity in every other artefact (``row``).
    """

    file: ClassVar[str] = "table.parquet"
    stage: ClassVar[str] = "scoping"


class Feasibility(JsonArtifact):
    """Whether the question can be answered with this table."""

    file: ClassVar[str] = "feasibility.json"
    stage: ClassVar[str] = "scoping"

    task: str
    rows: int
    """Rows with a known target."""
    classes: dict[str, int] = {}
    """Rows by class; empty for regression. A file does not keep their order."""
    positive: str | None = None
    """Binary: the class whose probability is predicted."""
    metric: str
    """The metric that ranks models, resolved from `auto`."""
    metric_reason: str
    fairness_metric: str
    fairness_reason: str
    cost_threshold: float | None = None
    """Binary: the threshold that the costs imply for calibrated probabilities."""
    constant: dict[str, float | None] = {}
    """What a constant guess scores, by metric."""
    detectable: float | None = None
    """Smallest difference of accuracy (binary, multiclass) or of R2 (regression) between two
    models that the test rows can tell apart (two-sided 5 %, power 80 %)."""
    test_rows: int
    """Rows that the split leaves for test."""
    strongest: list[Suspect] = []
    """The features to ask about first: when is each known? From a sample of all rows."""
    checks: list[Check] = []
