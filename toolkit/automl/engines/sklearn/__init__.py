"""Scikit-learn's models: simple baselines, and forests of randomised trees."""
