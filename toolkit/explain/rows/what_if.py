"""Predictions of a row with some cells replaced by hand."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit import metrics, table
from toolkit.errors import DataError
from toolkit.explain.rows.counterfactual import decision_text
from toolkit.explain.rows.goals import CountedModel

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column
    from toolkit.run.stage import Stage
    from toolkit.table import Part, Predictor

_OFFERED = 200


@dataclass(frozen=True)
class Prediction:
    """The prediction of one row.

    Attributes
    ----------
    decision : str
        The class, or the number.
    probabilities : dict of str to float
        By class; empty for numbers.
    """

    decision: str
    probabilities: dict[str, float]


class WhatIf:
    """Predicts a test row with some of its cells replaced.

    Attributes
    ----------
    choices : dict of str to list of str
        By category column, the values seen in training, the most frequent first.
    kinds : dict of str to str
        What each column of the model is: number, category, boolean, date, text, image.
    """

    def __init__(self, model: Predictor, train: Part, test: Part) -> None:
        self._outputs, self._test, self._columns = CountedModel(model), test, train.columns
        self._place = {int(row): i for i, row in enumerate(test.rows)}
        self._seen = {
            name: set(map(str, train.frame[name].dropna().unique().tolist()))
            for name, column in train.columns.items()
            if column.type in ("category", "boolean") and name in model.columns
        }
        self.kinds: dict[str, str] = {
            name: column.type for name, column in train.columns.items() if name in model.columns
        }
        self.choices: dict[str, list[str]] = {
            name: [str(x) for x in train.frame[name].astype(object).value_counts().index[:_OFFERED]]
            for name in self._seen
        }

    def cells(self, row: int) -> dict[str, str]:
        """Return the cells of a test row as texts that can be given back; "" is missing.

        Raises
        ------
        DataError
            For a row that is not among the test rows.
        """
        frame = self._row(row)
        found = {}
        for name in self.kinds:
            cell = frame[name].iloc[0]
            missing = not isinstance(cell, bytes) and bool(frame[name].isna().iloc[0])
            if self.kinds[name] == "image" or missing:
                found[name] = ""
            else:
                number = self.kinds[name] == "number"
                found[name] = f"{cell:.12g}" if number else str(cell).removesuffix(" 00:00:00")
        return found

    def __call__(self, values: Mapping[str, Any], row: int) -> Prediction:
        """Return what the model says of a test row with other values in some columns.

        Parameters
        ----------
        values : mapping of str to object
            Cells by column, as texts or typed; None and "" mean missing.
        row : int
            The test row that the other cells are from.

        Raises
        ------
        DataError
            For a column that the model does not have, or a value that does not fit its column.
        """
        frame = self._row(row)
        for name, value in values.items():
            frame[name] = self._typed(name, value, frame)
        outputs = self._outputs(frame)
        model = self._outputs.model
        decided = decision_text(metrics.decide(outputs, metrics.context_of(model))[0])
        if model.task == "regression":
            return Prediction(decided, {})
        shares = outputs.reshape(1, -1)[0].tolist()
        return Prediction(decided, dict(zip(model.classes, shares, strict=True)))

    def _row(self, row: int) -> pd.DataFrame:
        if row not in self._place:
            raise DataError(
                f"row {row} is not a test row",
                expected=f"one of {len(self._place):,} rows, such as {self._test.rows[0]}",
            )
        return self._test.frame.iloc[[self._place[row]]].reset_index(drop=True)

    def _typed(self, name: str, value: Any, frame: pd.DataFrame) -> pd.Series:
        import pandas as pd

        if name not in self.kinds or name not in frame.columns:
            near = difflib.get_close_matches(str(name), list(self.kinds), n=1)
            raise DataError(
                f"the model has no column {str(name)!r}",
                remedy=f"Did you mean {near[0]!r}?" if near else "",
            )
        kind, before = self.kinds[name], frame[name]
        text = "" if value is None or value != value else str(value).strip()  # noqa: PLR0124
        if kind == "image":
            raise DataError("an image cannot be replaced here", where=f"column {name!r}")
        if kind == "number":
            return pd.Series([_number(name, text, self._columns[name])], dtype="float64")
        if kind == "date":
            moment = pd.to_datetime(text, errors="coerce") if text else pd.NaT
            if text and pd.isna(moment):
                raise _wrong(name, text, "a date such as 2026-01-31")
            return pd.Series([moment]).astype(before.dtype)
        if text and kind != "text" and text not in self._seen[name]:
            near = difflib.get_close_matches(text, sorted(self._seen[name]), n=1)
            some = ", ".join(near or self.choices[name][:5])
            raise _wrong(name, text, f"a value seen in training, such as {some}")
        return pd.Series([text or None], dtype=before.dtype)


def _number(name: str, text: str, column: Column) -> float:
    if not text:
        return math.nan
    plain = text.replace(",", ".") if column.decimal == "," else text
    try:
        number = float(plain)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _wrong(name, text, "a number")
    return number


def _wrong(name: str, text: str, expected: str) -> DataError:
    shown = text if len(text) <= 40 else text[:39] + "…"
    return DataError(f"{shown!r} does not fit", where=f"column {name!r}", expected=expected)


def what_if(stage: Stage, model: Predictor) -> WhatIf:
    """Return a function that predicts test rows with some cells replaced.

    Parameters
    ----------
    stage : Stage
        Open, with the split made.
    model : Predictor
        The model that is asked.
    """
    return WhatIf(model, table.load_part(stage, "train"), table.load_part(stage, "test"))
