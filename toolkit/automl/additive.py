"""What a saved model says as a sum of forests, where it is one.

A blend of logarithms is a sum of log-odds, and Platt's calibration stretches and moves them: so
a calibrated blend across engines is a sum of its members still. Its trees are explained
exactly; members that are no trees remain, to be estimated, in the same unit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from toolkit.automl import engines
from toolkit.automl.engines.ensemble import MEMBERS, EnsembleEngine
from toolkit.automl.inputs import Inputs
from toolkit.automl.model_file import NATIVE, read_facts
from toolkit.automl.objectives import margin
from toolkit.forests import Sum

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.automl.engines.base import Scorer
    from toolkit.automl.model import Model


def as_sum(model: Model) -> Sum | None:
    """Return a model as a sum; see `toolkit.automl.model.Model.as_sum`."""
    folder = model.folder / NATIVE
    engine = engines.get(model.engine)
    rest: dict[str, float] = {}
    if isinstance(engine, EnsembleEngine):
        grown, rest = engine.parts(folder)
    else:
        grown = engine.grown(folder)
    if not grown or model.task == "multiclass":
        return None
    space = grown[0].space
    stretched = _stretched(model, space)
    if stretched is None:
        return None
    slope, intercept = stretched
    grown = [one.scaled(slope) for one in grown]
    grown[0] = grown[0].scaled(1.0, intercept)
    remainder = _remainder(model, folder, rest, space, slope) if rest else None

    def design(frame: pd.DataFrame, only: Collection[str] | None) -> pd.DataFrame:
        return model.features.transform(model.inputs(frame).typed, only)

    return Sum(space, grown, design, model.features.sources, remainder, 1.0 - sum(rest.values()))


def _stretched(model: Model, space: str) -> tuple[float, float] | None:
    """Return slope and intercept of the calibration; None where it is no straight line."""
    method, parameters = model.calibration.method, model.calibration.parameters
    if method == "none" or space == "value":
        return 1.0, 0.0
    if method == "sigmoid" and space == "margin":
        return float(parameters["slope"]), float(parameters["intercept"])
    return None


def _remainder(
    model: Model, folder: Path, rest: dict[str, float], space: str, slope: float
) -> Callable[[pd.DataFrame], np.ndarray]:
    scorers: list[tuple[Scorer, float]] = []
    for name, weight in rest.items():
        member = folder / MEMBERS / name
        engine = engines.get(read_facts(member)["engine"])
        scorers.append((engine.load(member / NATIVE), weight))

    def score(frame: pd.DataFrame) -> np.ndarray:
        inputs: Inputs = model.inputs(frame)
        total = np.zeros(len(frame))
        for scorer, weight in scorers:
            total += weight * slope * _in_space(scorer(inputs), space)
        return total[:, None]

    return score


def _in_space(scores: np.ndarray, space: str) -> np.ndarray:
    if space == "value":
        return scores
    if space == "probability":
        return scores[:, 1]
    return margin(scores)
