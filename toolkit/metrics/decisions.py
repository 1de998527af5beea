"""From scores to decisions, and what decisions cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.errors import ProjectError
from toolkit.metrics.base import Context
from toolkit.project.criteria import Costs
from toolkit.table.cells import values

if TYPE_CHECKING:
    from toolkit.table import Predictor

_MEDIAN_METRICS = ("mae", "median_absolute_error")
_DECISION_METRICS = ("accuracy", "balanced_accuracy", "f1", "f1_macro", "expected_cost")


def cost_threshold(costs: Costs) -> float:
    """Return the threshold that costs imply for calibrated probabilities.

    Acting at probability p pays when p (FN - TP) >= (1 - p) (FP - TN) (Elkan 2001, "The
    Foundations of Cost-Sensitive Learning"). Where neither error costs anything, 0.5.

    Raises
    ------
    ProjectError
        When right decisions cost more than wrong ones.
    """
    acting_wrongly = costs.false_positive - costs.true_negative
    missing = costs.false_negative - costs.true_positive
    total = acting_wrongly + missing
    if acting_wrongly == 0 and missing == 0:
        return 0.5
    if total <= 0:
        raise ProjectError(
            "right decisions cost more than wrong ones",
            where="costs",
            expected="false_positive + false_negative above true_positive + true_negative",
            remedy="Enter a gain as a negative cost",
        )
    return float(min(max(acting_wrongly / total, 0.0), 1.0))


def cost_matrix(context: Context) -> np.ndarray:
    """Return costs of shape (actual class, predicted class), in the order of the classes."""
    costs, classes = context.costs, context.classes
    if context.task == "binary":
        return np.array(
            [
                [costs.true_negative, costs.false_positive],
                [costs.false_negative, costs.true_positive],
            ],
            dtype=np.float64,
        )
    return np.array(
        [
            [costs.matrix.get(a, {}).get(p, 0.0 if a == p else 1.0) for p in classes]
            for a in classes
        ],
        dtype=np.float64,
    ).reshape(len(classes), len(classes))


def threshold_of(context: Context) -> float:
    """Return the threshold in use: the context's own, or what the costs imply."""
    return cost_threshold(context.costs) if context.threshold is None else context.threshold


def context_of(model: Predictor) -> Context:
    """Return what decides on a model's scores: its classes, threshold and costs."""
    costs = getattr(model, "costs", None) or Costs()
    return Context(model.task, list(model.classes), model.threshold, costs)


def decide_codes(scores: np.ndarray, context: Context) -> np.ndarray:
    """Return the position of the decided class for each row of (n, k) scores."""
    if context.task == "binary":
        return (scores[:, 1] >= threshold_of(context)).astype(np.int64)
    if context.costs.matrix:
        return np.argmin(scores @ cost_matrix(context), axis=1)
    return np.argmax(scores, axis=1)


def decide(scores: Any, context: Context) -> np.ndarray:
    """Return a label for each row (or the values themselves for regression).

    Binary: positive at or above the threshold. Multiclass: the class of least expected cost
    if a cost matrix is given, else the most probable one; the first of equals.

    Parameters
    ----------
    scores : array of shape (n, k) or (n,)
        Probabilities in the order of ``context.classes``, or values.
    context : Context
        The task, its classes, threshold and costs.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if context.task == "regression":
        return scores
    if context.task == "binary" and scores.ndim == 1:
        scores = np.column_stack([1 - scores, scores])
    return np.array(context.classes, dtype=object)[decide_codes(scores, context)]


def label_values(classes: list[str]) -> np.ndarray:
    """Return the names of classes in the type that pandas gives a column of them."""
    if set(classes) <= {"True", "False"}:
        return np.array([name == "True" for name in classes])
    for kind in (np.int64, np.float64):
        try:
            typed = np.array(classes, dtype=object).astype(kind)
        except (ValueError, OverflowError):
            continue
        if np.isfinite(typed).all() and [values.cell_text(v) for v in typed.tolist()] == classes:
            return typed
    return np.array(classes, dtype=object)


def class_codes(actual: Any, classes: list[str]) -> np.ndarray:
    """Return each label's position among the classes, -1 for a label that is none of them.

    Labels are text; an array of integers holds positions already.
    """
    import pandas as pd

    known = np.asarray(actual)
    if known.dtype.kind in "iu":
        return known.astype(np.int64, copy=False)
    return pd.Index(classes, dtype=object).get_indexer(pd.Index(known, dtype=object))


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
        if metric in _MEDIAN_METRICS:
            return np.full(n, weighted_median(values, counted))
        return np.full(n, float(np.average(values, weights=counted)))
    shares = class_shares(train_target, context, counted)
    if metric not in _DECISION_METRICS:
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


def median_of_sorted(ordered: np.ndarray, weights: np.ndarray) -> float:
    """Return the weighted median of values in ascending order."""
    cumulated = np.cumsum(weights)
    half, last = cumulated[-1] / 2, len(ordered) - 1
    low = np.searchsorted(cumulated, half, side="left")
    high = np.searchsorted(cumulated, half, side="right")
    return float((ordered[min(low, last)] + ordered[min(high, last)]) / 2)
