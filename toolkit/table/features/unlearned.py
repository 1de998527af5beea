"""Without learning anything: dates as parts, texts as hashed words, images as averages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from toolkit.table.images.image_vector import image_numbers
from toolkit.table.types.typed import truth

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column

WORDS = 128
"""Hashed words a text column: columns that a model gets for it, besides its length."""


def design(
    frame: pd.DataFrame, columns: Mapping[str, Column]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the columns that engines take, and where each comes from.

    The same `columns` always give the same columns out, whatever the rows: nothing is
    learnt here.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed columns, as `conform` gives them.
    columns : mapping of str to Column
        The columns to take from it.

    Returns
    -------
    frame : pandas.DataFrame
        Numbers (float64; 0 and 1 for logical columns) and categories (strings).
    origin : dict of str to str
        Derived column to the column it comes from.
    """
    import pandas as pd

    made: dict[str, pd.Series | np.ndarray] = {}
    origin: dict[str, str] = {}

    def add(name: str, values: pd.Series | np.ndarray, source: str) -> None:
        while name in made or (name != source and name in columns):
            name += "_"
        made[name] = values
        origin[name] = source

    for name, column in columns.items():
        series = frame[name]
        if column.type == "date":
            for part, values in _date_parts(series, column).items():
                add(f"{name}.{part}", values, name)
        elif column.type == "text":
            for part, values in _text_parts(series).items():
                add(f"{name}.{part}", values, name)
        elif column.type == "image":
            for part, values in image_numbers(series).items():
                add(f"{name}.{part}", values, name)
        elif column.type == "boolean":
            add(name, _logical(series), name)
        else:
            add(name, series, name)
    return pd.DataFrame(made, index=frame.index), origin


def _date_parts(series: pd.Series, column: Column) -> dict[str, np.ndarray]:
    moments = series.dt
    parts = {
        "year": moments.year,
        "month": moments.month,
        "day": moments.day,
        "weekday": moments.day_of_week,
        "days": (series - np.datetime64("1970-01-01", "us")).dt.total_seconds() / 86400,
    }
    # Whether there are times is known from the format, not from the rows at hand.
    if column.format is None or "%H" in column.format or "%I" in column.format:
        parts["hour"] = moments.hour
    return {name: part.to_numpy(dtype="float64", na_value=np.nan) for name, part in parts.items()}


def _text_parts(series: pd.Series) -> dict[str, np.ndarray]:
    from sklearn.feature_extraction.text import HashingVectorizer

    texts = series.to_numpy(dtype=object, na_value="")
    known = series.notna().to_numpy()
    hashing = HashingVectorizer(
        n_features=WORDS, alternate_sign=False, norm="l2", token_pattern=r"(?u)\b\w+\b"
    )
    words = hashing.transform(texts).toarray() if len(texts) else np.zeros((0, WORDS))
    parts = {
        "characters": np.array([len(text) for text in texts], dtype="float64"),
        "words": np.array([len(text.split()) for text in texts], dtype="float64"),
    }
    for values in parts.values():
        values[~known] = np.nan
    return parts | {f"word {i + 1}": words[:, i] for i in range(WORDS)}


def _logical(series: pd.Series) -> np.ndarray:
    meaning = {text: truth(str(text)) for text in series.dropna().unique()}
    table = {t: np.nan if m is None else float(m) for t, m in meaning.items()}
    return series.map(table).to_numpy(dtype="float64", na_value=np.nan)
