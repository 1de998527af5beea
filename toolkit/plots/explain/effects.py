"""Figures of global effects: partial dependence, interactions, SHAP and permutation importance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import formats
from toolkit.errors import UsageError
from toolkit.plots.explain.shared import marked
from toolkit.plots.style import BLUE, GREY, ORANGE, Plot, canvas, shorten

if TYPE_CHECKING:
    from toolkit.artifacts import Curve, FeatureEffect, GlobalEffects

FLAGGED = 0.2
"""Share of rows outside the data from which a grid value is drawn hatched."""
_LIGHT = "#C9CDD4"


def effect(effects: GlobalEffects, column: str, of: str | None = None) -> Plot:
    """Draw a column's effect: partial dependence, single rows, accumulated local effects.

    All are changes from their mean over the rows, so that they can be compared. Stretches where
    a fifth or more of partial dependence's mixtures lie outside the data are hatched.

    Parameters
    ----------
    effects : GlobalEffects
        What was computed.
    column : str
        One of its effects.
    of : str, optional
        The output; the first by default.
    """
    found = next((each for each in effects.effects if each.column == column), None)
    if found is None:
        raise UsageError(
            f"column {column!r} has no effect computed",
            expected=", ".join(each.column for each in effects.effects),
        )
    of = effects.outputs[0] if of is None else of
    if of not in found.curves:
        raise UsageError(f"{of!r} has no effects", expected=", ".join(effects.outputs))
    what = (
        f"probability of {shorten(of)}" if len(effects.outputs) > 1 else shorten(effects.output, 60)
    )
    draw = _levels if found.levels else _line
    return draw(found, found.curves[of], f"{shorten(column)} and the {what}")


def centred(found: FeatureEffect, curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Return partial dependence (g,) and single rows (rows, g), 0 on average over the data."""
    counts = np.asarray(found.counts, dtype=np.float64)
    if not found.levels:  # each interval's rows are shared by its ends
        counts = (np.append(counts, 0) + np.append(0, counts)) / 2
    weights = counts / (counts.sum() or 1.0)
    pdp = np.asarray(curve.pdp)
    ice = np.asarray(curve.ice).reshape(-1, len(pdp))
    noise = 1e-9 * max(1.0, float(np.abs(pdp).max()))  # of adding up, not of the column
    found_pdp, found_ice = pdp - weights @ pdp, ice - (ice @ weights)[:, None]
    return (
        np.where(np.abs(found_pdp) < noise, 0.0, found_pdp),
        np.where(np.abs(found_ice) < noise, 0.0, found_ice),
    )


def _alt(found: FeatureEffect, pdp: np.ndarray, curve: Curve, places: list[str]) -> str:
    ale = np.asarray(curve.ale)
    flagged = sum(share >= FLAGGED for share in found.outside)
    return (
        f"Partial dependence from {formats.number(pdp.min(), sign=True)} at"
        f" {places[int(pdp.argmin())]} to"
        f" {formats.number(pdp.max(), sign=True)} at {places[int(pdp.argmax())]}; accumulated"
        f" local effects from"
        f" {formats.number(ale.min(), sign=True)} to {formats.number(ale.max(), sign=True)};"
        f" {flagged} of {len(pdp)} values rest on rows"
        " outside the data."
    )


def _line(found: FeatureEffect, curve: Curve, title: str) -> Plot:
    x = np.asarray(found.grid)
    pdp, ice = centred(found, curve)
    if found.kind == "date":
        places = [str(np.datetime64(int(day), "D")) for day in x]
    else:
        places = [formats.number(value, 4) for value in x]
    with canvas(title, _alt(found, pdp, curve, places), height=4.4, rows=2) as sheet:
        upper, lower = sheet.axes
        sheet.axes[0].get_gridspec().set_height_ratios([5, 1])
        sheet.figure.set_dpi(160)
        upper.axhline(0, color=GREY, linewidth=0.8)
        upper.plot(x, ice.T, color=_LIGHT, linewidth=0.6, rasterized=True)
        upper.fill_between(x, curve.ale_low, curve.ale_high, color=ORANGE, alpha=0.25, linewidth=0)
        marks = ("o", "s") if len(x) <= 3 else ("", "")
        upper.plot(x, pdp, color=BLUE, linewidth=2, marker=marks[0])
        upper.plot(x, curve.ale, color=ORANGE, linewidth=2, linestyle=(0, (5, 1.5)),
                   marker=marks[1])  # fmt: skip
        for low, high in _stretches(x, found.outside):
            upper.axvspan(low, high, facecolor="white", edgecolor=GREY, alpha=0.4, hatch="///",
                          linewidth=0, zorder=3)  # fmt: skip
        upper.set_ylabel("change of the output")
        upper.tick_params(labelbottom=False)
        width = np.diff(x)
        share = np.asarray(found.counts) / np.where(width > 0, width, 1)
        lower.bar(x[:-1], share, width=width, align="edge", color=_LIGHT, edgecolor="white",
                  linewidth=0.3)  # fmt: skip
        lower.set_yticks([])
        lower.set_ylabel("rows", fontsize=8)
        lower.set_xlabel(shorten(found.column, 60))
        margin = 0.02 * ((x[-1] - x[0]) or 1.0)
        for axes in (upper, lower):
            axes.set_xlim(x[0] - margin, x[-1] + margin)
            if found.kind == "date":
                date_axis(axes)
        _legend(upper, has_flags=any(share >= FLAGGED for share in found.outside))
    return sheet.plot


def date_axis(axes: Any) -> None:
    """Label an axis of days since 1970 with dates."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _stretches(x: np.ndarray, outside: list[float]) -> list[tuple[float, float]]:
    """Return the stretches of flagged values, each up to half way to its neighbours."""
    middle = (x[1:] + x[:-1]) / 2
    ends = np.concatenate([[x[0]], middle, [x[-1]]])
    found: list[tuple[float, float]] = []
    for place, share in enumerate(outside):
        if share >= FLAGGED:
            low, high = float(ends[place]), float(ends[place + 1])
            if found and found[-1][1] == low:
                found[-1] = (found[-1][0], high)
            else:
                found.append((low, high))
    return found


def _legend(axes: Any, *, has_flags: bool, dots: bool = False) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    style = {"linestyle": "", "markersize": 6} if dots else {"linewidth": 2}
    handles: list[Any] = [
        Line2D([], [], color=BLUE, marker="o" if dots else "", label="partial dependence", **style),
        Line2D([], [], color=ORANGE, label="accumulated local effects, 95%",
               **(style | ({"marker": "D"} if dots else {"linestyle": (0, (5, 1.5))}))),
        Line2D([], [], color=_LIGHT, label="middle 90% of single rows" if dots else "single rows",
               linewidth=4 if dots else 1),
    ]  # fmt: skip
    if has_flags and dots:
        handles.append(Line2D([], [], color=BLUE, marker="o", markerfacecolor="white",
                              linestyle="", label="outside the data"))  # fmt: skip
    elif has_flags:
        handles.append(Patch(facecolor="white", edgecolor=GREY, hatch="///", linewidth=0,
                             label="outside the data"))  # fmt: skip
    axes.figure.legend(handles=handles, fontsize=8, ncols=4, loc="outside upper left",
                       handlelength=1.6, columnspacing=1.2)  # fmt: skip


def _levels(found: FeatureEffect, curve: Curve, title: str) -> Plot:
    pdp, ice = centred(found, curve)
    alt = _alt(found, pdp, curve, [shorten(level) for level in found.levels])
    size = len(found.levels)
    with canvas(title, alt, height=1.5 + 0.34 * size, cols=2) as sheet:
        left, right = sheet.axes
        left.get_gridspec().set_width_ratios([5, 1])
        places = np.arange(size)
        left.axvline(0, color=GREY, linewidth=0.8)
        if len(ice):
            low, high = np.quantile(ice, [0.05, 0.95], axis=0)
            left.hlines(places - 0.13, low, high, color=_LIGHT, linewidth=4)
        flagged = np.asarray(found.outside) >= FLAGGED
        for place in places:
            left.plot(pdp[place], place - 0.13, "o", color=BLUE, markersize=6,
                      markerfacecolor="white" if flagged[place] else BLUE)  # fmt: skip
        left.hlines(places + 0.16, curve.ale_low, curve.ale_high, color="black", linewidth=1)
        left.plot(curve.ale, places + 0.16, "D", color=ORANGE, markersize=5)
        left.set_yticks(places, [shorten(level, 26) for level in found.levels])
        rarer = f"; {found.left_out:,} rarer values not drawn" if found.left_out else ""
        left.set_xlabel(f"change of the output{rarer}")
        left.set_ylabel(shorten(found.column, 24 if size > 4 else 13))
        right.barh(places, found.counts, height=0.6, color=_LIGHT)
        right.set_yticks([])
        right.locator_params(axis="x", nbins=2)
        right.set_xlabel("rows")
        for axes in (left, right):
            axes.set_ylim(size - 0.5, -0.5)
            axes.grid(axis="y", visible=False)
        _legend(left, has_flags=bool(flagged.any()), dots=True)
    return sheet.plot


def interactions(effects: GlobalEffects) -> Plot:
    """Draw the matrix of pairwise interactions: colour and number are the size, below it H."""
    found = effects.interactions
    names = found.columns
    if not found.pairs:
        raise UsageError("no interactions were computed", remedy="Give more rows or columns")
    place = {name: i for i, name in enumerate(names)}
    sizes = np.full((len(names), len(names)), np.nan)
    h: dict[tuple[int, int], float | None] = {}
    for pair in found.pairs:
        row, col = sorted((place[pair.first], place[pair.second]), reverse=True)
        sizes[row, col] = pair.size.value or 0.0
        h[row, col] = pair.h.value
    alt = "; ".join(
        f"{p.first} and {p.second}: {formats.number(p.size.value or 0)}"
        + ("" if p.h.value is None else f", H {p.h.value:.2f}")
        for p in found.pairs[:5]
    )
    title = f"Interactions: size in units of the {shorten(effects.output, 50)}, and Friedman's H"
    with canvas(title, alt, height=1.5 + 0.55 * len(names)) as sheet:
        axes = sheet.axes
        top = max(float(np.nanmax(sizes)), 1e-9)
        axes.imshow(sizes[1:, :-1], cmap="Blues", vmin=0, vmax=top, aspect="auto")
        for (row, col), share in h.items():
            dark = sizes[row, col] > 0.6 * top
            words = f"{formats.number(sizes[row, col], 2)}\n" + (
                "H –" if share is None else f"H {share:.2f}"
            )
            axes.text(col, row - 1, words, ha="center", va="center", fontsize=8,
                      color="white" if dark else "black")  # fmt: skip
        axes.set_xticks(range(len(names) - 1), [shorten(name, 18) for name in names[:-1]],
                        rotation=20, ha="right")  # fmt: skip
        axes.set_yticks(range(len(names) - 1), [shorten(name, 24) for name in names[1:]])
        axes.grid(visible=False)
        axes.spines[["left", "bottom"]].set_visible(False)
    return sheet.plot


def importances(effects: GlobalEffects, *, top: int = 15) -> Plot:
    """Draw importance by SHAP values beside permutation importance, with both ranks.

    Columns whose ranks differ by much are orange.
    """
    found = effects.permutation
    items = found.columns[:top]
    if not items:
        raise UsageError("no column was permuted", remedy="Give the model a column")
    agreement = "" if found.agreement is None else f" Rank correlation {found.agreement:.2f}."
    alt = "; ".join(
        f"{i.column}: rank by SHAP {i.shap_rank}, by permutation {i.rank}" for i in items
    )
    title = "SHAP and permutation importance" + (
        "" if found.agreement is None else f" (rank correlation {found.agreement:.2f})"
    )
    with canvas(title, alt + "." + agreement, height=1.4 + 0.3 * len(items), cols=2) as sheet:
        left, right = sheet.axes
        places = np.arange(len(items))
        colours = [ORANGE if item.why else BLUE for item in items]
        left.barh(places, [item.shap for item in items], height=0.6, color=colours)
        left.set_yticks(places, [marked(i.column, effects.suspects, 24) for i in items])
        left.set_xlabel("mean |contribution|")
        right.barh(places, [item.loss.value or 0.0 for item in items], height=0.6, color=colours)
        for place, item in enumerate(items):
            if item.loss.low is not None:
                right.plot([item.loss.low, item.loss.high], [place, place], color="black",
                           linewidth=1.2)  # fmt: skip
        right.axvline(0, color=GREY, linewidth=0.8)
        right.set_yticks(places, ["–" if i.rank is None else f"{i.rank}." for i in items])
        right.set_xlabel(f"how much worse {found.metric} gets\nwhen permuted (numbers: rank)")
        for axes in (left, right):
            axes.set_ylim(len(items) - 0.5, -0.5)
            axes.grid(axis="y", visible=False)
            axes.locator_params(axis="x", nbins=4)
    return sheet.plot
