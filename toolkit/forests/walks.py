"""Shapley values of trees that are too deep for tables, or test columns of two features. Compiled.

A Shapley value is an integral over the probability z that each other feature is in the coalition
(Owen 1972). Of tree-path-dependent values the integrand is a product over the path, and
Gauss-Legendre points are exact for its degree; sums over paths are shared between leaves (Yu et
al. 2022, "Linear TreeSHAP"). For interventional values, a row and a background row walk the tree
together.
"""

from __future__ import annotations

import numba
import numpy as np

from toolkit.forests.paths import goes_left, step_masks, test_rows


@numba.njit(cache=True, nogil=True)
def add_by_cover(nodes, root, paths, points, weights, value, output, block, out):
    """Add a tree's tree-path-dependent Shapley values, in time linear in its nodes.

    Going down, ``product`` is what the path lets through for each point of the integral; coming
    back, ``below`` is the sum over the leaves below. A node's feature is paid for its edge as if
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
def add_by_pairs(
    nodes, root, paths, pays, value, output, theirs, mixed, place, first, part, sizes, block, out
):
    """Add a tree's interventional Shapley values, pair by pair of row and background row.

    Where both go the same way, so does every coalition; where they part, a feature has to be
    taken from one or the other from there on.

    Parameters
    ----------
    theirs : array of bool, shape (background, nodes)
        The tests of background rows.
    mixed : array of shape (2, columns of two features, rows, background)
        Their values where the first feature is taken from the row and the second from the
        background row, and the other way round.
    place : array of int
        Which of these a column of the matrix is; -1 for those of one feature.
    first : int
        The background row, of all, that is the first of ``theirs``.
    part, sizes : array of int
        The part of each background row, of all, and how many rows a part has.
    """
    ours = tests_of(nodes, root, len(paths.slot), block)
    stack = np.empty((3 * paths.depth.max() + 4, 3), np.int64)
    for i in range(len(ours)):
        for b in range(len(theirs)):
            mine = part[first + b]
            paid, total = out[mine], sizes[mine]
            stack[0, 0], stack[0, 1], stack[0, 2] = 0, 0, 0
            filled = 1
            while filled:
                filled -= 1
                here, taken, given = stack[filled, 0], stack[filled, 1], stack[filled, 2]
                node = root + here
                left, right = nodes.left[node] - root, nodes.right[node] - root
                if left < 0:
                    _pay(here, taken, given, paths, pays, value[here], output, total, paid, i)
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
                for own in range(2):  # the first feature: from the row, from the background row
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
