"""The metrics, each prepared once and then a cheap function of row weights.

A bootstrap resample is a weight a row (how often it was drawn), so that sorting and coding
of labels is not repeated. The values equal scikit-learn's of the same name.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from toolkit.errors import UsageError
from toolkit.metrics.base import Context, Metric, Statistic, Sums
from toolkit.metrics.decisions import (
    class_codes,
    cost_matrix,
    decide_codes,
    median_of_sorted,
)
from toolkit.metrics.rank_auc import MeanAuc, RankAuc, dot, ranked

_SMALLEST = 1e-15  # a probability of 0 for what happened would make the loss infinite


def mean(values: np.ndarray, *, root: bool = False) -> Sums:
    """Return the weighted mean of values, or its square root, as a statistic."""

    def finish(sums: np.ndarray) -> np.ndarray:
        total = np.where(sums[:, 1] > 0, sums[:, 1], np.nan)  # no row that counts
        found: np.ndarray = sums[:, 0] / total
        return np.sqrt(found) if root else found

    return Sums(np.column_stack([values, np.ones(len(values))]), finish)


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
    return mean(-np.log(np.clip(probability, _SMALLEST, 1.0)))


def _brier(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    codes, scores, classes = _coded(actual, scores, context)
    if context.task == "binary":
        return mean((scores[:, 1] - (codes == 1)) ** 2)
    return mean(((scores - np.eye(classes)[codes]) ** 2).sum(axis=1))


def _accuracy(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    codes = class_codes(actual, context.classes)
    return mean((decide_codes(scores, context) == codes).astype(np.float64))


def _expected_cost(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    return mean(cost_by_row(actual, scores, context))


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
    codes, _, _ = _coded(actual, scores, context)
    positive, decided = codes == 1, decide_codes(scores, context) == 1

    def finish(sums: np.ndarray) -> np.ndarray:
        hits, missed, wrong = sums.T
        defined = np.where(hits + missed > 0, 2 * hits + missed + wrong, np.nan)
        found: np.ndarray = 2 * hits / defined
        return found

    negative = (codes == 0) & decided
    return Sums(
        np.column_stack([positive & decided, positive & ~decided, negative]).astype(np.float64),
        finish,
    )


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
    codes, _, classes = _coded(actual, scores, context)
    own = np.eye(classes)[codes]
    right = own * (decide_codes(scores, context) == codes)[:, None]

    def finish(sums: np.ndarray) -> np.ndarray:
        rows, hits = sums[:, :classes], sums[:, classes:]
        seen = rows > 0
        recall = np.where(seen, hits / np.where(seen, rows, 1), 0.0)
        several = np.where(seen.sum(axis=1) > 1, seen.sum(axis=1), np.nan)
        found: np.ndarray = recall.sum(axis=1) / several
        return found

    return Sums(np.hstack([own, right]), finish)


def _roc_auc(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    return RankAuc(class_codes(actual, context.classes) == 1, scores[:, 1])


def _roc_auc_ovr(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    codes = class_codes(actual, context.classes)
    return MeanAuc(
        [RankAuc(codes == k, scores[:, k]) for k in range(scores.shape[1]) if (codes == k).any()]
    )


def _average_precision(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    positive = class_codes(actual, context.classes) == 1
    order, starts, hits = ranked(positive, -scores[:, 1])

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
        return dot(precision, positives) / float(total)

    return value


def _errors(actual: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return np.asarray(actual, dtype=np.float64) - scores.reshape(len(scores))


def _rmse(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    return mean(_errors(actual, scores) ** 2, root=True)


def _mae(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    return mean(np.abs(_errors(actual, scores)))


def _r2(actual: np.ndarray, scores: np.ndarray, context: Context) -> Statistic:
    values = np.asarray(actual, dtype=np.float64)
    squares = _errors(actual, scores) ** 2
    # About their mean: the squares of large numbers would leave no digits for their spread.
    values = values - values.mean()

    def finish(sums: np.ndarray) -> np.ndarray:
        missed, first, second, total = sums.T
        spread = second - first**2 / total
        found: np.ndarray = 1 - missed / np.where(spread > 1e-12 * second, spread, np.nan)
        return found

    return Sums(np.column_stack([squares, values, values**2, np.ones(len(values))]), finish)


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
        Metric("f1", "F1", True, "", _f1, of_decisions=True),
        Metric("balanced_accuracy", "Balanced accuracy", True, "", _balanced_accuracy,
               of_decisions=True),
        Metric("accuracy", "Accuracy", True, "", _accuracy, of_decisions=True),
        Metric("expected_cost", "Mean cost a row", False, "cost", _expected_cost,
               of_decisions=True),
        Metric("f1_macro", "F1 (mean over classes)", True, "", _f1_macro, of_decisions=True),
        Metric("roc_auc_ovr", "ROC AUC (one against the rest)", True, "", _roc_auc_ovr),
        Metric("rmse", "Root mean squared error", False, "target", _rmse),
        Metric("mae", "Mean absolute error", False, "target", _mae, least_at_median=True),
        Metric("r2", "R²", True, "", _r2),
        Metric(
            "median_absolute_error", "Median absolute error", False, "target",
            _median_absolute_error, least_at_median=True,
        ),
    )
}  # fmt: skip


def get(name: str) -> Metric:
    """Return a metric by its name.

    Raises
    ------
    UsageError
        For a name that does not exist.
    """
    if name not in METRICS:
        raise UsageError(f"there is no metric {name!r}", expected=", ".join(METRICS))
    return METRICS[name]
