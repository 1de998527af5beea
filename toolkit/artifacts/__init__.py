"""What stages compute and hand on: one type for each file of a run folder."""

from toolkit._lazy import attach

_MODULES = {
    "base": "Artifact Check FrameArtifact Interval JsonArtifact Record Severity",
    "scoping": "ColumnFacts Feasibility Intake Rows",
    "eda": "ColumnProfile Contract Drift Pair Picture Profile Quality Split SplitPart SplitSummary"
    " LeakSearch Suspect Word",
    "labels": "LabelPatch LabelReview LabelScores Reviewer",
    "automl": "Bin Canary Champion Comparison Conformal CurvePoint DerivedColumn EngineRun Entry"
    " FeatureMap Leaderboard OutOfFoldPredictions Search Shuffled TrialRun Winner",
    "explain": "AcceptanceVerdict Attributions Evaluation Explanation FairnessVerdict Group"
    " Importance Slice TestPredictions",
    "row_reports": "CellChange Counterfactual Reason RowStories RowStory Similar",
    "errors": "Confusion CurvePart ErrorCurve ErrorNode ErrorsFound",
    "robustness": "Dose Extreme Failure Harm Outside Robustness",
    "effects": "ComparedImportance Curve Effect GlobalViews Interactions PairStrength"
    " PermutationComparison RankStability Surrogate TreeNode",
    "fairness": "Crossing FairnessDetail GroupRates Mitigation TradeOffPoint",
    "content": "ContentColumn ContentExplanation ContentRow ContentValues WordEffect",
    "report": "Claim Finding Gap ReportData Verdict",
    "tracking": "Mirror",
}

__getattr__, __dir__, __all__ = attach(
    __name__, {name: module for module, names in _MODULES.items() for name in names.split()}
)
