"""Weights by greedy selection: which of many models to average, and how heavily each counts."""

from __future__ import annotations

import numpy as np

from toolkit.automl.blend.objectives import Loss

MEMBERS = 8
"""The most models with a weight above 0, if nothing else is said."""
_POOL = 20
_LEAST_WEIGHT = 0.02
_PATIENCE = 5
_FORGONE = 0.01
"""The share of the gain that is given up for fewer members."""


def greedy(
    parts: np.ndarray, loss: Loss, rounds: int = 50, most: int = MEMBERS
) -> tuple[np.ndarray, float]:
    """Choose weights by greedy selection with replacement.

    Parameters
    ----------
    parts : array of shape (m, c, n)
        What is averaged, by model; see `objectives.parts`.
    loss : callable
        What blended parts cost on these rows.
    rounds, most : int
        The most rounds, and the most models with a weight above 0.

    Returns
    -------
    weights : array of shape (m,)
        They sum to 1, none is below .02, at most so many are not 0. The blend's loss here is never
        above the best single model's.
    single : float
        That model's loss.
    """
    singles = np.array([loss(part) for part in parts])
    pool = np.argsort(singles, kind="stable")[:_POOL]
    counts = np.zeros(len(parts), dtype=np.int64)
    total = np.zeros_like(parts[0])
    path: list[tuple[float, np.ndarray]] = []
    since, least = 0, np.inf
    for size in range(1, rounds + 1):
        members = np.flatnonzero(counts)
        candidates = members if len(members) == most else pool
        values = (
            [loss((total + parts[i]) / size) for i in candidates] if size > 1 else singles[pool]
        )
        # Of equals one that is in already.
        place = min(
            range(len(candidates)), key=lambda at: (values[at], counts[candidates[at]] == 0, at)
        )
        chosen = candidates[place]
        counts[chosen] += 1
        total = total + parts[chosen]
        path.append((float(values[place]), counts.copy()))
        since = 0 if values[place] < least - 1e-7 * abs(least) or size == 1 else since + 1
        least = min(least, float(values[place]))
        if since >= _PATIENCE:
            break
    return _shortest(path, float(singles[pool[0]]), most), float(singles[pool[0]])


def _shortest(path: list[tuple[float, np.ndarray]], single: float, most: int) -> np.ndarray:
    # Of the rounds that are as good as the best, but for a little, the one of fewest members.
    least = min(value for value, _ in path)
    enough = least + _FORGONE * max(single - least, 0.0)
    _, _, counts = min(
        ((int((counts > 0).sum()), int(counts.sum()), counts) for value, counts in path
         if value <= enough),
        key=lambda item: item[:2],
    )  # fmt: skip
    return trimmed(counts, most)


def trimmed(counts: np.ndarray, most: int = MEMBERS) -> np.ndarray:
    """Return weights that sum to 1, without those that are small or too many."""
    weights = counts / counts.sum()
    weights[np.argsort(-weights, kind="stable")[most:]] = 0
    weights[weights < _LEAST_WEIGHT] = 0
    return np.asarray(weights / weights.sum())
