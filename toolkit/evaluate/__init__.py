"""The champion on the test rows: scores, cost, calibration, weak slices, groups, limits."""

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
        "Conditions": "conditions",
        "conditions": "conditions",
        "fairness_statistic": "fairness",
        "group_rates": "fairness",
        "Effect": "cutoffs",
        "Thresholds": "cutoffs",
        "thresholds": "cutoffs",
        "holm": "slices",
        "weakest": "slices",
    },
)
