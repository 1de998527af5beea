"""Engines: one file each, found by the name that the project uses."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from toolkit.errors import EngineError

if TYPE_CHECKING:
    from toolkit.automl.engines.base import Engine

ENGINES = {
    "baseline": "toolkit.automl.engines.sklearn.baseline",
    "lightgbm": "toolkit.automl.engines.lightgbm.engine",
    "catboost": "toolkit.automl.engines.catboost.engine",
    "forest": "toolkit.automl.engines.sklearn.forest",
    "h2o": "toolkit.automl.engines.h2o.engine",
    "autokeras": "toolkit.automl.engines.autokeras.engine",
    "ensemble": "toolkit.automl.blend.engine",
}
"""Module by engine; each has one class that is an `Engine`, under the name ``ENGINE``."""


def get(name: str) -> Engine:
    """Return an engine by its name.

    Raises
    ------
    EngineError
        For a name that does not exist.
    """
    if name not in ENGINES:
        raise EngineError(f"there is no engine {name!r}", expected=", ".join(ENGINES))
    engine: Engine = importlib.import_module(ENGINES[name]).ENGINE()
    return engine


def missing_engines() -> dict[str, str]:
    """Return the engines that cannot run here, and why."""
    reasons = {name: get(name).available() for name in ENGINES if name != "ensemble"}
    return {name: reason for name, reason in reasons.items() if reason}
