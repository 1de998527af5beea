"""Figures of intersections, and of fairness against its cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit import formats
from toolkit.artifacts import FairnessDetail, Interval, TradeOffPoint
from toolkit.plots.evaluate.group_results import RATE_TITLES, panels, side_by_side
from toolkit.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    Plot,
    canvas,
    empty_figure,
    shorten,
)

_MOST = 16
# Marks differ in shape too, so that colour is never the only sign.
_MARKS = {
    "thresholds": ("o-", BLUE, "champion, thresholds by group"),
    "surrogate": ("D", GREY, "surrogate model, unmitigated"),
    "reweighting": ("s--", ORANGE, "surrogate model, reweighted"),
    "reductions": ("^:", GREEN, "surrogate model, reduction"),
}


def crossings(detail: FairnessDetail, columns: list[str]) -> Plot:
    """Draw the results of each crossing of two protected columns, the largest first."""
    title = f"Results by {' and '.join(shorten(name) for name in columns)}"
    items = [each for each in detail.crossings if each.columns == columns][:_MOST]
    names = list(items[0].metrics) if items else []
    rates = [name for name in names if name in RATE_TITLES] or names
    return side_by_side(
        title,
        [(" · ".join(shorten(group, 16) for group in each.groups), each) for each in items],
        panels(rates, [], detail.crossing_verdicts),
    )


def trade_off(detail: FairnessDetail, column: str, chosen: str = "", unit: str = "") -> Plot:
    """Draw the difference between groups of one column against the mean cost of decisions.

    Bars are intervals. Left is fairer, down is cheaper. Only points of the same model are to be
    compared: the surrogate model starts from its own unmitigated point.

    Parameters
    ----------
    detail : FairnessDetail
        With the curve.
    column : str
        The protected column.
    chosen : str
        The name of the point that is ringed.
    unit : str
        Of the costs.
    """
    title = f"Fairness by {shorten(column)} against cost, on the test rows"
    points = [
        each
        for each in detail.curve
        if each.column == column and None not in (each.difference.value, each.cost.value)
    ]
    if not points:
        return empty_figure(
            title, detail.no_curve or "No two groups have enough rows to be compared."
        )
    words = detail.metric.replace("_", " ")
    alt = f"Limit {formats.number(detail.limit, 6)}. " + "; ".join(
        f"{each.name}: {words} {each.difference.text()}, cost {each.cost.text()}" for each in points
    )
    with canvas(title, alt, width=7.4, height=4.2) as sheet:
        axes = sheet.axes
        for method, (style, colour, label) in _MARKS.items():
            mine = [each for each in points if each.method == method]
            if mine:
                _path(axes, mine, style, colour, label)
        for each in points:
            if each.name == chosen:
                axes.plot(_value(each.difference), _value(each.cost), "o", color=PURPLE,
                          markersize=15, markerfacecolor="none", markeredgewidth=2,
                          label="chosen")  # fmt: skip
        axes.axvline(detail.limit, color="black", linewidth=1.2, linestyle="-.",
                     label=f"limit {formats.number(detail.limit, 6)}")  # fmt: skip
        axes.set_xlim(left=0)
        axes.set_xlabel(f"{words} (left is fairer)")
        axes.set_ylabel("mean cost a row" + (f", {shorten(unit, 16)}" if unit else ""))
        axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.45, -0.16), ncols=3)
    return sheet.plot


def _path(axes: Any, points: list[TradeOffPoint], style: str, colour: str, label: str) -> None:
    x, y = [_value(p.difference) for p in points], [_value(p.cost) for p in points]
    axes.errorbar(x, y, xerr=_reach([p.difference for p in points]),
                  yerr=_reach([p.cost for p in points]), fmt="none", ecolor=colour, alpha=0.28,
                  linewidth=1)  # fmt: skip
    axes.plot(x, y, style, color=colour, markersize=6, linewidth=1.3, label=label)
    if points[0].method == "thresholds":
        for point in points:
            if point.strength in (0.0, 1.0):
                axes.annotate(
                    formats.number(point.strength, 6),
                    (_value(point.difference), _value(point.cost)),
                    textcoords="offset points", xytext=(5, 6), fontsize=8, color=colour,
                )  # fmt: skip


def _value(interval: Interval) -> float:
    return float("nan") if interval.value is None else interval.value


def _reach(items: list[Interval]) -> np.ndarray:
    """Return how far the intervals reach below and above their values, (2, points)."""
    return np.array(
        [
            [max(_value(i) - (i.low if i.low is not None else _value(i)), 0) for i in items],
            [max((i.high if i.high is not None else _value(i)) - _value(i), 0) for i in items],
        ]
    )
