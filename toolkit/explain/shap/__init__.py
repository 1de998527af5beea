"""SHAP values on original columns, and how exact they are."""
