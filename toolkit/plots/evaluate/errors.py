"""Figures of errors: error tree, curves, slices."""

from __future__ import annotations

import textwrap
from typing import Any

from toolkit.artifacts import ErrorNode, ErrorsFound
from toolkit.artifacts.base import Interval
from toolkit.errors import UsageError
from toolkit.plots.style import (
    BLUE,
    GREY,
    RED,
    Plot,
    canvas,
    draw_interval,
    empty_figure,
    name_rows,
    shorten,
)

_MAP = "YlOrBr"
_LINE = 30
_DARK = 0.6
"""Above this share of the colour range, text is white."""


def tree(found: ErrorsFound) -> Plot:
    """Draw the error tree from left to right: what divides the rows, and the loss there.

    Darker nodes have a higher mean loss on the held-out rows; a thick frame and a triangle
    mark the leaves in which the held-out rows confirm it. Each leaf has the same height,
    however many rows it holds, so that it can be read.
    """
    title = f"Error tree: {found.loss} of rows held out from it"
    if not found.tree:
        sentence = "No error tree was grown: there are too few test rows, or all losses are equal."
        return empty_figure(title, sentence)
    leaves = [node for node in found.tree if node.leaf]
    alt = f"All held-out rows {found.tree[0].loss.text()}. " + "; ".join(
        f"{'▲ ' if node.worse else ''}{shorten(node.where, 120)}: {node.loss.text()} on"
        f" {node.rows:,} rows"
        for node in leaves
    )
    spans = _spans(found.tree)
    values = [node.loss.value for node in found.tree if node.loss.value is not None]
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    depth = max(node.depth for node in found.tree) + 1
    with canvas(title, alt, width=2.25 * depth, height=0.7 + 0.66 * len(leaves)) as sheet:
        axes = sheet.axes
        for place, node in enumerate(found.tree):
            _box(axes, node, spans[place], low, high)
        axes.set_xlim(-0.03, depth + 0.03)
        axes.set_ylim(len(leaves) + 0.03, -0.03)
        axes.axis("off")
        axes.text(0, len(leaves) + 0.12, "Darker: higher loss.  ▲ and a thick frame: confirmed on"
                  " the held-out rows.", fontsize=8, color=GREY, va="top")  # fmt: skip
    return sheet.plot


def curve(found: ErrorsFound, over: str) -> Plot:
    """Draw the mean residual (numbers) or loss (classes) over the ranges of a quantity.

    Parameters
    ----------
    found : ErrorsFound
        What was computed.
    over : str
        One of the curves' ``over``.
    """
    chosen = next((each for each in found.curves if each.over == over), None)
    if chosen is None:
        raise UsageError(
            f"there is no curve over {over!r}", expected=", ".join(c.over for c in found.curves)
        )
    parts = [part for part in chosen.parts if part.value.value is not None]
    alt = f"All rows {found.overall.text()}. " + "; ".join(
        f"{shorten(part.name, 40)}: {part.value.text()} on {part.rows:,} rows" for part in parts
    )
    title = f"{found.measure.capitalize()} over {shorten(over, 40)}"
    with canvas(title, alt, height=1.1 + 0.3 * len(parts)) as sheet:
        axes = sheet.axes
        for place, part in enumerate(parts):
            draw_interval(axes, place, part.value, BLUE)
        if "residual" in found.measure:
            axes.axvline(0, color=GREY, linewidth=1)
        elif found.overall.value is not None:
            axes.axvline(found.overall.value, color=RED, linestyle="--", linewidth=1.2,
                         label="all rows")  # fmt: skip
            axes.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), borderpad=0)
        labels = [f"{shorten(part.name, 42)}  ({part.rows:,})" for part in parts]
        name_rows(axes, labels, fontsize=8)
        axes.set_xlabel(found.measure)
        axes.margins(x=0.1)
    return sheet.plot


def two_sides(
    where: str, metric: str, inside: Interval, outside: Interval, rows: tuple[int, int]
) -> Plot:
    """Draw a metric inside a slice beside that of all other rows.

    Parameters
    ----------
    where : str
        The slice in words.
    metric : str
        The metric's title.
    inside, outside : Interval
        Its values.
    rows : (int, int)
        Rows inside and outside.
    """
    items = [("inside", inside, RED, rows[0]), ("all other rows", outside, BLUE, rows[1])]
    alt = "; ".join(f"{name} ({n:,} rows): {each.text()}" for name, each, _, n in items)
    with canvas(f"{metric}: {shorten(where, 60)}", alt, height=1.5) as sheet:
        axes = sheet.axes
        for place, (_, each, colour, _) in enumerate(items):
            if each.value is None:
                continue
            if each.low is not None and each.high is not None:
                axes.plot([each.low, each.high], [place, place], color=colour, linewidth=2.5)
            axes.plot(each.value, place, "o" if place else "D", color=colour, markersize=7)
        axes.set_yticks(range(2), [f"{name} ({n:,})" for name, _, _, n in items])
        axes.set_ylim(1.6, -0.6)
        axes.set_xlabel(metric)
        axes.margins(x=0.15)
    return sheet.plot


def _middle(text: str, length: int) -> str:
    """Return text cut in its middle: a condition's column and its value both tell."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    return f"{line[: length // 2 - 1]}…{line[-(length // 2) :]}"


def _spans(nodes: list[ErrorNode]) -> list[tuple[int, int]]:
    """Return the first and last leaf (exclusive) below each node."""
    count = 0
    spans: list[tuple[int, int]] = []
    for node in nodes:
        spans.append((count, count + 1))
        count += node.leaf
    for place in reversed(range(len(nodes))):
        parent = nodes[place].parent
        if parent is not None:
            spans[parent] = (
                min(spans[parent][0], spans[place][0]),
                max(spans[parent][1], spans[place][1]),
            )
    return spans


def _box(axes: Any, node: ErrorNode, span: tuple[int, int], low: float, high: float) -> None:
    import matplotlib as mpl

    share = 0.0
    if node.loss.value is not None and high > low:
        share = (node.loss.value - low) / (high - low)
    colour = mpl.colormaps[_MAP](0.05 + 0.8 * share)
    ink = "white" if share > _DARK else "black"
    first, last = span
    axes.add_patch(
        mpl.patches.Rectangle(
            (node.depth + 0.02, first + 0.04), 0.96, last - first - 0.08,
            facecolor=colour, edgecolor="black" if node.worse else "#B8BCC4",
            linewidth=2.4 if node.worse else 0.8,
        )
    )  # fmt: skip
    said = _middle(node.condition or "all rows", 2 * _LINE - 4)
    lines = textwrap.wrap(said, _LINE, max_lines=3, placeholder="…")
    mark = "▲ " if node.worse else ""
    text = "\n".join([*lines, f"{mark}{node.loss.text()}", f"{node.rows:,} rows"])
    axes.text(node.depth + 0.06, (first + last) / 2, text, fontsize=7.5, va="center", color=ink,
              linespacing=1.15)  # fmt: skip
