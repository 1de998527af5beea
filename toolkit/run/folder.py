"""A run folder: ``run.read(Leaderboard)`` and ``run.write(leaderboard)``."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

from toolkit import __version__, canonical, paths
from toolkit.artifacts.base import Artifact
from toolkit.errors import DiskFull, MissingArtifact, RunBusy, RunError
from toolkit.project import address
from toolkit.project.file import ProjectFile
from toolkit.project.sources import now
from toolkit.run.manifest import Manifest, StageRecord, library_versions, machine

A = TypeVar("A", bound=Artifact)

_LOCK_VARIABLE = "TOOLKIT_RUN_LOCK"
_RESERVE_BYTES = 1 << 20
_held: dict[Path, object] = {}


def _without_passwords(project: dict[str, Any]) -> dict[str, Any]:
    # run.json is copied around: to MLflow, into an archive, to a reviewer.
    for section, key in (("data", "source"), ("tracking", "uri")):
        if project[section][key]:
            project[section][key] = address.shown(project[section][key])
    return project


class Run:
    """What was computed for a project.

    Parameters
    ----------
    folder : Path
        The run's folder; it need not exist yet.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).expanduser().absolute()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.folder)!r})"

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    # -- artefacts ---------------------------------------------------------------

    def has(self, kind: type[A]) -> bool:
        """Whether an artefact was made."""
        return kind.path(self.folder).is_file()

    def read(self, kind: type[A]) -> A:
        """Return an artefact.

        Raises
        ------
        MissingArtifact
            Names the notebook that makes it.
        RunError
            If the file is damaged.
        """
        if not self.has(kind):
            raise MissingArtifact(
                f"{kind.file} is not there yet",
                where=str(self.folder),
                remedy=f"Run {paths.notebook_name(kind.stage)} first"
                if kind.stage in paths.STAGES
                else "Run `toolkit run` first",
            )
        return cast(A, kind.load(self.folder))

    def write(self, artifact: Artifact) -> Path:
        """Write an artefact atomically and return its path."""
        artifact.save(self.folder)
        return self.folder / artifact.file

    # -- manifest ----------------------------------------------------------------

    def manifest(self) -> Manifest:
        """Return ``run.json``."""
        return self.read(Manifest)

    def freeze(self, file: ProjectFile) -> Manifest:
        """Record the project as it is now, and make ``run.json`` if there is none."""
        facts: dict[str, Any] = {
            "toolkit": __version__,
            "python": platform.python_version(),
            "platform": machine(),
            "libraries": library_versions(),
            "seed": file.project.seed,
            "project_digest": file.digest(),
            "project": _without_passwords(file.project.model_dump(mode="json")),
            "sources": {
                key: {k: v for k, v in source.model_dump().items() if v}
                for key, source in file.sources().items()
                if source.kind != "default"
            },
        }
        if self.has(Manifest):
            manifest = self.manifest().model_copy(update=facts)
        else:
            manifest = Manifest(id=self.id, created=now(), **facts)
        self._save(manifest)
        self._reserve()
        return manifest

    def record(self, stage: str, record: StageRecord) -> None:
        """Set one stage's record in ``run.json``."""
        manifest = self.manifest()
        self._save(manifest.model_copy(update={"stages": {**manifest.stages, stage: record}}))

    def close(self, status: str, exit_code: int | None) -> None:
        """Set how the run as a whole ended."""
        self._save(self.manifest().model_copy(update={"status": status, "exit_code": exit_code}))

    def _save(self, manifest: Manifest) -> None:
        try:
            self.write(manifest)
        except DiskFull:
            # The reserve exists so that a full disk can still be reported.
            if not self._reserved.exists():
                raise
            self._reserved.unlink()
            self.write(manifest)

    @property
    def _reserved(self) -> Path:
        return self.folder / ".reserve"

    def _reserve(self) -> None:
        if self._reserved.exists():
            return
        try:
            with canonical.atomic(self._reserved) as temporary:
                temporary.write_bytes(os.urandom(_RESERVE_BYTES))
        except DiskFull as error:
            raise DiskFull(
                "no space left on the disk",
                where=str(self.folder),
                remedy="Free some space and run again",
            ) from error

    # -- one writer --------------------------------------------------------------

    @property
    def lock_path(self) -> Path:
        """The lock file."""
        return self.folder / ".lock"

    def acquire(self) -> None:
        """Take the run for this process; nothing happens if it, or its parent, has it.

        Raises
        ------
        RunBusy
            If another process has it.
        """
        from filelock import FileLock, Timeout

        if os.environ.get(_LOCK_VARIABLE) == str(self.lock_path) or self.lock_path in _held:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"the run folder cannot be made: {error.strerror}",
                where=str(self.folder),
                remedy="Choose another place with --run, or correct the permissions",
            ) from error
        lock = FileLock(self.lock_path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise RunBusy(
                "another process is writing to this run",
                where=str(self.folder),
                remedy="Wait for it to end, or use another run id",
            ) from None
        _held[self.lock_path] = lock

    def release(self) -> None:
        """Give the run back."""
        lock = _held.pop(self.lock_path, None)
        if lock is not None:
            lock.release(force=True)  # type: ignore[attr-defined]

    @contextlib.contextmanager
    def locked(self) -> Iterator[dict[str, str]]:
        """Hold the run; gives the environment that lets child processes write to it."""
        self.acquire()
        try:
            yield {_LOCK_VARIABLE: str(self.lock_path)}
        finally:
            self.release()
