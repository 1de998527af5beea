"""Where rows are unlike those that a model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.table.cells import values
from toolkit.table.schema.column_schema import ColumnSchema

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column


UNSEEN = "unseen level"


def findings(
    raw: pd.Series, typed_cells: pd.Series, column: Column, schema: ColumnSchema
) -> list[tuple[str, np.ndarray]]:
    """Return each finding in words, with whether it holds for each row.

    Parameters
    ----------
    raw, typed_cells : pandas.Series
        A column's cells as they arrived, and typed.
    column : Column
        What the column is.
    schema : ColumnSchema
        What the training table held.
    """
    empty = typed_cells.isna().to_numpy()
    if column.type in ("text", "image"):
        return []
    blank = empty & _blank(raw, column)
    found = [(f"not readable as {column.type}", empty & ~blank)]
    if not schema.missing:
        found.append(("missing, though it never was", blank))
    if column.type in ("category", "boolean"):
        if schema.levels is not None:
            known = typed_cells.isin(schema.levels).to_numpy()
            found.append((UNSEEN, ~empty & ~known))
        return found
    ends = schema.widened()
    if ends is not None:
        numbers = as_numbers(typed_cells)
        with np.errstate(invalid="ignore"):
            outside = (numbers < ends[0]) | (numbers > ends[1])
        found.append((f"outside {_shown(schema, column)}", outside))
    return found


def _shown(schema: ColumnSchema, column: Column) -> str:
    ends = (schema.low, schema.high)
    if column.type == "date":
        days = [str(np.datetime64(int(end or 0), "s").astype("datetime64[D]")) for end in ends]
        return f"{days[0]} to {days[1]}"
    return f"{ends[0]:.6g} to {ends[1]:.6g}"


def _blank(raw: pd.Series, column: Column) -> np.ndarray:
    """Whether a cell is missing, or spells that it is."""
    if raw.dtype.kind in "fMm":
        blank: np.ndarray = raw.isna().to_numpy()
        return blank
    return values.cells(raw, column.missing).codes < 0


def examples(cells: np.ndarray, most: int = 3) -> str:
    """Return a few different cells, in quotes."""
    texts = dict.fromkeys(str(values.cell_text(cell))[:30] for cell in cells[:1000])
    return ", ".join(map(repr, list(texts)[:most]))


def as_numbers(series: pd.Series) -> np.ndarray:
    """Return numbers as they are, and dates in seconds since 1970."""
    if series.dtype.kind != "M":
        numbers: np.ndarray = series.to_numpy(dtype="float64")
        return numbers
    moments = series.to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(moments), np.nan, moments.astype("int64") / 1e6)
