"""How a column's dates are written."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.table import names, values

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.table.values import Cells

_LOOKS = re.compile(
    r"\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}([T ].*)?|\d{4}-\d{2}|.*[A-Za-z]{3,9}.*\d{1,4}.*", re.S
)
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}(:\d{2}(:\d{2}([.,]\d+)?)?)?( ?(Z|[+-]\d{2}:?\d{2}))?)?"
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
_DAYS = (
    "%Y/%m/%d", "%Y.%m.%d", "%Y-%m", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y",
    "%B %d, %Y", "%d-%b-%y", "%b-%Y", "%b %Y", "%d/%b/%Y",
)  # fmt: skip
_PAIRS = (
    ("%d/%m/%Y", "%m/%d/%Y"), ("%d-%m-%Y", "%m-%d-%Y"), ("%d.%m.%Y", "%m.%d.%Y"),
    ("%d/%m/%y", "%m/%d/%y"), ("%d.%m.%y", "%m.%d.%y"), ("%d-%m-%y", "%m-%d-%y"),
)  # fmt: skip
_SHARE = 0.95


def layout(name: str, found: Cells, say: Callable[..., Any]) -> str | None:
    """Return how a text column's dates are written; None if they are no dates.

    Parameters
    ----------
    name : str
        The column's name.
    found : Cells
        Its cells.
    say : callable
        Takes name, message, column, remedy and severity of a check.

    Returns
    -------
    str or None
        A strptime format; empty for ISO 8601 with times.
    """
    texts = found.texts
    sample = texts[:200]
    if compact(name, found):
        return _reported("%Y%m%d", name, found, say)
    if sum(bool(_LOOKS.fullmatch(text)) for text in sample) < _SHARE * len(sample):
        return None
    if sum(bool(_ISO.fullmatch(text)) for text in sample) >= _SHARE * len(sample):
        if _parse(texts, None) < _SHARE:
            return None
        timed = any(len(text) > 10 for text in texts)
        return _reported("" if timed else "%Y-%m-%d", name, found, say)
    for time in _TIMES:
        for day in _DAYS:
            if _parse(sample, day + time) >= _SHARE and _parse(texts, day + time) >= _SHARE:
                return _reported(day + time, name, found, say)
        for first, second in _PAIRS:
            chosen = _day_or_month(sample, texts, first + time, second + time)
            if chosen:
                return _either(chosen, name, found, say)
    return None


def compact(name: str, found: Cells) -> bool:
    """Whether a column named like a date holds digits such as 20240131."""
    digits = all(re.fullmatch(r"(19|20)\d{6}", text) for text in found.texts[:200])
    return digits and names.date(name) and _parse(found.texts, "%Y%m%d") == 1


def _day_or_month(
    sample: list[str], texts: list[str], first: str, second: str
) -> tuple[str, bool] | None:
    if max(_parse(sample, first), _parse(sample, second)) < _SHARE:
        return None
    day, month = _parse(texts, first), _parse(texts, second)
    if max(day, month) < _SHARE:
        return None
    return (first if day >= month else second), day == month


def _either(chosen: tuple[str, bool], name: str, found: Cells, say: Callable[..., Any]) -> str:
    form, doubtful = chosen
    if doubtful and "." not in form:
        other = form.translate(str.maketrans("dm", "md"))
        say(
            "Day or month first",
            f"{name!r} can be read with the day or the month first, as in {found.texts[0]!r}; the"
            " day is taken first.",
            name,
            f"Set columns.{name}.format to {other} if the month comes first",
            severity="warning",
        )
    return _reported(form, name, found, say)


def _reported(form: str, name: str, found: Cells, say: Callable[..., Any]) -> str:
    parsed = values.dates(found.texts, form or None)
    lost = int(found.counts[np.isnat(parsed)].sum())
    text = f"{name!r} is read as dates, such as {found.texts[0]!r} ({form or 'ISO 8601'})"
    if lost:
        say(
            "Cells that are no dates",
            f"{text}; {lost} cells are no dates and are read as missing.",
            name,
            severity="warning",
        )
    else:
        say("Dates", f"{text}.", name)
    return form


def _parse(texts: list[str], form: str | None) -> float:
    import pandas as pd

    kind = form or "ISO8601"
    parsed = pd.to_datetime(pd.Series(texts, dtype="str"), format=kind, errors="coerce", utc=True)
    return float(parsed.notna().mean())


def of_moments(series: pd.Series) -> str | None:
    """Return the format of a datetime column: dates only where no cell has a time."""
    moments = series.dropna()
    plain = moments.dt.tz_localize(None) if moments.dt.tz is not None else moments
    return "%Y-%m-%d" if bool((plain == plain.dt.normalize()).all()) else None
