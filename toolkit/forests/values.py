"""A forest's predictions and their exact Shapley values.

A coalition is a set of features whose values are known. There are two kinds of Shapley values,
named as in SHAP's ``feature_perturbation``. *Interventional*: features outside the coalition take
their values from background rows (Janzing et al. 2020). *Tree-path-dependent*: a split on such a
feature is followed to both children, weighted by the training rows that went there (Lundberg et
al. 2020). That is cheaper and needs no background, and correlated features share their effect.
Both are exact: up to rounding they equal the values from enumerating all coalitions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from toolkit.forests import batching, paths
from toolkit.forests.batching import (
    Background,
    Job,
    batches,
    checked,
    in_blocks,
    nodes_of,
    trees_of,
)
from toolkit.forests.forest import Forest


def margins(forest: Forest, matrix: np.ndarray, *, threads: int = 1) -> np.ndarray:
    """Return the sum of the leaves that rows reach, and the base: (n, outputs).

    Parameters
    ----------
    forest : Forest
        The trees.
    matrix : array of shape (n, columns)
        Numbers, NaN where a value is missing; codes of categories.
    threads : int
        Blocks of rows that are computed at once.
    """
    nodes = nodes_of(forest)

    def add(block: np.ndarray, out: np.ndarray, _: slice) -> None:
        paths.add_margins(nodes, forest.roots, forest.output, forest.value, block, out)

    result = in_blocks(add, forest, matrix, (forest.outputs,), threads)
    return np.asarray(result + forest.base)


def expected(
    forest: Forest, background: np.ndarray | None = None, *, threads: int = 1
) -> np.ndarray:
    """Return what values are relative to: (outputs,).

    The mean margin of the background, or, without one, of the training rows as far as the
    trees' covers tell.
    """
    if background is not None:
        return np.asarray(margins(forest, background, threads=threads).mean(axis=0))
    result = forest.base.copy()
    width = forest.value.shape[1]
    reached = np.zeros(len(forest.column))
    reached[forest.roots] = 1.0
    for node in np.flatnonzero(forest.left >= 0):  # parents stand before children
        left, right = forest.left[node], forest.right[node]
        total = forest.cover[left] + forest.cover[right]
        share = forest.cover[left] / total if total > 0 else 0.5
        reached[left], reached[right] = reached[node] * share, reached[node] * (1 - share)
    reached[forest.left >= 0] = 0.0
    for root, end, output in trees_of(forest):
        result[output : output + width] += reached[root:end] @ forest.value[root:end]
    return result


def shapley_values(
    forest: Forest,
    matrix: np.ndarray,
    background: np.ndarray | None = None,
    *,
    mixed: np.ndarray | None = None,
    parts: Sequence[np.ndarray] | None = None,
    threads: int = 1,
    progress: Callable[[int, int], Any] | None = None,
) -> np.ndarray:
    """Return the exact Shapley values of rows: (n, features, outputs), in the leaves' unit.

    They add up to `margins` less `expected`.

    Parameters
    ----------
    forest : Forest
        The trees.
    matrix : array of shape (n, columns)
        The rows.
    background : array of shape (b, columns), optional
        For interventional values; without it, values are tree-path-dependent.
    mixed : array of shape (2, k, n, b), optional
        The values of each of `Forest.paired` where the first feature is taken from the row and
        the second from the background row, and the other way round.
    parts : sequence of arrays of int, optional
        Positions of background rows, each once: the values against each part of the background
        are returned then, (parts, n, features, outputs).
    threads : int
        Blocks of rows that are computed at once.
    progress : callable, optional
        Called with trees done and trees in all.

    Raises
    ------
    ValueError
        If the matrix does not fit, the background has no rows, a path has more than 62
        features, or columns of two features are tested and `mixed` is not given.
    """
    if len(forest.paired) and (background is None or mixed is None):
        raise ValueError("columns of two features need a background and `mixed`")
    if background is not None and not len(background):
        raise ValueError("the background has no rows")
    back = None
    if background is not None:
        each = [np.arange(len(background))] if parts is None else parts
        order = np.concatenate(each)
        ends = np.cumsum([0, *map(len, each)])
        back = Background(checked(forest, background)[order], ends)
        mixed = None if mixed is None else mixed[..., order]
    shape = (1 if back is None else len(back.ends) - 1, forest.outputs, len(forest.features))
    result = np.zeros((len(matrix), *shape))
    done = 0
    if mixed is None:
        mixed = np.zeros((2, 0, len(matrix), 0 if back is None else len(back.rows)))
    for ready, trees in batches(forest, back, len(matrix)):

        def add(block: np.ndarray, out: np.ndarray, rows: slice, ready: list[Job] = ready) -> None:
            part = np.ascontiguousarray(mixed[:, :, rows])
            for job in ready:
                job(block, part, out)

        result += in_blocks(add, forest, matrix, shape, threads)
        done += trees
        if progress is not None:
            progress(done, len(forest.roots))
    found = result.transpose(1, 0, 3, 2)
    return found[0] if parts is None else found


def seconds(forest: Forest, rows: int, references: int, parts: int) -> float:
    """Return about how many seconds interventional values take on one core.

    Trees that are too deep for tables, and those that test columns of two features, are walked
    by each pair of row and background row: these take longest.

    Parameters
    ----------
    forest : Forest
        The trees.
    rows, references, parts : int
        Rows, background rows, and parts of the background.
    """
    place = np.full(len(forest.source), -1)
    nodes, total = nodes_of(forest), 0.0
    for root, end, output in trees_of(forest):
        laid = paths.lay_paths(nodes, forest.source, forest.second_source, forest.cover, root, end)
        tree = batching.Tree(nodes, root, end, output, paths.Paths(*laid[:-1]), forest.value, place)
        total += min(tree.costs(rows, references, parts))
    return total
