"""The ledger behind a report: reads artefacts, and turns each number into a claim."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, TypeVar

from toolkit import artifacts, paths
from toolkit.artifacts import Claim, ReportData, Rows
from toolkit.artifacts.base import Artifact, Facts, JsonArtifact
from toolkit.errors import MissingArtifact
from toolkit.paths import notebook_name
from toolkit.project.completeness import Question
from toolkit.project.model import Project
from toolkit.report import blocks
from toolkit.report.privacy import Values
from toolkit.run.stage import Stage

A = TypeVar("A", bound=Artifact)


class Book:
    """What is known about a run, and which numbers of it the report uses.

    Parameters
    ----------
    stage : Stage
        The report's own stage.

    Attributes
    ----------
    project : Project
        The choices as they are now.
    claims : dict of str to Claim
        Every number used so far, by id.
    hidden : set of str
        Columns whose values never reach the report: identifiers and free text.
    questions : list of Question
        What people are asked.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.project: Project = stage.project
        self.claims: dict[str, Claim] = {}
        self.hidden = Values.of(self.project, None).hidden
        self.questions: list[Question] = []
        self._artifacts: dict[Any, Any] = {}
        self._dumps: dict[Any, Any] = {}

    # -- artefacts ---------------------------------------------------------------

    def get(self, kind: type[A]) -> A | None:
        """Return an artefact, or None where its stage was not run."""
        if kind not in self._artifacts:
            try:
                self._artifacts[kind] = self.stage.read(kind)
            except MissingArtifact:
                self._artifacts[kind] = None
        found: A | None = self._artifacts[kind]
        return found

    def missing(self, kind: type[Artifact], what: str) -> Facts:
        """Return a gap that names the notebook which makes an artefact."""
        return blocks.gap(f"{what}: {kind.file} is not there", where=notebook_name(kind.stage))

    def open_question(self, key: str, what: str) -> Facts:
        """Return a gap for a question, as required as the risk tier makes it."""
        asked = next((each for each in self.questions if each.key == key), None)
        where = asked.where if asked else notebook_name("scoping")
        return blocks.gap(what, where=where, key=key, required=bool(asked and asked.required))

    # -- numbers -----------------------------------------------------------------

    def cite(
        self,
        kind: type[JsonArtifact],
        *path: str | int,
        unit: str = "",
        recipe: str,
        limit: float | None = None,
    ) -> Facts:
        """Return a reference to the number (or interval) at a path in an artefact.

        ``limit`` is what the number is judged by.
        """
        place = pointer(*path)
        artifact = self.get(kind)
        if artifact is None:
            raise KeyError(f"{kind.file} is not there")
        if kind not in self._dumps:
            self._dumps[kind] = artifact.model_dump(mode="json")
        value = resolve(self._dumps[kind], path)
        interval = value if isinstance(value, dict) else {"value": value}
        return self._enter(
            Claim(id=f"{kind.file}#{place}", unit=unit, source=kind.file, pointer=place,
                  recipe=recipe, limit=limit, **interval)
        )  # fmt: skip

    def derive(
        self, name: str, value: Any, *, unit: str = "", source: str, place: str = "", recipe: str
    ) -> Facts:
        """Return a reference to a number that the report itself counts."""
        return self._enter(
            Claim(id=f"derived:{name}", value=value, unit=unit, source=source, pointer=place,
                  recipe=recipe)
        )  # fmt: skip

    def _enter(self, claim: Claim) -> Facts:
        before = self.claims.get(claim.id)
        if claim.limit is None and before is not None and before.limit is not None:
            claim = claim.model_copy(update={"limit": before.limit})
        self.claims[claim.id] = claim
        return {"claim": claim.id}

    # -- texts that other stages wrote ---------------------------------------------

    @cached_property
    def values(self) -> Values:
        """Which values of the table may be shown."""
        rows = self.get(Rows)
        return Values.of(self.project, None if rows is None else rows.frame)

    def redact(self, text: str, columns: Iterable[str]) -> str:
        """Return a message with only those quoted values that enough rows share."""
        return self.values.finding(text, columns, self.project.columns)


def every_artifact() -> list[type[Artifact]]:
    """Return the types of all artefacts that the stages before this one make, in order."""
    kinds: list[Any] = [getattr(artifacts, name) for name in artifacts.__all__]
    made = [
        kind
        for kind in kinds
        if isinstance(kind, type)
        and getattr(kind, "stage", None) in paths.STAGES
        and getattr(kind, "stage", None) != ReportData.stage
    ]
    return sorted(made, key=lambda kind: (paths.STAGES.index(kind.stage), kind.file))


def pointer(*path: str | int) -> str:
    """Return a JSON pointer (RFC 6901) for a path of keys and indices."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def resolve(value: Any, path: Iterable[str | int]) -> Any:
    """Return what lies at a path; raises KeyError, IndexError or TypeError if nothing does."""
    for part in path:
        value = value[part]
    return value
