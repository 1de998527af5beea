"""The best constant guess of each metric: what a model has to be better than."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.metrics.base import Context
from toolkit.metrics.decisions import class_codes, cost_matrix, median_of_sorted
from toolkit.metrics.scores import get


def constant_scores(
    train_target: Any,
    n: int,
    context: Context,
    *,
    metric: str | None = None,
    weights: Any = None,
) -> np.ndarray:
    """Return the scores of the best constant guess that the training rows suggest.

    Parameters
    ----------
    train_target : array
        Labels or numbers; missing ones are left out.
    n : int
        How many rows to score.
    context : Context
        The task and its classes.
    metric : str, optional
        What the guess is to be good at: the mean of numbers, or their median for a metric of
        absolute errors; the classes' shares for probabilities; for decisions the one class
        that is best for all rows alike, as in `constant_class`.
    weights : array, optional
        How much each training row counts.

    Returns
    -------
    numpy.ndarray
        (n, k), or (n,) numbers. For decisions that a threshold or a cost matrix would not make
        of any probabilities, rows are sure of their class beyond 0 and 1.
    """
    counted = np.ones(len(train_target)) if weights is None else np.asarray(weights, dtype=float)
    if context.task == "regression":
        values = np.asarray(train_target, dtype=np.float64)
        known = ~np.isnan(values)
        values, counted = values[known], counted[known]
        if not len(values):
            return np.zeros(n)
        if metric is not None and get(metric).least_at_median:
            return np.full(n, weighted_median(values, counted))
        return np.full(n, float(np.average(values, weights=counted)))
    shares = class_shares(train_target, context, counted)
    if metric is None or not get(metric).of_decisions:
        return np.tile(shares, (n, 1))
    chosen = constant_class(shares, context, metric)
    sure = np.where(np.arange(len(shares)) == chosen, 2.0, -1.0)
    if context.task == "multiclass" and context.costs.matrix:
        sure = _deciding(chosen, shares, cost_matrix(context))
    return np.tile(sure, (n, 1))


def class_shares(target: Any, context: Context, counted: np.ndarray) -> np.ndarray:
    """Return the (weighted) shares of the classes; all alike where no row is known."""
    codes = class_codes(target, context.classes)
    known = codes >= 0
    counts = np.bincount(codes[known], counted[known], minlength=len(context.classes))
    total = counts.sum()
    return counts / total if total else np.full(len(counts), 1 / max(len(counts), 1))


def constant_class(shares: np.ndarray, context: Context, metric: str | None) -> int:
    """Return the position of the class that is best to decide for all rows alike.

    By cost the cheapest; by F1 of two classes the positive one, as the other has no hit;
    else the most frequent. The first of equals.
    """
    if metric == "expected_cost":
        return int(np.argmin(shares @ cost_matrix(context)))
    if metric == "f1":
        return len(shares) - 1
    return int(np.argmax(shares))


def _deciding(chosen: int, shares: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return scores by which a cost matrix decides for a class, whatever its costs."""
    if int(np.argmin(shares @ matrix)) == chosen:
        return shares
    # Costs of deciding, as the scores see them: lowest for the class by least squares.
    wanted = np.where(np.arange(len(shares)) == chosen, -1.0, 1.0)
    found: np.ndarray = np.linalg.lstsq(matrix.T, wanted, rcond=None)[0]
    return found if int(np.argmin(found @ matrix)) == chosen else np.eye(len(shares))[chosen]


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the value that half of the weight lies below; the mean of two middle ones."""
    order = np.argsort(values, kind="stable")
    return median_of_sorted(values[order], weights[order])
