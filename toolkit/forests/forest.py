"""A forest as arrays: what every library's trees are read into.

A row goes to a node's left child where its value is below the threshold, or where its code
is in the node's set. Thresholds of libraries that go left on equality are moved up to the
next number, so that one comparison serves all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

LEAF = -1


@dataclass
class TreeNodes:
    """One tree, as its library has it: nodes in any order, the root first.

    Attributes
    ----------
    column : array of int, shape (n,)
        The matrix's column that a node looks at; `LEAF` in leaves.
    threshold : array of float, shape (n,)
        Values below it go left.
    left, right : array of int, shape (n,)
        Children.
    missing_left : array of bool, shape (n,)
        Where a missing value goes.
    cover : array of float, shape (n,)
        The weight of the training rows that reached the node.
    value : array of float, shape (n,) or (n, w)
        What a leaf adds, to one output or to w neighbouring ones.
    sets : dict of int to array of bool
        Nodes that look at codes: whether each code goes left. A code beyond the array goes
        where a missing value goes.
    output : int
        The first output that the tree adds to.
    """

    column: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    cover: np.ndarray
    value: np.ndarray
    sets: dict[int, np.ndarray] = field(default_factory=dict)
    output: int = 0

    def times(self, factor: float) -> TreeNodes:
        """Return the tree with its leaves multiplied."""
        return replace(self, value=np.asarray(self.value, dtype=np.float64) * factor)


@dataclass(frozen=True)
class Forest:
    """Trees whose leaves are added up.

    Attributes
    ----------
    column, left, right, set_start, set_size : array of int32, shape (nodes,)
        Nodes of all trees, each tree's in preorder: a child comes after its parent. Where a
        node's `set_start` is not -1, it looks at codes: `sets` from there on says which go left.
    threshold, cover : array of float64, shape (nodes,)
        As in `TreeNodes`.
    missing_left : array of bool, shape (nodes,)
        Where a missing value goes.
    value : array of float64, shape (nodes, w)
        What leaves add.
    sets : array of bool
        Codes that go left, of all nodes.
    roots, output : array of int32, shape (trees,)
        Where a tree begins, and the first output that it adds to.
    base : array of float64, shape (outputs,)
        Added to every row.
    source, second_source : array of int32, shape (columns,)
        The feature that each column of the matrix comes from, and the second one of columns
        that come from two, such as a ratio; else -1.
    features : list of str
        Names of the source features, to which values are attributed.
    """

    column: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    set_start: np.ndarray
    set_size: np.ndarray
    cover: np.ndarray
    value: np.ndarray
    sets: np.ndarray
    roots: np.ndarray
    output: np.ndarray
    base: np.ndarray
    source: np.ndarray
    second_source: np.ndarray
    features: list[str]

    @property
    def paired(self) -> np.ndarray:
        """The columns of two source features that some node tests."""
        used = np.unique(self.column[self.column >= 0])
        return used[self.second_source[used] >= 0]

    @property
    def outputs(self) -> int:
        """How many numbers a row gets."""
        return len(self.base)

    def ends(self) -> np.ndarray:
        """Return where each tree's nodes end."""
        return np.append(self.roots[1:], len(self.column)).astype(np.int32)

    @classmethod
    def build(
        cls,
        trees: Sequence[TreeNodes],
        base: Sequence[float] | np.ndarray,
        features: Sequence[str],
        source: Sequence[int] | np.ndarray | None = None,
        second_source: Sequence[int] | np.ndarray | None = None,
    ) -> Forest:
        """Return the forest of some trees.

        Parameters
        ----------
        trees : sequence of TreeNodes
            All of one width of `TreeNodes.value`.
        base : sequence of float
            Added to every row, one number an output.
        features : sequence of str
            Names of the source features.
        source : sequence of int, optional
            The feature of each column of the matrix; by default column i is feature i.
        second_source : sequence of int, optional
            The second feature of columns that come from two; -1 for others.

        Raises
        ------
        ValueError
            If nodes lead nowhere, or look at a column that is not there.
        """
        owner = np.arange(len(features)) if source is None else np.asarray(source)
        laid = [_laid(tree, len(owner)) for tree in trees]
        sizes = np.array([len(tree.column) for tree in laid], dtype=np.int64)
        roots = np.cumsum(sizes) - sizes
        starts, sets, total = [], [np.zeros(0, dtype=bool)], 0
        for tree in laid:
            start = np.full((2, len(tree.column)), -1, dtype=np.int32)
            for node, codes in tree.sets.items():
                start[:, node] = total, len(codes)
                sets.append(codes)
                total += len(codes)
            starts.append(start)

        def joined(name: str, kind: type) -> np.ndarray:
            arrays = [np.asarray(getattr(tree, name)) for tree in laid]
            return np.concatenate(arrays or [np.zeros(0)]).astype(kind)

        def linked(name: str) -> np.ndarray:
            arrays = [
                np.where(tree.column == LEAF, LEAF, getattr(tree, name) + root)
                for tree, root in zip(laid, roots, strict=True)
            ]
            return np.concatenate(arrays or [np.zeros(0)]).astype(np.int32)

        set_start, set_size = np.concatenate(starts or [np.zeros((2, 0), np.int32)], axis=1)
        values = [np.asarray(t.value, np.float64).reshape(len(t.column), -1) for t in laid]
        return cls(
            column=joined("column", np.int32),
            threshold=joined("threshold", np.float64),
            left=linked("left"),
            right=linked("right"),
            missing_left=joined("missing_left", np.bool_),
            set_start=set_start,
            set_size=set_size,
            cover=joined("cover", np.float64),
            value=np.concatenate(values or [np.zeros((0, 1))]),
            sets=np.concatenate(sets),
            roots=roots.astype(np.int32),
            output=np.array([tree.output for tree in laid], dtype=np.int32),
            base=np.asarray(base, dtype=np.float64),
            source=owner.astype(np.int32),
            second_source=np.full(len(owner), -1, np.int32)
            if second_source is None
            else np.asarray(second_source, dtype=np.int32),
            features=list(features),
        )


def _laid(tree: TreeNodes, columns: int) -> TreeNodes:
    """Return the tree with its nodes in preorder, those that nothing leads to left out."""
    column = np.asarray(tree.column)
    inner = column != LEAF
    if (column[inner] >= columns).any() or (column < LEAF).any():
        raise ValueError("a tree looks at a column that is not there")
    left, right, count = np.asarray(tree.left), np.asarray(tree.right), len(column)
    order: list[int] = []
    open_ = [0]
    while open_:
        node = open_.pop()
        if not 0 <= node < count or len(order) >= count:
            raise ValueError("a tree leads nowhere, or round in a circle")
        order.append(node)
        if inner[node]:
            open_ += [int(right[node]), int(left[node])]
    places = np.full(count, LEAF)
    places[order] = np.arange(len(order))
    taken = np.array(order)

    def child(of: np.ndarray) -> np.ndarray:
        found = np.full(len(taken), LEAF)
        found[inner[taken]] = places[of[taken[inner[taken]]]]
        return found

    return TreeNodes(
        column=column[taken],
        threshold=np.asarray(tree.threshold)[taken],
        left=child(left),
        right=child(right),
        missing_left=np.asarray(tree.missing_left)[taken],
        cover=np.asarray(tree.cover)[taken],
        value=np.asarray(tree.value)[taken],
        sets={int(places[node]): np.asarray(codes, bool) for node, codes in tree.sets.items()},
        output=tree.output,
    )
