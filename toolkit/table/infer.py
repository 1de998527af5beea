"""What each column is, and why; what is predicted, and as what."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from toolkit.artifacts.base import Check, Severity
from toolkit.errors import DataError
from toolkit.project.model import Column, ColumnType, Role, Target
from toolkit.table import dating, names, values
from toolkit.table.target import MOST_CLASSES

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.table.values import Cells

_MOST_NUMBER_CLASSES = 20
_PARSED = 0.95


@dataclass
class Notes:
    """Inferences of one kind, gathered so that a table of 5,000 columns stays readable."""

    columns: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    checks: list[Check] = field(default_factory=list)

    def say(
        self,
        name: str,
        message: str,
        column: str | list[str],
        remedy: str = "",
        severity: Severity = "info",
    ) -> None:
        """Add one check."""
        columns = [column] if isinstance(column, str) else column
        self.checks.append(
            Check(name=name, severity=severity, message=message, columns=columns, remedy=remedy)
        )


def infer_columns(
    frame: pd.DataFrame, target: str, *, decimal: Literal[".", ","] = "."
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
    columns: dict[str, Column] = {}
    for place, name in enumerate(known):
        series = frame.iloc[:, place]
        if name == target:
            meaning, columns[name] = _target(name, series, decimal, notes)
        else:
            columns[name] = _column(name, series, decimal, notes)
    _protected(columns, frame, notes)
    _summary(columns, notes)
    if not any(column.role == "feature" for column in columns.values()):
        raise DataError(
            "no column is left to predict from",
            expected="at least one that is not constant, empty or an identifier",
            remedy="Give a table with more columns",
        )
    order: dict[Severity, int] = {"critical": 0, "warning": 1, "info": 2, "ok": 3}
    return columns, meaning, sorted(notes.checks, key=lambda check: order[check.severity])


# -- one column ------------------------------------------------------------------------


def _column(name: str, series: pd.Series, decimal: Literal[".", ","], notes: Notes) -> Column:
    found = values.cells(series)
    if not found.texts:
        notes.columns["empty"].append(name)
        return Column(type="category", role="ignore")
    column = _typed(name, series, found, decimal, notes)
    if len({values.label_text(text) for text in found.texts}) == 1 and not found.missing:
        notes.columns["constant"].append(name)
        return column.model_copy(update={"role": "ignore"})
    if len(found.texts) == 1:
        notes.columns["one value"].append(name)
    role = _role(name, column.type, found, notes)
    if role == "identifier":
        return Column(type="category", role=role)
    return column.model_copy(update={"role": role})


def _typed(
    name: str, series: pd.Series, found: Cells, decimal: Literal[".", ","], notes: Notes
) -> Column:
    import pandas as pd

    if _logical(found):
        return Column(type="boolean")
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return Column(type="date", format=dating.of_moments(series))
    if pd.api.types.is_float_dtype(series.dtype):
        return Column(type="number")
    if _coded(name, found):
        notes.columns["code"].append(name)
        return Column(type="category")
    number = _number(name, found, decimal, notes)
    if number is not None:
        return number
    layout = dating.layout(name, found, notes.say)
    if layout is not None:
        return Column(type="date", format=layout or None)
    _suspect_spellings(found, name, notes)
    return Column(type="text" if _is_text(found) else "category")


def _logical(found: Cells) -> bool:
    words = {values.label_text(text).casefold() for text in found.texts}
    pairs = (
        "01",
        "tf",
        "yn",
        ("true", "false"),
        ("yes", "no"),
        ("ja", "nein"),
        ("oui", "non"),
        ("si", "no"),
        ("sí", "no"),
        ("sim", "não"),
        ("on", "off"),
        ("да", "нет"),
    )
    return len(words) == 2 and any(words == set(pair) for pair in pairs)


def _coded(name: str, found: Cells) -> bool:
    if not all(re.fullmatch(r"\d+", text) for text in found.texts[:200]):
        return False
    if not all(text.isdecimal() for text in found.texts):
        return False
    padded = any(text.startswith("0") and len(text) > 1 for text in found.texts)
    return padded or names.code(name)


def _number(name: str, found: Cells, decimal: Literal[".", ","], notes: Notes) -> Column | None:
    column = Column(type="number")
    parsed = values.numbers(found.texts, decimal)
    if decimal == "." and np.isnan(parsed).any():
        other = values.numbers(found.texts, ",")
        commas = sum("," in text for text in found.texts)
        if commas and _share(found, other) > max(_share(found, parsed), _PARSED):
            parsed, column = other, column.model_copy(update={"decimal": ","})
            notes.say(
                "Decimal comma",
                f"{name!r} is read with a decimal comma, as in {_example(found, ',')!r}.",
                name,
                f"Set columns.{name}.decimal if the comma separates thousands",
            )
    share = _share(found, parsed)
    if share == 1.0:
        if any(not re.fullmatch(r"[+-]?[\d.,eE+-]+", text) for text in found.texts):
            odd = next(t for t in found.texts if not re.fullmatch(r"[+-]?[\d.,eE+-]+", t))
            notes.say("Numbers with signs", f"{name!r} is read as a number, as in {odd!r}.", name)
        return column
    bad = np.isnan(parsed)
    rows = int(found.counts[bad].sum())
    spellings = [text for text, odd in zip(found.texts, bad, strict=True) if odd]
    absent = [text for text in spellings if text.casefold() in names.MISSING_WORDS]
    if share > 0 and len(absent) == len(spellings) and (~bad).sum() >= 2:
        notes.say(
            "Missing values spelled out",
            f"{rows} cells of {name!r} say {_listed(absent)} and are read as missing.",
            name,
            f"Set columns.{name}.type to category if they are values",
        )
        return column.model_copy(update={"missing": [*values.MISSING, *absent]})
    if share >= _PARSED and (~bad).sum() >= 2:
        notes.say(
            "Cells that are no numbers",
            f"{rows} of {len(found.codes)} cells of {name!r} are no numbers ({_listed(spellings)})"
            " and are read as missing.",
            name,
            f"Correct the cells, or set columns.{name}.type to category",
            severity="warning",
        )
        return column
    return None


def _share(found: Cells, parsed: np.ndarray[Any, Any]) -> float:
    counts = found.counts
    return float(counts[~np.isnan(parsed)].sum() / counts.sum())


def _example(found: Cells, sign: str) -> str:
    return next(text for text in found.texts if sign in text)


def _listed(texts: list[str], most: int = 4) -> str:
    shown = ", ".join(repr(text[:30]) for text in texts[:most])
    return shown + (f" and {len(texts) - most} more" if len(texts) > most else "")


def _suspect_spellings(found: Cells, name: str, notes: Notes) -> None:
    counts = found.counts
    for text, count in zip(found.texts, counts.tolist(), strict=True):
        if text.casefold() in names.MISSING_WORDS and text.casefold() != "none":
            notes.say(
                "Spellings that may mean missing",
                f"{count} cells of {name!r} say {text!r}; they are kept as a category of their"
                " own.",
                name,
                f"Add the spelling to columns.{name}.missing if nothing is known there",
            )


def _is_text(found: Cells) -> bool:
    sample = found.texts[:2000]
    length = float(np.mean([len(text) for text in sample]))
    count = float(np.mean([len(text.split()) for text in sample]))
    distinct = len(found.texts) / max(int(found.counts.sum()), 1)
    if len(found.texts) < 20 or distinct < 0.3:
        return False
    return (count >= 3 and length >= 15) or (count >= 5)


def _role(name: str, kind: ColumnType, found: Cells, notes: Notes) -> Role:
    rows = int(found.counts.sum())
    distinct = len(found.texts)
    whole = all(re.fullmatch(r"-?\d+", text) for text in found.texts[:500])
    unspaced = all(" " not in text for text in found.texts[:500])
    if kind in ("date", "boolean") or rows < 20:
        return "feature"
    if names.identifier(name) and (whole or kind == "category") and distinct > 20:
        if distinct > 0.95 * rows:
            notes.say(
                "Identifier",
                f"{name!r} is named like one and nearly every row has its own"
                f" value ({distinct} of {rows}); models do not get it.",
                name,
            )
            return "identifier"
        if rows < 20 * distinct:
            notes.say(
                "Identifier that repeats",
                f"{name!r} is named like an identifier and has {distinct} values in {rows} rows;"
                " models do not get it.",
                name,
                "If its rows belong together, set split.method to group and split.column to it;"
                f" if it is a category, set columns.{name}.role to feature",
                severity="warning",
            )
            return "identifier"
    if distinct == rows and kind == "category" and unspaced:
        notes.say(
            "Identifier",
            f"{name!r} holds a different word in each of {rows} rows; models do not get it.",
            name,
        )
        return "identifier"
    if distinct == rows and whole and kind == "number" and _counts_rows(found):
        notes.say("Identifier", f"{name!r} counts the rows one by one; models do not get it.", name)
        return "identifier"
    return "feature"


def _counts_rows(found: Cells) -> bool:
    numbers = values.numbers(found.texts)
    steps = np.diff(numbers)
    return bool(len(steps) and (np.all(steps == 1) or np.all(steps == -1)))


# -- the whole table -------------------------------------------------------------------


def _protected(columns: dict[str, Column], frame: pd.DataFrame, notes: Notes) -> None:
    for place, (name, column) in enumerate(columns.items()):
        if column.role in ("target", "identifier") or name in notes.columns["empty"]:
            continue
        word = names.protected(name)
        if word:
            columns[name] = column.model_copy(update={"protected": True})
            notes.say(
                "Protected group",
                f"{name!r} looks like one by its name ({word}): results will be compared across"
                " its values.",
                name,
                f"Set columns.{name}.protected to false if it is none; set its role to ignore to"
                " keep it from models",
            )
        elif names.proxy(name) and len(values.cells(frame.iloc[:, place]).texts) > 1:
            notes.say(
                "Stand-in for a protected group",
                f"{name!r} may stand in for origin or wealth ({names.proxy(name)}).",
                name,
                f"Set columns.{name}.role to ignore if the decision must not rest on it",
            )


def _summary(columns: dict[str, Column], notes: Notes) -> None:
    texts = {
        "empty": ("Empty columns", "have no value in any row and are ignored", "warning"),
        "constant": ("Constant columns", "have one value in every row and are ignored", "info"),
        "one value": ("One value or missing", "have one value where they have any", "info"),
        "code": ("Codes", "are digits but no amounts (leading zeros, or the name) and are read"
                 " as categories", "info"),
    }  # fmt: skip
    for key, (name, text, severity) in texts.items():
        found = notes.columns[key]
        if found:
            level: Severity = "warning" if severity == "warning" else "info"
            notes.say(
                name, f"{len(found)} columns {text}: {_listed(found, 8)}.", found, severity=level
            )
    for kind, why in (
        ("number", "every known cell is a number"),
        ("boolean", "their cells are two logical words"),
        ("category", "their cells are words or codes"),
        ("text", "most cells differ and have several words"),
    ):
        found = [n for n, c in columns.items() if c.type == kind and c.role == "feature"]
        if found:
            notes.say(
                f"Type {kind}", f"{len(found)} columns, since {why}: {_listed(found, 8)}.", found
            )


# -- the target --------------------------------------------------------------------------


def _target(
    name: str, series: pd.Series, decimal: Literal[".", ","], notes: Notes
) -> tuple[Target, Column]:
    # The word None is a class in real tables ("no disorder"); blanks and NA are not.
    found = values.cells(series, [m for m in values.MISSING if m != "None"])
    column = Column(type="category", role="target")
    nothing = found.counts[found.texts.index("None")] if "None" in found.texts else 0
    if nothing and set(found.texts) != {"None"}:
        parsed = values.numbers([t for t in found.texts if t != "None"], decimal)
        if np.isnan(parsed).any():
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
    return _task(name, series, found, column, decimal, notes)


def _task(
    name: str,
    series: pd.Series,
    found: Cells,
    column: Column,
    decimal: Literal[".", ","],
    notes: Notes,
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
    number = _number(name, found, decimal, Notes())
    if number is not None:
        parsed = values.numbers(found.texts, number.decimal or decimal)
        known = parsed[~np.isnan(parsed)]
        whole = bool(np.all(known == np.round(known)))
        if not (whole and len(known) <= _MOST_NUMBER_CLASSES and len(known) <= rows / 5):
            why = f"{len(known)} different numbers"
            notes.say("Task", f"Regression: {name!r} holds {why}.", name)
            _number(name, found, decimal, notes)
            return Target(column=name, task="regression"), number.model_copy(
                update={"role": "target"}
            )
        notes.say(
            "Task",
            f"Multiclass: {name!r} holds {len(known)} different whole numbers, read as classes.",
            name,
            f"Set target.task to regression and columns.{name}.type to number to predict the"
            " number",
        )
        return Target(column=name, task="multiclass"), column
    if dating.layout(name, found, lambda *_, **__: None) is not None:
        raise DataError(
            "holds dates",
            where=f"target {name!r}",
            expected="classes or numbers",
            remedy="Derive a number from it, such as the days until an event",
        )
    if len(labels) > MOST_CLASSES:
        raise DataError(
            f"has {len(labels)} different texts in {rows} rows",
            where=f"target {name!r}",
            expected=f"numbers, or at most {MOST_CLASSES} classes",
            remedy="Choose another target, or merge its classes",
        )
    notes.say("Task", f"Multiclass: {name!r} has {len(labels)} classes.", name)
    return Target(column=name, task="multiclass"), column


def _positive(labels: list[str], found: Cells) -> tuple[str, str]:
    said = [label for label in labels if label.casefold() in names.POSITIVE_WORDS]
    if len(said) == 1:
        return said[0], "by its name"
    other = [label for label in labels if label.casefold() in names.NEGATIVE_WORDS]
    if len(other) == 1:
        return next(label for label in labels if label != other[0]), f"the other is {other[0]!r}"
    tally = dict.fromkeys(labels, 0)
    for text, count in zip(found.texts, found.counts.tolist(), strict=True):
        tally[values.label_text(text)] += count
    rare = min(labels, key=lambda label: (tally[label], label))
    return rare, f"the rarer one ({tally[rare]} of {sum(tally.values())} rows)"
