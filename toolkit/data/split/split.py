"""Train, validation and test: who is where, and why nothing leaks between them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit import metrics
from toolkit.artifacts import Check, Split, SplitPart, SplitSummary
from toolkit.artifacts.base import worst_first
from toolkit.data.rows import FrameCache, Table, make_table, open_table, rounded, rows_of
from toolkit.data.split.checks import leak_checks, size_checks, together_check
from toolkit.errors import DataError
from toolkit.table import copies_together, moments

if TYPE_CHECKING:
    from toolkit.project.model import Project
    from toolkit.run.stage import Stage

TRAIN, VALIDATION, TEST, UNUSED = 0, 1, 2, 3
PARTS = ("train", "validation", "test", "unused")
_SALT = 101


@dataclass
class Assignment:
    """The part of each row, as a position in `PARTS`, and what had to be said about it."""

    part: np.ndarray
    checks: list[Check] = field(default_factory=list)
    sizes: np.ndarray | None = None
    """Rows that follow each of the rows divided, itself included, where copies stay together."""

    def rows(self, part: int) -> np.ndarray:
        """Return the positions of a part's rows."""
        return np.flatnonzero(self.part == part)

    def names(self) -> np.ndarray:
        """Return the name of each row's part."""
        return np.array(PARTS, dtype=object)[self.part]


def make_split(stage: Stage) -> SplitSummary:
    """Divide the rows, check for leaks between the parts, and write `Split` and `SplitSummary`.

    Raises
    ------
    DataError
        If a part would be empty, or the chosen column cannot divide the rows.
    """
    table = open_table(stage)
    stage.progress("dividing the rows")
    assignment = assign(table)
    for part in (TRAIN, VALIDATION, TEST):
        if not len(assignment.rows(part)):
            raise DataError(
                f"the split leaves no row for {PARTS[part]}",
                where="split",
                remedy="Use more rows, another split.method, or other shares",
            )
    summary = summarise(table, assignment)
    rows = np.arange(len(table.frame), dtype=np.int64)
    names = pd.array(assignment.names(), dtype="str")
    stage.write(Split(pd.DataFrame({"row": rows, "part": names})))
    stage.write(summary)
    return summary


def preview_split(
    project: Project, rows_frame: pd.DataFrame, cells: FrameCache | None = None
) -> SplitSummary:
    """Return what `make_split` would write, without writing it.

    Parameters
    ----------
    project : Project
        The choices to try.
    rows_frame : pandas.DataFrame
        The frame of `toolkit.artifacts.Rows`.
    cells : FrameCache, optional
        What is known of that frame already.
    """
    table = make_table(project, rows_frame, cells)
    return summarise(table, assign(table))


def live_split(stage: Stage) -> Callable[[Project], SplitSummary]:
    """Return `preview_split` over this run's rows, which are read once: what a panel needs."""
    frame = rows_of(stage)
    return functools.partial(preview_split, rows_frame=frame, cells=FrameCache(frame))


def assign(table: Table) -> Assignment:
    """Give each row its part; rows without a target are unused."""
    used = np.flatnonzero(table.known)
    result = Assignment(np.full(len(table.frame), UNUSED, dtype=np.int8))
    lacking = len(table.frame) - len(used)
    if lacking:
        result.checks.append(
            Check(
                name="Rows without a target",
                severity="info" if lacking < 0.2 * len(table.frame) else "warning",
                message=f"{lacking:,} rows have no target and are in no part.",
                columns=[table.project.target.column],
                remedy="Find out why the outcome is unknown: these rows may differ from the rest.",
            )
        )
    method = {"random": _random, "stratified": _stratified, "group": _group, "time": _time}
    split, features = table.project.split, table.features()
    hashes = table.cells.hashes(features)[used]  # the check of leaks needs them, too
    groups = copies_together(split, table.frame[features].iloc[used], hashes)
    if groups is None:
        method[table.project.split.method](table, used, result)
        return result
    # One row of each group of equal rows is given a part, and the others follow it.
    _, first, result.sizes = np.unique(groups, return_index=True, return_counts=True)
    method[table.project.split.method](table, used[first], result)
    result.part[used] = result.part[used[first]][groups]
    result.checks.append(together_check(result.sizes))
    return result


def summarise(table: Table, assignment: Assignment) -> SplitSummary:
    """Describe a split in numbers, with its leak check."""
    parts = [
        SplitPart(part=PARTS[part], rows=len(rows), target=_target_facts(table, rows))
        for part in (TRAIN, VALIDATION, TEST, UNUSED)
        if len(rows := assignment.rows(part)) or part != UNUSED
    ]
    checks = [
        *assignment.checks,
        *size_checks(table, assignment.part),
        *leak_checks(table, assignment.part),
    ]
    return SplitSummary(
        method=table.project.split.method,
        parts=parts,
        checks=worst_first(checks),
        metric=metrics.resolve(table.project)[0],
    )


def _target_facts(table: Table, rows: np.ndarray) -> dict[str, float]:
    rows = rows[table.known[rows]]
    if not len(rows):
        return {}
    if table.task == "regression":
        values = table.target[rows].astype(np.float64)
        return {"mean": rounded(values.mean()) or 0.0, "std": rounded(values.std()) or 0.0}
    counts = np.bincount(table.class_codes()[rows], minlength=len(table.classes))
    return {
        label: round(int(n) / len(rows), 6) for label, n in zip(table.classes, counts, strict=True)
    }


# -- the four ways -----------------------------------------------------------------


def _shares(table: Table) -> tuple[float, float]:
    return table.project.split.validation, table.project.split.test


def _spread(table: Table, rows: np.ndarray, result: Assignment) -> None:
    """Put shuffled rows into the parts by their shares, each part getting one if it can."""
    validation, test = _shares(table)
    n = len(rows)
    in_test = max(round(n * test), 1 if n >= 2 else 0)
    in_validation = max(round(n * validation), 1 if n >= 3 else 0)
    result.part[rows[:in_test]] = TEST
    result.part[rows[in_test : in_test + in_validation]] = VALIDATION
    result.part[rows[in_test + in_validation :]] = TRAIN


def _random(table: Table, used: np.ndarray, result: Assignment) -> None:
    _spread(table, table.rng(_SALT).permutation(used), result)


def _strata(table: Table, used: np.ndarray) -> np.ndarray:
    """Return a stratum for each used row: its class, or the decile of its target."""
    if table.task != "regression":
        return table.class_codes()[used]
    values = table.target[used].astype(np.float64)
    count = min(10, max(1, len(used) // 20))
    edges = np.unique(np.quantile(values, np.linspace(0, 1, count + 1)[1:-1]))
    return np.searchsorted(edges, values, side="right")


def _stratified(table: Table, used: np.ndarray, result: Assignment) -> None:
    """Divide each class by itself.

    Rounding is carried from class to class, so that many small classes add up to the
    shares. A class of one row goes to train; one of two to train and test; from three
    rows on every part gets one.
    """
    shares = _shares(table)
    rng = table.rng(_SALT)
    strata = _strata(table, used)
    if result.sizes is not None:
        # Groups of one row, of two, of up to four ... are divided by themselves: parts come near
        # their shares although each group goes to one of them.
        size = np.ceil(np.log2(result.sizes)).astype(np.int64)
        strata = strata * (int(size.max()) + 1) + size
    carried = np.zeros(2)
    for stratum in np.unique(strata):
        rows = rng.permutation(used[strata == stratum])
        n = len(rows)
        owed = n * np.array(shares) + carried
        whole = np.floor(owed + 0.5).astype(int)
        in_test = int(np.clip(whole[1], n >= 2, max(n - 2, n // 2)))
        in_validation = int(np.clip(whole[0], n >= 3, n - 1 - in_test))
        carried = np.clip(owed - [in_validation, in_test], -0.5, 0.5)
        result.part[rows] = TRAIN
        result.part[rows[:in_test]] = TEST
        result.part[rows[in_test : in_test + in_validation]] = VALIDATION


def _group(table: Table, used: np.ndarray, result: Assignment) -> None:
    """Keep groups whole: the largest first, each to the part that lacks its classes most.

    Greedy as in scikit-learn's ``StratifiedGroupKFold``, with unequal shares.
    """
    column = table.project.split.column or ""
    found, _ = pd.factorize(_column(table, column).iloc[used])
    alone = found < 0
    if alone.any():
        found = found.astype(np.int64)
        found[alone] = found.max() + 1 + np.arange(alone.sum())
        result.checks.append(
            Check(
                name="Rows without a group",
                severity="warning",
                message=f"{alone.sum():,} rows have no {column!r}; each is taken as its own group.",
                columns=[column],
                remedy="If they belong together, fill the column in before this step.",
            )
        )
    strata = _strata(table, used)
    groups = int(found.max()) + 1
    counts = np.zeros((groups, int(strata.max()) + 1))
    np.add.at(counts, (found, strata), 1)
    if groups < 3:
        result.checks.append(
            Check(
                name="Too few groups",
                severity="critical",
                message=f"{column!r} has {groups} groups, fewer than the three parts.",
                columns=[column],
                remedy="Choose a finer group column, or split.method stratified.",
            )
        )
    result.part[used] = _greedy(counts, _shares(table), table.rng(_SALT))[found]


def _greedy(
    counts: np.ndarray, shares: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Return a part for each group, given its rows by stratum."""
    validation, test = shares
    wanted = np.outer([1 - validation - test, validation, test], counts.sum(axis=0))
    scale = 1 / np.maximum(counts.sum(axis=0), 1)
    order = rng.permutation(len(counts))
    order = order[np.argsort(-counts.sum(axis=1)[order], kind="stable")]
    have = np.zeros_like(wanted)
    part = np.zeros(len(counts), dtype=np.int8)
    for position, group in enumerate(order):
        gap = (wanted - have) * scale
        # How much the squared distance to the wanted rows falls, by part.
        gain = (gap**2 - (gap - counts[group] * scale) ** 2).sum(axis=1)
        if len(order) - position <= (have.sum(axis=1) == 0).sum():
            gain[have.sum(axis=1) > 0] = -np.inf  # no part may stay empty
        part[group] = int(np.argmax(gain))
        have[part[group]] += counts[group]
    return part


def _time(table: Table, used: np.ndarray, result: Assignment) -> None:
    """Put the latest rows into test and those before them into validation.

    Rows of the same time stay together; rows without a time cannot be ordered and are unused.
    """
    column = table.project.split.column or ""
    if column:
        times = _times(table, column)[used]
    else:
        times = used.astype(np.float64)
        result.checks.append(
            Check(
                name="Order of the rows",
                severity="info",
                message="No split.column says when a row was: rows count as later the further down"
                " the source they stand.",
                remedy="Make sure that the source is always written in the order of time.",
            )
        )
    unknown = np.isnan(times)
    if unknown.any():
        result.checks.append(
            Check(
                name="Rows without a time",
                severity="warning",
                message=f"{unknown.sum():,} rows have no {column!r} and are in no part.",
                columns=[column],
                remedy="Fill the time in, or split by another column.",
            )
        )
    rows = used[~unknown]
    times = times[~unknown]
    validation, test = _shares(table)
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    starts = np.flatnonzero(np.r_[True, np.diff(ordered) > 0])  # first row of each moment
    if len(starts) < 3:
        raise DataError(
            f"{column!r} has {len(starts)} different times",
            where="split.column",
            expected="at least three, one for each part",
            remedy="Choose a finer time column, or split.method stratified",
        )
    second = max(2, int(np.argmin(np.abs(starts - len(rows) * (1 - test)))))
    middle = np.abs(starts - len(rows) * (1 - test - validation))
    first = min(max(1, int(np.argmin(middle))), second - 1)
    result.part[rows] = TRAIN
    result.part[rows[order[starts[first] :]]] = VALIDATION
    result.part[rows[order[starts[second] :]]] = TEST


def _times(table: Table, column: str) -> np.ndarray:
    facts = table.project.columns[column]
    times = moments(_column(table, column), facts)
    if facts.type == "boolean" or np.isnan(times).mean() > 0.5:
        raise DataError(
            f"{column!r} has no times for most rows",
            where="split.column",
            expected="a column of dates or of numbers that grow with time",
            remedy="Choose another split.column, or split.method stratified",
        )
    return times


def _column(table: Table, column: str) -> pd.Series:
    if column not in table.frame.columns:
        raise DataError(f"column {column!r} is not in the table", where="split.column")
    return table.frame[column]
