"""Figures of ``02_eda``: what the table holds, what drifts, what may leak."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit import formats
from toolkit.artifacts import Profile, Quality, SplitSummary
from toolkit.artifacts.base import SEVERITIES
from toolkit.plots import style
from toolkit.plots.eda.columns import column, overview
from toolkit.plots.explain.shared import marked, name_bars
from toolkit.plots.style import Plot

__all__ = [
    "associations", "baseline", "column", "drift", "heatmap", "missingness", "overview",
    "severities", "split", "suspects",
]  # fmt: skip

_PARTS = {"train": style.BLUE, "validation": style.ORANGE, "test": style.GREEN,
          "unused": style.GREY}  # fmt: skip
_GRADES = {"critical": style.RED, "warning": style.ORANGE, "info": style.SKY, "ok": style.GREEN}
_MARKS = {"critical": "✖", "warning": "▲", "info": "●", "ok": "✔"}
_MAP_COLUMNS = 15


def missingness(profile: Profile, *, top: int = 20) -> Plot:
    """Draw the share of missing values of the columns that lack most."""
    lacking = sorted((c for c in profile.columns if c.missing), key=lambda c: -c.missing)
    shown = lacking[:top]
    shares = [c.missing / max(profile.rows, 1) for c in shown]
    if not shown:
        return _nothing("Missing values", "No value is missing.")
    alt = f"{len(lacking)} of {len(profile.columns)} columns lack values; most: " + ", ".join(
        f"{c.name} {formats.share(s)}" for c, s in zip(shown[:3], shares, strict=False)
    )
    more = f" ({len(shown)} of {len(lacking)} columns)" if len(lacking) > len(shown) else ""
    with style.canvas(f"Missing values{more}", alt + ".", height=_height(len(shown))) as sheet:
        _bars(
            sheet.axes,
            [c.name for c in shown],
            shares,
            style.BLUE,
            [formats.share(s) for s in shares],
        )
        sheet.axes.set_xlabel("share of rows")
        sheet.axes.set_xlim(0, min(1.0, max(shares) * 1.15) or 1)
    return sheet.plot


def associations(profile: Profile, *, top: int = 20) -> Plot:
    """Draw how well each column alone predicts the target, best first."""
    found = sorted(
        (c for c in profile.columns if c.association is not None and c.role != "target"),
        key=lambda c: -(c.association or 0),
    )
    shown = found[:top]
    if not shown:
        return _nothing("Association with the target", "There is no feature to assess.")
    values = [c.association or 0.0 for c in shown]
    suspected = [suspect.column for suspect in profile.unresolved]
    alt = "Out-of-sample association with the target; best: " + ", ".join(
        f"{marked(c.name, suspected)} {v:.2f}" for c, v in zip(shown[:3], values, strict=False)
    )
    colours = [style.BLUE if c.role == "feature" else style.GREY for c in shown]
    more = f", top {len(shown)} of {len(found)}" if len(found) > len(shown) else ""
    title = f"Out-of-sample association of each column with the target{more} (grey: not a feature)"
    with style.canvas(title, alt + ".", height=_height(len(shown))) as sheet:
        names = [c.name for c in shown]
        _bars(sheet.axes, names, values, colours, [f"{v:.2f}" for v in values])
        name_bars(sheet.axes, names, suspects=suspected)
        sheet.axes.set_xlabel("association, out of sample (0 none, 1 perfect)")
        sheet.axes.set_xlim(0, min(1.08, max(0.1, max(values) * 1.15)))
    return sheet.plot


def heatmap(profile: Profile) -> Plot:
    """Draw the association of every pair of the columns that predict the target best."""
    strengths = {(p.first, p.second): p.strength for p in profile.pairs}
    strengths |= {(b, a): s for (a, b), s in strengths.items()}
    paired = {name for pair in strengths for name in pair}
    names = [
        c.name
        for c in sorted(profile.columns, key=lambda c: -(c.association or 0.0))
        if c.name in paired
    ][:_MAP_COLUMNS]
    if len(names) < 2:
        return _nothing("Pairs of columns", "There are no two columns to compare.")
    k = len(names)
    grid = np.array([[strengths.get((a, b), np.nan) for b in names] for a in names])
    np.fill_diagonal(grid, np.nan)
    top = ", ".join(f"{p.first} and {p.second} {p.strength:.2f}" for p in profile.pairs[:3])
    size = 2.2 + 0.32 * k
    with style.canvas("Association of pairs of columns (0 to 1)", f"Strongest pairs: {top}.",
                      width=size + 1.0, height=size) as sheet:  # fmt: skip
        image = sheet.axes.imshow(grid, cmap="Blues", vmin=0, vmax=1)
        for i, j in zip(*np.nonzero(np.isfinite(grid)), strict=True):
            colour = "white" if grid[i, j] > 0.6 else "#374151"
            sheet.axes.text(j, i, f"{grid[i, j]:.2f}".lstrip("0"), ha="center", va="center",
                            fontsize=7, color=colour)  # fmt: skip
        labels = [style.shorten(name, 20) for name in names]
        sheet.axes.set_xticks(range(k), labels, rotation=40, ha="right", fontsize=8)
        sheet.axes.set_yticks(range(k), labels, fontsize=8)
        sheet.axes.grid(visible=False)
        sheet.figure.colorbar(image, ax=sheet.axes, shrink=0.7)
    return sheet.plot


def split(summary: SplitSummary) -> Plot:
    """Draw the rows of each part and how the target is spread over the parts."""
    parts = [part for part in summary.parts if part.rows]
    total = sum(part.rows for part in parts)
    alt = f"Split by {summary.method}: " + ", ".join(f"{p.part} {p.rows:,} rows" for p in parts)
    numeric = any("std" in p.target and "mean" in p.target and len(p.target) == 2 for p in parts)
    title = f"Split ({summary.method}): rows, and the target in each part"
    with style.canvas(title, alt + ".", width=8, height=2.6, cols=2) as sheet:
        left, right = sheet.axes
        names = [part.part for part in parts]
        _bars(left, names, [p.rows for p in parts], [_PARTS[n] for n in names],
              [f"{p.rows:,} ({formats.percent(p.rows / total)})" for p in parts])  # fmt: skip
        left.set_xlim(0, max(p.rows for p in parts) * 1.45)
        left.set_xlabel("rows")
        known = [part for part in parts if part.target]
        if numeric:
            for place, part in enumerate(known):
                right.errorbar(part.target["mean"], place, xerr=part.target["std"], fmt="o",
                               color=_PARTS[part.part], capsize=3)  # fmt: skip
            right.set_xlabel("target: mean ± one standard deviation")
        else:
            _stacked(right, known)
        style.name_rows(right, [part.part for part in known])
    return sheet.plot


def _stacked(axis: Any, parts: list[Any]) -> None:
    """Draw the shares of classes as one bar a part; rare classes share the last colour."""
    labels = sorted(parts[0].target, key=lambda c: -parts[0].target[c]) if parts else []
    shown, rest = labels[:6], labels[6:]
    left = np.zeros(len(parts))
    for k, label in enumerate([*shown, *(["others"] if rest else [])]):
        share = [
            sum(p.target.get(c, 0.0) for c in rest) if label == "others" and rest and k == 6
            else p.target.get(label, 0.0)
            for p in parts
        ]  # fmt: skip
        axis.barh(range(len(parts)), share, left=left, color=style.PALETTE[k % 8], height=0.6,
                  edgecolor="white", label=style.shorten(label, 14))  # fmt: skip
        for place, (start, width) in enumerate(zip(left, share, strict=True)):
            if width > 0.09:
                axis.text(
                    start + width / 2, place, formats.percent(width), ha="center", va="center",
                    fontsize=8, color="white" if k not in (1, 4, 6) else "black",
                )  # fmt: skip
        left = left + np.array(share)
    axis.set_xlim(0, 1)
    axis.set_xlabel("share of rows")
    axis.legend(fontsize=7, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def drift(profile: Profile, *, top: int = 12) -> Plot:
    """Draw the columns that change most over time, and between train and test."""
    axes = [axis for axis in ("time", "split") if any(d.axis == axis for d in profile.drift)]
    if not axes:
        return _nothing("Drift", "There is nothing to compare.")
    groups = [[d for d in profile.drift if d.axis == axis][:top] for axis in axes]
    names = {"time": "first third against last third in time", "split": "train against test"}
    worst = "; ".join(f"{names[g[0].axis]}: {g[0].column} {g[0].distance:.2f}" for g in groups)
    title = "Drift: population stability index (from .1 moderate, from .25 large)"
    height = _height(max(len(g) for g in groups)) + 0.3
    with style.canvas(title, f"Largest, {worst}.", width=4.5 * len(axes) + 1, height=height,
                      cols=len(axes)) as sheet:  # fmt: skip
        for axis, group in zip(np.atleast_1d(sheet.axes), groups, strict=True):
            values = [d.distance for d in group]
            colours = [_GRADES[d.severity] if d.severity != "ok" else style.GREY for d in group]
            _bars(axis, [d.column for d in group], values, colours, [f"{v:.2f}" for v in values])
            for limit in (0.1, 0.25):
                axis.axvline(limit, color="#374151", linewidth=0.8, linestyle=":")
            axis.set_xlim(0, max(0.3, max(values) * 1.2))
            axis.set_title(names[group[0].axis], fontsize=9)
            axis.set_xlabel("index (grey: could be chance, or below .1)", fontsize=8)
    return sheet.plot


def suspects(profile: Profile, *, top: int = 12) -> Plot:
    """Draw the columns that may leak the target, each with its reason."""
    shown = profile.suspects[:top]
    if not shown:
        searched = profile.searched
        said = searched.text if searched else "No search for leaks of the target was made."
        return _nothing("Leakage suspects", said)
    alt = "Leakage suspects: " + "; ".join(f"{s.column} ({s.reason})" for s in shown[:3])
    with style.canvas("Leakage suspects, most suspicious first", alt + ".", width=9,
                      height=_height(len(shown), 0.6)) as sheet:  # fmt: skip
        scores = [s.score for s in shown]
        colours = [
            style.GREY if s.resolved else style.RED if s.severity == "critical" else style.ORANGE
            for s in shown
        ]
        _bars(sheet.axes, [s.column for s in shown], scores, colours, ["" for _ in shown])
        for place, suspect in enumerate(shown):
            said = f"{suspect.resolved or suspect.severity}: {suspect.reason}"
            sheet.axes.text(1.02, place, _wrapped(said), va="center", fontsize=8)
        sheet.axes.set_xlim(0, 3.2)
        sheet.axes.set_xticks([0, 0.5, 1.0])
        sheet.axes.set_xlabel("score", loc="left")
        sheet.axes.grid(visible=False)
    return sheet.plot


def severities(quality: Quality) -> Plot:
    """Draw how many checks came out at each severity."""
    grades = SEVERITIES
    counts = [sum(check.severity == grade for check in quality.checks) for grade in grades]
    alt = "Data-quality checks: " + ", ".join(
        f"{n} {grade}" for n, grade in zip(counts, grades, strict=True)
    )
    with style.canvas("Data-quality checks by severity", alt + ".", height=1.9) as sheet:
        labels = [f"{_MARKS[grade]} {grade}" for grade in grades]
        _bars(sheet.axes, labels, counts, [_GRADES[g] for g in grades], [str(n) for n in counts])
        sheet.axes.set_xlim(0, max(1, *counts) * 1.1)
        sheet.axes.xaxis.get_major_locator().set_params(integer=True)
        sheet.axes.set_xlabel("checks")
    return sheet.plot


def baseline(summary: SplitSummary) -> Plot:
    """Draw what a constant guess and a linear model score, with their intervals."""
    scored = {name: i for name, i in summary.baseline.items() if i.value is not None}
    if not scored:
        return _nothing("Baseline", "There is no baseline score.")
    alt = f"{summary.metric} on the validation rows: " + ", ".join(
        f"{name} {formats.number(i.value, 4)}" for name, i in scored.items()
    )
    title = f"Baseline: {summary.metric} on the validation rows, with intervals"
    with style.canvas(title, alt + ".", height=1.9) as sheet:
        for place, interval in enumerate(scored.values()):
            value = float(interval.value or 0.0)
            low = value if interval.low is None else interval.low
            high = value if interval.high is None else interval.high
            sheet.axes.plot([low, high], [place, place], color=style.BLUE, linewidth=2)
            sheet.axes.plot(value, place, "o", color=style.BLUE, markersize=7)
            sheet.axes.annotate(formats.number(value, 4), (value, place), xytext=(0, 8),
                                textcoords="offset points", ha="center", fontsize=9)  # fmt: skip
        sheet.axes.set_yticks(range(len(scored)), list(scored))
        sheet.axes.set_ylim(len(scored) - 0.5, -0.7)
        sheet.axes.margins(x=0.1)
        sheet.axes.set_xlabel(summary.metric)
    return sheet.plot


def _bars(axis: Any, names: list[str], values: list[Any], colours: Any, texts: list[str]) -> None:
    places = range(len(names))
    axis.barh(places, values, color=colours, height=0.65)
    for place, value, text in zip(places, values, texts, strict=True):
        axis.annotate(text, (value, place), xytext=(4, 0), textcoords="offset points", va="center",
                      fontsize=8)  # fmt: skip
    style.name_rows(axis, [style.shorten(name) for name in names])
    axis.grid(axis="y", visible=False)


def _height(bars: int, each: float = 0.26) -> float:
    return 1.1 + each * bars


def _wrapped(text: str, width: int = 78, most: int = 4) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width)[:most])


def _nothing(title: str, sentence: str) -> Plot:
    lines = _wrapped(sentence, 96, most=6)
    with style.canvas(title, sentence, height=0.6 + 0.2 * (lines.count("\n") + 1)) as sheet:
        sheet.axes.text(0.0, 0.5, lines, va="center", fontsize=10)
        sheet.axes.set_axis_off()
    return sheet.plot
