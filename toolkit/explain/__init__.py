"""SHAP values of any model on its original columns, and how exact they are."""

from toolkit._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "explain": "stage",
        "row_explainer": "stage",
        "row_viewer": "contents",
        "inside": "inside",
        "inside_explainer": "inside",
        "explain_rows": "attribute",
        "RowValues": "rows",
        "Players": "shapley",
        "global_views": "views",
        "to_shap": "convert",
        "row_stories": "stories",
        "counterfactuals": "counterfactual",
        "known_rows": "counterfactual",
        "limits": "limits",
        "Limit": "limits",
        "Goal": "goals",
        "Outputs": "goals",
        "Gower": "distance",
        "Neighbours": "neighbours",
        "reason_codes": "reasons",
        "what_if": "whatif",
    },
)
