"""How predictions are judged, with intervals, and how systems are ranked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

RESAMPLES = 400
LEVEL = 0.95
HIGHER_IS_BETTER = {"auc": True, "log_loss": False, "rmse": False}
_SMALLEST = 1e-15
_CELLS = 20_000_000

Array = np.ndarray[Any, Any]
Weighted = Callable[[Array], float]
"""Gives the score when each test row counts as often as it is told."""


def weighted(metric: str, truth: Array, predictions: Array) -> Weighted:
    """Return a metric of some predictions as a function of the rows' counts.

    Parameters
    ----------
    metric : str
        auc, log_loss or rmse.
    truth : array of shape (n,)
        Codes of classes, or values.
    predictions : array of shape (n,) or (n, k)
    """
    if metric == "auc":
        return _auc(truth, predictions)
    if metric == "log_loss":
        rows = np.clip(predictions, _SMALLEST, None)
        rows = rows / rows.sum(axis=1, keepdims=True)
        losses = -np.log(rows[np.arange(len(truth)), truth.astype(int)])
        return lambda counts: float(counts @ losses / counts.sum())
    squares = (truth - predictions) ** 2
    return lambda counts: float(np.sqrt(counts @ squares / counts.sum()))


def _auc(truth: Array, predictions: Array) -> Weighted:
    order = np.argsort(predictions, kind="stable")
    positive = truth[order] == 1
    starts = np.flatnonzero(np.r_[True, np.diff(predictions[order]) > 0])

    def score(counts: Array) -> float:
        here = counts[order]
        ups = np.add.reduceat(np.where(positive, here, 0), starts)
        downs = np.add.reduceat(np.where(positive, 0, here), starts)
        pairs = ups.sum() * downs.sum()
        if not pairs:
            return float("nan")
        # Of two equal scores, each order counts half.
        below = np.cumsum(downs) - downs / 2
        return float(ups @ below / pairs)

    return score


def score(metric: str, truth: Array, predictions: Array) -> float:
    return weighted(metric, truth, predictions)(np.ones(len(truth)))


def resampled(metric: str, truth: Array, predictions: Array, seed: int) -> Array:
    """Return the metric on `RESAMPLES` draws of the test rows with replacement.

    Equal seeds draw equal rows, so that two systems' values may be subtracted.
    """
    generator = np.random.default_rng([seed, 29])
    judge, rows = weighted(metric, truth, predictions), len(truth)
    # Large tables: intervals are narrow, and a part of the draws shows how narrow.
    draws = int(np.clip(_CELLS // rows, 50, RESAMPLES))
    values = [
        judge(np.bincount(generator.integers(0, rows, rows), minlength=rows).astype(float))
        for _ in range(draws)
    ]
    return np.array(values)


def interval(values: Array) -> tuple[float, float]:
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def ranks(metric: str, scores: dict[str, float | None]) -> dict[str, float]:
    """Return each system's place, from 1; equals share theirs, and who has no score is last."""
    best_first = HIGHER_IS_BETTER[metric]
    found = {name: value for name, value in scores.items() if value is not None}
    places = {}
    for name, value in scores.items():
        if value is None:
            places[name] = float(len(scores))
            continue
        better = sum((other > value) == best_first and other != value for other in found.values())
        equal = sum(other == value for other in found.values())
        places[name] = better + (equal + 1) / 2
    return places


def mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
