"""Figures of SHAP values: overall, by column, and for one row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.artifacts import Attributions, Explanation
from toolkit.errors import UsageError
from toolkit.plots.evaluation import (
    calibration,
    confusion,
    cost,
    fairness,
    groups,
    metric_intervals,
    slices,
)  # fmt: skip
from toolkit.plots.style import BLUE, GREY, RED, Plot, canvas, shorten

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "beeswarm", "calibration", "confusion", "cost", "dependence", "fairness", "groups",
    "importance", "metric_intervals", "slices", "waterfall",
]  # fmt: skip

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
    of = _class(explanation, of)
    ranked = explanation.importance[of]
    items = ranked[:top]
    alt = "; ".join(f"{i.column} {i.mean_abs.value:.3g}" for i in items)
    with canvas(
        f"Importance: {_output(explanation, of)}", alt, height=0.9 + 0.27 * len(items)
    ) as sheet:
        axes = sheet.axes
        value = [i.mean_abs.value or 0.0 for i in items]
        axes.barh(range(len(items)), value, color=BLUE, height=0.6)
        for place, item in enumerate(items):
            if item.mean_abs.low is not None:
                axes.plot([item.mean_abs.low, item.mean_abs.high], [place, place], color="black",
                          linewidth=1.3)  # fmt: skip
        _names(axes, [i.column for i in items])
        rest = len(ranked) - len(items)
        axes.set_xlabel("mean |SHAP value|" + (f" ({rest} columns with less)" if rest else ""))
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
    of = _class(explanation, of)
    names = [item.column for item in explanation.importance[of][:top]]
    frame = attributions.frame[attributions.frame["class"] == of]
    alt = f"{explanation.rows} rows; largest spread: {', '.join(names[:3])}."
    title = f"SHAP values of {explanation.rows:,} rows: {_output(explanation, of)}"
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
        _names(axes, names)
        axes.set_xlabel("SHAP value: how far the column moved the output")
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
    of = _class(explanation, of)
    frame = attributions.frame
    rows = frame[(frame["class"] == of) & (frame["column"] == column)]
    if rows.empty:
        raise UsageError(
            f"column {column!r} was not explained",
            expected=", ".join(i.column for i in explanation.importance[of][:8]),
        )
    title = f"What {shorten(column)} does to the {_output(explanation, of)}"
    if rows["number"].notna().any():
        measure = explanation.measures.get(column, "")
        label = f"{measure} of {column}" if measure else column
        return _numeric_dependence(rows, label, title)
    return _level_dependence(rows, column, title)


def _numeric_dependence(rows: pd.DataFrame, column: str, title: str) -> Plot:
    known = rows[rows["number"].notna()].sort_values("number", kind="stable")
    x, y = known["number"].to_numpy(), known["shap"].to_numpy()
    low, high = np.argmin(y), np.argmax(y)
    missing = rows.loc[rows["number"].isna(), "shap"].to_numpy()
    alt = f"Lowest effect {y[low]:.3g} at {x[low]:.4g}, highest {y[high]:.3g} at {x[high]:.4g}." + (
        f" Missing: mean {missing.mean():.3g}." if len(missing) else ""
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
        axes.set_ylabel("SHAP value")
    return sheet.plot


def _level_dependence(rows: pd.DataFrame, column: str, title: str) -> Plot:
    text = rows["value"].astype(object).where(rows["value"].notna(), "(missing)")
    counts = text.value_counts()
    levels = sorted(counts.index, key=lambda level: (-counts[level], level))[:_MOST_LEVELS]
    values = {level: rows.loc[(text == level).to_numpy(), "shap"].to_numpy() for level in levels}
    levels.sort(key=lambda level: float(np.median(values[level])))
    alt = "; ".join(f"{shorten(n)}: median {np.median(values[n]):.3g}" for n in levels)
    with canvas(title, alt, height=1.1 + 0.32 * len(levels)) as sheet:
        axes = sheet.axes
        sheet.figure.set_dpi(160)
        axes.axvline(0, color=GREY, linewidth=1)
        for place, level in enumerate(levels):
            shap = values[level]
            axes.scatter(shap, place + _spread(shap), s=9, color=_NEUTRAL, rasterized=True)
            axes.plot([np.median(shap)] * 2, [place - 0.35, place + 0.35], color=RED, linewidth=2)
        _names(axes, [f"{shorten(level, 24)} ({counts[level]})" for level in levels])
        more = len(counts) - len(levels)
        left_out = f"; {more} rarer values not drawn" if more > 0 else ""
        axes.set_xlabel(f"SHAP value (red: median{left_out})")
        axes.set_ylabel(shorten(column))
        axes.grid(axis="y", visible=False)
    return sheet.plot


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
    of = _class(explanation, of)
    frame = attributions.frame if isinstance(attributions, Attributions) else attributions
    lines = frame[(frame["row"] == row) & (frame["class"] == of)]
    if lines.empty:
        raise UsageError(f"row {row} was not explained", remedy="Choose one of the rows offered")
    lines = lines.iloc[np.argsort(-lines["shap"].abs().to_numpy(), kind="stable")]
    shown, rest = lines.iloc[:top], lines.iloc[top:]
    names = [_cell(c, v) for c, v in zip(shown["column"], shown["value"], strict=True)]
    steps = shown["shap"].tolist()
    errors = shown["standard_error"].tolist() if "standard_error" in shown else [0.0] * len(shown)
    if len(rest):
        names.append(f"{len(rest)} other columns")
        steps.append(float(rest["shap"].sum()))
        errors.append(0.0)
    base = explanation.base[of]
    ends = base + np.cumsum(steps)
    alt = f"Row {row}: from {base:.4g} to {ends[-1]:.4g}; " + "; ".join(
        f"{n} {s:+.3g}" for n, s in zip(names[:5], steps, strict=False)
    )
    wrong = explanation.additivity_error > explanation.additivity_tolerance
    title = f"Row {row}: {_output(explanation, of)}" + (
        " — THE VALUES DO NOT ADD UP, do not use them" if wrong else ""
    )
    with canvas(title, alt, height=1.2 + 0.3 * len(names)) as sheet:
        span = _waterfall_bars(sheet.axes, names, base, np.asarray(steps), errors)
        words = [f"{_clean(value, span):.4g}" for value in (base, ends[-1])]
        two = explanation.space == "margin" and len(explanation.classes) == 1
        if two:
            words = [
                f"{word} ({1 / (1 + np.exp(-value)):.1%})"
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
        axes.text(right, place, f"{_clean(steps[place], span):+.3g}", va="center", fontsize=8)
    for place in places[:-1]:
        axes.plot([ends[place]] * 2, [place - 0.3, place + 1.3], color=GREY, linewidth=0.7)
    axes.axvline(base, color=GREY, linewidth=1, linestyle="--")
    axes.axvline(ends[-1], color="black", linewidth=1)
    _names(axes, names, length=40)
    axes.set_xlim(low - 0.04 * span, high + 0.16 * span)
    axes.grid(axis="y", visible=False)
    return float(span)


def _clean(value: float, span: float) -> float:
    """Return 0 for what is too small to be seen on an axis of that span."""
    return value if abs(value) > 1e-4 * span else 0.0


def _class(explanation: Explanation, of: str | None) -> str:
    if of is None:
        return explanation.classes[0]
    if of not in explanation.classes:
        raise UsageError(f"{of!r} was not explained", expected=", ".join(explanation.classes[:10]))
    return of


def _output(explanation: Explanation, of: str) -> str:
    if len(explanation.classes) > 1:
        what = "log-odds" if explanation.space == "margin" else "probability"
        return f"{what} of the class {shorten(of)}"
    return shorten(explanation.output, 60)


def _cell(column: str, value: Any) -> str:
    if isinstance(value, str):
        return f"{shorten(column, 22)} = {shorten(value, 16)}"
    return shorten(column, 28) if column.startswith("(") else f"{shorten(column, 22)} missing"


def _names(axes: Any, names: list[str], length: int = 30) -> None:
    axes.set_yticks(range(len(names)), [shorten(name, length) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)


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
