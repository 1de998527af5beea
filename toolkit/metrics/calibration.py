"""Calibration: how well predicted probabilities agree with the outcomes."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

from toolkit.artifacts.automl import Bin


def wilson(successes: float, rows: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's (1927) interval of a share, which always holds the share itself."""
    if rows == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / rows
    centre = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    reach = z / (1 + z * z / rows) * np.sqrt(share * (1 - share) / rows + (z / rows / 2) ** 2)
    # At a share of 0 or 1 a bound equals it, but for rounding.
    return float(max(0.0, min(share, centre - reach))), float(min(1.0, max(share, centre + reach)))


def calibration_bins(
    actual_binary: Any,
    p: Any,
    bins: int = 10,
    *,
    confidence: float = 0.95,
    weights: Any = None,
) -> list[Bin]:
    """Return bins of about equally many rows, in ascending order of the predicted probability.

    Rows of equal probability share a bin, so there may be fewer bins than asked for.

    Parameters
    ----------
    actual_binary : array of shape (n,)
        Whether the event happened (bool, or 0 and 1).
    p : array of shape (n,)
        Its predicted probability.
    bins : int
        The most bins.
    confidence : float
        Coverage of Wilson's interval around the observed share.
    weights : array of shape (n,), optional
        How much each row counts. The interval then rests on Kish's (1965) effective number
        of rows.
    """
    happened = np.asarray(actual_binary, dtype=np.float64)
    p = np.asarray(p, dtype=np.float64)
    counted = np.ones(len(p)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not len(p):
        return []
    place = _places(p, bins)
    result = []
    for index in np.unique(place):
        inside = place == index
        weight = counted[inside]
        total = float(weight.sum())
        if not total:
            continue
        effective = total**2 / float(np.sum(weight * weight))
        observed = float(np.sum(weight * happened[inside])) / total
        low, high = wilson(observed * effective, effective, confidence)
        result.append(
            Bin(
                predicted=float(np.sum(weight * p[inside])) / total,
                observed=observed,
                low=low,
                high=high,
                rows=int(inside.sum()),
            )
        )
    return result


def calibration_error(actual_binary: Any, p: Any, bins: int = 10, *, weights: Any = None) -> float:
    """Return the expected calibration error: the mean distance of predicted and observed share.

    Over the bins of `calibration_bins`, weighted by rows; 0 is perfect, and small samples
    are above 0 by chance alone. Source: Naeini, Cooper and Hauskrecht (2015).
    """
    happened = np.asarray(actual_binary, dtype=np.float64)
    p = np.asarray(p, dtype=np.float64)
    counted = np.ones(len(p)) if weights is None else np.asarray(weights, dtype=np.float64)
    total = counted.sum()
    if not len(p) or not total:
        return 0.0
    # A bin's share of rows times the distance of its means is the sum of its differences.
    gaps = np.bincount(_places(p, bins), counted * (p - happened))
    return float(np.abs(gaps).sum() / total)


def _places(p: np.ndarray, bins: int) -> np.ndarray:
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1], method="lower"))
    return np.searchsorted(edges, p, side="left")
