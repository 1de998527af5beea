"""Columns that together give a numeric target exactly, such as parts of a total."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolkit.data.rows import numbers

if TYPE_CHECKING:
    from toolkit.data.rows import Table

_MOST_COLUMNS = 60
_MOST_ROWS = 5_000
_SALT = 109


@dataclass(frozen=True)
class Formula:
    """An equation that holds in every row looked at."""

    columns: list[str]
    text: str


def exact_formula(
    table: Table, rows: np.ndarray, association: dict[str, float | None]
) -> Formula | None:
    """Return a linear formula that gives the target exactly, or None.

    Pairs are tried first (sum and difference), as their answer is the clearest; then one
    least-squares fit of the target on the most associated numbers.
    """
    if table.task != "regression":
        return None
    names = [n for n, c in table.columns.items() if c.type == "number" and c.role == "feature"]
    names.sort(key=lambda name: -(association.get(name) or 0.0))
    names = names[:_MOST_COLUMNS]
    rows = table.sample(rows, _MOST_ROWS, _SALT)
    if not names:
        return None
    matrix = np.column_stack([numbers(table.frame[name].iloc[rows]) for name in names])
    target = table.target[rows].astype(np.float64)
    whole = np.isfinite(matrix).all(axis=1)
    if whole.sum() < 30:
        return None
    matrix, target = matrix[whole], target[whole]
    name = table.project.target.column
    return _single(names, matrix, target, name) or _pair(names, matrix, target, name) or _fit(
        names, matrix, target, name
    )  # fmt: skip


def _close(guess: np.ndarray, target: np.ndarray) -> bool:
    return bool(np.abs(guess - target).max() <= 1e-6 * max(float(target.std()), 1e-12))


def _single(names: list[str], matrix: np.ndarray, target: np.ndarray, name: str) -> Formula | None:
    for k, column in enumerate(names):
        if _close(matrix[:, k], target):
            return Formula([column], f"{name} = {column}")
    return None


def _pair(names: list[str], matrix: np.ndarray, target: np.ndarray, name: str) -> Formula | None:
    few, short = matrix[:30], target[:30]
    for i in range(len(names)):
        for j in range(len(names)):
            if i < j and _close(few[:, i] + few[:, j], short):
                guess, sign = matrix[:, i] + matrix[:, j], "+"
            elif i != j and _close(few[:, i] - few[:, j], short):
                guess, sign = matrix[:, i] - matrix[:, j], "-"
            else:
                continue
            if _close(guess, target):
                return Formula([names[i], names[j]], f"{name} = {names[i]} {sign} {names[j]}")
    return None


def _fit(names: list[str], matrix: np.ndarray, target: np.ndarray, name: str) -> Formula | None:
    if len(target) < 3 * (len(names) + 1):
        return None
    centre, spread = matrix.mean(axis=0), matrix.std(axis=0)
    varies = np.flatnonzero(spread > 0)
    if not len(varies):
        return None
    scaled = (matrix[:, varies] - centre[varies]) / spread[varies]
    found, *_ = np.linalg.lstsq(scaled, target - target.mean(), rcond=None)
    if not _close(scaled @ found + target.mean(), target):
        return None
    slopes = found / spread[varies]
    used = np.flatnonzero(np.abs(found) > 1e-4 * target.std())
    columns = [names[varies[k]] for k in used]
    terms = " ".join(
        f"{'-' if slopes[k] < 0 else '+'} {abs(slopes[k]):.4g} x {names[varies[k]]}"
        for k in used[:8]
    )
    more = f" and {len(used) - 8} more terms" if len(used) > 8 else ""
    return Formula(columns, f"{name} = {terms.removeprefix('+ ')}{more} + constant")
