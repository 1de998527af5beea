"""Keys and values of a project file that have a new name since version 0.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.errors import ProjectError

KEYS = {("explain", "game"): "feature_perturbation"}
"""Old key paths, each with the last part of the new one."""
VALUES = {
    ("explain", "feature_perturbation"): {"path-dependent": "tree_path_dependent"},
    ("fairness", "mitigation"): {"stand-in": "surrogate"},
}
"""By new key path: old first words of a value with their new ones."""


def new_key(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a key path by its new name."""
    return (*key[:-1], KEYS[key]) if key in KEYS else key


def new_value(key: tuple[Any, ...], value: Any) -> Any:
    """Return the value of a key path by its new name."""
    if not isinstance(value, str):
        return value
    first, space, rest = value.partition(" ")
    return VALUES.get(key, {}).get(first, first) + space + rest


def with_new_names(choices: dict[str, Any]) -> dict[str, Any]:
    """Return the choices of a project file by their new names.

    Raises
    ------
    ProjectError
        Where a key is given by both names.
    """
    for section in {key[0] for key in (*KEYS, *VALUES)}:
        old = choices.get(section)
        if not isinstance(old, Mapping):
            continue
        new: dict[str, Any] = {}
        for name, value in old.items():
            key = new_key((section, name))
            if key[-1] != name and key[-1] in old:
                raise ProjectError(
                    f"{section}.{name} is the old name of {section}.{key[-1]}, and both are given",
                    remedy=f"Remove {section}.{name}",
                )
            new[key[-1]] = new_value(key, value)
        choices = {**choices, section: new}
    return choices


def notes(choices: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each old name in a project file."""
    found = []
    for (section, name), new in KEYS.items():
        old = choices.get(section)
        if isinstance(old, Mapping) and name in old:
            value = new_value(new_key((section, name)), old[name])
            found.append(
                f"The key {section}.{name} of the project file has a new name: write"
                f" {section}.{new}: {value}"
            )
    return found
