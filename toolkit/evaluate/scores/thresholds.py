"""Decisions and cost of the test rows at any threshold and any costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics
from toolkit.artifacts import CurvePoint, Interval, TestPredictions
from toolkit.metrics import Context
from toolkit.project.criteria import Costs

if TYPE_CHECKING:
    from toolkit.run.stage import Stage


@dataclass(frozen=True)
class ThresholdEffect:
    """The test rows at one threshold.

    Attributes
    ----------
    hits, wrong, missed, left : int
        Positives found, negatives flagged, positives missed, negatives left alone.
    cost : float
        Mean cost a row.
    recall, precision, false_positive_rate : Interval
        With Wilson's intervals; undefined where no row counts.
    flagged : float
        Share of rows at or above the threshold.
    """

    hits: int
    wrong: int
    missed: int
    left: int
    cost: float
    recall: Interval
    precision: Interval
    false_positive_rate: Interval
    flagged: float


@dataclass(frozen=True)
class Thresholds:
    """The test rows of two classes; call it with a threshold and costs.

    Attributes
    ----------
    negative, positive : str
        The classes.
    p : ndarray, shape (n,)
        Probability of the positive class, in rising order.
    above : ndarray of int, shape (n + 1,)
        Positives from each place on.
    confidence : float
        Of the intervals.
    """

    negative: str
    positive: str
    p: np.ndarray
    above: np.ndarray
    confidence: float = 0.95

    def __call__(self, threshold: float, costs: Costs) -> ThresholdEffect:
        """Return what the test rows come to at a threshold; each row counts alike."""
        n, positives = len(self.p), int(self.above[0])
        place = int(np.searchsorted(self.p, threshold, side="left"))
        flagged, hits = n - place, int(self.above[place])
        wrong, missed = flagged - hits, positives - hits
        left = n - positives - wrong
        matrix = metrics.cost_matrix(Context("binary", [self.negative, self.positive], None, costs))
        paid = left * matrix[0, 0] + wrong * matrix[0, 1] + missed * matrix[1, 0]
        return ThresholdEffect(
            hits=hits,
            wrong=wrong,
            missed=missed,
            left=left,
            cost=float(paid + hits * matrix[1, 1]) / n,
            recall=self._rate(hits, positives),
            precision=self._rate(hits, flagged),
            false_positive_rate=self._rate(wrong, n - positives),
            flagged=flagged / n,
        )

    def recost(self, curve: Sequence[CurvePoint], costs: Costs) -> list[CurvePoint]:
        """Return a threshold curve as it would be with other costs.

        Parameters
        ----------
        curve : sequence of CurvePoint
            From a threshold of 0, at which all rows are flagged, upward.
        costs : Costs
            What each error costs.
        """
        start = min(curve, key=lambda point: point.threshold, default=None)
        if start is None:
            return []
        positives = start.precision or 0.0  # of all rows: everybody is flagged at 0
        found = []
        for point in curve:
            hits = (point.precision or 0.0) * point.flagged
            wrong, missed = point.flagged - hits, positives - hits
            cost = (
                wrong * costs.false_positive
                + missed * costs.false_negative
                + hits * costs.true_positive
                + (1 - positives - wrong) * costs.true_negative
            )
            found.append(point.model_copy(update={"cost": float(cost)}))
        return found

    def _rate(self, found: int, rows: int) -> Interval:
        if not rows:
            return Interval(value=None)
        low, high = metrics.wilson(found, rows, self.confidence)
        return Interval(value=found / rows, low=low, high=high)


def thresholds(stage: Stage) -> Thresholds | None:
    """Return the test rows ready for thresholds to be tried on; None unless there are two classes.

    Parameters
    ----------
    stage : Stage
        Open, after `toolkit.evaluate.evaluate`.

    Raises
    ------
    MissingArtifact
        Where nothing was evaluated yet.
    """
    project = stage.project
    if project.target.task != "binary":
        return None
    frame = stage.read(TestPredictions).frame
    positive = str(project.target.positive)
    classes = [str(name)[2:] for name in frame.columns if str(name).startswith("p:")]
    negative = next(name for name in classes if name != positive)
    p = frame[f"p:{positive}"].to_numpy(dtype=np.float64)
    order = np.argsort(p, kind="stable")
    actual = (frame["actual"].astype(str) == positive).to_numpy()[order]
    above = np.r_[np.cumsum(actual[::-1])[::-1], 0].astype(np.int64)
    return Thresholds(negative, positive, p[order], above, project.explain.confidence)
