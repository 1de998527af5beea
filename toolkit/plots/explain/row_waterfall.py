"""The waterfall of one row: from the mean output to its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import formats
from toolkit.artifacts import Attributions, Explanation
from toolkit.errors import UsageError
from toolkit.plots.explain.shared import chosen_class, name_bars, output_words
from toolkit.plots.style import BLUE, GREY, RED, Plot, canvas, shorten

if TYPE_CHECKING:
    import pandas as pd


def waterfall(
    explanation: Explanation,
    attributions: Attributions | pd.DataFrame,
    row: int,
    of: str | None = None,
    *,
    top: int = 10,
) -> Plot:
    """Draw how one row's output comes about, from the mean output to its own.

    Should the values not add up within the tolerance, the title says so.

    Parameters
    ----------
    explanation : Explanation
        For the base value.
    attributions : Attributions or pandas.DataFrame
        Lines of the row.
    row : int
        Its number in the table.
    of : str, optional
        The class; the first by default.
    top : int
        Columns drawn by themselves; the others are summed.
    """
    of = chosen_class(explanation, of)
    frame = attributions.frame if isinstance(attributions, Attributions) else attributions
    lines = frame[(frame["row"] == row) & (frame["class"] == of)]
    if lines.empty:
        raise UsageError(f"row {row} was not explained", remedy="Choose one of the rows offered")
    lines = lines.iloc[np.argsort(-lines["shap"].abs().to_numpy(), kind="stable")]
    shown, rest = lines.iloc[:top], lines.iloc[top:]
    names = [
        _cell(c, v) + (" ⚠ may leak" if c in explanation.suspects else "")
        for c, v in zip(shown["column"], shown["value"], strict=True)
    ]
    steps = shown["shap"].tolist()
    errors = shown["standard_error"].tolist() if "standard_error" in shown else [0.0] * len(shown)
    if len(rest):
        names.append(f"{len(rest)} other columns")
        steps.append(float(rest["shap"].sum()))
        errors.append(0.0)
    base = explanation.base[of]
    ends = base + np.cumsum(steps)
    alt = (
        f"Row {row}: from {formats.number(base, 4)} to {formats.number(ends[-1], 4)}; "
        + "; ".join(
            f"{n} {formats.number(s, sign=True)}" for n, s in zip(names[:5], steps, strict=False)
        )
    )
    wrong = explanation.additivity_error > explanation.additivity_tolerance
    title = f"Row {row}: {output_words(explanation, of)}" + (
        " — THE VALUES DO NOT ADD UP, do not use them" if wrong else ""
    )
    with canvas(title, alt, height=1.2 + 0.3 * len(names)) as sheet:
        span = _waterfall_bars(sheet.axes, names, base, np.asarray(steps), errors)
        words = [formats.number(_clean(value, span), 4) for value in (base, ends[-1])]
        two = explanation.space == "margin" and len(explanation.classes) == 1
        if two:
            words = [
                f"{word} ({formats.share(1 / (1 + np.exp(-value)))})"
                for word, value in zip(words, (base, ends[-1]), strict=True)
            ]
        between = "\n" if two else "; "
        sheet.axes.set_xlabel(f"dashed: mean output {words[0]}{between}solid: this row {words[1]}")
    return sheet.plot


def _waterfall_bars(
    axes: Any, names: list[str], base: float, steps: np.ndarray, errors: list[float]
) -> float:
    """Draw the bars, and return how wide the axis is."""
    ends = base + np.cumsum(steps)
    starts = ends - steps
    places = np.arange(len(names))
    # Red raises and blue lowers, as in shap's own figures; the sign is printed too.
    axes.barh(places, steps, left=starts, height=0.6,
              color=[RED if step > 0 else BLUE for step in steps])  # fmt: skip
    for at, (end, error) in enumerate(zip(ends, errors, strict=True)):
        if error:
            axes.plot([end - error, end + error], [at, at], color="black", linewidth=1)
    low, high = min(base, starts.min(), ends.min()), max(base, starts.max(), ends.max())
    span = max(high - low, 1e-3 * max(abs(low), abs(high)), 1e-6)
    for place in places.tolist():
        right = max(starts[place], ends[place]) + errors[place] + 0.012 * span
        axes.text(
            right,
            place,
            formats.number(_clean(steps[place], span), sign=True),
            va="center",
            fontsize=8,
        )
    for place in places[:-1]:
        axes.plot([ends[place]] * 2, [place - 0.3, place + 1.3], color=GREY, linewidth=0.7)
    axes.axvline(base, color=GREY, linewidth=1, linestyle="--")
    axes.axvline(ends[-1], color="black", linewidth=1)
    name_bars(axes, names, length=54)
    axes.set_xlim(low - 0.04 * span, high + 0.16 * span)
    axes.grid(axis="y", visible=False)
    return float(span)


def _clean(value: float, span: float) -> float:
    """Return 0 for what is too small to be seen on an axis of that span."""
    return value if abs(value) > 1e-4 * span else 0.0


def _cell(column: str, value: Any) -> str:
    if isinstance(value, str):
        return f"{shorten(column, 22)} = {shorten(value, 16)}"
    return shorten(column, 28) if column.startswith("(") else f"{shorten(column, 22)} missing"
