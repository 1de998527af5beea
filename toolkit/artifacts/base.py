"""What an artefact is: a typed value that knows its file and the stage that makes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from toolkit import formats
from toolkit.canonical import atomic, dumps, write_text
from toolkit.errors import RunError

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["ok", "info", "warning", "critical"]

COMMON = 5
"""With fewer rows neither a group, a category nor a spelling is shown: it may be a person."""


class Record(BaseModel):
    """A part of an artefact."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    renamed: ClassVar[dict[str, str]] = {}
    """Names that fields had in version 0.1, so that its runs can still be read."""

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, fields: Any) -> Any:
        if not isinstance(fields, dict) or not cls.renamed.keys() & fields.keys():
            return fields
        return {cls.renamed.get(name, name): value for name, value in fields.items()}


class Check(Record):
    """One thing that was checked, and what came out."""

    name: str
    """A few words in sentence case: what was checked."""
    severity: Severity
    message: str
    """One sentence with the number that matters."""
    columns: list[str] = []
    remedy: str = ""


class Interval(Record):
    """A number with its uncertainty.

    ``low`` and ``high`` are None where no interval can be given.
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    def text(self, digits: int = 3, *, sign: bool = False, limit: float | None = None) -> str:
        """Return it in words, such as ``0.75 (0.71 to 0.79)``; see `toolkit.formats.interval`."""
        return formats.interval(
            self.value, self.low, self.high, digits=digits, sign=sign, limit=limit
        )

    def __neg__(self) -> Interval:
        """Return the interval of the negative number."""
        low, value, high = (
            None if end is None else -end for end in (self.high, self.value, self.low)
        )
        return Interval(value=value, low=low, high=high)


SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info", "ok")
"""The worst first."""


def worst_first(checks: Iterable[Check]) -> list[Check]:
    """Return checks by severity; of one severity in their order."""
    return sorted(checks, key=lambda check: SEVERITIES.index(check.severity))


class JsonArtifact(Record):
    """An artefact kept as a JSON file."""

    file: ClassVar[str]
    stage: ClassVar[str]
    time_fields: ClassVar[tuple[str, ...]] = ()
    """Fields that hold times and so differ between two equal runs."""
    former_file: ClassVar[str] = ""
    """The file's name in version 0.1, so that its runs can still be read."""

    @classmethod
    def path(cls, folder: Path) -> Path:
        """Return where the artefact lies in a run's folder."""
        current, former = folder / cls.file, folder / cls.former_file
        return former if not current.is_file() and former.is_file() else current

    def save(self, folder: Path) -> None:
        """Write the file atomically."""
        write_text(folder / self.file, dumps(self.model_dump(mode="json")))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the file.

        Raises
        ------
        RunError
            When the file does not hold what this version writes.
        """
        path = cls.path(folder)
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (ValidationError, UnicodeDecodeError) as error:
            raise RunError(
                f"is damaged or was written by another version: {str(error).splitlines()[0]}",
                where=str(path),
                remedy=f"Run the stage {cls.stage} again with --fresh",
            ) from error


@dataclass(frozen=True)
class FrameArtifact:
    """An artefact kept as a Parquet file.

    Attributes
    ----------
    frame : pandas.DataFrame
        The rows; subclasses say which columns.
    """

    frame: pd.DataFrame

    file: ClassVar[str]
    stage: ClassVar[str]
    columns: ClassVar[tuple[str, ...]] = ()
    """Columns that must be there; others may be."""

    @classmethod
    def path(cls, folder: Path) -> Path:
        """Return where the artefact lies in a run's folder."""
        return folder / cls.file

    def save(self, folder: Path) -> None:
        """Write the file atomically."""
        with atomic(folder / self.file) as temporary:
            self.frame.to_parquet(temporary, index=False, compression="zstd")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the file.

        Raises
        ------
        RunError
            When the file cannot be read or lacks a column.
        """
        import pandas as pd

        path = cls.path(folder)
        try:
            frame = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise RunError(
                "cannot be read",
                where=str(path),
                remedy=f"Run the stage {cls.stage} again with --fresh",
            ) from error
        lacking = [name for name in cls.columns if name not in frame.columns]
        if lacking:
            raise RunError(
                f"lacks {', '.join(lacking)}",
                where=str(path),
                remedy=f"Run the stage {cls.stage} again with --fresh",
            )
        return cls(frame)


Artifact = JsonArtifact | FrameArtifact
Facts = dict[str, Any]
