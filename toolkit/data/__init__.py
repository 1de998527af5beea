"""Scoping and the look at the data: what the first two notebooks compute."""

from toolkit._lazy import attach

_MODULES = {
    "split": "make_split preview_split",
    "profile": "profile proxies",
    "quality": "ignorable quality",
    "contract": "check_contract contract keep_contract",
    "baseline": "baseline",
}

__getattr__, __dir__, __all__ = attach(
    __name__, {name: module for module, names in _MODULES.items() for name in names.split()}
)
