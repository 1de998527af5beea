"""Which run, which stages, which notebooks: decided before anything starts."""

from __future__ import annotations

import difflib
import re
import time
from dataclasses import dataclass
from pathlib import Path

from toolkit import paths
from toolkit.errors import ProjectError, RunError, UsageError
from toolkit.project.file import FILE_NAME, ProjectFile
from toolkit.run.folder import Run
from toolkit.run.manifest import Manifest

COPIES = "notebooks"
"""The folder of executed notebooks in a run; only the headless chain makes it."""

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Request:
    """What a person or a scheduler asked for.

    Attributes
    ----------
    project : Path
        The project's folder, or its ``project.yaml``.
    run : str or None
        The run's id; see `choose_run` for None.
    only : str or None
        The one stage to run.
    start : str or None
        The first stage to run; the ones before are taken as they are.
    overrides : tuple of str
        ``key=value`` texts that win over the project file.
    timeout : float or None
        Seconds for the whole chain.
    fresh : bool
        Whether stages that still hold are computed again.
    """

    project: Path
    run: str | None = None
    only: str | None = None
    start: str | None = None
    overrides: tuple[str, ...] = ()
    timeout: float | None = None
    fresh: bool = False


def load(request: Request) -> ProjectFile:
    """Return the project.

    Raises
    ------
    ProjectError
        If there is none, or it is not valid.
    """
    path = Path(request.project).expanduser()
    if path.is_dir() and not (path / FILE_NAME).is_file():
        raise ProjectError(
            f"holds no {FILE_NAME}",
            where=str(path),
            remedy="Make a project with `toolkit new DIR --data FILE --target COLUMN`",
        )
    return ProjectFile(path, request.overrides)


def stages_of(request: Request) -> list[str]:
    """Return the stages to run, in order.

    Raises
    ------
    UsageError
        For a stage that does not exist, or both ``only`` and ``start``.
    """
    if request.only is not None and request.start is not None:
        raise UsageError("--only and --from exclude each other")
    if request.only is not None:
        return [_stage(request.only)]
    first = 0 if request.start is None else paths.STAGES.index(_stage(request.start))
    return list(paths.STAGES[first:])


_RENAMED = {"governance_report": "report"}
"""Stages by the name that they had in version 0.1."""


def _stage(name: str) -> str:
    # `04`, `4` and `04_automl` are what people read off the notebooks.
    plain = re.sub(r"^0?\d_", "", name.removesuffix(".ipynb"))
    if name.isdigit() and 1 <= int(name) <= len(paths.STAGES):
        plain = paths.STAGES[int(name) - 1]
    plain = _RENAMED.get(plain, plain)
    if plain not in paths.STAGES:
        near = difflib.get_close_matches(plain, paths.STAGES, n=1)
        raise UsageError(
            f"unknown stage {name!r}",
            expected=", ".join(paths.STAGES),
            remedy=f"Did you mean {near[0]}?" if near else "",
        )
    return plain


def choose_run(request: Request, file: ProjectFile) -> Run:
    """Return the run to work in.

    A run that is named is taken. Otherwise the newest headless run is gone on with if it
    is not done, or if only some stages are asked for; else a new one is named by the time
    (UTC). ``fresh`` alone always means a new one.
    """
    folder = file.folder / "runs"
    if request.run is not None:
        if not _RUN_ID.fullmatch(request.run):
            raise UsageError(
                f"{request.run!r} is no run id",
                expected="letters, digits, dots, dashes and underscores, as it names a folder",
            )
        return Run(folder / request.run)
    partly = request.only is not None or request.start is not None
    newest = newest_run(file)
    if newest is not None and (partly or (newest[1].status != "done" and not request.fresh)):
        return newest[0]
    name = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    return Run(folder / name)


def newest_run(file: ProjectFile) -> tuple[Run, Manifest] | None:
    """Return the newest run that the headless chain made, or None."""
    made = [(run, facts) for run, facts in runs(file) if facts and (run.folder / COPIES).is_dir()]
    found = [(run, facts) for run, facts in made if facts is not None]
    return max(found, key=lambda item: (item[1].created, item[0].id), default=None)


def runs(file: ProjectFile) -> list[tuple[Run, Manifest | None]]:
    """Return all runs of a project by time; the manifest is None where it is damaged."""
    found: list[tuple[Run, Manifest | None]] = []
    folder = file.folder / "runs"
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        run = Run(path)
        if not run.has(Manifest):
            continue
        try:
            found.append((run, run.manifest()))
        except RunError:
            found.append((run, None))
    return sorted(found, key=lambda item: (item[1].created if item[1] else "", item[0].id))


def notebook_of(stage: str, file: ProjectFile) -> Path:
    """Return a stage's notebook: the project's own if it has any, else the shipped one.

    Raises
    ------
    RunError
        If the project has notebooks, but not this one.
    """
    own = file.folder / "notebooks"
    name = paths.notebook_name(stage)
    folder = own if any(own.glob("*.ipynb")) else paths.notebooks()
    if not (folder / name).is_file():
        raise RunError(
            f"there is no {name}",
            where=str(folder),
            remedy="Restore it, or remove the folder to use the notebooks that ship with the"
            " toolkit",
        )
    return folder / name


def engines_with_server(stages: list[str], file: ProjectFile) -> list[str]:
    """Return the engines that a stage trains, and that need a server; saved models need none."""
    from toolkit.automl import engines

    names = file.project.automl.engines if "automl" in stages else []
    return [name for name in names if engines.get(name).needs_server]
