"""The strategies of explaining a champion, from those that a project asks for to the general."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit import formats
from toolkit.explain.shap import exact
from toolkit.explain.shap.background import Reference
from toolkit.explain.shap.budgeted_values import budgeted_values
from toolkit.explain.shap.explanation_task import TOO_MANY_TREES, ExplanationTask
from toolkit.explain.shap.outputs import in_space, scorer
from toolkit.explain.shap.request import TREE_PATH_DEPENDENT
from toolkit.explain.shap.strategy import Refusal, Strategy, StrategyResult, accepted
from toolkit.forests import AdditiveModel
from toolkit.table.predictor import Smooth

if TYPE_CHECKING:
    from toolkit.table import Predictor

SUM_CHECK_ROWS = 20
"""Background rows for checking a sum against its model, where values need no background."""
_NO_SUM = (
    "the model's parts do not add up to its output everywhere: they differ by up to {error} on"
    " rows and on rows mixed from two"
)


class ExpectedGradients(Strategy):
    """Gradients along straight lines between rows, of a network with too many columns."""

    name = "expected gradients"

    def refusal(self, task: ExplanationTask) -> Refusal | None:
        """Return a reason unless gradients are asked for, or needed, and the model has them."""
        asked = task.stage.project.explain.gradients
        if asked == "never":
            return Refusal("explain.gradients is never")
        if asked == "auto" and not task.wide:
            return Refusal("the table is narrow enough for SHAP values of its columns")
        if isinstance(task.smooth, str):
            return Refusal(task.smooth, noted=asked == "always")
        return None

    def attempt(self, task: ExplanationTask) -> StrategyResult | Refusal:
        """Return expected gradients that add up to the output."""
        assert isinstance(task.smooth, Smooth)
        asked = task.stage.project.explain
        if asked.feature_perturbation == TREE_PATH_DEPENDENT:
            task.stage.note(
                "Expected gradients have no feature perturbation: explain.feature_perturbation is"
                " not used"
            )
        if asked.gradients == "auto":
            task.stage.note(
                f"The table has {len(task.model.columns):,} columns, and the champion is a network:"
                " it is explained by expected gradients, which give each column a value of its own."
                " They are no SHAP values; for SHAP values, set explain.gradients to never"
            )
        return accepted(
            StrategyResult(*budgeted_values(task, task.smooth, task.background)),
            "they miss the output by up to {error}: the network is too far from linear between"
            " rows for the number of points that explain.evaluations allows",
        )


class TreePathDependent(Strategy):
    """Exact values of trees from the training rows at each split, without a background."""

    name = "tree-path-dependent SHAP values of trees"

    def refusal(self, task: ExplanationTask) -> Refusal | None:
        """Return a reason unless these are asked for and the model is trees of single columns."""
        if task.stage.project.explain.feature_perturbation != TREE_PATH_DEPENDENT:
            return Refusal("explain.feature_perturbation is interventional")
        if task.additive is None or not exact.follows_paths(task.additive):
            return Refusal("the model is no sum of trees that test single columns", noted=True)
        return _probability_asked(task, noted=True)

    def attempt(self, task: ExplanationTask) -> StrategyResult | Refusal:
        """Return exact values, unless the trees do not add up to the model."""
        assert task.additive is not None
        if task.stage.project.explain.reference.strip() != "all":
            task.stage.note("explain.reference is not used by tree-path-dependent values")
        if task.sum_error is not None:
            return Refusal(_NO_SUM.format(error=formats.number(task.sum_error, 2)), noted=True)
        size = min(task.background, SUM_CHECK_ROWS)
        return accepted(
            StrategyResult(*budgeted_values(task, task.additive, size, TREE_PATH_DEPENDENT)),
            _NO_SUM,
        )


class ExactSum(Strategy):
    """Exact interventional values of trees and terms; a remainder is estimated."""

    name = "exact SHAP values of the model's trees and terms"

    def refusal(self, task: ExplanationTask) -> Refusal | None:
        """Return a reason unless the model is, within rounding, a sum with affordable parts."""
        if task.additive is None:
            return Refusal("the model is no sum of trees and terms")
        if task.additive.rest is not None and task.wide:
            return Refusal("a part of the model is estimated, and the table is too wide for that")
        if (refusal := _probability_asked(task)) is not None:
            return refusal
        if task.sum_error is not None:
            return Refusal(_NO_SUM.format(error=formats.number(task.sum_error, 2)), noted=True)
        return None

    def attempt(self, task: ExplanationTask) -> StrategyResult | Refusal:
        """Return exact values of as many parts and background rows as are affordable."""
        if task.affordable_sum is None:
            return Refusal(TOO_MANY_TREES, noted=True)
        return accepted(StrategyResult(*budgeted_values(task, *task.affordable_sum)), _NO_SUM)


class CorrectedSum(Strategy):
    """Exact values of the parts of a model that is not quite their sum; the rest is estimated."""

    name = "exact SHAP values of the model's parts, with an estimated difference to the model"

    def refusal(self, task: ExplanationTask) -> Refusal | None:
        """Return a reason unless the model has parts and a narrow table."""
        if task.additive is None:
            return Refusal("the model has no parts that are trees or terms")
        if task.wide:
            return Refusal("the difference is estimated, and the table is too wide for that")
        return _probability_asked(task)

    def attempt(self, task: ExplanationTask) -> StrategyResult | Refusal:
        """Return exact values of the parts plus estimated ones of the difference to the model."""
        if task.affordable_sum is None:
            return Refusal(TOO_MANY_TREES, noted=task.sum_error is not None)
        additive, size = task.affordable_sum
        seed = task.stage.project.seed
        additive = corrected(task.model, additive, task.reference, seed)
        return accepted(StrategyResult(*budgeted_values(task, additive, size)), _NO_SUM)


class PermutationShap(Strategy):
    """Values from predictions alone: of all coalitions where they are few, else sampled."""

    name = "SHAP values estimated from predictions"

    def attempt(self, task: ExplanationTask) -> StrategyResult | Refusal:
        """Return the values; their additivity is a check of the explanation."""
        return StrategyResult(*budgeted_values(task, None, task.background))


STRATEGIES: tuple[Strategy, ...] = (
    ExpectedGradients(),
    TreePathDependent(),
    ExactSum(),
    CorrectedSum(),
    PermutationShap(),
)
"""In the order in which they are tried."""


def corrected(
    model: Predictor, additive: AdditiveModel, reference: Reference, seed: int
) -> AdditiveModel:
    """Return a sum whose remainder is all that its parts do not explain of the model."""
    middle = reference.middle(model, seed)
    score = in_space(scorer(model), additive.space)
    return exact.with_remainder(additive, score, middle[additive.features])


def _probability_asked(task: ExplanationTask, *, noted: bool = False) -> Refusal | None:
    additive = task.additive
    if additive is None or additive.space != "margin":
        return None
    if task.stage.project.explain.output != "probability":
        return None
    reason = "explain.output is probability, and the model's parts add up to log-odds"
    return Refusal(reason, noted=noted)
