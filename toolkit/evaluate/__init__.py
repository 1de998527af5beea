"""The champion on the test rows: scores, cost, calibration, slices, groups, fairness, limits."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "evaluate": "stage",
        "errors": "error_analysis",
        "robustness": "stress",
        "slice_scores": "explorer",
        "SliceScore": "explorer",
        "SliceScores": "explorer",
        "Comparison": "fairness",
        "compare": "fairness",
        "Conditions": "conditions",
        "conditions": "conditions",
        "choose_mitigation": "trade_off",
        "decide_by_group": "policies",
        "fairness_detail": "trade_off",
        "fairness_statistic": "fairness",
        "group_rates": "fairness",
        "Effect": "cutoffs",
        "Thresholds": "cutoffs",
        "thresholds": "cutoffs",
        "group_thresholds": "policies",
        "holm": "slices",
        "weakest": "slices",
    },
)
