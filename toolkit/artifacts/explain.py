"""Artefacts of ``06_explain``."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import field_validator

from toolkit.artifacts.base import Check, FrameArtifact, Interval, JsonArtifact, Record


class Importance(Record):
    """Global importance of one column."""

    column: str
    mean_abs: Interval
    """Mean absolute SHAP value over the explained rows, in the output's unit."""
    standard_error: float
    """Mean estimation error of a single row's value."""


FeaturePerturbation = Literal["interventional", "tree_path_dependent", "expected_gradients"]
_OLD_PERTURBATION = {
    "path-dependent": "tree_path_dependent",
    "expected gradients": "expected_gradients",
}


class RefusedStrategy(Record):
    """A strategy of explaining the model that was not used."""

    strategy: str
    reason: str
    """Why, in a clause."""


class Explanation(JsonArtifact):
    """How the champion was explained."""

    renamed: ClassVar[dict[str, str]] = {"game": "feature_perturbation"}

    @field_validator("feature_perturbation", mode="before")
    @classmethod
    def _read_old_value(cls, value: Any) -> Any:
        return _OLD_PERTURBATION.get(value, value)

    @property
    def called(self) -> str:
        """The term for a value in figures and tables."""
        by_gradients = self.feature_perturbation == "expected_gradients"
        return "expected gradient" if by_gradients else "SHAP value"

    file: ClassVar[str] = "explanation.json"
    stage: ClassVar[str] = "explain"

    method: str
    output: str
    """What the values add up to, in words: probability of the class `bad`, EUR."""
    exact: list[str] = []
    """Which summands of the model have exact values: trees, terms."""
    left_out: list[int] = []
    """Forests, by their place in the model, that were estimated: exact values take too long."""
    corrected: bool = False
    """Whether the difference between the model and its exact summands was estimated."""
    strategy: str = ""
    """The strategy by which the model was explained; empty in runs of version 0.1."""
    refused: list[RefusedStrategy] = []
    """Strategies that were tried before it, in order."""
    feature_perturbation: FeaturePerturbation = "interventional"
    """As in SHAP, where unknown columns come from: background rows (`interventional`), or both
    children of a split, as the trees' training rows went (`tree_path_dependent`). Values by
    `expected_gradients` have none: all columns move from a background row to the row at once, on a
    straight line."""
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
