"""The champion on rows that nothing else has seen: the optimism of its selection score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats, metrics, table
from toolkit.artifacts import Check, Conformal, Entry, Holdout, Interval, Leaderboard
from toolkit.automl.champion_choice import as_selected
from toolkit.automl.decisions import conformal

if TYPE_CHECKING:
    from toolkit.automl.model.saved_model import Model
    from toolkit.run.stage import Stage


@dataclass(frozen=True)
class HoldoutResult:
    """The champion's scores on the holdout rows."""

    holdout: Holdout
    conformal: Conformal | None
    checks: list[Check]


def score_holdout(
    stage: Stage, model: Model, entry: Entry, leaderboard: Leaderboard
) -> HoldoutResult | None:
    """Return the champion's score and its intervals' coverage on the holdout rows.

    The score is that of the selection: before calibration, and with the same weights.

    Parameters
    ----------
    stage : Stage
        Gives the rows of the split's part ``validation``.
    model : Model
        The champion as it was written.
    entry : Entry
        Its line on the leaderboard.
    leaderboard : Leaderboard
        Gives the ranking metric, and the selection bias of the best single model.

    Returns
    -------
    HoldoutResult or None
        None where there are no holdout rows.
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
    metric = metrics.get(leaderboard.metric)
    score = metrics.bootstrap(
        metric, actual, raw, context,
        resampling=metrics.Resampling.of(project, table.drawn_together(stage, part.rows)),
        weights=counted,
    )  # fmt: skip
    winner = leaderboard.winner
    selection_bias = (
        winner.selection_bias if winner is not None and winner.name == entry.name else None
    )
    optimism = _selection_less_holdout(entry.score, score, 1 if metric.greater_is_better else -1)
    holdout = Holdout(
        metric=metric.name,
        rows=len(part),
        score=score,
        selection=entry.score.value,
        optimism=optimism.value,
        optimism_low=optimism.low,
        optimism_high=optimism.high,
        selection_bias=selection_bias,
        explained=_explained(optimism, selection_bias or 0.0),
    )
    found = None
    if model.conformal is not None:
        found = conformal.measure(
            model.conformal, model.calibration.apply(raw), actual, inputs.design, weights
        )
    ordered = project.split.method == "time"
    return HoldoutResult(
        holdout, found, [_optimism(holdout, ordered), *_coverage(found, model, len(part))]
    )


def _selection_less_holdout(selection: Interval, holdout: Interval, sign: int) -> Interval:
    """Return how much better the selection's score is, with an interval from those of both.

    Both are of different rows, so the limits' distances from the scores add as squares (Zou
    and Donner 2008, Statistics in Medicine 27, 1693).
    """
    if selection.value is None or holdout.value is None:
        return Interval(value=None)
    value = sign * (selection.value - holdout.value)
    ends = (selection.low, selection.high, holdout.low, holdout.high)
    if None in ends:
        return Interval(value=value)
    low, high, low_holdout, high_holdout = (end for end in ends if end is not None)
    below = np.hypot(selection.value - low, high_holdout - holdout.value)
    above = np.hypot(high - selection.value, holdout.value - low_holdout)
    if sign < 0:
        below, above = above, below
    return Interval(value=value, low=float(value - below), high=float(value + above))


def _explained(optimism: Interval, selection_bias: float) -> bool:
    if optimism.low is None or optimism.high is None:
        return True
    return optimism.low <= selection_bias and optimism.high >= 0


def _optimism(holdout: Holdout, ordered: bool) -> Check:
    metric = metrics.get(holdout.metric)
    name = "Selection against unseen rows"
    score, optimism = holdout.score, holdout.optimism
    if optimism is None or holdout.selection is None or score.value is None:
        return Check(
            name=name,
            severity="warning",
            message=f"{metric.title} is not defined on the {holdout.rows} holdout rows:"
            " the optimism of the selection cannot be judged.",
        )
    interval = (
        ""
        if score.low is None
        else f" ({formats.number(score.low, 4)} to {formats.number(score.high, 4)})"
    )
    text = (
        f"{metric.title}: {formats.number(holdout.selection, 4)} on the out-of-fold rows,"
        f" {formats.number(score.value, 4)}{interval} on"
        f" {holdout.rows:,} rows that search, selection and calibration never saw."
    )
    if holdout.few:
        return Check(
            name=name,
            severity="warning",
            message=f"{text} So few rows cannot tell whether the selection score is optimistic.",
            remedy="Raise split.validation, or give more rows",
        )
    if holdout.selection_bias and optimism > 0:
        text += f" Selection bias explains up to {formats.number(holdout.selection_bias, 2)} of it."
    if holdout.explained:
        return Check(name=name, severity="ok", message=text)
    if optimism > 0:
        return Check(
            name=name,
            severity="critical",
            message=f"The selection score is optimistic by {formats.number(optimism)}. {text}",
            remedy="Look for rows or groups that are in several folds, for columns that"
            " leak the target, and, if rows are ordered in time, for drift",
        )
    text = f"The selection score is pessimistic by {formats.number(-optimism)}. {text}"
    if ordered:
        # Folds in order of time learn from a part of what the champion learnt from.
        return Check(name=name, severity="info", message=text)
    return Check(
        name=name,
        severity="warning",
        message=text,
        remedy="The holdout rows are easier than the training rows: check how the split was made",
    )


def _coverage(found: Conformal | None, model: Model, rows: int) -> list[Check]:
    if found is None or found.measured.value is None:
        return []
    what = "Intervals" if model.task == "regression" else "Sets of classes"
    mean = (
        f"{formats.number(found.size, 4)} wide"
        if model.task == "regression"
        else f"of {found.size:.2f} classes"
    )
    short = found.measured.high is not None and found.measured.high < found.coverage
    return [
        Check(
            name="Coverage on unseen rows",
            severity="warning" if short else "ok",
            message=f"{what} cover the true value in {formats.share(found.measured.value)} of"
            f" {rows:,}"
            f" holdout rows;"
            f" {formats.percent(found.coverage)} is nominal. On average they are {mean}.",
            remedy="Do not rely on them: the holdout rows differ from the training rows"
            if short
            else "",
        )
    ]
