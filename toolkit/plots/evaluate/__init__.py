"""Figures of ``05_evaluate``."""

from toolkit._lazy import attach

_MODULES = {
    "scores": "metric_intervals confusion calibration cost slices",
    "group_results": "groups side_by_side fairness",
    "errors": "tree curve two_sides",
    "robustness": "doses missing shifts outside",
    "fairness_trade_off": "crossings trade_off",
    "threshold": "tried",
}

__getattr__, __dir__, __all__ = attach(
    __name__, {name: module for module, names in _MODULES.items() for name in names.split()}
)
