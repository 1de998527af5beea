"""Random forests, and what Shapley values are by definition: brute force over all coalitions."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from toolkit.forests import Forest, TreeNodes, margins


def ratio(frame):
    """A column made of the first two."""
    with np.errstate(all="ignore"):
        return frame[:, 0] / frame[:, 1]


@dataclass
class Case:
    """A forest on columns, of which the last may be a ratio of the first two."""

    forest: Forest
    rows: np.ndarray
    background: np.ndarray
    paired: bool

    def matrix(self, frame):
        return np.column_stack([frame, ratio(frame)]) if self.paired else frame

    def mixed(self):
        if not len(self.forest.paired):
            return None
        rows, back = self.rows[:, None], self.background[None]
        with np.errstate(all="ignore"):
            return np.stack([rows[..., 0] / back[..., 1], back[..., 0] / rows[..., 1]])[:, None]


def case(seed, *, paired=False, depth=5):
    rng = np.random.default_rng(seed)
    columns = int(rng.integers(2, 7))
    features = columns if paired else int(rng.integers(1, columns + 1))
    owner = np.concatenate([np.arange(features), rng.integers(features, size=columns - features)])
    width = int(rng.integers(1, 4))
    outputs = width if width > 1 else int(rng.integers(1, 3))
    other = np.full(columns + paired, -1)
    if paired:
        owner, other[-1] = np.append(owner, 0), 1
    codes = () if paired else (0,)
    trees = [
        _tree(
            rng,
            columns + paired,
            depth=int(rng.integers(0, depth + 1)),
            width=width,
            outputs=outputs,
            codes=codes,
        )
        for _ in range(3)
    ]
    names = [f"feature {n}" for n in range(features)]
    forest = Forest.build(trees, rng.normal(size=outputs), names, owner, other)
    return Case(forest, _rows(rng, 4, columns, codes), _rows(rng, 5, columns, codes), paired)


def _rows(rng, count, columns, codes):
    rows = rng.normal(size=(count, columns))
    for column in codes:
        rows[:, column] = rng.integers(-1, 6, size=count)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows


def _tree(rng, columns, *, depth, width, outputs, codes):
    nodes = []

    def grow(depth, cover):
        here = len(nodes)
        nodes.append(None)
        if depth == 0 or rng.random() < 0.15:
            nodes[here] = (-1, 0.0, -1, -1, False, cover, rng.normal(size=width), None)
            return here
        column, share = int(rng.integers(columns)), rng.random()
        left, right = grow(depth - 1, cover * share), grow(depth - 1, cover * (1 - share))
        nodes[here] = (
            column, rng.normal(), left, right, rng.random() < 0.5, cover, np.zeros(width),
            rng.random(4) < 0.5 if column in codes else None,
        )  # fmt: skip
        return here

    grow(depth, 100.0)
    *fields, sets = zip(*nodes, strict=True)
    return TreeNodes(
        *map(np.array, fields),
        sets={node: codes for node, codes in enumerate(sets) if codes is not None},
        output=0 if width > 1 else int(rng.integers(outputs)),
    )


def by_definition(case, row, *, interventional):
    """Return (features, outputs) from the values of all coalitions."""
    forest = case.forest
    features = range(len(forest.features))
    worth = {
        members: _interventional(case, row, members)
        if interventional
        else _path_dependent(forest, case.matrix(row[None])[0], members)
        for size in range(len(features) + 1)
        for members in itertools.combinations(features, size)
    }
    values = np.zeros((len(features), forest.outputs))
    for feature in features:
        for members, before in worth.items():
            if feature not in members:
                s, n = len(members), len(features)
                weight = math.factorial(s) * math.factorial(n - s - 1) / math.factorial(n)
                joined = tuple(sorted((*members, feature)))
                values[feature] += weight * (worth[joined] - before)
    return values


def _interventional(case, row, members):
    raw = case.background.shape[1]
    taken = np.isin(case.forest.source[:raw], members)
    return margins(case.forest, case.matrix(np.where(taken, row, case.background))).mean(axis=0)


def _path_dependent(forest, row, members):
    def below(node):
        left, right = forest.left[node], forest.right[node]
        if left < 0:
            return forest.value[node]
        column = forest.column[node]
        if forest.source[column] in members:
            return below(left if _goes_left(forest, node, row[column]) else right)
        total = forest.cover[left] + forest.cover[right]
        return (forest.cover[left] * below(left) + forest.cover[right] * below(right)) / total

    worth, width = forest.base.copy(), forest.value.shape[1]
    for root, output in zip(forest.roots, forest.output, strict=True):
        worth[output : output + width] += below(root)
    return worth


def _goes_left(forest, node, value):
    start, size = forest.set_start[node], forest.set_size[node]
    if np.isnan(value) or (start >= 0 and not 0 <= value < size):
        return forest.missing_left[node]
    return value < forest.threshold[node] if start < 0 else forest.sets[start + int(value)]
