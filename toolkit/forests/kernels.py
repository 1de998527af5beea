"""The inner loops of Shapley values of trees, compiled.

A leaf is reached by a coalition where every player on its path is either taken from the row,
which then has to fit the path, or from elsewhere. So a leaf is a game of its own whose
players are those on its path, and a row matters to it only by *which* of them fit: a mask of
as many bits. What a leaf pays to each player is looked up by this mask (Nadel and Wettenstein
2025, "From Decision Trees to Boolean Logic", have the idea of patterns), or, where the masks
are too many, computed as an integral over a probability z of joining, whose integrand is a
product over the path, by Gauss-Legendre nodes that are exact for its degree (Owen 1972 has the
integral; Yu et al. 2022, "Linear TreeSHAP", the sums over paths).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

MOST_PLAYERS = 62
"""Players on one path: what a mask has bits for."""
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
    """What lies on the way to each node of a tree.

    Attributes
    ----------
    depth, parent : array of int32, shape (nodes,)
        How deep a node lies, and the place of its parent in the tree.
    slot, second : array of int8, shape (nodes,)
        Inner nodes: the place of their player among the players on the path, and that of
        the other one where their column is made of two; else -1.
    known : array of int8, shape (nodes,)
        How many players the path to a node has.
    owner : array of int32, shape (nodes, deepest)
        Which players, in the order of their places.
    ratio : array of float64, shape (nodes, deepest)
        The share of rows that a player's splits on the path let through.
    """

    depth: np.ndarray
    parent: np.ndarray
    slot: np.ndarray
    second: np.ndarray
    known: np.ndarray
    owner: np.ndarray
    ratio: np.ndarray


@numba.njit(cache=True, nogil=True)
def lay_paths(nodes, player, other, cover, root, end):
    """Return the fields of `Paths`, and whether no path has more players than a mask has bits."""
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
    widest = min(max(1, 2 * deepest), MOST_PLAYERS)
    owner = np.full((size, widest), -1, np.int32)
    ratio = np.ones((size, widest))
    for here in range(size):
        node = root + here
        if nodes.left[node] < 0:
            continue
        known = count[here]
        place, known = _place(owner[here], known, player[nodes.column[node]])
        another = -1
        if other[nodes.column[node]] >= 0 and place >= 0:
            another, known = _place(owner[here], known, other[nodes.column[node]])
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
    """Return a player's place on a path, and how many the path has with it; -1 if it is full."""
    for s in range(known):
        if owner[s] == mine:
            return s, known
    if known == len(owner):
        return -1, known
    owner[known] = mine
    return known, known + 1


# -- many rows at once: nodes in preorder, and for each depth what holds on the way there -----


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
    """Set the masks of a node from its parent's: the bits of players whose splits a row fits."""
    depth, above = paths.depth[here], paths.parent[here]
    if above < 0:
        masks[0] = -1
        return
    bit = np.int64(1) << paths.slot[above]
    is_left = nodes.left[root + above] == root + here
    before, after, test = masks[depth - 1], masks[depth], tests[depth - 1]
    for i in range(len(after)):
        after[i] = before[i] & ~(bit if test[i] != is_left else np.int64(0))


# -- tables: what a leaf of value 1 pays to each player, by the mask of a row -----------------


@numba.njit(cache=True, nogil=True)
def table_by_cover(ratio, count, points, weights, table):
    """Players that do not join let the share of the training rows through that their splits do."""
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
    """Players that do not join are taken from background rows.

    ``shares`` says, for each mask, which share of the background has it. A pair of rows meets
    in the leaf where each player fits in one of them; the row has to give those that do not
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
def count_masks(nodes, root, paths, starts, block, counts):
    """Count, leaf by leaf, how many rows of a block have each mask."""
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
            found, mask = counts[starts[here] : starts[here] + low + 1], masks[depth]
            for i in range(rows):
                found[mask[i] & low] += 1.0


@numba.njit(cache=True, nogil=True)
def tables_by_cover(paths, starts, places, points, weights, table):
    """Fill the tables of a tree's leaves for the path-dependent game."""
    for here in range(len(starts)):
        if starts[here] >= 0:
            count = paths.known[here]
            size = 1 << count
            part = table[places[here] : places[here] + count * size].reshape(count, size)
            table_by_cover(paths.ratio[here], count, points, weights, part)


@numba.njit(cache=True, nogil=True)
def tables_by_rows(paths, starts, places, shares, pays, table):
    """Fill the tables of a tree's leaves for the interventional game."""
    widest = len(pays) - 1
    ranked = np.zeros((widest + 1, 1 << widest))
    for here in range(len(starts)):
        if starts[here] >= 0:
            count = paths.known[here]
            size = 1 << count
            part = table[places[here] : places[here] + count * size].reshape(count, size)
            table_by_rows(shares[starts[here] : starts[here] + size], count, pays, ranked, part)


@numba.njit(cache=True, nogil=True)
def payments(count):
    """Return a! b! / (a + b + 1)! for all a and b up to some number of players."""
    result = np.zeros((count + 1, count + 1))
    for a in range(count + 1):
        for b in range(count + 1):
            result[a, b] = math.exp(
                math.lgamma(a + 1.0) + math.lgamma(b + 1.0) - math.lgamma(a + b + 2.0)
            )
    return result


@numba.njit(cache=True, nogil=True)
def add_by_table(nodes, root, paths, places, table, value, output, block, out):
    """Add a tree's Shapley values, (outputs, players, rows), by looking them up.

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
                pays, paid = table[start : start + size], out[output + k, paths.owner[here, s]]
                for i in range(rows):
                    paid[i] += leaf * pays[lines[i]]


# -- walks: the same without tables, for deep trees ------------------------------------------


@numba.njit(cache=True, nogil=True)
def add_by_cover(nodes, root, paths, points, weights, value, output, block, out):
    """Add a tree's path-dependent Shapley values, in time linear in its nodes.

    Going down, ``product`` is what the path lets through for each point of the integral; coming
    back, ``below`` is the sum over the leaves below. A node's player is paid for its edge as if
    the edges below had no say of it, and these take back what is theirs to say.
    """
    size, width, many = len(paths.slot), value.shape[1], len(points)
    levels, rows = paths.depth.max() + 1, block.shape[1]
    tests = np.empty((levels, rows), np.bool_)
    masks = np.empty((levels, rows), np.int64)
    fits = np.empty((levels, rows))
    had = np.empty((levels, rows))
    product = np.ones((levels, many, rows))
    below = np.zeros((levels, width, many, rows))
    for here in range(size):
        depth, above = paths.depth[here], paths.parent[here]
        step_masks(nodes, root, here, paths, tests, masks)
        if above >= 0:
            s = paths.slot[above]
            seen = s < paths.known[above]
            new = paths.ratio[here, s]
            old = paths.ratio[above, s] if seen else 1.0
            for i in range(rows):
                fits[depth, i] = (masks[depth, i] >> s) & 1
                had[depth, i] = ((masks[depth - 1, i] >> s) & 1) if seen else 1
            for k in range(many):
                z = points[k]
                # A row that fits now fitted before: three cases, chosen without a branch.
                neither = new / old
                lost = new * (1 - z) / (z + old * (1 - z))
                kept = (z + new * (1 - z)) / (z + old * (1 - z))
                for i in range(rows):
                    factor = (
                        neither + had[depth, i] * (lost - neither) + fits[depth, i] * (kept - lost)
                    )
                    product[depth, k, i] = product[depth - 1, k, i] * factor
        if nodes.left[root + here] >= 0:
            test_rows(nodes, root + here, block, tests[depth])
            below[depth] = 0.0
            continue
        for o in range(width):
            for k in range(many):
                for i in range(rows):
                    below[depth, o, k, i] = product[depth, k, i] * value[here, o]
        # Back up to where the next node in preorder hangs.
        back = here
        until = paths.parent[here + 1] if here + 1 < size else -1
        while back >= 0 and back != until:
            up = paths.parent[back]
            if up < 0:
                break
            _settle(paths, back, up, points, weights, fits, had, below, output, out)
            back = up


@numba.njit(cache=True, nogil=True)
def _settle(paths, here, above, points, weights, fits, had, below, output, out):
    depth, s = paths.depth[here], paths.slot[above]
    seen = s < paths.known[above]
    new = paths.ratio[here, s]
    old = paths.ratio[above, s] if seen else 1.0
    mine = paths.owner[here, s]
    rows = fits.shape[1]
    for k in range(len(points)):
        z = points[k]
        fit = (1 - new) / (z + new * (1 - z)) * weights[k]
        misfit = -1 / (1 - z) * weights[k]
        before = (1 - old) / (z + old * (1 - z)) * weights[k] if seen else 0.0
        neither = 0.0  # what it says was said above
        lost = misfit - before
        kept = fit - before
        for o in range(below.shape[1]):
            paid, sums, higher = out[output + o, mine], below[depth, o, k], below[depth - 1, o, k]
            for i in range(rows):
                share = neither + had[depth, i] * (lost - neither) + fits[depth, i] * (kept - lost)
                paid[i] += share * sums[i]
                higher[i] += sums[i]


@numba.njit(cache=True, nogil=True)
def tests_of(nodes, root, size, block):
    """Return whether rows go left at each node: (rows, nodes)."""
    found = np.zeros((size, block.shape[1]), np.bool_)
    for here in range(size):
        if nodes.left[root + here] >= 0:
            test_rows(nodes, root + here, block, found[here])
    return np.ascontiguousarray(found.T)


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
def add_by_pairs(
    nodes, root, paths, pays, value, output, theirs, mixed, place, first, total, block, out
):
    """Add a tree's interventional Shapley values, pair by pair of row and background row.

    Where both go the same way, so does every coalition; where they part, a player has to be
    taken from one or the other from there on.

    Parameters
    ----------
    theirs : array of bool, shape (background, nodes)
        The tests of background rows.
    mixed : array of shape (2, columns of two players, rows, background)
        Their values where the first player is taken from the row and the second from the
        background row, and the other way round.
    place : array of int
        Which of these a column of the matrix is; -1 for those of one player.
    first : int
        The background row, of all, that is the first of ``theirs``.
    """
    ours = tests_of(nodes, root, len(paths.slot), block)
    stack = np.empty((3 * paths.depth.max() + 4, 3), np.int64)
    for i in range(len(ours)):
        for b in range(len(theirs)):
            stack[0, 0], stack[0, 1], stack[0, 2] = 0, 0, 0
            filled = 1
            while filled:
                filled -= 1
                here, taken, given = stack[filled, 0], stack[filled, 1], stack[filled, 2]
                node = root + here
                left, right = nodes.left[node] - root, nodes.right[node] - root
                if left < 0:
                    _pay(here, taken, given, paths, pays, value[here], output, total, out, i)
                    continue
                bit = np.int64(1) << paths.slot[here]
                both, none = ours[i, here], theirs[b, here]
                if paths.second[here] < 0:
                    if both == none or taken & bit:
                        filled = _push(stack, filled, left if both else right, taken, given)
                    elif given & bit:
                        filled = _push(stack, filled, left if none else right, taken, given)
                    else:
                        filled = _push(stack, filled, left if both else right, taken | bit, given)
                        filled = _push(stack, filled, left if none else right, taken, given | bit)
                    continue
                twin = np.int64(1) << paths.second[here]
                which = place[nodes.column[node]]
                one = goes_left(nodes, node, mixed[0, which, i, first + b])
                two = goes_left(nodes, node, mixed[1, which, i, first + b])
                for own in range(2):  # the first player: from the row, from the background row
                    if (own == 0 and given & bit) or (own == 1 and taken & bit):
                        continue
                    with_own = both if own == 0 else two
                    without = one if own == 0 else none
                    taken_now = taken | bit if own == 0 else taken
                    given_now = given if own == 0 else given | bit
                    if with_own == without or taken & twin:
                        there = left if with_own else right
                        filled = _push(stack, filled, there, taken_now, given_now)
                    elif given & twin:
                        there = left if without else right
                        filled = _push(stack, filled, there, taken_now, given_now)
                    else:
                        there = left if with_own else right
                        filled = _push(stack, filled, there, taken_now | twin, given_now)
                        there = left if without else right
                        filled = _push(stack, filled, there, taken_now, given_now | twin)


@numba.njit(cache=True, nogil=True)
def _push(stack, filled, there, taken, given):
    stack[filled, 0], stack[filled, 1], stack[filled, 2] = there, taken, given
    return filled + 1


@numba.njit(cache=True, nogil=True)
def _pay(here, taken, given, paths, pays, value, output, total, out, i):
    a = b = 0
    for s in range(paths.known[here]):
        a += (taken >> s) & 1
        b += (given >> s) & 1
    for s in range(paths.known[here]):
        if (taken >> s) & 1:
            paid = pays[a - 1, b] / total
        elif (given >> s) & 1:
            paid = -pays[a, b - 1] / total
        else:
            continue
        for k in range(len(value)):
            out[output + k, paths.owner[here, s], i] += paid * value[k]


@numba.njit(cache=True, nogil=True)
def add_margins(nodes, root, value, output, block, out):
    """Add the leaves that the rows of a block reach: (outputs, rows)."""
    for i in range(block.shape[1]):
        node = root
        while nodes.left[node] >= 0:
            go = goes_left(nodes, node, block[nodes.column[node], i])
            node = nodes.left[node] if go else nodes.right[node]
        for k in range(value.shape[1]):
            out[output + k, i] += value[node - root, k]
