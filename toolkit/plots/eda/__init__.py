"""Figures of ``02_eda``."""

from toolkit._lazy import attach

_MODULES = {
    "table": "missingness associations heatmap split drift suspects severities baseline",
    "columns": "overview column",
    "contents": "figures sheet mistakes words",
}

__getattr__, __dir__, __all__ = attach(
    __name__, {name: module for module, names in _MODULES.items() for name in names.split()}
)
