"""The champion on rows that nothing else has seen, to tell how far the selection flatters it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit import metrics, table
from toolkit.artifacts import Canary, Check, Conformal, Entry
from toolkit.automl import conformal
from toolkit.automl.picking import as_selected

if TYPE_CHECKING:
    from toolkit.automl.model import Model
    from toolkit.run.stage import Stage

_FEW = 30


@dataclass(frozen=True)
class Look:
    """What the canary rows say of a champion."""

    canary: Canary
    conformal: Conformal | None
    checks: list[Check]


def look(stage: Stage, model: Model, entry: Entry, metric_name: str) -> Look | None:
    """Return the champion's score and its intervals' coverage on the canary rows.

    The score is that of the selection: before calibration, and with the same weights.

    Parameters
    ----------
    stage : Stage
        Gives the rows of the split's part ``validation``.
    model : Model
        The champion as it was written.
    entry : Entry
        Its line on the leaderboard.
    metric_name : str
        The ranking metric.

    Returns
    -------
    Look or None
        None where there are no canary rows.
    """
    part = table.load_part(stage, "validation")
    if not len(part):
        return None
    project = stage.project
    context = metrics.Context(model.task, model.classes, None, project.costs)
    actual, weights = part.target, part.weights
    if model.classes:
        actual = metrics.class_codes(part.target, model.classes)
    else:
        actual = actual.astype("float64")
    counted = as_selected(actual, weights, project.automl.class_weights)
    inputs = model.inputs(part.frame)
    raw = model.score(inputs)
    metric = metrics.get(metric_name)
    score = metrics.bootstrap(
        metric, actual, raw, context,
        resamples=project.explain.bootstrap, confidence=project.explain.confidence,
        seed=project.seed, weights=counted,
    )  # fmt: skip
    selection = entry.score.value
    optimism = None
    if selection is not None and score.value is not None:
        sign = 1 if metric.greater_is_better else -1
        optimism = sign * (selection - score.value)
    within = selection is not None and _inside(selection, score.low, score.high)
    canary = Canary(
        metric=metric_name,
        rows=len(part),
        score=score,
        selection=selection,
        optimism=optimism,
        within_interval=within,
    )
    found = None
    if model.conformal is not None:
        found = conformal.measure(
            model.conformal, model.calibration.apply(raw), actual, inputs.design, weights
        )
    ordered = project.split.method == "time"
    return Look(canary, found, [_optimism(canary, ordered), *_coverage(found, model, len(part))])


def _inside(value: float, low: float | None, high: float | None) -> bool:
    return low is None or high is None or low <= value <= high


def _optimism(canary: Canary, ordered: bool) -> Check:
    metric = metrics.get(canary.metric)
    name = "Selection against unseen rows"
    score, optimism = canary.score, canary.optimism
    if optimism is None or canary.selection is None or score.value is None:
        return Check(
            name=name,
            severity="info",
            message=f"{metric.title} is not defined on the {canary.rows} canary rows.",
        )
    interval = "" if score.low is None else f" ({score.low:.4g} to {score.high:.4g})"
    text = (
        f"{metric.title}: {canary.selection:.4g} when selected, {score.value:.4g}{interval} on"
        f" {canary.rows:,} rows that search, selection and calibration never saw."
    )
    if canary.within_interval:
        few = canary.rows < _FEW
        return Check(
            name=name,
            severity="info" if few else "ok",
            message=text + (" So few rows say little." if few else ""),
        )
    if optimism > 0:
        return Check(
            name=name,
            severity="critical",
            message=f"The selection flatters the model by {optimism:.3g}. {text}",
            remedy="Look for rows or groups that lie on both sides of the folds, for columns that"
            " leak the target, and, if rows follow time, for a change that came later",
        )
    text = f"The selection was too harsh by {-optimism:.3g}. {text}"
    if ordered:
        # Folds in order of time learn from a part of what the champion learnt from.
        return Check(name=name, severity="info", message=text)
    return Check(
        name=name,
        severity="warning",
        message=text,
        remedy="The canary rows are easier than the training rows: check how the split was made",
    )


def _coverage(found: Conformal | None, model: Model, rows: int) -> list[Check]:
    if found is None or found.measured.value is None:
        return []
    what = "Intervals" if model.task == "regression" else "Sets of classes"
    mean = (
        f"{found.size:.4g} wide" if model.task == "regression" else f"of {found.size:.2f} classes"
    )
    short = found.measured.high is not None and found.measured.high < found.coverage
    return [
        Check(
            name="Coverage on unseen rows",
            severity="warning" if short else "ok",
            message=f"{what} hold the truth in {found.measured.value:.1%} of {rows:,} canary rows;"
            f" {found.coverage:.0%} were promised. On average they are {mean}.",
            remedy="Do not rely on them: the canary rows differ from the training rows"
            if short
            else "",
        )
    ]
