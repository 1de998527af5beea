"""What stages compute and hand on: one type for each file of a run folder."""

from toolkit._lazy import attach

_MODULES = {
    "base": "Artifact Check FrameArtifact Interval JsonArtifact Record Severity",
    "scoping": "ColumnFacts Feasibility Intake Rows",
    "eda": "ColumnProfile Contract Drift Pair Thumbnail Profile Quality Split SplitPart"
    " SplitSummary LeakSearch Suspect Word",
    "labels": "LabelPatch LabelReview LabelScores Reviewer",
    "automl": "Bin Holdout Champion ModelComparison Conformal CurvePoint DerivedColumn EngineRun"
    " Entry FeatureMap Leaderboard OutOfFoldPredictions SearchSummary Shuffled TrialRun Winner",
    "evaluate": "AcceptanceVerdict Evaluation FairnessVerdict Group Slice TestPredictions",
    "explain": "Attributions Explanation Importance RefusedStrategy",
    "row_reports": "CellChange Counterfactual Reason RowReports RowReport Similar",
    "errors": "Confusion CurvePart ErrorCurve ErrorNode ErrorsFound",
    "robustness": "Dose Extreme ScoringFailure ColumnHarm OutsideData Robustness",
    "effects": "ComparedImportance Curve FeatureEffect GlobalEffects Interactions PairStrength"
    " PermutationComparison RankStability Surrogate TreeNode",
    "fairness": "Intersection FairnessDetail GroupRates Mitigation TradeOffPoint",
    "content": "ContentColumn ContentExplanation ContentRow ContentValues WordEffect",
    "report": "Claim VerdictFinding Gap ReportData Verdict",
    "tracking": "Mirror",
}

__getattr__, __dir__, __all__ = attach(
    __name__, {name: module for module, names in _MODULES.items() for name in names.split()}
)
