"""How the report writes claims; how numbers are written stands in `toolkit.formats`."""

from __future__ import annotations

from toolkit import formats
from toolkit.artifacts.report import Claim

NOT_AVAILABLE = "not available"

_SILENT = {"", "count", "share", "score", "p", "error", "target", "KiB", "change"}
"""Units that the format shows by itself, or that the table around it names."""


def number(value: float | int | str | None, unit: str = "score", extra: int = 0) -> str:
    """Return a number as text, without its unit's name.

    Parameters
    ----------
    value : number, text or None
        None is written as ``not available``.
    unit : str
        See `toolkit.artifacts.Claim.unit`; it decides on digits.
    extra : int
        More digits than usual.
    """
    if value is None:
        return NOT_AVAILABLE
    if isinstance(value, str):
        return value
    value = float(value)
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "share":
        return formats.share(value, extra)
    if unit == "KiB":
        return f"{value:,.0f} KiB" if value < 10_000 else f"{value / 1024:,.1f} MiB"
    if unit == "p":
        return "below 0.001" if value < 0.001 else f"{value:.3f}"
    if unit == "error":
        return formats.number(value, 2)
    if unit == "change":
        return ("+" if value > 0 else "") + formats.plain(value, extra)
    if unit not in _SILENT and value.is_integer():
        return f"{value:,.0f}"  # a cost of 5 EUR, memory of 4 GiB: somebody's round number
    return formats.plain(value, extra)


def unit_text(unit: str) -> str:
    """Return the unit to write after a number; empty where the format shows it."""
    return "" if unit in _SILENT else f" {unit}"


def _texts(claim: Claim) -> list[str]:
    """Return value, low and high, with enough digits to be told apart and from the limit."""
    if claim.value is None or isinstance(claim.value, str):
        return [number(claim.value)]
    ends = [] if claim.low is None or claim.high is None else [claim.low, claim.high]
    return formats.distinct_from(
        [float(claim.value), *ends],
        lambda value, extra: number(value, claim.unit, extra),
        claim.limit,
    )


def main(claim: Claim) -> str:
    """Return a claim's value with its unit."""
    text = _texts(claim)[0]
    return text if claim.value is None else text + unit_text(claim.unit)


def interval(claim: Claim) -> str:
    """Return a claim's interval, such as ``0.71 to 0.79``; empty if there is none."""
    if claim.low is None or claim.high is None or claim.value is None:
        return ""
    value, low, high = _texts(claim)
    if value == low == high:
        return formats.SAME
    return f"{low} to {high}"
