"""``toolkit new``: make a project and say what was inferred."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.artifacts.base import Check
from toolkit.project.file import ProjectFile
from toolkit.project.model import Project

_STYLE = {"info": "cyan", "warning": "yellow", "critical": "red"}
_SHOWN = 40
"""Columns listed; a table of thousands would bury what matters."""


def new_command(
    folder: Path,
    source: str,
    target: str,
    *,
    name: str | None,
    **reading: Any,
) -> None:
    """Make the project and print what was inferred, and what to do next.

    Parameters
    ----------
    folder, source, target, name
        As in `toolkit.new`; ``source`` is its ``data``.
    **reading
        Its options that say how the source is read.
    """
    from rich.console import Console

    told = Console(stderr=True, highlight=False)
    with told.status("reading the table") as status:
        from toolkit.data.project_creation import new

        project = new(source, target, folder, name=name, say=status.update, **reading)
    terminal = Console(highlight=False)
    console = terminal if terminal.is_terminal else Console(highlight=False, width=110)
    _print_project(console, project)
    console.print(_checks_table(project.checks))
    _print_next(console, folder)


def _print_project(console: object, file: ProjectFile) -> None:
    from rich.console import Console
    from rich.markup import escape

    assert isinstance(console, Console)
    project = file.project
    target = project.target
    console.print(f"[bold]{escape(project.name)}[/]  {escape(str(file.path))}", soft_wrap=True)
    words = f"predict {target.column}: {target.task}"
    if target.positive is not None:
        words += f", the probability of {target.positive!r}"
    console.print(words, markup=False)
    how = project.data.model_dump(exclude_defaults=True, exclude={"source"})
    read = ", ".join(f"{key} {value!r}" for key, value in how.items())
    console.print(f"read as {project.data.format}" + (f": {read}" if read else ""), markup=False)
    console.print(_columns_table(project))


def _columns_table(project: Project) -> object:
    from rich.markup import escape
    from rich.table import Table

    table = Table("column", "type", "role", "")
    notable = sorted(
        project.columns.items(),
        key=lambda item: item[1].role == "feature" and not item[1].protected,
    )
    shown = project.columns.items() if len(notable) <= _SHOWN else notable[:_SHOWN]
    for name, column in shown:
        remark = "protected group" if column.protected else ""
        table.add_row(escape(name), column.type, column.role, remark)
    hidden = len(project.columns) - len(table.rows)
    if hidden:
        table.add_row(f"… and {hidden} more", "", "", "see project.yaml")
    return table


def _checks_table(checks: Sequence[Check]) -> object:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for check in checks:
        if check.severity != "ok":
            said = [text.rstrip(".") for text in (check.message, check.remedy) if text]
            text = Text(f"{check.name}: ", style="bold")
            text.append(". ".join(said) + ".", style="not bold")
            table.add_row(Text(check.severity, style=_STYLE[check.severity]), text)
    return table


def _print_next(console: object, folder: Path) -> None:
    from rich.console import Console

    assert isinstance(console, Console)
    console.print(
        "These are inferences: correct them in project.yaml, or in the notebooks.\n"
        f"next      jupyter lab {folder}      walk the notebooks\n"
        f"      or  toolkit run {folder}      run them without a browser",
        markup=False,
        soft_wrap=True,
    )
