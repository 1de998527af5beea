"""A forest's trees in batches that fit into memory, and rows in blocks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from toolkit.forests import paths, tables, walks
from toolkit.forests.forest import Forest

MOST_TABLED = 12
"""Features on a path up to which a leaf gets a table: 4,096 masks."""
_MOST_COVERED = 8
"""The same for tree-path-dependent values."""
_PAID, _LOOKED_UP, _WALKED, _MIXED = 1e-9, 1e-9, 5e-8, 4e-7
"""Seconds, about, as measured on one core: for a mask and two features of a table, to look one up,
and to walk a root of leaves for a pair of rows; the last where columns come from two features."""
_CALL = 1e-4
"""Seconds that every tree takes at least."""
_CELLS = 8_000_000
"""Numbers of tables in memory at once."""
_BLOCK, _NARROW = 512, 64
"""Rows of a block: their arrays fit into a processor's cache."""

Job = Callable[[np.ndarray, np.ndarray, np.ndarray], None]
"""Takes a block of rows, (columns, rows), their mixed values, (2, k, rows, background), and adds
their Shapley values to (parts, outputs, features, rows)."""


@dataclass(frozen=True)
class Background:
    """Rows that others are compared with, part by part.

    Attributes
    ----------
    rows : array of shape (b, columns)
        Part after part.
    ends : array of int, shape (parts + 1,)
        Where each begins, and where the last ends.
    """

    rows: np.ndarray
    ends: np.ndarray

    @cached_property
    def part(self) -> np.ndarray:
        """The part of each row."""
        return np.repeat(np.arange(len(self.ends) - 1), np.diff(self.ends))


def batches(
    forest: Forest, background: Background | None, rows: int
) -> Iterator[tuple[list[Job], int]]:
    """Give the jobs of as many trees as memory is meant for, and how many trees these are."""
    nodes = nodes_of(forest)
    place = np.full(len(forest.source), -1)
    place[forest.paired] = np.arange(len(forest.paired))
    jobs: list[Job] = []
    trees = size = 0
    for root, end, output in trees_of(forest):
        *laid, fits = paths.lay_paths(
            nodes, forest.source, forest.second_source, forest.cover, root, end
        )
        if not fits:
            raise ValueError(f"a path of a tree has more than {paths.MOST_FEATURES} features")
        trees += 1
        if end - root < 2:
            continue  # a constant: every value is 0
        tree = Tree(nodes, root, end, output, paths.Paths(*laid), forest.value[root:end], place)
        for job, cells in tree.jobs(background, rows):
            jobs.append(job)
            size += cells
            if size > _CELLS:
                yield jobs, trees
                jobs, trees, size = [], 0, 0
    yield jobs, trees


@dataclass(frozen=True)
class Tree:
    """One tree of a forest with its paths."""

    nodes: paths.Nodes
    root: int
    end: int
    output: int
    laid: paths.Paths
    value: np.ndarray
    place: np.ndarray
    """Which of `Forest.paired` a column is."""

    def jobs(self, background: Background | None, rows: int) -> Iterator[tuple[Job, int]]:
        """Give jobs that add the tree's values, each with how many numbers it keeps in memory."""
        most = int(self.laid.known.max())
        if background is None:
            if most <= min(MOST_TABLED, _MOST_COVERED):
                yield self._by_table(None, slice(None), most)
            else:
                yield self._by_cover(most), self.laid.ratio.size
            return
        parts = len(background.ends) - 1
        tabled, walked = self.costs(rows, len(background.rows), parts)
        if tabled >= walked:
            step = max(1, _CELLS // (self.end - self.root))
            for start in range(0, len(background.rows), step):
                some = background.rows[start : start + step]
                job = self._by_pairs(some, start, background, most)
                yield job, len(some) * (self.end - self.root) // 8
        elif parts * self._cells() <= _CELLS:
            yield self._by_table(background, slice(None), most)
        else:
            for part, (first, last) in enumerate(itertools.pairwise(background.ends)):
                alone = Background(background.rows[first:last], np.array([0, last - first]))
                yield self._by_table(alone, slice(part, part + 1), most)

    def costs(self, rows: int, references: int, parts: int) -> tuple[float, float]:
        """Return about how many seconds tables and walks take; infinite without tables."""
        count = self._features_on_paths()
        mixed = bool((self.laid.second >= 0).any())
        step = _MIXED if mixed else _WALKED
        walked = _CALL + step * rows * references * math.sqrt(len(count))
        if count.max() > MOST_TABLED or mixed:
            return math.inf, walked
        one = _PAID * (2.0**count * count**2).sum() + _LOOKED_UP * rows * count.sum()
        return _CALL + parts * one, walked

    def _features_on_paths(self) -> np.ndarray:
        return self.laid.known[self.nodes.left[self.root : self.end] < 0].astype(np.float64)

    def _cells(self) -> float:
        count = self._features_on_paths()
        return float((2.0**count * count).sum())

    def _by_table(self, background: Background | None, into: slice, most: int) -> tuple[Job, int]:
        nodes, root, laid = self.nodes, self.root, self.laid
        leaf = (nodes.left[root : self.end] < 0) & (laid.known > 0)
        count = laid.known.astype(np.int64)
        sizes = np.where(leaf, 1 << count, 0)
        starts = np.where(leaf, np.cumsum(sizes) - sizes, -1)
        cells = sizes * count
        places = np.where(leaf, np.cumsum(cells) - cells, -1)
        parts = 1 if background is None else len(background.ends) - 1
        table = np.zeros((parts, int(cells.sum())))
        if background is None:
            tables.tables_by_cover(laid, starts, places, *quadrature(most), table[0])
        else:
            shares = np.zeros((parts, int(sizes.sum())))
            for block, part in _blocks(background):
                tables.count_masks(nodes, root, laid, starts, block, part, shares)
            shares /= np.diff(background.ends)[:, None]
            pays = tables.payments(most)
            tables.tables_by_rows(laid, starts, places, shares, pays, table)

        def job(block: np.ndarray, _: np.ndarray, out: np.ndarray) -> None:
            tables.add_by_table(
                nodes, root, laid, places, table, self.value, self.output, block, out[into]
            )

        return job, table.size

    def _by_cover(self, most: int) -> Job:
        points, weights = quadrature(most)

        def job(block: np.ndarray, _: np.ndarray, out: np.ndarray) -> None:
            for start in range(0, block.shape[1], _NARROW):
                rows = slice(start, start + _NARROW)
                part = np.ascontiguousarray(block[:, rows])
                found = np.zeros((*out.shape[1:3], part.shape[1]))
                walks.add_by_cover(
                    self.nodes, self.root, self.laid, points, weights, self.value,
                    self.output, part, found,
                )  # fmt: skip
                out[0, :, :, rows] += found

        return job

    def _by_pairs(self, rows: np.ndarray, first: int, background: Background, most: int) -> Job:
        size, pays = self.end - self.root, tables.payments(most)
        part, sizes = background.part, np.diff(background.ends)
        theirs = walks.tests_of(self.nodes, self.root, size, np.ascontiguousarray(rows.T))

        def job(block: np.ndarray, mixed: np.ndarray, out: np.ndarray) -> None:
            walks.add_by_pairs(
                self.nodes, self.root, self.laid, pays, self.value, self.output,
                theirs, mixed, self.place, first, part, sizes, block, out,
            )  # fmt: skip

        return job


def quadrature(features: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points and weights on (0, 1), exact for products over so many other features."""
    points, weights = np.polynomial.legendre.leggauss(max(1, (features + 1) // 2))
    return (points + 1) / 2, weights / 2


def nodes_of(forest: Forest) -> paths.Nodes:
    """Return what says where a row goes."""
    return paths.Nodes(*(getattr(forest, name) for name in paths.Nodes._fields))


def trees_of(forest: Forest) -> Iterator[tuple[int, int, int]]:
    """Give where each tree begins and ends, and its first output."""
    for root, end, output in zip(forest.roots, forest.ends(), forest.output, strict=True):
        yield int(root), int(end), int(output)


def checked(forest: Forest, matrix: np.ndarray) -> np.ndarray:
    """Return a matrix of doubles, or raise where it does not fit."""
    matrix = np.ascontiguousarray(matrix, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[1] != len(forest.source):
        raise ValueError(
            f"the forest takes {len(forest.source)} columns, and the matrix is {matrix.shape}"
        )
    return matrix


def _blocks(background: Background) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rows, part = background.rows, background.part
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        yield np.ascontiguousarray(rows[block].T), part[block]


def in_blocks(
    job: Callable[[np.ndarray, np.ndarray, slice], None],
    forest: Forest,
    matrix: np.ndarray,
    shape: tuple[int, ...],
    threads: int,
) -> np.ndarray:
    """Return what `job` adds up for each row, rows first."""
    matrix = checked(forest, matrix)
    result = np.zeros((len(matrix), *shape))
    size = min(_BLOCK, max(1, -(-len(matrix) // max(1, threads))))

    def one(start: int) -> None:
        rows = slice(start, start + size)
        block = np.ascontiguousarray(matrix[rows].T)
        out = np.zeros((*shape, block.shape[1]))
        job(block, out, rows)
        result[rows] = np.moveaxis(out, -1, 0)

    starts = range(0, len(matrix), size)
    if threads <= 1:
        for start in starts:
            one(start)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, starts))
    return result
