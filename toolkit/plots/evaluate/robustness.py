"""Figures of robustness: scores of perturbed rows."""

from __future__ import annotations

from typing import Any

from toolkit import formats, metrics
from toolkit.artifacts import Dose, Robustness
from toolkit.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    Plot,
    canvas,
    empty_figure,
    name_rows,
    shorten,
)


def doses(found: Robustness) -> Plot:
    """Draw the ranking metric against the strength of noise and the share of missing cells.

    Bars are the range of the repeats; the band is the interval of the unperturbed rows, the
    dashed line a constant guess.
    """
    metric = metrics.get(found.metric)
    unperturbed = Dose(strength=0.0, score=found.baseline)
    sides = [
        ("noise on all numbers, in standard deviations", _known(found.noise)),
        ("share of cells missing, in all columns", _known([unperturbed, *found.blanks])),
    ]
    sides = [(label, items) for label, items in sides if len(items) > 1]
    title = f"{metric.title} under noise and missing cells"
    if not sides:
        return empty_figure(title, "The perturbed rows do not define the metric.")
    alt = f"Unperturbed {found.baseline.text()}. " + ". ".join(
        f"{label}: "
        + ", ".join(
            f"{formats.number(d.strength, 6)}: {formats.number(d.score.value)}" for d in items
        )
        for label, items in sides
    )
    with canvas(title, alt, width=7.4, height=3.2, cols=len(sides)) as sheet:
        every = list(sheet.axes) if len(sides) > 1 else [sheet.axes]
        for k, (axes, (label, items)) in enumerate(zip(every, sides, strict=True)):
            _doses(axes, found, label, items)
            better = "higher" if metric.greater_is_better else "lower"
            axes.set_ylabel(f"{metric.title}\n({better} is better)" if k == 0 else "", fontsize=9)
        every[0].legend(fontsize=8)
        low = min(axes.get_ylim()[0] for axes in every)
        high = max(axes.get_ylim()[1] for axes in every)
        for axes in every:
            axes.set_ylim(low, high)
    return sheet.plot


def _doses(axes: Any, found: Robustness, label: str, items: list[Dose]) -> None:
    x = [each.strength for each in items]
    y = [each.score.value or 0.0 for each in items]
    reach = [
        [v - (e.score.low if e.strength and e.score.low is not None else v)
         for v, e in zip(y, items, strict=True)],
        [(e.score.high if e.strength and e.score.high is not None else v) - v
         for v, e in zip(y, items, strict=True)],
    ]  # fmt: skip
    if found.baseline.low is not None and found.baseline.high is not None:
        axes.axhspan(found.baseline.low, found.baseline.high, color=BLUE, alpha=0.12, linewidth=0,
                     label="unperturbed, interval")  # fmt: skip
    if found.constant is not None:
        axes.axhline(found.constant, color=GREY, linestyle="--", linewidth=1,
                     label="constant guess")  # fmt: skip
    axes.errorbar(x, y, yerr=reach, color=RED, marker="o", markersize=5, capsize=3,
                  label="perturbed, range of repeats")  # fmt: skip
    axes.set_xlabel(label, fontsize=9)


def missing(found: Robustness) -> Plot:
    """Draw how much worse the metric is without each column, the most harmful first.

    A diamond is the same for a category set to a value that never occurred.
    """
    metric = metrics.get(found.metric)
    title = f"Effect of a missing column: {metric.title} worse by"
    items = [each for each in found.missing if each.harm.value is not None]
    if not items:
        return empty_figure(title, "No column could be set to missing, or the metric is undefined.")
    unseen = {each.column: each.harm for each in found.unseen if each.harm.value is not None}
    alt = "; ".join(f"{shorten(e.column, 40)} {e.harm.text()}" for e in items)
    with canvas(title, alt, height=1.1 + 0.27 * len(items)) as sheet:
        axes = sheet.axes
        axes.barh(range(len(items)), [e.harm.value for e in items], color=BLUE, height=0.6,
                  label="column missing in all rows")  # fmt: skip
        shown = False
        for place, each in enumerate(items):
            if each.harm.low is not None:
                axes.plot([each.harm.low, each.harm.high], [place, place], color="black",
                          linewidth=1.2)  # fmt: skip
            if each.column in unseen:
                axes.plot(unseen[each.column].value, place, "D", color=ORANGE, markersize=6,
                          markeredgecolor="black", markeredgewidth=0.6,
                          label="" if shown else "unseen value")  # fmt: skip
                shown = True
        axes.axvline(0, color=GREY, linewidth=1)
        name_rows(axes, [shorten(e.column, 30) for e in items])
        axes.set_xlabel(f"{metric.title}: worse by (right is worse)")
        axes.grid(axis="y", visible=False)
        axes.legend(fontsize=8, loc="lower right")
    return sheet.plot


def shifts(found: Robustness) -> Plot:
    """Draw how much worse the metric is where a number column is shifted."""
    metric = metrics.get(found.metric)
    title = f"Effect of a shifted column: {metric.title} worse by"
    items = [each for each in found.shifts if each.harm.value is not None]
    if not items:
        return empty_figure(
            title, "There is no number column to shift, or the metric is undefined."
        )
    names = list(dict.fromkeys(each.column for each in items))
    alt = "; ".join(
        f"{shorten(e.column, 40)} {formats.number(e.setting, 6, sign=True)} sd:"
        f" {formats.number(e.harm.value)}"
        for e in items
    )
    looks = {-2.0: ("v", BLUE, 8), -1.0: ("v", BLUE, 5), 1.0: ("^", RED, 5), 2.0: ("^", RED, 8)}
    with canvas(title, alt, height=1.3 + 0.3 * len(names)) as sheet:
        axes = sheet.axes
        axes.axvline(0, color=GREY, linewidth=1)
        for setting, (mark, colour, size) in looks.items():
            mine = [e for e in items if e.setting == setting]
            axes.plot([e.harm.value for e in mine], [names.index(e.column) for e in mine], mark,
                      color=colour, markersize=size, linestyle="none", alpha=0.85,
                      label=f"{formats.number(setting, 6, sign=True)} sd")  # fmt: skip
        name_rows(axes, [shorten(name, 30) for name in names])
        axes.set_xlabel(f"{metric.title}: worse by (right is worse)")
        axes.legend(fontsize=8, ncols=4, loc="lower right", bbox_to_anchor=(1, 1), borderpad=0)
    return sheet.plot


def outside(found: Robustness) -> Plot:
    """Draw how many rows from outside the data are predicted with great certainty.

    For numbers: how many predictions lie beyond the training rows' targets.
    """
    items = [each for each in found.outside if each.share.value is not None]
    regression = found.metric in metrics.for_task("regression")
    what = "outside the training targets" if regression else "predicted overconfidently"
    title = f"Out-of-distribution rows: {what}"
    if not items:
        return empty_figure(title, "No out-of-distribution rows could be made or scored.")
    alt = "; ".join(f"{e.made}: {formats.share(e.share.value)}, {e.verdict}" for e in items)
    with canvas(title, alt, height=1.1 + 0.42 * len(items)) as sheet:
        axes = sheet.axes
        for place, each in enumerate(items):
            bad = each.verdict == "overconfident"
            axes.plot([100 * (each.share.low or 0), 100 * (each.share.high or 0)], [place, place],
                      color=RED if bad else GREEN, linewidth=2.5)  # fmt: skip
            axes.plot(100 * (each.share.value or 0), place, "D" if bad else "o",
                      color=RED if bad else GREEN, markersize=7)  # fmt: skip
        axes.axvline(5, color="black", linestyle=":", linewidth=1.2)
        name_rows(axes, [f"{e.made}:\n{e.verdict}" for e in items], fontsize=8)
        axes.set_xlim(left=0)
        axes.margins(x=0.1)
        axes.set_xlabel(f"% of the rows {what} (dotted: 5 %)")
    return sheet.plot


def _known(items: list[Dose]) -> list[Dose]:
    return [each for each in items if each.score.value is not None]
