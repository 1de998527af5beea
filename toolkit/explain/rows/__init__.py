"""Single rows: reasons, counterfactuals, rows alike, and what if."""
