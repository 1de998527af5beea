"""CatBoost's symmetric trees as plain arrays.

Which codes of a category pass a split is asked of the model itself, one code at a time: a
split on a target statistic holds no list of them.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.forests import TreeNodes

if TYPE_CHECKING:
    import pandas as pd


Test = tuple[int, float, bool, "np.ndarray | None"]
"""A column, a border, whether a missing value passes, and for categories which codes pass."""


def trees(
    model: Any, width: int, levels: dict[int, int], frame: Callable[[np.ndarray], pd.DataFrame]
) -> list[TreeNodes] | None:
    """Return a model's trees; None if one of its splits looks at two columns at once.

    Parameters
    ----------
    model : catboost.CatBoost
        A fitted model of symmetric trees.
    width : int
        Columns of the matrix.
    levels : dict of int to int
        How many codes each category column has.
    frame : callable
        From the matrix to what the model takes.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        facts = json.loads(path.read_text(encoding="utf-8"))
    floats = {
        item["feature_index"]: (item["flat_feature_index"], item["nan_value_treatment"])
        for item in facts["features_info"].get("float_features", [])
    }
    columns = _columns(facts)
    if columns is None:
        return None
    grown = facts["oblivious_trees"]
    leaves = _leaves(model, width, levels, frame)
    passed = _passed(grown, columns, levels, leaves)
    scale, _ = facts.get("scale_and_bias", [1.0, [0.0]])
    found = []
    for number, tree in enumerate(grown):
        splits = tree["splits"] or []
        tests: list[Test] = []
        for place, split in enumerate(splits):
            if split["split_type"] == "FloatFeature":
                column, missing = floats[split["float_feature_index"]]
                tests.append((column, float(split["border"]), missing == "AsTrue", None))
            else:
                column = columns[split["split_index"]]
                tests.append((column, 0.0, False, passed[number, place]))
        found.append(_symmetric(tests, tree, scale))
    return found


def base(model: Any) -> np.ndarray:
    """Return what is added to every row."""
    bias = model.get_scale_and_bias()[1]
    return np.atleast_1d(np.asarray(bias, dtype=np.float64))


def _columns(facts: dict[str, Any]) -> dict[int, int] | None:
    """Return the column of each split that looks at a category; None where one looks at two."""
    info = facts["features_info"]
    places = {
        item["feature_index"]: item["flat_feature_index"]
        for item in info.get("categorical_features", [])
    }
    found: dict[int, int] = {}
    index = sum(len(item["borders"] or []) for item in info.get("float_features", []))
    for item in info.get("categorical_features", []):
        for _ in item.get("values") or []:
            found[index] = item["flat_feature_index"]
            index += 1
    for item in info.get("ctrs", []):
        sources = {
            places[e["cat_feature_index"]]
            for e in item["elements"]
            if e["combination_element"] != "float_feature"
        }
        others = [e for e in item["elements"] if e["combination_element"] == "float_feature"]
        if (len(sources) != 1 or others) and item["borders"]:
            return None
        for _ in item["borders"]:
            found[index] = next(iter(sources))
            index += 1
    return found


def _asked(levels: dict[int, int]) -> list[tuple[int, int]]:
    return [(column, code) for column, count in levels.items() for code in range(count + 1)]


def _leaves(
    model: Any, width: int, levels: dict[int, int], frame: Callable[[np.ndarray], pd.DataFrame]
) -> np.ndarray:
    """Return the leaves of rows that have one code each: the bits of its number are the splits."""
    asked = _asked(levels)
    matrix = np.zeros((len(asked), width))
    for row, (column, code) in enumerate(asked):
        matrix[row, column] = code if code < levels[column] else np.nan
    return np.asarray(model.calc_leaf_indexes(frame(matrix))) if asked else np.zeros((0, 0))


def _passed(
    grown: list[dict[str, Any]],
    columns: dict[int, int],
    levels: dict[int, int],
    leaves: np.ndarray,
) -> dict[tuple[int, int], np.ndarray]:
    """Return, for each split on a category, which codes pass it: the last stands for missing."""
    asked = _asked(levels)
    rows = {column: [r for r, (c, _) in enumerate(asked) if c == column] for column in levels}
    found = {}
    for number, tree in enumerate(grown):
        for place, split in enumerate(tree["splits"] or []):
            if split["split_type"] != "FloatFeature":
                mine = rows[columns[split["split_index"]]]
                found[number, place] = (leaves[mine, number].astype(np.int64) >> place) & 1 == 1
    return found


def _symmetric(tests: list[Test], tree: dict[str, Any], scale: float) -> TreeNodes:
    """Return a tree of which each level makes one test; those that pass go right."""
    depth = len(tests)
    size = (2 << depth) - 1
    inner = (1 << depth) - 1
    here = np.arange(size)
    level = np.floor(np.log2(here + 1)).astype(np.int64)
    column, threshold = np.full(size, -1), np.zeros(size)
    missing_left = np.zeros(size, dtype=bool)
    sets: dict[int, np.ndarray] = {}
    for place, (which, border, missing_right, passed) in enumerate(reversed(tests)):
        mine = level == place
        column[mine] = which
        threshold[mine] = np.nextafter(np.float32(border), np.float32(math.inf))
        missing_left[mine] = not missing_right if passed is None else not passed[-1]
        if passed is not None:
            sets |= {int(node): ~passed[:-1] for node in here[mine]}
    leaves = np.asarray(tree["leaf_values"], dtype=np.float64).reshape(1 << depth, -1) * scale
    weights = np.asarray(tree["leaf_weights"], dtype=np.float64)
    value = np.zeros((size, leaves.shape[1]))
    value[inner:] = leaves
    cover = np.zeros(size)
    cover[inner:] = weights
    for node in range(inner - 1, -1, -1):
        cover[node] = cover[2 * node + 1] + cover[2 * node + 2]
    left = np.where(here < inner, 2 * here + 1, -1)
    return TreeNodes(
        column=column,
        threshold=threshold,
        left=left,
        right=np.where(left >= 0, left + 1, -1),
        missing_left=missing_left,
        cover=cover,
        value=value,
        sets=sets,
    )
