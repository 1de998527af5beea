"""The one model of ``project.yaml``: every choice a person can make.

The YAML's validation, the widgets' fields, the JSON Schema for editors and the
reference in the docs all come from here.
"""

from __future__ import annotations

import datetime
import difflib
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from toolkit.project.recourse import Recourse
from toolkit.project.search import H2O, AutoML, Choice
from toolkit.project.section import Label, Section

ColumnType = Literal["number", "category", "boolean", "date", "text", "image"]
Role = Literal["feature", "target", "identifier", "time", "group", "weight", "ignore"]
Task = Literal["binary", "multiclass", "regression"]
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


RESAMPLES = 2_000
"""Of a bootstrap: the ends of a 95 % interval rest on 50 of them each."""

_DELIMITERS = {
    "\\t": "\t", "tab": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|",
    "colon": ":",
}  # fmt: skip


_ENCODINGS = [  # those that a misspelling may mean
    "utf-8", "utf-8-sig", "utf-16", "utf-32", "ascii", "cp1252", "latin-1", "cp1250", "cp1251",
    "cp1253", "cp1254", "cp1257", "cp850", "cp437", "iso8859-2", "iso8859-15", "mac-roman",
    "koi8-r", "gb18030", "gbk", "big5", "shift_jis", "cp932", "euc-jp", "euc-kr", "cp949",
]  # fmt: skip


def _is_encoding(name: str) -> bool:
    try:
        return isinstance(b"a,1\n".decode(name), str)
    except UnicodeDecodeError:
        return True  # UTF-16 wants an even number of bytes
    except (LookupError, ValueError, TypeError, UnicodeError):
        return False


class Data(Section):
    """Where the table is and how it is read. Detected once, then fixed here."""

    source: str
    """Path of a CSV, Parquet, Excel or NumPy (.npz) file or of a folder of images, relative to
    this file; or a SQLAlchemy URL."""
    format: Literal["csv", "parquet", "excel", "sql", "npz", "images"] = "csv"
    """How the source is read."""
    delimiter: str | None = None
    """CSV: the character between fields; `tab` and `space` may be written so."""
    encoding: str | None = None
    """CSV: the text encoding, such as `cp1252`."""
    header_row: int | None = Field(default=None, ge=0)
    """CSV: the line of the header, Excel: its row, counted from 1; 0 if there is no header.
    By default the first that is not blank."""
    decimal: Literal[".", ","] | None = None
    """Numbers in texts: the decimal mark."""
    compression: Literal["gzip", "bz2", "zip", "xz", "zstd"] | None = None
    """CSV: how the file is compressed."""
    missing: list[str] = Field(default_factory=list)
    """Further spellings of a missing value in this table, such as `?`."""
    sheet: str | None = None
    """Excel: the sheet's name."""
    query: str | None = None
    """SQL: the query that returns the table."""
    table: str | None = None
    """Images: the table in the folder, one of whose columns names the files."""
    label: str = "label"
    """Images: the column that gets the names of the subfolders."""

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str | None) -> str | None:
        if value is None:
            return None
        mark = _DELIMITERS.get(value.casefold(), value)
        if len(mark) != 1 or not mark.isascii() or mark in '\r\n"\0':
            raise ValueError(
                f"the delimiter {value[:20]!r} is not one ASCII character, such as ';' or 'tab'"
            )
        return mark

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        if value is not None and not _is_encoding(value):
            near = difflib.get_close_matches(value.casefold(), _ENCODINGS, n=1, cutoff=0.5)
            raise ValueError(f"unknown encoding {value[:40]!r}, unlike {(near or ['cp1252'])[0]!r}")
        return value


class Column(Section):
    """What one column is and what it may be used for."""

    type: ColumnType
    """How the values are read."""
    role: Role = "feature"
    """What the column is used for; only a `feature` reaches a model. A `weight` says how much a
    row counts, in fitting and in scores."""
    known: Literal["before", "after"] | None = None
    """When the value is known, as it stands in the table: `before` the outcome, when the prediction
    is made, or only `after` it. What is known `after` reaches no model, whatever its role."""
    protected: bool = False
    """Whether the column names a protected group: results are compared across its values."""
    missing: list[str] | None = None
    """Spellings of a missing value in this column, in place of the usual ones."""
    decimal: Literal[".", ","] | None = None
    """Numbers: the decimal mark, where it is not that of `data.decimal`."""
    unit: str | None = None
    """Numbers: the unit that stands in the cells, such as `kg` or `USD`; numbers in another unit
    are missing."""
    multiples: bool = False
    """Numbers: whether `k`, `M`, `bn` and the like after a number multiply it."""
    format: str | None = None
    """Dates: how they are written, such as `%d/%m/%Y`; several formats are separated by `|`;
    `excel`, `unix` and `unix-ms` count days, seconds and milliseconds; ISO 8601 if not given."""
    latest_year: int | None = Field(default=None, ge=1000, le=9999)
    """Dates: the latest year that a year of two digits can mean; 2068 if not given."""
    timezone: str | None = None
    """Dates: the zone whose local time is kept where moments carry a zone, such as
    `Europe/Berlin`; each cell's own if not given."""

    @property
    def use(self) -> Role:
        """The role, or `ignore` for a feature that is known only after the outcome."""
        return "ignore" if self.role == "feature" and self.known == "after" else self.role

    @field_validator("format")
    @classmethod
    def _format_can_be_read(cls, value: str | None) -> str | None:
        for part in map(str.strip, (value or "").split("|")):
            if value and part not in ("excel", "unix", "unix-ms") and "%" not in part:
                raise ValueError(f"{part!r} is no format of dates; such as %d/%m/%Y or excel")
            try:
                datetime.datetime.strptime("", part)
            except ValueError as error:
                if "directive" in str(error) or "stray" in str(error):
                    raise ValueError(f"{part!r} is no format of dates: {error}") from error
        return value

    @field_validator("timezone")
    @classmethod
    def _zone_is_known(cls, value: str | None) -> str | None:
        import re
        import zoneinfo

        if value is not None and not re.fullmatch(r"UTC([+-]\d{2}:\d{2})?", value):
            try:
                zoneinfo.ZoneInfo(value)
            except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
                raise ValueError(
                    f"{value!r} is no time zone; such as Europe/Berlin or UTC+01:00"
                ) from error
        return value


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
