"""Panels: forms over ``project.yaml``, one for each notebook."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "ScopingPanel": "scoping.panel",
        "EdaPanel": "eda.panel",
        "LabelPanel": "labels.panel",
        "AutomlPanel": "automl.panel",
        "ChampionPanel": "automl.champion",
        "LiveLeaderboard": "automl.live_leaderboard",
        "ExplainPanel": "explain.panel",
        "SlicePanel": "evaluate.slices",
        "ThresholdPanel": "evaluate.threshold",
        "show_robustness": "evaluate.robustness",
        "EffectsPanel": "explain.effects",
        "FairnessPanel": "evaluate.fairness",
        "ContentPanel": "explain.content",
        "ReportPanel": "report.panel",
        "RowPanel": "explain.rows",
        "ColumnPicker": "kit.column_picker",
        "KeyCatcher": "kit.panel",
        "Panel": "kit.panel",
        "show_evaluation": "evaluate.results",
        "show_explanation": "explain.panel",
        "show_rows": "explain.rows",
        "search_summary": "automl.tables",
        "leaderboard_table": "automl.tables",
        "feature_table": "automl.tables",
        "show_review": "labels.panel",
        "columns_table": "kit.static",
        "contract_table": "eda.tables",
        "show_contents": "eda.tables",
        "quality_table": "eda.tables",
    },
)
