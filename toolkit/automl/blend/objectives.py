"""The loss of a blend of models, computed fast for a search that tries thousands of blends.

A blend is a weighted mean of the models' *parts*. In the space ``linear`` these are their
probabilities or values; in the space ``log`` the logarithms of their probabilities, so that
the blend is the geometric mean, scaled to sum to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from toolkit.automl.log_odds import SMALLEST

SPACES = ("linear", "log")
_REACH = 17.0  # beyond the log-odds of `SMALLEST`
_BINS = 1 << 14

Loss = Callable[[np.ndarray], float]
"""Takes blended parts of shape (c, n) and gives what they cost."""

_DIRECT = {
    "log_loss", "brier", "roc_auc", "roc_auc_ovr", "average_precision", "rmse", "r2", "mae",
    "median_absolute_error",
}  # fmt: skip


def surrogate(metric: str) -> str:
    """Return the metric that a blend is chosen by.

    Metrics of decisions jump where a row crosses the threshold, and the best of thousands
    of blends by such a metric is mostly noise: the log loss stands in for them. Of the
    regression's, the squared error stands in for R², the mean absolute error for the median.
    """
    if metric not in _DIRECT:
        return "log_loss"
    return {"r2": "rmse", "median_absolute_error": "mae"}.get(metric, metric)


def combine(scores: Sequence[np.ndarray], weights: Sequence[float], space: str) -> np.ndarray:
    """Return the blend of models' scores.

    Parameters
    ----------
    scores : sequence of arrays of shape (n, k) or (n,)
        Probabilities, or values.
    weights : sequence of float
        One a model; scaled to sum to 1.
    space : str
        linear, or log.
    """
    shares = np.asarray(weights, dtype=np.float64) / float(np.sum(weights))
    if space == "linear":
        return _weighted([np.asarray(s, dtype=np.float64) for s in scores], shares)
    logs = _weighted([np.log(np.clip(s, SMALLEST, 1.0)) for s in scores], shares)
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _weighted(scores: list[np.ndarray], shares: np.ndarray) -> np.ndarray:
    total = np.zeros_like(scores[0])
    for share, given in zip(shares, scores, strict=True):
        total += share * given
    return total


def parts(scores: np.ndarray, codes: np.ndarray, metric: str, space: str) -> np.ndarray:
    """Return what is averaged of one model: float32 of shape (c, n).

    Parameters
    ----------
    scores : array of shape (n, k) or (n,)
        Probabilities, or values.
    codes : array of shape (n,)
        The class that happened, as its position, or the value.
    metric : str
        What `surrogate` gave: for the log loss only the probability of what happened counts.
    space : str
        linear, or log.
    """
    if scores.ndim == 1:
        return scores.astype(np.float32)[None, :]
    if metric == "log_loss" and space == "linear":
        happened = scores[np.arange(len(codes)), codes]
        return np.clip(happened, SMALLEST, 1).astype(np.float32)[None, :]
    if scores.shape[1] == 2:
        if space == "linear":
            return scores.T[1:].astype(np.float32)
        # The difference of two clipped logarithms, as `combine` has it.
        logs = np.log(np.clip(scores.T, SMALLEST, 1))
        return (logs[1:] - logs[:1]).astype(np.float32)
    columns = scores.T if space == "linear" else np.log(np.clip(scores.T, SMALLEST, 1))
    return np.ascontiguousarray(columns, dtype=np.float32)


def loss(metric: str, space: str, codes: np.ndarray, weights: np.ndarray | None) -> Loss:
    """Return the loss of blended parts on some rows; lower is better.

    Parameters
    ----------
    metric : str
        What `surrogate` gave.
    space : str
        linear, or log.
    codes : array of shape (n,)
        The class that happened, as its position, or the value.
    weights : array of shape (n,), optional
        How much each row counts.
    """
    average = _average(weights)
    if metric == "rmse":
        values = codes.astype(np.float32)
        return lambda blend: average((blend[0] - values) ** 2)
    if metric == "mae":
        values = codes.astype(np.float32)
        return lambda blend: average(np.abs(blend[0] - values))
    if metric == "log_loss" and space == "linear":
        return lambda blend: average(-np.log(blend[0]))
    if metric == "log_loss":
        return _log_loss(codes, average)
    if metric == "brier":
        return lambda blend: average(_squares(_probabilities(blend, space), codes))
    return _ranking(metric, space, codes, weights)


def _average(weights: np.ndarray | None) -> Callable[[np.ndarray], float]:
    if weights is None:
        return lambda losses: float(losses.mean(dtype=np.float64))
    counted = (weights / weights.sum()).astype(np.float64)
    return lambda losses: float(np.sum(losses * counted))


def _log_loss(codes: np.ndarray, average: Callable[[np.ndarray], float]) -> Loss:
    rows = np.arange(len(codes))
    sign = np.where(codes == 1, -1, 1).astype(np.float32)

    def value(blend: np.ndarray) -> float:
        if len(blend) == 1:
            against = sign * blend[0]
            return average(np.maximum(against, 0) + np.log(1 + np.exp(-np.abs(against))))
        top = blend.max(axis=0)
        total = np.log(np.exp(blend - top).sum(axis=0)) + top
        return average(total - blend[codes, rows])

    return value


def _probabilities(blend: np.ndarray, space: str) -> np.ndarray:
    if space == "linear":
        return blend
    if len(blend) == 1:
        return np.asarray(1 / (1 + np.exp(-blend)))
    powers = np.exp(blend - blend.max(axis=0))
    return np.asarray(powers / powers.sum(axis=0))


def _squares(p: np.ndarray, codes: np.ndarray) -> np.ndarray:
    if len(p) == 1:
        return np.asarray((p[0] - (codes == 1)) ** 2)
    return np.asarray(((p - (codes == np.arange(len(p))[:, None])) ** 2).sum(axis=0))


def _ranking(metric: str, space: str, codes: np.ndarray, weights: np.ndarray | None) -> Loss:
    summary = _missed_precision if metric == "average_precision" else _missed_area
    classes = [1] if metric != "roc_auc_ovr" else [k for k in np.unique(codes) if k >= 0]
    # Positive rows first: two histograms, and no mask in the inner loop.
    orders = [np.argsort(codes != k, kind="stable") for k in classes]
    positives = [int((codes == k).sum()) for k in classes]

    def value(blend: np.ndarray) -> float:
        found = []
        p = _probabilities(blend, space) if len(blend) > 1 else blend
        for k, order, count in zip(classes, orders, positives, strict=True):
            if not 0 < count < len(order):
                continue
            column = p[k] if len(p) > 1 else p[0]
            is_margin = len(p) == 1 and space == "log"
            place = _bins(column if is_margin else _log_odds(column))[order]
            w = None if weights is None else weights[order]
            above = np.bincount(place[:count], None if w is None else w[:count], _BINS)
            below = np.bincount(place[count:], None if w is None else w[count:], _BINS)
            found.append(summary(above.astype(np.float64), below.astype(np.float64)))
        return float(np.mean(found)) if found else 0.0

    return value


def _log_odds(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, np.float32(SMALLEST), np.float32(1 - SMALLEST))
    return np.log(p) - np.log(1 - p)


def _bins(margin: np.ndarray) -> np.ndarray:
    # Equal widths on the log-odds: as fine for rare classes as for frequent ones.
    scaled = (margin + np.float32(_REACH)) * np.float32(_BINS / (2 * _REACH))
    return np.clip(scaled, 0, _BINS - 1).astype(np.int64)


def _missed_area(positives: np.ndarray, negatives: np.ndarray) -> float:
    below = np.cumsum(negatives) - negatives / 2
    pairs = positives.sum() * negatives.sum()
    return 1 - float(np.sum(positives * below) / pairs) if pairs > 0 else float("nan")


def _missed_precision(positives: np.ndarray, negatives: np.ndarray) -> float:
    hits = np.cumsum(positives[::-1])
    flagged = hits + np.cumsum(negatives[::-1])
    precision = np.divide(hits, flagged, out=np.zeros_like(hits), where=flagged > 0)
    return 1 - float(np.sum(precision * positives[::-1]) / hits[-1]) if hits[-1] > 0 else np.nan
