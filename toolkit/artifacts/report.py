"""Artefact of ``06_governance_report``."""

from __future__ import annotations

from typing import ClassVar

from toolkit.artifacts.base import Facts, JsonArtifact, Record


class Gap(Record):
    """Something that people should have said and did not."""

    key: str
    """The project key."""
    what: str
    required: bool
    where: str
    """The notebook in which it is said."""


class ReportData(JsonArtifact):
    """Everything that the report shows: the only source of its numbers."""

    file: ClassVar[str] = "report.json"
    stage: ClassVar[str] = "governance_report"
    time_fields: ClassVar[tuple[str, ...]] = ("times",)

    format: int = 1
    title: str
    sections: list[Facts]
    """Sections in order: ``id``, ``title``, ``blocks``."""
    gaps: list[Gap]
    completeness: float
    """Share of what people must say that was said, 0 to 1."""
    provenance: Facts
    times: Facts
