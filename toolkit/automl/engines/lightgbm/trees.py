"""LightGBM's trees as plain arrays, read from its text format."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np

from toolkit.forests import TreeNodes

_CATEGORY, _MISSING_LEFT = 1, 2
_NAN = 2
"""LightGBM's missing type under which missing values follow a branch of their own."""


def trees(text: str) -> list[TreeNodes]:
    """Return the trees of a booster's text, in the order in which outputs take turns.

    Parameters
    ----------
    text : str
        What ``Booster.model_to_string`` gives.
    """
    outputs = int(_field(text, "num_tree_per_iteration"))
    return [_tree(fields, number % outputs) for number, fields in enumerate(_blocks(text))]


def outputs(text: str) -> int:
    """Return how many numbers the booster gives a row."""
    return int(_field(text, "num_tree_per_iteration"))


def _field(text: str, name: str) -> str:
    found = re.search(rf"(?m)^{name}=(.*)$", text)
    if found is None:
        raise ValueError(f"a booster without {name}")
    return found[1]


def _blocks(text: str) -> Iterator[dict[str, str]]:
    for block in re.split(r"(?m)^Tree=\d+$", text)[1:]:
        lines = block.partition("end of trees")[0].splitlines()
        yield dict(line.split("=", 1) for line in lines if "=" in line)


def _numbers(fields: dict[str, str], name: str) -> np.ndarray:
    return np.array(fields.get(name, "").split(), dtype=np.float64)


def _tree(fields: dict[str, str], output: int) -> TreeNodes:
    leaves = int(fields["num_leaves"])
    inner = leaves - 1
    value, leaf_cover = _numbers(fields, "leaf_value"), _numbers(fields, "leaf_count")
    if not inner:
        return TreeNodes(
            *(np.array([x]) for x in (-1, 0.0, -1, -1, False, 1.0)), value=value, output=output
        )
    kind = _numbers(fields, "decision_type").astype(np.int64)
    category = (kind & _CATEGORY) > 0
    threshold = _numbers(fields, "threshold")
    # A missing value is a 0 where the column had none in training.
    missing_left = (
        np.where((kind >> 2) & 3 == _NAN, (kind & _MISSING_LEFT) > 0, threshold >= 0.0) & ~category
    )

    def child(name: str) -> np.ndarray:
        places = _numbers(fields, name).astype(np.int64)
        return np.where(places >= 0, places, inner + ~places)

    def with_leaves(of_inner: np.ndarray, of_leaves: np.ndarray | float) -> np.ndarray:
        return np.concatenate([of_inner, np.broadcast_to(of_leaves, leaves)])

    return TreeNodes(
        column=with_leaves(_numbers(fields, "split_feature").astype(np.int64), -1),
        threshold=with_leaves(np.nextafter(threshold, math.inf), 0.0),
        left=with_leaves(child("left_child"), -1),
        right=with_leaves(child("right_child"), -1),
        missing_left=with_leaves(missing_left, False).astype(bool),
        cover=with_leaves(_numbers(fields, "internal_count"), leaf_cover),
        value=with_leaves(np.zeros(inner), value),
        sets=_sets(fields, category, threshold),
        output=output,
    )


def _sets(
    fields: dict[str, str], category: np.ndarray, threshold: np.ndarray
) -> dict[int, np.ndarray]:
    bounds = _numbers(fields, "cat_boundaries").astype(np.int64)
    words = _numbers(fields, "cat_threshold").astype(np.uint32)
    found = {}
    for node in np.flatnonzero(category):
        place = int(threshold[node])
        part = words[bounds[place] : bounds[place + 1]]
        found[int(node)] = np.unpackbits(part.view(np.uint8), bitorder="little").astype(bool)
    return found
