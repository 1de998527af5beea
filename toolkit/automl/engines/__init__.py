"""Engines: a folder each, found by the name that the project uses."""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING

from toolkit.errors import EngineError
from toolkit.project.engine_names import ENSEMBLE, EngineEntry, engine_entries

if TYPE_CHECKING:
    from toolkit.automl.engines.base import Engine

ADDRESSES = {
    "baseline": "toolkit.automl.engines.sklearn.baseline:BaselineEngine",
    "lightgbm": "toolkit.automl.engines.lightgbm.engine:LightgbmEngine",
    "catboost": "toolkit.automl.engines.catboost.engine:CatboostEngine",
    "forest": "toolkit.automl.engines.sklearn.forest:ForestEngine",
    "h2o": "toolkit.automl.engines.h2o.engine:H2oEngine",
    "autokeras": "toolkit.automl.engines.autokeras.engine:AutoKerasEngine",
    "ensemble": "toolkit.automl.blend.engine:EnsembleEngine",
}
"""Module and class of the toolkit's own engines; ``pyproject.toml`` says the same."""
GROUP = "toolkit.engines"
"""The group of entry_points by which other packages bring engines."""


def get(name: str) -> Engine:
    """Return an engine by its name, the ensemble's among them.

    Raises
    ------
    EngineError
        For a name that no installed package has, or an engine that cannot be imported.
    EnvironmentProblem
        If two packages bring an engine of the same name.
    """
    entry = EngineEntry(name) if name == ENSEMBLE else engine_entries().get(name)
    if entry is None:
        raise EngineError(
            f"there is no engine {name!r} here",
            expected=", ".join(engine_entries()),
            remedy="Install the package that brings it",
        )
    return _loaded(entry)


@functools.cache
def _loaded(entry: EngineEntry) -> Engine:
    from toolkit.automl.engines.base import Engine

    module, _, kind = (entry.address or ADDRESSES[entry.name]).partition(":")
    where = f"{entry.distribution} {entry.version}" if entry.distribution else ""
    try:
        engine = getattr(importlib.import_module(module), kind)()
    except Exception as error:  # another package's code may raise anything
        if not entry.distribution:
            raise
        text = " ".join(str(error).split())[:300]
        raise EngineError(
            f"its engine {entry.name!r} cannot be imported ({type(error).__name__}: {text})",
            where=where,
            remedy="Correct or uninstall that package, or leave it out of automl.engines",
        ) from error
    if not isinstance(engine, Engine) or engine.name != entry.name:
        raise EngineError(
            f"its entry point {entry.name!r} in the group {GROUP} is no engine of that name",
            where=where,
            expected="a subclass of toolkit.automl.engines.base.Engine whose `name` is the entry"
            " point's",
        )
    engine.distribution = entry.distribution
    return engine


def installed_engines() -> list[Engine]:
    """Return every engine that a project may name; those that cannot be imported raise."""
    return [get(name) for name in engine_entries()]


def missing_engines() -> dict[str, str]:
    """Return the engines that cannot run here, and why."""
    reasons = {}
    for name in engine_entries():
        try:
            reasons[name] = get(name).available()
        except EngineError as error:
            reasons[name] = error.line()
    return {name: reason for name, reason in reasons.items() if reason}
