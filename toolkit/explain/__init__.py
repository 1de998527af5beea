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
        "explain_rows": "rows",
        "RowValues": "rows",
        "Players": "shapley",
        "to_shap": "convert",
    },
)
