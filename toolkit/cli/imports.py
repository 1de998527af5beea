"""What each stage imports from other distributions, read from the package's own source."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from toolkit import paths
from toolkit.run import package
from toolkit.run.imports import notebook_uses, uses

_HEADLESS = ("toolkit.cli.", "toolkit.pipeline.")


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


def by_stage() -> dict[str, list[Imported]]:
    """Return what each stage's notebook leads to, and what runs it without a browser."""
    own = package.own()
    found = {}
    for stage in paths.STAGES:
        work = notebook_uses(paths.notebooks() / paths.notebook_name(stage)) or []
        found[stage] = imported(own.paths[name] for name in own.closure(work) if name in own.paths)
    headless = (path for name, path in own.paths.items() if name.startswith(_HEADLESS))
    return found | {"headless": imported(headless)}


def imported(files: Iterable[Path]) -> list[Imported]:
    """Return what Python files import that is neither the standard library nor the toolkit."""
    own = {*sys.stdlib_module_names, "toolkit"}
    found: dict[str, Imported] = {}
    for path in files:
        for name, names in uses(path.read_text(encoding="utf-8")):
            if name.partition(".")[0] not in own:
                module = found.setdefault(name, Imported(name))
                module.names.update(names)
                module.places.append(path)
    return sorted(found.values(), key=lambda module: module.name)
