"""Scores on the test rows: overall, by slice and group, and under other thresholds."""
