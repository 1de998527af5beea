"""From raw cells to typed columns."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.errors import DataError
from toolkit.table.cells import values
from toolkit.table.cells.dates import dates
from toolkit.table.images import images

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column
    from toolkit.project.model import Project


def conform(frame: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Return the columns asked for, typed; other columns are left out.

    Parameters
    ----------
    frame : pandas.DataFrame
        Raw text, as in a CSV, or typed values; columns in any order.
    columns : mapping of str to Column
        What to take, and as what.

    Returns
    -------
    pandas.DataFrame
        Numbers float64, dates datetime64[us], images bytes (object), everything else strings;
        missing is missing.
        The index is 0, 1, ... Conforming a conformed frame changes nothing.

    Raises
    ------
    DataError
        If a column is not there; names the nearest one that is.
    """
    import pandas as pd

    places = _places(frame, columns)
    typed = {
        name: typed_column(frame.iloc[:, places[name]], column) for name, column in columns.items()
    }
    return pd.DataFrame(typed, index=pd.RangeIndex(len(frame)))


def pick(frame: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Return the columns asked for as they are, under the names asked for.

    A name with blanks around it, as in the header ``a, b``, is the name without them; a name
    that a sheet wraps over two lines is the name on one.

    Raises
    ------
    DataError
        If a column is not there; names the nearest one that is.
    """
    import pandas as pd

    places = _places(frame, columns)
    picked = frame.iloc[:, [places[name] for name in columns]]
    picked.columns = pd.Index(list(columns), dtype=object)
    return picked.reset_index(drop=True)


def _places(frame: pd.DataFrame, columns: Mapping[str, Column]) -> dict[str, int]:
    there: dict[str, int] = {}
    for place, name in enumerate(frame.columns):
        there.setdefault(" ".join(str(name).split()), place)  # Excel wraps long names
    for place, name in enumerate(frame.columns):
        there.setdefault(str(name).strip(), place)
    exact: dict[str, int] = {}
    for place, name in enumerate(frame.columns):
        first = exact.setdefault(str(name), place)
        same = first == place or frame.iloc[:, first].equals(frame.iloc[:, place])
        if str(name) in columns and not same:
            raise DataError(
                f"two columns are called {str(name)!r}, and their cells differ",
                expected="one",
                remedy="Leave out or rename the one that is not meant",
            )
    there.update(exact)
    lacking = [name for name in columns if name not in there]
    if lacking:
        known = [str(name) for name in frame.columns]
        near = difflib.get_close_matches(lacking[0], known, n=1, cutoff=0.6)
        others = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise DataError(
            f"the column {lacking[0]!r}{others} is not there",
            expected=f"it beside {_some(known)}",
            remedy=f"Did you mean {near[0]!r}?"
            if near
            else "Give the table all columns that the project names",
        )
    return there


def _some(names: list[str], most: int = 6) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def typed_column(series: pd.Series, column: Column) -> pd.Series:
    """Return one column typed."""
    import pandas as pd

    kind = series.dtype
    if column.type == "image":
        return images.typed(series)
    if column.type == "number":
        return _numbers(_as_numbers(series, column), column)
    if column.type == "date" and pd.api.types.is_datetime64_any_dtype(kind):
        moments = series.reset_index(drop=True)
        if str(kind).startswith("date32"):  # Arrow's days
            moments = moments.astype("datetime64[us]")
        if moments.dt.tz is not None:
            # Local time counts: a day that begins in Berlin begins the evening before in UTC.
            local = moments.dt.tz_convert(column.timezone) if column.timezone else moments
            moments = local.dt.tz_localize(None)
        return _known_moments(moments.dt.as_unit("us"), column)
    found = values.cells(series, column.missing)
    if column.type == "date":
        days = dates(found.texts, column.format, column.latest_year, column.timezone)
        return _known_moments(pd.Series(found.spread(days, np.datetime64("NaT", "us"))), column)
    if column.type == "text":
        return found.relabel(found.words)
    if column.type == "category" and not found.like(values.RESPELLED).any():
        return found.relabel(found.words)
    labels: list[str | None] = [values.label_text(text) for text in found.texts]
    if column.type == "boolean":
        labels = [text if text and truth(text) is not None else None for text in labels]
    return found.relabel(labels)


def _known_moments(moments: pd.Series, column: Column) -> pd.Series:
    """Take away moments that mean missing, in a typed column too."""
    import pandas as pd

    days = [text for text in column.missing or () if text[:1].isdecimal()]
    if not days:
        return moments
    absent = dates(days, column.format, column.latest_year, column.timezone)
    return moments.mask(moments.dt.normalize().isin(pd.Series(absent[~np.isnat(absent)])))


def _as_numbers(series: pd.Series, column: Column) -> np.ndarray:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(series.dtype):
        return series.to_numpy(dtype="float64", na_value=np.nan, copy=True)
    decimal = column.decimal or "."
    parsed = values.written_numbers(series) if decimal == "." else None
    if parsed is not None:
        return parsed
    found = values.cells(series, column.missing)
    parsed = found.numbers() if decimal == "." else None
    if parsed is None:
        parsed = values.numbers(found.texts, decimal, column.unit, multiples=column.multiples)
    return found.spread(parsed, np.nan)


def _numbers(numbers: np.ndarray, column: Column) -> pd.Series:
    import pandas as pd

    numbers[~np.isfinite(numbers)] = np.nan
    if column.missing:
        # -999 means missing however it is spelled, and in a typed column too.
        absent = values.numbers(list(column.missing), column.decimal or ".")
        numbers[np.isin(numbers, absent[~np.isnan(absent)])] = np.nan
    return pd.Series(numbers)


def truth(text: str) -> bool | None:
    """Return what a logical word says; None if it is none."""
    word = text.casefold()
    if word in values.TRUE_WORDS:
        return True
    return False if word in values.FALSE_WORDS else None


def effective_columns(project: Project) -> dict[str, Column]:
    """Return the project's columns with the table's own settings worked into each.

    A saved model keeps these: they are all it needs to read a raw row.
    """
    data = project.data
    result = {}
    for name, column in project.columns.items():
        update: dict[str, Any] = {}
        if data.missing:
            usual = values.MISSING if column.missing is None else column.missing
            update["missing"] = [*usual, *(m for m in data.missing if m not in usual)]
        if data.decimal == "," and column.decimal is None and column.type == "number":
            update["decimal"] = data.decimal
        result[name] = column.model_copy(update=update) if update else column
    return result


def table_digest(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of a typed frame's names, types and values, as ``sha256:<hex>``."""
    import pandas as pd

    total = hashlib.sha256(f"{len(frame)}".encode())
    for name in frame.columns:
        series = frame[name]
        total.update(f"\0{name}\0".encode("utf-8", "surrogatepass"))
        if pd.api.types.is_float_dtype(series.dtype):
            numbers = series.to_numpy(dtype="float64", copy=True)
            numbers[np.isnan(numbers)] = np.nan  # one bit pattern for all NaN
            numbers += 0.0  # and for both zeros
            total.update(b"number" + np.ascontiguousarray(numbers, dtype="<f8").tobytes())
        elif pd.api.types.is_datetime64_any_dtype(series.dtype):
            moments = series.dt.as_unit("us").to_numpy().astype("<i8")
            total.update(b"date" + np.ascontiguousarray(moments).tobytes())
        elif images.holds_images(series):
            codes, distinct = pd.factorize(series.array)
            for data in distinct:
                total.update(len(data).to_bytes(8, "little") + data)
            total.update(b"image" + codes.astype("<i8").tobytes())
        else:
            found = values.cells(series, ())
            lengths, letters = _laid_out(found.words)
            total.update(b"text" + lengths.astype("<i8").tobytes())
            total.update(letters)
            total.update(found.codes.astype("<i8").tobytes())
    return "sha256:" + total.hexdigest()


def _laid_out(words: Any) -> tuple[np.ndarray, memoryview]:
    """Return the lengths in bytes of an Arrow array of texts, and all its bytes in a row."""
    import pyarrow as pa

    words = words.cast(pa.large_string())
    _, offsets, letters = words.buffers()
    ends = np.frombuffer(offsets, dtype="<i8")[words.offset : words.offset + len(words) + 1]
    return np.diff(ends), memoryview(letters or b"")[ends[0] : ends[-1]]
