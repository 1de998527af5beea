"""One notebook through papermill, in a kernel that is already there."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# jsonschema takes two seconds to build the grammar of international addresses where this package
# is installed (JupyterLab needs it); no notebook has one, and without it jsonschema checks none.
_GRAMMAR = "rfc3987_syntax"
_skipped = sys.modules.setdefault(_GRAMMAR, None) is None  # type: ignore[arg-type]
try:
    from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
    from papermill.exceptions import PapermillException, PapermillExecutionError
finally:
    if _skipped:
        del sys.modules[_GRAMMAR]

from toolkit import canonical, errors  # noqa: E402
from toolkit.errors import DiskFull, KernelDied, RunError, StageFailed, ToolkitError  # noqa: E402

ENGINE = "toolkit"

# After a cell's reply its outputs must still arrive; a busy machine takes its time.
_OUTPUT_SECONDS = 300
"""How long outputs of a cell that is done may lag behind: a busy machine is no failure."""
_START_SECONDS = 120


class _Copy(NotebookExecutionManager):  # type: ignore[misc]
    """Saves the executed copy atomically, and lets a stage outlive a full disk.

    What counts are the stage's artefacts; if there is no space, writing those fails
    with its own message.
    """

    def save(self, **kwargs: Any) -> None:
        import nbformat

        self.nb: Any = kwargs.get("nb") or self.nb
        try:
            canonical.write_text(Path(self.output_path), nbformat.writes(self.nb) + "\n")
        except DiskFull as error:
            logging.getLogger("toolkit").warning("%s", error.line())
        self.last_save_time = self.now()


class _Engine(NBClientEngine):  # type: ignore[misc]
    """papermill's own engine, but with our copy and our kernel."""

    @classmethod
    def execute_notebook(
        cls, nb: Any, kernel_name: str, output_path: str | None = None, **kwargs: Any
    ) -> Any:
        copy = _Copy(nb, output_path=str(kwargs.pop("copy")), progress_bar=False)
        copy.notebook_start()
        for unused in ("progress_bar", "autosave_cell_every"):
            kwargs.pop(unused, None)
        try:
            cls.execute_managed_notebook(copy, kernel_name, **kwargs)
        finally:
            copy.notebook_complete()
        return copy.nb


papermill_engines.register(ENGINE, _Engine)
# Its warnings are about parameters it cannot parse; `open_stage` refuses those that matter.
logging.getLogger("papermill").setLevel(logging.ERROR)


def execute(source: Path, copy: Path, parameters: Mapping[str, Any], kernel: Any) -> None:
    """Run a notebook to its end.

    Parameters
    ----------
    source : Path
        The notebook.
    copy : Path
        Where the executed copy goes; it is kept when a cell fails.
    parameters : mapping
        Values for the cell tagged ``parameters``.
    kernel : Kernel
        A running kernel; it is neither reused nor ended here.

    Raises
    ------
    StageFailed
        With the last line of what a cell raised, and the exit code of that error.
    KernelDied
        If the kernel ended without an answer.
    RunError
        If the notebook itself cannot be used.
    """
    import papermill
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    try:
        papermill.execute_notebook(
            source,
            None,
            parameters=dict(parameters),
            engine_name=ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            start_timeout=_START_SECONDS,
            copy=copy,
            km=kernel.manager,
            coalesce_streams=True,
            iopub_timeout=_OUTPUT_SECONDS,
        )
    except PapermillExecutionError as error:
        raise _failed(error, copy) from error
    except DeadKernelError as error:
        raise _died(kernel, copy) from error
    except CellTimeoutError as error:
        if not kernel.alive():
            raise _died(kernel, copy) from error
        raise StageFailed(
            f"a cell was done, and its output did not arrive within {_OUTPUT_SECONDS:.0f} seconds",
            where=str(copy),
            remedy="The machine is too busy: end other work, and run it again",
        ) from error
    except (CellExecutionError, PapermillException, RuntimeError) as error:
        if not kernel.alive():
            raise _died(kernel, copy) from error
        raise StageFailed(_last_line(str(error)), where=str(copy)) from error
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, ToolkitError):
            raise
        raise RunError(
            f"the notebook cannot be used: {_last_line(str(error))}", where=str(source)
        ) from error


def _failed(error: PapermillExecutionError, copy: Path) -> ToolkitError:
    kind = getattr(errors, error.ename, None)
    line = f"{error.ename}: {error.evalue}" if kind is None else str(error.evalue)
    failure = StageFailed(" ".join(line.split()), where=str(copy))
    failure.exit_code = getattr(kind, "exit_code", 1)
    return failure


def _died(kernel: Any, copy: Path) -> StageFailed:
    if kernel.wait(1.0) == 0:
        return StageFailed(
            "a cell ended the kernel (sys.exit) before the stage was done", where=str(copy)
        )
    return KernelDied(
        "the kernel died",
        where=str(copy),
        remedy="Most often memory ran out: lower automl.budget.memory_gib, or use a larger"
        " machine; `toolkit run` goes on from here",
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
