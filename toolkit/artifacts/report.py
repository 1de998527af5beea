"""Artefact of ``07_report``."""

from __future__ import annotations

from typing import ClassVar, Literal

from toolkit.artifacts.base import Facts, JsonArtifact, Record


class Gap(Record):
    """A question that people have not answered."""

    key: str
    """The project key."""
    what: str
    required: bool
    where: str
    """The notebook in which it is said."""


class Claim(Record):
    """One number of the report, with what is needed to check it."""

    id: str
    """``<file>#<pointer>``, or ``derived:<name>`` for what the report itself counts."""
    value: float | int | str | None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    """What the number is judged by: it is shown with as many digits as tell it from that."""
    unit: str = ""
    """count, share, score, change (a score with its sign), error, p, KiB, target (the target's
    own), or the unit of the costs."""
    source: str
    """The file in the run folder that holds the number, or that it is counted from."""
    pointer: str
    """JSON pointer (RFC 6901) within the file; in a Parquet file, the column."""
    recipe: str
    """How to compute it again: a name of `toolkit.report.recipes`, with its argument."""


class VerdictFinding(Record):
    """What one rule of the verdict found against the model."""

    rule: str
    """The rule's name in `toolkit.report.verdict.RULES`."""
    input: str
    """What the rule looks at."""
    verdict: Literal["do not use", "not shown", "cannot be judged"]
    """What the rule makes of it."""
    sentence: str


class Verdict(Record):
    """Whether the model is fit for the stated use: no better than the worst of its inputs."""

    word: Literal["fit for the stated use", "not shown", "do not use"]
    findings: list[VerdictFinding] = []
    """What speaks against it, the worst first."""
    test_rows: int | None = None
    """None where the champion was not tested."""
    positives: int | None = None
    """Binary: the test rows of the positive class."""

    @property
    def fit(self) -> bool:
        """Whether nothing was found against the model."""
        return self.word == "fit for the stated use"

    @property
    def deciding(self) -> list[VerdictFinding]:
        """The one or two findings that decide."""
        if self.word == "do not use":
            return [each for each in self.findings if each.verdict == self.word][:2]
        return self.findings[:2]


class ReportData(JsonArtifact):
    """Everything that the report shows: the only source of its numbers."""

    file: ClassVar[str] = "report.json"
    stage: ClassVar[str] = "report"
    time_fields: ClassVar[tuple[str, ...]] = ("times",)

    format: int = 1
    title: str
    verdict: Verdict | None = None
    """None in reports of earlier versions, which did not judge."""
    sections: list[Facts]
    """Sections in order: ``id``, ``title``, ``blocks``; blocks name claims by their id."""
    claims: dict[str, Claim] = {}
    """Every number, by id."""
    gaps: list[Gap]
    completeness: float
    """Share of what people must say that was said, 0 to 1."""
    provenance: Facts
    times: Facts
