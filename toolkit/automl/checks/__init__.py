"""Checks of a search and its champion: holdout, shuffled labels, constraints, reproduction."""
