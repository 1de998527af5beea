"""Figures of ``06_explain``."""

from toolkit._lazy import attach

_MODULES = {
    "shap_values": "importance beeswarm dependence",
    "column_dependence": "dependence_with",
    "content": "strongest words heat",
    "rows": "counterfactuals similar",
    "surrogate": "tree",
    "effects": "effect interactions importances",
    "row_waterfall": "waterfall",
}

__getattr__, __dir__, __all__ = attach(
    __name__, {name: module for module, names in _MODULES.items() for name in names.split()}
)
