"""A fitted forest on disk: the arrays of its trees, checked before they are used.

Scikit-learn walks trees without looking whether a child or a feature exists, so a damaged
file could read anywhere in memory. Here every index is looked at first, and files are a
fifth of what skops makes of the same estimators.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.automl.files import archive
from toolkit.forests import TreeNodes

_LEAF = -1
_FIELDS = {
    "left_child": np.int32,
    "right_child": np.int32,
    "feature": np.int32,
    "threshold": np.float64,
    "n_node_samples": np.int32,
    "weighted_n_node_samples": np.float64,
    "missing_go_to_left": np.uint8,
}


class AveragedForest:
    """Trees whose predictions are averaged.

    Parameters
    ----------
    trees : list
        Scikit-learn's low-level trees.
    known : array of int
        Classes: the codes that the trees' columns stand for.
    outputs : int
        Columns of the result; 0 for numbers.
    width : int
        Columns of the matrix.
    prior : array of shape (outputs,)
        Each class's share. It counts as one more tree, for a leaf of few rows is too sure:
        what it never saw is not impossible.
    """

    def __init__(
        self, trees: list[Any], known: np.ndarray, outputs: int, width: int, prior: np.ndarray
    ) -> None:
        self.trees = trees
        self.prior = np.asarray(prior, dtype=np.float64)
        self.known = np.asarray(known, dtype=np.int64)
        self.outputs = outputs
        self.width = width

    @classmethod
    def of(cls, model: Any, outputs: int, prior: np.ndarray) -> AveragedForest:
        """Take over the trees of a fitted forest."""
        known = model.classes_ if outputs else np.zeros(0)
        trees = [tree.tree_ for tree in model.estimators_]
        return cls(trees, known, outputs, int(model.n_features_in_), prior)

    @property
    def leaves(self) -> int:
        """Leaves of all trees."""
        return sum(int(tree.n_leaves) for tree in self.trees)

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return (n, k) probabilities or (n,) values."""
        matrix = np.ascontiguousarray(matrix, dtype=np.float32)
        total = np.zeros((len(matrix), max(1, len(self.known))))
        for tree in self.trees:
            total += tree.predict(matrix).reshape(total.shape)
        if not self.outputs:
            return np.asarray(total[:, 0] / len(self.trees))
        scores = np.tile(self.prior, (len(matrix), 1))
        scores[:, self.known] += total
        return np.asarray(scores / (len(self.trees) + 1))

    def nodes(self) -> tuple[list[TreeNodes], np.ndarray]:
        """Return the trees as plain arrays whose leaves add up to `predict`, and the base.

        Of two classes, the second alone is given.
        """
        share = 1 / (len(self.trees) + bool(self.outputs))
        first = self.outputs == 2
        found = []
        for tree in self.trees:
            nodes = tree.__getstate__()["nodes"]
            value = tree.value[:, 0, :]
            if self.outputs:
                value = np.zeros((len(nodes), self.outputs))
                value[:, self.known] = tree.value[:, 0, :]
            leaf = nodes["left_child"] == _LEAF
            found.append(
                TreeNodes(
                    column=np.where(leaf, _LEAF, nodes["feature"]),
                    threshold=np.nextafter(nodes["threshold"], np.inf),
                    left=nodes["left_child"],
                    right=nodes["right_child"],
                    missing_left=nodes["missing_go_to_left"].astype(bool),
                    cover=nodes["weighted_n_node_samples"],
                    value=value[:, first:] * share,
                )
            )
        base = self.prior[first:] * share if self.outputs else np.zeros(1)
        return found, base

    def save(self, path: Path) -> None:
        """Write the forest; equal forests give equal bytes."""
        states = [tree.__getstate__() for tree in self.trees]
        arrays = {
            name: np.concatenate([state["nodes"][name] for state in states]).astype(kind)
            for name, kind in _FIELDS.items()
        }
        arrays["values"] = np.concatenate([state["values"][:, 0, :] for state in states])
        arrays["nodes"] = np.array([state["node_count"] for state in states], dtype=np.int64)
        arrays["depths"] = np.array([state["max_depth"] for state in states], dtype=np.int64)
        arrays["known"] = self.known
        arrays["prior"] = self.prior
        arrays["shape"] = np.array([self.outputs, self.width], dtype=np.int64)
        stream = io.BytesIO()
        np.savez(stream, **arrays)  # type: ignore[arg-type]
        path.write_bytes(archive.normalised(stream.getvalue()))

    @classmethod
    def load(cls, path: Path) -> AveragedForest:
        """Return a saved forest.

        Raises
        ------
        ValueError
            If the trees are none.
        """
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        if "prior" not in arrays:
            raise ValueError("another version of the toolkit wrote this forest")
        outputs, width = map(int, arrays["shape"])
        ends = np.cumsum(arrays["nodes"])
        columns = arrays["values"].shape[1]
        _check(arrays, outputs, width, int(ends[-1]))
        trees = []
        for start, end, depth in zip(ends - arrays["nodes"], ends, arrays["depths"], strict=True):
            part = {name: arrays[name][start:end] for name in (*_FIELDS, "values")}
            trees.append(_tree(part, int(depth), width, columns))
        return cls(trees, arrays["known"], outputs, width, arrays["prior"])


def _check(arrays: dict[str, np.ndarray], outputs: int, width: int, nodes: int) -> None:
    sizes = {len(arrays[name]) for name in (*_FIELDS, "values")}
    known = arrays["known"]
    columns = arrays["values"].shape[1]
    fits = columns == (len(known) if outputs else 1) and len(arrays["prior"]) == outputs
    places = not len(known) or (known.min() >= 0 and known.max() < outputs)
    if sizes != {nodes} or not fits or not places or arrays["nodes"].min() < 1 or width < 1:
        raise ValueError("the arrays of the forest do not fit together")


def _tree(part: dict[str, np.ndarray], depth: int, width: int, columns: int) -> Any:
    from sklearn.tree._tree import NODE_DTYPE, Tree

    count = len(part["feature"])
    here = np.arange(count)
    inner = part["left_child"] != _LEAF
    for side in ("left_child", "right_child"):
        child = part[side][inner]
        # A child comes after its parent, so that every walk ends.
        if (child <= here[inner]).any() or (child >= count).any():
            raise ValueError("a tree of the forest leads nowhere")
    feature = part["feature"][inner]
    if len(feature) and (feature.min() < 0 or feature.max() >= width):
        raise ValueError("a tree of the forest asks for a column that is not there")
    nodes = np.zeros(count, dtype=NODE_DTYPE)
    for name in _FIELDS:
        nodes[name] = part[name]
    tree = Tree(width, np.array([columns], dtype=np.intp), 1)
    values = np.ascontiguousarray(part["values"][:, None, :], dtype=np.float64)
    tree.__setstate__({"max_depth": depth, "node_count": count, "nodes": nodes, "values": values})
    return tree
