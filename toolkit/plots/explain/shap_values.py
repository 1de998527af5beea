"""Figures of SHAP values: overall, by column, and for one row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import formats
from toolkit.artifacts import Attributions, Explanation
from toolkit.errors import UsageError
from toolkit.plots.explain.row_waterfall import waterfall
from toolkit.plots.explain.shared import chosen_class, marked, name_bars, output_words
from toolkit.plots.style import BLUE, GREY, RED, Plot, canvas, shorten

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["beeswarm", "dependence", "importance", "waterfall"]

_MAP = "viridis"
_NEUTRAL = "#8B8F97"
_MISSING = "#C4C7CC"
_MOST_LEVELS = 15


def importance(explanation: Explanation, of: str | None = None, *, top: int = 15) -> Plot:
    """Draw the mean size of each column's SHAP values, with intervals.

    Parameters
    ----------
    explanation : Explanation
        What was computed.
    of : str, optional
        The class; the first by default.
    top : int
        How many columns.
    """
    of = chosen_class(explanation, of)
    ranked = explanation.importance[of]
    items = ranked[:top]
    alt = "; ".join(
        f"{marked(i.column, explanation.suspects, 60)} {formats.number(i.mean_abs.value)}"
        for i in items
    )
    with canvas(
        f"Importance: {output_words(explanation, of)}", alt, height=0.9 + 0.27 * len(items)
    ) as sheet:
        axes = sheet.axes
        value = [i.mean_abs.value or 0.0 for i in items]
        axes.barh(range(len(items)), value, color=BLUE, height=0.6)
        for place, item in enumerate(items):
            if item.mean_abs.low is not None:
                axes.plot([item.mean_abs.low, item.mean_abs.high], [place, place], color="black",
                          linewidth=1.3)  # fmt: skip
        name_bars(axes, [i.column for i in items], suspects=explanation.suspects)
        rest = len(ranked) - len(items)
        axes.set_xlabel(
            f"mean |{explanation.called}|" + (f" ({rest} columns with less)" if rest else "")
        )
        axes.grid(axis="y", visible=False)
    return sheet.plot


def beeswarm(
    explanation: Explanation, attributions: Attributions, of: str | None = None, *, top: int = 12
) -> Plot:
    """Draw every explained row's SHAP value of the most important columns.

    Colour goes from a column's low values to its high ones, by rank. Categories have no order
    and are drawn in one neutral colour; missing values are light. Points are drawn as a picture
    inside the SVG, so its size does not grow with the rows.
    """
    of = chosen_class(explanation, of)
    names = [item.column for item in explanation.importance[of][:top]]
    frame = attributions.frame[attributions.frame["class"] == of]
    alt = f"{explanation.rows} rows; largest spread: {', '.join(names[:3])}."
    title = f"{explanation.called}s of {explanation.rows:,} rows: {output_words(explanation, of)}"
    with canvas(title, alt, height=1.2 + 0.38 * len(names)) as sheet:
        axes = sheet.axes
        sheet.figure.set_dpi(160)
        axes.axvline(0, color=GREY, linewidth=1)
        for place, name in enumerate(names):
            rows = frame[frame["column"] == name]
            shap, number = rows["shap"].to_numpy(), rows["number"].to_numpy()
            height = place + _spread(shap)
            numeric = ~np.isnan(number)
            missing = rows["value"].isna().to_numpy()
            rest = ~numeric & ~missing
            for some, colour in ((rest, _NEUTRAL), (missing, _MISSING)):
                axes.scatter(shap[some], height[some], s=7, color=colour, rasterized=True)
            if numeric.any():
                rank = _rank(number[numeric])
                axes.scatter(shap[numeric], height[numeric], s=7, c=rank, cmap=_MAP, vmin=0,
                             vmax=1, rasterized=True)  # fmt: skip
        name_bars(axes, names, suspects=explanation.suspects)
        axes.set_xlabel(f"{explanation.called}: contribution to the output")
        axes.grid(axis="y", visible=False)
        _value_legend(axes)
    return sheet.plot


def dependence(
    explanation: Explanation, attributions: Attributions, column: str, of: str | None = None
) -> Plot:
    """Draw a column's SHAP value against its own value, with the standard errors.

    Numbers are points along an axis, categories boxes of points by level (the most frequent
    15). Missing values stand apart.
    """
    of = chosen_class(explanation, of)
    frame = attributions.frame
    rows = frame[(frame["class"] == of) & (frame["column"] == column)]
    if rows.empty:
        raise UsageError(
            f"column {column!r} was not explained",
            expected=", ".join(i.column for i in explanation.importance[of][:8]),
        )
    title = f"How {shorten(column)} moves the {output_words(explanation, of)}"
    if rows["number"].notna().any():
        measure = explanation.measures.get(column, "")
        label = f"{measure} of {column}" if measure else column
        return _numeric_dependence(rows, label, title, explanation.called)
    return _level_dependence(rows, column, title, explanation.called)


def _numeric_dependence(rows: pd.DataFrame, column: str, title: str, called: str) -> Plot:
    known = rows[rows["number"].notna()].sort_values("number", kind="stable")
    x, y = known["number"].to_numpy(), known["shap"].to_numpy()
    low, high = np.argmin(y), np.argmax(y)
    missing = rows.loc[rows["number"].isna(), "shap"].to_numpy()
    alt = (
        f"Lowest effect {formats.number(y[low])} at {formats.number(x[low], 4)}, highest"
        f" {formats.number(y[high])} at {formats.number(x[high], 4)}."
        + (f" Missing: mean {formats.number(missing.mean())}." if len(missing) else "")
    )
    with canvas(title, alt, height=3.4) as sheet:
        axes = sheet.axes
        sheet.figure.set_dpi(160)
        axes.axhline(0, color=GREY, linewidth=1)
        error = known.get("standard_error")
        axes.errorbar(x, y, yerr=error, fmt="o", color=BLUE, markersize=3.5, elinewidth=0.6,
                      ecolor="#9DC3E6", rasterized=True)  # fmt: skip
        if len(missing):
            span = (x.max() - x.min()) or 1.0
            place = np.full(len(missing), x.min() - 0.06 * span)
            axes.plot(place, missing, "s", color=GREY, markersize=4, label="missing")
            axes.legend(fontsize=8)
        axes.set_xlabel(shorten(column, 60))
        axes.set_ylabel(called)
    return sheet.plot


def _level_dependence(rows: pd.DataFrame, column: str, title: str, called: str) -> Plot:
    text = rows["value"].astype(object).where(rows["value"].notna(), "(missing)")
    counts = text.value_counts()
    levels = sorted(counts.index, key=lambda level: (-counts[level], level))[:_MOST_LEVELS]
    values = {level: rows.loc[(text == level).to_numpy(), "shap"].to_numpy() for level in levels}
    levels.sort(key=lambda level: float(np.median(values[level])))
    alt = "; ".join(f"{shorten(n)}: median {formats.number(np.median(values[n]))}" for n in levels)
    with canvas(title, alt, height=1.1 + 0.32 * len(levels)) as sheet:
        axes = sheet.axes
        sheet.figure.set_dpi(160)
        axes.axvline(0, color=GREY, linewidth=1)
        for place, level in enumerate(levels):
            shap = values[level]
            axes.scatter(shap, place + _spread(shap), s=9, color=_NEUTRAL, rasterized=True)
            axes.plot([np.median(shap)] * 2, [place - 0.35, place + 0.35], color=RED, linewidth=2)
        name_bars(axes, [f"{shorten(level, 24)} ({counts[level]})" for level in levels])
        more = len(counts) - len(levels)
        left_out = f"; {more} rarer values not drawn" if more > 0 else ""
        axes.set_xlabel(f"{called} (red: median{left_out})")
        axes.set_ylabel(shorten(column))
        axes.grid(axis="y", visible=False)
    return sheet.plot


def _rank(numbers: np.ndarray) -> np.ndarray:
    distinct, place = np.unique(numbers, return_inverse=True)
    return place / max(1, len(distinct) - 1)


def _spread(values: np.ndarray, reach: float = 0.36) -> np.ndarray:
    """Return heights that keep equal values apart: the rows of a histogram bin are stacked."""
    if not len(values):
        return np.zeros(0)
    span = values.max() - values.min()
    bins = (
        np.zeros(len(values), int)
        if span == 0
        else ((values - values.min()) / span * 60).astype(int)
    )
    order = np.argsort(bins, kind="stable")
    counts = np.bincount(bins)
    first = np.cumsum(counts) - counts
    level = np.empty(len(values))
    level[order] = np.arange(len(values)) - first[bins[order]]
    centred = level - (counts[bins] - 1) / 2
    return centred * min(0.09, 2 * reach / max(1, counts.max()))


def _value_legend(axes: Any) -> None:
    import matplotlib as mpl

    colours = mpl.colormaps[_MAP]
    items = [("low value", colours(0.0)), ("high value", colours(1.0)), ("category", _NEUTRAL),
             ("missing", _MISSING)]  # fmt: skip
    handles = [axes.plot([], [], "o", color=c, label=n, markersize=5)[0] for n, c in items]
    axes.legend(handles=handles, fontsize=8, ncols=4, loc="lower right", bbox_to_anchor=(1, 1),
                borderpad=0.1, handletextpad=0.1, columnspacing=1)  # fmt: skip
