"""``toolkit reproduce``: the champion fitted again, and how near it comes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from toolkit.errors import UsageError


def reproduce_command(folder: Path, *, as_json: bool = False) -> int:
    """Fit a run's champion again and print the grade; 0 if it is near enough, else 1."""
    from toolkit.automl.checks.reproduction import reproduce

    def say(text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    found = reproduce(run_of(folder), say)
    if as_json:
        print(json.dumps(found.facts(), indent=1))
    else:
        print("\n".join(found.lines()))
    return 1 if found.grade == "not reproducible" else 0


def run_of(folder: Path) -> Path:
    """Return the run that a folder is, or the newest of the project that it is.

    Raises
    ------
    UsageError
        If it is neither, or the project has no run.
    """
    from toolkit.artifacts import Champion
    from toolkit.project.file import FILE_NAME
    from toolkit.run.folder import Run
    from toolkit.run.manifest import Manifest

    if Run(folder).has(Manifest):
        return folder
    if (folder / FILE_NAME).is_file():
        from toolkit.pipeline import plan

        known = plan.runs(plan.load(plan.Request(folder)))
        done = [run for run, _ in known if run.has(Champion)]
        if done:
            return done[-1].folder
        raise UsageError(
            "no run of this project has a champion yet",
            where=str(folder),
            remedy=f"Run `toolkit run {folder}` first",
        )
    raise UsageError(
        "is neither a run nor a project", where=str(folder), expected="a folder with run.json"
    )
