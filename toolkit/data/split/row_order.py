"""Whether the order of the rows in the file says something: time, place, or a sorted column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from toolkit.artifacts import Check
from toolkit.data.findings import listed
from toolkit.data.rows import numbers
from toolkit.project.data import Column
from toolkit.project.model import SplitSettings
from toolkit.table.types import date_parts

_CHUNK = 1_000
_CHUNKS = 40
_WINDOW = 50
_SCALES = (1, 10, 100)
_LEVELS = 30
_COLUMNS = 60
_Z = 6.0
_WITHIN = 0.1
_TARGET = 0.05
_FEATURE = 0.2
_SORTED = 0.999
_SPLIT_WORDS = {"stratified": "at random", "random": "at random", "group": "by group"}

Typed = Callable[[np.ndarray, list[str]], pd.DataFrame]
"""Takes positions of rows and names of columns, and gives them typed."""


@dataclass(frozen=True)
class Order:
    """What the order of the rows says.

    Attributes
    ----------
    alike : list of (column, strength, chance)
        Columns in which a row is like the next: the correlation of neighbours, and what 999 of
        1,000 shuffled files stay below. The target comes first.
    target : bool
        Whether the target is among them.
    sorted_by : list of str
        Columns by which the file is sorted.
    date : list of str
        Columns that are parts of one date.
    in_time : bool
        Whether the rows lie in the order of that date.
    """

    alike: list[tuple[str, float, float]]
    target: bool
    sorted_by: list[str]
    date: list[str]
    in_time: bool


def find_order(n: int, columns: Mapping[str, Column], target: str, typed: Typed) -> Order:
    """Look at up to 40,000 rows in runs of 1,000.

    Notes
    -----
    The correlation of neighbours is taken within windows of 50 (of rows, of means of 10, of 100),
    each around its own mean. A file of several sources one after the other differs between
    windows, not within; rows in time, or by place, differ within them too. Rows of one group, and
    equal rows, that lie side by side count as one.
    """
    rows, chunk = _runs(n)
    chosen = [
        name for name, column in columns.items()
        if column.role in ("feature", "group", "time") and column.type not in ("text", "image")
    ][:_COLUMNS]  # fmt: skip
    keys = [n for n, c in columns.items() if c.role in ("group", "identifier") and c.type != "text"]
    frame = typed(rows, [target, *chosen, *(key for key in keys[:5] if key not in chosen)])
    found = date_parts.parts(frame, [name for name in chosen if columns[name].role != "group"])
    date = (
        date_parts.one_date(found) or [name for name, what in found.items() if what == "year"][:1]
    )
    in_time = bool(date) and _rises(date_parts.moments(frame, date, found), chunk, 0.99)
    if len(date) == 1 and not in_time:
        date = []
    kept = _first_of_runs(frame, keys[:5], [target, *chosen])
    frame, chunk = frame[kept].reset_index(drop=True), chunk[kept]
    dates = {name for name in chosen if columns[name].type == "date"} | set(found)
    sorted_by = [
        name for name in [target, *chosen]
        if name not in date and _is_sorted(frame[name], columns[name], chunk)
    ]  # fmt: skip
    if set(sorted_by) - dates and len(frame) < 50:
        sorted_by = []
    alike = []
    for name in [target, *chosen]:
        if name in dates or (name in sorted_by and name != target):
            continue
        strength, chance = neighbours(frame[name], columns[name].type, chunk)
        if strength >= (_TARGET if name == target else _FEATURE):
            alike.append((name, strength, chance))
    return Order(alike, bool(alike) and alike[0][0] == target, sorted_by, date, in_time)


def _runs(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return positions of rows, and the number of the run of neighbours that each is in."""
    if n <= _CHUNK * _CHUNKS:
        return np.arange(n), np.zeros(n, dtype=np.int64)
    starts = np.linspace(0, n - _CHUNK, _CHUNKS).astype(np.int64)
    rows = (starts[:, None] + np.arange(_CHUNK)).ravel()
    return rows, np.repeat(np.arange(_CHUNKS), _CHUNK)


def _first_of_runs(frame: pd.DataFrame, keys: list[str], names: list[str]) -> np.ndarray:
    """Whether a row is not of the same group as the one before it, nor equal to it."""
    kept = np.ones(len(frame), dtype=bool)
    codes = [pd.factorize(frame[name])[0] for name in keys if name in frame]
    for own in codes:
        same = own[1:] == own[:-1]
        if same.mean() < 0.98:  # else a constant
            kept[1:] &= ~(same & (own[1:] >= 0))
    equal = np.ones(max(len(frame) - 1, 0), dtype=bool)
    for name in names:
        own = pd.factorize(frame[name])[0]
        equal &= own[1:] == own[:-1]
    kept[1:] &= ~equal
    return kept


def _rises(values: np.ndarray, chunk: np.ndarray, share: float) -> bool:
    steps = np.diff(values)[chunk[1:] == chunk[:-1]]
    steps = steps[np.isfinite(steps)]
    if len(steps) < 10 or not (steps != 0).any():
        return False
    return bool(max((steps >= 0).mean(), (steps <= 0).mean()) >= share)


def _is_sorted(series: pd.Series, column: Column, chunk: np.ndarray) -> bool:
    known = series.notna().to_numpy()
    if known.sum() < 50:
        return False
    series, chunk = series[known], chunk[known]
    distinct = series.nunique()
    if column.type in ("number", "date"):
        # Two values in two runs are sorted as well, but so are nearly constant columns by chance.
        return distinct >= 10 and _rises(numbers(series), chunk, _SORTED)
    codes = pd.factorize(series)[0]
    changes = int((np.diff(codes) != 0).sum()) + 1
    return 10 <= distinct <= len(series) / 5 and changes <= 1.05 * distinct + chunk.max()


def neighbours(series: pd.Series, kind: str, chunk: np.ndarray) -> tuple[float, float]:
    """Return how alike a row and the next are beyond chance, 0 to 1, and the bound of chance.

    Parameters
    ----------
    series : pandas.Series
        Typed values in the order of the file.
    kind : str
        The column's type.
    chunk : array of int
        Which rows follow each other.

    Returns
    -------
    strength : float
        The rank correlation of a row and the next (levels: Pearson's, of their indicators); 0
        where within windows chance explains it, or it is less than a tenth there.
    chance : float
        What 999 of 1,000 shuffled files stay below.
    """
    if kind in ("number", "date"):
        values = pd.Series(numbers(series)).rank().to_numpy()[:, None]
    else:
        codes, levels = pd.factorize(series)
        if not 2 <= len(levels) <= 1_000:
            return 0.0, 0.0
        common = np.argsort(-np.bincount(codes[codes >= 0]), kind="stable")[:_LEVELS]
        values = (codes[:, None] == common[None, :]).astype(np.float64)
        values[codes < 0] = np.nan
    known = np.isfinite(values).all(axis=1)
    values, chunk = values[known], chunk[known]
    if len(values) < 2 * _WINDOW:
        return 0.0, 0.0
    variance = float(values.var(axis=0).sum())
    if variance == 0:
        return 0.0, 0.0
    shares = [_at_scale(values, chunk, scale, variance) for scale in _SCALES]
    follow = chunk[1:] == chunk[:-1]
    centred = values - values.mean(axis=0)
    r = float((centred[1:] * centred[:-1])[follow].sum()) / int(follow.sum()) / variance
    bound = 3.3 / float(np.sqrt(follow.sum()))
    share = max(shares)
    return (max(r, share) if share > 0 else 0.0), bound


def _at_scale(values: np.ndarray, chunk: np.ndarray, scale: int, variance: float) -> float:
    """Return the share of variance that neighbouring means of `scale` rows have in common."""
    windows = []
    for number in np.unique(chunk):
        own = values[chunk == number]
        units = own[: len(own) // scale * scale].reshape(-1, scale, own.shape[1]).mean(axis=1)
        size = min(_WINDOW, len(units) // 2)
        whole = len(units) // size if size >= 20 else 0
        if whole:
            windows.append(units[: whole * size].reshape(whole, size, -1))
    if not windows:
        return 0.0
    size = min(each.shape[1] for each in windows)
    each = np.concatenate([w[:, :size] for w in windows])
    each = each - each.mean(axis=1, keepdims=True)
    spread = float((each**2).sum()) / each.shape[0] / (size - 1)
    if spread <= 0:
        return 0.0
    products = (each[:, 1:] * each[:, :-1]).sum(axis=(1, 2))
    own = products / np.maximum((each**2).sum(axis=(1, 2)), 1e-12) + 1 / size
    # Where one source ends and the next begins, a window has two levels: such windows are few.
    least = np.sort(own)[: len(own) - min(max(2, -(-len(own) // 5)), len(own) - 1)]
    r = float(least.mean())
    certain = r * np.sqrt(len(least) * (size - 1)) >= _Z
    return min(r, 1.0) * min(spread / variance, 1.0) if certain and r >= _WITHIN else 0.0


def order_checks(
    order: Order, columns: Mapping[str, Column], target: str, split: SplitSettings
) -> list[Check]:
    """Say what the order of the rows means for the split."""
    if split.method == "time":
        return []
    how = _SPLIT_WORDS.get(split.method, "otherwise")
    dates = [
        name for name, column in columns.items()
        if column.type == "date" and column.role in ("feature", "time")
    ]  # fmt: skip
    if order.date and not dates and order.in_time:
        return [_in_time(order, how)]
    others = [name for name in order.sorted_by if name not in dates and name != target]
    checks = []
    if order.date and not dates:
        checks.append(
            Check(
                name="Parts of one date",
                severity="warning",
                message=f"{_named(order.date)} are parts of one date, which may order the rows;"
                f" rows are split {how}.",
                columns=order.date,
                remedy="If the model will score later rows, sort the file by them and set"
                " split.method to time without split.column",
            )
        )
    if others:
        checks.append(
            Check(
                name="The file is sorted",
                severity="info",
                message=f"Rows lie in the order of {_named(others)}.",
                columns=others,
                remedy="If it grows with time, set split.method to time and split.column to it;"
                " else the order says nothing that the column does not",
            )
        )
    strong = [name for name, _, _ in order.alike if name != target]
    if not dates and not others and (order.target or len(strong) > 1):
        checks.append(_alike(order, how))
    return checks


def _in_time(order: Order, how: str) -> Check:
    alike = f" Neighbouring rows are alike ({_correlations(order)})." if order.alike else ""
    return Check(
        name="Rows are in order of time",
        severity="warning",
        message=f"{_named(order.date)}"
        + (" are parts of one date" if len(order.date) > 1 else " says when")
        + f", and rows lie in its order; they are split {how}: the test asks for rows"
        f" between those that were learnt, not for later ones.{alike}",
        columns=order.date,
        remedy="If the model will score later rows, set split.method to time and leave"
        " split.column out: the order of the file is the order in time",
    )


def _alike(order: Order, how: str) -> Check:
    chance = max(bound for _, _, bound in order.alike)
    return Check(
        name="Neighbouring rows are alike",
        severity="warning" if order.target else "info",
        message=f"Rows that follow each other in the file are alike: correlation of"
        f" neighbours {_correlations(order)} (shuffled rows: below {chance:.2f}). They lie in an"
        f" order of time, place or origin and are split {how}, so test rows have neighbours among"
        " those that were learnt.",
        columns=[name for name, _, _ in order.alike],
        remedy="Ask how the rows were collected. If in time, set split.method to time and"
        " leave split.column out: the last rows of the file are the test. If by place or"
        " person, split by a column that says so",
    )


def _correlations(order: Order) -> str:
    return listed([f"{name} {strength:.2f}" for name, strength, _ in order.alike], 4)


def _named(names: list[str]) -> str:
    return listed([repr(name) for name in names], 6)
