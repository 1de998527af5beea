"""Artefacts of ``02_eda``."""

from __future__ import annotations

from typing import ClassVar

from toolkit.artifacts.base import Check, FrameArtifact, Interval, JsonArtifact, Record, Severity


class Thumbnail(Record):
    """A small copy of one row's image."""

    row: int
    label: str
    """What the row's target is, or the part of the target's range that it lies in."""
    said: str = ""
    """What a model says of it."""
    image: str
    """A ``data:`` address."""


class Word(Record):
    """A word that is more frequent in the texts of one class than in those of the others."""

    word: str
    label: str
    """The class, or the part of the target's range."""
    rows: int
    """Texts of the class that hold it."""
    share: float
    """Share of the class's texts that hold it."""
    elsewhere: float
    """Share of all other texts that hold it."""


class ColumnProfile(Record):
    """One column in numbers."""

    name: str
    type: str
    role: str
    protected: bool
    missing: int
    distinct: int
    mean: float | None = None
    std: float | None = None
    minimum: float | str | None = None
    quartiles: list[float] = []
    maximum: float | str | None = None
    skew: float | None = None
    top: list[tuple[str, int]] = []
    """The most frequent values with their counts (categories, booleans, texts)."""
    histogram_edges: list[float] = []
    histogram_counts: list[int] = []
    """Numbers and dates (dates as seconds since 1970)."""
    target_by_bin: list[float | None] = []
    """Mean target (regression) or share of the positive class, by bin or by top value."""
    classes_by_bin: dict[str, list[float | None]] = {}
    """Multiclass: share of each of the most frequent classes, by bin or by top value."""
    association: float | None = None
    """How well the column alone predicts the target, 0 (not at all) to 1, out of sample."""
    measure: str = ""
    """Texts and images: the number of each that mean, quartiles and histogram are about."""
    repeated: int | None = None
    """Texts and images: values equal to an earlier row's."""
    sizes: list[tuple[str, int]] = []
    """Images: the most frequent sizes with their counts."""
    words: list[Word] = []
    """Texts: the words that tell most, by class."""
    pictures: list[Thumbnail] = []
    """Images: a few of each class, of rows outside the test."""


class Pair(Record):
    """Two associated columns."""

    first: str
    second: str
    strength: float
    """0 to 1."""
    measure: str
    rows: int | None = None
    """Rows that have both, sentinels aside."""


class Suspect(Record):
    """A column that may leak the target."""

    column: str
    score: float
    """0 to 1; higher is more suspicious."""
    reason: str
    severity: Severity = "warning"
    """How sure the suspicion is: a ``critical`` one decides the verdict while it is open."""
    resolved: str = ""
    """What a person said about it, or why the column cannot leak; empty while it is open."""


class LeakSearch(Record):
    """What the search for columns that leak the target looked at, and up to what."""

    renamed: ClassVar[dict[str, str]] = {"honest": "unsuspected"}

    columns: int
    """Columns, each alone."""
    gaps: int
    """Columns of these with missing values, by where they are missing."""
    pairs: int
    """Pairs of columns."""
    rows: int
    """Rows looked at, none of the test."""
    strongest: str = ""
    """The column, of those that are not suspected, that predicts best alone."""
    strength: float = 0.0
    """How well it does, 0 to 1."""
    unsuspected: float | None = None
    """What a quick model of the columns that are not suspected reaches, 0 to 1."""
    limit: float
    """Agreement with the target (0 to 1) from which a column is taken for a copy of it."""

    @property
    def text(self) -> str:
        """What to say where nothing was found: what was looked at, and up to what."""
        gaps = f", {self.gaps} of them by where they are missing too" if self.gaps else ""
        pairs = f", and {self.pairs:,} pairs" if self.pairs else ""
        best = (
            f" The strongest, {self.strongest!r}, predicts at {self.strength:.2f} of 1 alone"
            if self.strongest
            else ""
        )
        together = (
            f"; a quick model of all that is not suspected reaches {self.unsuspected:.2f}."
            if best and self.unsuspected is not None
            else "." * bool(best)
        )
        return (
            f"No column was found to leak the target. Looked at: {self.columns} columns, each"
            f" alone{gaps}{pairs}, in {self.rows:,} rows.{best}{together} A leak that agrees with"
            f" the target in less than {self.limit:.2f} of 1, or that takes three columns, would"
            " not be seen."
        )


class Drift(Record):
    """How a column changes over time or between train and test."""

    column: str
    axis: str
    """``time`` or ``split``."""
    distance: float
    """Population stability index."""
    severity: str
    measure: str = ""
    """Texts and images: the number of each that is compared."""


class Profile(JsonArtifact):
    """The table in numbers."""

    file: ClassVar[str] = "profile.json"
    stage: ClassVar[str] = "eda"

    rows: int
    sampled: int
    """Rows that the slower statistics looked at."""
    duplicates: int
    """Rows equal to an earlier one, identifiers aside."""
    columns: list[ColumnProfile]
    pairs: list[Pair] = []
    suspects: list[Suspect] = []
    searched: LeakSearch | None = None
    """What the search for suspects looked at."""
    drift: list[Drift] = []

    @property
    def unresolved(self) -> list[Suspect]:
        """Features under critical suspicion of leaking the target that nobody has cleared."""
        features = {column.name for column in self.columns if column.role == "feature"}
        return [
            suspect
            for suspect in self.suspects
            if suspect.severity == "critical"
            and not suspect.resolved
            and suspect.column in features
        ]


class Quality(JsonArtifact):
    """Data-quality checks by severity, worst first."""

    file: ClassVar[str] = "quality.json"
    stage: ClassVar[str] = "eda"

    checks: list[Check]


class Contract(JsonArtifact):
    """The schema that later tables must meet (pandera's own JSON form)."""

    file: ClassVar[str] = "contract.json"
    stage: ClassVar[str] = "eda"

    pandera_version: str
    schema_text: str


class Split(FrameArtifact):
    """``row`` (int64) and ``part``: train, validation, test, or unused (no target, or no time
    where rows are split by time).
    """

    file: ClassVar[str] = "split.parquet"
    stage: ClassVar[str] = "eda"
    columns: ClassVar[tuple[str, ...]] = ("row", "part")


class SplitPart(Record):
    """One part of the split."""

    part: str
    rows: int
    target: dict[str, float] = {}
    """Share of each class, or mean and std of the target."""


class SplitSummary(JsonArtifact):
    """The split in numbers, with its leak check and the baseline scores."""

    file: ClassVar[str] = "split.json"
    stage: ClassVar[str] = "eda"

    method: str
    parts: list[SplitPart]
    checks: list[Check] = []
    metric: str
    baseline: dict[str, Interval] = {}
    """Scores on the validation rows by model: ``constant`` and ``linear``."""
