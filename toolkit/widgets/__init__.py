"""Panels: forms over ``project.yaml``, one for each notebook."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "ScopingPanel": "scoping",
        "EdaPanel": "eda",
        "LabelPanel": "labels",
        "AutomlPanel": "automl",
        "ChampionPanel": "automl_champion",
        "LiveLeaderboard": "automl_live",
        "ExplainPanel": "explain",
        "SlicePanel": "errors",
        "ThresholdPanel": "threshold",
        "show_robustness": "robustness",
        "ViewsPanel": "views",
        "FairnessPanel": "fairness",
        "InsidePanel": "inside",
        "ReportPanel": "report",
        "RowPanel": "rows",
        "ColumnPicker": "pick",
        "KeyCatcher": "base",
        "Panel": "base",
        "show_evaluation": "explain",
        "show_explanation": "explain",
        "show_rows": "rows",
        "search_summary": "automl_tables",
        "leaderboard_table": "automl_tables",
        "feature_table": "automl_tables",
        "show_review": "labels",
        "columns_table": "static",
        "contract_table": "eda_tables",
        "show_contents": "eda_tables",
        "quality_table": "eda_tables",
    },
)
