"""What is predicted, and as what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.errors import DataError
from toolkit.project.data import Column
from toolkit.project.model import Target
from toolkit.table import column_names
from toolkit.table.cells import amounts, date_formats, values
from toolkit.table.cells.decimal_marks import Mark, TableMarks
from toolkit.table.cells.notes import Notes
from toolkit.table.types.codes import coded
from toolkit.table.types.numbers import number_column, say_endless
from toolkit.table.types.target import MOST_CLASSES

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.table.cells.values import Cells

_MOST_NUMBER_CLASSES = 20


def infer_target(
    name: str, series: pd.Series, table: TableMarks, notes: Notes
) -> tuple[Target, Column]:
    """Return what is predicted, and how its column is read.

    Whole numbers of few different values are classes; other numbers are predicted as such.

    Raises
    ------
    DataError
        If there is one value only, or texts of too many kinds.
    """
    # The word None is a class in real tables ("no disorder"); blanks and NA are not.
    found = values.cells(series, [m for m in values.MISSING if m != "None"])
    column = Column(type="category", role="target")
    nothing = found.counts[found.texts.index("None")] if "None" in found.texts else 0
    if nothing and set(found.texts) != {"None"}:
        if number_column(name, values.cells(series), table, Notes()) is None:
            notes.say(
                "None as a class",
                f"{nothing} rows of the target {name!r} say None; this is read as a class.",
                name,
                f"Remove columns.{name}.missing if it means that nothing is known",
                severity="warning",
            )
            column = column.model_copy(
                update={"missing": [m for m in values.MISSING if m != "None"]}
            )
        else:
            found = values.cells(series)
    if not found.texts or set(found.texts) == {"None"}:
        raise DataError(
            f"none of the {len(series)} rows has a value",
            where=f"target {name!r}",
            remedy="Choose another target, or a table in which it is filled",
        )
    endless = [text for text in found.texts if amounts.endless(text)]
    if endless:
        missing = [*(column.missing or values.MISSING), *endless]
        finite = values.cells(series, missing)
        if finite.texts and number_column(name, finite, table, Notes()) is not None:
            say_endless(name, found, endless, notes)
            found, column = finite, column.model_copy(update={"missing": missing})
    return _task(found, column, table, notes, name=name)


def _task(
    found: Cells, column: Column, table: TableMarks, notes: Notes, *, name: str
) -> tuple[Target, Column]:
    labels = sorted({values.label_text(text) for text in found.texts})
    rows = int(found.counts.sum())
    if len(labels) == 1:
        raise DataError(
            f"every known row has the value {labels[0]!r}",
            where=f"target {name!r}",
            expected="at least two classes",
            remedy="Choose another target, or a table that holds the other class too",
        )
    if len(labels) == 2:
        positive, why = _positive(labels, found)
        notes.say(
            "Task",
            f"Binary: {name!r} has two classes. Positive class {positive!r}: {why}.",
            name,
            "Set target.positive to the other class to predict that one",
        )
        return Target(column=name, task="binary", positive=positive), column
    scratch = Notes()
    code = coded("", found)
    dated = date_formats.counted_dates(name, found, scratch)
    number = None if code or dated else number_column(name, found, table, scratch)
    if number is not None:
        meaning = _numeric(found, number, table.decimal, name=name, notes=notes)
        if meaning.task == "multiclass":
            return meaning, column
        notes.checks += scratch.checks
        missing = number.missing or column.missing
        return meaning, number.model_copy(update={"role": "target", "missing": missing})
    if len(labels) > _MOST_NUMBER_CLASSES:
        _refuse_units(name, scratch)
    if dated or date_formats.date_column(name, found, scratch):
        raise DataError(
            "holds dates",
            where=f"target {name!r}",
            expected="classes or numbers",
            remedy="Derive a number from it, such as the days until an event",
        )
    if len(labels) > MOST_CLASSES:
        raise DataError(
            f"has {len(labels)} different texts in {rows} rows"
            + (f", read as codes ({code})" if code else ""),
            where=f"target {name!r}",
            expected=f"numbers, or at most {MOST_CLASSES} classes",
            remedy="Choose another target, or merge its classes",
        )
    notes.checks += [
        c for c in scratch.checks if c.name in ("Numbers beside words", "Several units")
    ]
    notes.say("Task", f"Multiclass: {name!r} has {len(labels)} classes.", name)
    return Target(column=name, task="multiclass"), column


def _numeric(found: Cells, number: Column, decimal: Mark, *, name: str, notes: Notes) -> Target:
    """Take few whole numbers for classes, and others for what is predicted."""
    parsed = values.numbers(
        found.texts, number.decimal or decimal, number.unit, multiples=number.multiples
    )
    known = np.unique(parsed[~np.isnan(parsed)])
    whole = bool(np.all(known == np.round(known)))
    rows = int(found.counts.sum())
    if not (whole and len(known) <= _MOST_NUMBER_CLASSES and len(known) <= rows / 5):
        notes.say("Task", f"Regression: {name!r} holds {len(known)} different numbers.", name)
        return Target(column=name, task="regression")
    notes.say(
        "Task",
        f"Multiclass: {name!r} holds {len(known)} different whole numbers, read as classes.",
        name,
        f"Set target.task to regression and columns.{name}.type to number to predict the number",
    )
    return Target(column=name, task="multiclass")


def _refuse_units(name: str, scratch: Notes) -> None:
    mixed = next((check for check in scratch.checks if check.name == "Several units"), None)
    if mixed:
        raise DataError(
            mixed.message.split("; ")[0],
            where=f"target {name!r}",
            expected="numbers in one unit",
            remedy="Bring them to one unit in the source",
        )


def _positive(labels: list[str], found: Cells) -> tuple[str, str]:
    said = [label for label in labels if label.casefold() in column_names.POSITIVE_WORDS]
    if len(said) == 1:
        return said[0], "by its name"
    other = [label for label in labels if label.casefold() in column_names.NEGATIVE_WORDS]
    if len(other) == 1:
        return next(label for label in labels if label != other[0]), f"the other is {other[0]!r}"
    tally = dict.fromkeys(labels, 0)
    for text, count in zip(found.texts, found.counts.tolist(), strict=True):
        tally[values.label_text(text)] += count
    rare = min(labels, key=lambda label: (tally[label], label))
    return rare, f"the rarer one ({tally[rare]} of {sum(tally.values())} rows)"
