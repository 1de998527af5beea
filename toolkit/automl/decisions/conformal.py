"""Conformal intervals and sets of classes, which cover the truth with the nominal coverage.

Split-conformal prediction (Vovk, Gammerman and Shafer 2005; Lei et al. 2018) on out-of-fold
scores: a row's score says how far off the prediction was, and a new row gets whatever lies
within the quantile of those scores. The models that are shipped learnt from more rows than
each fold's did, so the promise errs on the side of too wide (cross-conformal prediction,
Barber et al. 2021).

Classes: the score is 1 minus the calibrated probability of what happened (Sadinle, Lei and
Wasserman 2019, "least ambiguous set-valued classifiers"). Numbers: the absolute error,
divided by how large errors are expected to be for such a row where that makes intervals
shorter (Lei et al. 2018, "locally weighted").
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import metrics
from toolkit.artifacts import Conformal, Interval
from toolkit.automl.decisions import error_scale

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 20_000
"""Scores of so many rows suffice: coverage then varies by .002."""
SETS, CONSTANT = "least ambiguous sets", "absolute error"
_WORDS = {
    "level": "error relative to what is usual at the predicted level",
    "columns": "error relative to what is usual for rows with such columns",
}
_LEAST_FOR = {"level": 200, "columns": 1_000}
_SHORTER = 0.99
"""Intervals of varying width must be shorter by this factor to be worth it."""


@dataclass(frozen=True)
class ConformalFit:
    """What `Model.interval` and `Model.prediction_set` need: plain JSON.

    Attributes
    ----------
    method : str
        In words.
    coverage : float
        What was asked for.
    quantile : float
        Of the scores.
    rows : int
        From so many.
    scale : dict
        How large errors are expected to be; see `scales.predict`. Empty: 1 for every row.
    """

    method: str
    coverage: float
    quantile: float
    rows: int
    scale: dict[str, Any] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    def interval(self, values: np.ndarray, design: pd.DataFrame) -> np.ndarray:
        """Return lower and upper bounds, (n, 2), around predicted values."""
        reach = self.quantile * error_scale.predict(self.scale, values, design)
        return np.column_stack([values - reach, values + reach])

    def included(self, probabilities: np.ndarray) -> np.ndarray:
        """Return which classes are in each row's set: bool, (n, k).

        The likeliest class always is: an empty set would say nothing.
        """
        inside = 1 - probabilities <= self.quantile
        inside[np.arange(len(inside)), probabilities.argmax(axis=1)] = True
        return inside


def quantile(scores: np.ndarray, coverage: float, weights: np.ndarray | None = None) -> float:
    """Return the score that a new row's stays below with the given probability, at least.

    The smallest score such that the share of rows at or below it, counting one more row of
    average weight above all, reaches the coverage (Tibshirani et al. 2019 with weights). With
    fewer rows than that needs, the largest score.
    """
    order = np.argsort(scores, kind="stable")
    counted = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=float)
    below = np.cumsum(counted[order])
    wanted = coverage * (below[-1] + counted.mean())
    place = int(np.searchsorted(below, wanted * (1 - 1e-12), side="left"))
    return float(scores[order[min(place, len(scores) - 1)]])


def learn_sets(
    probabilities: np.ndarray, codes: np.ndarray, coverage: float, weights: np.ndarray | None = None
) -> ConformalFit:
    """Learn sets of classes.

    Parameters
    ----------
    probabilities : array of shape (n, k)
        Calibrated out-of-fold probabilities, the calibration not fitted on the row.
    codes : array of int, shape (n,)
        The class that happened.
    coverage : float
        How often a set shall hold the truth.
    weights : array of shape (n,), optional
        How much each row counts.
    """
    scores = 1 - probabilities[np.arange(len(codes)), codes]
    return ConformalFit(SETS, coverage, quantile(scores, coverage, weights), len(codes))


def learn_intervals(
    values: np.ndarray,
    actual: np.ndarray,
    design: pd.DataFrame,
    fold: np.ndarray,
    coverage: float,
    *,
    seed: int,
    weights: np.ndarray | None = None,
) -> ConformalFit:
    """Learn intervals: of one width, or wider where errors are larger, whichever is shorter.

    Parameters
    ----------
    values : array of shape (n,)
        Out-of-fold predictions.
    actual : array of shape (n,)
        What happened.
    design : pandas.DataFrame, n rows
        The design frame of the same rows.
    fold : array of int, shape (n,)
        A row's expected error is taken from the other folds.
    coverage : float
        How often an interval shall hold the truth.
    seed : int
        Of the forest that predicts the size of errors.
    weights : array of shape (n,), optional
        How much each row counts.
    """
    errors = np.abs(actual - values)
    plain = quantile(errors, coverage, weights)
    best = ConformalFit(CONSTANT, coverage, plain, len(values))
    if len(np.unique(fold)) < 2:
        fold = np.random.default_rng(seed).permutation(len(values)) % 5
    width = plain * _SHORTER
    for kind, words in _WORDS.items():
        if len(values) < _LEAST_FOR[kind] or not plain > 0:
            continue
        scale = np.empty(len(values))
        for number in np.unique(fold):
            held = fold == number
            others = None if weights is None else weights[~held]
            fitted = error_scale.fit(
                kind, values[~held], errors[~held], design[~held], seed=seed, weights=others
            )
            scale[held] = error_scale.predict(fitted, values[held], design[held])
        found = quantile(errors / scale, coverage, weights)
        mean = found * float(np.average(scale, weights=weights))
        if mean < width:
            width = mean * _SHORTER
            whole = error_scale.fit(kind, values, errors, design, seed=seed, weights=weights)
            best = ConformalFit(words, coverage, found, len(values), whole)
    return best


def measure(
    learnt: ConformalFit,
    scores: np.ndarray,
    actual: np.ndarray,
    design: pd.DataFrame,
    weights: np.ndarray | None = None,
) -> Conformal:
    """Return how often intervals or sets hold the truth on rows they were not learnt from.

    Parameters
    ----------
    learnt : ConformalFit
        From `learn_sets` or `learn_intervals`.
    scores : array of shape (n, k) or (n,)
        Calibrated probabilities, or predicted values.
    actual : array of shape (n,)
        Codes of classes (-1: none that was learnt), or values.
    design : pandas.DataFrame, n rows
        The design frame.
    weights : array of shape (n,), optional
        How much each row counts; Wilson's interval then rests on the effective number of rows.
    """
    if scores.ndim == 2:
        inside = learnt.included(scores)
        held = inside[np.arange(len(actual)), actual] & (actual >= 0)
        sizes = inside.sum(axis=1).astype(float)
    else:
        bounds = learnt.interval(scores, design)
        held = (bounds[:, 0] <= actual) & (actual <= bounds[:, 1])
        sizes = bounds[:, 1] - bounds[:, 0]
    counted = np.ones(len(actual)) if weights is None else np.asarray(weights, dtype=float)
    share = float(np.average(held, weights=counted))
    effective = float(counted.sum() ** 2 / np.sum(counted**2))
    low, high = metrics.wilson(share * effective, effective)
    return Conformal(
        method=learnt.method,
        coverage=learnt.coverage,
        measured=Interval(value=share, low=low, high=high),
        size=float(np.average(sizes, weights=counted)),
        rows=learnt.rows,
    )
