"""Figures of ``01_scoping``: what is predicted, and what a decision costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import formats
from toolkit.artifacts import Feasibility
from toolkit.plots import style
from toolkit.plots.style import Plot

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.criteria import Costs
    from toolkit.project.model import Project

_MOST_BARS = 15


def overview(feasibility: Feasibility, project: Project, target: pd.Series) -> list[Plot]:
    """Return the figures that fit the task."""
    if feasibility.task == "regression":
        return [target_distribution(target, project.target.column, project.costs.unit)]
    figures = [class_balance(feasibility, project.target.column)]
    if feasibility.task == "binary":
        figures.append(cost_curve(feasibility, project.costs))
    return figures


def class_balance(feasibility: Feasibility, column: str = "target") -> Plot:
    """Draw the rows of each class."""
    tally = sorted(feasibility.classes.items(), key=lambda item: -item[1])
    shown = tally[:_MOST_BARS]
    if len(tally) > _MOST_BARS:
        rest = tally[_MOST_BARS - 1 :]
        shown = [*tally[: _MOST_BARS - 1], (f"{len(rest)} rarer classes", sum(n for _, n in rest))]
    total = max(feasibility.rows, 1)
    positive = feasibility.positive
    alt = "; ".join(
        f"{label}: {count:,} rows ({formats.share(count / total)})" for label, count in shown
    )
    title = f"Rows by class of {style.shorten(column)}"
    with style.canvas(title, alt + ".", height=0.9 + 0.34 * len(shown)) as sheet:
        axes = sheet.axes
        places = np.arange(len(shown))[::-1]
        colours = [style.ORANGE if label == positive else style.BLUE for label, _ in shown]
        bars = axes.barh(places, [count for _, count in shown], color=colours, height=0.65)
        axes.bar_label(bars, [f"{n:,} ({formats.share(n / total)})" for _, n in shown], padding=4)
        axes.set_yticks(
            places,
            [
                style.shorten(label) + (" (positive)" if label == positive else "")
                for label, _ in shown
            ],
        )
        axes.set_xlim(0, max(count for _, count in shown) * 1.22)
        axes.set_xlabel("rows")
        _thousands(axes.xaxis)
        axes.grid(axis="y", visible=False)
    return sheet.plot


def target_distribution(target: pd.Series, column: str, unit: str = "") -> Plot:
    """Draw the distribution of a numeric target, with mean and median."""
    values = target.to_numpy(dtype="float64", na_value=np.nan)
    values = values[np.isfinite(values)]
    low, high = (float(v) for v in np.quantile(values, [0.005, 0.995]))
    if low == high:
        low, high = float(values.min()), float(values.max())
    inside = values[(values >= low) & (values <= high)]
    outside = len(values) - len(inside)
    mean, median = float(values.mean()), float(np.median(values))
    alt = (
        f"{len(values):,} values from {formats.number(values.min())} to"
        f" {formats.number(values.max())}; mean"
        f" {formats.number(mean, 4)}, median {formats.number(median, 4)}."
    )
    left_out = f" ({outside:,} extreme values not drawn)" if outside else ""
    title = f"Distribution of {style.shorten(column)}{left_out}"
    with style.canvas(title, alt, height=2.8) as sheet:
        axes = sheet.axes
        axes.hist(inside, bins=min(40, max(5, len(np.unique(inside)))), color=style.BLUE)
        axes.axvline(mean, color=style.RED, linewidth=2, label=f"mean {formats.number(mean, 4)}")
        axes.axvline(
            median,
            color="black",
            linewidth=2,
            linestyle="--",
            label=f"median {formats.number(median, 4)}",
        )
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        axes.set_xlabel(f"{style.shorten(column)}" + (f" ({style.shorten(unit)})" if unit else ""))
        axes.set_ylabel("rows")
        axes.grid(axis="x", visible=False)
        _thousands(axes.yaxis)
        if max(abs(low), abs(high)) >= 10_000:
            _thousands(axes.xaxis)
    return sheet.plot


def _thousands(axis: Any) -> None:
    axis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def cost_curve(feasibility: Feasibility, costs: Costs) -> Plot:
    """Draw what either decision costs on average, by the probability of the positive class.

    The lines cross at the threshold that the costs imply.
    """
    share = np.linspace(0, 1, 101)
    act = share * costs.true_positive + (1 - share) * costs.false_positive
    leave = share * costs.false_negative + (1 - share) * costs.true_negative
    threshold = feasibility.cost_threshold if feasibility.cost_threshold is not None else 0.5
    unit = f" ({style.shorten(costs.unit)})" if costs.unit else ""
    alt = (
        f"Predicting positive costs {formats.number(act[0], 4)} at probability 0 and"
        f" {formats.number(act[-1], 4)} at 1; predicting negative"
        f" costs {formats.number(leave[0], 4)} and {formats.number(leave[-1], 4)}. Acting is"
        f" cheaper from a probability of"
        f" {formats.number(threshold)} on."
    )
    with style.canvas("What each decision costs, by probability", alt, height=3.0) as sheet:
        axes = sheet.axes
        axes.plot(share, act, color=style.ORANGE, linewidth=2, label="predict positive")
        axes.plot(
            share, leave, color=style.BLUE, linewidth=2, linestyle="--", label="predict negative"
        )
        axes.fill_between(
            share,
            np.minimum(act, leave),
            min(act.min(), leave.min()),
            color=style.GREY,
            alpha=0.12,
            label="the cheaper of the two",
        )
        axes.axvline(threshold, color="black", linewidth=1)
        _mark(axes, threshold, max(act.max(), leave.max()))
        axes.set_xlim(0, 1)
        axes.set_xlabel("probability of the positive class")
        axes.set_ylabel(f"expected cost a row{unit}")
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return sheet.plot


def _mark(axes: Any, threshold: float, top: float) -> None:
    right = threshold < 0.7
    axes.annotate(
        f"threshold {formats.number(threshold)}",
        (threshold, top),
        xytext=(6 if right else -6, -4),
        textcoords="offset points",
        ha="left" if right else "right",
        va="top",
    )
