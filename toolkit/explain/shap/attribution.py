"""SHAP values for given rows against a given background."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import formats
from toolkit.errors import DataError
from toolkit.explain.shap import exact, expected_gradients, sampling
from toolkit.explain.shap.background_blocks import background_blocks, over_parts
from toolkit.explain.shap.outputs import (
    RowValues,
    in_score_order,
    in_space,
    outputs,
    own_space,
    scorer,
    tolerance,
)
from toolkit.explain.shap.sampling import FeatureGroups, ValueFunction

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.forests import AdditiveModel
    from toolkit.table.predictor import Predictor, Smooth

EXACT_EVALUATIONS = 400_000


def explain_rows(
    model: Predictor,
    frame: pd.DataFrame,
    background: pd.DataFrame,
    *,
    rows: Sequence[int] | None = None,
    orders: int = 1,
    seed: int = 7,
    players: FeatureGroups | None = None,
    total: AdditiveModel | None = None,
    smooth: Smooth | None = None,
    points: int = expected_gradients.FEWEST,
    game: str = "interventional",
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
    players : FeatureGroups, optional
        Groups of columns; by default each column by itself.
    total : AdditiveModel, optional
        The model as a sum; the values then are of its space. Its players are the columns.
    smooth : Smooth, optional
        The model as a differentiable function; the values then are expected gradients, of the
        columns, and `total` and `game` play no part.
    points : int
        How many gradients a line between two rows may take then, in the mean.
    game : str
        ``interventional``, or ``path-dependent``, which takes a `total` of trees alone
        (`toolkit.explain.shap.exact.follows_paths`) and looks at no background.
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
    players = players or FeatureGroups(columns, [[name] for name in columns])
    frame = frame[columns].reset_index(drop=True)
    numbers = np.arange(len(frame)) if rows is None else np.asarray(rows, dtype=np.int64)
    score = scorer(model)
    background = background[columns].reset_index(drop=True)
    background = background.iloc[in_score_order(score(background))].reset_index(drop=True)
    seeds = [[seed, int(number)] for number in numbers]

    def play(paid: sampling.Score, parts: list[np.ndarray] | None = None) -> _ShapValues:
        game = ValueFunction(paid, frame, background, players)
        return _played(game, orders, seeds, parts=parts, progress=progress)

    slack = 1.0
    if smooth is not None:
        total, game, slack = None, expected_gradients.GAME, expected_gradients.TOLERATED
        missed = tolerance(score(background), smooth.space) * slack / 2
        found = _along_lines(
            smooth, frame, background, missed=missed, points=points, progress=progress
        )
    elif total is None:
        found = play(score)
    elif game == exact.PATH_DEPENDENT:
        found = _by_cover(total, frame, threads)
    else:
        found = _by_sum(total, frame, background, threads, progress)
        if total.rest is not None:
            found = found.and_rest(play(total.rest, found.parts))
    # Scored again, alone and in another order: a model that does not give a row the same
    # output twice is found out here.
    space = own_space(model) if total is None else total.space
    told = in_space(score, space)
    output = told(frame.iloc[::-1].reset_index(drop=True))[::-1]
    reference = told(background)
    base = reference.mean(axis=0) if found.base is None else found.base
    error = float(np.abs(base + found.shap.sum(axis=1) - output).max())
    evaluations = found.evaluations + 2 * len(background) + len(frame)
    if total is not None:
        error = max(error, exact.sum_error(total, told, frame, background))
        evaluations += exact.MIXTURES + min(len(frame), exact.MIXTURES)
    return RowValues(
        rows=numbers,
        players=players,
        classes=outputs(model),
        base=base,
        output=output,
        shap=found.shap,
        standard_error=found.error,
        method=found.method,
        game=game,
        space=space,
        exact=[] if total is None else total.kinds(),
        left_out=[] if total is None else list(total.forests_left_out),
        corrected=total is not None and total.corrected,
        sampled=found.sampled,
        evaluations=evaluations,
        additivity_error=error,
        tolerance=tolerance(np.concatenate([output, reference]), space) * slack,
        frame=frame,
        kinds={name: model.columns[name].type for name in columns},
    )


@dataclass(frozen=True)
class _ShapValues:
    """Values and errors, each (n, players, outputs), and how they came about."""

    shap: np.ndarray
    error: np.ndarray
    method: str
    sampled: bool = False
    evaluations: int = 0
    base: np.ndarray | None = None
    parts: list[np.ndarray] | None = None
    by_part: np.ndarray | None = None
    """Values against each part of the background, (parts, n, players, outputs)."""

    def and_rest(self, rest: _ShapValues) -> _ShapValues:
        """Return the values of what is known exactly and of what had to be estimated.

        Another background would change both, together or against each other: their sum is what
        has a spread over parts of it.
        """
        assert self.parts is not None and self.by_part is not None and rest.by_part is not None
        shap, error = over_parts(self.by_part + rest.by_part, self.parts)
        return _ShapValues(
            shap,
            error if len(self.parts) > 1 else rest.error,
            f"{self.method}; the rest: {rest.method}",
            rest.sampled,
            rest.evaluations,
        )


def _by_sum(
    total: AdditiveModel,
    frame: pd.DataFrame,
    background: pd.DataFrame,
    threads: int,
    progress: Callable[[int, int], Any] | None,
) -> _ShapValues:
    alone = total.rest is None
    parts = background_blocks(len(background), 1 if alone else 2)
    values = exact.AdditiveShap(total, frame, background, threads)
    by_part = values.values(parts, progress if alone else None)
    shap, error = over_parts(by_part, parts)
    words = {
        "trees": "of trees, from their own structure",
        "terms": "of linear terms, in closed form",
    }
    method = f"Exact Shapley values {' and '.join(words[kind] for kind in total.kinds())}"
    if total.votes:
        method += ", before votes are scaled to sum 1"
    if total.forests_left_out:
        kept = len(total.grown)
        method += f" ({kept} of {kept + len(total.forests_left_out)} forests)"
    if total.corrected:
        method += ", as far as these are the model"
    elif total.rest is not None and not total.forests_left_out:
        method += f" ({formats.percent(total.share + total.linear)} of the model by weight)"
    return _ShapValues(shap, error, method, parts=parts, by_part=by_part)


def _by_cover(total: AdditiveModel, frame: pd.DataFrame, threads: int) -> _ShapValues:
    shap, base = exact.cover_values(total, frame, threads)
    method = "Exact Shapley values of trees, from their own structure and the rows they grew on"
    return _ShapValues(shap, np.zeros_like(shap), method, base=base)


def _along_lines(
    smooth: Smooth,
    frame: pd.DataFrame,
    background: pd.DataFrame,
    *,
    missed: float,
    points: int,
    progress: Callable[[int, int], Any] | None,
) -> _ShapValues:
    found = expected_gradients.expected_gradients(
        smooth, frame, background, tolerance=missed, points=points, progress=progress
    )
    pairs = len(frame) * len(background)
    method = (
        "No SHAP values: gradients of the network along straight lines between encoded rows, at"
        f" {found.evaluations / pairs:,.0f} points each in the mean"
    )
    return _ShapValues(found.values, found.error, method, evaluations=found.evaluations)


def _played(
    game: ValueFunction,
    orders: int,
    seeds: list[list[int]],
    *,
    parts: list[np.ndarray] | None,
    progress: Callable[[int, int], Any] | None,
) -> _ShapValues:
    coalitions = game.rows * game.references << min(len(game.players.names), 40)
    if coalitions <= EXACT_EVALUATIONS:
        unit, given = 1, sampling.enumerated(game)
        method = "Exact Shapley values: all coalitions of columns enumerated"
    else:
        # Of one background row only its pairs of orders can be compared with each other.
        unit = 2 if orders == 1 or game.references == 1 else orders
        given = sampling.sampled(game, orders, seeds)
        method = (
            f"Permutation SHAP: {orders * game.references:,} sampled orders a row, in antithetic"
            " pairs"
        )
    values, errors, by_part = [], [], []
    for contributions in given:
        if parts is not None:
            shape = (game.references, -1, *contributions.shape[1:])
            each = contributions.reshape(shape).mean(axis=1)
            by_part.append(np.stack([each[part].mean(axis=0) for part in parts]))
        value, error = sampling.summarise(contributions, unit)
        values.append(value)
        errors.append(error)
        if progress is not None:
            progress(len(values), game.rows)
    return _ShapValues(
        np.stack(values),
        np.stack(errors),
        method,
        sampled=coalitions > EXACT_EVALUATIONS,
        evaluations=game.evaluations,
        by_part=None if parts is None else np.stack(by_part, axis=1),
    )
