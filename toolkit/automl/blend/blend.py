"""A blend of models across engines, chosen on out-of-fold scores.

Greedy selection with replacement: the blend begins with the best model and each round adds
the one that helps most (Caruana, Niculescu-Mizil, Crew and Ksikes 2004, "Ensemble selection
from libraries of models"). On few rows it is the mean of selections, each of a random half of
the models on a bootstrap sample, drawn towards equal weights of each family's best: estimated
weights then often lose to equal ones (Smith and Wallis 2009, "A simple explanation of the
forecast combination puzzle"). What it is worth is measured where it was not chosen: each
fold's rows are blended with weights that were chosen without that fold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics
from toolkit.automl.blend.greedy_weights import MEMBERS
from toolkit.automl.blend.weight_selection import Selection
from toolkit.project.engine_names import ENSEMBLE

if TYPE_CHECKING:
    from toolkit.artifacts import Interval
    from toolkit.automl.scoring_rows import ScoringRows

NAME = ENSEMBLE
_MOST_CELLS = 40_000
"""Rows times classes beyond which a mean of selections would take more than a few seconds."""
_WORSE = 0.005
"""A mean of selections that is worse than one selection by this share of the loss is none."""


@dataclass(frozen=True)
class Ensemble:
    """A blend.

    Attributes
    ----------
    weights : dict of str to float
        By model, heaviest first; they sum to 1.
    oof : array of shape (n, k) or (n,)
        Blended out-of-fold scores, each row by weights that were chosen without its fold;
        NaN in rows that no fold holds out.
    note : str
        On how many of how many rows it was chosen; empty where on all.
    space : str
        What is averaged: ``linear`` (probabilities or values) or ``log`` (their logarithms).
    how : str
        How it was chosen, in a sentence.
    """

    weights: dict[str, float]
    oof: np.ndarray
    note: str
    space: str = "linear"
    how: str = ""


def select(
    oof: dict[str, np.ndarray],
    rows: ScoringRows,
    *,
    rounds: int = 50,
    members: int = MEMBERS,
    bagged: bool = True,
    families: Mapping[str, str] | None = None,
) -> Ensemble:
    """Choose the weights of a blend.

    Parameters
    ----------
    oof : dict of str to array
        Out-of-fold scores by model, (n, k) or (n,).
    rows : ScoringRows
        What they are compared with. Where folds follow time, a fold's weights are chosen on
        earlier folds; the first fold's on the later ones, for want of others. See
        `objectives.surrogate` for what stands in for some metrics.
    rounds : int
        The most rounds: a weight is a multiple of one through their number.
    members : int
        The most models with a weight; twice as many where selections are averaged.
    bagged : bool
        Whether selections are averaged where rows are few; it takes some ten times as long.
    families : mapping of str to str, optional
        Each model's family; without it every model is one of its own.
    """
    if len(oof) == 1:
        name, scores = next(iter(oof.items()))
        return Ensemble({name: 1.0}, scores, "", how="There is one model only.")
    work = Selection(oof, rows, rounds=rounds, members=members, families=families or {})
    blends = [work.nested(space) for space in work.spaces]
    best = min(range(len(blends)), key=lambda place: (blends[place][1], place))
    space, (scores, nested) = work.spaces[best], blends[best]
    bags = _bags(len(work.rows), len(rows.context.classes)) if bagged else 0
    if bags:
        mean = work.nested(space, -(-bags // 2))
        if mean[1] < nested + _WORSE * abs(nested):
            scores, nested = mean
        else:
            bags = 0  # one model stands out: half of the selections would do without it
    weights, single = work.weights(space, np.arange(len(work.rows)), bags)
    return Ensemble(weights, scores, work.note(), space, work.how(weights, nested, single))


def gain(
    previous: Ensemble,
    now: Ensemble,
    rows: ScoringRows,
    *,
    resamples: int = 300,
) -> Interval:
    """Return by how much one blend is better than an earlier one: positive is better.

    The paired difference of their scores on rows that neither was chosen on.
    """
    difference = rows.difference(now.oof, previous.oof, resamples=resamples)
    return difference if metrics.get(rows.metric).greater_is_better else -difference


def _bags(rows: int, classes: int) -> int:
    # What a selection owes to chance matters on few rows, where bags cost little.
    if rows * max(1, classes - 1) > _MOST_CELLS:
        return 0
    return 20 if rows <= 2_500 else 12 if rows <= 10_000 else 0
