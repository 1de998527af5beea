"""What each column is, and why."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Literal

import numpy as np

from toolkit.artifacts.base import Check, Severity, worst_first
from toolkit.errors import DataError
from toolkit.project.data import Column
from toolkit.project.model import Target
from toolkit.table import column_names
from toolkit.table.cells import date_formats, values
from toolkit.table.cells.decimal_marks import TableMarks
from toolkit.table.cells.notes import Notes, listed, several
from toolkit.table.images import images
from toolkit.table.types.codes import ANSWERS, DIGITS, answers, coded, sisters, spelled
from toolkit.table.types.groups import find_groups, keep_if_repeated
from toolkit.table.types.numbers import number_column
from toolkit.table.types.protected import protected
from toolkit.table.types.roles import leaves, role_of
from toolkit.table.types.target_type import infer_target

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.table.cells.values import Cells

_MOST_CODES = 12
_SOME = 5_000
_MOST_SPELLINGS = 40  # of one or two values, as 1, 1.0 and 1.00
_MOST_PARTS = 200  # spellings of train and test
_LOGICAL_PAIRS = (
    "0 1", "t f", "y n", "true false", "yes no", "ja nein", "oui non", "si no", "sí no",
    "sim não", "on off", "да нет",
)  # fmt: skip


def infer_columns(
    frame: pd.DataFrame,
    target: str,
    *,
    decimal: Literal[".", ","] = ".",
    delimiter: str | None = ",",
) -> tuple[dict[str, Column], Target, list[Check]]:
    """Infer what every column is, and what kind of prediction the target asks for.

    Parameters
    ----------
    frame : pandas.DataFrame
        Raw cells, as `read_source` gives them.
    target : str
        The column to predict.
    decimal : str
        The table's decimal mark.
    delimiter : str or None
        What parts its fields, where it is a text file: only between commas is a comma surely
        no decimal mark.

    Returns
    -------
    columns : dict of str to Column
    target : Target
    checks : list of Check
        Each inference with its reason; what is doubtful is a warning.

    Raises
    ------
    DataError
        If the target is not there, or cannot be predicted.
    """
    known = [str(name) for name in frame.columns]
    if target not in known:
        near = difflib.get_close_matches(target, known, n=1, cutoff=0.4)
        near = [n for n in known if n.casefold() == target.casefold()] or near
        raise DataError(
            f"there is no column {target!r}",
            expected=f"one of {', '.join(map(repr, known[:8]))}{' ...' if len(known) > 8 else ''}",
            remedy=f"Did you mean {near[0]!r}?" if near else "Name the column to predict",
        )
    notes = Notes()
    marks = TableMarks(frame, decimal, delimiter)
    columns: dict[str, Column] = {}
    for place, name in enumerate(known):
        series = frame.iloc[:, place]
        if name == target and images.holds_images(series):
            raise DataError(
                "holds images",
                where=f"target {name!r}",
                expected="classes or numbers",
                remedy="Name the column that says what an image shows",
            )
        if name == target:
            meaning, columns[name] = infer_target(name, series, marks, notes)
        else:
            columns[name] = _column(name, series, marks, notes)
    sisters(columns, frame, notes)
    find_groups(columns, frame, notes)
    _protected(columns, frame, notes)
    _summary(columns, notes)
    _say_words(len(frame), notes)
    if not any(column.role == "feature" for column in columns.values()):
        raise DataError(
            "no column is left to predict from",
            expected="at least one that is not constant, empty or an identifier",
            remedy="Give a table with more columns",
        )
    return columns, meaning, worst_first(notes.checks)


# -- one column ------------------------------------------------------------------------


def _column(name: str, series: pd.Series, table: TableMarks, notes: Notes) -> Column:
    if images.holds_images(series):
        return Column(type="image")
    found = values.cells(series)
    if not len(found):
        notes.columns["empty"].append(name)
        return Column(type="category", role="ignore")
    what = leaves(name, found, notes)
    if what:
        if what not in ("first names", "last names"):  # these are shared by strangers
            keep_if_repeated(name, "category", found, notes, named=True)
        return Column(type="category", role="identifier")
    column = _typed(name, series, found, table, notes)
    if column.type in ("category", "boolean", "text") and found.missing:
        missing = _answers(name, series, column, table, notes)
        if missing is not None:
            column = column.model_copy(update={"missing": missing})
            found = values.cells(series, missing)
    if found.missing:
        told = ANSWERS if column.type in ("category", "boolean", "text") else ()
        notes.words[name] = {w: n for w, n in spelled(series).items() if w not in told}
    few = found.head(_MOST_SPELLINGS)
    one = len(found) == len(few) and len({values.label_text(text) for text in few}) == 1
    if one and not found.missing:
        notes.columns["constant"].append(name)
        return column.model_copy(update={"role": "ignore"})
    if len(found) == 1:
        notes.columns["one value"].append(name)
    if len(found) <= _MOST_PARTS and column_names.partition(name, found.texts):
        notes.say(
            "Part of an earlier split",
            f"{name!r} says to which part of a split a row belonged ({listed(found.texts)});"
            " models do not get it.",
            name,
            f"Set columns.{name}.role to feature if it means something else",
        )
        return Column(type="category", role="ignore")
    role = role_of(name, column.type, found, notes)
    keep_if_repeated(name, column.type, found, notes)
    if role == "identifier":
        return Column(type="category", role=role)
    return column.model_copy(update={"role": role})


def _typed(name: str, series: pd.Series, found: Cells, table: TableMarks, notes: Notes) -> Column:
    import pandas as pd

    if _logical(found):
        return Column(type="boolean")
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return date_formats.date_moments(name, series, notes)
    date = date_formats.counted_dates(name, found, notes)
    if date is not None:
        return date
    if date_formats.undated(name, found, notes):
        return Column(type="category")
    why = coded(name, found)
    if why:
        _say_code(name, why, notes)
        return Column(type="category")
    number = number_column(name, found, table, notes)
    if number is not None:
        return number
    date = date_formats.date_column(name, found, notes)
    if date is not None:
        return date
    _suspect_spellings(found, name, notes)
    return Column(type="text" if _is_text(found) else "category")


def _answers(
    name: str, series: pd.Series, column: Column, table: TableMarks, notes: Notes
) -> list[str] | None:
    """Return a column's spellings of missing if words such as None are levels in it."""
    raw = values.cells(series, [m for m in values.MISSING if m not in ANSWERS])
    if not set(ANSWERS).intersection(raw.texts):
        return None
    kept = answers(name, raw, table, notes, category=column.type == "category")
    return [spelling for spelling in values.MISSING if spelling not in kept] if kept else None


def _say_code(name: str, why: str, notes: Notes) -> None:
    if why in ("the name", DIGITS):
        notes.columns["code"].append(name)
    else:
        notes.say(
            "Codes among numbers",
            f"{name!r} is read as codes, not amounts: {why}.",
            name,
            f"Set columns.{name}.type to number if they are amounts",
            severity="warning" if why == "leading zeros" else "info",
        )


def _logical(found: Cells) -> bool:
    if len(found) > _MOST_SPELLINGS:
        return False
    words = {values.label_text(text).casefold() for text in found.texts}
    return len(words) == 2 and any(words == set(pair.split()) for pair in _LOGICAL_PAIRS)


def _suspect_spellings(found: Cells, name: str, notes: Notes) -> None:
    counts = found.counts
    for text, count in zip(found.texts, counts.tolist(), strict=True):
        if text.casefold() in column_names.MISSING_WORDS and text.casefold() != "none":
            notes.say(
                "Spellings that may mean missing",
                f"{count:,} cells of {name!r} ({count / len(found.codes):.1%}) say {text!r}; they"
                " are kept as a category of their own.",
                name,
                f"Add the spelling to columns.{name}.missing if nothing is known there",
            )


def _is_text(found: Cells) -> bool:
    sample = found.head(2000)
    length = float(np.mean([len(text) for text in sample]))
    count = float(np.mean([len(text.split()) for text in sample]))
    distinct = len(found) / max(int(found.counts.sum()), 1)
    if len(found) < 20 or distinct < 0.3:
        return False
    return (count >= 3 and length >= 15) or (count >= 5)


# -- the whole table -------------------------------------------------------------------


def _protected(columns: dict[str, Column], frame: pd.DataFrame, notes: Notes) -> None:
    for place, (name, column) in enumerate(columns.items()):
        if column.role in ("target", "identifier") or name in notes.columns["empty"]:
            continue
        if column.type in ("text", "image"):
            continue
        some = values.cells(_some(frame.iloc[:, place]), column.missing).texts
        word = protected(name, some, full=len(frame) <= _SOME)
        if word:
            coded = column.type == "number" and _few_codes(frame.iloc[:, place])
            columns[name] = column.model_copy(
                update={"protected": True, "type": "category" if coded else column.type}
            )
            notes.say(
                "Protected group",
                f"{name!r} looks like one ({word}): results will be compared across"
                f" its values{', which are read as codes of groups' if coded else ''}.",
                name,
                f"Set columns.{name}.protected to false if it is none; set its role to ignore to"
                " keep it from models",
            )
        elif column_names.proxy(name) and column.role == "feature":
            notes.say(
                "Proxy of a protected group",
                f"{name!r} may stand in for origin or wealth ({column_names.proxy(name)}).",
                name,
                f"Set columns.{name}.role to ignore if the decision must not rest on it",
            )


def _some(series: pd.Series) -> pd.Series:
    """Return some cells from all over a column: enough to see what kind of values it holds."""
    return series if len(series) <= _SOME else series.iloc[:: len(series) // _SOME + 1]


def _few_codes(series: pd.Series) -> bool:
    found = values.cells(series)
    if len(found) > _MOST_CODES:
        return False
    numbers = values.numbers(found.texts)
    return bool(np.all(numbers == np.round(numbers)))


def _say_words(rows: int, notes: Notes) -> None:
    found: dict[str, list[str]] = {}
    for name, counts in notes.words.items():
        for word, count in counts.items():
            found.setdefault(word, []).append(f"{name!r} ({count:,} cells, {count / rows:.1%})")
    for word, columns in found.items():
        more = f" and {len(columns) - 5} more columns" if len(columns) > 5 else ""
        notes.say(
            "Words read as missing",
            f"{word!r} is read as missing in {', '.join(columns[:5])}{more}.",
            [name for name, counts in notes.words.items() if word in counts],
            "If it is a value, set columns.NAME.missing to the spellings that mean missing",
        )


def _summary(columns: dict[str, Column], notes: Notes) -> None:
    texts: dict[str, tuple[str, str, Severity]] = {
        "empty": ("Empty columns", "without a value in any row, ignored", "warning"),
        "constant": ("Constant columns", "with one value in every row, ignored", "info"),
        "one value": ("One value or missing", "with one value where there is any", "info"),
        "code": ("Codes", "of digits that are no amounts (leading zeros, or the name), read as"
                 " categories", "info"),
    }  # fmt: skip
    for key, (name, text, severity) in texts.items():
        found = notes.columns[key]
        if found:
            message = f"{several(len(found))} {text}: {listed(found, 8)}."
            notes.say(name, message, found, severity=severity)
    for kind, why in (
        ("number", "every known cell is a number"),
        ("boolean", "cells are two logical words"),
        ("category", "cells are words or codes"),
        ("text", "most cells differ and have several words"),
        ("image", "cells are image files"),
    ):
        found = [n for n, c in columns.items() if c.type == kind and c.role == "feature"]
        if found:
            notes.say(
                f"Type {kind}", f"{several(len(found))}, since {why}: {listed(found, 8)}.", found
            )
