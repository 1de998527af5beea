"""Shapley values of shallow trees, from one table for each leaf. Compiled.

A coalition reaches a leaf where every feature on its path is either taken from the row, which
then has to fit the path, or from elsewhere. So a leaf's Shapley values are those of the features
on its path, and depend on the row only by *which* of them fit: a mask of as many bits. (Nadel and
Wettenstein 2025, "From Decision Trees to Boolean Logic", have the idea of patterns.)
"""

from __future__ import annotations

import math

import numba
import numpy as np

from toolkit.forests.paths import step_masks, test_rows


@numba.njit(cache=True, nogil=True)
def table_by_cover(ratio, count, points, weights, table):
    """Features outside the coalition let through their splits' share of the training rows."""
    before = np.empty(count + 1)
    for mask in range(1 << count):
        for s in range(count):
            table[s, mask] = 0.0
        for k in range(len(points)):
            z = points[k]
            before[0] = weights[k]
            for s in range(count):
                fits = (mask >> s) & 1
                before[s + 1] = before[s] * (fits * z + ratio[s] * (1.0 - z))
            after = 1.0
            for s in range(count - 1, -1, -1):
                fits = (mask >> s) & 1
                table[s, mask] += (fits - ratio[s]) * before[s] * after
                after *= fits * z + ratio[s] * (1.0 - z)


@numba.njit(cache=True, nogil=True)
def table_by_rows(shares, count, pays, ranked, table):
    """Features outside the coalition are taken from background rows.

    ``shares`` says, for each mask, which share of the background has it. A pair of rows meets
    in the leaf where each feature fits in one of them; the row has to give those that do not
    fit in the background row. Sums over background rows whose misfits lie within the row's fits
    are sums over subsets, by the number of misfits (Björklund et al. 2007).
    """
    full = (1 << count) - 1
    for mask in range(full + 1):
        for size in range(count + 1):
            ranked[size, mask] = 0.0
        size = 0
        for s in range(count):
            size += (mask >> s) & 1
        ranked[size, mask] = shares[full & ~mask]
    for s in range(count):
        bit = 1 << s
        for mask in range(full + 1):
            if mask & bit:
                for size in range(count + 1):
                    ranked[size, mask] += ranked[size, mask ^ bit]
    for mask in range(full + 1):
        lacking = count
        for s in range(count):
            lacking -= (mask >> s) & 1
        for s in range(count):
            bit = 1 << s
            paid = 0.0
            if mask & bit:
                for size in range(1, count - lacking + 1):
                    met = ranked[size, mask] - ranked[size, mask ^ bit]
                    paid += pays[size - 1, lacking] * met
            else:
                for size in range(count - lacking + 1):
                    paid -= pays[size, lacking - 1] * ranked[size, mask]
            table[s, mask] = paid


@numba.njit(cache=True, nogil=True)
def count_masks(nodes, root, paths, starts, block, part, counts):
    """Count, leaf by leaf, how many rows of a block have each mask: (parts, masks of leaves).

    ``part`` says to which part of the background each row belongs.
    """
    levels, rows = paths.depth.max() + 1, block.shape[1]
    tests = np.empty((levels, rows), np.bool_)
    masks = np.empty((levels, rows), np.int64)
    for here in range(len(starts)):
        step_masks(nodes, root, here, paths, tests, masks)
        depth = paths.depth[here]
        if nodes.left[root + here] >= 0:
            test_rows(nodes, root + here, block, tests[depth])
        elif starts[here] >= 0:
            low = (np.int64(1) << paths.known[here]) - 1
            mask = masks[depth]
            for i in range(rows):
                counts[part[i], starts[here] + (mask[i] & low)] += 1.0


@numba.njit(cache=True, nogil=True)
def tables_by_cover(paths, starts, places, points, weights, table):
    """Fill the tables of a tree's leaves for tree-path-dependent values."""
    for here in range(len(starts)):
        if starts[here] >= 0:
            count = paths.known[here]
            size = 1 << count
            part = table[places[here] : places[here] + count * size].reshape(count, size)
            table_by_cover(paths.ratio[here], count, points, weights, part)


@numba.njit(cache=True, nogil=True)
def tables_by_rows(paths, starts, places, shares, pays, table):
    """Fill the tables of a tree's leaves, (parts, cells), for interventional values."""
    widest = len(pays) - 1
    ranked = np.zeros((widest + 1, 1 << widest))
    for here in range(len(starts)):
        if starts[here] >= 0:
            count = paths.known[here]
            size = 1 << count
            for part in range(len(table)):
                cells = table[part, places[here] : places[here] + count * size]
                share = shares[part, starts[here] : starts[here] + size]
                table_by_rows(share, count, pays, ranked, cells.reshape(count, size))


@numba.njit(cache=True, nogil=True)
def payments(count):
    """Return a! b! / (a + b + 1)! for all a and b up to some number of features."""
    result = np.zeros((count + 1, count + 1))
    for a in range(count + 1):
        for b in range(count + 1):
            result[a, b] = math.exp(
                math.lgamma(a + 1.0) + math.lgamma(b + 1.0) - math.lgamma(a + b + 2.0)
            )
    return result


@numba.njit(cache=True, nogil=True)
def add_by_table(nodes, root, paths, places, table, value, output, block, out):
    """Add a tree's Shapley values, (parts, outputs, features, rows), by looking them up.

    ``places`` says where each leaf's table begins, and -1 where there is none.
    """
    levels, rows = paths.depth.max() + 1, block.shape[1]
    tests = np.empty((levels, rows), np.bool_)
    masks = np.empty((levels, rows), np.int64)
    lines = np.empty(rows, np.int64)
    for here in range(len(places)):
        step_masks(nodes, root, here, paths, tests, masks)
        depth = paths.depth[here]
        if nodes.left[root + here] >= 0:
            test_rows(nodes, root + here, block, tests[depth])
            continue
        if places[here] < 0:
            continue
        count = paths.known[here]
        size = np.int64(1) << count
        for i in range(rows):
            lines[i] = masks[depth, i] & (size - 1)
        for k in range(value.shape[1]):
            leaf = value[here, k]
            if leaf == 0.0:
                continue
            for s in range(count):
                start = places[here] + s * size
                for part in range(len(table)):
                    pays = table[part, start : start + size]
                    paid = out[part, output + k, paths.owner[here, s]]
                    for i in range(rows):
                        paid[i] += leaf * pays[lines[i]]
