"""From scores to calibrated probabilities.

A calibration is fitted on out-of-fold rows and judged by cross-validation within them.
``sigmoid`` is Platt's (1999) for two classes, and for more its one-parameter relative, the
temperature of Guo et al. (2017). ``isotonic`` is a rising step function (Zadrozny and
Elkan 2002), for several classes one against the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

METHODS = ("none", "sigmoid", "isotonic")
_FOLDS = 5
CLIPPED = 1e-7
"""Scores nearer to 0 or 1 count as so near when logits are taken."""
_LEAST_ROWS = 10
"""A class with fewer rows is not given a step function of its own."""


@dataclass(frozen=True)
class Calibration:
    """A fitted calibration; `parameters` is plain JSON.

    Attributes
    ----------
    method : str
        none, sigmoid or isotonic.
    parameters : dict
        sigmoid: ``slope`` and ``intercept`` on the logit (two classes) or ``temperature``;
        isotonic: ``knots``, a list of ``[x, y]`` for each class, or None where a class is
        left as it is (two classes: one list, for the positive class).
    """

    method: str = "none"
    parameters: dict[str, Any] = field(default_factory=dict)

    def apply(self, scores: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities of the same shape, (n, k)."""
        if self.method == "none" or scores.ndim == 1:
            return scores
        if self.method == "sigmoid":
            return self._sigmoid(scores)
        knots = self.parameters["knots"]
        if scores.shape[1] == 2:
            return _pair(_step(scores[:, 1], knots[0]))
        return _normalised(
            np.column_stack([_step(scores[:, k], knots[k]) for k in range(scores.shape[1])]), scores
        )

    def _sigmoid(self, scores: np.ndarray) -> np.ndarray:
        if scores.shape[1] == 2:
            slope, intercept = self.parameters["slope"], self.parameters["intercept"]
            return _pair(_expit(slope * _logit(scores[:, 1]) + intercept))
        return _tempered(scores, self.parameters["temperature"])


def fit(
    method: str, scores: np.ndarray, codes: np.ndarray, weights: np.ndarray | None = None
) -> Calibration:
    """Fit a calibration.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    scores : array of shape (n, k)
        Uncalibrated probabilities.
    codes : array of int, shape (n,)
        Position of the class that happened.
    weights : array of shape (n,), optional
        How much each row counts.
    """
    if method == "none":
        return Calibration()
    counted = np.ones(len(codes)) if weights is None else weights / weights.mean()
    if method == "sigmoid":
        return Calibration("sigmoid", _fit_sigmoid(scores, codes, counted))
    classes = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    knots = [_fit_steps(scores[:, k], codes == k, counted) for k in classes]
    return Calibration("isotonic", {"knots": knots})


def cross_fitted(
    method: str,
    scores: np.ndarray,
    codes: np.ndarray,
    seed: int,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Return each row's probabilities by a calibration that has not seen the row."""
    result = np.empty_like(scores)
    fold = _folds(codes, seed)
    for number in range(_FOLDS):
        inside = fold == number
        if inside.any():
            others = None if weights is None else weights[~inside]
            fitted = fit(method, scores[~inside], codes[~inside], others)
            result[inside] = fitted.apply(scores[inside])
    return result


def log_loss(scores: np.ndarray, codes: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the mean log loss of probabilities, with none below 1e-7."""
    return float(np.average(_losses(scores, codes), weights=weights))


def simplest(
    cross_fitted: dict[str, np.ndarray], codes: np.ndarray, weights: np.ndarray | None = None
) -> str:
    """Return the simplest method that is as good as the best, as far as chance can tell.

    That is the first of `METHODS` whose log loss is at most two standard errors of the
    paired difference above the least one: a step function fitted to noise is soon ahead by
    a hair on the rows that it was chosen on, and behind on others.

    Parameters
    ----------
    cross_fitted : dict of str to array
        Cross-fitted probabilities, (n, k), by method.
    codes : array of int, shape (n,)
        Position of the class that happened.
    weights : array of shape (n,), optional
        How much each row counts.
    """
    counted = np.ones(len(codes)) if weights is None else weights
    losses = {name: _losses(scores, codes) for name, scores in cross_fitted.items()}
    order = [name for name in METHODS if name in losses]
    best = min(order, key=lambda name: float(np.average(losses[name], weights=counted)))
    for name in order:
        difference = losses[name] - losses[best]
        mean = float(np.average(difference, weights=counted))
        error = np.sqrt(np.sum((counted * (difference - mean)) ** 2)) / counted.sum()
        if mean <= 2 * error:
            return name
    return best


def _losses(scores: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return -np.log(np.clip(scores[np.arange(len(codes)), codes], CLIPPED, 1))


def _folds(codes: np.ndarray, seed: int) -> np.ndarray:
    # Rows in a random order within their class are dealt out like cards.
    order = np.random.default_rng(seed).permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    fold = np.empty(len(codes), dtype=np.int64)
    fold[order] = np.arange(len(codes)) % _FOLDS
    return fold


def _fit_sigmoid(scores: np.ndarray, codes: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    if scores.shape[1] == 2:
        return _platt(_logit(scores[:, 1]), codes == 1, weights)
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log_t: log_loss(_tempered(scores, float(np.exp(log_t))), codes, weights),
        bounds=(-3.0, 3.0),
        method="bounded",
    )
    return {"temperature": float(np.exp(found.x))}


def _platt(x: np.ndarray, happened: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    from scipy.optimize import minimize

    # Platt's targets keep the slope finite where the classes are separable.
    positives, negatives = weights[happened].sum(), weights[~happened].sum()
    target = np.where(happened, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    centre, scale = float(x.mean()), float(x.std()) or 1.0
    z = (x - centre) / scale

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        margin = w[0] * z + w[1]
        error = weights * (_expit(margin) - target)
        value = weights * (np.logaddexp(0, margin) - target * margin)
        return float(value.mean()), np.array([(error * z).mean(), error.mean()])

    slope, intercept = minimize(loss, np.array([scale, centre]), jac=True, method="BFGS").x
    return {
        "slope": float(slope / scale),
        "intercept": float(intercept - slope * centre / scale),
    }


def _fit_steps(
    p: np.ndarray, happened: np.ndarray, weights: np.ndarray
) -> list[list[float]] | None:
    from sklearn.isotonic import IsotonicRegression

    if min(happened.sum(), (~happened).sum()) < _LEAST_ROWS:
        return None
    steps = IsotonicRegression(out_of_bounds="clip").fit(
        p, happened.astype(float), sample_weight=weights
    )
    # A step at 0 or 1 would call certain what a few rows happened to agree on.
    edge = 1 / (len(p) + 2)
    heights = np.clip(steps.y_thresholds_, edge, 1 - edge)
    return [steps.X_thresholds_.tolist(), heights.tolist()]


def _step(p: np.ndarray, knots: list[list[float]] | None) -> np.ndarray:
    return p if knots is None else np.interp(p, knots[0], knots[1])


def _logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, CLIPPED, 1 - CLIPPED)
    return np.log(p / (1 - p))


def _expit(x: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return np.asarray(expit(x))


def _pair(p: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - p, p])


def _tempered(scores: np.ndarray, temperature: float) -> np.ndarray:
    logs = np.log(np.clip(scores, CLIPPED, 1)) / temperature
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _normalised(parts: np.ndarray, fallback: np.ndarray) -> np.ndarray:
    total = parts.sum(axis=1, keepdims=True)
    return np.where(total > 0, parts / np.where(total > 0, total, 1), fallback)
