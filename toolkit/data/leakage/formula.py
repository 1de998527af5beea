"""Columns that only together give the target: parts of a total, a difference, two codes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolkit.data.leakage.agreement import Agreement, of_classes, of_numbers
from toolkit.data.leakage.association import number_bins
from toolkit.data.rows import codes, numbers

if TYPE_CHECKING:
    from toolkit.data.rows import Table

HOLDS = 0.7
"""Share of the rows in which an equation must hold, or score from which two columns count."""
_GAIN = 0.25
_MOST_COLUMNS = 60
_MOST_PAIRED = 30
_MOST_ROWS = 5_000
_FEW_ROWS = 400
_TRIED = 8
_FEW_LEVELS = 8
_LEAST = 0.55
_SALT = 109


@dataclass(frozen=True)
class Formula:
    """What columns give together.

    Attributes
    ----------
    columns : list of str
    text : str
        An equation, or what is put together.
    share : float
        The share of rows in which the equation holds, or how nearly the target is given (0 to 1).
    sign : str
        How two columns are put together: ``+``, ``-``, ``/``, ``levels``; empty for an equation.
    """

    columns: list[str]
    text: str
    share: float
    sign: str = ""

    @property
    def exact(self) -> bool:
        """Whether it is an equation."""
        return not self.sign

    def combined(self, table: Table, rows: np.ndarray) -> np.ndarray:
        """Return what the two columns give together in each row."""
        first, second = (table.frame[name].iloc[rows] for name in self.columns)
        if self.sign == "levels":
            return _joint(codes(first)[0] + 1, codes(second)[0] + 1).astype(np.float64)
        matrix = np.column_stack([numbers(first), numbers(second)])
        return _combined(matrix, np.array([0]), np.array([1]), self.sign)[:, 0]


def equation(
    table: Table, rows: np.ndarray, association: dict[str, float | None]
) -> Formula | None:
    """Return a linear equation that gives a numeric target exactly in most rows, or None.

    Pairs are tried first (sum and difference), as their answer is the clearest; then one
    least-squares fit of the target on the most associated numbers, from which the rows that
    it misses most are dropped, again and again.
    """
    if table.task != "regression":
        return None
    names = _numeric(table, association)[:_MOST_COLUMNS]
    rows = table.sample(rows, _MOST_ROWS, _SALT)
    if not names:
        return None
    matrix = np.column_stack([numbers(table.frame[name].iloc[rows]) for name in names])
    target = table.target[rows].astype(np.float64)
    # A column of few values would leave too few whole rows for the others.
    filled = np.isfinite(matrix).mean(axis=0) > 0.5
    names, matrix = [n for n, f in zip(names, filled, strict=True) if f], matrix[:, filled]
    whole = np.isfinite(matrix).all(axis=1)
    if whole.sum() < 30 or not names:
        return None
    matrix, target = matrix[whole], target[whole]
    name = table.project.target.column
    return _pair(names, matrix, target, name) or _fit(names, matrix, target, name)


def _numeric(table: Table, association: dict[str, float | None]) -> list[str]:
    names = [n for n, c in table.columns.items() if c.type == "number" and c.use == "feature"]
    return sorted(names, key=lambda name: -(association.get(name) or 0.0))


def _exact(guess: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.abs(guess - target) <= 1e-6 * max(float(target.std()), 1e-12)


def _share(guess: np.ndarray, target: np.ndarray, *alone: np.ndarray) -> float:
    """Return the share of rows given exactly; 0 if the parts alone give nearly as many.

    The target's most frequent value is left aside: zeros add up to zero.
    """
    values, counts = np.unique(target, return_counts=True)
    uncommon = target != values[np.argmax(counts)]
    if uncommon.sum() < 20:
        return 0.0
    share = float(_exact(guess, target)[uncommon].mean())
    parts = [float(_exact(part, target)[uncommon].mean()) for part in alone]
    return share if share >= max(parts, default=0.0) + _GAIN else 0.0


def _pair(names: list[str], matrix: np.ndarray, target: np.ndarray, name: str) -> Formula | None:
    few, short = matrix[:60], target[:60]
    best: Formula | None = None
    for i, j in itertools.permutations(range(len(names)), 2):
        for sign, factor in (("+", 1), ("-", -1)):
            if sign == "+" and i > j:
                continue
            if _exact(few[:, i] + factor * few[:, j], short).mean() < HOLDS - 0.15:
                continue
            a, b = matrix[:, i], matrix[:, j]
            share = _share(a + factor * b, target, a, b)
            if share >= HOLDS and (best is None or share > best.share):
                text = f"{name} = {names[i]} {sign} {names[j]}"
                best = Formula([names[i], names[j]], text, share)
    return best


def _fit(names: list[str], matrix: np.ndarray, target: np.ndarray, name: str) -> Formula | None:
    if len(target) < 3 * (len(names) + 1):
        return None
    centre, spread = matrix.mean(axis=0), matrix.std(axis=0)
    varies = np.flatnonzero(spread > 0)
    if not len(varies):
        return None
    scaled = np.column_stack([(matrix[:, varies] - centre[varies]) / spread[varies],
                              np.ones(len(target))])  # fmt: skip
    kept = np.arange(len(target))
    for _ in range(12):
        found, *_ = np.linalg.lstsq(scaled[kept], target[kept], rcond=None)
        missed = np.abs(scaled @ found - target)
        kept = np.argsort(missed, kind="stable")[: int(0.7 * len(target))]
    share = _share(scaled @ found, target)
    slopes = found[:-1] / spread[varies]
    used = np.flatnonzero(np.abs(found[:-1]) > 1e-4 * target.std())
    if share < HOLDS or len(used) < 2:
        return None  # one column alone is seen by itself
    columns = [names[varies[k]] for k in used]
    terms = " ".join(
        f"{'-' if slopes[k] < 0 else '+'} {abs(slopes[k]):.4g} x {names[varies[k]]}"
        for k in used[:8]
    )
    more = f" and {len(used) - 8} more terms" if len(used) > 8 else ""
    return Formula(columns, f"{name} = {terms.removeprefix('+ ')}{more} + constant", share)


def pairs(
    table: Table, rows: np.ndarray, association: dict[str, float | None], aside: set[str]
) -> tuple[list[Formula], int]:
    """Return pairs of columns that give the target only together, and how many were tried.

    Two numbers: their sum, difference or ratio. Two columns of few levels: their combination.

    Parameters
    ----------
    table, rows, association
        As elsewhere.
    aside : set of str
        Columns that are suspected on their own.
    """
    rows = table.rng(_SALT + 1).permutation(table.sample(rows, _MOST_ROWS, _SALT + 2))
    columns = [n for n, c in table.columns.items() if c.use == "feature" and n not in aside]
    columns.sort(key=lambda name: -(association.get(name) or 0.0))
    judge = _FormulaScore(table, rows)
    made = [n for n in columns if table.columns[n].type in ("number", "date")][:_MOST_PAIRED]
    found = list(_of_numbers(table, rows, made, judge))
    tried = len(made) * (len(made) - 1) // 2
    if table.task != "regression":
        levels: dict[str, np.ndarray] = {}
        for name in columns:
            code, texts = codes(table.frame[name].iloc[rows])
            if 1 < len(texts) <= _FEW_LEVELS and len(levels) < _MOST_PAIRED:
                levels[name] = code + 1
        tried += len(levels) * (len(levels) - 1) // 2
        found += list(_of_levels(levels, judge))
    found.sort(key=lambda item: -item.share)
    return found[:_TRIED], tried


class _FormulaScore:
    """Judges a combination as `agreement` judges a column."""

    def __init__(self, table: Table, rows: np.ndarray) -> None:
        self.classes = len(table.classes)
        self.target = (
            table.class_codes()[rows] if self.classes else table.target[rows].astype(np.float64)
        )
        self.halves = np.arange(len(rows)) % 2  # rows come in random order

    def of_bins(self, bins: np.ndarray) -> Agreement:
        return of_classes(bins, self.target, self.classes, 10**9, self.halves)

    def at_a_glance(self, bins: np.ndarray) -> float:
        n = 2 * _FEW_ROWS
        halves = self.halves[:n]
        return of_classes(bins[:n], self.target[:n], self.classes, 10**9, halves).given

    def of_values(self, values: np.ndarray) -> Agreement:
        bins = number_bins(values)
        return self.of_bins(bins) if self.classes else of_numbers(values, bins, self.target)


def _of_levels(levels: dict[str, np.ndarray], judge: _FormulaScore) -> Iterator[Formula]:
    alone = {name: judge.of_bins(code).given for name, code in levels.items()}
    for first, second in itertools.combinations(levels, 2):
        both = _joint(levels[first], levels[second])
        if len(both) > 2 * _FEW_ROWS and judge.at_a_glance(both) < _LEAST:
            continue
        found = judge.of_bins(both)
        if (
            found.given >= HOLDS
            and found.step >= 0.97
            and found.given >= max(alone[first], alone[second]) + _GAIN
        ):
            text = f"{first} and {second} taken together"
            yield Formula([first, second], text, found.given, "levels")


def _joint(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first * (_FEW_LEVELS + 1) + second


def _of_numbers(
    table: Table, rows: np.ndarray, names: list[str], judge: _FormulaScore
) -> Iterator[Formula]:
    if len(names) < 2:
        return
    matrix = np.column_stack([numbers(table.frame[name].iloc[rows]) for name in names])
    first, second = np.triu_indices(len(names), 1)
    few, target = matrix[:_FEW_ROWS], judge.target[:_FEW_ROWS]
    alone = _ranked_score(few, target, judge.classes)
    tries: list[tuple[float, int, int, str]] = []
    for sign in "+-/":
        score = _ranked_score(_combined(few, first, second, sign), target, judge.classes)
        gain = score - np.maximum(alone[first], alone[second])
        for k in np.argsort(-gain)[:_TRIED]:
            if score[k] >= _LEAST and gain[k] >= 0.1:
                tries.append((float(score[k]), int(first[k]), int(second[k]), sign))
    for _, i, j, sign in sorted(tries, reverse=True)[:_TRIED]:
        whole = _combined(matrix, np.array([i]), np.array([j]), sign)[:, 0]
        found = judge.of_values(whole)
        parts = max(judge.of_values(matrix[:, k]).given for k in (i, j))
        if found.given >= HOLDS and found.step >= 0.97 and found.given >= parts + _GAIN:
            text = f"{names[i]} {sign} {names[j]}"
            yield Formula([names[i], names[j]], text, found.given, sign)


def _combined(matrix: np.ndarray, i: np.ndarray, j: np.ndarray, sign: str) -> np.ndarray:
    a, b = matrix[:, i], matrix[:, j]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return a + b if sign == "+" else a - b if sign == "-" else a / b


def _ranked_score(matrix: np.ndarray, target: np.ndarray, classes: int) -> np.ndarray:
    """Return how well each column orders the target, 0 to 1, at a glance."""
    ranks = np.argsort(np.argsort(np.nan_to_num(matrix), axis=0), axis=0).astype(np.float64)
    n = len(matrix)
    if not classes:
        own = np.argsort(np.argsort(target)).astype(np.float64)
        spread = own.std() * ranks.std(axis=0)
        moment = ((own - own.mean())[:, None] * (ranks - ranks.mean(axis=0))).mean(axis=0)
        return np.abs(moment / np.maximum(spread, 1e-12))
    best = np.zeros(matrix.shape[1])
    for k in range(min(classes, 8)):
        hit = target == k
        if 10 <= hit.sum() <= n - 10:
            mean = ranks[hit].mean(axis=0) - ranks[~hit].mean(axis=0)
            best = np.maximum(best, np.abs(2 * mean / n))
    return best
