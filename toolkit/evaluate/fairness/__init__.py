"""Rates by protected group, and what fairness would cost."""
