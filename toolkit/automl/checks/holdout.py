"""The champion on rows that nothing else has seen, to tell how far the selection flatters it."""

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
    """What the canary rows say of a champion."""

    canary: Holdout
    conformal: Conformal | None
    checks: list[Check]


def score_holdout(
    stage: Stage, model: Model, entry: Entry, leaderboard: Leaderboard
) -> HoldoutResult | None:
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
    leaderboard : Leaderboard
        Gives the ranking metric, and the luck of the best single model.

    Returns
    -------
    HoldoutResult or None
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
    metric = metrics.get(leaderboard.metric)
    score = metrics.bootstrap(
        metric, actual, raw, context,
        resamples=project.explain.bootstrap, confidence=project.explain.confidence,
        seed=project.seed, weights=counted, blocks=table.drawn_together(stage, part.rows),
    )  # fmt: skip
    winner = leaderboard.winner
    luck = winner.luck if winner is not None and winner.name == entry.name else None
    optimism = _flattery(entry.score, score, 1 if metric.greater_is_better else -1)
    canary = Holdout(
        metric=metric.name,
        rows=len(part),
        score=score,
        selection=entry.score.value,
        optimism=optimism.value,
        optimism_low=optimism.low,
        optimism_high=optimism.high,
        luck=luck,
        explained=_explained(optimism, luck or 0.0),
    )
    found = None
    if model.conformal is not None:
        found = conformal.measure(
            model.conformal, model.calibration.apply(raw), actual, inputs.design, weights
        )
    ordered = project.split.method == "time"
    return HoldoutResult(
        canary, found, [_optimism(canary, ordered), *_coverage(found, model, len(part))]
    )


def _flattery(selection: Interval, canary: Interval, sign: int) -> Interval:
    """Return how much better the selection's score is, with an interval from those of both.

    Both are of different rows, so the limits' distances from the scores add as squares (Zou
    and Donner 2008, Statistics in Medicine 27, 1693).
    """
    if selection.value is None or canary.value is None:
        return Interval(value=None)
    value = sign * (selection.value - canary.value)
    ends = (selection.low, selection.high, canary.low, canary.high)
    if None in ends:
        return Interval(value=value)
    low, high, low_canary, high_canary = (end for end in ends if end is not None)
    below = np.hypot(selection.value - low, high_canary - canary.value)
    above = np.hypot(high - selection.value, canary.value - low_canary)
    if sign < 0:
        below, above = above, below
    return Interval(value=value, low=float(value - below), high=float(value + above))


def _explained(optimism: Interval, luck: float) -> bool:
    if optimism.low is None or optimism.high is None:
        return True
    return optimism.low <= luck and optimism.high >= 0


def _optimism(canary: Holdout, ordered: bool) -> Check:
    metric = metrics.get(canary.metric)
    name = "Selection against unseen rows"
    score, optimism = canary.score, canary.optimism
    if optimism is None or canary.selection is None or score.value is None:
        return Check(
            name=name,
            severity="warning",
            message=f"{metric.title} is not defined on the {canary.rows} canary rows: whether the"
            " selection flatters the model cannot be judged.",
        )
    interval = (
        ""
        if score.low is None
        else f" ({formats.number(score.low, 4)} to {formats.number(score.high, 4)})"
    )
    text = (
        f"{metric.title}: {formats.number(canary.selection, 4)} on the out-of-fold rows,"
        f" {formats.number(score.value, 4)}{interval} on"
        f" {canary.rows:,} rows that search, selection and calibration never saw."
    )
    if canary.few:
        return Check(
            name=name,
            severity="warning",
            message=f"{text} So few rows cannot tell whether the selection flatters the model.",
            remedy="Raise split.validation, or give more rows",
        )
    if canary.luck and optimism > 0:
        text += f" Selection bias explains up to {formats.number(canary.luck, 2)} of it."
    if canary.explained:
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
        remedy="The canary rows are easier than the training rows: check how the split was made",
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
            f" canary rows;"
            f" {formats.percent(found.coverage)} is nominal. On average they are {mean}.",
            remedy="Do not rely on them: the canary rows differ from the training rows"
            if short
            else "",
        )
    ]
