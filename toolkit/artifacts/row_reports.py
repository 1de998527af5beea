"""Artefacts about single rows: reasons, counterfactuals, similar rows."""

from __future__ import annotations

from typing import ClassVar

from toolkit.artifacts.base import Check, JsonArtifact, Record

Cell = float | str | None
"""A number, anything else as text, or None for missing."""


class CellChange(Record):
    """One cell changed."""

    column: str
    before: Cell
    after: Cell
    size: float
    """Numbers: in median absolute deviations of the training rows; others: 1."""


class Counterfactual(Record):
    """Changes of a row that together lead to the wanted decision, confirmed by a second scoring."""

    changes: list[CellChange]
    score: float
    """The model's output after the changes, see `RowReports.output`."""
    decision: str
    size: float
    """Sum of the sizes of the changes."""
    plausibility: float
    """Share of training rows that lie in a part of the table that is as thin or thinner."""


class Reason(Record):
    """A column that contributed to a row's adverse decision."""

    column: str
    value: str | None
    """The cell as text; None where it is missing or has none."""
    shap: float
    standard_error: float
    text: str
    """The reason in words."""
    protected: bool = False


class Similar(Record):
    """A training row near to the row."""

    row: int
    distance: float
    """Gower's distance, 0 to 1."""
    actual: str
    decision: str
    score: float


class RowReport(Record):
    """Reasons, counterfactuals and similar rows of one row."""

    row: int
    actual: str
    decision: str
    score: float
    wanted: str
    """The decision that counterfactuals lead to; empty where there is none to want."""
    reasons: list[Reason]
    doubtful: int = 0
    """Columns that pushed in the same direction by less than two standard errors: no reasons."""
    counterfactuals: list[Counterfactual]
    blocked: str = ""
    """Why there is no counterfactual, where there is none."""
    similar: list[Similar]


class RowReports(JsonArtifact):
    """Reasons, counterfactuals and similar rows of some explained test rows."""

    file: ClassVar[str] = "row_reports.json"
    former_file: ClassVar[str] = "row_stories.json"
    renamed: ClassVar[dict[str, str]] = {"stories": "reports"}
    stage: ClassVar[str] = "explain"

    task: str
    """binary, multiclass or regression."""
    adverse: str
    """Which outcome counts as adverse, and why, in words."""
    output: str
    """What a score is, in words."""
    threshold: float | None = None
    wanted_known: bool = True
    """False where nobody said which outcome is wanted: then there are no reports."""
    adverse_rows: int
    """Explained rows with the adverse outcome; the nearest to the wanted one have a report."""
    compared: int
    """Training rows that similar rows are searched in."""
    training: int
    """Training rows there are."""
    evaluations: int
    """Rows that the model scored."""
    fixed: dict[str, str]
    """Columns that no counterfactual changes, and why."""
    reports: list[RowReport]
    checks: list[Check] = []
