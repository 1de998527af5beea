"""What ``model.json`` says of a saved model: facts that can be read without its engine."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit import canonical
from toolkit.errors import ModelError

if TYPE_CHECKING:
    from toolkit.project.criteria import Costs
    from toolkit.project.data import Column

FACTS_FILE = "model.json"
NATIVE = "native"
FEATURES = "features"
FORMAT = 2
_REMEDY = "Run 04_automl.ipynb again with --fresh"
# A new minor version of scikit-learn may change what its estimators hold inside.
_PARTS_THAT_MUST_AGREE = {"scikit-learn": 2}


def facts_of(
    *,
    name: str,
    engine: str,
    packages: Iterable[str],
    family: str,
    task: str,
    classes: list[str],
    columns: dict[str, Column],
    costs: Costs,
    details: dict[str, str],
    complexity: float | None = None,
) -> dict[str, Any]:
    """Return the content of ``model.json`` of a model without calibration or threshold."""
    return {
        "format": FORMAT,
        "name": name,
        "engine": engine,
        "family": family,
        "task": task,
        "classes": classes,
        "threshold": None,
        "columns": {name: column.model_dump(mode="json") for name, column in columns.items()},
        "column_order": list(columns),
        "costs": costs.model_dump(mode="json"),
        "calibration": {"method": "none", "parameters": {}},
        "requires": {package: installed(package) for package in packages},
        "details": details,
        "complexity": complexity,
        "conformal": None,
    }


def write_facts(folder: Path, facts: dict[str, Any]) -> None:
    """Write ``model.json``."""
    canonical.write_text(folder / FACTS_FILE, canonical.dumps(facts))


def read_facts(folder: Path) -> dict[str, Any]:
    """Return the content of ``model.json``.

    Raises
    ------
    ModelError
        If there is none, or it was written by another version.
    """
    path = folder / FACTS_FILE
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError("there is no model here", where=str(folder), remedy=_REMEDY) from error
    except ValueError as error:
        raise ModelError("is damaged", where=str(path), remedy=_REMEDY) from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise ModelError(
            "was written by another version of the toolkit",
            where=str(path),
            expected=f"format {FORMAT}",
            remedy=_REMEDY,
        )
    columns = facts["columns"]
    facts["columns"] = {name: columns[name] for name in facts["column_order"]}
    return facts


def check_versions(facts: dict[str, Any], folder: Path) -> None:
    """Raise where a model's packages are here in versions that may not load it.

    Raises
    ------
    ModelError
        Naming the package, and how to get the right one.
    """
    for package, version in facts["requires"].items():
        here = installed(package)
        parts = _PARTS_THAT_MUST_AGREE.get(package, 1)
        if here.split(".")[:parts] != version.split(".")[:parts]:
            raise ModelError(
                f"was made with {package} {version}, and here is {here}",
                where=str(folder / FACTS_FILE),
                remedy=f"Run `pip install {package}=={version}`, or train again",
            )


def installed(package: str) -> str:
    """Return a distribution's version, or ``not installed``."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
