"""The threshold: where acting on a row begins to pay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toolkit import metrics
from toolkit.artifacts import CurvePoint
from toolkit.project.model import Costs

_GRID = 101


@dataclass(frozen=True)
class Chosen:
    """A threshold, and why it is that."""

    threshold: float
    rule: str
    curve: list[CurvePoint]


def by_cost(p: np.ndarray, positive: np.ndarray, costs: Costs) -> Chosen:
    """Return the threshold of the least mean cost on these rows.

    Between two neighbouring probabilities every threshold decides alike. Of the stretches
    that cost least, the one nearest to the threshold that the costs imply is taken; within
    it that implied threshold itself if it lies there, else the middle.

    Parameters
    ----------
    p : array of shape (n,)
        Calibrated probability of the positive class, not fitted on the row itself.
    positive : array of bool, shape (n,)
        What happened.
    costs : Costs
        The project's section.
    """
    implied = metrics.cost_threshold(costs)
    order = np.argsort(-p, kind="stable")
    ordered = p[order]
    # Flagging the first m rows: m = 0 is nobody. Equal probabilities are flagged together.
    cuts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1], True])
    hits = np.r_[0, np.cumsum(positive[order])][cuts]
    flagged = cuts.astype(float)
    mean_cost = _mean_cost(hits, flagged, positive.sum(), len(p), costs)
    if len(p) and ordered[0] >= 1:
        mean_cost[0] = np.inf  # no threshold up to 1 leaves out a row that is sure
    least = mean_cost.min()
    high = np.r_[1.0, ordered[cuts[1:] - 1]]  # flags exactly these rows: low < t <= high
    low = np.r_[ordered[cuts[:-1]], 0.0] if len(p) else np.array([0.0])
    best = None
    for index in np.flatnonzero(mean_cost <= least + 1e-12):
        inside = low[index] < implied <= high[index]
        middle = (low[index] + high[index]) / 2
        threshold = implied if inside else float(middle)
        if best is None or abs(threshold - implied) < abs(best - implied):
            best = threshold
    assert best is not None
    rule = (
        f"least mean cost on {len(p)} validation rows: {least:.4g} a row"
        f" (the costs alone imply {implied:.3g})"
    )
    return Chosen(best, rule, curve(p, positive, costs, best))


def curve(p: np.ndarray, positive: np.ndarray, costs: Costs, chosen: float) -> list[CurvePoint]:
    """Return what thresholds from 0 to 1, and the chosen one, would bring on these rows."""
    points = []
    for threshold in sorted({*np.linspace(0, 1, _GRID).round(4).tolist(), chosen}):
        act = p >= threshold
        hits, flagged = float((act & positive).sum()), float(act.sum())
        points.append(
            CurvePoint(
                threshold=threshold,
                cost=float(_mean_cost(hits, flagged, positive.sum(), len(p), costs)),
                precision=hits / flagged if flagged else None,
                recall=hits / float(positive.sum()) if positive.any() else None,
                flagged=flagged / len(p) if len(p) else 0.0,
            )
        )
    return points


def _mean_cost(
    hits: np.ndarray | float,
    flagged: np.ndarray | float,
    positives: float,
    rows: int,
    costs: Costs,
) -> np.ndarray:
    wrong = np.asarray(flagged) - hits
    missed = positives - np.asarray(hits)
    left_alone = rows - positives - wrong
    total = (
        wrong * costs.false_positive
        + missed * costs.false_negative
        + np.asarray(hits) * costs.true_positive
        + left_alone * costs.true_negative
    )
    return np.asarray(total / max(rows, 1))
