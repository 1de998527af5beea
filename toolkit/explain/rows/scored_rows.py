"""Example rows: the most certain ones, the largest errors, and those nearest to the threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics

if TYPE_CHECKING:
    from toolkit.table import Predictor

EACH = 2
"""Rows of each kind."""


@dataclass(frozen=True)
class ScoredRows:
    """Rows with their targets and predictions.

    Attributes
    ----------
    scores : ndarray, shape (n, outputs)
        As the explained outputs: the positive class, every class, or the value.
    target, decided : ndarray, shape (n,)
        What is true, and what the model decides.
    task : str
        binary, multiclass or regression.
    classes : list of str
        The model's.
    threshold : float
        Binary: the probability from which a row is predicted positive.
    """

    scores: np.ndarray
    target: np.ndarray
    decided: np.ndarray
    task: str
    classes: list[str]
    threshold: float


def scored_rows(model: Predictor, scores: np.ndarray, target: np.ndarray) -> ScoredRows:
    """Return rows with the model's decisions."""
    full = scores
    if model.task == "binary":
        full = np.column_stack([1 - scores[:, 0], scores[:, 0]])
    elif model.task == "regression":
        full = scores[:, 0]
    threshold = 0.5 if model.threshold is None else model.threshold
    decided = metrics.decide(full, metrics.context_of(model))
    return ScoredRows(scores, target, decided, model.task, list(model.classes), threshold)


def choose(rows: ScoredRows, usable: np.ndarray) -> list[tuple[int, str]]:
    """Return up to six positions and why each was taken: two of every kind.

    Classes: the most certain that are right and that are wrong, of different decided classes if
    there are, and the nearest to the threshold (several classes: the two likeliest nearest to
    each other). Numbers: the largest and smallest predictions, and the largest errors.

    Parameters
    ----------
    rows : ScoredRows
        To choose from.
    usable : ndarray of int64
        Positions that may be taken.
    """
    kinds = _of_numbers(rows) if rows.task == "regression" else _of_classes(rows)
    taken: dict[int, str] = {}
    for why, key, allowed, spread in kinds:
        free = [p for p in usable[allowed[usable]].tolist() if p not in taken]
        free.sort(key=lambda p, key=key: (key[p], p))  # type: ignore[misc]
        for place in _varied(free, rows.decided) if spread else free[:EACH]:
            taken[place] = why
    return list(taken.items())


_Kind = tuple[str, np.ndarray, np.ndarray, bool]


def _of_numbers(rows: ScoredRows) -> list[_Kind]:
    value = rows.scores[:, 0]
    error = np.abs(value - rows.target.astype(np.float64))
    everyone = np.ones(len(value), dtype=bool)
    return [
        ("largest prediction", -value, everyone, False),
        ("largest error", -error, everyone, False),
        ("smallest prediction", value, everyone, False),
    ]


def _of_classes(rows: ScoredRows) -> list[_Kind]:
    right = rows.decided.astype(str) == rows.target.astype(str)
    everyone = np.ones(len(right), dtype=bool)
    if rows.task == "binary":
        positive = rows.scores[:, 0]
        sure = np.where(rows.decided.astype(str) == rows.classes[1], positive, 1 - positive)
        doubt, why = np.abs(positive - rows.threshold), "nearest to the threshold"
    else:
        codes = metrics.class_codes(rows.decided, rows.classes)
        sure = rows.scores[np.arange(len(codes)), codes]
        best = np.sort(rows.scores, axis=1)
        doubt, why = best[:, -1] - best[:, -2], "most doubtful"
    return [
        ("most certain and right", -sure, right, True),
        ("most certain and wrong", -sure, ~right, True),
        (why, doubt, everyone, False),
    ]


def _varied(ranked: list[int], decided: np.ndarray) -> list[int]:
    """Return the first positions, of different decided classes where there are."""
    first: dict[str, int] = {}
    for place in ranked:
        first.setdefault(str(decided[place]), place)
    heads = list(first.values())[:EACH]
    return (heads + [p for p in ranked if p not in heads])[:EACH]
