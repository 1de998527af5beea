"""SHAP values for given rows against a given background."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.errors import DataError, ModelError
from toolkit.explain import shapley
from toolkit.explain.exact import MIXTURES, SumValues, sum_error
from toolkit.explain.shapley import Game, Players, Score

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.forests import Sum
    from toolkit.table.predictor import Predictor

EXACT_EVALUATIONS = 400_000
_LEAST = 1e-15


@dataclass(frozen=True)
class RowValues:
    """SHAP values of some rows.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        Which rows, in the numbering that was given.
    players : Players
        What the values belong to: columns, or groups of them.
    classes : list of str
        The outputs: the positive class, every class, or ``value``.
    base : ndarray, shape (outputs,)
        Mean output over the background rows.
    output : ndarray, shape (n, outputs)
        The model's output for each row.
    shap, standard_error : ndarray, shape (n, players, outputs)
        Values in the output's unit, and their standard errors.
    method : str
        How they were found, in words.
    space : str
        What they add up to: value, probability or margin.
    exact : list of str
        What of the model was taken apart exactly: trees, terms.
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
    players: Players
    classes: list[str]
    base: np.ndarray
    output: np.ndarray
    shap: np.ndarray
    standard_error: np.ndarray
    method: str
    space: str
    exact: list[str]
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


def explain_rows(
    model: Predictor,
    frame: pd.DataFrame,
    background: pd.DataFrame,
    *,
    rows: Sequence[int] | None = None,
    orders: int = 1,
    seed: int = 7,
    players: Players | None = None,
    total: Sum | None = None,
    threads: int = 1,
    progress: Callable[[int, int], Any] | None = None,
) -> RowValues:
    """Return the SHAP values of rows.

    Exact where the model is a sum of trees, or all coalitions cost at most 400,000
    evaluations; else sampled.

    Parameters
    ----------
    model : Predictor
        Anything with ``predict``, ``task``, ``classes`` and ``columns``.
    frame, background : pandas.DataFrame
        Rows to explain, and rows that stand for an average case.
    rows : sequence of int, optional
        The rows' numbers; a row's draws depend on its number and the seed alone.
    orders : int
        Orders for each pair of row and background row: 1 or an even number.
    seed : int
        The seed of the orders.
    players : Players, optional
        Groups of columns; by default each column by itself.
    total : Sum, optional
        The model as a sum; the values then are of its space. Its players are the columns.
    threads : int
        Blocks of rows that are worked on at once, where trees are explained.
    progress : callable, optional
        Called with rows done and rows in all.

    Raises
    ------
    DataError
        Without a row or a background row.
    ModelError
        When the model gives a row no number.
    """
    if not len(background) or not len(frame):
        raise DataError(
            f"{len(frame)} rows cannot be explained against {len(background)}",
            expected="at least one row and one background row",
        )
    columns = [name for name in model.columns if name in frame.columns]
    players = players or Players(columns, [[name] for name in columns])
    frame = frame[columns].reset_index(drop=True)
    numbers = np.arange(len(frame)) if rows is None else np.asarray(rows, dtype=np.int64)
    score = scorer(model)
    background = background[columns].reset_index(drop=True)
    background = background.iloc[in_score_order(score(background))].reset_index(drop=True)
    seeds = [[seed, int(number)] for number in numbers]
    found = _Found()
    if total is None:
        game = Game(score, frame, background, players)
        _play(found, game, orders=orders, seeds=seeds, progress=progress)
    else:
        exact = SumValues(total, frame, background, threads)
        found.shap, found.error = exact.values(progress if total.rest is None else None)
        found.method = _exactly(total)
        if total.rest is not None:
            rest = _Found()
            game = Game(total.rest, frame, background, players)
            _play(rest, game, orders=orders, seeds=seeds, progress=progress)
            share = f"{total.share + total.linear:.0%} of the model by weight"
            found.method += f" ({share}); the rest: {rest.method}"
            found.shap = found.shap + rest.shap
            found.error = np.hypot(found.error, rest.error)
            found.evaluations, found.sampled = rest.evaluations, rest.sampled
    # Scored again, alone and in another order: a model that does not give a row the same
    # output twice is found out here.
    told = in_space(score, None if total is None else total.space)
    output = told(frame.iloc[::-1].reset_index(drop=True))[::-1]
    reference = told(background)
    base = reference.mean(axis=0)
    error = float(np.abs(base + found.shap.sum(axis=1) - output).max())
    mixtures = 0 if total is None else MIXTURES
    if total is not None:
        error = max(error, sum_error(total, told, frame, background))
    space = (
        ("value" if model.task == "regression" else "probability")
        if total is None
        else (total.space)
    )
    return RowValues(
        rows=numbers,
        players=players,
        classes=outputs(model),
        base=base,
        output=output,
        shap=found.shap,
        standard_error=found.error,
        method=found.method,
        space=space,
        exact=[] if total is None else total.kinds(),
        sampled=found.sampled,
        evaluations=found.evaluations + 2 * len(background) + len(frame) + mixtures,
        additivity_error=error,
        tolerance=tolerance(np.concatenate([output, reference]), space),
        frame=frame,
        kinds={name: model.columns[name].type for name in columns},
    )


def _exactly(total: Sum) -> str:
    words = {
        "trees": "of trees, from their own structure",
        "terms": "of linear terms, in closed form",
    }
    return f"Exact Shapley values {' and '.join(words[kind] for kind in total.kinds())}"


@dataclass
class _Found:
    shap: np.ndarray = field(default_factory=lambda: np.zeros(0))
    error: np.ndarray = field(default_factory=lambda: np.zeros(0))
    method: str = ""
    sampled: bool = False
    evaluations: int = 0


def _play(
    found: _Found,
    game: Game,
    *,
    orders: int,
    seeds: list[list[int]],
    progress: Callable[[int, int], Any] | None,
) -> None:
    coalitions = game.rows * game.references << min(len(game.players.names), 40)
    if coalitions <= EXACT_EVALUATIONS:
        unit, given = 1, shapley.enumerated(game)
        found.method = "Exact Shapley values: all coalitions of columns enumerated"
    else:
        # Of one background row only its pairs of orders can be compared with each other.
        unit = 2 if orders == 1 or game.references == 1 else orders
        given = shapley.sampled(game, orders, seeds)
        found.method = (
            f"Permutation SHAP: {orders * game.references:,} sampled orders a row, in antithetic"
            " pairs"
        )
        found.sampled = True
    values, errors = [], []
    for contributions in given:
        value, error = shapley.summarise(contributions, unit)
        values.append(value)
        errors.append(error)
        if progress is not None:
            progress(len(values), game.rows)
    found.shap, found.error = np.stack(values), np.stack(errors)
    found.evaluations = game.evaluations


def in_space(score: Score, space: str | None) -> Score:
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
