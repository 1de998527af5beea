"""The one model of ``project.yaml``: every choice a person can make.

The YAML's validation, the widgets' fields, the JSON Schema for editors and the
reference in the docs all come from here.
"""

from __future__ import annotations

import datetime
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from toolkit.project.criteria import Acceptance, Costs, Fairness, MetricSettings
from toolkit.project.data import Column, Data
from toolkit.project.recourse import Recourse
from toolkit.project.search import H2O, AutoML, Choice
from toolkit.project.section import Label, Section

Task = Literal["binary", "multiclass", "regression"]

RESAMPLES = 2_000
"""Of a bootstrap: the ends of a 95 % interval rest on 50 of them each."""


class Problem(Section):
    """The question, in words that the reviewer reads first."""

    question: str = ""
    """What is predicted, in one sentence."""
    business_goal: str = ""
    """What the organisation wants to achieve, and how it will know."""
    decision: str = ""
    """Which decision the prediction feeds."""
    decision_maker: str = ""
    """Who takes that decision, a person or an automatic rule."""
    users: str = ""
    """Who will look at the predictions."""
    affected: str = ""
    """Whom the decision touches."""
    out_of_scope: str = ""
    """What the model must not be used for."""
    unit: str = ""
    """What one row stands for: an application, a customer-month, a stay."""
    prediction_time: str = ""
    """When the prediction is made, and what is known by then."""
    constraints: str = ""
    """Law, policy, latency, or hardware that limits the solution."""


class Target(Section):
    """What is predicted."""

    column: str
    """The column to predict."""
    task: Task
    """Two classes, several classes, or a number."""
    positive: Label | None = None
    """Binary: the class whose probability is predicted."""


class Governance(Section):
    """Who answers for the model."""

    risk_tier: Literal["unrated", "low", "medium", "high"] = "unrated"
    """How much harm a wrong model can do."""
    owner: str = ""
    """The person who answers for the model."""
    reviewer: str = ""
    """The person who challenges it, who is not the owner."""
    review_date: datetime.date | None = None
    """When it is looked at again."""
    notes: str = ""
    """Anything the reviewer should know."""

    @field_validator("review_date", mode="before")
    @classmethod
    def _no_number(cls, value: Any) -> Any:
        # A number would be taken for seconds since 1970.
        if isinstance(value, int | float) or (isinstance(value, str) and value.isdecimal()):
            raise ValueError(f"{value!r} is no date; expected one such as 2030-01-31")
        return value


class SplitSettings(Section):
    """How rows are divided into train, validation and test."""

    method: Literal["stratified", "random", "group", "time"] = "stratified"
    """`group` keeps the rows of a group together; `time` puts the latest rows in test, by `column`
    or, without one, by the order of the rows in the source."""
    validation: float = Field(default=0.1, gt=0, lt=0.5)
    """Share of rows that search, selection and calibration never see (the holdout): they measure
    how optimistic the selection score is."""
    test: float = Field(default=0.2, gt=0, lt=0.9)
    """Share of rows kept apart until the chosen model is evaluated."""
    column: str | None = None
    """The group or the time column; without one, `time` takes the order of the rows."""
    duplicates: Literal["auto", "together", "apart"] = "auto"
    """Rows with equal features: `together` keeps them in one part, so that no test row was
    learnt; `auto` does so unless the columns are so coarse that equal rows are no copies.
    Splits by group or time follow their own column."""


class Eda(Section):
    """The look at the data before any model."""

    leakage_threshold: float = Field(default=0.95, gt=0.5, le=1)
    """A column that alone predicts the target this well (0 to 1) is suspected of leaking it."""
    correlation_threshold: float = Field(default=0.9, gt=0, le=1)
    """Pairs of columns associated more strongly than this are listed."""
    stop_at: Literal["never", "critical"] = "never"
    """Whether a critical data-quality check stops the run."""


class Labels(Section):
    """The search for wrong labels."""

    folds: int = Field(default=5, ge=2, le=20)
    """Cross-validation folds for the out-of-sample probabilities."""
    review: int = Field(default=100, ge=0)
    """How many of the most suspicious rows are queued for a person."""
    apply: bool = True
    """Whether the reviewers' decisions are applied to the rows that models see."""


class Explain(Section):
    """How the champion is explained."""

    rows: int = Field(default=200, ge=1)
    """How many test rows are explained."""
    background: int = Field(default=100, ge=1)
    """How many training rows form the background: values are relative to their mean output."""
    reference: str = "all"
    """Against which training rows: `all`, a group such as `purpose = car` (nothing after the sign:
    missing), or one, such as `row 17`. Every SHAP value is relative to them."""
    evaluations: int | None = Field(default=None, ge=2_000)
    """The most rows that the model scores where values are estimated. A plan that needs more is
    cut: first the orders, then the background rows, then the explained rows. The preset's number if
    not given: 400,000 with `thorough`, else 100,000."""
    permutations: int = Field(default=16, ge=2)
    """The least number of orders in which columns are revealed, for each row; every background
    row has at least one of its own. More is slower and more exact."""
    feature_perturbation: Literal["interventional", "tree_path_dependent"] = "interventional"
    """SHAP's feature perturbation: what replaces a column whose value is left out.
    `interventional`: its values in the background rows. `tree_path_dependent`, for trees: both
    children of a split, weighted by their training rows, as H2O and others explain trees;
    correlated columns then share their effect."""
    gradients: Literal["auto", "never", "always"] = "auto"
    """Whether networks are explained by expected gradients, along straight lines between rows,
    instead of SHAP values: `auto` where the table is too wide to give each column its own SHAP
    value, `always` wherever the champion has gradients. Gradients answer another question:
    see the guide."""
    output: Literal["auto", "probability"] = "auto"
    """What SHAP values of two classes add up to. `probability` is estimated; `auto` explains
    models that are sums of trees in log-odds, where their values are exact, and others in
    probability."""
    bootstrap: int = Field(default=RESAMPLES, ge=50)
    """Resamples behind each interval."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Coverage of the intervals."""


class Report(Section):
    """The governance report."""

    title: str = ""
    """The report's heading; the project's name if empty."""
    statement: str = ""
    """The owner's closing statement: limits, conditions of use, what is still open."""
    pictures: bool = True
    """Whether the report shows small copies of a table's images."""


class Tracking(Section):
    """The one-way mirror to MLflow."""

    enabled: bool = True
    """Whether runs are mirrored."""
    uri: str | None = None
    """Tracking URI; by default an SQLite file in the project folder."""
    experiment: str | None = None
    """Experiment; the project's name by default."""
    register_champion: bool = True
    """Whether the champion is registered as a model version."""
    alias: str = "champion"
    """The alias that the newest registered version gets if its verdict is `fit for the stated use`;
    any other gets `candidate`."""


class Project(Section):
    """Everything people chose. What was computed lies in the run folders."""

    format: Literal[1] = 1
    """Version of this file's format."""
    name: str = Field(min_length=1)
    """A short name for people and for MLflow."""
    seed: int = Field(default=7, ge=0, lt=2**31)
    """The seed of everything random."""
    data: Data
    columns: dict[str, Column]
    """Every column of the table, by its name."""
    target: Target
    problem: Problem = Field(default_factory=Problem)
    metric: MetricSettings = Field(default_factory=MetricSettings)
    costs: Costs = Field(default_factory=Costs)
    acceptance: list[Acceptance] = Field(default_factory=list)
    """Limits that the test rows must meet."""
    fairness: Fairness = Field(default_factory=Fairness)
    governance: Governance = Field(default_factory=Governance)
    split: SplitSettings = Field(default_factory=SplitSettings)
    eda: Eda = Field(default_factory=Eda)
    labels: Labels = Field(default_factory=Labels)
    automl: AutoML = Field(default_factory=AutoML)
    h2o: H2O = Field(default_factory=H2O)
    choice: Choice = Field(default_factory=Choice)
    explain: Explain = Field(default_factory=Explain)
    recourse: Recourse = Field(default_factory=Recourse)
    report: Report = Field(default_factory=Report)
    tracking: Tracking = Field(default_factory=Tracking)

    @model_validator(mode="after")
    def _columns_agree(self) -> Project:
        target = self.columns.get(self.target.column)
        if target is None:
            raise ValueError(f"target.column {self.target.column!r} is not among `columns`")
        if target.role != "target":
            raise ValueError(
                f"columns.{self.target.column}.role is {target.role!r}; the target's role"
                " must be 'target'"
            )
        others = [n for n, c in self.columns.items() if c.role == "target"]
        if len(others) > 1:
            raise ValueError(f"more than one column has the role 'target': {', '.join(others)}")
        if self.split.validation + self.split.test > 0.95:
            raise ValueError(
                f"split.validation and split.test take {self.split.validation:g} and"
                f" {self.split.test:g} of the rows and leave too few to learn from"
            )
        weights = [n for n, c in self.columns.items() if c.role == "weight"]
        if len(weights) > 1:
            raise ValueError(f"more than one column has the role 'weight': {', '.join(weights)}")
        if weights and self.columns[weights[0]].type != "number":
            raise ValueError(
                f"columns.{weights[0]}.type is {self.columns[weights[0]].type!r}; a weight must"
                " be a number"
            )
        if self.split.method == "group" and self.split.column is None:
            raise ValueError("split.method 'group' needs split.column")
        by_column = self.split.method in ("group", "time") and self.split.column is not None
        if by_column and self.split.column not in self.columns:
            raise ValueError(f"split.column {self.split.column!r} is not among `columns`")
        if self.target.task == "binary" and not self.target.positive:
            raise ValueError("target.positive must name the positive class")
        return self

    def features(self) -> list[str]:
        """Return the names of the columns that models may use, in the table's order."""
        return [name for name, column in self.columns.items() if column.use == "feature"]

    def weight(self) -> str | None:
        """Return the name of the column that says how much a row counts, if there is one."""
        return next((name for name, c in self.columns.items() if c.role == "weight"), None)

    def protected(self) -> list[str]:
        """Return the names of the columns across which results are compared."""
        return [name for name, column in self.columns.items() if column.protected]
