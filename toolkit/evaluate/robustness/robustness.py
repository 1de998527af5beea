"""How a model's score falls when its rows are perturbed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics, table
from toolkit.artifacts import Check, ColumnHarm, Extreme, Interval, OutsideData, Robustness
from toolkit.evaluate.robustness import checks
from toolkit.evaluate.robustness.perturbation_plan import (
    COLUMNS,
    REPEATS,
    SHARES,
    SHIFTS,
    STRENGTHS,
    PerturbationPlan,
)
from toolkit.evaluate.robustness.rescoring import Rescoring
from toolkit.evaluate.scores.scored_rows import ScoredTestRows, score_part, some_rows

if TYPE_CHECKING:
    from toolkit.run.stage import Stage
    from toolkit.table import Part, Predictor

BUDGET = 200_000
"""Rows scored in all with the preset `thorough`, whatever the table's size; else fewer."""
ROWS = 2_000
SURE = 0.95
"""The quantile of the test rows' certainty that rows outside the data should stay below."""
_SHIFTED = 8
_EXTREME_ROWS = 100
_SHOWN = 15


def robustness(stage: Stage, model: Predictor) -> Robustness:
    """Perturb test rows in several ways, and write ``robustness.json``.

    Noise on all numbers, cells missing at random, each column missing, numbers shifted,
    categories that never occurred, numbers at and beyond the ends of their range, and rows
    that lie outside the data. At most 2,000 test rows are used, fewer where there are many
    columns, so that the model scores at most about 200,000 rows in all, in few calls. Beyond
    60 columns only those are perturbed one by one with which the output differs most. Texts
    are blanked and images taken away; neither is changed otherwise.

    Parameters
    ----------
    stage : Stage
        Open, with the split made.
    model : Predictor
        Anything with ``predict``.

    Notes
    -----
    A perturbation that the model refuses with a `ToolkitError` or ``ValueError`` becomes a
    `Failure` and a critical check; anything else is raised.

    Raises
    ------
    DataError
        When there are no test rows.
    ModelError
        When the model gives an unperturbed row no number.
    """
    test, train = table.load_part(stage, "test"), table.load_part(stage, "train")
    total = len(test.columns)
    rows = _affordable(test, round(BUDGET * stage.project.automl.effort))
    stage.progress("perturbing rows")
    base = score_part(stage, model, some_rows(test, min(rows, ROWS), stage.project.seed))
    plan = PerturbationPlan.of(base, train)
    scorer = Rescoring(model, base, evaluations=len(base.part))
    steps = 6
    noise = scorer.score(plan.noise())
    stage.progress("perturbing rows: missing cells", 1, steps)
    blanks = scorer.score(plan.blanks())
    stage.progress("perturbing rows: missing columns", 2, steps)
    missing = _ranked([scorer.harm(*pair) for pair in scorer.score(plan.missing())])
    stage.progress("perturbing rows: shifts", 3, steps)
    moved = [h.column for h in missing if h.column in plan.spread][:_SHIFTED]
    shifts = [scorer.harm(*pair) for pair in scorer.score(plan.shifts(moved))]
    stage.progress("perturbing rows: values never seen", 4, steps)
    unseen = _ranked([scorer.harm(*pair) for pair in scorer.score(plan.unseen())])
    stage.progress("perturbing rows: ends of ranges", 5, steps)
    extremes = _extremes(scorer, plan, train)
    outside = _outside(scorer, plan, train)
    baseline = base.interval(base.metric)
    found = Robustness(
        metric=base.metric,
        rows=len(base.part),
        of_rows=len(test),
        evaluations=scorer.evaluations,
        baseline=baseline,
        constant=_constant(base, train),
        noise=scorer.doses(noise),
        blanks=scorer.doses(blanks),
        missing=missing[:_SHOWN],
        shifts=_by_column(shifts),
        unseen=unseen[:_SHOWN],
        extremes=extremes,
        outside=outside,
        failures=scorer.failures,
        left_out=total - len(plan.kinds),
    )
    remarks: list[Check] = checks.checks(found, base.context.task == "regression", base.leaks)
    found = found.model_copy(update={"checks": remarks})
    stage.write(found)
    return found


def _affordable(test: Part, budget: int) -> int:
    """Return how many test rows the budget allows.

    What a model may refuse counts twice: a batch that is refused is scored again in pieces.
    """
    kinds = [column.type for column in test.columns.values()]
    singles = min(len(kinds), COLUMNS)
    numbers = min(kinds.count("number"), COLUMNS)
    words = min(kinds.count("category"), COLUMNS)
    once = 2 + len(STRENGTHS) * REPEATS + len(SHIFTS) * min(numbers, _SHIFTED) + 2
    twice = len(SHARES) * REPEATS + singles + words
    left = budget - 4 * numbers * _EXTREME_ROWS
    return max(1, left // (once + 2 * twice))


def _ranked(harms: list[ColumnHarm]) -> list[ColumnHarm]:
    return sorted(harms, key=lambda h: -np.inf if h.harm.value is None else -h.harm.value)


def _by_column(harms: list[ColumnHarm]) -> list[ColumnHarm]:
    """Return shifts, the columns with the greatest harm first, each in order of the shift."""
    worst: dict[str, float] = {}
    for each in harms:
        value = -np.inf if each.harm.value is None else each.harm.value
        worst[each.column] = max(worst.get(each.column, -np.inf), value)
    return sorted(harms, key=lambda each: (-worst[each.column], each.column, each.setting or 0.0))


def _constant(base: ScoredTestRows, train: Part) -> float | None:
    guess = metrics.constant_scores(
        train.target, len(base.part), base.context, metric=base.metric, weights=train.weights
    )
    metric = metrics.get(base.metric)
    return metric(base.part.target, guess, base.context, base.part.weights)


def _extremes(scorer: Rescoring, plan: PerturbationPlan, train: Part) -> list[Extreme]:
    base, rows = scorer.base, min(_EXTREME_ROWS, len(scorer.base.part))
    before = base.scores[:rows].mean(axis=0)
    found: dict[str, list[Extreme]] = {}
    for item, scores in scorer.score(plan.extremes(rows)):
        gap = scores.mean(axis=0) - before
        change = {
            "regression": lambda gap: gap,
            "binary": lambda gap: gap[1],
            "multiclass": lambda gap: np.abs(gap).sum() / 2,
        }[base.context.task](gap)
        found.setdefault(item.column, []).append(
            Extreme(
                column=item.column,
                setting=str(item.setting),
                value=plan.ends(item.column)[str(item.setting)],
                change=float(change),
                outside=float(_beyond(scores, train).mean())
                if base.context.task == "regression"
                else None,
            )
        )
    ranked = sorted(found.values(), key=lambda each: -max(abs(e.change) for e in each))
    return [extreme for each in ranked[:_SHOWN] for extreme in each]


def _beyond(scores: np.ndarray, train: Part) -> np.ndarray:
    target = train.target.astype(np.float64)
    return (scores < target.min()) | (scores > target.max())


def _outside(scorer: Rescoring, plan: PerturbationPlan, train: Part) -> list[OutsideData]:
    base = scorer.base
    regression = base.context.task == "regression"
    if regression:
        limit = float(_beyond(base.scores, train).mean())
    else:
        limit = float(np.quantile(base.scores.max(axis=1), SURE))
    found = []
    for item, scores in scorer.score(plan.outside()):
        sure = _beyond(scores, train) if regression else scores.max(axis=1) > limit
        low, high = metrics.wilson(int(sure.sum()), len(sure), base.resampling.confidence)
        allowed = max(1 - SURE, limit) if regression else 1 - SURE
        found.append(
            OutsideData(
                made=str(item.setting),
                rows=len(sure),
                share=Interval(value=float(sure.mean()), low=low, high=high),
                limit=limit,
                verdict="overconfident" if low > allowed else "cautious",
            )
        )
    return found
