"""The order of rows in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.artifacts import Rows

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column
    from toolkit.run.stage import Stage


def moments(series: pd.Series, column: Column) -> np.ndarray:
    """Return each row's moment as a number that grows with time; NaN where it is unknown.

    Parameters
    ----------
    series : pandas.Series
        Typed values.
    column : Column
        What they are: dates, numbers, or words that read as dates.
    """
    import pandas as pd

    if column.type in ("category", "text"):
        series = pd.to_datetime(series, errors="coerce", format="mixed", utc=True)
        series = series.dt.tz_localize(None)
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        seconds = (series - np.datetime64("1970-01-01", "us")).dt.total_seconds()
        return seconds.to_numpy(dtype="float64", na_value=np.nan)
    return pd.to_numeric(series, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)


def drawn_together(stage: Stage, rows: np.ndarray) -> np.ndarray | None:
    """Return which rows a bootstrap draws together, a number for each; None for each alone.

    Where the table is split by groups, rows of one group are alike, and drawing them one by
    one would make intervals too narrow. Where it is split in time, rows that follow each other
    are: then stretches of about the cube root of the rows are drawn (Künsch 1989).

    Parameters
    ----------
    stage : Stage
        Open, with the rows read.
    rows : ndarray of int64, shape (n,)
        Positions in the table.
    """
    import pandas as pd

    split = stage.project.split
    if split.method not in ("group", "time"):
        return None
    values = stage.read(Rows).frame[str(split.column)].iloc[rows]
    n = len(rows)
    if split.method == "group":
        codes, known = pd.factorize(values)
        alone = codes < 0
        return np.where(alone, len(known) + np.arange(n), codes).astype(np.int64)
    order = np.argsort(moments(values, stage.project.columns[str(split.column)]), kind="stable")
    blocks = np.empty(n, dtype=np.int64)
    blocks[order] = np.arange(n) // max(1, round(n ** (1 / 3)))
    return blocks
