"""Figures of ``04_automl``."""

from toolkit._lazy import attach

_MODULES = {
    "search": "leaderboard pareto timeline progress",
    "champion": "ensemble calibration threshold holdout shuffled conformal",
    "features": "feature_overview",
}

__getattr__, __dir__, __all__ = attach(
    __name__, {name: module for module, names in _MODULES.items() for name in names.split()}
)
