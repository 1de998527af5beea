"""The area under the ROC curve, by ranks, as a function of row weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from toolkit.metrics.base import Sums

_MANY_OF_A_CLASS = 100


def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Return the scalar product of two vectors, the same on any number of threads."""
    # Not `a @ b`: BLAS spreads it over threads, which wait for each other on a busy machine,
    # and whose number shows in the last digits.
    return float(np.einsum("i,i->", a, b))


def ranked(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows in ascending order of score, where runs of equal scores start, and the hits."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return order, starts, positive[order].astype(np.float64)


@dataclass(frozen=True)
class RankAuc:
    """The area under the ROC curve as a function of row weights.

    Mann and Whitney's statistic: the share of pairs of a positive and a negative row in the
    right order, ties by half. On many resamples of many rows it is taken as the sum of what
    each row adds to it (Hájek's projection, on which the intervals of DeLong, DeLong and
    Clarke-Pearson 1988 rest): what that leaves out is of the order of 1 in the rows.

    Attributes
    ----------
    positive : ndarray of bool, shape (n,)
    score : ndarray of float64, shape (n,)
    counted : ndarray of float64, shape (n,), optional
        How much each row counts besides.
    """

    positive: np.ndarray
    score: np.ndarray
    counted: np.ndarray | None = None

    @cached_property
    def _ranked(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return ranked(self.positive, self.score)

    def weighted(self, counted: np.ndarray) -> RankAuc:
        """Return the statistic in which each row counts by its weight besides."""
        return RankAuc(self.positive, self.score, counted)

    def __call__(self, weights: np.ndarray) -> float | None:
        """Return the area for one weight a row; None without rows of both classes."""
        order, starts, hits = self._ranked
        ordered = (weights if self.counted is None else weights * self.counted)[order]
        positives = ordered * hits
        negatives = ordered - positives
        if len(starts) < len(order):
            positives = np.add.reduceat(positives, starts)
            negatives = np.add.reduceat(negatives, starts)
        pairs = float(positives.sum() * negatives.sum())
        below = np.cumsum(negatives) - negatives / 2
        return dot(positives, below) / pairs if pairs else None

    def many(self, weights: np.ndarray) -> np.ndarray:
        """Return the area on each of many resamples, (r,), from weights (r, n)."""
        positives = int(self.positive.sum())
        if min(positives, len(self.score) - positives) >= _MANY_OF_A_CLASS:
            return self._projection.many(weights)
        found = [self(each) for each in weights]
        return np.array([np.nan if value is None else value for value in found])

    @cached_property
    def _projection(self) -> Sums:
        order, starts, hits = self._ranked
        counted = np.ones(len(order)) if self.counted is None else self.counted
        ordered = counted[order]
        run = np.cumsum(np.bincount(starts, minlength=len(order))) - 1
        positives = np.add.reduceat(ordered * hits, starts)
        negatives = np.add.reduceat(ordered * (1 - hits), starts)
        below = (np.cumsum(negatives) - negatives / 2) / negatives.sum()
        above = 1 - (np.cumsum(positives) - positives / 2) / positives.sum()
        own = np.empty((len(order), 2))
        own[order] = np.column_stack([below[run], above[run]])
        each = np.column_stack([self.positive, ~self.positive]) * counted[:, None]
        whole = self(np.ones(len(order))) or 0.0

        def finish(sums: np.ndarray) -> np.ndarray:
            found = sums[:, 0] / sums[:, 2] + sums[:, 1] / sums[:, 3] - whole
            return np.clip(found, 0.0, 1.0)

        return Sums(np.hstack([own * each, each]), finish)


@dataclass(frozen=True)
class MeanAuc:
    """The mean of several areas, of those that are defined."""

    each: list[RankAuc]

    def weighted(self, counted: np.ndarray) -> MeanAuc:
        """Return the statistic in which each row counts by its weight besides."""
        return MeanAuc([one.weighted(counted) for one in self.each])

    def __call__(self, weights: np.ndarray) -> float | None:
        """Return the mean area for one weight a row; None where no area is defined."""
        known = [auc for one in self.each if (auc := one(weights)) is not None]
        return float(np.mean(known)) if known else None

    def many(self, weights: np.ndarray) -> np.ndarray:
        """Return the mean area on each of many resamples, (r,), from weights (r, n)."""
        found = np.array([one.many(weights) for one in self.each]).reshape(-1, len(weights))
        known = np.isfinite(found)
        total = np.where(known, found, 0.0).sum(axis=0)
        return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
