"""Figures of the champion on the test rows."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from toolkit import formats, metrics
from toolkit.artifacts import Champion, Evaluation
from toolkit.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    RED,
    Plot,
    canvas,
    draw_interval,
    empty_figure,
    name_rows,
    shorten,
)

_MOST_CLASSES = 12


def metric_intervals(evaluation: Evaluation) -> Plot:
    """Draw every metric with its interval, beside what a constant guess scores.

    Each metric has its own scale; the filled dot is the model.
    """
    names = [name for name, each in evaluation.metrics.items() if each.value is not None]
    names.sort(key=lambda name: name != evaluation.metric)
    alt = "; ".join(
        f"{metrics.get(n).title} {evaluation.metrics[n].text()}, constant guess"
        f" {formats.number(evaluation.constant.get(n))}"
        for n in names
    )
    if not names:
        return empty_figure("Metrics on the test rows", "The test rows define no metric.")
    title = f"Metrics on {evaluation.rows:,} test rows, with intervals"
    with canvas(title, alt, height=0.55 * len(names) + 0.5, rows=len(names)) as sheet:
        for place, (axes, name) in enumerate(zip(np.atleast_1d(sheet.axes), names, strict=True)):
            metric, score = metrics.get(name), evaluation.metrics[name]
            constant = evaluation.constant.get(name)
            draw_interval(axes, 0, score, BLUE)
            if constant is not None:
                axes.plot(constant, 0, "D", color=GREY, markersize=6, markerfacecolor="white")
            arrow = "higher is better" if metric.greater_is_better else "lower is better"
            label = f"{metric.title}\n{score.text()}"
            weight = "bold" if name == evaluation.metric else "normal"
            axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8, weight=weight)
            axes.set_title(arrow, fontsize=7, loc="right", pad=1, weight="normal", color=GREY)
            axes.set_yticks([])
            axes.margins(x=0.08)
            axes.tick_params(labelsize=7)
            axes.spines["left"].set_visible(False)
            if place == 0:
                _legend(axes, [("o", BLUE, "model, with interval"), ("D", GREY, "constant guess")])
    return sheet.plot


def confusion(evaluation: Evaluation) -> Plot:
    """Draw rows by actual and decided class; colour is the share of the actual class."""
    title = "Actual class (down) against decision (across), at the threshold"
    if not evaluation.confusion:
        return empty_figure(title, "A number is predicted: there are no classes.")
    rows, columns, cells = _confusion_cells(evaluation)
    share = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    alt = "; ".join(
        f"of {int(line.sum()):,} {shorten(name)}, "
        + ", ".join(
            f"{int(x):,} as {shorten(other)}" for other, x in zip(columns, line, strict=True)
        )
        for name, line in zip(rows[:6], cells[:6], strict=True)
    )
    size = max(2.4, 0.42 * len(rows) + 1.5)
    with canvas(title, alt, width=min(7.0, size + 2.6), height=size) as sheet:
        axes = sheet.axes
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for i, j in np.ndindex(*cells.shape):
            colour = "white" if share[i, j] > 0.55 else "black"
            small = len(rows) > 6
            text = f"{int(cells[i, j]):,}" + ("" if small else f"\n{formats.percent(share[i, j])}")
            axes.text(
                j, i, text, ha="center", va="center", color=colour, fontsize=7 + 2 * (not small)
            )
        axes.set_xticks(range(len(columns)), [shorten(c, 14) for c in columns])
        axes.set_yticks(range(len(rows)), [shorten(c, 18) for c in rows])
        if len(columns) > 4 and max(len(c) for c in columns) > 4:
            axes.tick_params(axis="x", rotation=45)
        axes.grid(visible=False)
        axes.set_xlabel("decided")
        axes.set_ylabel("actual")
    return sheet.plot


def _confusion_cells(evaluation: Evaluation) -> tuple[list[str], list[str], np.ndarray]:
    table = evaluation.confusion
    rows, columns = list(table), list(next(iter(table.values())))
    cells = np.array([[table[a][p] for p in columns] for a in rows], dtype=float)
    if len(rows) <= _MOST_CLASSES:
        return rows, columns, cells
    # The largest classes are named, the rest drawn together.
    order = np.argsort(-cells.sum(axis=1), kind="stable")
    kept = {rows[i] for i in order[: _MOST_CLASSES - 1]}

    def fold(names: list[str]) -> tuple[list[str], np.ndarray]:
        named = [name for name in names if name in kept]
        matrix = np.zeros((len(named) + 1, len(names)))
        for place, name in enumerate(names):
            matrix[named.index(name) if name in kept else -1, place] = 1
        return [*named, f"{len(names) - len(named)} others"], matrix

    row_names, down = fold(rows)
    column_names, across = fold(columns)
    return row_names, column_names, down @ cells @ across.T


def calibration(evaluation: Evaluation) -> Plot:
    """Draw the observed share against the predicted probability, bin by bin."""
    bins = evaluation.calibration
    title = "Calibration on the test rows"
    if not bins:
        return empty_figure(title, "A number is predicted: there is no probability to check.")
    several = len(next(iter(evaluation.confusion.values()), {})) > 2
    what = "probability of the likeliest class" if several else "predicted probability"
    worst = max(bins, key=lambda each: abs(each.predicted - each.observed))
    alt = (
        f"{len(bins)} bins; furthest from the diagonal: predicted {worst.predicted:.2f},"
        f" observed {worst.observed:.2f} ({worst.low:.2f} to {worst.high:.2f}) on"
        f" {worst.rows} rows."
    )
    with canvas(title, alt, width=4.6, height=4.0) as sheet:
        axes = sheet.axes
        axes.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1, label="perfect")
        x, y = [b.predicted for b in bins], [b.observed for b in bins]
        reach = [[b.observed - b.low for b in bins], [b.high - b.observed for b in bins]]
        axes.errorbar(x, y, yerr=reach, fmt="o-", color=BLUE, capsize=3, linewidth=1.3,
                      label="model, with interval")  # fmt: skip
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel(what)
        axes.set_ylabel("share right" if several else "observed share of positives")
        axes.legend(loc="upper left", fontsize=8)
    return sheet.plot


def cost(evaluation: Evaluation, champion: Champion | None = None, unit: str = "") -> Plot:
    """Draw what a decision costs: by threshold on the out-of-fold rows, and on the test rows.

    Parameters
    ----------
    evaluation : Evaluation
        For the cost on the test rows.
    champion : Champion, optional
        For the threshold and the curve on the out-of-fold rows (binary).
    unit : str
        Of the costs.
    """
    title = "Mean cost a row" + (f" in {shorten(unit)}" if unit else "")
    if evaluation.cost is None or evaluation.cost.value is None:
        return empty_figure(title, "A number is predicted: there is no decision that costs.")
    found = evaluation.cost
    alt = (
        f"On the test rows {found.text()}; the cheapest constant decision costs"
        f" {formats.number(evaluation.constant_cost)}."
    )
    curve = champion.threshold_curve if champion is not None else []
    threshold = champion.threshold if champion is not None else None
    if not curve or threshold is None:
        with canvas(title, alt, height=1.5) as sheet:
            draw_interval(sheet.axes, 0, found, BLUE)
            if evaluation.constant_cost is not None:
                sheet.axes.plot(
                    evaluation.constant_cost, 0, "D", color=GREY, markerfacecolor="white"
                )
            sheet.axes.set_yticks([])
            sheet.axes.margins(x=0.15, y=0.6)
            _legend(sheet.axes, [("o", BLUE, "model"), ("D", GREY, "cheapest constant decision")])
        return sheet.plot
    alt += f" The threshold is {formats.number(threshold)}."
    with canvas(title, alt, height=3.4) as sheet:
        axes = sheet.axes
        points = sorted(curve, key=lambda each: each.threshold)
        axes.plot([p.threshold for p in points], [p.cost for p in points], color=BLUE,
                  label="out-of-fold rows, by threshold")  # fmt: skip
        axes.axvline(threshold, color=RED, linewidth=1.2, linestyle=":")
        reach = [[found.value - (found.low or 0)], [(found.high or 0) - found.value]]
        axes.errorbar([threshold], [found.value], yerr=reach if found.low is not None else None,
                      fmt="o", color=RED, capsize=4,
                      label=f"test rows, at {formats.number(threshold)}")  # fmt: skip
        if evaluation.constant_cost is not None:
            axes.axhline(evaluation.constant_cost, color=GREY, linestyle="--", linewidth=1,
                         label="cheapest constant decision")  # fmt: skip
        axes.set_xlabel("threshold")
        axes.set_ylabel("mean cost a row")
        axes.legend(fontsize=8)
    return sheet.plot


def slices(evaluation: Evaluation) -> Plot:
    """Draw the score of each weak slice against that of all test rows."""
    metric = metrics.get(evaluation.metric)
    title = f"{metric.title} on the weakest slices"
    if not evaluation.slices:
        return empty_figure(title, "No slice is significantly worse than the other rows.")
    whole = evaluation.metrics[evaluation.metric].value
    alt = "; ".join(f"{s.where}: {s.score.text()} on {s.rows:,} rows" for s in evaluation.slices)
    names = [textwrap.fill(shorten(s.where, 84), 46) for s in evaluation.slices]
    height = 0.9 + 0.2 * sum(max(2, name.count("\n") + 1) for name in names)
    with canvas(title, f"All rows: {formats.number(whole)}. {alt}", height=height) as sheet:
        axes = sheet.axes
        for place, item in enumerate(evaluation.slices):
            if item.score.value is not None:
                draw_interval(axes, place, item.score, ORANGE)
        if whole is not None:
            axes.axvline(whole, color=BLUE, linewidth=1.3, linestyle="--", label="all test rows")
            axes.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), borderpad=0)
        labels = [f"{n}  ({s.rows:,})" for n, s in zip(names, evaluation.slices, strict=True)]
        name_rows(axes, labels, fontsize=8)
        better = "higher" if metric.greater_is_better else "lower"
        axes.set_xlabel(f"{metric.title} ({better} is better)")
        axes.margins(x=0.1)
    return sheet.plot


def _legend(axes: Any, items: list[tuple[str, str, str]]) -> None:
    handles = [
        axes.plot([], [], mark, color=colour, label=text,
                  markerfacecolor=colour if mark == "o" else "white")[0]
        for mark, colour, text in items
    ]  # fmt: skip
    axes.legend(handles=handles, fontsize=8, ncols=len(items), loc="lower left",
                bbox_to_anchor=(0, 1.0), borderpad=0.1)  # fmt: skip
