"""The model as a whole: effects, interactions, importances, a surrogate tree."""
