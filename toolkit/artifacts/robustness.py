"""How the champion scores perturbed rows: an artefact of ``05_evaluate``."""

from __future__ import annotations

from typing import ClassVar

from toolkit.artifacts.base import Check, Interval, JsonArtifact, Record


class Dose(Record):
    """The ranking metric at one strength of a perturbation."""

    strength: float
    """Standard deviations of noise, or share of cells that are missing."""
    score: Interval
    """Mean over the repeats; low and high are the lowest and the highest of them."""
    changed: float | None = None
    """Share of rows whose decision changes; None for regression."""


class ColumnHarm(Record):
    """The effect of one perturbation of one column on the score."""

    column: str
    setting: float | None = None
    """Shifts: by how many standard deviations."""
    score: float | None
    """The ranking metric on the perturbed rows; None where it is not defined."""
    harm: Interval
    """How much worse the metric is than on the same rows as they are; positive is worse."""
    changed: float | None = None
    """Share of rows whose decision changes; None for regression."""


class Extreme(Record):
    """A column set to one value in all rows."""

    column: str
    setting: str
    """lowest, highest, below or above (by half the training range) the training rows."""
    value: float
    change: float
    """Change of the mean prediction (positive class's probability, or the value); for several
    classes the share of probability that moves to other classes."""
    outside: float | None = None
    """Regression: share of predictions outside the training rows' targets."""


class OutsideData(Record):
    """Rows made so that they lie outside the data."""

    made: str
    """How, in words."""
    rows: int
    share: Interval
    """Share of them predicted with more certainty than 95 % of the test rows; for regression,
    with a value outside the training rows' targets."""
    limit: float
    """That certainty (classes); for regression, the same share of the unperturbed rows."""
    verdict: str
    """cautious, or overconfident: the interval of the share lies above 5 % (and, for
    regression, above the share of the unperturbed rows)."""


class ScoringFailure(Record):
    """A perturbation that the model cannot score."""

    column: str
    """Empty where it is none alone."""
    what: str
    reason: str


class Robustness(JsonArtifact):
    """How the champion's score falls when the rows are perturbed."""

    file: ClassVar[str] = "robustness.json"
    stage: ClassVar[str] = "evaluate"

    metric: str
    rows: int
    """Test rows that were perturbed."""
    of_rows: int
    """Test rows in all."""
    evaluations: int
    """Rows that the model had to score."""
    baseline: Interval
    """The ranking metric on the same rows as they are."""
    constant: float | None
    """What a constant guess scores on them."""
    noise: list[Dose] = []
    """Noise added to all number columns, by strength in standard deviations."""
    blanks: list[Dose] = []
    """Cells missing at random in all columns, by share."""
    missing: list[ColumnHarm] = []
    """A column missing in all rows, the most harmful first."""
    shifts: list[ColumnHarm] = []
    """A number column moved by some standard deviations, the most harmful column first."""
    unseen: list[ColumnHarm] = []
    """A category column set to a value that never occurred, the most harmful first."""
    extremes: list[Extreme] = []
    outside: list[OutsideData] = []
    failures: list[ScoringFailure] = []
    left_out: int = 0
    """Columns that were not perturbed one by one, to keep to the budget."""
    checks: list[Check] = []
