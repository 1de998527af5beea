"""Rows as people hold them: a DataFrame from whatever names its columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def as_frame(rows: Any, columns: list[str]) -> pd.DataFrame:
    """Return rows as a DataFrame.

    Raises
    ------
    DataError
        For what has no column names, or is no table.
    """
    import pandas as pd

    if isinstance(rows, pd.DataFrame):
        return rows
    if isinstance(rows, pd.Series):
        one_column = rows.name in columns and not set(map(str, rows.index)) & set(columns)
        return rows.to_frame() if one_column else pd.DataFrame([rows])
    if isinstance(rows, Mapping):
        return _from_mapping(rows)
    if hasattr(rows, "collect") and not hasattr(rows, "__arrow_c_stream__"):
        rows = rows.collect()  # a lazy polars frame
    if hasattr(rows, "__arrow_c_stream__"):
        return _from_arrow(rows)
    if isinstance(rows, np.ndarray) and rows.dtype.names:
        return pd.DataFrame(rows)
    if isinstance(rows, list | tuple) and rows:
        if all(isinstance(row, Mapping) for row in rows):
            return pd.DataFrame([dict(row) for row in rows])
        if all(isinstance(row, pd.Series) for row in rows):
            return pd.DataFrame(list(rows))
    raise DataError(
        f"{_what(rows)} has no column names",
        where="rows",
        expected="a DataFrame (pandas, polars, pyarrow), a Series or dict of one row, or a list of"
        f" dicts, with the columns {', '.join(map(repr, columns[:4]))}"
        + (" ..." if len(columns) > 4 else ""),
        remedy="Give pd.DataFrame(rows, columns=[...])",
    )


def _from_mapping(rows: Mapping[Any, Any]) -> pd.DataFrame:
    """Return one row, or the rows of lists of one length."""
    import pandas as pd

    columns = [
        isinstance(cell, list | tuple | pd.Series)
        or (isinstance(cell, np.ndarray) and cell.ndim == 1)
        for cell in rows.values()
    ]
    lengths = {len(cell) for cell, many in zip(rows.values(), columns, strict=True) if many}
    nested = any(isinstance(cell, Mapping) for cell in rows.values())
    if nested or len(lengths) > 1 or (lengths and not all(columns)):
        what = "a dict in a dict" if nested else "lists of several lengths, or lists beside cells"
        raise DataError(
            what,
            where="rows",
            expected="one cell for each column, or one list for each, all of one length",
            remedy="Give pd.DataFrame(rows)",
        )
    return pd.DataFrame(dict(rows)) if lengths else pd.DataFrame([dict(rows)])


def _from_arrow(rows: Any) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    from toolkit.table.read.parquet_file import series_of

    table = pa.table(rows)
    found = [series_of(column) for column in table.columns]
    frame = pd.DataFrame(dict(enumerate(each for each in found if each is not None)))
    named = zip(table.column_names, found, strict=True)
    frame.columns = pd.Index([name for name, each in named if each is not None], dtype=object)
    return frame


def _what(rows: Any) -> str:
    if isinstance(rows, str | Path):
        return f"the text {str(rows)[:40]!r}"
    if isinstance(rows, np.ndarray):
        return f"an array of shape {rows.shape}"
    return f"a {type(rows).__name__}"
