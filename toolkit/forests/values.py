"""What a forest predicts, and exactly what each player adds to it.

Two games are told apart, for they answer different questions. In the *interventional* one,
players that do not join take their values from background rows (Janzing et al. 2020). In the
*path-dependent* one, they go both ways at a split, as the training rows went (Lundberg et al.
2020): cheaper, no background is needed, and correlated columns share what they say. Both are
exact here: up to rounding they are what all coalitions give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.forests.forest import Forest

MOST_TABLED = 8
"""Players on a path up to which what a leaf pays is looked up: 256 masks."""
_CELLS = 8_000_000
"""Numbers of tables that are held at once."""
_BLOCK, _NARROW = 512, 64
"""Rows worked on at once: what is known of them fits into a processor's cache."""


def margins(forest: Forest, matrix: np.ndarray, *, threads: int = 1) -> np.ndarray:
    """Return the sum of the leaves that rows reach, and the base: (n, outputs).

    Parameters
    ----------
    forest : Forest
        The trees.
    matrix : array of shape (n, columns)
        Numbers, NaN where a value is missing; codes of categories.
    threads : int
        Blocks of rows that are worked on at once.
    """
    from toolkit.forests import kernels

    nodes = _nodes(forest)

    def add(block: np.ndarray, out: np.ndarray, _: slice) -> None:
        for root, end, output in _trees(forest):
            kernels.add_margins(nodes, root, forest.value[root:end], output, block, out)

    result = _in_blocks(add, forest, matrix, (forest.outputs,), threads)
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
    for root, end, output in _trees(forest):
        result[output : output + width] += reached[root:end] @ forest.value[root:end]
    return result


def shapley_values(
    forest: Forest,
    matrix: np.ndarray,
    background: np.ndarray | None = None,
    *,
    mixed: np.ndarray | None = None,
    threads: int = 1,
    progress: Callable[[int, int], Any] | None = None,
) -> np.ndarray:
    """Return the exact Shapley values of rows: (n, players, outputs), in the leaves' unit.

    They add up to `margins` less `expected`.

    Parameters
    ----------
    forest : Forest
        The trees.
    matrix : array of shape (n, columns)
        The rows.
    background : array of shape (b, columns), optional
        For the interventional game; without it, the path-dependent one is played.
    mixed : array of shape (2, k, n, b), optional
        The values of each of `Forest.paired` where the first player is taken from the row and
        the second from the background row, and the other way round.
    threads : int
        Blocks of rows that are worked on at once.
    progress : callable, optional
        Told of trees done and trees in all.

    Raises
    ------
    ValueError
        If the matrix does not fit, the background has no rows, a path has more than 62
        players, or columns of two players are looked at and `mixed` is not given.
    """
    if len(forest.paired) and (background is None or mixed is None):
        raise ValueError("columns of two players need a background and `mixed`")
    if background is not None and not len(background):
        raise ValueError("the background has no rows")
    back = None if background is None else _checked(forest, background)
    shape = (forest.outputs, len(forest.players))
    result = np.zeros((len(matrix), *shape[::-1]))
    done = 0
    if mixed is None:
        mixed = np.zeros((2, 0, len(matrix), 0 if back is None else len(back)))
    for works, trees in _batches(forest, back):

        def add(block: np.ndarray, out: np.ndarray, rows: slice, works: list[Work] = works) -> None:
            part = np.ascontiguousarray(mixed[:, :, rows])
            for work in works:
                work(block, part, out)

        result += _in_blocks(add, forest, matrix, shape, threads).swapaxes(1, 2)
        done += trees
        if progress is not None:
            progress(done, len(forest.roots))
    return result


def walked(forest: Forest) -> np.ndarray:
    """Return the leaves of each tree that is walked for each pair of row and background row.

    These are trees too deep for tables, and those that look at columns of two players: what
    makes the interventional game dear.
    """
    from toolkit.forests import kernels

    nodes = _nodes(forest)
    found = []
    for root, end, _ in _trees(forest):
        laid = kernels.lay_paths(nodes, forest.player, forest.other, forest.cover, root, end)
        paths = kernels.Paths(*laid[:-1])
        if paths.known.max() > MOST_TABLED or (paths.second >= 0).any():
            found.append(int((forest.left[root:end] < 0).sum()))
    return np.array(found, dtype=np.int64)


Work = Callable[[np.ndarray, np.ndarray, np.ndarray], None]
"""Takes a block of rows, (columns, rows), what is mixed of them, (2, k, rows, background), and
adds their values to (outputs, players, rows)."""


def _batches(forest: Forest, background: np.ndarray | None) -> Iterator[tuple[list[Work], int]]:
    """Give trees that are ready to be worked off, as many as memory is meant for."""
    from toolkit.forests import kernels

    nodes = _nodes(forest)
    place = np.full(len(forest.player), -1)
    place[forest.paired] = np.arange(len(forest.paired))
    works: list[Work] = []
    trees = size = 0
    for root, end, output in _trees(forest):
        *laid, fits = kernels.lay_paths(nodes, forest.player, forest.other, forest.cover, root, end)
        if not fits:
            raise ValueError(f"a path of a tree has more than {kernels.MOST_PLAYERS} players")
        trees += 1
        if end - root < 2:
            continue  # a constant: nobody adds anything
        tree = _Tree(nodes, root, end, output, kernels.Paths(*laid), forest.value[root:end], place)
        for work, cells in tree.works(background):
            works.append(work)
            size += cells
            if size > _CELLS:
                yield works, trees
                works, trees, size = [], 0, 0
    yield works, trees


@dataclass(frozen=True)
class _Tree:
    nodes: Any
    root: int
    end: int
    output: int
    paths: Any
    value: np.ndarray
    place: np.ndarray
    """Which of `Forest.paired` a column is."""

    def works(self, background: np.ndarray | None) -> Iterator[tuple[Work, int]]:
        """Give what adds the tree's values, and how many numbers it holds."""
        most = int(self.paths.known.max())
        paired = bool((self.paths.second >= 0).any())
        if most <= MOST_TABLED and not paired:
            yield self._by_table(background, most)
        elif background is None:
            yield self._by_cover(most), self.paths.ratio.size
        else:
            step = max(1, _CELLS // (self.end - self.root))
            for start in range(0, len(background), step):
                part = background[start : start + step]
                work = self._by_pairs(part, start, len(background), most)
                yield work, len(part) * (self.end - self.root) // 8

    def _by_table(self, background: np.ndarray | None, most: int) -> tuple[Work, int]:
        from toolkit.forests import kernels

        nodes, root, paths = self.nodes, self.root, self.paths
        leaf = (nodes.left[root : self.end] < 0) & (paths.known > 0)
        count = paths.known.astype(np.int64)
        sizes = np.where(leaf, 1 << count, 0)
        starts = np.where(leaf, np.cumsum(sizes) - sizes, -1)
        cells = sizes * count
        places = np.where(leaf, np.cumsum(cells) - cells, -1)
        table = np.zeros(int(cells.sum()))
        if background is None:
            kernels.tables_by_cover(paths, starts, places, *quadrature(most), table)
        else:
            shares = np.zeros(int(sizes.sum()))
            for block in _blocks(background):
                kernels.count_masks(nodes, root, paths, starts, block, shares)
            shares /= len(background)
            pays = kernels.payments(most)
            kernels.tables_by_rows(paths, starts, places, shares, pays, table)

        def work(block: np.ndarray, _: np.ndarray, out: np.ndarray) -> None:
            kernels.add_by_table(
                nodes, root, paths, places, table, self.value, self.output, block, out
            )

        return work, table.size

    def _by_cover(self, most: int) -> Work:
        from toolkit.forests import kernels

        points, weights = quadrature(most)

        def work(block: np.ndarray, _: np.ndarray, out: np.ndarray) -> None:
            for start in range(0, block.shape[1], _NARROW):
                rows = slice(start, start + _NARROW)
                part = np.ascontiguousarray(block[:, rows])
                found = np.zeros((*out.shape[:2], part.shape[1]))
                kernels.add_by_cover(
                    self.nodes, self.root, self.paths, points, weights, self.value,
                    self.output, part, found,
                )  # fmt: skip
                out[:, :, rows] += found

        return work

    def _by_pairs(self, background: np.ndarray, first: int, total: int, most: int) -> Work:
        from toolkit.forests import kernels

        size, pays = self.end - self.root, kernels.payments(most)
        part = np.ascontiguousarray(background.T)
        theirs = kernels.tests_of(self.nodes, self.root, size, part)

        def work(block: np.ndarray, mixed: np.ndarray, out: np.ndarray) -> None:
            kernels.add_by_pairs(
                self.nodes, self.root, self.paths, pays, self.value, self.output,
                theirs, mixed, self.place, first, total, block, out,
            )  # fmt: skip

        return work


def quadrature(players: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points and weights on (0, 1), exact for products over so many other players."""
    points, weights = np.polynomial.legendre.leggauss(max(1, (players + 1) // 2))
    return (points + 1) / 2, weights / 2


def _nodes(forest: Forest) -> Any:
    from toolkit.forests import kernels

    return kernels.Nodes(*(getattr(forest, name) for name in kernels.Nodes._fields))


def _trees(forest: Forest) -> Iterator[tuple[int, int, int]]:
    for root, end, output in zip(forest.roots, forest.ends(), forest.output, strict=True):
        yield int(root), int(end), int(output)


def _checked(forest: Forest, matrix: np.ndarray) -> np.ndarray:
    matrix = np.ascontiguousarray(matrix, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[1] != len(forest.player):
        raise ValueError(
            f"the forest takes {len(forest.player)} columns, and the matrix is {matrix.shape}"
        )
    return matrix


def _blocks(matrix: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(matrix), _BLOCK):
        yield np.ascontiguousarray(matrix[start : start + _BLOCK].T)


def _in_blocks(
    work: Callable[[np.ndarray, np.ndarray, slice], None],
    forest: Forest,
    matrix: np.ndarray,
    shape: tuple[int, ...],
    threads: int,
) -> np.ndarray:
    """Return what `work` adds up for each row, rows first."""
    matrix = _checked(forest, matrix)
    result = np.zeros((len(matrix), *shape))
    size = min(_BLOCK, max(1, -(-len(matrix) // max(1, threads))))

    def one(start: int) -> None:
        rows = slice(start, start + size)
        block = np.ascontiguousarray(matrix[rows].T)
        out = np.zeros((*shape, block.shape[1]))
        work(block, out, rows)
        result[rows] = np.moveaxis(out, -1, 0)

    starts = range(0, len(matrix), size)
    if threads <= 1:
        for start in starts:
            one(start)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, starts))
    return result
