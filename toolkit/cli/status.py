"""``toolkit status``: runs and stages, from run.json alone."""

from __future__ import annotations

import datetime
from pathlib import Path

from toolkit import paths
from toolkit.errors import ToolkitError
from toolkit.pipeline import plan
from toolkit.pipeline.run_result import RunResult
from toolkit.run.folder import Run
from toolkit.run.manifest import Manifest, StageRecord

_STYLE = {
    "done": "green",
    "partial": "yellow",
    "running": "cyan",
    "interrupted": "yellow",
    "failed": "red",
    "timeout": "red",
    "died": "red",
    "terminated": "yellow",
    "damaged": "red",
}


def status_command(folder: Path) -> None:
    """Print the project's runs, and the stages of the newest one."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(soft_wrap=not Console().is_terminal, highlight=False)
    file = plan.load(plan.Request(folder))
    found = plan.runs(file)
    console.print(f"[bold]{escape(file.project.name)}[/]  {escape(str(file.folder))}")
    if not found:
        console.print(f"no run yet; make one with `toolkit run {escape(str(folder))}`")
        return
    console.print(_runs_table(found))
    run, facts = found[-1]
    if facts is not None:
        console.print(f"\nstages of [bold]{escape(run.id)}[/]")
        console.print(_stages_table(run, facts, plan_current(run, folder)))


def plan_current(run: Run, folder: Path) -> dict[str, bool]:
    """Return, for each stage, whether its result still holds for the project as it is."""
    from toolkit.run.fingerprint import is_current

    file = plan.load(plan.Request(folder))
    return {stage: is_current(stage, run, file) for stage in paths.STAGES}


def _runs_table(found: list[tuple[Run, Manifest | None]]) -> object:
    from rich.markup import escape
    from rich.table import Table

    table = Table("run", "state", "code", "created (UTC)", "stages", "verdict", "champion", "score")
    # An id that is cut short is of no use for --run.
    table.columns[0].min_width = max((len(run.id) for run, _ in found), default=0)
    for run, facts in found:
        if facts is None:
            table.add_row(escape(run.id), _mark("damaged"), "", "", "", "", "", "")
            continue
        result = RunResult(run.folder)
        states = {stage: record.status for stage, record in facts.stages.items()}
        done = sum(states.get(stage) == "done" for stage in paths.STAGES)
        table.add_row(
            escape(run.id),
            _mark(_state(run, facts.status)),
            "" if facts.exit_code is None else str(facts.exit_code),
            _minute(facts.created),
            f"{done}/{len(paths.STAGES)}",
            result.verdict.word if result.verdict else "",
            escape(result.champion.name if result.champion else ""),
            escape(result.score),
        )
    return table


def _stages_table(run: Run, facts: Manifest, current: dict[str, bool]) -> object:
    from rich.markup import escape
    from rich.table import Table

    table = Table("stage", "state", "started (UTC)", "seconds", "GiB", "what to know")
    for stage in paths.STAGES:
        record = facts.stages.get(stage)
        if record is None:
            table.add_row(stage, "not run", "", "", "", "")
            continue
        state = _state(run, record.status)
        table.add_row(
            stage,
            _mark(state),
            _minute(record.started),
            f"{record.seconds:.1f}" if record.finished else "",
            f"{record.peak_mib / 1024:.1f}" if record.peak_mib else "",
            escape(_remark(record, current[stage])),
        )
    return table


def _remark(record: StageRecord, current: bool) -> str:
    if record.error:
        return record.error
    said = [] if current or record.status != "done" else ["out of date: will be computed again"]
    return "; ".join([*said, *record.notes])


def _state(run: Run, status: str) -> str:
    # A process that was killed outright leaves `running` behind, and a free lock.
    if status != "running" or _held(run):
        return status
    return "interrupted"


def _held(run: Run) -> bool:
    if not run.lock_path.exists():
        return False
    try:
        with run.locked():
            return False
    except ToolkitError:
        return True


def _mark(state: str) -> str:
    style = _STYLE.get(state, "white")
    return f"[{style}]{state}[/]"


def _minute(text: str) -> str:
    try:
        return datetime.datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return text
