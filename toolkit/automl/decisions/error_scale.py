"""How large a prediction's error is expected to be: small models, kept as plain JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_STEPS = 20
_TREES, _LEAVES = 20, 32
_LEAST_IN_LEAF = 50
_FLOOR = 0.1
"""No row is expected to err by less than this share of the mean error."""


def fit(
    kind: str,
    values: np.ndarray,
    errors: np.ndarray,
    design: pd.DataFrame,
    *,
    seed: int,
    weights: np.ndarray | None = None,
) -> dict[str, Any]:
    """Fit the expected absolute error.

    Parameters
    ----------
    kind : str
        ``level``: it follows from the predicted value alone, by linear interpolation
        between means of equally many rows. ``columns``: a small random forest over the
        predicted value and the numbers of the design frame.
    values, errors : array of shape (n,)
        Predictions, and how far off they were.
    design : pandas.DataFrame, n rows
        The design frame.
    seed : int
        Of the forest.
    weights : array, optional
        How much each row counts.
    """
    least = _FLOOR * float(np.average(errors, weights=weights))
    if kind == "level":
        return {"kind": kind, "least": least, "knots": _knots(values, errors, weights)}
    columns = [name for name in design.columns if design[name].dtype.kind == "f"]
    forest = _forest(_matrix(values, design, columns), errors, weights, seed)
    return {"kind": kind, "least": least, "columns": columns, "trees": forest}


def predict(scale: dict[str, Any], values: np.ndarray, design: pd.DataFrame) -> np.ndarray:
    """Return the expected absolute error of each row, up to a factor; above 0."""
    if not scale:
        return np.ones(len(values))
    if scale["kind"] == "level":
        x, y = scale["knots"]
        return np.maximum(np.interp(values, x, y), scale["least"])
    matrix = _matrix(values, design, scale["columns"])
    total = np.zeros(len(values))
    for tree in scale["trees"]:
        total += _leaves(tree, matrix)
    return np.maximum(total / len(scale["trees"]), scale["least"])


def _knots(values: np.ndarray, errors: np.ndarray, weights: np.ndarray | None) -> list[list[float]]:
    order = np.argsort(values, kind="stable")
    x, y = [], []
    for part in np.array_split(order, min(_STEPS, max(2, len(order) // 25))):
        share = None if weights is None else weights[part]
        x.append(float(np.average(values[part], weights=share)))
        y.append(float(np.average(errors[part], weights=share)))
    return [x, y]


def _matrix(values: np.ndarray, design: pd.DataFrame, columns: list[str]) -> np.ndarray:
    # In single precision, as the trees were fitted.
    return np.column_stack([values, design[columns].to_numpy(dtype=np.float64)]).astype(np.float32)


def _forest(
    matrix: np.ndarray, errors: np.ndarray, weights: np.ndarray | None, seed: int
) -> list[dict[str, list[float]]]:
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(
        n_estimators=_TREES,
        max_leaf_nodes=_LEAVES,
        min_samples_leaf=max(_LEAST_IN_LEAF, len(errors) // 200),
        max_features=0.5,
        random_state=seed,
        n_jobs=1,
    ).fit(matrix, errors, sample_weight=weights)
    return [_plain(member.tree_) for member in forest.estimators_]


def _plain(tree: Any) -> dict[str, list[float]]:
    return {
        "left": tree.children_left.tolist(),
        "right": tree.children_right.tolist(),
        "feature": tree.feature.tolist(),
        "threshold": tree.threshold.tolist(),
        "missing_left": tree.missing_go_to_left.astype(int).tolist(),
        "value": tree.value[:, 0, 0].tolist(),
    }


def _leaves(tree: dict[str, list[float]], matrix: np.ndarray) -> np.ndarray:
    left, right = np.array(tree["left"]), np.array(tree["right"])
    feature, threshold = np.array(tree["feature"]), np.array(tree["threshold"])
    missing_left = np.array(tree["missing_left"], dtype=bool)
    node = np.zeros(len(matrix), dtype=np.int64)
    inner = np.flatnonzero(left[node] >= 0)
    while len(inner):
        at = node[inner]
        x = matrix[inner, feature[at]]
        goes_left = np.where(np.isnan(x), missing_left[at], x <= threshold[at])
        node[inner] = np.where(goes_left, left[at], right[at])
        inner = inner[left[node[inner]] >= 0]
    return np.array(tree["value"])[node]
