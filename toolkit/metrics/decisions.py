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


def median_of_sorted(ordered: np.ndarray, weights: np.ndarray) -> float:
    """Return the weighted median of values in ascending order."""
    cumulated = np.cumsum(weights)
    half, last = cumulated[-1] / 2, len(ordered) - 1
    low = np.searchsorted(cumulated, half, side="left")
    high = np.searchsorted(cumulated, half, side="right")
    return float((ordered[min(low, last)] + ordered[min(high, last)]) / 2)
