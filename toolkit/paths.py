"""Where the files that ship with the package lie. Nothing else knows."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

STAGES = ("scoping", "eda", "label_review", "automl", "evaluate", "explain", "report")
"""The stages in order; ``NN_<stage>.ipynb`` is each one's notebook."""


def _shipped(name: str) -> Path:
    # In a wheel the folder is mapped into the package, in a checkout it lies beside it.
    inside = _PACKAGE / "_shipped" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def notebooks() -> Path:
    """Return the folder of the notebooks, one a stage."""
    return _shipped("notebooks")


def templates() -> Path:
    """Return the folder of HTML, CSS and YAML templates."""
    return _shipped("templates")


def examples() -> Path:
    """Return the folder of the bundled examples, a folder each."""
    return _shipped("examples")


def example_names() -> list[str]:
    """Return the names of the bundled examples."""
    return sorted(path.parent.name for path in examples().glob("*/project.yaml"))


def notebook_name(stage: str) -> str:
    """Return a stage's notebook file name, such as ``02_eda.ipynb``."""
    return f"{STAGES.index(stage) + 1:02d}_{stage}.ipynb"
