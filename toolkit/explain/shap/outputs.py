"""A model's explained outputs, their space and unit, samples of rows, and SHAP values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from toolkit.errors import ModelError
from toolkit.explain.shap.sampling import FeatureGroups, Score

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.table.predictor import Predictor

_LEAST = 1e-15


@dataclass(frozen=True)
class RowValues:
    """SHAP values of some rows.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        Which rows, in the numbering that was given.
    groups : FeatureGroups
        What the values belong to: columns, or groups of them.
    classes : list of str
        The outputs: the positive class, every class, or ``value``.
    base : ndarray, shape (outputs,)
        Mean output over the background rows, or as the trees' covers have it.
    output : ndarray, shape (n, outputs)
        The model's output for each row.
    shap, standard_error : ndarray, shape (n, groups, outputs)
        Values in the output's unit, and their standard errors.
    method : str
        How they were found, in words.
    feature_perturbation : str
        As in `ExplainRequest`; ``expected_gradients`` for values that are these.
    space : str
        What they add up to: value, probability or margin.
    exact : list of str
        Which summands of the model have exact values: trees, terms.
    left_out : list of int
        Forests, by place, that were estimated all the same.
    corrected : bool
        Whether the difference between the model and its parts was estimated.
    sampled : bool
        Whether orders of columns were drawn.
    evaluations : int
        Rows that the model had to score.
    additivity_error : float
        Largest absolute difference between base plus values and an independently scored output;
        of a sum also between it and the model on mixtures of rows.
    tolerance : float
        Beyond it the values must not be relied on.
    frame : pandas.DataFrame
        The rows.
    kinds : dict of str to str
        What the columns are: number, category, text, image ...
    """

    rows: np.ndarray
    groups: FeatureGroups
    classes: list[str]
    base: np.ndarray
    output: np.ndarray
    shap: np.ndarray
    standard_error: np.ndarray
    method: str
    feature_perturbation: str
    space: str
    exact: list[str]
    left_out: list[int]
    corrected: bool
    sampled: bool
    evaluations: int
    additivity_error: float
    tolerance: float
    frame: pd.DataFrame = field(repr=False)
    kinds: dict[str, str] = field(default_factory=dict)


def outputs(model: Predictor) -> list[str]:
    """Return the outputs that are explained: the positive class, every class, or ``value``."""
    if model.task == "regression":
        return ["value"]
    return list(model.classes[1:] if model.task == "binary" else model.classes)


def own_space(model: Predictor) -> str:
    """Return the space of ``model.predict``: value or probability."""
    return "value" if model.task == "regression" else "probability"


def unit(model: Predictor, target: str) -> str:
    """Return in words what the model's output is."""
    if model.task == "regression":
        return f"predicted {target}, in its own unit"
    if model.task == "binary":
        return f"probability of the class {model.classes[1]}"
    return "probability of each class"


def scorer(model: Predictor) -> Score:
    """Return the model as a function of rows to (n, outputs)."""
    width = len(outputs(model))

    def score(frame: pd.DataFrame) -> np.ndarray:
        found = np.asarray(model.predict(frame), dtype=np.float64)
        found = found.reshape(len(frame), -1)[:, -width:]
        if not np.isfinite(found).all():
            raise ModelError(
                f"gives {int((~np.isfinite(found)).any(axis=1).sum())} of {len(found)} rows"
                " no number",
                where=f"model {model.name}",
                remedy="Choose another champion, in choice.champion",
            )
        return found

    return score


def in_score_order(scores: np.ndarray) -> np.ndarray:
    """Return the order of rows in which neighbours have similar outputs."""
    if scores.shape[1] == 1:
        return np.argsort(scores[:, 0], kind="stable")
    likeliest = scores.argmax(axis=1)
    return np.lexsort((scores.max(axis=1), likeliest))


def spread_sample(
    score: Score, frame: pd.DataFrame, size: int, seed: Sequence[int]
) -> tuple[np.ndarray, float]:
    """Choose rows whose outputs are spread like those of all rows.

    A random pool of 20 rows a chosen one is ordered by output, and every 20th is taken from a
    random start: each row is as likely as another, and their mean output is close to that
    of all rows (systematic sampling, Cochran 1977, chapter 8).

    Returns
    -------
    positions : ndarray of int64
        In order of output; all rows where there are not more.
    pool_difference : float
        Largest absolute difference, over outputs, of the chosen rows' and the pool's mean.
    """
    generator = np.random.default_rng(list(seed))
    pool = np.arange(len(frame))
    if len(pool) > 20 * size:
        pool = np.sort(generator.choice(len(frame), 20 * size, replace=False))
    scores = score(frame.iloc[pool].reset_index(drop=True))
    order = in_score_order(scores)
    if size < len(pool):
        step = len(pool) / size
        order = order[((np.arange(size) + generator.random()) * step).astype(np.int64)]
    gap = float(np.abs(scores[order].mean(axis=0) - scores.mean(axis=0)).max())
    return pool[order], gap


def in_space(score: Score, space: str) -> Score:
    """Return a model's outputs as log-odds where these are what values add up to.

    Of several classes each one's is against the mean of all classes' logarithms.
    """
    if space != "margin":
        return score

    def log_odds(frame: pd.DataFrame) -> np.ndarray:
        p = np.clip(score(frame), _LEAST, 1 - _LEAST)
        if p.shape[1] > 1:
            return np.asarray(np.log(p) - np.log(p).mean(axis=1, keepdims=True))
        return np.asarray(np.log(p) - np.log1p(-p))

    return log_odds


def tolerance(scores: np.ndarray, space: str) -> float:
    """Return the additivity error that rounding may cause: 1e-4 of the output's range.

    Models in single precision give a row slightly different outputs in different batches.
    """
    if space == "probability":
        return 1e-4
    return float(max(1e-4 * (scores.max() - scores.min()), 1e-6 * np.abs(scores).max(), 1e-12))
