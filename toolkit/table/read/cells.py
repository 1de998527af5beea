"""Columns out of single values, as a database or a spreadsheet gives them."""

from __future__ import annotations

import datetime
import decimal
from typing import TYPE_CHECKING, Any

from toolkit.table.images.images import is_image

if TYPE_CHECKING:
    import pandas as pd

_EXACT_DIGITS = 15
"""So many decimal digits survive a float64."""


def column(values: list[Any]) -> pd.Series | None:
    """Return values of one column as a Series; None if they are binary and no images.

    A gap changes no type: whole numbers stay whole, booleans stay booleans, dates stay dates.

    Parameters
    ----------
    values : list
        Python values; None where there is none.
    """
    import pandas as pd

    known = [value for value in values if value is not None]
    kinds = {_kind(each) for each in set(map(type, known))}
    if kinds == {"bytes"}:
        return _binary(values, known)
    if kinds == {"bool"}:
        return pd.Series(values, dtype="bool" if len(known) == len(values) else "boolean")
    if kinds == {"date"}:
        moments = [None if v is None else datetime.datetime.combine(v, _MIDNIGHT) for v in values]
        return pd.Series(pd.to_datetime(pd.Series(moments, dtype=object)))
    if kinds <= {"moment", "date"} and known:
        return _moments(values)
    if kinds <= {"int", "float", "decimal"} and known:
        return numbers(values)
    if kinds == {"str"}:
        return pd.Series(values, dtype="str")
    plain = [None if v is None else v if _kind(type(v)) != "other" else str(v) for v in values]
    return pd.Series(plain, dtype="str" if kinds == {"other"} else object)


_MIDNIGHT = datetime.time()


def _kind(value: type) -> str:
    for kinds, name in _KINDS:
        if issubclass(value, kinds):
            return name
    return "other"


# bool before int, datetime before date: each is a subclass of the other.
_KINDS: tuple[tuple[Any, str], ...] = (
    (str, "str"), (bool, "bool"), (int, "int"), (float, "float"), (decimal.Decimal, "decimal"),
    (datetime.datetime, "moment"), (datetime.date, "date"),
    ((bytes, bytearray, memoryview), "bytes"),
)  # fmt: skip


def numbers(values: list[Any]) -> pd.Series:
    """Return numbers as integers where all are, as floats where those are exact, else as text."""
    import pandas as pd

    known = [value for value in values if value is not None]
    if not all(isinstance(value, int) for value in known):
        known = [_plain(value) for value in known]
    if all(isinstance(value, int) for value in known):
        low, high = min(known), max(known)
        if low >= -(2**63) and high < 2**63:
            whole = [None if v is None else int(v) for v in values]
            return pd.Series(whole, dtype="int64" if len(known) == len(values) else "Int64")
        return pd.Series([None if v is None else str(int(v)) for v in values], dtype="str")
    if all(isinstance(value, int | float) for value in known):
        return pd.Series([float("nan") if v is None else float(v) for v in values], dtype="float64")
    return pd.Series([None if v is None else format(v, "f") for v in values], dtype="str")


def _plain(value: Any) -> Any:
    """Return a Decimal as int or float where nothing is lost."""
    if not isinstance(value, decimal.Decimal):
        return value
    if not value.is_finite():
        return float(value)
    if value == value.to_integral_value():
        return int(value)
    return float(value) if len(value.normalize().as_tuple().digits) <= _EXACT_DIGITS else value


def _moments(values: list[Any]) -> pd.Series:
    import pandas as pd

    moments = [
        datetime.datetime.combine(v, _MIDNIGHT) if _kind(type(v)) == "date" else v for v in values
    ]
    zones = {v.utcoffset() for v in moments if v is not None}
    if len(zones) > 1:  # no one zone: as text, each cell keeps its own
        return pd.Series([None if v is None else v.isoformat() for v in moments], dtype="str")
    return pd.Series(pd.to_datetime(pd.Series(moments, dtype=object)))


def _binary(values: list[Any], known: list[Any]) -> pd.Series | None:
    import pandas as pd

    if is_image(bytes(known[0])):
        return pd.Series([None if v is None else bytes(v) for v in values], dtype=object)
    try:
        texts = [None if v is None else bytes(v).decode("utf-8") for v in values]
    except UnicodeDecodeError:
        return None
    return pd.Series(texts, dtype="str")
