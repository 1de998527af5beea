"""A stage's view of project and run: the first and the last call of every notebook."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from toolkit import paths
from toolkit.artifacts.base import Artifact
from toolkit.errors import ToolkitError, UsageError
from toolkit.project.file import ProjectFile, find
from toolkit.project.model import Project
from toolkit.project.review_decisions import LOG_NAME as DECISIONS
from toolkit.project.review_decisions import read_decisions
from toolkit.project.sources import now
from toolkit.run import fingerprint
from toolkit.run.folder import Run
from toolkit.run.manifest import StageRecord
from toolkit.run.memory import Memory
from toolkit.run.progress import LOG_NAME, Progress

A = TypeVar("A", bound=Artifact)

PARAMETERS = ("project", "run", "overrides")


class Stage:
    """One stage at work.

    Attributes
    ----------
    name : str
        One of `toolkit.paths.STAGES`.
    file : ProjectFile
        The project file, which panels edit.
    run : Run
        Where artefacts lie.
    progress : Progress
        Call it to report a step of long work.
    notes : list of str
        What was skipped or degraded so far.
    computed_with : Project
        The choices as they were when an artefact was last written.
    """

    def __init__(self, name: str, file: ProjectFile, run: Run) -> None:
        self.name = name
        self.file = file
        self.run = run
        self.progress = Progress(name, run.folder / LOG_NAME)
        self.notes: list[str] = []
        self._inputs: dict[str, str] = {}
        self._outputs: list[str] = []
        self._clock = time.monotonic()
        self._finished = False
        self._memory = Memory()
        self._memory.watch()
        self._choices = fingerprint.choices_digest(name, file)
        self.computed_with = file.project
        self._record = StageRecord(
            status="running",
            started=now(),
            choices=self._choices,
            code=fingerprint.code_digest(name, file.folder),
        )
        run.record(name, self._record)

    @property
    def project(self) -> Project:
        """The choices as they are now."""
        return self.file.project

    @property
    def peak_mib(self) -> int:
        """The most memory so far that this process and those it started held at once, in MiB."""
        self._memory.look()
        return round(self._memory.peak_mib)

    def read(self, kind: type[A]) -> A:
        """Return an artefact, and remember that this stage depends on it."""
        if kind.stage != self.name:
            # Before reading: that a file was not there is something a result depends on, too.
            self._inputs[kind.file] = ""
        return self.run.read(kind)

    def write(self, artifact: Artifact) -> None:
        """Write an artefact of this stage."""
        if not self._finished:
            self.run.acquire()  # a cell that failed gave the run back
        self.run.write(artifact)
        self.wrote(artifact.file)

    def wrote(self, name: str) -> None:
        """Declare another file or folder, relative to the run, as an output."""
        if name not in self._outputs:
            self._outputs.append(name)
        if self.project is not self.computed_with:
            self.computed_with = self.project
            self._choices = fingerprint.choices_digest(self.name, self.file)

    def depends(self, path: Path) -> None:
        """Declare a file that lies outside the run as an input; it need not exist."""
        try:
            name = path.absolute().relative_to(self.file.folder).as_posix()
        except ValueError:
            name = str(path.absolute())
        self._inputs[fingerprint.PROJECT + name] = fingerprint.digest_or_absent(path)

    def require_decisions(self) -> None:
        """Read the reviewers' log, which the label patch follows from.

        Raises
        ------
        ProjectError
            When it was damaged since.
        """
        read_decisions(self.file.decisions / DECISIONS)

    def note(self, message: str) -> None:
        """Say that something was skipped or degraded: on screen, in the log, in the report."""
        if message not in self.notes:
            self.notes.append(message)
            self.progress.warn(message)

    def finish(self) -> None:
        """Record the stage as done, with the digests of what it read and wrote."""
        folder = self.run.folder
        self.run.acquire()
        self._memory.stop()
        inputs = {
            name: digest or fingerprint.digest_or_absent(folder / name)
            for name, digest in self._inputs.items()
        }
        self.run.record(
            self.name,
            self._record.model_copy(
                update={
                    "status": "done",
                    "finished": now(),
                    "seconds": round(time.monotonic() - self._clock, 1),
                    "peak_mib": round(self._memory.peak_mib),
                    # Not those of now: what a panel changed since is in no artefact yet.
                    "choices": self._choices,
                    "inputs": inputs,
                    "outputs": {n: fingerprint.digest_or_absent(folder / n) for n in self._outputs},
                    "notes": self.notes,
                    "exit_code": 0,
                }
            ),
        )
        self._finished = True
        self.progress("done")
        self.run.release()

    def fail(self, error: BaseException) -> None:
        """Record the stage as failed, with the error in one line; a finished one stays so."""
        if self._finished:
            return
        line = error.line() if isinstance(error, ToolkitError) else _one_line(error)
        code = error.exit_code if isinstance(error, ToolkitError) else 1
        self.run.record(
            self.name,
            self._record.model_copy(
                update={
                    "status": "failed",
                    "finished": now(),
                    "seconds": round(time.monotonic() - self._clock, 1),
                    "peak_mib": self.peak_mib,
                    "notes": self.notes,
                    "error": line,
                    "exit_code": code,
                }
            ),
        )
        self.progress(f"failed: {line}")
        self.run.release()


def open_stage(
    name: str,
    project: str | Path = "project.yaml",
    run: str | Path = "runs/interactive",
    overrides: Iterable[str] = (),
) -> Stage:
    """Begin a stage: load the project, take the run, and record that the stage runs.

    Parameters
    ----------
    name : str
        One of `toolkit.paths.STAGES`.
    project : path
        The project file or its folder; the bare ``project.yaml`` is also looked for in
        the parents of the working folder.
    run : path
        The run folder, relative to the project's folder.
    overrides : iterable of str
        ``key=value`` texts that win over the file.

    Raises
    ------
    UsageError
        For a notebook parameter that does not exist.
    ProjectError
        For a project that is not there or not valid.
    RunBusy
        If another process writes to the run.
    """
    if name not in paths.STAGES:
        raise UsageError(f"unknown stage {name!r}", expected=", ".join(paths.STAGES))
    refuse_unknown_parameters()
    file = ProjectFile(find(project), overrides)
    folder = Run(file.folder / Path(run).expanduser())
    folder.acquire()
    folder.freeze(file)
    stage = Stage(name, file, folder)
    _watch(stage)
    stage.progress("started")
    for sentence in file.notes():
        stage.note(sentence)
    return stage


def refuse_unknown_parameters() -> None:
    """Raise for a parameter that papermill injected and no notebook has.

    Papermill itself only warns, and the typing error of a scheduled job goes unseen.
    """
    for source in _cells_run():
        if not source.startswith("# Parameters\n"):
            continue
        names = [
            target.id
            for node in ast.parse(source).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        ]
        unknown = [name for name in names if name not in PARAMETERS]
        if unknown:
            raise UsageError(
                f"unknown parameter {', '.join(unknown)}",
                expected=", ".join(PARAMETERS),
                remedy="Choices go into project.yaml, or into overrides as key=value",
            )


def _shell() -> Any:
    import sys

    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    return get_ipython()


def _cells_run() -> list[str]:
    shell = _shell()
    return [str(text) for text in shell.user_ns.get("In", [])] if shell is not None else []


def _watch(stage: Stage) -> None:
    # A cell that raises must leave its one line in run.json, whoever runs the notebook.
    shell = _shell()
    if shell is None:
        return

    def after_cell(result: Any) -> None:
        error = result.error_in_exec or result.error_before_exec
        if error is not None:
            stage.fail(error)
        stage.progress.new_cell()

    previous = shell.__dict__.pop("_toolkit_after_cell", None)
    if previous is not None:
        shell.events.unregister("post_run_cell", previous)
    shell._toolkit_after_cell = after_cell
    shell.events.register("post_run_cell", after_cell)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
