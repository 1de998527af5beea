"""The target: its values, and whether anything can be learnt from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats
from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.table.cells import values

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.model import Target

MINIMUM_ROWS = 40
MINIMUM_CLASS_ROWS = 8
MOST_CLASSES = 100


def target_values(series: pd.Series, target: Target) -> np.ndarray:
    """Return the target's values.

    Parameters
    ----------
    series : pandas.Series
        The typed target column, or labels as text.
    target : Target
        What the project says of it.

    Returns
    -------
    ndarray, shape (n,)
        Classes: object array of text, None where unknown. Regression: float64, NaN where
        unknown.
    """
    import pandas as pd

    if target.task == "regression":
        if pd.api.types.is_numeric_dtype(series.dtype):
            return series.to_numpy(dtype="float64", na_value=np.nan, copy=True)
        found = values.cells(series)
        return found.spread(values.numbers(found.texts), np.nan)
    found = values.cells(series, ())
    labels = np.array([values.label_text(text) for text in found.texts], dtype=object)
    return found.spread(labels, None)


def class_counts(series: pd.Series) -> dict[str, int]:
    """Return the rows of each class, in the order of their labels."""
    found = values.cells(series, ())
    tally: dict[str, int] = {}
    for text, count in zip(found.texts, found.counts.tolist(), strict=True):
        label = values.label_text(text)
        tally[label] = tally.get(label, 0) + count
    return dict(sorted(tally.items()))


def check_target(series: pd.Series, target: Target) -> list[Check]:
    """Say whether models can be trained and judged on this target.

    Raises
    ------
    DataError
        If there are too few rows, one class only, too many classes, no variation, or no
        row of the positive class.
    """
    where = f"target {target.column!r}"
    if target.task == "regression":
        known = target_values(series, target)
        numbers = known[~np.isnan(known)]
        _enough(len(numbers), len(known), where)
        if len(np.unique(numbers)) < 2:
            raise DataError(
                f"every known value is {formats.number(numbers[0], 6)}",
                where=where,
                expected="numbers that differ",
                remedy="Choose another target, or a table in which it varies",
            )
        return _unknown(len(known) - len(numbers), len(known), target.column)
    tally = class_counts(series)
    known_rows = sum(tally.values())
    _enough(known_rows, len(series), where)
    _classes(tally, target, where)
    checks = _unknown(len(series) - known_rows, len(series), target.column)
    rare = [label for label, count in tally.items() if count < MINIMUM_CLASS_ROWS]
    if rare:
        checks.append(
            Check(
                name="Rare classes",
                severity="warning",
                message="Fewer than "
                f"{MINIMUM_CLASS_ROWS} rows: "
                + ", ".join(f"{label} ({tally[label]})" for label in rare[:8])
                + (f" and {len(rare) - 8} more" if len(rare) > 8 else "")
                + "; models cannot learn or be judged on them.",
                columns=[target.column],
                remedy="Merge them with a related class, or collect more rows",
            )
        )
    return checks


def _enough(known: int, rows: int, where: str) -> None:
    if known == 0:
        raise DataError(
            f"none of the {rows} rows has a value",
            where=where,
            remedy="Choose another target, or a table in which it is filled",
        )
    if known < MINIMUM_ROWS:
        raise DataError(
            f"{known} rows have a known target",
            where=where,
            expected=f"at least {MINIMUM_ROWS}",
            remedy="Collect more rows: no model can be judged on so few",
        )


def _classes(tally: dict[str, int], target: Target, where: str) -> None:
    if len(tally) == 1:
        raise DataError(
            f"every known row has the class {next(iter(tally))!r}",
            where=where,
            expected="at least two classes",
            remedy="Choose another target, or a table that holds the other class too",
        )
    if len(tally) > MOST_CLASSES:
        raise DataError(
            f"has {len(tally)} classes",
            where=where,
            expected=f"at most {MOST_CLASSES}",
            remedy="Choose another target or merge classes; if it is a number, set target.task to"
            " regression",
        )
    if sum(count >= MINIMUM_CLASS_ROWS for count in tally.values()) < 2:
        largest = sorted(tally.items(), key=lambda item: (-item[1], item[0]))[1]
        raise DataError(
            f"only one class has {MINIMUM_CLASS_ROWS} rows or more; the next, {largest[0]!r},"
            f" has {largest[1]}",
            where=where,
            expected=f"two classes with at least {MINIMUM_CLASS_ROWS} rows each",
            remedy="Collect more rows of the rare classes",
        )
    names = ", ".join(repr(label) for label in list(tally)[:8])
    if target.task == "binary" and len(tally) > 2:
        raise DataError(
            f"has {len(tally)} classes ({names})",
            where=where,
            expected="two for the task binary",
            remedy="Set target.task to multiclass, or correct the values",
        )
    if target.task == "binary" and target.positive not in tally:
        raise DataError(
            f"the positive class {target.positive!r} does not occur",
            where=where,
            expected=names,
            remedy="Set target.positive to one of them",
        )


def _unknown(missing: int, rows: int, column: str) -> list[Check]:
    if not missing:
        return []
    share = missing / rows
    return [
        Check(
            name="Rows without a target",
            severity="warning" if share > 0.2 else "info",
            message=f"{missing} of {rows} rows ({formats.share(share)}) have no target and are"
            f" not used.",
            columns=[column],
            remedy="Find out why it is missing: rows may be missing for a reason that matters",
        )
    ]
