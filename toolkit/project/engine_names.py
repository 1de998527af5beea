"""Which engines there are, without importing one.

The toolkit's own engines stand in the code, so that the code that runs decides which there are:
a source checkout on ``PYTHONPATH`` may lie beside installed metadata of another version. Its
entry points in ``pyproject.toml`` say the same to other tools. Engines of other packages are
found by their entry points in the group ``toolkit.engines``.
"""

from __future__ import annotations

import functools
import importlib.metadata
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler

from toolkit.errors import EnvironmentProblem

GROUP = ".".join(("toolkit", "engines"))
# In two parts: the code behind a text that names the group counts for the stages that use it,
# and names alone run none of it. `toolkit.automl.engines` names it whole.
DISTRIBUTION = "jupyter-automl-toolkit"
BUILT_IN = ("baseline", "lightgbm", "catboost", "forest", "h2o", "autokeras")
"""The toolkit's own engines, in the order in which a project lists them."""
ENSEMBLE = "ensemble"
"""The name of the blend across engines, which no engine may have."""
_NAME = re.compile(r"[a-z][a-z0-9]*")


@dataclass(frozen=True)
class EngineEntry:
    """Where an engine is to be had.

    Attributes
    ----------
    name : str
        As ``automl.engines`` has it.
    address : str
        ``module:Class``; empty for the toolkit's own, see `toolkit.automl.engines.ADDRESSES`.
    distribution : str
        The package that brings it; empty for the toolkit's own.
    version : str
        That package's.
    """

    name: str
    address: str = ""
    distribution: str = ""
    version: str = ""


def engine_entries() -> dict[str, EngineEntry]:
    """Return every engine that is installed here: the toolkit's own, then others by name.

    Raises
    ------
    EnvironmentProblem
        If two packages bring an engine of the same name, or a name is not one.
    """
    return _entries(tuple(sys.path))


@functools.lru_cache(maxsize=4)
def _entries(path: tuple[str, ...]) -> dict[str, EngineEntry]:
    entries = {name: EngineEntry(name) for name in BUILT_IN}
    for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda p: p.name):
        package = point.dist.name if point.dist is not None else ""
        if re.sub(r"[-_.]+", "-", package).lower() == DISTRIBUTION:
            continue  # the table above is this code's; metadata may be another version's
        _refuse(point.name, package, entries)
        version = point.dist.version if point.dist is not None else ""
        entries[point.name] = EngineEntry(point.name, point.value, package, version)
    return entries


def _refuse(name: str, package: str, entries: dict[str, EngineEntry]) -> None:
    if not _NAME.fullmatch(name):
        raise EnvironmentProblem(
            f"{name!r} is no name for an engine",
            where=f"the package {package}",
            expected="small letters and digits, a letter first",
            remedy=f"Correct its entry point in the group {GROUP}, or uninstall it",
        )
    if name in entries or name == ENSEMBLE:
        other = entries[name].distribution if name in entries else ""
        raise EnvironmentProblem(
            f"{other or DISTRIBUTION} has an engine {name!r} already",
            where=f"the package {package}",
            remedy=f"Uninstall one of them, or rename its entry point in the group {GROUP}",
        )


@dataclass(frozen=True)
class OneOf:
    """An annotation of a text: one of some names that are known when they are asked for.

    Attributes
    ----------
    names : callable
        Returns what is allowed here.
    everywhere : tuple of str
        What is allowed on every machine.
    others : str
        What the rest is, in words.
    """

    names: Callable[[], Sequence[str]]
    everywhere: tuple[str, ...]
    others: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return handler.generate_schema(Annotated[source, AfterValidator(self._known)])

    def __get_pydantic_json_schema__(
        self, schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(schema) | {"enum": list(self.names())}

    def _known(self, value: str) -> str:
        names = self.names()
        if value not in names:
            raise ValueError(
                f"there is no {value!r} here; expected {', '.join(names)} or {self.others}"
            )
        return value


EngineName = Annotated[
    str,
    OneOf(
        lambda: list(engine_entries()),
        BUILT_IN,
        "the engine of a package that has to be installed first",
    ),
]
"""The name of an engine that is installed."""
