"""Figures of the champion's results by group."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit import formats, metrics
from toolkit.artifacts import Evaluation, FairnessVerdict
from toolkit.plots.style import (
    BLUE,
    GREEN,
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

_MOST_GROUPS = 16
_PANELS = 4
RATE_TITLES = {
    "selection_rate": "Decided positive",
    "true_positive_rate": "Positives found",
    "false_positive_rate": "Wrongly flagged",
    "precision": "Flagged rightly",
    "mean_error": "Mean error (bias)",
}


def groups(evaluation: Evaluation, column: str) -> Plot:
    """Draw the results of each group of a protected column, side by side.

    The dashed line is the ranking metric of all test rows.
    """
    items = [group for group in evaluation.groups if group.column == column][:_MOST_GROUPS]
    names = list(items[0].metrics) if items else []
    return side_by_side(
        f"Results by {shorten(column)}",
        [(each.group, each) for each in items],
        panels(names, [evaluation.metric], evaluation.fairness),
        {evaluation.metric: evaluation.metrics[evaluation.metric].value},
    )


def panels(names: list[str], first: list[str], verdicts: list[FairnessVerdict]) -> list[str]:
    """Return at most four metrics to draw, among them those that the verdicts rest on."""
    compared = metrics.COMPARED.get(verdicts[0].metric, ()) if verdicts else ()
    wanted = [name for name in names if name in compared or name in first]
    rest = [name for name in names if name not in wanted and name != "precision"]
    kept = {*wanted, *rest[: max(0, _PANELS - len(wanted))]}
    return [name for name in names if name in kept]


def side_by_side(
    title: str,
    items: list[tuple[str, Any]],
    names: list[str],
    lines: dict[str, float | None] | None = None,
) -> Plot:
    """Draw some metrics of groups side by side, each with how many rows it is over.

    Grey hollow marks are over too few rows to be compared.

    Parameters
    ----------
    title : str
        Of the figure.
    items : list of (str, Group or Intersection)
        The groups, with their names.
    names : list of str
        The metrics.
    lines : dict of str to float, optional
        By metric: where a dashed line goes.
    """
    if not items:
        return empty_figure(title, "There are no groups.")
    alt = "; ".join(
        f"{name} ({each.rows:,} rows{'' if each.judged else ', too few to compare'}): "
        + ", ".join(f"{_title(n)} {each.metrics[n].text()}{_over(each, n)}" for n in names)
        for name, each in items
    )
    height = 1.1 + 0.36 * len(items)
    with canvas(title, alt, width=8.4, height=height, cols=len(names)) as sheet:
        for k, (axes, name) in enumerate(zip(np.atleast_1d(sheet.axes), names, strict=True)):
            for place, (_, each) in enumerate(items):
                _group_mark(axes, place, each, name)
            line = (lines or {}).get(name)
            if line is not None:
                axes.axvline(line, color=GREY, linestyle="--", linewidth=1)
            axes.set_title(_title(name), fontsize=9, loc="center")
            labels = [f"{shorten(label, 34)} ({each.rows:,})" for label, each in items]
            name_rows(axes, labels if k == 0 else [""] * len(items))
            axes.tick_params(labelsize=8)
            axes.margins(x=0.12)
        few = any(each.too_few or not each.judged for _, each in items)
        key = ["grey, hollow: too few to compare"] if few else []
        key += ["dashed: all rows"] if any(v is not None for v in (lines or {}).values()) else []
        np.atleast_1d(sheet.axes)[0].set_xlabel("; ".join(key), fontsize=7, color=GREY, loc="left")
    return sheet.plot


def _over(group: Any, name: str) -> str:
    """Return how many of the group's rows a metric is over, where that is not all of them."""
    count = group.base.get(name, group.rows)
    return f" of {count:,}" if count != group.rows else ""


def _group_mark(axes: Any, place: int, group: Any, name: str) -> None:
    few = name in group.too_few or not group.judged
    score, over = group.metrics[name], _over(group, name)
    draw_interval(axes, place, score, GREY if few else BLUE, hollow=few)
    colour = {"fontsize": 6.5, "color": GREY, "ha": "center"}
    if score.value is None:
        axes.text(0.5, place, "no such rows", transform=axes.get_yaxis_transform(), va="center",
                  **colour)  # fmt: skip
    elif over:
        axes.annotate(over.strip(), (score.value, place), textcoords="offset points",
                      xytext=(0, 5), **colour)  # fmt: skip


def fairness(evaluation: Evaluation) -> Plot:
    """Draw the difference between groups for each protected column against the limit."""
    items = evaluation.fairness
    if all(each.difference.value is None for each in items):
        said = " ".join(each.reason for each in items)
        return empty_figure(
            "Difference between groups", said or "No fairness metric was asked for."
        )
    name = items[0].metric.replace("_", " ")
    alt = "; ".join(
        f"{e.column}: {e.difference.text()}, {e.verdict}. {e.reason}".rstrip(". ") for e in items
    )
    colours = {"within": GREEN, "beyond": RED}
    with canvas(
        f"{name.capitalize()}, against the limit", alt, height=1.2 + 0.36 * len(items)
    ) as s:
        for place, each in enumerate(items):
            draw_interval(s.axes, place, each.difference, colours.get(each.verdict, ORANGE))
        s.axes.axvline(items[0].limit, color="black", linewidth=1.2, linestyle=":")
        name_rows(s.axes, [f"{shorten(e.column)}: {e.verdict}" for e in items])
        s.axes.set_xlim(left=0)
        s.axes.set_xlabel(f"{name} (dotted: the limit {formats.number(items[0].limit, 6)})")
    return s.plot


def _title(name: str) -> str:
    return RATE_TITLES.get(name) or metrics.get(name).title
