"""The artefact of intersections of groups, and of the trade-off of fairness and cost."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import model_validator

from toolkit.artifacts.base import Check, Interval, JsonArtifact, Record
from toolkit.artifacts.evaluate import FairnessVerdict


class Intersection(Record):
    """Test results of the rows that two protected columns put into one group."""

    columns: list[str]
    groups: list[str]
    """The group in each of the columns."""
    rows: int
    judged: bool
    """As in `Group`."""
    metrics: dict[str, Interval]
    base: dict[str, int] = {}
    too_few: list[str] = []


class GroupRates(Record):
    """Rates of one group under one policy, on the test rows."""

    group: str
    rows: int
    judged: bool
    """As in `Group`; it may change with the policy, where flagged rows are what counts."""
    rates: dict[str, Interval]
    base: dict[str, int] = {}
    """By rate: the rows that it is over."""


class TradeOffPoint(Record):
    """One decision policy, with its fairness and its cost on the test rows."""

    name: str
    """What `fairness.mitigation` calls it: method, column, strength."""
    method: Literal["thresholds", "surrogate", "reweighting", "reductions"]
    column: str
    strength: float
    """From 0, unmitigated, to 1, parity on the rows that the policy was fitted on."""
    thresholds: dict[str, float] = {}
    """By group: decide positive at or above it. Only for the method thresholds."""
    fallback: float | None = None
    """The threshold of rows of no such group."""
    difference: Interval
    """The fairness metric between judged groups."""
    verdict: str
    """As in `FairnessVerdict`."""
    accuracy: Interval
    cost: Interval
    """Mean cost a row."""
    difference_change: Interval
    """Minus the unmitigated one of the same model, on the same resamples. None where the two do
    not compare the same groups."""
    accuracy_change: Interval
    cost_change: Interval
    changed: float
    """Share of test rows that are decided otherwise than by the same model unmitigated."""
    groups: list[GroupRates]

    @model_validator(mode="before")
    @classmethod
    def _read_old_method(cls, fields: Any) -> Any:
        """Read the method's name in version 0.1."""
        if not isinstance(fields, dict) or fields.get("method") != "stand-in":
            return fields
        name = str(fields["name"]).replace("stand-in", "surrogate", 1)
        return {**fields, "method": "surrogate", "name": name}


class Mitigation(Record):
    """What a person chose."""

    name: str
    reason: str
    method: str
    column: str
    thresholds: dict[str, float]
    fallback: float | None
    applies: bool
    """Whether it can be applied to the champion's scores as they are; otherwise it needs a new
    search, and nothing was changed."""


class FairnessDetail(JsonArtifact):
    """Intersections of protected columns, and fairness against its cost."""

    file: ClassVar[str] = "fairness.json"
    stage: ClassVar[str] = "evaluate"
    renamed: ClassVar[dict[str, str]] = {
        "stand_in": "surrogate",
        "stand_in_rows": "surrogate_rows",
        "stand_in_of": "surrogate_of",
    }

    metric: str
    """The fairness metric that is traded."""
    metric_asked: bool
    """False where the project asks for none and this one stands in."""
    limit: float
    rows: int
    """Test rows."""
    minimum_group: int
    crossings: list[Intersection] = []
    crossing_verdicts: list[FairnessVerdict] = []
    """The fairness metric over the crossings of two columns: ``sex × race``."""
    crossings_left_out: int = 0
    """Crossings that are not listed, smaller than those that are."""
    rows_left_out: int = 0
    """Test rows in them, counted for each pair of columns."""
    fit_rows: int = 0
    """Validation rows on which thresholds by group were fitted."""
    surrogate: str = ""
    """The model on which reweighting and reductions were tried, in words."""
    surrogate_rows: int = 0
    """Training rows that it was fitted on."""
    surrogate_of: int = 0
    """Training rows that there are."""
    curve: list[TradeOffPoint] = []
    no_curve: str = ""
    """Why there is no curve, in a sentence."""
    mitigation: Mitigation | None = None
    """The choice; None where the project says ``none``."""
    checks: list[Check] = []
