"""Strategies of explaining a model, tried in order: the first one that succeeds is taken."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from toolkit import formats
from toolkit.artifacts import RefusedStrategy

if TYPE_CHECKING:
    from toolkit.explain.shap.budgeted_values import Provenance
    from toolkit.explain.shap.explanation_task import ExplanationTask
    from toolkit.explain.shap.outputs import RowValues


@dataclass(frozen=True)
class Refusal:
    """Why a strategy gives no values.

    Attributes
    ----------
    reason : str
        A clause, such as ``the model is no sum of trees and terms``.
    noted : bool
        Whether it is noted to the user: the strategy was asked for, or was expected to succeed.
    """

    reason: str
    noted: bool = False


@dataclass(frozen=True)
class StrategyResult:
    """SHAP values with the strategy that gave them.

    Attributes
    ----------
    values : RowValues
        The values.
    provenance : Provenance
        How they were computed.
    strategy : str
        The name of the strategy.
    refused : list of RefusedStrategy
        Those tried before, in order, each with its reason.
    """

    values: RowValues
    provenance: Provenance
    strategy: str = ""
    refused: list[RefusedStrategy] = field(default_factory=list)


class Strategy(ABC):
    """One strategy of explaining a model."""

    name: ClassVar[str]

    def refusal(self, task: ExplanationTask) -> Refusal | None:
        """Return why the strategy does not apply; None where it does."""
        return None

    @abstractmethod
    def attempt(self, task: ExplanationTask) -> StrategyResult | Refusal:
        """Return the values, or why they must not be used."""


def first_result(task: ExplanationTask, strategies: Sequence[Strategy]) -> StrategyResult:
    """Return the result of the first strategy that gives one, and note why others did not.

    Parameters
    ----------
    task : ExplanationTask
        What is explained.
    strategies : sequence of Strategy
        In order of preference. The last one has to apply to every model.
    """
    refused: list[RefusedStrategy] = []
    noted: list[str] = []
    for strategy in strategies:
        result = strategy.refusal(task) or strategy.attempt(task)
        if isinstance(result, StrategyResult):
            for sentence in noted:
                task.stage.note(f"{sentence}. Used instead: {strategy.name}")
            return StrategyResult(result.values, result.provenance, strategy.name, refused)
        refused.append(RefusedStrategy(strategy=strategy.name, reason=result.reason))
        if result.noted:
            noted.append(f"Not used: {strategy.name}, because {result.reason}")
    raise ValueError("the last strategy must apply to every model")


def accepted(result: StrategyResult, reason: str) -> StrategyResult | Refusal:
    """Return a result whose values add up to the output; else a refusal.

    Parameters
    ----------
    result : StrategyResult
        What a strategy computed.
    reason : str
        Why its values may not add up; ``{error}`` is replaced by the additivity error.
    """
    values = result.values
    if values.additivity_error <= values.tolerance:
        return result
    error = formats.number(values.additivity_error, 2)
    return Refusal(reason.format(error=error), noted=True)
