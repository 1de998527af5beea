"""Artefacts of ``05_explain``."""

from __future__ import annotations

from typing import ClassVar

from toolkit.artifacts.automl import Bin
from toolkit.artifacts.base import Check, FrameArtifact, Interval, JsonArtifact, Record
from toolkit.artifacts.eda import Thumbnail


class TestPredictions(FrameArtifact):
    """``row``, ``actual`` and, after calibration, ``p:<class>`` and ``predicted`` (classes)
    or ``predicted`` (regression), for the test rows.
    """

    __test__ = False  # not a test class, whatever its name starts with

    file: ClassVar[str] = "test_predictions.parquet"
    stage: ClassVar[str] = "explain"
    columns: ClassVar[tuple[str, ...]] = ("row", "actual", "predicted")


class Slice(Record):
    """Test rows on which the model does worse."""

    where: str
    """The condition in words: ``purpose = car``."""
    columns: list[str]
    rows: int
    score: Interval
    difference: float
    """Mean loss inside minus outside."""
    p_value: float
    """After correction for the number of slices tried."""


class Group(Record):
    """Test results of one protected group."""

    column: str
    group: str
    rows: int
    judged: bool
    """False where fewer than `fairness.minimum_group` of its rows count for the fairness metric."""
    metrics: dict[str, Interval]
    base: dict[str, int] = {}
    """By metric: the rows that it is over (positives, negatives, flagged rows, or all)."""
    too_few: list[str] = []
    """Metrics that are over fewer rows than `fairness.minimum_group`."""


class FairnessVerdict(Record):
    """The fairness metric asked for, for one protected column."""

    column: str
    metric: str
    difference: Interval
    limit: float
    verdict: str
    """within, beyond, unclear (the interval spans the limit, or it holds for some groups only and
    another one of a relevant size cannot be compared), or cannot be judged."""
    compared: list[str] = []
    """The groups that could be compared."""
    not_compared: list[str] = []
    """The others, with their rows: ``B: 54 rows, 1 positive``."""
    reason: str = ""
    """What the verdict does not hold for, or why there is none; empty where all are compared."""


class AcceptanceVerdict(Record):
    """One acceptance limit held against the test rows."""

    metric: str
    limit: str
    bound: float | None = None
    """The limit's number."""
    score: Interval
    verdict: str
    """met, missed, unclear (the interval spans the limit), or cannot be judged (the metric is not
    defined on the test rows, or all of them are of one class)."""


class Evaluation(JsonArtifact):
    """The champion on the test rows, which nothing before has seen."""

    file: ClassVar[str] = "evaluation.json"
    stage: ClassVar[str] = "explain"

    rows: int
    metric: str
    metrics: dict[str, Interval]
    constant: dict[str, float | None]
    """What a constant guess, made from the training rows, scores on the test rows."""
    confusion: dict[str, dict[str, int]] = {}
    """Rows by actual class, then predicted class, at the threshold."""
    cost: Interval | None = None
    """Mean cost a row at the threshold."""
    constant_cost: float | None = None
    """Mean cost a row of the cheapest constant decision."""
    calibration: list[Bin] = []
    slices: list[Slice] = []
    groups: list[Group] = []
    fairness: list[FairnessVerdict] = []
    acceptance: list[AcceptanceVerdict] = []
    mistakes: list[Thumbnail] = []
    """Image columns: test rows of which the model was most certain and wrong."""
    checks: list[Check] = []


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
