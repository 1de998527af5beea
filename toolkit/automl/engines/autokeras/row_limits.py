"""How many rows networks see at most, by the kind of content that they read."""

from __future__ import annotations

VISITS = {"table": 2_000_000, "text": 400_000, "image": 200_000}
"""Rows that one network sees in training at most, each as often as it is seen."""
SEARCHED = {"table": 20_000, "text": 10_000, "image": 4_000}
"""Rows from which the search learns at most."""
