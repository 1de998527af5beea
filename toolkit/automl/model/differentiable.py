"""A saved model as a differentiable function of encoded rows, where it is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.automl import engines
from toolkit.automl.decisions.calibration import CLIPPED, Calibration
from toolkit.automl.files.model_file import NATIVE
from toolkit.table.predictor import Smooth

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.automl.model.typed_scorer import TypedScorer


def as_smooth(model: TypedScorer) -> Smooth | str:
    """Return a model as a differentiable function; see ``Model.as_smooth``."""
    slopes = engines.get(model.engine).gradients(model.folder / NATIVE)
    if slopes is None:
        return f"a model of the family {model.family} has no gradient: only single networks have"
    if isinstance(slopes, str):
        return slopes
    if model.calibration.method == "isotonic":
        return "its calibration is a step function, which has no gradient"
    origin = {name: model.features.sources.get(name, (name,)) for name in slopes.owners}
    pairs = [name for name, sources in origin.items() if len(sources) > 1]
    if pairs:
        return (
            f"it looks at columns that are made of two of the table's, such as {pairs[0]!r},"
            " whose part cannot be divided between them"
        )
    columns = list(model.columns)
    place = {name: number for number, name in enumerate(columns)}

    def encode(frame: pd.DataFrame) -> np.ndarray:
        return slopes.encode(model.inputs(frame))

    def gradients(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return calibrated(model.calibration, *slopes(matrix))

    return Smooth(
        columns,
        "value" if model.task == "regression" else "probability",
        np.array([place[origin[name][0]] for name in slopes.owners], dtype=np.int64),
        encode,
        gradients,
    )


def calibrated(
    calibration: Calibration, scores: np.ndarray, gradients: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return outputs and gradients after a calibration, by the chain rule.

    Parameters
    ----------
    calibration : Calibration
        Of the method none or sigmoid.
    scores : ndarray, shape (n, k) or (n,)
        Probabilities or values.
    gradients : ndarray, shape (n, outputs, features)
        Of the positive class's score, of every class's, or of the value.

    Returns
    -------
    outputs : ndarray, shape (n, outputs)
        Of two classes, the positive one's probability.
    gradients : ndarray, shape (n, outputs, features)
        Theirs.
    """
    after = calibration.apply(scores)
    outputs = after.reshape(len(scores), -1)[:, -gradients.shape[1] :]
    if calibration.method == "none" or scores.ndim == 1:
        return outputs, gradients
    # Scores are clipped there before their logarithm is taken: it does not move beyond.
    inside = (scores > CLIPPED) & (scores < 1 - CLIPPED)
    safe = np.clip(scores, CLIPPED, 1)
    if scores.shape[1] == 2:
        slope = calibration.parameters["slope"] * after.prod(axis=1) / safe.prod(axis=1)
        return outputs, gradients * (slope * inside[:, 1])[:, None, None]
    logs = gradients * ((scores > CLIPPED) / safe)[:, :, None]
    logs = logs - np.einsum("nk,nkf->nf", after, logs)[:, None]
    return outputs, logs * after[:, :, None] / calibration.parameters["temperature"]
