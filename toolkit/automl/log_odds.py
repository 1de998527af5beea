"""Log-odds of predicted probabilities."""

from __future__ import annotations

import numpy as np

SMALLEST = 1e-7
"""Smaller probabilities count as this one: their logarithms would rule every mean."""


def margin(scores: np.ndarray, least: float = SMALLEST) -> np.ndarray:
    """Return the log-odds of the second of two classes, (n,), no probability below `least`."""
    low, high = np.clip(scores, least, 1.0).T
    return np.asarray(np.log(high) - np.log(low))


def margins(scores: np.ndarray, least: float = SMALLEST) -> np.ndarray:
    """Return each class's log-odds against the mean of all classes' logarithms, (n, k).

    Parameters
    ----------
    scores : array of shape (n, k)
        Probabilities of three or more classes; none counts below `least`.
    """
    logs = np.log(np.clip(scores, least, 1.0))
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))
