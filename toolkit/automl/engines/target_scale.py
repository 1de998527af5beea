"""The scale in which a number is learnt, and the way back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from toolkit.automl.folds import Folds
    from toolkit.automl.task import SearchTask

_LOGS = ("log", "log_median")
_SKEWED = 1.5
"""Skewness from which a positive target is worth a logarithm."""


@dataclass
class TargetScale:
    """Numbers are learnt with mean 0 and deviation 1, or after a logarithm, or as a rate.

    Attributes
    ----------
    kind : str
        classes (nothing is changed), plain, log (where a mean is wanted), log_median, or rate
        (for models of positive means, such as Poisson's: divided by the mean).
    centre, scale : float
        Of the target, or of its logarithm.
    factor : float
        What predictions are multiplied with after the logarithm is undone, so that their
        mean is right: the exponential of a mean logarithm is too small (Duan 1983, J. Am.
        Stat. Assoc. 78, 605; here the ratio of the means).
    high : float
        The largest target in training: a logarithm undone may go far beyond it.
    """

    kind: str = "classes"
    centre: float = 0.0
    scale: float = 1.0
    factor: float = 1.0
    high: float = 0.0

    @classmethod
    def of(cls, task: SearchTask, kind: str = "plain") -> TargetScale:
        """Return the scale for a task's target; `kind` counts for numbers only."""
        if task.facts.classes:
            return cls()
        target = np.log1p(task.target) if kind in _LOGS else task.target
        high = float(task.target.max())
        if kind == "rate":
            return cls(kind, 0.0, float(target.mean()) or 1.0, 1.0, high)
        deviation = float(target.std())
        return cls(kind, float(target.mean()), deviation or 1.0, 1.0, high)

    def forth(self, target: np.ndarray) -> np.ndarray:
        """Return the target as models learn it."""
        if self.kind == "classes":
            return target
        values = np.log1p(target) if self.kind in _LOGS else target
        return np.asarray((values - self.centre) / self.scale)

    def back(self, values: np.ndarray) -> np.ndarray:
        """Return predictions in the target's scale."""
        if self.kind == "classes":
            return values
        values = values * self.scale + self.centre
        if self.kind in _LOGS:
            values = np.clip(self.factor * self._unlogged(values), 0.0, 2 * self.high)
        return np.asarray(values)

    def _unlogged(self, logarithms: np.ndarray) -> np.ndarray:
        return np.asarray(np.expm1(np.minimum(logarithms, np.log1p(self.high) + 2.0)))

    def settle(
        self, raw: np.ndarray, target: np.ndarray, weights: np.ndarray | None, folds: Folds
    ) -> np.ndarray:
        """Turn held rows' raw predictions into scores, and learn the factor from them.

        A fold's own factor is learnt from the other folds.
        """
        if self.kind != "log":
            return self.back(raw)
        rows = folds.scored
        plain = self._unlogged(raw * self.scale + self.centre)
        weights = np.ones(len(target)) if weights is None else weights
        scores = np.full(len(target), np.nan)
        for number in range(folds.count):
            held = folds.fold == number
            other = rows[folds.fold[rows] != number] if folds.count > 1 else rows
            self.factor = _ratio(target[other], plain[other], weights[other])
            scores[held] = self.back(raw[held])
        self.factor = _ratio(target[rows], plain[rows], weights[rows])
        return scores

    def facts(self) -> dict[str, Any]:
        """Return what the class takes, for JSON."""
        return asdict(self)


def _ratio(actual: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    below = float(np.dot(predicted, weights))
    ratio = float(np.dot(actual, weights)) / below if below > 0 else 1.0
    return float(np.clip(ratio, 0.5, 2.0))


def may_be_logged(target: np.ndarray) -> bool:
    """Return whether a target is positive and skewed enough for a logarithm to help."""
    if not len(target) or target.min() < 0 or target.std() == 0:
        return False
    centred = (target - target.mean()) / target.std()
    return float((centred**3).mean()) > _SKEWED
