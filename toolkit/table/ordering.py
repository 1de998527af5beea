"""The order of rows in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.model import Column


def moments(series: pd.Series, column: Column) -> np.ndarray[Any, Any]:
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
