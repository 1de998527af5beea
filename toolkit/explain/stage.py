"""The stage ``explain``: choose rows, explain them, say how exact it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from toolkit import table
from toolkit.artifacts import Attributions, Explanation
from toolkit.errors import DataError
from toolkit.explain.assemble import Provenance, artifact, attribution_frame
from toolkit.explain.shap import cost_plan, strategy
from toolkit.explain.shap.attribution import explain_rows
from toolkit.explain.shap.background import Reference, references
from toolkit.explain.shap.outputs import RowValues, scorer, spread_sample
from toolkit.explain.shap.sampling import CALL_CELLS, CALL_ROWS, FeatureGroups
from toolkit.explain.shap.screening import screen

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage
    from toolkit.table import Part, Predictor

_ROWS, _SCREEN = 1, 3  # streams of random numbers
_TIMED = 500
"""Rows by which the time of scoring is estimated."""


def explain(stage: Stage, model: Predictor) -> Explanation:
    """Explain the model on test rows against training rows, and write both artefacts.

    Values are on the original columns, in the space that the explanation names: log-odds where
    the model is a sum in them, else the unit of ``model.predict``.

    Parameters
    ----------
    stage : Stage
        Open, with the split made.
    model : Predictor
        Anything with ``predict``.

    Raises
    ------
    DataError
        When there are no test rows or too few training rows.
    ModelError
        When the model gives a row no number.
    """
    test, train = table.load_part(stage, "test"), table.load_part(stage, "train")
    columns = [name for name in model.columns if name in test.frame.columns]
    if not len(test) or len(train) < 2 or not columns:
        raise DataError(
            f"nothing to explain: {len(test)} test rows, {len(train)} training rows,"
            f" {len(columns)} feature columns",
            remedy="Keep more rows for test in split.test, or give more rows",
        )
    stage.progress("choosing rows to explain")
    score, asked, seed = scorer(model), stage.project.explain, stage.project.seed
    reference = references(stage, train)
    chosen, _ = spread_sample(score, test.frame, asked.rows, [seed, _ROWS])
    size = min(asked.background, len(reference))
    way = strategy.choose(stage, model, len(chosen), size)
    background, _ = reference.sample(model, size, seed)
    while True:
        # What would be given up afterwards is not computed.
        error = strategy.disproof(model, way, test.frame.iloc[chosen], background)
        if error is None:
            values, how = _explained(stage, model, test, reference, chosen, way=way)
            error = values.additivity_error
            if error <= values.tolerance:
                break
        less = strategy.less(stage, model, way, reference, rows=len(chosen), background=size)
        if less is None:
            break
        stage.note(way.disproved(error, less))
        way = less
    suspects = [name for name in table.leak_suspects(stage) if name in model.columns]
    explanation = artifact(stage.project, model, values, how, suspects)
    stage.write(Attributions(attribution_frame(values)))
    stage.write(explanation)
    if values.additivity_error > values.tolerance:
        stage.note("The values do not add up to the output: see the check Additivity")
    return explanation


def _explained(
    stage: Stage,
    model: Predictor,
    test: Part,
    reference: Reference,
    chosen: np.ndarray,
    *,
    way: strategy.Strategy,
) -> tuple[RowValues, Provenance]:
    """Return the values of test rows, by what was affordable."""
    seed, columns = stage.project.seed, [n for n in model.columns if n in test.frame.columns]
    players, screened = FeatureGroups(columns, [[name] for name in columns]), 0
    size = way.background
    background, gap = reference.sample(model, size, seed)
    plan = cost_plan.CostPlan(len(chosen), 0 if way.by_cover else size, 1)
    if way.smooth is not None:
        plan = strategy.lines(stage, model, way.smooth, len(chosen), size)
    elif way.planned:
        frame = test.frame.iloc[chosen]
        if way.total is None:
            players, screened = _players(stage, model, frame, background)
        steps = _steps(frame, background, players)
        plan = cost_plan.plan(
            cost_plan.asked(stage.project), len(chosen), size, steps, len(columns)
        )
    if plan.rows < len(chosen):
        chosen, _ = spread_sample(scorer(model), test.frame, plan.rows, [seed, _ROWS])
    if plan.background < size and not way.by_cover:
        background, gap = reference.sample(model, plan.background, seed)
    for sentence in plan.reductions:
        stage.note(f"The explanation would take too long as asked: {sentence}")
    chosen = np.sort(chosen)
    stage.progress(f"{plan.words()}: {_cost(model, test.frame.iloc[chosen], plan)}")
    values = explain_rows(
        model,
        test.frame.iloc[chosen],
        background,
        rows=test.rows[chosen],
        orders=plan.orders,
        seed=seed,
        players=players,
        total=way.total,
        smooth=way.smooth,
        points=plan.points,
        game=way.game,
        threads=stage.project.automl.budget.threads,
        progress=_tenths(stage),
    )
    if way.by_cover:
        return values, Provenance(plan, screened, 0.0, strategy.COVERED)
    return values, Provenance(plan, screened, gap, reference.words)


def _cost(model: Predictor, frame: pd.DataFrame, plan: cost_plan.CostPlan) -> str:
    """Return in words how long scoring will take here, and what it will hold in memory."""
    if not plan.evaluations:
        return "no mixture is scored"
    if plan.points:
        return f"{plan.evaluations:,} at most"
    sample = frame.iloc[np.arange(_TIMED) % len(frame)].reset_index(drop=True)
    clock = time.perf_counter()
    model.predict(sample)
    seconds = (time.perf_counter() - clock) * plan.evaluations / _TIMED
    cells = min(plan.evaluations, CALL_ROWS, CALL_CELLS // max(1, frame.shape[1])) * frame.shape[1]
    return f"at most {seconds:,.0f} s of scoring here, {cells * 8 / 2**20:,.0f} MiB a call"


def _tenths(stage: Stage) -> Callable[[int, int], None]:
    def say(done: int, total: int) -> None:
        if done * 10 // total > (done - 1) * 10 // total:
            stage.progress("explaining rows", done, total)

    return say


def row_explainer(
    stage: Stage, model: Predictor, explanation: Explanation
) -> Callable[[int], pd.DataFrame]:
    """Return a function that explains one more test row, against the same background.

    It takes a row's number in the table and gives lines as in `Attributions`.

    Raises
    ------
    DataError
        By that function, for a row that is not among the test rows.
    """
    test, train = table.load_part(stage, "test"), table.load_part(stage, "train")
    seed, reference = stage.project.seed, references(stage, train)
    place = {int(row): i for i, row in enumerate(test.rows)}
    names = [item.column for item in next(iter(explanation.importance.values()))]
    own = [name for name in test.frame.columns if name in model.columns]
    players = FeatureGroups(own, [[name] for name in own])
    if explanation.grouped:
        single = [name for name in own if name not in set(explanation.grouped)]
        group = next(name for name in names if name not in set(own))
        players = FeatureGroups([*single, group], [*([n] for n in single), explanation.grouped])
    prepared: list[pd.DataFrame] = []
    orders = max(1, explanation.permutations // max(1, explanation.background))
    way = strategy.again(stage, model, explanation, reference)

    def one(row: int) -> pd.DataFrame:
        if row not in place:
            raise DataError(
                f"row {row} is not a test row",
                expected=f"one of {len(place):,} rows, such as {test.rows[0]}",
            )
        if not prepared:
            prepared.append(reference.sample(model, way.background, seed)[0])
        values = explain_rows(
            model,
            test.frame.iloc[[place[row]]],
            prepared[0],
            rows=[row],
            orders=orders,
            seed=seed,
            players=players,
            total=way.total,
            smooth=way.smooth,
            points=way.points,
            game=way.game,
        )
        return attribution_frame(values)

    return one


def _players(
    stage: Stage, model: Predictor, frame: pd.DataFrame, background: pd.DataFrame
) -> tuple[FeatureGroups, int]:
    columns = [name for name in model.columns if name in frame.columns]
    if len(columns) <= cost_plan.MOST_COLUMNS:
        return FeatureGroups(columns, [[name] for name in columns]), 0
    stage.progress(f"screening {len(columns):,} columns")
    players, spent = screen(
        scorer(model),
        frame[columns],
        background[columns],
        cost_plan.PLAYERS,
        [stage.project.seed, _SCREEN],
    )
    stage.note(
        f"The table is wide: {cost_plan.PLAYERS} columns are explained by themselves and"
        f" {len(players.columns[-1]):,} together as one"
    )
    return players, spent


def _steps(frame: pd.DataFrame, background: pd.DataFrame, players: FeatureGroups) -> float:
    """Return the mean number of evaluations that one order of one pair of rows needs."""
    import pandas as pd

    from toolkit.explain.shap.sampling import differences

    both = pd.concat([frame, background], ignore_index=True)
    differs = differences(both, len(frame), players)
    return float(np.maximum(differs.sum(axis=2) - 1, 0).mean())
