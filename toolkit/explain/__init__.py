"""SHAP values of any model on its original columns, and how exact they are."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "explain": "stage",
        "row_explainer": "row_explainer",
        "row_viewer": "content.row_content",
        "explain_content": "content.content",
        "content_explainer": "content.content",
        "explain_rows": "shap.attribution",
        "ExplainRequest": "shap.request",
        "RowValues": "shap.outputs",
        "FeatureGroups": "shap.sampling",
        "global_effects": "effects.global_effects",
        "to_shap": "shap.convert",
        "row_reports": "rows.row_reports",
        "counterfactuals": "rows.counterfactual",
        "known_rows": "rows.counterfactual",
        "limits": "rows.limits",
        "Limit": "rows.limits",
        "Goal": "rows.goals",
        "CountedModel": "rows.goals",
        "Gower": "rows.distance",
        "Neighbours": "rows.neighbours",
        "reason_codes": "rows.reason_codes",
        "what_if": "rows.what_if",
    },
)
