"""Permutation importance on test rows, beside the importance by SHAP values.

A column is shuffled between test rows and the metric gets worse by what the model owes to it
(Breiman 2001; Fisher, Rudin and Dominici 2019). Each column is shuffled several times; the
interval is over the rows, whose losses carry the chance of the shuffles too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from toolkit.explain.outside import Surroundings
from toolkit.explain.sampled import Sample, mixed
from toolkit.metrics import Context
from toolkit.metrics.resampling import weighted

if TYPE_CHECKING:
    from toolkit.project.model import Project
    from toolkit.table import Part

BUDGET = 50_000
REPEATS = 5
COLUMNS = 30
_RESAMPLES = 100
_STABILITY = 1_000
_CLOSE = 0.3


def shap_ranking(explanation: Explanation, columns: list[str]) -> dict[str, float]:
    """Return mean absolute SHAP values averaged over outputs, the largest first."""
    total = dict.fromkeys(columns, 0.0)
    for items in explanation.importance.values():
        for item in items:
            if item.column in total:
                total[item.column] += (item.mean_abs.value or 0.0) / len(explanation.importance)
    return dict(sorted(total.items(), key=lambda pair: -pair[1]))


def permutation(
    sample: Sample,
    test: Part,
    project: Project,
    shap: dict[str, float],
    around: Surroundings,
) -> PermutationComparison:
    """Return how much worse the metric gets without each column.

    Parameters
    ----------
    sample : Sample
        For its model, its seed and its count of evaluations.
    test : Part
        The rows to score.
    project : Project
        For the metric and the costs.
    shap : dict of str to float
        Columns, most important first, see `shap_ranking`.
    around : Surroundings
        To name related columns.
    """
    metric = metrics.get(metrics.resolve(project)[0])
    able = [name for name in shap if sample.kinds[name] != "image"]
    columns = able[:COLUMNS]
    size = min(len(test), BUDGET // (REPEATS * max(1, len(columns))))
    generator = np.random.default_rng([sample.seed, 31])
    rows = np.sort(generator.choice(len(test), size, replace=False))
    weights = None if test.weights is None else test.weights[rows]
    frame = test.frame[list(sample.kinds)].iloc[rows].reset_index(drop=True)
    context = Context(
        sample.model.task, list(sample.model.classes), sample.model.threshold, project.costs
    )

    def statistic(scores: np.ndarray) -> Callable[[np.ndarray], float | None]:
        if scores.shape[1] == 1:  # a value, or the positive class's probability
            scores = scores[:, 0]
        return weighted(metric.statistic(test.target[rows], scores, context), weights)

    scored = sample.score(_shuffled(frame, columns, generator))
    before = statistic(scored[0])
    sign = -1.0 if metric.greater_is_better else 1.0
    losses = {}
    for place, name in enumerate(columns):
        after = [statistic(scored[1 + place * REPEATS + i]) for i in range(REPEATS)]
        losses[name] = metrics.interval(
            lambda w, after=after: _rise(before, after, w, sign),  # type: ignore[misc]
            len(rows),
            resamples=min(_RESAMPLES, project.explain.bootstrap),
            confidence=project.explain.confidence,
            seed=sample.seed,
        )
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
    frame: pd.DataFrame, columns: list[str], generator: np.random.Generator
) -> Iterator[pd.DataFrame]:
    rows = np.arange(len(frame))
    yield frame
    for name in columns:
        for _ in range(REPEATS):
            yield mixed(frame, rows, {name: generator.permutation(len(frame))})


def _rise(
    before: Callable[[np.ndarray], float | None],
    after: list[Callable[[np.ndarray], float | None]],
    weights: np.ndarray,
    sign: float,
) -> float | None:
    base = before(weights)
    each = [found for one in after if (found := one(weights)) is not None]
    if base is None or len(each) < len(after):
        return None
    return sign * float(np.mean([found - base for found in each]))


def _compared(
    losses: dict[str, Interval], shap: dict[str, float], around: Surroundings
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
    name: str, shap_rank: int, loss: Interval, ranks: dict[str, int], around: Surroundings
) -> str:
    """Return why the ranks of a column differ by much; empty if they do not."""
    lower = ranks[name] - shap_rank
    if abs(lower) < max(2, round(len(ranks) / 4)):
        return ""
    if lower < 0:
        return "Few rows depend on it, but they depend on it much, or where the metric counts most."
    said = "It moves the output more than it helps."
    if loss.low is None or loss.low <= 0:
        said = (
            "It moves the output, but these rows cannot tell whether predictions are worse"
            " without it: it may not help."
        )
    related = around.related(name) if name in around.kinds else []
    close = [x for x in related if around.association[name, x] > _CLOSE and x in ranks]
    if close:
        said += f" Closely related columns may stand in for it: {', '.join(close)}."
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
