"""The chain: stage after stage, reused where it still holds, tidied up however it ends."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from toolkit.errors import (
    KernelDied,
    RunError,
    StageFailed,
    StageTimeout,
    Terminated,
    ToolkitError,
)
from toolkit.pipeline import plan
from toolkit.pipeline.cluster import ChainServer
from toolkit.pipeline.kernel import Kernel, sweep
from toolkit.pipeline.plan import Request
from toolkit.pipeline.show import Show
from toolkit.pipeline.stop import Stop
from toolkit.project.file import ProjectFile
from toolkit.project.sources import now
from toolkit.run.fingerprint import is_current
from toolkit.run.folder import Run
from toolkit.run.manifest import StageRecord, Status
from toolkit.run.progress import LOG_NAME, Progress

KERNEL_LOG = "kernels.log"
"""What kernels say outside of cells; removed if they say nothing."""

_TICK_SECONDS = 0.1


class Chain:
    """One run of the chain, from a locked folder to its last line in the log."""

    def __init__(
        self,
        request: Request,
        file: ProjectFile,
        run: Run,
        *,
        stages: list[str],
        environment: dict[str, str],
        stop: Stop,
        show: Show,
    ) -> None:
        self.request, self.file, self.run, self.stages = request, file, run, stages
        self.environment, self.stop, self.show = environment, stop, show
        self.log = Progress("run", run.folder / LOG_NAME, shown=False)
        self.cluster = ChainServer(file.project)
        self.kernel_log = run.folder / KERNEL_LOG
        self.scratch = Path(tempfile.mkdtemp(prefix="toolkit-"))
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="notebook")
        self.kernels: list[Kernel] = []
        self.spare: tuple[dict[str, str], Kernel] | None = None

    def __enter__(self) -> Chain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        try:
            self._tidy()
        finally:
            if error is not None:
                self._end(_status_of(error), getattr(error, "exit_code", 1))
        if error is None:
            self._end("done" if self._whole() else "partial", 0)

    def begin(self) -> None:
        """Write down what is about to run."""
        self.run.freeze(self.file)
        self.run.close("running", None)
        self.show.begin(self.run, self.stages)
        self.log(f"toolkit run: {', '.join(self.stages)}")

    def due(self) -> Iterator[tuple[str, str | None]]:
        """Give each stage that does not hold any more, and the one after it."""
        forecast = False
        for position, stage in enumerate(self.stages):
            self._check_stop(stage)
            later = self.stages[position:]
            forecast = forecast or self._forecast(later)
            if not self.request.fresh and is_current(stage, self.run, self.file):
                self.log(f"{stage}: reused, nothing that it depends on has changed")
                self.show.reused(stage)
                continue
            for engine in plan.engines_with_server(later, self.file):
                self.cluster.start(engine)
            yield stage, later[1] if len(later) > 1 else None
            if not self._needs_server(later[1:]):
                self.cluster.stop()

    def run_stage(self, stage: str, following: str | None) -> None:
        """Execute a stage's notebook, and get the next one's kernel ready meanwhile."""
        self.show.started(stage)
        try:
            source = plan.notebook_of(stage, self.file)
            copy = self.run.folder / plan.COPIES / source.name
            kernel = self._kernel(stage)
            parameters = self._parameters(stage)
            from toolkit.pipeline.notebook import execute

            # In a thread of its own: this one listens to signals and the clock.
            execution = self.pool.submit(execute, source, copy, parameters, kernel)
            self._wait(execution, kernel, following)
            record = self.run.manifest().stages.get(stage)
            if record is None or record.status != "done":
                raise StageFailed(
                    "the notebook ended before its stage was done",
                    where=str(copy),
                    remedy="Its last cell must call stage.finish()",
                )
            kernel.shut_down()
        except ToolkitError as error:
            failure = self._fail(stage, error)
            self.show.failed(stage, failure)
            raise failure from error
        self.show.finished(stage, self.run.manifest().stages[stage])

    def _parameters(self, stage: str) -> dict[str, object]:
        """Return the notebook's parameters; from here on an older record no longer counts."""
        if self.request.fresh and stage == "automl":
            from toolkit.automl.workers.trial_store import TrialStore

            TrialStore(self.run.folder).forget()
        self.run.record(stage, StageRecord(status="running", started=now()))
        return {
            "project": str(self.file.path),
            "run": str(self.run.folder),
            "overrides": list(self.request.overrides),
        }

    def _wait(self, execution: Future[None], kernel: Kernel, following: str | None) -> None:
        """Wait until a notebook has ended, or a signal or the clock ends it."""
        while not wait([execution], _TICK_SECONDS).done:
            self.show.tick()
            reason = self.stop.reason()
            if reason is not None:
                kernel.kill()
                wait([execution])
                raise reason
            self._warm_up(following)
        execution.result()

    def _forecast(self, later: list[str]) -> bool:
        """Say how long a search and what follows will take, as soon as rows are counted."""
        from toolkit.artifacts.scoping import Intake

        if "automl" not in later or not self.run.has(Intake):
            return False
        if not self.request.fresh and is_current("automl", self.run, self.file):
            return False
        from toolkit.automl.run_forecast import counted, of_rows, slowness

        with contextlib.suppress(ToolkitError):  # the stage itself says what is wrong
            text = of_rows(
                self.file.project, *counted(self.run, self.file.project), slowness()
            ).text()
            self.log(text)
            self.show.expected(text)
        return True

    # -- kernels -----------------------------------------------------------------

    def _needs_server(self, stages: list[str]) -> bool:
        return bool(plan.engines_with_server(stages, self.file))

    def _variables(self, stage: str) -> dict[str, str]:
        servers = self.cluster.environment() if self._needs_server([stage]) else {}
        return {**self.environment, **servers}

    def _kernel(self, stage: str) -> Kernel:
        wanted = self._variables(stage)
        spare, self.spare = self.spare, None
        if spare is not None and spare[0] == wanted and spare[1].alive():
            return spare[1]
        return self._start(wanted)

    def _start(self, variables: dict[str, str], *, warm: bool = False) -> Kernel:
        kernel = Kernel(self.file.folder, self.scratch, variables, log=self.kernel_log, warm=warm)
        self.kernels.append(kernel)
        return kernel

    def _warm_up(self, following: str | None) -> None:
        # The next stage's kernel imports its libraries while this stage computes.
        if following is None or self.spare is not None:
            return
        if self._needs_server([following]) and not self.cluster.ready():
            return
        variables = self._variables(following)
        self.spare = (variables, self._start(variables, warm=True))

    # -- how it ends -------------------------------------------------------------

    def _check_stop(self, stage: str) -> None:
        reason = self.stop.reason()
        if reason is not None:
            self.show.failed(stage, reason)
            raise reason

    def _fail(self, stage: str, error: ToolkitError) -> ToolkitError:
        """Make record and error agree; the kernel may have written its own line."""
        record = self.run.manifest().stages.get(stage)
        if record is None:
            record = StageRecord(status="running", started=now())
        own_words = type(error) is StageFailed and record.status == "failed"
        if own_words:
            failure = StageFailed(record.error, where=error.where)
            failure.exit_code = record.exit_code or 1
            return failure
        update = {
            "status": _status_of(error),
            "finished": now(),
            "error": " ".join(error.problem.split()),
            "exit_code": error.exit_code,
        }
        self.run.record(stage, record.model_copy(update=update))
        self.log(f"{stage}: {error.line()}")
        return error

    def _tidy(self) -> None:
        for kernel in self.kernels:
            kernel.kill()
        self.pool.shutdown(wait=False)
        self.cluster.stop()
        sweep(self.scratch)
        shutil.rmtree(self.scratch, ignore_errors=True)
        if self.kernel_log.exists() and not self.kernel_log.stat().st_size:
            self.kernel_log.unlink()
        self.show.close()

    def _end(self, status: Status, code: int) -> None:
        self.log(f"toolkit run: {status}, exit code {code}")
        with contextlib.suppress(RunError):  # the first error is the one to report
            self.run.close(status, code)

    def _whole(self) -> bool:
        from toolkit import paths

        others = [stage for stage in paths.STAGES if stage not in self.stages]
        return all(is_current(stage, self.run, self.file) for stage in others)


def _status_of(error: BaseException) -> Status:
    if isinstance(error, StageTimeout):
        return "timeout"
    if isinstance(error, KernelDied):
        return "died"
    return "terminated" if isinstance(error, Terminated) else "failed"
