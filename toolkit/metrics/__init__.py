"""Scores of a model with their uncertainty, costs, and the wizards that choose a metric."""

from toolkit._lazy import attach

_MODULES = {
    "base": "Context Metric for_task",
    "decisions": "class_codes context_of cost_matrix cost_threshold decide label_values",
    "scores": "get",
    "constant": "constant_scores",
    "resampling": "Resampling bootstrap interval paired_difference resamples",
    "joint": "Joint joint",
    "calibration": "calibration_bins calibration_error wilson",
    "wizard": "COMPARED RATE_ROWS resolve resolve_fairness",
}

__getattr__, __dir__, __all__ = attach(
    __name__, {name: module for module, names in _MODULES.items() for name in names.split()}
)
