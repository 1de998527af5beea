"""Artefacts of ``06_explain``."""

from __future__ import annotations

from typing import ClassVar

from toolkit.artifacts.base import Check, FrameArtifact, Interval, JsonArtifact, Record


class Importance(Record):
    """Global importance of one column."""

    column: str
    mean_abs: Interval
    """Mean absolute SHAP value over the explained rows, in the output's unit."""
    standard_error: float
    """Mean estimation error of a single row's value."""


class Explanation(JsonArtifact):
    """How the champion was explained."""

    @property
    def called(self) -> str:
        """What a value is: figures and tables must not call it what it is not."""
        return "expected gradient" if self.game == "expected gradients" else "SHAP value"

    file: ClassVar[str] = "explanation.json"
    stage: ClassVar[str] = "explain"

    method: str
    output: str
    """What the values add up to, in words: probability of the class `bad`, EUR."""
    exact: list[str] = []
    """What of the model was taken apart exactly: trees, terms."""
    left_out: list[int] = []
    """Forests, by their place in the model, that were too dear and estimated."""
    corrected: bool = False
    """Whether what the model is besides what was taken apart was estimated beside it."""
    game: str = "interventional"
    """Where columns that are not known come from: background rows (interventional), or both ways
    at a split, as the rows went that the trees grew on (path-dependent). Expected gradients are
    another game: all columns go from a background row to the row at once, on a straight line."""
    space: str = "probability"
    """The same in a word: value, probability or margin (log-odds)."""
    classes: list[str]
    """The outputs that are explained: the positive class, every class, or the one number."""
    base: dict[str, float]
    """Mean output over the background rows, by class (``value`` for regression)."""
    rows: int
    background: int
    reference: str = "all training rows"
    """Which rows the background was drawn from, in words."""
    plan: str = ""
    """What was affordable, in a line."""
    permutations: int
    evaluations: int
    """Model evaluations spent."""
    additivity_error: float
    """Largest absolute difference between base plus values and the output."""
    additivity_tolerance: float
    grouped: list[str] = []
    """Columns explained together as one because the table is too wide."""
    suspects: list[str] = []
    """Columns of the model that may leak the target: figures and tables mark them."""
    importance: dict[str, list[Importance]]
    """By class, most important first."""
    measures: dict[str, str] = {}
    """Texts and images: the number that stands for each of them in `Attributions`."""
    checks: list[Check] = []


class Attributions(FrameArtifact):
    """SHAP values in long form: ``row``, ``class``, ``column``, ``value`` (of the cell, as
    text), ``number`` (of the cell, if numeric), ``shap``, ``standard_error``.
    """

    file: ClassVar[str] = "attributions.parquet"
    stage: ClassVar[str] = "explain"
    columns: ClassVar[tuple[str, ...]] = ("row", "class", "column", "value", "number", "shap")
