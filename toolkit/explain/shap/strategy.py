"""How a model is explained: what of it is known exactly, in which game, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats
from toolkit.explain.shap import cost_plan, exact, expected_gradients
from toolkit.explain.shap.outputs import in_space, outputs, scorer, tolerance
from toolkit.table.predictor import Additive, Differentiable, Smooth

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.artifacts import Explanation
    from toolkit.explain.shap.background import Reference
    from toolkit.forests import AdditiveModel
    from toolkit.run.stage import Stage
    from toolkit.table import Predictor

INTERVENTIONAL = "interventional"
COVERED = "the rows that the trees grew on, as they went at every split"
"""What stands for the background in the path-dependent game."""
_HELD = 20
"""Background rows whose mixtures a sum is held against its model on, where none else is needed."""


@dataclass(frozen=True)
class Strategy:
    """One way to explain a model.

    Attributes
    ----------
    background : int
        Against how many rows.
    total : AdditiveModel, optional
        The model as a sum; without it, values are estimated.
    game : str
        interventional, path-dependent or expected gradients.
    smooth : Smooth, optional
        The model as a differentiable function, for expected gradients.
    points : int
        How many of them for each pair of rows, where they were taken before.
    """

    background: int
    total: AdditiveModel | None = None
    game: str = INTERVENTIONAL
    smooth: Smooth | None = None
    points: int = 0

    @property
    def by_cover(self) -> bool:
        """Whether no background row plays a part."""
        return self.game == exact.PATH_DEPENDENT

    @property
    def planned(self) -> bool:
        """Whether mixtures have to be scored, so that their number is to be planned."""
        return self.smooth is None and (self.total is None or self.total.rest is not None)

    def disproved(self, error: float, less: Strategy) -> str:
        """Return in words that its values do not add up, and what is done instead."""
        if self.smooth is not None:
            return (
                f"Expected gradients miss the output by up to {formats.number(error, 2)}:"
                f" between rows the network"
                " bends too often for the points that explain.evaluations pays for. SHAP values"
                " are estimated instead"
            )
        kept = "its SHAP values are estimated"
        if less.total is not None:
            kept = "the difference is estimated, the parts stay exact"
        if self.by_cover:
            kept += ", and values are interventional"
        return (
            "The model is not everywhere what its parts add up to (it differs by up to"
            f" {formats.number(error, 2)} on rows and their mixtures): {kept}"
        )


def choose(stage: Stage, model: Predictor, rows: int, background: int) -> Strategy:
    """Return the most exact way that the project allows and that can be paid for.

    Parameters
    ----------
    stage : Stage
        For the section ``explain``; what is not done as asked is noted.
    model : Predictor
        The model.
    rows, background : int
        How many rows are explained, and against how many.
    """
    asked = stage.project.explain
    straight = _straight(stage, model, background)
    if straight is not None:
        return straight
    total = model.as_sum() if isinstance(model, Additive) else None
    declined = total is not None and total.space == "margin" and asked.output == "probability"
    if asked.game == exact.PATH_DEPENDENT:
        if total is not None and exact.follows_paths(total) and not declined:
            if asked.reference.strip() != "all":
                stage.note("explain.reference plays no part in path-dependent values")
            return Strategy(min(background, _HELD), total, exact.PATH_DEPENDENT)
        why = (
            "explain.output asks for probabilities, and its trees add up to log-odds"
            if declined
            else "they are known of sums of trees that look at single columns, and it is none"
        )
        stage.note(f"The model's values are not path-dependent but interventional: {why}")
    if total is None or declined:
        return Strategy(background)
    total = replace(total, threads=stage.project.automl.budget.threads)
    return _interventional(stage, model, total, rows, background)


def _interventional(
    stage: Stage, model: Predictor, total: AdditiveModel, rows: int, background: int
) -> Strategy:
    """Return the way for a sum: against fewer rows, or without some forests, if it is too dear."""
    wide = len(model.columns) > cost_plan.MOST_COLUMNS
    if total.rest is not None and wide:
        return Strategy(background)  # what remains is sampled, once the table is screened
    costs = exact.costs(total, rows, background)
    most = cost_plan.TREE_SECONDS * stage.project.automl.effort
    size = cost_plan.tree_background(background, sum(costs), most)
    if size:
        if size < background:
            stage.note(f"{size} background rows instead of {background}: the model has many trees")
        return Strategy(size, total)
    lighter = None if wide else _lighter(total, np.array(costs), most)
    instead = "SHAP values are sampled" if lighter is None else "What some of them say is sampled"
    stage.note(
        "The trees are too many to explain exactly: they look at columns made of two, or are"
        f" deep. {instead} instead"
    )
    return Strategy(background, lighter)


def _lighter(total: AdditiveModel, costs: np.ndarray, most: float) -> AdditiveModel | None:
    """Return a sum without the forests that are too dear, the dearest first; None without all."""
    order = np.argsort(costs, kind="stable")
    kept = int((np.cumsum(costs[order]) <= most).sum())
    if not kept and total.terms is None:
        return None
    return total.without_forests({int(place) for place in order[kept:]})


def _straight(stage: Stage, model: Predictor, background: int) -> Strategy | None:
    """Return the way along straight lines, where it is asked for and the model has gradients."""
    asked, wide = stage.project.explain.gradients, len(model.columns) > cost_plan.MOST_COLUMNS
    if asked == "never" or (asked == "auto" and not wide):
        return None
    smooth: Smooth | str = "it does not say what it is made of"
    if isinstance(model, Differentiable):
        smooth = model.as_smooth()
    if isinstance(smooth, str):
        if asked == "always":
            stage.note(f"The model is not explained by expected gradients: {smooth}")
        return None
    if stage.project.explain.game == exact.PATH_DEPENDENT:
        stage.note("Path-dependent values are those of trees: explain.game plays no part here")
    if asked == "auto":
        stage.note(
            f"The table has {len(model.columns):,} columns, and the champion is a network: it is"
            " explained by expected gradients, which give each column a value of its own. They are"
            " no SHAP values; for these, set explain.gradients to never"
        )
    return Strategy(background, game=expected_gradients.GAME, smooth=smooth)


def disproof(
    model: Predictor, way: Strategy, frame: pd.DataFrame, background: pd.DataFrame
) -> float | None:
    """Return by how much a sum misses its model on rows and mixtures; None within rounding."""
    if way.total is None or way.total.corrected:
        return None
    columns = [name for name in model.columns if name in frame.columns]
    told = in_space(scorer(model), way.total.space)
    rows, others = (part[columns].reset_index(drop=True) for part in (frame, background))
    error = exact.sum_error(way.total, told, rows, others)
    scores = np.concatenate([told(rows), told(others)])
    return error if error > tolerance(scores, way.total.space) else None


def less(
    stage: Stage,
    model: Predictor,
    way: Strategy,
    reference: Reference,
    *,
    rows: int,
    background: int,
) -> Strategy | None:
    """Return the way that comes next where a sum turns out not to be the model; None after all.

    Parameters
    ----------
    stage, model : Stage, Predictor
        As for `choose`.
    way : Strategy
        The one that was disproved.
    reference : Reference
        What the background is drawn from.
    rows, background : int
        As asked for.
    """
    if way.smooth is None and way.total is None:
        return None
    wide = len(model.columns) > cost_plan.MOST_COLUMNS
    if way.total is None or way.total.corrected or wide:
        return Strategy(background)
    if way.by_cover:
        way = _interventional(stage, model, way.total, rows, background)
    if way.total is None:
        return way
    return Strategy(way.background, _corrected(stage, model, way.total, reference))


def _corrected(
    stage: Stage, model: Predictor, total: AdditiveModel, reference: Reference
) -> AdditiveModel:
    middle = reference.middle(model, stage.project.seed)
    told = in_space(scorer(model), total.space)
    return exact.with_remainder(total, told, middle[total.players])


def again(
    stage: Stage, model: Predictor, explanation: Explanation, reference: Reference
) -> Strategy:
    """Return the way in which a model was explained."""
    size = explanation.background or _HELD
    if explanation.game == expected_gradients.GAME and isinstance(model, Differentiable):
        smooth = model.as_smooth()
        if not isinstance(smooth, str):
            points = lines(stage, model, smooth, explanation.rows, size).points
            return Strategy(size, game=expected_gradients.GAME, smooth=smooth, points=points)
    if not explanation.exact or not isinstance(model, Additive):
        return Strategy(size)
    total = model.as_sum()
    if total is not None and explanation.left_out:
        total = total.without_forests(explanation.left_out)
    if total is not None and explanation.corrected:
        total = _corrected(stage, model, total, reference)
    return Strategy(size, total, explanation.game)


def lines(
    stage: Stage, model: Predictor, smooth: Smooth, rows: int, background: int
) -> cost_plan.CostPlan:
    """Return what is affordable of lines between rows."""
    cells = len(smooth.owners) * len(outputs(model))
    return cost_plan.lines(
        cost_plan.asked(stage.project), rows, background, expected_gradients.FEWEST, cells
    )
