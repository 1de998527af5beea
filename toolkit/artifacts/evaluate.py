"""Artefacts of ``05_evaluate``."""

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
    stage: ClassVar[str] = "evaluate"
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
    stage: ClassVar[str] = "evaluate"

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
