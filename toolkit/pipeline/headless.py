"""A project's notebooks without a browser, as one call: `toolkit.run`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from toolkit.canonical import plain
from toolkit.pipeline import plan
from toolkit.pipeline.chain import Chain
from toolkit.pipeline.run_result import RunResult
from toolkit.pipeline.show import Show, choose
from toolkit.pipeline.stop import Stop
from toolkit.project.file import ProjectFile


def run(
    project: ProjectFile | Path | str,
    *,
    run_id: str | None = None,
    only: str | None = None,
    start: str | None = None,
    overrides: Mapping[str, Any] | Iterable[str] = (),
    timeout: float | None = None,
    fresh: bool = False,
    show: Show | None = None,
) -> RunResult:
    """Run a project's notebooks without a browser; what still holds is reused.

    Whatever happens, ``run.json`` says how it ended, no process that was started is left,
    and the next call goes on from the last finished stage. Ctrl-C, or a notebook's stop
    button, ends it in this way as well.

    Parameters
    ----------
    project : ProjectFile or path
        The project, its folder, or its ``project.yaml``.
    run_id : str, optional
        The run's folder in ``runs``. By default the newest run that is not done is gone on
        with, else a new one is named by the time (UTC).
    only : str, optional
        The one stage to run, such as ``automl``.
    start : str, optional
        The first stage to run; those before it are taken as they are.
    overrides : mapping, or iterable of str
        Choices that win over ``project.yaml``: ``{"automl.budget.models": 8}``, or texts as
        the command's ``--set`` takes them.
    timeout : float, optional
        Seconds for the whole chain.
    fresh : bool
        Whether stages that still hold are computed again.
    show : Show, optional
        Is told what happens. By default lines are printed, below the cell in a notebook and
        to the standard error stream elsewhere.

    Returns
    -------
    RunResult
        What was computed: ``run.read(Leaderboard)``, ``run.report``, ``run.verdict``.

    Raises
    ------
    ToolkitError
        Its ``exit_code`` is the command's: 1 a stage failed, 2 usage or project, 75 the run
        is busy, 124 no time left, 138 the kernel died, 143 terminated by a signal.
    """
    texts = _texts(overrides)
    if isinstance(project, ProjectFile):
        texts = (*project.texts, *texts)
        project = project.path
    request = plan.Request(Path(project), run_id, only, start, texts, timeout, fresh)
    with Stop(timeout) as stop:
        stages = plan.stages_of(request)
        file = plan.load(request)
        folder = plan.choose_run(request, file)
        with folder.locked() as environment:
            chain = Chain(
                request,
                file,
                folder,
                stages=stages,
                environment=environment,
                stop=stop,
                show=show or choose(),
            )
            with chain:
                chain.begin()
                for stage, following in chain.due():
                    chain.run_stage(stage, following)
    return RunResult(folder.folder)


def _texts(overrides: Mapping[str, Any] | Iterable[str]) -> tuple[str, ...]:
    if isinstance(overrides, Mapping):  # JSON is YAML
        return tuple(
            f"{key}={json.dumps(plain(value), ensure_ascii=False)}"
            for key, value in overrides.items()
        )
    return (overrides,) if isinstance(overrides, str) else tuple(overrides)
