"""A threshold for each group: where it lies, and how it decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from toolkit.metrics import COMPARED


def decide_by_group(
    scores: Any, groups: Any, thresholds: Mapping[str, float], fallback: float
) -> np.ndarray:
    """Return whether each row is decided positive under thresholds by group.

    Parameters
    ----------
    scores : array of float, shape (n,)
        Probabilities of the positive class.
    groups : array of str, shape (n,)
        Each row's group, spelt as in ``thresholds``.
    thresholds : mapping of str to float
        By group: positive at or above it.
    fallback : float
        The threshold of rows whose group is not among them.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    scores = np.asarray(scores, dtype=np.float64)
    names, codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    limits = np.array([thresholds.get(str(name), fallback) for name in names], dtype=np.float64)
    decided: np.ndarray = scores >= (limits[codes] if len(names) else fallback)
    return decided


def group_thresholds(
    metric: str,
    scores: np.ndarray,
    actual: np.ndarray,
    groups: np.ndarray,
    *,
    threshold: float,
    strength: float,
    minimum: int = 1,
) -> dict[int, float]:
    """Return a threshold for each group that brings the groups' rates together.

    Each group is to have the rates that ``metric`` compares at a point between its own at the
    one threshold (``strength`` 0) and those of all rows together at the one threshold
    (``strength`` 1). Of all thresholds between two scores of the group, it gets the one whose
    rate is furthest off by the least; of equals, the one nearest to the one threshold. After
    Hardt, Price and Srebro (2016), "Equality of opportunity in supervised learning", without
    their randomising: two people alike are decided alike, and rates meet but for ties and for
    the size of one row. Equalized odds compare two rates, which one threshold cannot both meet.

    Parameters
    ----------
    metric : str
        One of `toolkit.project.model.FairnessMetric`, but not ``none``.
    scores : ndarray of float, shape (n,)
        Probabilities of the positive class.
    actual : ndarray of bool, shape (n,)
        Whether a row is positive.
    groups : ndarray of int64, shape (n,)
        Each row's group; -1 leaves it out.
    threshold : float
        The one threshold, without mitigation.
    strength : float
        From 0 to 1.
    minimum : int
        A threshold at which a rate is over fewer of the group's rows is not taken.

    Returns
    -------
    dict of int to float
        Groups whose rates are not defined, for want of positives or of flagged rows, keep the
        one threshold.
    """
    inside = groups >= 0
    everyone = _rates(metric, scores[inside], actual[inside], np.array([threshold]))[:, 0]
    found = {}
    for group in np.unique(groups[inside]).tolist():
        mine = groups == group
        levels = np.unique(scores[mine])
        # Below every score, between each two, above all, and where the threshold is now.
        above = np.nextafter(levels[-1], np.inf)
        places = np.r_[threshold, levels[0], (levels[:-1] + levels[1:]) / 2, above]
        rates = _rates(metric, scores[mine], actual[mine], places, minimum)
        wanted = (1 - strength) * rates[:, 0] + strength * everyone
        off = np.abs(rates - wanted[:, None]).max(axis=0)
        if not np.isfinite(off).any():
            found[group] = threshold
            continue
        off = np.where(np.isfinite(off), np.round(off, 12), np.inf)
        best = np.lexsort((np.abs(places - threshold), off))[0]
        found[group] = float(places[best])
    return found


def _rates(
    metric: str,
    scores: np.ndarray,
    actual: np.ndarray,
    thresholds: np.ndarray,
    minimum: int = 1,
) -> np.ndarray:
    """Return the compared rates at each threshold, NaN where undefined; (rates, thresholds)."""
    yes, no = np.sort(scores[actual]), np.sort(scores[~actual])
    hits = len(yes) - np.searchsorted(yes, thresholds)
    alarms = len(no) - np.searchsorted(no, thresholds)
    counts: dict[str, tuple[Any, Any]] = {
        "selection_rate": (hits + alarms, len(scores)),
        "true_positive_rate": (hits, len(yes)),
        "false_positive_rate": (alarms, len(no)),
        "precision": (hits, hits + alarms),
        "error": (len(yes) - hits + alarms, len(scores)),
    }
    found = []
    for rate in COMPARED[metric]:
        count, base = (np.asarray(x, dtype=np.float64) for x in counts[rate])
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append(np.where(base >= minimum, count / base, np.nan))
    return np.array(found)
