"""Artefacts of ``04_automl``."""

from __future__ import annotations

from typing import ClassVar

from toolkit.artifacts.base import Check, FrameArtifact, Interval, JsonArtifact, Record


class Entry(Record):
    """One model on the leaderboard."""

    name: str
    """Unique and the same in every replay, such as ``h2o_gbm_2``."""
    engine: str
    family: str
    """The algorithm in words: gradient boosting, stacked ensemble, neural network."""
    score: Interval
    """The ranking metric on the validation rows."""
    metrics: dict[str, float | None] = {}
    """All metrics of the task on the validation rows."""
    size_kib: float
    within_noise: bool = False
    """Whether the paired difference to the best could be chance."""
    details: dict[str, str] = {}


class Leaderboard(JsonArtifact):
    """Models, best first, judged on the same validation rows."""

    file: ClassVar[str] = "leaderboard.json"
    stage: ClassVar[str] = "automl"

    metric: str
    greater_is_better: bool
    train_rows: int
    validation_rows: int
    entries: list[Entry]


class EngineRun(Record):
    """What one engine did."""

    engine: str
    version: str
    models: int
    seconds: float
    failures: list[str] = []
    """What was tried and did not work, a sentence each."""


class Search(JsonArtifact):
    """What the search did and what it cost."""

    file: ClassVar[str] = "search.json"
    stage: ClassVar[str] = "automl"
    time_fields: ClassVar[tuple[str, ...]] = ("engines", "scoring_seconds")

    engines: list[EngineRun]
    scoring_seconds: dict[str, float] = {}
    """Seconds to score 1,000 rows, by model."""
    reproducible: bool
    """Whether a replay is expected to give the same models."""
    reproducible_reason: str
    checks: list[Check] = []


class ValidationPredictions(FrameArtifact):
    """``row``, and for each model its prediction: ``<name>`` (regression), or
    ``<name>:<class>`` (probabilities), before calibration.
    """

    file: ClassVar[str] = "validation_predictions.parquet"
    stage: ClassVar[str] = "automl"
    columns: ClassVar[tuple[str, ...]] = ("row",)


class Bin(Record):
    """One bin of a calibration curve."""

    predicted: float
    observed: float
    low: float
    high: float
    rows: int


class CurvePoint(Record):
    """Binary: what one threshold would bring on the validation rows."""

    threshold: float
    cost: float
    """Mean cost a row."""
    precision: float | None
    recall: float | None
    flagged: float
    """Share of rows at or above the threshold."""


class Champion(JsonArtifact):
    """The model that is used, how it was chosen, and how scores become decisions."""

    file: ClassVar[str] = "champion.json"
    stage: ClassVar[str] = "automl"

    name: str
    engine: str
    family: str
    rule: str
    """``best`` or ``by hand``."""
    reason: str
    best: str
    """The top of the leaderboard, which may be another model."""
    model: str
    """Folder of the saved model, relative to the run."""
    model_digest: str = ""
    """SHA-256 of that folder; equal searches give equal models."""
    calibration: str
    """none, sigmoid or isotonic."""
    calibration_scores: dict[str, float] = {}
    """Cross-validated log loss on the validation rows by calibration."""
    calibration_error: float | None = None
    """Expected calibration error after calibration, cross-fitted."""
    calibration_before: list[Bin] = []
    calibration_after: list[Bin] = []
    threshold: float | None = None
    threshold_rule: str = ""
    threshold_curve: list[CurvePoint] = []
    checks: list[Check] = []
