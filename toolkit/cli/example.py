"""``toolkit example``: a bundled example as a project of its own."""

from __future__ import annotations

import difflib
import shlex
import shutil
from pathlib import Path

from toolkit import canonical, paths
from toolkit.errors import ProjectError, UsageError
from toolkit.project.file import FILE_NAME, ProjectFile

_PREDICTS = {"binary": "two classes", "multiclass": "several classes", "regression": "a number"}
_SCHEMA_ABOVE = "$schema=../"
"""In the repository one schema lies above all examples; a project has its own beside it."""


def example_command(name: str | None, folder: Path | None) -> None:
    """List the bundled examples, or make one and print what to do next."""
    if name is None:
        for known in paths.example_names():
            project = ProjectFile(paths.examples() / known).project
            print(f"{known:<15} {_PREDICTS[project.target.task]:<16} {project.problem.question}")
        print("make one: toolkit example NAME DIR")
        return
    target = folder or Path(name)
    new_example(name, target)
    shown = shlex.quote(str(target))
    print(f"made      {target.expanduser().absolute()}, with a README.md about the data")
    print(f"next      jupyter lab {shown}      walk the notebooks")
    print(f"      or  toolkit run {shown}      run them without a browser")


def new_example(name: str, folder: Path | str) -> ProjectFile:
    """Make a project folder from a bundled example: its table, choices, README and notebooks.

    Parameters
    ----------
    name : str
        One of `toolkit.paths.example_names`.
    folder : path
        Where to; a folder that is not there yet, or an empty one.

    Raises
    ------
    UsageError
        For a name that does not exist.
    ProjectError
        If the folder holds anything: nothing is overwritten.
    """
    from toolkit.project.template import copy_beside, make_folder

    source = paths.examples() / _known(name)
    folder = Path(folder).expanduser().absolute()
    _refuse(folder)
    project = ProjectFile(source).project
    make_folder(folder)
    for file in ("README.md", project.data.source):
        shutil.copyfile(source / file, folder / file)
    copy_beside(folder, project)
    text = (source / FILE_NAME).read_text(encoding="utf-8")
    # Last, so that a folder with a project file is a whole project.
    canonical.write_text(folder / FILE_NAME, text.replace(_SCHEMA_ABOVE, "$schema=", 1))
    return ProjectFile(folder)


def _known(name: str) -> str:
    names = paths.example_names()
    if name not in names:
        near = difflib.get_close_matches(name.lower().replace("-", "_"), names, n=1, cutoff=0.4)
        raise UsageError(
            f"there is no example {name!r}",
            expected=", ".join(names),
            remedy=f"Did you mean {near[0]}?" if near else "",
        )
    return name


def _refuse(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists():
        raise ProjectError(
            "is not empty" if folder.is_dir() else "is a file",
            where=str(folder),
            expected="a new or an empty folder",
            remedy="Choose another folder: nothing is overwritten",
        )
