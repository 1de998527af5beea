"""Single rows: reasons, counterfactuals, nearest training rows, and what-if."""
