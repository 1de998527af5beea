"""Every error that a user of the toolkit can meet, in one tree.

::

    ToolkitError                    exit code 1
    ├── UsageError                  2   the command or a notebook's parameters
    ├── ProjectError                2   project.yaml, or a decision file beside it
    ├── DataError                   1   the table, its columns or its rows
    ├── RunError                    1   the run folder
    │   ├── MissingArtifact         1   a stage was not run yet
    │   ├── RunBusy                 75  another process holds the run
    │   └── DiskFull                1   no space left for what has to be written
    ├── EngineError                 1   H2O, its JVM, AutoKeras
    ├── ModelError                  1   a saved model that cannot be loaded or used
    ├── EnvironmentProblem          1   something that should be installed is not
    └── StageFailed                 1   what a notebook raised, seen from the outside
        ├── StageTimeout            124
        ├── KernelDied              138
        └── Terminated              143

``UnusualRowsWarning`` is the one warning: rows are scored, but the model knows nothing like them.

A message says in one line what is wrong and where, what was expected, and what
to do next. Notebooks show that line in place of a traceback.
"""

from __future__ import annotations

__all__ = [
    "DataError",
    "DiskFull",
    "EngineError",
    "EnvironmentProblem",
    "KernelDied",
    "MissingArtifact",
    "ModelError",
    "ProjectError",
    "RunBusy",
    "RunError",
    "StageFailed",
    "StageTimeout",
    "Terminated",
    "ToolkitError",
    "UnusualRowsWarning",
    "UsageError",
]


class ToolkitError(Exception):
    """The base of every error raised on purpose.

    Parameters
    ----------
    problem : str
        What is wrong, as a clause without a full stop.
    where : str, optional
        File, line, key, column: what a person has to open.
    expected : str, optional
        What would have been right.
    remedy : str, optional
        What to do next, as an imperative.
    """

    exit_code = 1

    def __init__(
        self, problem: str, *, where: str = "", expected: str = "", remedy: str = ""
    ) -> None:
        self.problem = problem
        self.where = where
        self.expected = expected
        self.remedy = remedy
        super().__init__(self.line())

    def line(self) -> str:
        """Return the whole message on one line."""
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        if self.expected:
            text += f"; expected {self.expected}"
        if self.remedy:
            text += f". {self.remedy}"
        return " ".join(text.split())

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive the default pickling, which is how
        # an exception crosses a process pool.
        return (_rebuild, (type(self), self.problem, self.where, self.expected, self.remedy))

    def _render_traceback_(self) -> list[str]:
        # IPython calls this, so a notebook shows the sentence, not our frames.
        return [f"{type(self).__name__}: {self.line()}"]


def _rebuild(
    cls: type[ToolkitError], problem: str, where: str, expected: str, remedy: str
) -> ToolkitError:
    return cls(problem, where=where, expected=expected, remedy=remedy)


class UsageError(ToolkitError):
    """A command or a notebook parameter that cannot be meant."""

    exit_code = 2


class ProjectError(ToolkitError):
    """``project.yaml`` or a decision file does not say something valid."""

    exit_code = 2


class DataError(ToolkitError):
    """The table cannot be read or cannot serve the stated purpose."""


class RunError(ToolkitError):
    """The run folder is not what it should be."""


class MissingArtifact(RunError):
    """An artefact that an earlier notebook makes is not there."""


class RunBusy(RunError):
    """Another process is writing to the run."""

    exit_code = 75


class DiskFull(RunError):
    """There is no space left for what has to be written."""


class EngineError(ToolkitError):
    """A modelling engine failed."""


class ModelError(ToolkitError):
    """A saved model cannot be loaded or cannot score what it was given."""


class EnvironmentProblem(ToolkitError):
    """Something the toolkit needs is not installed or does not work."""


class StageFailed(ToolkitError):
    """A notebook of the chain failed; carries that notebook's own line."""


class StageTimeout(StageFailed):
    """The chain did not finish in the time it was given."""

    exit_code = 124


class KernelDied(StageFailed):
    """The notebook's kernel ended without an answer."""

    exit_code = 138


class Terminated(StageFailed):
    """The chain was told to stop by a signal."""

    exit_code = 143


class UnusualRowsWarning(UserWarning):
    """Rows to be scored are unlike those that the model was trained on."""
