"""What models are judged by: the metric, costs of errors, limits, and fairness."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from toolkit.project.section import Label, Section

MetricName = Literal[
    "roc_auc", "average_precision", "log_loss", "brier", "f1", "balanced_accuracy", "accuracy",
    "expected_cost", "f1_macro", "roc_auc_ovr", "rmse", "mae", "r2", "median_absolute_error",
]  # fmt: skip
FairnessMetric = Literal[
    "none",
    "demographic_parity_difference",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "predictive_parity_difference",
    "group_error_difference",
]


class Costs(Section):
    """What each error costs, in one unit; the threshold follows from it."""

    false_positive: float = Field(default=1.0, ge=0)
    """Binary: cost of acting on a row that is not positive."""
    false_negative: float = Field(default=1.0, ge=0)
    """Binary: cost of missing a positive row."""
    true_positive: float = 0.0
    """Binary: cost (negative: gain) of acting rightly."""
    true_negative: float = 0.0
    """Binary: cost (negative: gain) of rightly leaving a row alone."""
    matrix: dict[Label, dict[Label, float]] = Field(default_factory=dict)
    """Multiclass: cost by true class, then predicted class; what is not listed costs 1."""
    unit: str = ""
    """What the numbers count: EUR, minutes, points."""


class MetricSettings(Section):
    """How models are compared."""

    name: MetricName | Literal["auto"] = "auto"
    """The metric that ranks models; `auto` takes log loss for classes, RMSE for numbers."""
    ranking_matters: bool = False
    """Wizard: only the order of the rows is used (who is called first)."""
    probability_used: bool = True
    """Wizard: the predicted probability itself is used (a price, a provision)."""
    large_errors_worse: bool = True
    """Wizard: one large error is worse than several small ones that add up to it."""


class Acceptance(Section):
    """A limit that the test rows must meet."""

    metric: MetricName
    """The metric that is judged on the test rows."""
    at_least: float | None = None
    """The lowest acceptable value."""
    at_most: float | None = None
    """The highest acceptable value."""


class Fairness(Section):
    """The questionnaire that leads to a fairness metric, and its limit."""

    people_affected: bool | None = None
    """Does the decision affect people?"""
    protected_confirmed: bool = False
    """Has a person checked which columns are marked `protected`? They are guessed from names."""
    outcome_is_benefit: bool | None = None
    """Is the positive class something people want (a loan), not a burden (an audit)?"""
    label_trusted: bool | None = None
    """Is the recorded outcome free of past unfair treatment?"""
    errors_matter_most: Literal["missed", "wrongly_flagged", "both", "unsure"] = "unsure"
    """Which error harms a person more: being missed, being wrongly flagged, or both?"""
    metric: FairnessMetric | Literal["auto"] = "auto"
    """The metric judged; `auto` follows the answers above."""
    limit: float = Field(default=0.1, ge=0)
    """The largest acceptable difference between groups."""
    minimum_group: int = Field(default=30, ge=1)
    """Groups with fewer test rows that the metric is over (positives, negatives, flagged rows, or
    all) are shown but not judged."""
    mitigation: str = "none"
    """The point of the trade-off curve that a person chose, such as `thresholds sex 0.5`."""
    mitigation_reason: str = ""
    """Why it was chosen; needed when it is not `none`."""

    @model_validator(mode="after")
    def _mitigation_needs_a_reason(self) -> Fairness:
        if self.mitigation != "none" and not self.mitigation_reason.strip():
            raise ValueError("a mitigation needs a `mitigation_reason`")
        return self
