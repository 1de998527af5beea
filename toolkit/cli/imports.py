"""What each stage imports from other distributions, read from the package's own source."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import toolkit

PACKAGE = Path(toolkit.__file__).parent

ROOMS = {
    "every stage": ("artifacts", "project", "run", "table", "metrics", "plots", "widgets"),
    "scoping": ("data",),
    "eda": ("data",),
    "label_review": ("labels",),
    "automl": ("automl", "forests"),
    "evaluate": ("evaluate", "explain"),
    "explain": ("explain", "forests"),
    "report": ("report", "tracking"),
    "headless": ("cli", "pipeline"),
}
"""The folders of the package whose code a stage runs, beside those that every stage does."""


@dataclass
class Imported:
    """A module of another distribution.

    Attributes
    ----------
    name : str
        The module, such as ``sklearn.ensemble``.
    names : set of str
        What is taken from it.
    places : list of Path
        The files that import it, also inside functions.
    """

    name: str
    names: set[str] = field(default_factory=set)
    places: list[Path] = field(default_factory=list)

    @property
    def top(self) -> str:
        """The top-level package."""
        return self.name.partition(".")[0]


def of_stage(stage: str) -> list[Imported]:
    """Return what a line of `ROOMS` imports, in the order of the modules' names."""
    files = [path for room in ROOMS[stage] for path in _sources(PACKAGE / room)]
    return imported(files)


def imported(files: Iterable[Path]) -> list[Imported]:
    """Return what Python files import that is neither the standard library nor the toolkit."""
    own = {*sys.stdlib_module_names, "toolkit"}
    found: dict[str, Imported] = {}
    for path in files:
        for name, names in _imports(path):
            if name.partition(".")[0] not in own:
                module = found.setdefault(name, Imported(name))
                module.names.update(names)
                module.places.append(path)
    return sorted(found.values(), key=lambda module: module.name)


def _sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@cache
def _imports(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    return list(_walk(ast.parse(path.read_text(encoding="utf-8"))))


def _walk(node: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, ()) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module, tuple(alias.name for alias in node.names)
    elif isinstance(node, ast.Call) and (name := _dynamic(node)):
        yield name, ()
    children: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        children = node.orelse  # the rest is never run
    for child in children:
        yield from _walk(child)


def _dynamic(call: ast.Call) -> str:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    first = call.args[0] if call.args else None
    if name == "import_module" and isinstance(first, ast.Constant) and isinstance(first.value, str):
        return first.value
    return ""
