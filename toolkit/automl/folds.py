"""Folds inside the training rows: the same for every engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from toolkit.errors import DataError

NEVER = -1
"""The fold of rows that are never held out."""


@dataclass(frozen=True)
class Folds:
    """Which rows are held out together.

    Attributes
    ----------
    fold : array of int, shape (n,)
        Each row's fold, from 0; `NEVER` for rows that are only learnt from.
    ordered : bool
        Rows are ordered in time: a fold's models learn from earlier folds only.
    method : str
        How they were made, in words.
    moment : array of float, shape (n,), optional
        Where rows are ordered in time, a number that grows with it.
    """

    fold: np.ndarray
    ordered: bool
    method: str
    moment: np.ndarray | None = None

    @property
    def count(self) -> int:
        """How many folds there are."""
        return int(self.fold.max()) + 1

    @property
    def scored(self) -> np.ndarray:
        """Positions of the rows that some fold holds out."""
        return np.flatnonzero(self.fold != NEVER)

    def in_time(self, rows: np.ndarray) -> np.ndarray:
        """Return positions in order of time, where rows are ordered in it."""
        if self.moment is None:
            return rows
        return rows[np.argsort(self.moment[rows], kind="stable")]

    def pairs(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give, for each fold, the positions to learn from and those held out."""
        for number in range(self.count):
            held = self.fold == number
            learnt = self.fold < number if self.ordered else ~held
            yield np.flatnonzero(learnt), np.flatnonzero(held)


def make_folds(
    count: int,
    seed: int,
    *,
    rows: int,
    codes: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    times: np.ndarray | None = None,
) -> Folds:
    """Divide training rows into folds.

    Parameters
    ----------
    count : int
        Folds wanted; fewer are made where rows, groups or moments do not suffice.
    seed : int
        Of the shuffling.
    rows : int
        How many rows there are.
    codes : array of int, shape (n,), optional
        Each row's class: classes are shared out evenly.
    groups : array, shape (n,), optional
        Rows of one group stay in one fold.
    times : array of float, shape (n,), optional
        Rows are cut at moments: the first part is only learnt from, each later one is
        predicted from all before it. Rows of one moment stay together.
    """
    if times is not None:
        return _by_time(count, times)
    generator = np.random.default_rng(seed)
    if groups is not None:
        return _by_group(count, groups, codes, generator)
    count = min(count, rows)
    if count < 2:
        raise DataError(
            f"{rows} training rows cannot be divided into folds", expected="at least two rows"
        )
    order = generator.permutation(rows)
    if codes is not None:
        order = order[np.argsort(codes[order], kind="stable")]
    fold = np.empty(rows, dtype=np.int16)
    fold[order] = np.arange(rows) % count
    return Folds(fold, False, "classes shared out evenly" if codes is not None else "at random")


def _by_time(count: int, times: np.ndarray) -> Folds:
    order = np.argsort(times, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(times[order]) > 0])
    count = min(count, len(starts) - 1)
    if count < 1:
        raise DataError(
            "all training rows have the same time",
            where="split.column",
            expected="at least two moments",
            remedy="Choose a finer time column, or split.method stratified",
        )
    # The first share is as long as two folds: a model needs something to learn from.
    wanted = np.arange(2, count + 2) * len(times) / (count + 2)
    cuts = sorted({int(starts[1:][np.argmin(np.abs(starts[1:] - place))]) for place in wanted})
    block = np.searchsorted(cuts, np.arange(len(times)), side="right") - 1
    fold = np.empty(len(times), dtype=np.int16)
    fold[order] = block
    return Folds(fold, True, "in order of time, each predicted from all before it", times)


def _by_group(
    count: int,
    groups: np.ndarray,
    codes: np.ndarray | None,
    generator: np.random.Generator,
) -> Folds:
    names, member = np.unique(groups.astype(str), return_inverse=True)
    count = min(count, len(names))
    if count < 2:
        raise DataError(
            "all training rows are of one group",
            where="split.column",
            expected="at least two groups",
            remedy="Choose another group column, or split.method stratified",
        )
    strata = np.zeros(len(groups), dtype=np.int64) if codes is None else codes
    sizes = np.bincount(member)
    fold = np.full(len(groups), NEVER, dtype=np.int16)
    several = np.flatnonzero(sizes > 1)
    have = _place_groups(count, fold, member, strata, several[generator.permutation(len(several))])
    # Rows that are alone in their group fill up what their class lacks in each fold.
    single = np.flatnonzero(fold == NEVER)
    single = single[generator.permutation(len(single))]
    for stratum in range(have.shape[1]):
        rows = single[strata[single] == stratum]
        fold[rows] = _fill(have[:, stratum], len(rows))
    return Folds(fold, False, "groups kept together")


def _place_groups(
    count: int,
    fold: np.ndarray,
    member: np.ndarray,
    strata: np.ndarray,
    order: np.ndarray,
) -> np.ndarray:
    """Place groups of several rows, the largest first; return rows by fold and stratum."""
    position = np.full(int(member.max()) + 1, -1)
    position[order] = np.arange(len(order))
    inside = np.flatnonzero(position[member] >= 0)
    counts = np.zeros((len(order), int(strata.max()) + 1))
    np.add.at(counts, (position[member[inside]], strata[inside]), 1)
    scale = 1 / np.maximum(np.bincount(strata, minlength=counts.shape[1]), 1)
    have = np.zeros((count, counts.shape[1]))
    place = np.zeros(len(order), dtype=np.int16)
    for group in np.argsort(-counts.sum(axis=1), kind="stable"):
        # Into the fold that has least of what the group brings.
        load = ((have + counts[group]) * scale) ** 2 - (have * scale) ** 2
        place[group] = int(np.argmin(load.sum(axis=1)))
        have[place[group]] += counts[group]
    fold[inside] = place[position[member[inside]]]
    return have


def _fill(have: np.ndarray, rows: int) -> np.ndarray:
    """Return the fold of each of some rows, so that all folds end up as equal as they can."""
    level = np.sort(have)
    # The common level to which `rows` more rows can raise the lowest folds.
    lifted = [(rows + level[:k].sum()) / k for k in range(1, len(level) + 1)]
    height = min((h for k, h in enumerate(lifted, 1) if h >= level[k - 1]), default=float(level[0]))
    wanted = np.maximum(0, np.floor(height - have)).astype(int)
    folds = np.repeat(np.arange(len(have)), wanted)[:rows]
    rest = np.argsort(have + wanted, kind="stable")
    missing = rows - len(folds)
    return np.r_[folds, np.resize(rest, missing) if missing else rest[:0]].astype(np.int16)
