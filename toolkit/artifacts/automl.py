"""Artefacts of ``04_automl``."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from toolkit.artifacts.base import Check, FrameArtifact, Interval, JsonArtifact, Record


class Entry(Record):
    """One model on the leaderboard."""

    name: str
    """Unique and the same in every replay, such as ``h2o_gbm_2``."""
    engine: str
    family: str
    """The algorithm in words: gradient boosting, stacked ensemble, neural network."""
    score: Interval
    """The ranking metric on out-of-fold rows."""
    metrics: dict[str, float | None] = {}
    """All metrics of the task on the same rows."""
    calibration_error: float | None = None
    """Expected calibration error of the scores as they come from the engine."""
    size_kib: float
    complexity: float | None = None
    """How much there is to read: coefficients, leaves, or weights, in all."""
    members: dict[str, float] = {}
    """Ensembles: the weight of each model."""
    violates: list[str] = []
    """Constraints that the model does not keep to, a sentence each."""
    within_noise: bool = False
    """Whether the paired difference to the best could be chance."""
    details: dict[str, str] = {}


class Winner(Record):
    """The best single model, corrected for the selection bias of having been chosen."""

    renamed: ClassVar[dict[str, str]] = {"luck": "selection_bias"}

    name: str
    among: int
    """How many single models keep to the constraints."""
    score: Interval
    """The ranking metric, less the selection bias."""
    selection_bias: float | None = None
    """The selection bias, what its score on the leaderboard owes to having been chosen by it: the
    mean difference to winners of bootstrap samples, on the rows that those left out; in the
    metric's unit."""
    ensemble_gain: Interval | None = None
    """By how much the ensemble is better than that corrected score; positive is better. It is the
    difference of both scores on the leaderboard, and the selection bias."""


class ModelComparison(Record):
    """The champion beside another model, on the same out-of-fold rows."""

    role: str
    """What the other is: best single model, or simple model."""
    other: str
    difference: Interval
    """By how much the champion is better, in the metric's unit; positive is better."""
    corrected: bool = False
    """Whether the other's selection bias is part of the difference."""
    verdict: str
    """better, worse, or no clear difference."""


class Leaderboard(JsonArtifact):
    """Models, best first, judged on the same training rows by models that had not seen them."""

    file: ClassVar[str] = "leaderboard.json"
    stage: ClassVar[str] = "automl"

    metric: str
    greater_is_better: bool
    train_rows: int
    scored_rows: int
    """Training rows that some fold held out; all of them, unless rows are ordered in time."""
    folds: int
    fold_method: str
    """How folds were made, in words."""
    entries: list[Entry]
    winner: Winner | None = None
    """None where no single model keeps to the constraints."""


class DerivedColumn(Record):
    """One feature that engines get."""

    name: str
    sources: list[str]
    """The table's columns of which it is made: one, or two for a pair."""
    kind: str
    """Of what it is made: number, boolean, category, date, text, image; of a pair: duration,
    ratio, place."""
    what: str
    """What was done, in a few words."""
    parameters: dict[str, Any] = {}
    """What was set or learnt."""


class FeatureMap(JsonArtifact):
    """The features made of the table's columns; learnt without the target."""

    file: ClassVar[str] = "feature_map.json"
    stage: ClassVar[str] = "automl"

    columns: list[DerivedColumn]
    """In the order in which engines get them."""
    left_out: list[str] = []
    """Columns of the table of which nothing is worth keeping."""
    notes: list[str] = []
    """What was sampled or left out, a sentence each."""


class EngineRun(Record):
    """What one engine did."""

    engine: str
    version: str
    models: int
    seconds: float
    failures: list[str] = []
    """What was tried and did not work, a sentence each."""


class TrialRun(Record):
    """The outcome of one trial of the plan."""

    renamed: ClassVar[dict[str, str]] = {"rung": "round"}

    name: str
    engine: str
    family: str
    round: int
    status: Literal["done", "failed", "skipped"]
    reason: str = ""
    """Why it failed or was skipped."""


class SearchSummary(JsonArtifact):
    """What the search did and what it cost."""

    file: ClassVar[str] = "search.json"
    stage: ClassVar[str] = "automl"
    time_fields: ClassVar[tuple[str, ...]] = (
        "engines", "scoring_seconds", "fit_seconds", "timeline", "seconds", "peak_mib",
    )  # fmt: skip

    preset: str
    engines: list[EngineRun]
    trials: list[TrialRun] = []
    """The plan, in its order."""
    ended: str = ""
    """Why the search ended, in words."""
    scoring_seconds: dict[str, float] = {}
    """Seconds to score 1,000 rows, by model."""
    fit_seconds: dict[str, float] = {}
    """Seconds to fit on all folds, by model."""
    timeline: list[tuple[float, str, float | None]] = []
    """Seconds since the start, model, and its score, in order of finishing."""
    seconds: float = 0.0
    peak_mib: float = 0.0
    """The most memory that the search and all its processes held at once."""
    reproducible: bool
    """Whether a replay is expected to give the same models."""
    reproducible_reason: str
    checks: list[Check] = []


class OutOfFoldPredictions(FrameArtifact):
    """``row``, ``fold``, and for each model its prediction of rows it had not seen: ``<name>``
    (regression), or ``<name>:<class>`` (probabilities), before calibration.
    """

    file: ClassVar[str] = "out_of_fold.parquet"
    stage: ClassVar[str] = "automl"
    columns: ClassVar[tuple[str, ...]] = ("row", "fold")


class Bin(Record):
    """One bin of a calibration curve."""

    predicted: float
    observed: float
    low: float
    high: float
    rows: int


class CurvePoint(Record):
    """Binary: cost and rates at one threshold, on the out-of-fold rows."""

    threshold: float
    cost: float
    """Mean cost a row."""
    precision: float | None
    recall: float | None
    flagged: float
    """Share of rows at or above the threshold."""


FEW_HOLDOUT = 30
"""With fewer holdout rows an optimism cannot be judged."""


class Holdout(Record):
    """The champion on rows that search, selection and calibration never saw."""

    renamed: ClassVar[dict[str, str]] = {"luck": "selection_bias"}

    metric: str
    rows: int
    score: Interval
    selection: float | None
    """The score by which the champion was selected."""
    optimism: float | None
    """How much better the selection's score is than the holdout's, in the metric's unit."""
    optimism_low: float | None = None
    optimism_high: float | None = None
    """Its interval, from those of both scores."""
    selection_bias: float | None = None
    """The part of it that choosing the best of several models explains."""
    explained: bool
    """Whether the interval holds what selection bias explains, or 0: nothing else is at work."""

    @property
    def few(self) -> bool:
        """Whether there are too few rows to judge an optimism."""
        return self.rows < FEW_HOLDOUT


class Shuffled(Record):
    """The score of a model of the champion's kind on shuffled labels, beside chance."""

    metric: str
    model: str = ""
    """Which model was fitted: of an ensemble, one member stands for it."""
    score: Interval
    """On rows held out from it, against the shuffled labels."""
    chance: float | None
    """The score of a constant guess on the same rows."""
    better_than_chance: bool
    """Whether the whole interval is better than chance: then something leaks."""


class Conformal(Record):
    """Conformal intervals (regression) or sets of classes, with their nominal coverage."""

    method: str
    coverage: float
    """What was asked for."""
    measured: Interval
    """How often the truth was inside, on the holdout rows."""
    size: float
    """Mean width of the intervals, or mean number of classes in a set, on the holdout rows."""
    rows: int
    """Out-of-fold rows from which it was learnt."""


class Champion(JsonArtifact):
    """The model that is used, how it was chosen, and how scores become decisions."""

    renamed: ClassVar[dict[str, str]] = {"canary": "holdout"}

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
    """Cross-validated log loss on the out-of-fold rows by calibration."""
    calibration_error: float | None = None
    """Expected calibration error after calibration, cross-fitted."""
    calibration_before: list[Bin] = []
    calibration_after: list[Bin] = []
    error_before: float | None = None
    """Expected calibration error before calibration."""
    holdout: Holdout | None = None
    shuffled: Shuffled | None = None
    conformal: Conformal | None = None
    beside: list[ModelComparison] = []
    """The best single model, if the champion is an ensemble; and the best simple one."""
    threshold: float | None = None
    threshold_rule: str = ""
    threshold_curve: list[CurvePoint] = []
    checks: list[Check] = []
