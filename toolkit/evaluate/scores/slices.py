"""Where the model does worse: conditions on one or two columns, tested and corrected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.artifacts import Interval, Slice
from toolkit.evaluate.scores.conditions import Conditions

_CELLS = 10_000_000
_PAIR_CONDITIONS = 200
_LEVEL = 0.05
_WORSE = 0.1
"""Share of the overall loss by which a slice has to be worse to be worth a line."""
_SHOWN = 10
_MOST = 0.75


@dataclass(frozen=True)
class SliceSearch:
    """The result of a search for weak slices.

    Attributes
    ----------
    slices : list of Slice
        Significantly worse ones, the largest difference times the root of the rows first.
    tested : int
        How many slices were tested.
    paired : int
        How many conditions were combined in pairs.
    """

    slices: list[Slice]
    tested: int
    paired: int


def holm(p: np.ndarray) -> np.ndarray:
    """Return Holm's (1979) adjusted p-values: the chance of one false claim is kept down."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    result = np.empty(len(p))
    result[order] = np.minimum(steps, 1.0)
    return result


def weakest(
    parts: Sequence[Conditions],
    loss: np.ndarray,
    score: Callable[[np.ndarray], Interval],
    movement: Sequence[float] | None = None,
) -> SliceSearch:
    """Return the slices with a significantly higher mean loss than all other rows.

    Every condition, and every pair of conditions on two columns, that holds on at least
    20 rows and 1 %, and at most three quarters, of the rows is tested (Welch's one-sided t-test
    of the loss inside against outside), and p-values are adjusted for all of them by Holm's
    method. A pair is listed only if it is clearly worse than each of its conditions alone.

    Parameters
    ----------
    parts : sequence of Conditions
        One for each column.
    loss : ndarray, shape (n,)
        Of each row.
    score : callable
        Takes the positions of a slice's rows and gives its score.
    movement : sequence of float, optional
        One number a column; where there are more than 200 conditions, those of the columns
        with the largest are paired. It must not come from the losses.
    """
    n = len(loss)
    support = max(20, int(np.ceil(n / 100)))
    all_singles = [(c, i) for c, part in enumerate(parts) for i in range(len(part.names))]
    counts = {
        c: np.bincount(p.codes[p.codes >= 0], minlength=len(p.names)) for c, p in enumerate(parts)
    }
    singles = [(c, i) for c, i in all_singles if counts[c][i] >= support]
    if not singles or n < 2 * support:
        return SliceSearch([], 0, 0)
    if movement is not None:
        singles.sort(key=lambda item: (-movement[item[0]], item))
    first, second, sums, squares, rows = _sums(parts, singles, loss)
    keep = (rows >= support) & (rows <= _MOST * n)
    difference, p = welch(rows[keep], sums[keep], squares[keep], loss)
    adjusted = holm(p)
    pieces = [
        [singles[a]] if a == b else [singles[a], singles[b]]
        for a, b in zip(first[keep].tolist(), second[keep].tolist(), strict=True)
    ]
    slices = [
        Slice(
            where=" and ".join(parts[c].text(i) for c, i in pieces[place]),
            columns=[parts[c].column for c, _ in pieces[place]],
            rows=int(inside.sum()),
            score=score(np.flatnonzero(inside)),
            difference=float(difference[place]),
            p_value=float(adjusted[place]),
        )
        for place, inside in _claims(
            parts, pieces, np.stack([rows[keep], difference, adjusted]), loss
        )
    ]
    return SliceSearch(slices, len(p), min(len(singles), _PAIR_CONDITIONS))


def _sums(
    parts: Sequence[Conditions], singles: list[tuple[int, int]], loss: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Return which conditions each slice joins, and its sums of loss, of squares, and rows."""
    n, width = len(loss), min(len(singles), _PAIR_CONDITIONS)
    step = max(1, _CELLS // len(singles))
    total = np.zeros((3, width, width))
    alone = np.zeros((3, len(singles)))
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        member = np.stack([parts[c].codes[rows] == i for c, i in singles], axis=1)
        weights = np.stack([loss[rows], loss[rows] ** 2, np.ones(len(loss[rows]))])
        alone += weights @ member
        near = member[:, :width].astype(np.float64)
        for k in range(3):
            total[k] += near.T @ (near * weights[k][:, None])
    first, second = np.triu_indices(width, 1)
    column = np.array([c for c, _ in singles[:width]])
    other = column[first] != column[second]
    first, second = first[other], second[other]
    own = np.arange(len(singles))
    joined = np.concatenate([alone, total[:, first, second]], axis=1)
    return (
        np.concatenate([own, first]),
        np.concatenate([own, second]),
        joined[0],
        joined[1],
        joined[2],
    )


def welch(
    rows: np.ndarray, sums: np.ndarray, squares: np.ndarray, loss: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean loss inside minus outside, and the one-sided p-value of it being above 0.

    Welch's t-test (1947), for many slices at once.

    Parameters
    ----------
    rows, sums, squares : ndarray of float64, shape (slices,)
        Rows of each slice, and the sums of their losses and of the squared losses.
    loss : ndarray, shape (n,)
        Of all rows.
    """
    from scipy import stats

    n = len(loss)
    out_rows, out_sums = n - rows, loss.sum() - sums
    out_squares = (loss**2).sum() - squares
    inside, outside = sums / rows, out_sums / out_rows
    spread = np.maximum(squares - rows * inside**2, 0) / (rows - 1) / rows
    out_spread = np.maximum(out_squares - out_rows * outside**2, 0) / (out_rows - 1) / out_rows
    both = spread + out_spread
    difference = inside - outside
    certain = both <= 1e-24
    safe = np.where(certain, 1.0, both)
    freedom = safe**2 / np.maximum(spread**2 / (rows - 1) + out_spread**2 / (out_rows - 1), 1e-300)
    p = stats.t.sf(difference / np.sqrt(safe), np.maximum(freedom, 1.0))
    return difference, np.where(certain, np.where(difference > 1e-12, 0.0, 1.0), p)


def _claims(
    parts: Sequence[Conditions],
    pieces: list[list[tuple[int, int]]],
    tested: np.ndarray,
    loss: np.ndarray,
) -> list[tuple[int, np.ndarray]]:
    """Return the slices to list, as place and rows: those with the largest difference times
    the root of their rows, so that both how bad and how many count.

    ``tested`` holds rows, difference and adjusted p-value. A slice that shares most of its
    rows with one already listed says the same again and is left out.
    """
    rows, difference, adjusted = tested
    margin = _WORSE * abs(float(loss.mean()))
    worth = np.flatnonzero((adjusted < _LEVEL) & (difference > margin))
    kept: list[tuple[int, np.ndarray]] = []
    for place in worth[np.argsort(-(difference * np.sqrt(rows))[worth], kind="stable")]:
        members = [parts[c].codes == i for c, i in pieces[place]]
        inside = np.logical_and.reduce(members)
        if len(members) == 2:
            alone = max(float(loss[member].mean()) for member in members)
            if loss[inside].mean() < alone + margin:
                continue
        if all((inside & seen).sum() < 0.5 * (inside | seen).sum() for _, seen in kept):
            kept.append((int(place), inside))
        if len(kept) == _SHOWN:
            break
    return kept
