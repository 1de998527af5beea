"""Whether the test rows are enough, and whether copies of them are among the training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.artifacts import Check
from toolkit.data.rows import numbers
from toolkit.table import column_names

if TYPE_CHECKING:
    from toolkit.data.rows import Table

_TEST = 2
_FEW_ROWS = 100
_FEW_OF_A_CLASS = 10


def size_checks(table: Table, part: np.ndarray) -> list[Check]:
    """Return checks of how much the test rows can tell."""
    checks = []
    rows = int((part == _TEST).sum())
    if rows < _FEW_ROWS:
        checks.append(
            Check(
                name="Few test rows",
                severity="warning",
                message=f"{rows} rows in test: every test result will be uncertain.",
                remedy="Collect more rows; or raise split.test.",
            )
        )
    if not table.classes:
        return checks
    codes = table.class_codes()
    for place, name in enumerate(("train", "validation", "test")):
        counts = np.bincount(codes[(part == place) & table.known], minlength=len(table.classes))
        absent = [c for c, n in zip(table.classes, counts, strict=True) if n == 0]
        rare = [c for c, n in zip(table.classes, counts, strict=True) if 0 < n < _FEW_OF_A_CLASS]
        if absent:
            checks.append(
                Check(
                    name=f"Classes absent from {name}",
                    severity="critical" if len(table.classes) - len(absent) < 2 else "warning",
                    message=f"{_listed(absent)} {_has(absent)} no row in {name}.",
                    columns=[table.project.target.column],
                    remedy="Merge rare classes, use split.method stratified, or collect more rows.",
                )
            )
        if rare and name == "test":
            checks.append(
                Check(
                    name="Rare classes in test",
                    severity="info",
                    message=f"{_listed(rare)} {_has(rare)} fewer than {_FEW_OF_A_CLASS} rows in"
                    f" test (least: {counts[counts > 0].min()}).",
                    columns=[table.project.target.column],
                    remedy="Do not generalise results for these classes.",
                )
            )
    return checks


def leak_checks(table: Table, part: np.ndarray) -> list[Check]:
    """Return checks of rows, groups, identifiers and time between train and test."""
    train = np.flatnonzero((part == 0) | (part == 1))
    test = np.flatnonzero(part == _TEST)
    if not len(train) or not len(test):
        return []
    return [
        _same_rows(table, train, test),
        *_straddling(table, train, test),
        *_overlap_in_time(table, train, test),
    ]


def together_check(sizes: np.ndarray) -> Check:
    """Return what is said of equal rows that share a part, given the size of each group."""
    groups, copies = int((sizes > 1).sum()), int(sizes.sum() - len(sizes))
    return Check(
        name="Equal rows kept together",
        severity="info",
        message=f"{copies:,} rows ({copies / sizes.sum():.1%}) have the same feature values as an"
        f" earlier row; each of these {groups:,} groups is in one part, or models would be"
        " tested on rows that they have learnt.",
        remedy="If they are copies, remove them at the source; if equal rows are different cases,"
        " set split.duplicates to apart.",
    )


def _same_rows(table: Table, train: np.ndarray, test: np.ndarray) -> Check:
    hashes = table.cells.hashes(table.features())
    seen = _among(hashes[test], hashes[train])
    if not seen.any():
        return Check(
            name="Equal rows across parts",
            severity="ok",
            message="No test row has the same feature values as a row of train or validation.",
        )
    labels = pd.factorize(pd.Series(table.target))[0].astype(np.uint64)
    with_target = hashes * np.uint64(1_000_003) + labels
    same = int(_among(with_target[test], with_target[train]).sum())
    share = seen.mean()
    return Check(
        name="Equal rows across parts",
        severity="info" if share < 0.01 else "warning",
        message=f"{seen.sum():,} test rows ({share:.1%}) have the same feature values as a row of"
        f" train or validation; {same:,} of them the same target too.",
        remedy="If they are copies, remove them or set split.duplicates to together (stratified or"
        " random splits); if the columns are merely coarse, it is no leak.",
    )


def _among(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether each value is among the others; `numpy.isin` takes 20 times as long for hashes."""
    return pd.Series(values).isin(others).to_numpy()


def _straddling(table: Table, train: np.ndarray, test: np.ndarray) -> list[Check]:
    checks = []
    for name, column in table.columns.items():
        if column.role not in ("identifier", "group") and name != table.project.split.column:
            continue
        if column.role == "time" or (
            table.project.split.method == "time" and column.type == "date"
        ):
            continue
        found, levels = table.cells.codes(name)
        counts = [np.bincount(own[own >= 0], minlength=len(levels))
                  for own in (found[train], found[test])]  # fmt: skip
        both = (counts[0] > 0) & (counts[1] > 0)
        shared, rows = int(both.sum()), int(counts[1][both].sum())
        if not shared:
            checks.append(
                Check(
                    name=f"{name} across parts",
                    severity="ok",
                    message=f"No value of {name!r} occurs both in test and before it.",
                    columns=[name],
                )
            )
            continue
        # Strangers share a first name or a street; a number of their own they do not.
        own = column.role != "identifier" or column_names.holder(name)
        checks.append(
            Check(
                name=f"{name} across parts",
                severity="warning" if own else "info",
                message=f"{shared:,} values of {name!r} have rows both in test ({rows:,} rows)"
                " and in train or validation.",
                columns=[name],
                remedy=f"If rows of one {name} are alike, set split.method group and split.column"
                f" {name}.",
            )
        )
    return checks


def _overlap_in_time(table: Table, train: np.ndarray, test: np.ndarray) -> list[Check]:
    column = table.project.split.column if table.project.split.method == "time" else None
    named = [n for n, c in table.columns.items() if c.role == "time" and c.type == "date"]
    column = column or (named[0] if named else None)
    if column is None or table.project.columns[column].type not in ("number", "date"):
        return []
    times = numbers(table.frame[column])
    before, after = times[train], times[test]
    if np.isnan(before).all() or np.isnan(after).all():
        return []
    late = int((before >= np.nanmin(after)).sum())
    if not late:
        return [
            Check(
                name="Order in time",
                severity="ok",
                message=f"Every test row is later than every earlier part by {column!r}.",
                columns=[column],
            )
        ]
    return [
        Check(
            name="Order in time",
            severity="warning",
            message=f"{late:,} rows of train and validation ({late / len(train):.0%}) are not"
            f" earlier than the first test row by {column!r}.",
            columns=[column],
            remedy="If the model will be used on later rows than it has seen, set split.method time"
            f" and split.column {column}.",
        )
    ]


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def _has(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"
