"""What the figures of the search and of the champion share."""

from __future__ import annotations

from typing import Any

from toolkit import formats
from toolkit.artifacts import Interval
from toolkit.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, Plot, canvas

_LOOKS = {
    "baseline": (GREY, "s"),
    "lightgbm": (GREEN, "^"),
    "catboost": (PURPLE, "v"),
    "forest": (SKY, "P"),
    "h2o": (BLUE, "o"),
    "autokeras": (ORANGE, "D"),
    "ensemble": ("#111827", "*"),
}
_OTHER = (RED, "X")
_NAMES = {"h2o": "H2O", "autokeras": "AutoKeras", "lightgbm": "LightGBM", "catboost": "CatBoost"}


def look(engine: str) -> tuple[str, str]:
    """Return an engine's colour and marker, the same in every figure."""
    return _LOOKS.get(engine, _OTHER)


def engine_of(model: str) -> str:
    """Return the engine that a model's name begins with."""
    return model.partition("_")[0]


def engine_legend(axes: Any, engines: set[str]) -> None:
    """Add one empty line an engine, for the figure's legend."""
    known = list(_LOOKS)
    for engine in sorted(engines, key=lambda e: known.index(e) if e in known else len(known)):
        colour, mark = look(engine)
        axes.plot([], [], mark, color=colour, label=_NAMES.get(engine, engine))


def number(value: float | None, *, full: bool = False) -> str:
    """Return a score as text, large ones without a power of ten.

    Parameters
    ----------
    value : float or None
    full : bool
        Whether trailing zeros stay, for columns of numbers.
    """
    if value is None:
        return "unknown"
    return (
        f"{value:#.4g}".rstrip(".")
        if full and 1e-4 <= abs(value) < 1000
        else formats.number(value, 4)
    )


def milliseconds(seconds: float) -> str:
    """Return a time in milliseconds as text."""
    value = seconds * 1000
    return f"{value:,.0f}" if value >= 100 else formats.number(value, 2)


def interval(score: Interval) -> str:
    """Return a score with its interval as text."""
    return score.text(4)


def nothing(title: str, text: str) -> Plot:
    """Return a figure that says why there is none."""
    with canvas(title, text, height=1.0) as sheet:
        sheet.axes.text(0.5, 0.5, text, ha="center", va="center", wrap=True)
        sheet.axes.set_axis_off()
    return sheet.plot
