"""Numbers that stand for a missing value: -1, 999, a 0 where none can be."""

from __future__ import annotations

import numpy as np

from toolkit.table.column_names import word_set, words

_NEGATIVE = (-1, -2, -7, -8, -9, -88, -97, -98, -99, -777, -888, -999, -9998, -9999, -99999,
             -999999)  # fmt: skip
_POSITIVE = (
    66, 77, 88, 96, 97, 98, 99, 666, 777, 888, 996, 997, 998, 999, 7777, 8888, 9996, 9997, 9998,
    9999, 99999, 999999, 9999999,
)  # fmt: skip
_ROWS = 50_000
_MOST = 0.98
_MOST_ZEROS = 0.5
# A living body, a building and a year have more than none of these.
_NEVER_ZERO = word_set(
    "glucose bmi insulin cholesterol chol thickness bloodpressure pressure bp pulse heartrate"
    " height"
    " weight wgt waist hemoglobin haemoglobin platelets creatinine albumin year yr jahr"
)


def sentinels(values: np.ndarray, name: str = "") -> list[tuple[float, int]]:
    """Return numbers that may stand for a missing value, and their rows; the most frequent first.

    Parameters
    ----------
    values : array of float
        A column; what is not finite is left aside.
    name : str
        The column's name: of some things there cannot be none.
    """
    values = values[np.isfinite(values)]
    if len(values) < 20:
        return []
    if len(values) > 2 * _ROWS:  # what 1 of 2,000 rows say is in 50,000 of them
        some = sentinels(values[:: len(values) // _ROWS], name)
        return [(value, int((values == value).sum())) for value, _ in some]
    distinct, counts = np.unique(values, return_counts=True)
    few = max(3, 0.0005 * len(values))
    found: list[tuple[float, int]] = []
    found += _negative(distinct, counts, few, len(values))
    found += _positive(distinct, counts, few, len(values))
    found += _zero(distinct, counts, few, len(values), words(name))
    return sorted(found, key=lambda item: -item[1])


def _negative(
    distinct: np.ndarray, counts: np.ndarray, few: float, n: int
) -> list[tuple[float, int]]:
    """Codes below zero where no amount is below zero."""
    below = distinct < 0
    rest = distinct[~below]
    found = list(zip(distinct[below].tolist(), counts[below].tolist(), strict=True))
    if not found or len(found) > 4 or any(count < few for _, count in found):
        # One value far below all others is a code though some amounts are below zero.
        return _far_below(distinct, counts, few, n)
    known = all(value in _NEGATIVE for value, _ in found)
    whole = all(value == round(value) for value, _ in found)
    least = 10 if not known or len(found) > 1 else 3
    if len(rest) < least or not whole or sum(count for _, count in found) > _MOST * n:
        return []
    return found


def _far_below(
    distinct: np.ndarray, counts: np.ndarray, few: float, n: int
) -> list[tuple[float, int]]:
    value, count = float(distinct[0]), int(counts[0])
    rest = distinct[1:]
    if value not in _NEGATIVE or count < few or count > _MOST * n or len(rest) < 10:
        return []
    return [(value, count)] if value < rest[0] - 0.5 * (rest[-1] - rest[0]) else []


def _positive(
    distinct: np.ndarray, counts: np.ndarray, few: float, n: int
) -> list[tuple[float, int]]:
    """Nines and the like, above all amounts and apart from them."""
    found = []
    while len(distinct) > 10 and distinct[-1] in _POSITIVE and counts[-1] >= few:
        found.append((float(distinct[-1]), int(counts[-1])))
        distinct, counts = distinct[:-1], counts[:-1]
    if not found or sum(count for _, count in found) > _MOST * n:
        return []
    weighed = np.repeat(distinct, np.minimum(counts, 1_000))
    span = float(np.subtract(*np.quantile(weighed, [0.75, 0.25])))
    apart = min(value for value, _ in found) > distinct[-1] + max(0.5 * span, 1.0)
    return found if apart else []


def _zero(
    distinct: np.ndarray, counts: np.ndarray, few: float, n: int, name: list[str]
) -> list[tuple[float, int]]:
    if distinct[0] != 0 or len(distinct) < 11:
        return []
    count, rest = int(counts[0]), distinct[1:]
    weighed = np.repeat(rest, np.minimum(counts[1:], 1_000))
    span = float(np.subtract(*np.quantile(weighed, [0.75, 0.25])))
    years = bool(rest[0] > 1_500 and rest[-1] < 2_200)
    never = bool(set(name) & _NEVER_ZERO) and rest[0] > 0
    gap = bool(rest[0] > 1 and rest[0] > 0.5 * span > 0)
    most = _MOST if years else _MOST_ZEROS
    return [(0.0, count)] if few <= count <= most * n and (gap or years or never) else []
