"""The choices about reasons and counterfactuals of single decisions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from toolkit.project.section import Section

Span = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)? to -?\d+(\.\d+)?$")]
"""Two numbers: `250 to 20000`."""


class Recourse(Section):
    """Reports on single decisions: reasons and counterfactuals."""

    counterfactuals: int = Field(default=3, ge=0, le=10)
    """How many counterfactuals are looked for, for each row."""
    most_changes: int = Field(default=3, ge=1, le=5)
    """The most columns that one counterfactual changes."""
    rows: int = Field(default=10, ge=0, le=50)
    """How many explained rows with an adverse outcome get a full report."""
    change: dict[str, Literal["free", "fixed", "increase", "decrease"]] = Field(
        default_factory=dict
    )
    """By column, how a person could change it. Without an entry, protected columns, dates, texts
    and images are `fixed`, other features `free`."""
    ranges: dict[str, Span] = Field(default_factory=dict)
    """By number column, the values that a change may lead to, as `250 to 20000`; those seen in
    training if not given."""
    wanted: str = ""
    """The class that people want, or of numbers the values, as `100 to 200`. Two classes need none
    where `fairness.outcome_is_benefit` is answered. Otherwise no decision is called adverse, and
    reasons and counterfactuals of single decisions are left out."""
    plausibility: float = Field(default=0.05, ge=0, lt=1)
    """A counterfactual is not offered where less than this share of the training rows is as rare or
    rarer; a row that is rarer itself may stay as rare as it is."""
    reasons: dict[str, str] = Field(default_factory=dict)
    """By column, the reason in words for a decision that it pushed to; `{value}` stands for the
    cell."""
    most_reasons: int = Field(default=4, ge=1, le=10)
    """The most reasons given for a decision."""
