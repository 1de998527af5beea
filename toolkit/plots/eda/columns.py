"""Distributions of columns, with the target's relation drawn over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit import formats
from toolkit.artifacts import ColumnProfile, Profile
from toolkit.plots import style
from toolkit.plots.style import Plot

_BAR = "#C9CED6"
_LEVELS = 8
_GRID_COLUMNS = 3
_CLASSES = 4
_FEW_ROWS = 10
_TARGET_COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE, style.RED, style.SKY)
_MARKERS = "osD^vP"


@dataclass(frozen=True)
class _Scale:
    """What the line over the bars means, and its axis."""

    name: str
    shares: bool


def overview(profile: Profile, *, target: str = "", top: int = 12) -> Plot:
    """Draw the columns that predict the target best: bars are rows, the line is the target.

    Parameters
    ----------
    profile : Profile
        The table in numbers.
    target : str
        What the line shows, such as ``share of Yes`` or ``mean of price``; found from the
        profile if empty.
    top : int
        How many columns.
    """
    shown = _most_associated(profile, top)
    own = next((c for c in profile.columns if c.role == "target"), None)
    drawn = ([own] if own else []) + shown[: top - 1 if own else top]
    rows = max(1, -(-len(drawn) // _GRID_COLUMNS))
    best = ", ".join(f"{c.name} {c.association or 0:.2f}" for c in shown[:3])
    alt = f"Distributions of {len(drawn)} of {len(profile.columns)} columns. Best alone: {best}."
    scale = _scale(profile, target)
    title = (
        f"Rows (bars) and {scale.name} (line), best predictors first; beside the name: how well the"
        " column alone predicts, 0 to 1"
    )
    with style.canvas(title, alt, width=9, height=2.5 * rows + 0.4, rows=rows,
                      cols=_GRID_COLUMNS) as sheet:  # fmt: skip
        axes = np.atleast_1d(sheet.axes).ravel()
        frequent = {label for label, _ in own.top[:_CLASSES]} if own else set()
        for axis, facts in zip(axes, drawn, strict=False):
            _draw(axis, facts, scale, only=frequent)
            name = style.shorten(facts.name, 24)
            strength = "" if facts.association is None else f"  {facts.association:.2f}"
            axis.set_title("target: " + name if facts is own else name + strength, fontsize=9)
        for axis in axes[len(drawn) :]:
            axis.set_visible(False)
        _legend(sheet.figure, drawn, frequent)
    return sheet.plot


def column(profile: Profile, name: str, *, target: str = "") -> Plot:
    """Draw one column: its distribution and, as a line, the target.

    Parameters
    ----------
    profile : Profile
        The table in numbers.
    name : str
        The column.
    target : str
        As for `overview`.
    """
    facts = next(c for c in profile.columns if c.name == name)
    scale = _scale(profile, target)
    title = f"{style.shorten(name, 60)}: rows (bars)" + (
        f" and {scale.name} (line)" if _has_relation(facts) else ""
    )
    with style.canvas(title, _column_alt(profile, facts), width=7, height=3) as sheet:
        _draw(sheet.axes, facts, scale, large=True)
        _legend(sheet.figure, [facts], None)
    return sheet.plot


def _column_alt(profile: Profile, facts: ColumnProfile) -> str:
    text = (
        f"{facts.name}: {facts.missing:,} of {profile.rows:,} missing, {facts.distinct:,} distinct"
    )
    if facts.quartiles and facts.measure:
        text += f", {facts.measure}: median {formats.number(facts.quartiles[1], 6)}"
    elif facts.quartiles and facts.type == "number":
        text += (
            f", median {formats.number(facts.quartiles[1], 6)}, from {facts.minimum} to"
            f" {facts.maximum}"
        )
    elif facts.top:
        text += f", most often {facts.top[0][0]!r} ({facts.top[0][1]:,})"
    return text + "."


def _most_associated(profile: Profile, top: int) -> list[ColumnProfile]:
    usable = [
        c
        for c in profile.columns
        if c.role not in ("target", "identifier", "ignore") and (c.histogram_counts or c.top)
    ]
    return sorted(usable, key=lambda c: -(c.association or 0.0))[:top]


def _scale(profile: Profile, target: str) -> _Scale:
    own = next((c for c in profile.columns if c.role == "target"), None)
    # A mean of numbers needs their axis; shares run from 0 to 1 whatever the class is.
    inside = all(
        value is None or 0 <= value <= 1 for c in profile.columns for value in c.target_by_bin
    )
    shares = own is None or own.type != "number" or inside
    name = target or (
        "target share" if shares else f"mean {style.shorten(own.name, 20)}" if own else ""
    )
    return _Scale(name, shares)


def _has_relation(facts: ColumnProfile) -> bool:
    return bool(facts.target_by_bin or facts.classes_by_bin)


def _relations(facts: ColumnProfile) -> Iterator[tuple[str, str, str, list[float | None]]]:
    if facts.target_by_bin:
        yield "", style.BLUE, "o", facts.target_by_bin
    for k, (label, values) in enumerate(facts.classes_by_bin.items()):
        yield label, _TARGET_COLOURS[k % 6], _MARKERS[k % 6], values


def _draw(
    axis: Any,
    facts: ColumnProfile,
    scale: _Scale,
    *,
    only: set[str] | None = None,
    large: bool = False,
) -> None:
    """Draw bars and line; `only` names the classes to show of several, None means all."""
    if facts.histogram_counts:
        centres = _number_bars(axis, facts)
    else:
        centres = _level_bars(axis, facts, large)
    axis.tick_params(labelsize=8 if large else 7)
    axis.grid(axis="x", visible=False)
    axis.yaxis.set_major_locator(_ticker().MaxNLocator(4, integer=True, steps=_STEPS))
    axis.yaxis.set_major_formatter(_ticker().FuncFormatter(_thousands))
    if large:
        axis.set_ylabel("rows")
    if not _has_relation(facts) or not len(centres):
        return
    right = axis.twinx()
    right.grid(visible=False)
    right.tick_params(labelsize=8 if large else 7, colors=style.BLUE)
    counts = facts.histogram_counts or [n for _, n in facts.top]
    # The mean of a handful of rows is noise, and would stretch the axis.
    least = max(3.0, min(float(_FEW_ROWS), sum(counts) / 100))
    for label, colour, marker, values in _relations(facts):
        if label and only is not None and label not in only:
            continue
        heights = [
            np.nan if v is None or n < least else v
            for v, n in zip(values[: len(centres)], counts, strict=False)
        ]
        lined = facts.histogram_counts or facts.type == "number"
        right.plot(
            centres[: len(heights)], heights, color=colour, marker=marker,
            markersize=4 if large else 3, linewidth=1.3 if lined else 0,
        )  # fmt: skip
    right.spines["right"].set_visible(True)
    right.yaxis.set_major_locator(_ticker().MaxNLocator(4, steps=_STEPS))
    if scale.shares:
        right.set_ylim(-0.03, max(0.1, min(1.03, right.get_ylim()[1] * 1.1)))
        right.yaxis.set_major_formatter(_ticker().PercentFormatter(1, decimals=0))
    else:
        right.yaxis.set_major_formatter(_ticker().FuncFormatter(_thousands))
    if large:
        right.set_ylabel(scale.name, color=style.BLUE)


def _number_bars(axis: Any, facts: ColumnProfile) -> np.ndarray:
    edges = np.array(facts.histogram_edges)
    counts = np.array(facts.histogram_counts)
    inner = np.diff(edges)
    if len(inner) > 4 and (inner[0] > 3 * inner[1] or inner[-1] > 3 * inner[-2]):
        # The outer bins gather a long tail: draw them as wide as the others, and say so.
        edges = edges.copy()
        tails = [inner[0] > 3 * inner[1], inner[-1] > 3 * inner[-2]]
        edges[0] = edges[1] - inner[1]
        edges[-1] = edges[-2] + inner[-2]
        where = " and ".join(w for w, there in zip(("first", "last"), tails, strict=True) if there)
        axis.set_xlabel(f"{where} bar: all beyond", fontsize=7)
    axis.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color=_BAR,
             edgecolor="white", linewidth=0.5)  # fmt: skip
    if facts.measure:
        axis.set_xlabel(facts.measure, fontsize=7)
    if facts.type == "date":
        axis.xaxis.set_major_locator(_ticker().MaxNLocator(4, steps=_STEPS))
        axis.xaxis.set_major_formatter(_ticker().FuncFormatter(_date_of(edges[-1] - edges[0])))
    else:
        whole = len(edges) > 1 and bool(np.all(np.diff(facts.histogram_edges) == 1))
        axis.xaxis.set_major_locator(_ticker().MaxNLocator(5, integer=whole, steps=_STEPS))
        axis.xaxis.set_major_formatter(_ticker().FuncFormatter(_thousands))
    return (edges[:-1] + edges[1:]) / 2


def _level_bars(axis: Any, facts: ColumnProfile, large: bool) -> np.ndarray:
    top = facts.top[: 12 if large else _LEVELS]
    centres = np.arange(len(top))
    axis.bar(centres, [n for _, n in top], color=_BAR, width=0.8)
    labels = [style.shorten(value, 16 if large else 10) for value, _ in top]
    turned = sum(len(label) for label in labels) > (60 if large else 24)
    axis.set_xticks(
        centres, labels, rotation=35 if turned else 0, ha="right" if turned else "center"
    )
    if facts.distinct > len(top):
        axis.set_xlabel(f"top {len(top)} of {facts.distinct:,}", fontsize=7)
    return centres


def _legend(figure: Any, drawn: list[ColumnProfile], only: set[str] | None) -> None:
    from matplotlib.lines import Line2D

    several = next((c for c in drawn if c.classes_by_bin), None)
    if several is None:
        return
    handles = [
        Line2D([], [], color=colour, marker=marker, label=style.shorten(label, 20))
        for label, colour, marker, _ in _relations(several)
        if only is None or label in only
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, fontsize=8,
                  title="share of class", title_fontsize=8)  # fmt: skip


_STEPS = (1, 2, 2.5, 5, 10)
"""Leading digits of the spacing between ticks."""


def _ticker() -> Any:
    from matplotlib import ticker

    return ticker


def _thousands(value: float, _: Any = None) -> str:
    size = abs(value)
    for limit, sign in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if size >= limit * (10 if sign == " k" else 1):
            return f"{formats.number(value / limit, 6)}{sign}"
    return formats.number(value, 6)


def _date_of(span: float) -> Any:
    form = "%Y" if span > 6 * 365 * 86400 else "%Y-%m" if span > 90 * 86400 else "%m-%d"

    def text(value: float, _: Any = None) -> str:
        return np.datetime64(int(value), "s").item().strftime(form)

    return text
