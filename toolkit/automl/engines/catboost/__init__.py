"""Gradient boosting with CatBoost."""
