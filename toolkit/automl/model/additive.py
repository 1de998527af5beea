"""A saved model as a sum of forests and of terms, where it is one.

A blend of logarithms is a sum of log-odds, and Platt's calibration stretches and moves them, as
a temperature does for several classes: so a calibrated blend across engines is a sum of its
members still. Its trees and linear models are explained exactly; other members remain, to be
estimated, in the same unit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from toolkit.automl import engines
from toolkit.automl.blend.engine import MEMBERS, EnsembleEngine
from toolkit.automl.files.model_file import NATIVE, read_facts
from toolkit.automl.inputs import Inputs
from toolkit.automl.log_odds import margin, margins
from toolkit.forests import AdditiveModel

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.automl.engines.base import Scorer
    from toolkit.automl.model.typed_scorer import TypedScorer

Weighted = list[tuple["Scorer", float]]


def as_sum(model: TypedScorer) -> AdditiveModel | None:
    """Return a model as a sum; see `toolkit.automl.model.saved_model.Model.as_sum`."""
    folder = model.folder / NATIVE
    engine = engines.get(model.engine)
    rest: dict[str, float] = {}
    space = "value" if model.task == "regression" else "margin"
    if isinstance(engine, EnsembleEngine):
        ensembles, rest = engine.parts(folder)
        linear, rest = _split(folder, rest, engine.space(folder) == "log" or space == "value")
    else:
        ensembles = engine.tree_ensembles(folder)
        linear = [(engine.load(folder), 1.0)] if engine.is_linear(folder) else []
    if not ensembles and not linear:
        return None
    space = ensembles[0].space if ensembles else space
    stretched = _stretched(model, space)
    if stretched is None:
        return None
    slope, intercept = stretched
    ensembles = [one.scaled(slope) for one in ensembles]
    if ensembles:
        ensembles[0] = ensembles[0].scaled(1.0, intercept)

    def design(frame: pd.DataFrame, only: Collection[str] | None) -> pd.DataFrame:
        return model.features.transform(model.inputs(frame).typed, only)

    def terms(designed: pd.DataFrame) -> np.ndarray:
        told = _told(linear, Inputs(designed, model.features, designed), space, slope)
        return told if ensembles else told + intercept

    def remainder(frame: pd.DataFrame) -> np.ndarray:
        return _told(others, model.inputs(frame), space, slope)

    weight = float(sum(each for _, each in linear))
    others = [(_member(folder, name), weight) for name, weight in rest.items()]
    total = AdditiveModel(
        space,
        ensembles,
        list(model.columns),
        design,
        model.features.sources,
        terms if linear else None,
        remainder if others else None,
        share=1.0 - sum(rest.values()) - weight,
        linear=weight,
    )
    return _with_scaling(model, total) if total.votes else total


def _with_scaling(model: TypedScorer, total: AdditiveModel) -> AdditiveModel:
    """Return a sum of votes with what their scaling to sum 1 changes as what remains."""

    def scaling(frame: pd.DataFrame) -> np.ndarray:
        # Also what other members say: all that the trees do not.
        return _in_space(model.predict(frame), total.space) - total.added_up(frame)

    return replace(total, rest=scaling)


def _split(
    folder: Path, members: dict[str, float], additive: bool
) -> tuple[Weighted, dict[str, float]]:
    """Return the members that are linear in the blend's space, and the weights of the others."""
    linear: Weighted = []
    rest: dict[str, float] = {}
    for name, weight in members.items():
        member = folder / MEMBERS / name
        engine = engines.get(read_facts(member)["engine"])
        if additive and engine.is_linear(member / NATIVE):
            linear.append((engine.load(member / NATIVE), weight))
        else:
            rest[name] = weight
    return linear, rest


def _member(folder: Path, name: str) -> Scorer:
    member = folder / MEMBERS / name
    return engines.get(read_facts(member)["engine"]).load(member / NATIVE)


def _stretched(model: TypedScorer, space: str) -> tuple[float, float] | None:
    """Return slope and intercept of the calibration; None where it is no straight line."""
    method, parameters = model.calibration.method, model.calibration.parameters
    if method == "none" or space == "value":
        return 1.0, 0.0
    if method == "sigmoid" and space == "margin":
        if model.task == "multiclass":
            return 1.0 / float(parameters["temperature"]), 0.0
        return float(parameters["slope"]), float(parameters["intercept"])
    return None


def _told(
    scorers: Iterable[tuple[Scorer, float]], inputs: Inputs, space: str, slope: float
) -> np.ndarray:
    """Return what some members add to the sum, (n, outputs)."""
    parts = [weight * slope * _in_space(scorer(inputs), space) for scorer, weight in scorers]
    return np.asarray(sum(parts))


def _in_space(scores: np.ndarray, space: str) -> np.ndarray:
    if space == "value":
        return scores[:, None]
    if scores.shape[1] == 2:
        return scores[:, 1:] if space == "probability" else margin(scores)[:, None]
    return scores if space == "probability" else margins(scores)
