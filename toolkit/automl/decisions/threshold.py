"""The threshold: where acting on a row begins to pay, or as far as a limit allows."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from toolkit import formats, metrics
from toolkit.artifacts import CurvePoint
from toolkit.project.criteria import Costs

_GRID = 101
_FEW = 30
"""A precision of fewer flagged rows is mostly noise."""
_RULE = re.compile(r"(precision|recall|flagged) (>=|<=) (\S+)")


@dataclass(frozen=True)
class ThresholdChoice:
    """A threshold, and why it is that.

    Attributes
    ----------
    threshold : float
        A row is positive at or above it.
    rule : str
        In words, with the numbers.
    curve : list of CurvePoint
        Cost and rates at thresholds from 0 to 1.
    missed : str
        The limit that no threshold keeps; empty if one does.
    weak : str
        Why the rule may be missed on other rows; empty if it should hold.
    """

    threshold: float
    rule: str
    curve: list[CurvePoint]
    missed: str = ""
    weak: str = ""


class _Cuts:
    """Every way to flag the rows of highest probability; equal ones are flagged together."""

    def __init__(
        self, p: np.ndarray, positive: np.ndarray, costs: Costs, weights: np.ndarray | None
    ) -> None:
        counted = np.ones(len(p)) if weights is None else np.asarray(weights, dtype=np.float64)
        order = np.argsort(-p, kind="stable")
        ordered = p[order]
        # Flagging the first m rows: m = 0 is nobody.
        cuts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1], True])
        self.hits = np.r_[0.0, np.cumsum((counted * positive)[order])][cuts]
        self.flagged = np.r_[0.0, np.cumsum(counted[order])][cuts]
        self.positives, self.total = float(self.hits[-1]), float(self.flagged[-1])
        self.costs = mean_cost(self.hits, self.flagged, self.positives, self.total, costs)
        if len(p) and ordered[0] >= 1:
            self.costs[0] = np.inf  # no threshold up to 1 leaves out a row that is sure
        self.high = np.r_[1.0, ordered[cuts[1:] - 1]]  # flags these rows: low < t <= high
        self.low = np.r_[ordered[cuts[:-1]], 0.0] if len(p) else np.array([0.0])

    def quantity(self, name: str) -> np.ndarray:
        """Return precision, recall or flagged share of each cut; NaN where not defined."""
        above, below = {
            "precision": (self.hits, self.flagged),
            "recall": (self.hits, np.full(len(self.hits), self.positives)),
            "flagged": (self.flagged, np.full(len(self.hits), self.total)),
        }[name]
        return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)

    def cheapest(self, allowed: np.ndarray, implied: float) -> tuple[float, int]:
        """Return the threshold of least cost among some cuts, and its cut.

        Between two neighbouring probabilities every threshold decides alike. Of the
        stretches that cost least, the one nearest to the threshold that the costs imply is
        taken; within it that threshold itself if it lies there, else the middle.
        """
        least = self.costs[allowed].min()
        best, found = None, -1
        for index in np.flatnonzero(allowed & (self.costs <= least + 1e-12)):
            inside = self.low[index] < implied <= self.high[index]
            threshold = implied if inside else float((self.low[index] + self.high[index]) / 2)
            if best is None or abs(threshold - implied) < abs(best - implied):
                best, found = threshold, int(index)
        assert best is not None
        return best, found


def by_cost(
    p: np.ndarray, positive: np.ndarray, costs: Costs, weights: np.ndarray | None = None
) -> ThresholdChoice:
    """Return the threshold of the least mean cost on these rows.

    Parameters
    ----------
    p : array of shape (n,)
        Calibrated probability of the positive class, not fitted on the row itself.
    positive : array of bool, shape (n,)
        What happened.
    costs : Costs
        The project's section.
    weights : array of shape (n,), optional
        How much each row counts.
    """
    implied = metrics.cost_threshold(costs)
    cuts = _Cuts(p, positive, costs, weights)
    best, place = cuts.cheapest(np.ones(len(cuts.costs), dtype=bool), implied)
    rule = (
        f"least mean cost on {len(p):,} out-of-fold rows: {formats.number(cuts.costs[place], 4)}"
        f" a row"
        f" (the costs alone imply {formats.number(implied)})"
    )
    return ThresholdChoice(best, rule, curve(p, positive, costs, best, weights))


def by_rule(
    rule: str,
    p: np.ndarray,
    positive: np.ndarray,
    costs: Costs,
    weights: np.ndarray | None = None,
) -> ThresholdChoice:
    """Return the cheapest threshold that keeps to a limit on these rows.

    Where none does, the one that comes nearest, with a word on what was missed. With nobody
    flagged there is no precision, so that a limit on it is not kept.

    Parameters
    ----------
    rule : str
        Such as ``precision >= 0.9``, ``recall >= 0.8`` or ``flagged <= 0.1``.
    p, positive, costs, weights
        As for `by_cost`.
    """
    found = _RULE.fullmatch(rule)
    if found is None:
        raise ValueError(f"no such rule: {rule}")
    name, sign, limit = found[1], found[2], float(found[3])
    implied = metrics.cost_threshold(costs)
    cuts = _Cuts(p, positive, costs, weights)
    value = cuts.quantity(name)
    # How far each cut falls short of the limit.
    short = limit - value if sign == ">=" else value - limit
    short = np.where(np.isnan(short) | np.isinf(cuts.costs), np.inf, short)
    kept = short <= 1e-12
    missed = ""
    if not kept.any():
        kept = short <= short.min() + 1e-12
        best_value = value[int(np.argmin(short))]
        missed = (
            f"no threshold gives {rule} on these rows; the nearest is {formats.number(best_value)}"
        )
        if np.isnan(best_value):
            missed = f"{name} is not defined on these rows"
    best, place = cuts.cheapest(kept, implied)
    rows = int((p >= best).sum())
    weak = ""
    if not missed and name == "precision" and rows < _FEW:
        weak = f"{rule} rests on {rows} flagged rows only"
    reached = " and ".join(
        f"{other} {formats.number(cuts.quantity(other)[place])}"
        for other in ("precision", "recall", "flagged")
    )
    words = (
        f"{rule} at the least mean cost on {len(p):,} out-of-fold rows: {reached},"
        f" {formats.number(cuts.costs[place], 4)} a row"
    )
    return ThresholdChoice(best, words, curve(p, positive, costs, best, weights), missed, weak)


def curve(
    p: np.ndarray,
    positive: np.ndarray,
    costs: Costs,
    chosen: float,
    weights: np.ndarray | None = None,
) -> list[CurvePoint]:
    """Return what thresholds from 0 to 1, and the chosen one, would bring on these rows."""
    counted = np.ones(len(p)) if weights is None else np.asarray(weights, dtype=np.float64)
    positives, total = float(np.sum(counted * positive)), float(counted.sum())
    points = []
    for threshold in sorted({*np.linspace(0, 1, _GRID).round(4).tolist(), chosen}):
        act = counted * (p >= threshold)
        hits, flagged = float(np.sum(act * positive)), float(act.sum())
        points.append(
            CurvePoint(
                threshold=threshold,
                cost=float(mean_cost(hits, flagged, positives, total, costs)),
                precision=hits / flagged if flagged else None,
                recall=hits / positives if positives else None,
                flagged=flagged / total if total else 0.0,
            )
        )
    return points


def mean_cost(
    hits: np.ndarray | float,
    flagged: np.ndarray | float,
    positives: float,
    total: float,
    costs: Costs,
) -> np.ndarray:
    """Return the mean cost a row of flagging so much, of which so much is positive."""
    wrong = np.asarray(flagged) - hits
    missed = positives - np.asarray(hits)
    left_alone = total - positives - wrong
    cost = (
        wrong * costs.false_positive
        + missed * costs.false_negative
        + np.asarray(hits) * costs.true_positive
        + left_alone * costs.true_negative
    )
    return np.asarray(cost / (total or 1.0))
