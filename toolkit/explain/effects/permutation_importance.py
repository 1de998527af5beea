"""Permutation importance on test rows, beside the importance by SHAP values.

A column is shuffled between test rows and the metric gets worse by what the model owes to it
(Breiman 2001; Fisher, Rudin and Dominici 2019). Each column is shuffled several times, all
alike; the interval resamples the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit import metrics
from toolkit.artifacts import (
    ComparedImportance,
    Explanation,
    Interval,
    PermutationComparison,
    RankStability,
)
from toolkit.explain.effects.data_support import DataSupport
from toolkit.explain.effects.sampled_rows import SampledRows, mixed
from toolkit.metrics import Context
from toolkit.metrics.base import Statistic
from toolkit.metrics.resampling import Resampling, draws, on_resamples, weighted

if TYPE_CHECKING:
    from toolkit.project.model import Project
    from toolkit.table import Part

BUDGET = 50_000
REPEATS = 5
COLUMNS = 30
_STABILITY = 1_000
_CLOSE = 0.3


def shap_ranking(explanation: Explanation, columns: list[str]) -> dict[str, float]:
    """Return mean absolute SHAP values averaged over outputs, the largest first."""
    known, total = set(columns), dict[str, float]()
    for items in explanation.importance.values():
        for item in items:
            if item.column in known:  # not several columns that were explained as one
                share = (item.mean_abs.value or 0.0) / len(explanation.importance)
                total[item.column] = total.get(item.column, 0.0) + share
    return dict(sorted(total.items(), key=lambda pair: -pair[1]))


def permutation(
    sample: SampledRows,
    test: Part,
    project: Project,
    shap: dict[str, float],
    around: DataSupport,
) -> PermutationComparison:
    """Return how much worse the metric gets without each column.

    Parameters
    ----------
    sample : SampledRows
        For its model, its seed and its count of evaluations.
    test : Part
        The rows to score.
    project : Project
        For the metric and the costs.
    shap : dict of str to float
        Columns, most important first, see `shap_ranking`.
    around : DataSupport
        To name related columns.
    """
    metric = metrics.get(metrics.resolve(project)[0])
    able = [name for name in shap if sample.kinds[name] != "image"]
    columns = able[:COLUMNS]
    size = min(len(test), round(BUDGET * project.automl.effort) // (REPEATS * max(1, len(columns))))
    generator = np.random.default_rng([sample.seed, 31])
    rows = np.sort(generator.choice(len(test), size, replace=False))
    weights = None if test.weights is None else test.weights[rows]
    frame = test.frame[list(sample.kinds)].iloc[rows].reset_index(drop=True)
    context = Context(
        sample.model.task, list(sample.model.classes), sample.model.threshold, project.costs
    )

    def statistic(scores: np.ndarray) -> Statistic:
        if scores.shape[1] == 1:  # a value, or the positive class's probability
            scores = scores[:, 0]
        return weighted(metric.statistic(test.target[rows], scores, context), weights)

    orders = [generator.permutation(size) for _ in range(REPEATS)]
    found = [statistic(each) for each in sample.score(_shuffled(frame, columns, orders))]
    count = project.explain.bootstrap if size > 1 else 0
    sign = -1.0 if metric.greater_is_better else 1.0
    blocks = [np.ones((1, size)), *draws(size, count, sample.seed)]
    # Nothing less nothing is -0 where more is better: 0 is added to it.
    rises = sign * np.vstack([_rises(found, orders, drawn) for drawn in blocks]) + 0.0
    losses = {
        name: _interval(rises[:, place], project.explain.confidence)
        for place, name in enumerate(columns)
    }
    agreement, items = _compared(losses, shap, around)
    return PermutationComparison(
        metric=metric.name,
        rows=len(rows),
        of_rows=len(test),
        repeats=REPEATS,
        left_out=len(shap) - len(columns),
        agreement=agreement,
        columns=items,
    )


def _shuffled(
    frame: pd.DataFrame, columns: list[str], orders: list[np.ndarray]
) -> Iterator[pd.DataFrame]:
    rows = np.arange(len(frame))
    yield frame
    for name in columns:
        for order in orders:
            yield mixed(frame, rows, {name: order})


def _rises(found: list[Statistic], orders: list[np.ndarray], drawn: np.ndarray) -> np.ndarray:
    """Return each column's mean rise of the metric on each resample, (r, columns); else NaN.

    A shuffled row rests on two rows, its own and that which its cell comes from, and counts as
    often as both were drawn; otherwise half of the chance of the draw would be left out. The
    metric before is taken over the same rows, so that a column without use gives exactly 0.
    """
    before, after = found[0], found[1:]
    total = np.zeros((len(drawn), len(after) // len(orders)))
    for repeat, order in enumerate(orders):
        weights = drawn * drawn[:, order]
        base = on_resamples(before, weights)
        base[~weights.any(axis=1)] = np.nan
        for place in range(total.shape[1]):
            total[:, place] += on_resamples(after[place * len(orders) + repeat], weights) - base
    return total / len(orders)


def _interval(rises: np.ndarray, confidence: float) -> Interval:
    """Return the first value with the interval of the others."""
    if not np.isfinite(rises[0]):
        return Interval(value=None)
    known = rises[1:][np.isfinite(rises[1:])]
    taken = len(rises) - 1
    return Resampling(taken, confidence).interval_of(float(rises[0]), known, taken)


def _compared(
    losses: dict[str, Interval], shap: dict[str, float], around: DataSupport
) -> tuple[float | None, list[ComparedImportance]]:
    """Return the agreement of both ranks, and the columns in the order of their SHAP values."""
    names = list(losses)
    values = [losses[name].value for name in names]
    ranks: dict[str, int] = {}
    agreement = None
    if names and all(value is not None for value in values):
        order = np.argsort([-float(value or 0.0) for value in values], kind="stable")
        ranks = {names[place]: rank + 1 for rank, place in enumerate(order)}
        agreement = spearman([shap[name] for name in names], [float(v or 0.0) for v in values])
    items = [
        ComparedImportance(
            column=name,
            loss=losses[name],
            rank=ranks.get(name),
            shap=shap[name],
            shap_rank=place + 1,
            why=_why(name, place + 1, losses[name], ranks, around) if ranks else "",
        )
        for place, name in enumerate(names)
    ]
    return agreement, items


def spearman(a: list[float], b: list[float]) -> float | None:
    """Return Spearman's rank correlation, None where a side is constant or there are under 3."""
    from scipy.stats import rankdata

    if len(a) < 3 or len(set(a)) < 2 or len(set(b)) < 2:
        return None
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def _why(
    name: str, shap_rank: int, loss: Interval, ranks: dict[str, int], around: DataSupport
) -> str:
    """Return why the ranks of a column differ by much; empty if they do not."""
    lower = ranks[name] - shap_rank
    if abs(lower) < max(2, round(len(ranks) / 4)):
        return ""
    if lower < 0:
        return "Few rows depend on it, but strongly, or where the metric is most sensitive."
    said = "It changes the output more than it improves the metric."
    if loss.low is None or loss.low <= 0:
        said = "It changes the output; whether it improves the metric is not clear on these rows."
    related = around.related(name) if name in around.kinds else []
    close = [x for x in related if around.association[name, x] > _CLOSE and x in ranks]
    if close:
        said += f" Correlated columns may replace it: {', '.join(close)}."
    return said


def stability(frame: pd.DataFrame, columns: list[str], seed: int) -> list[RankStability]:
    """Return how firm the ranks by SHAP values are, by a bootstrap of the explained rows.

    Parameters
    ----------
    frame : pandas.DataFrame
        Lines as in `toolkit.artifacts.Attributions`.
    columns : list of str
        All columns in order of importance.
    seed : int
        Of the resamples.
    """
    size = frame.assign(size=frame["shap"].abs()).groupby(["row", "column"])["size"].mean()
    table = size.unstack("column").reindex(columns=columns).fillna(0.0).to_numpy()
    if len(table) < 2:
        return []
    n = len(table)
    generator = np.random.default_rng([seed, 41])
    weights = generator.multinomial(n, np.full(n, 1 / n), size=_STABILITY)
    means = weights @ table
    order = np.argsort(-means, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable") + 1
    own = np.argsort(np.argsort(-table.mean(axis=0), kind="stable"), kind="stable") + 1
    low, high = np.quantile(rank, [0.025, 0.975], axis=0, method="inverted_cdf")
    return [
        RankStability(
            column=name,
            rank=int(own[place]),
            kept=float((rank[:, place] == own[place]).mean()),
            low=int(low[place]),
            high=int(high[place]),
            top3=float((rank[:, place] <= 3).mean()),
        )
        for place, name in enumerate(columns)
    ]
