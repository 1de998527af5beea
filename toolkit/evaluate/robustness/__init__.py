"""How the score falls when rows are perturbed."""
