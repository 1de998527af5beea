"""How numbers are written, everywhere a person reads them.

No powers of ten in the notation of programs, thousands separated, nothing rounded to what it
is not: a share above none is never 0%, and a number is never shown equal to the limit that it
is judged by, nor an interval as a single point, unless they are.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

UNDEFINED = "undefined"
SAME = "the same in every resample"
"""In place of the ends of an interval that has no width."""

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_HUGE, _TINY = 1e15, 1e-6
_MOST_EXTRA = 9


def number(value: float | None, digits: int = 3, *, sign: bool = False) -> str:
    """Return a number with so many digits that tell, and all digits before the decimal mark.

    Parameters
    ----------
    value : float or None
        None and what is not finite are written as ``undefined``.
    digits : int
        Significant digits; trailing zeros are left out.
    sign : bool
        Whether a positive number gets a plus.
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    value, size = float(value), abs(value)
    plus = "+" if sign and value > 0 else ""
    if value == 0:
        return "0"
    if size >= _HUGE or size < _TINY:
        return plus + power(value, digits)
    if size >= 10 ** (digits - 1):
        return plus + _unsigned_zero(f"{value:,.0f}")
    places = digits - 1 - math.floor(math.log10(size))
    text = f"{value:,.{places}f}"
    return plus + text.rstrip("0").rstrip(".")


def power(value: float, digits: int = 2) -> str:
    """Return a number as a power of ten, such as ``1.2 × 10⁻⁹``."""
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def share(value: float | None, extra: int = 0) -> str:
    """Return a share as percents; one that is next to none is not written as none, nor as all.

    Parameters
    ----------
    value : float or None
        Between -1 and 1, usually.
    extra : int
        Decimals beyond the first.
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if value < 0:
        return f"-{share(-value, extra)}"
    if 0 < value < 0.0005:
        return f"{100 * value:.{1 + extra}g}%" if value >= 1e-6 else "below 0.0001%"
    if 0.9995 <= value < 1:
        rest = float(f"{100 * (1 - value):.{1 + extra}g}")
        return f"{100 - rest:.{6 + extra}g}%" if value <= 1 - 1e-6 else "above 99.9999%"
    return f"{value:.{1 + extra}%}"


def percent(value: float | None) -> str:
    """Return a share as whole percents, such as a coverage of 95%; more digits where needed."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    whole = f"{value:.0%}"
    none_or_all = whole in ("0%", "-0%", "100%") and value not in (0, 1)
    return share(value) if none_or_all else whole


def plain(value: float, extra: int = 0) -> str:
    """Return a number with the decimals that its size calls for, as in a column of numbers.

    Parameters
    ----------
    value : float
    extra : int
        Decimals beyond those.
    """
    if not math.isfinite(value):
        return UNDEFINED
    size = abs(value)
    if value == 0:
        return "0"
    if size < 1e-5 or size >= _HUGE:
        return power(value, 2 + extra)
    # The first limit that the number is under; small numbers keep two digits that tell.
    steps = ((1e-4, 6), (0.001, 5), (0.01, 5), (0.1, 4), (10, 3), (100, 2), (10_000, 1))
    digits = next((count for limit, count in steps if size < limit), 0)
    return _unsigned_zero(f"{value:,.{digits + extra}f}")


def distinct_from(
    values: Sequence[float], write: Callable[[float, int], str], limit: float | None = None
) -> list[str]:
    """Return numbers with enough digits to be told from each other and from a limit.

    Parameters
    ----------
    values : sequence of float
        Such as a value and the ends of its interval.
    write : callable
        Takes a number and how many more digits than usual it gets.
    limit : float, optional
        What the numbers are judged by.
    """
    texts: list[str] = []
    # What lies closer together than the sixth digit is one number to a reader.
    near = max(0.01 * (max(values) - min(values)), 1e-6 * max(map(abs, values)))
    for extra in range(_MOST_EXTRA + 1):
        texts = [write(value, extra) for value in values]
        alike = any(
            texts[i] == texts[j] and abs(values[i] - values[j]) > near
            for i, j in itertools.combinations(range(len(values)), 2)
        )
        at_limit = limit is not None and any(
            text == write(limit, extra) for text, value in zip(texts, values, strict=True)
            if value != limit
        )  # fmt: skip
        if not alike and not at_limit:
            break
    return texts


def interval(
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    *,
    digits: int = 3,
    sign: bool = False,
    limit: float | None = None,
) -> str:
    """Return a number with its interval, such as ``0.75 (0.71 to 0.79)``.

    Parameters
    ----------
    value, low, high : float or None
        Without ends the number stands alone.
    digits, sign
        As for `number`.
    limit : float, optional
        What the number is judged by; see `distinct_from`.
    """

    def write(each: float, extra: int) -> str:
        return number(each, digits + extra, sign=sign)

    if value is None or not math.isfinite(value):
        return UNDEFINED
    if low is None or high is None:
        return distinct_from([value], write, limit)[0]
    texts = distinct_from([value, low, high], write, limit)
    if texts[0] == texts[1] == texts[2] and low <= value <= high:
        return f"{texts[0]} ({SAME})"
    return f"{texts[0]} ({texts[1]} to {texts[2]})"


def rows(count: int) -> str:
    """Return a number of rows in words."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def _unsigned_zero(text: str) -> str:
    return text.removeprefix("-") if not text.strip("-0.,") else text
