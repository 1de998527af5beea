"""Public names that import their module on first use.

Heavy libraries (pandas, scikit-learn, matplotlib) stay out of ``import toolkit``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any


class _Package(ModuleType):
    """A package whose function ``profile`` is not hidden by its submodule ``profile``."""

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing a submodule sets it on its package; a public name stands above that.
        if not (isinstance(value, ModuleType) and name in self.__dict__.get("__all__", ())):
            super().__setattr__(name, value)


def attach(
    package: str, names: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` for a package.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    names : mapping of str to str
        Public name to the submodule that defines it, relative to ``package``.
    """

    def load(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{names[name]}"), name)

    sys.modules[package].__class__ = _Package
    return load, lambda: sorted(names), sorted(names)
