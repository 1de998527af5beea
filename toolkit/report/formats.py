"""How the report writes numbers."""

from __future__ import annotations

from toolkit.artifacts.report import Claim

NOT_AVAILABLE = "not available"

_SILENT = {"", "count", "share", "score", "p", "error", "target", "KiB", "change"}
"""Units that the format shows by itself, or that the table around it names."""


def number(value: float | int | str | None, unit: str = "score") -> str:
    """Return a number as text, without its unit's name.

    Parameters
    ----------
    value : number, text or None
        None is written as ``not available``.
    unit : str
        See `toolkit.artifacts.Claim.unit`; it decides on digits.
    """
    if value is None:
        return NOT_AVAILABLE
    if isinstance(value, str):
        return value
    value = float(value)
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "share":
        return share(value)
    if unit == "KiB":
        return f"{value:,.0f} KiB" if value < 10_000 else f"{value / 1024:,.1f} MiB"
    if unit == "p":
        return "below 0.001" if value < 0.001 else f"{value:.3f}"
    if unit == "error":
        return f"{value:.1e}" if value else "0"
    if unit == "change":
        return ("+" if value > 0 else "") + _plain(value)
    if unit not in _SILENT and value.is_integer():
        return f"{value:,.0f}"  # a cost of 5 EUR, memory of 4 GiB: somebody's round number
    return _plain(value)


def share(value: float) -> str:
    """Return a share as percents; one that is next to none is not written as none, nor as all."""
    if value < 0:
        return f"-{share(-value)}"
    if 0 < value < 0.0005:
        return f"{100 * value:.1g}%" if value >= 1e-6 else "below 0.0001%"
    if 0.9995 <= value < 1:
        return (
            f"{100 - float(f'{100 * (1 - value):.1g}'):.6g}%"
            if value <= 1 - 1e-6
            else "above 99.9999%"
        )
    return f"{value:.1%}"


def _plain(value: float) -> str:
    size = abs(value)
    if value == 0:
        return "0"
    if size < 0.001:
        return f"{value:.1e}"
    # The first limit that the number is under; small numbers keep two digits that tell.
    steps = ((0.01, 5), (0.1, 4), (10, 3), (100, 2), (10_000, 1))
    digits = next((count for limit, count in steps if size < limit), 0)
    return f"{value:,.{digits}f}"


def unit_text(unit: str) -> str:
    """Return the unit to write after a number; empty where the format shows it."""
    return "" if unit in _SILENT else f" {unit}"


def main(claim: Claim) -> str:
    """Return a claim's value with its unit."""
    text = number(claim.value, claim.unit)
    return text if claim.value is None else text + unit_text(claim.unit)


def interval(claim: Claim) -> str:
    """Return a claim's interval, such as ``0.71 to 0.79``; empty if there is none."""
    if claim.low is None or claim.high is None:
        return ""
    return f"{number(claim.low, claim.unit)} to {number(claim.high, claim.unit)}"
