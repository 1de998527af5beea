"""A row's path through a tree, and the features on each path. Compiled."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

MOST_FEATURES = 62
"""Most features on one path: a mask has as many bits."""
_TINY = 1e-12
"""Share of the training rows of an empty branch: a share of 0 could not be divided out again."""


class Nodes(NamedTuple):
    """The fields of `toolkit.forests.Forest` that say where a row goes."""

    column: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    set_start: np.ndarray
    set_size: np.ndarray
    sets: np.ndarray


class Paths(NamedTuple):
    """The path to each node of a tree.

    Attributes
    ----------
    depth, parent : array of int32, shape (nodes,)
        How deep a node lies, and the place of its parent in the tree.
    slot, second : array of int8, shape (nodes,)
        Inner nodes: the place of their feature among the features on the path, and that of
        the other one where their column comes from two; else -1.
    known : array of int8, shape (nodes,)
        How many features the path to a node has.
    owner : array of int32, shape (nodes, deepest)
        Which features, in the order of their places.
    ratio : array of float64, shape (nodes, deepest)
        The share of rows that a feature's splits on the path let through.
    """

    depth: np.ndarray
    parent: np.ndarray
    slot: np.ndarray
    second: np.ndarray
    known: np.ndarray
    owner: np.ndarray
    ratio: np.ndarray


@numba.njit(cache=True, nogil=True)
def lay_paths(nodes, source, second_source, cover, root, end):
    """Return the fields of `Paths`, and whether every path has at most `MOST_FEATURES`."""
    size = end - root
    depth = np.zeros(size, np.int32)
    parent = np.full(size, -1, np.int32)
    deepest = 0
    for here in range(size):
        if nodes.left[root + here] < 0:
            continue
        for child in (nodes.left[root + here], nodes.right[root + here]):
            parent[child - root] = here
            depth[child - root] = depth[here] + 1
        deepest = max(deepest, depth[here] + 1)
    slot = np.full(size, -1, np.int8)
    second = np.full(size, -1, np.int8)
    count = np.zeros(size, np.int8)
    widest = min(max(1, 2 * deepest), MOST_FEATURES)
    owner = np.full((size, widest), -1, np.int32)
    ratio = np.ones((size, widest))
    for here in range(size):
        node = root + here
        if nodes.left[node] < 0:
            continue
        known = count[here]
        place, known = _place(owner[here], known, source[nodes.column[node]])
        another = -1
        if second_source[nodes.column[node]] >= 0 and place >= 0:
            another, known = _place(owner[here], known, second_source[nodes.column[node]])
            if another < 0:
                place = -1
        if place < 0:
            return depth, parent, slot, second, count, owner, ratio, False
        slot[here], second[here] = place, another
        total = cover[nodes.left[node]] + cover[nodes.right[node]]
        for child in (nodes.left[node], nodes.right[node]):
            there = child - root
            count[there] = known
            for s in range(known):
                owner[there, s] = owner[here, s]
                ratio[there, s] = ratio[here, s]
            share = cover[child] / total if total > 0 else 0.5
            ratio[there, place] = max(ratio[there, place] * share, _TINY)
    return depth, parent, slot, second, count, owner, ratio, True


@numba.njit(cache=True, nogil=True)
def _place(owner, known, mine):
    """Return a feature's place on a path, and how many the path has with it; -1 if it is full."""
    for s in range(known):
        if owner[s] == mine:
            return s, known
    if known == len(owner):
        return -1, known
    owner[known] = mine
    return known, known + 1


@numba.njit(cache=True, nogil=True)
def test_rows(nodes, node, block, out):
    """Say of each row of a block, (columns, rows), whether it goes left."""
    values = block[nodes.column[node]]
    missing_left = nodes.missing_left[node]
    start = nodes.set_start[node]
    if start < 0:
        threshold = nodes.threshold[node]
        for i in range(len(values)):
            value = values[i]
            out[i] = (value < threshold) | (missing_left & np.isnan(value))
        return
    size = nodes.set_size[node]
    for i in range(len(values)):
        value = values[i]
        known = (value >= 0) & (value < size)  # a missing one is neither
        out[i] = nodes.sets[start + int(value)] if known else missing_left


@numba.njit(cache=True, nogil=True)
def step_masks(nodes, root, here, paths, tests, masks):
    """Set the masks of a node from its parent's: the bits of features whose splits a row fits."""
    depth, above = paths.depth[here], paths.parent[here]
    if above < 0:
        masks[0] = -1
        return
    bit = np.int64(1) << paths.slot[above]
    is_left = nodes.left[root + above] == root + here
    before, after, test = masks[depth - 1], masks[depth], tests[depth - 1]
    for i in range(len(after)):
        after[i] = before[i] & ~(bit if test[i] != is_left else np.int64(0))


@numba.njit(cache=True, nogil=True)
def goes_left(nodes, node, value):
    """Say whether a value goes to a node's left child."""
    start = nodes.set_start[node]
    if np.isnan(value):
        return nodes.missing_left[node]
    if start < 0:
        return value < nodes.threshold[node]
    if value < 0 or value >= nodes.set_size[node]:
        return nodes.missing_left[node]
    return nodes.sets[start + int(value)]


@numba.njit(cache=True, nogil=True)
def add_margins(nodes, roots, outputs, value, block, out):
    """Add the leaves of all trees that the rows of a block reach: (outputs, rows)."""
    for tree in range(len(roots)):
        root, output = roots[tree], outputs[tree]
        for i in range(block.shape[1]):
            node = root
            while nodes.left[node] >= 0:
                go = goes_left(nodes, node, block[nodes.column[node], i])
                node = nodes.left[node] if go else nodes.right[node]
            for k in range(value.shape[1]):
                out[output + k, i] += value[node, k]
