"""The champion on the test rows: scores, cost, calibration, slices, groups, fairness, limits."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "evaluate": "stage",
        "errors": "errors.error_analysis",
        "robustness": "robustness.robustness",
        "slice_scores": "scores.slice_explorer",
        "SliceScore": "scores.slice_explorer",
        "SliceScores": "scores.slice_explorer",
        "GroupComparison": "fairness.group_rates",
        "compare": "fairness.group_rates",
        "Conditions": "scores.conditions",
        "conditions": "scores.conditions",
        "choose_mitigation": "fairness.trade_off",
        "decide_by_group": "fairness.group_thresholds",
        "fairness_detail": "fairness.trade_off",
        "fairness_statistic": "fairness.group_rates",
        "group_rates": "fairness.group_rates",
        "ThresholdEffect": "scores.thresholds",
        "Thresholds": "scores.thresholds",
        "thresholds": "scores.thresholds",
        "group_thresholds": "fairness.group_thresholds",
        "holm": "scores.slices",
        "weakest": "scores.slices",
    },
)
