"""Fairness against its cost: intersections of protected columns, mitigation, the choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit import metrics, table
from toolkit.artifacts import FairnessDetail, Mitigation, Rows
from toolkit.errors import ProjectError
from toolkit.evaluate.fairness import surrogate_mitigation
from toolkit.evaluate.fairness.fairness_frontier import FairnessFrontier, FrontierResult
from toolkit.evaluate.fairness.intersections import cross
from toolkit.evaluate.scores.scored_rows import score_part

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage
    from toolkit.table import Predictor


def fairness_detail(stage: Stage, model: Predictor) -> FairnessDetail:
    """Compare crossings of protected columns, trace what fairness would cost, and write both.

    Policies are fitted on validation rows (a threshold for each group, of the champion's own
    calibrated score) or on training rows (a surrogate model), and judged on the test rows.
    Nothing about the champion is changed.

    Parameters
    ----------
    stage : Stage
        Open, with the split made.
    model : Predictor
        Anything with ``predict``.

    Raises
    ------
    DataError
        When there are no test rows.
    ProjectError
        When ``fairness.mitigation`` names no point of the curve.
    """
    project = stage.project
    stage.progress("crossing protected columns")
    test = table.load_part(stage, "test")
    scored = score_part(stage, model, test)
    rows = stage.read(Rows).frame
    protected = {name: rows[name].iloc[test.rows] for name in project.protected()}
    crossed = cross(project, scored, protected)
    asked, _ = metrics.resolve_fairness(project)
    binary = model.task == "binary"
    default_metric = "demographic_parity_difference" if binary else "group_error_difference"
    metric = asked if asked != "none" else default_metric
    why = _no_curve(model.task, protected)
    traced = FrontierResult()
    if not why:
        traced = FairnessFrontier(stage, model, scored, protected, rows=rows, metric=metric).trace()
    detail = FairnessDetail(
        metric=metric,
        metric_asked=asked != "none",
        limit=project.fairness.limit,
        rows=len(test),
        minimum_group=project.fairness.minimum_group,
        crossings=crossed.crossings,
        crossing_verdicts=crossed.verdicts,
        crossings_left_out=crossed.left_out,
        rows_left_out=crossed.rows_left_out,
        fit_rows=traced.fit_rows,
        surrogate=surrogate_mitigation.NAME if traced.surrogate_rows else "",
        surrogate_rows=traced.surrogate_rows,
        surrogate_of=traced.surrogate_of,
        curve=traced.curve,
        no_curve=why,
        checks=[*crossed.checks, *traced.checks],
    )
    return choose_mitigation(stage, detail)


def choose_mitigation(stage: Stage, detail: FairnessDetail) -> FairnessDetail:
    """Return the detail with the project's choice of a point in it, and write it.

    Raises
    ------
    ProjectError
        When ``fairness.mitigation`` names no point of the curve.
    """
    choice = stage.project.fairness
    chosen = None
    if choice.mitigation != "none":
        point = next((each for each in detail.curve if each.name == choice.mitigation), None)
        if point is None:
            raise ProjectError(
                f"there is no point {choice.mitigation!r} on the trade-off curve",
                where="fairness.mitigation",
                expected=", ".join(["none", *(each.name for each in detail.curve)]),
                remedy=detail.no_curve,
            )
        chosen = Mitigation(
            name=point.name,
            reason=choice.mitigation_reason.strip(),
            method=point.method,
            column=point.column,
            thresholds=point.thresholds,
            fallback=point.fallback,
            applies=point.method == "thresholds",
        )
    made = detail.model_copy(update={"mitigation": chosen})
    stage.write(made)
    return made


def _no_curve(task: str, protected: dict[str, pd.Series]) -> str:
    if not protected:
        return "No column is marked as protected, so there are no groups to compare."
    if task != "binary":
        what = "a number is predicted" if task == "regression" else "there are several classes"
        return (
            f"Mitigation is traced for two classes only: here {what}, and there is no single"
            " threshold."
        )
    return ""
