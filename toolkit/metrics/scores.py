"""The metrics, each prepared once and then a cheap function of row weights.

A bootstrap resample is a weight a row (how often it was drawn), so that sorting and coding
of labels is not repeated. The values equal scikit-learn's of the same name.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from toolkit.metrics.base import Context, Metric, Statistic
from toolkit.metrics.decisions import (
    class_codes,
    cost_matrix,
    decide_codes,
    median_of_sorted,
)

_SMALLEST = 1e-15  # a probability of 0 for what happened would make the loss infinite


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    # Not `a @ b`: BLAS spreads it over threads, which wait for each other on a busy machine,
    # and whose number shows in the last digits.
    return float(np.einsum("i,i->", a, b))


def _mean(losses: np.ndarray) -> Statistic:
    def mean(weights: np.ndarray) -> float | None:
        total = float(weights.sum())
        return _dot(weights, losses) / total if total > 0 else None  # no row that counts

    return mean


def _coded(
    actual: np.ndarray, scores: np.ndarray, context: Context
) -> tuple[np.ndarray, np.ndarray, int]:
    # A label that training never saw becomes a further class of probability 0.
    codes = class_codes(actual, context.classes)
    classes = scores.shape[1]
    if (codes < 0).any():
        codes = np.where(codes < 0, classes, codes)
        scores = np.column_stack([scores, np.zeros(len(scores))])
    return codes, scores, scores.shape[1]


def _log_loss(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    codes, scores, _ = _coded(actual, scores, context)
    probability = scores[np.arange(len(codes)), codes]
    return _mean(-np.log(np.clip(probability, _SMALLEST, 1.0)))


def _brier(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    codes, scores, classes = _coded(actual, scores, context)
    if context.task == "binary":
        return _mean((scores[:, 1] - (codes == 1)) ** 2)
    return _mean(((scores - np.eye(classes)[codes]) ** 2).sum(axis=1))


def _accuracy(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    codes = class_codes(actual, context.classes)
    return _mean((decide_codes(scores, context) == codes).astype(np.float64))


def _expected_cost(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    return _mean(cost_by_row(actual, scores, context))


def cost_by_row(actual: np.ndarray, scores: np.ndarray, context: Context) -> np.ndarray:
    """Return what the decision on each row costs; a label that is no class costs 1."""
    codes = class_codes(actual, context.classes)
    matrix = np.vstack([cost_matrix(context), np.ones(len(context.classes))])
    return matrix[codes, decide_codes(scores, context)]


def _confusion(
    actual: np.ndarray, scores: np.ndarray, context: Context
) -> Callable[[np.ndarray], np.ndarray]:
    codes, _, classes = _coded(actual, scores, context)
    cells = codes * classes + decide_codes(scores, context)

    def table(weights: np.ndarray) -> np.ndarray:
        return np.bincount(cells, weights, classes * classes).reshape(classes, classes)

    return table


def _f1(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    table = _confusion(actual, scores, context)

    def value(weights: np.ndarray) -> float | None:
        counts = table(weights)
        hits, missed, wrong = counts[1, 1], counts[1, 0], counts[0, 1]
        return float(2 * hits / (2 * hits + missed + wrong)) if hits + missed else None

    return value


def _f1_macro(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    table = _confusion(actual, scores, context)

    def value(weights: np.ndarray) -> float | None:
        counts = table(weights)
        rows, columns = counts.sum(axis=1), counts.sum(axis=0)
        if (rows > 0).sum() < 2:
            return None
        seen = rows + columns > 0
        return float(np.mean(2 * np.diag(counts)[seen] / (rows + columns)[seen]))

    return value


def _balanced_accuracy(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    table = _confusion(actual, scores, context)

    def value(weights: np.ndarray) -> float | None:
        counts = table(weights)
        rows = counts.sum(axis=1)
        seen = rows > 0
        return float(np.mean(np.diag(counts)[seen] / rows[seen])) if seen.sum() > 1 else None

    return value


def _ranked(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Rows in ascending order of score, and where each run of equal scores starts.
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return order, starts, positive[order].astype(np.float64)


def rank_auc(positive: np.ndarray, score: np.ndarray) -> Statistic:
    """Return the area under the ROC curve as a function of row weights.

    Mann and Whitney's statistic: the share of pairs of a positive and a negative row in the
    right order, ties by half.
    """
    order, starts, hits = _ranked(positive, score)

    def value(weights: np.ndarray) -> float | None:
        ordered = weights[order]
        positives = ordered * hits
        negatives = ordered - positives
        if len(starts) < len(order):
            positives = np.add.reduceat(positives, starts)
            negatives = np.add.reduceat(negatives, starts)
        pairs = float(positives.sum() * negatives.sum())
        below = np.cumsum(negatives) - negatives / 2
        return _dot(positives, below) / pairs if pairs else None

    return value


def _roc_auc(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    return rank_auc(class_codes(actual, context.classes) == 1, scores[:, 1])


def _roc_auc_ovr(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    codes = class_codes(actual, context.classes)
    each = [
        rank_auc(codes == k, scores[:, k]) for k in range(scores.shape[1]) if (codes == k).any()
    ]

    def value(weights: np.ndarray) -> float | None:
        known = [auc for statistic in each if (auc := statistic(weights)) is not None]
        return float(np.mean(known)) if known else None

    return value


def _average_precision(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    positive = class_codes(actual, context.classes) == 1
    order, starts, hits = _ranked(positive, -scores[:, 1])

    def value(weights: np.ndarray) -> float | None:
        ordered = weights[order]
        positives = ordered * hits
        if len(starts) < len(order):
            positives = np.add.reduceat(positives, starts)
            ordered = np.add.reduceat(ordered, starts)
        flagged = np.cumsum(ordered)
        total = positives.sum()
        if total == 0 or total == flagged[-1]:
            return None
        precision = np.divide(
            np.cumsum(positives), flagged, out=np.zeros_like(flagged), where=flagged > 0
        )
        return _dot(precision, positives) / float(total)

    return value


def _errors(actual: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return np.asarray(actual, dtype=np.float64) - scores.reshape(len(scores))


def _rmse(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    mean = _mean(_errors(actual, scores) ** 2)

    def root(weights: np.ndarray) -> float | None:
        square = mean(weights)
        return None if square is None else float(np.sqrt(square))

    return root


def _mae(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    return _mean(np.abs(_errors(actual, scores)))


def _r2(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    values = np.asarray(actual, dtype=np.float64)
    squares = _errors(actual, scores) ** 2

    def value(weights: np.ndarray) -> float | None:
        spread = _dot(weights, (values - _dot(weights, values) / weights.sum()) ** 2)
        return 1 - _dot(weights, squares) / spread if spread > 0 else None

    return value


def _median_absolute_error(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    sizes = np.abs(_errors(actual, scores))
    order = np.argsort(sizes, kind="stable")
    ordered = sizes[order]

    return lambda weights: median_of_sorted(ordered, weights[order])


METRICS = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", "ROC AUC", True, "", _roc_auc),
        Metric("average_precision", "Average precision", True, "", _average_precision),
        Metric("log_loss", "Log loss", False, "nats", _log_loss),
        Metric("brier", "Brier score", False, "", _brier),
        Metric("f1", "F1", True, "", _f1),
        Metric("balanced_accuracy", "Balanced accuracy", True, "", _balanced_accuracy),
        Metric("accuracy", "Accuracy", True, "", _accuracy),
        Metric("expected_cost", "Mean cost a row", False, "cost", _expected_cost),
        Metric("f1_macro", "F1 (mean over classes)", True, "", _f1_macro),
        Metric("roc_auc_ovr", "ROC AUC (one against the rest)", True, "", _roc_auc_ovr),
        Metric("rmse", "Root mean squared error", False, "target", _rmse),
        Metric("mae", "Mean absolute error", False, "target", _mae),
        Metric("r2", "R²", True, "", _r2),
        Metric(
            "median_absolute_error", "Median absolute error", False, "target",
            _median_absolute_error,
        ),
    )
}  # fmt: skip
