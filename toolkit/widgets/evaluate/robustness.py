"""Robustness of the champion, for a notebook."""

from __future__ import annotations

from toolkit import formats, metrics
from toolkit.artifacts import Robustness
from toolkit.plots.evaluate import robustness as figures
from toolkit.plots.style import shorten
from toolkit.widgets.kit.static import Html, checks_html, table


def show_robustness(found: Robustness) -> Html:
    """Return the figures, the ends of the ranges and the remarks, for a notebook."""
    plots = [figures.doses, figures.missing, figures.shifts, figures.outside]
    title = metrics.get(found.metric).title
    facts = table(
        ("", ""),
        [
            ("Rows perturbed", f"{found.rows:,} of {found.of_rows:,} test rows"),
            (f"{title}, unperturbed", found.baseline.text()),
            ("Model evaluations", f"{found.evaluations:,}"),
        ],
    )
    extremes = table(
        ("Column", "All rows set to", "Value", "Change of the mean prediction"),
        [
            (
                shorten(each.column, 40),
                each.setting,
                formats.number(each.value, 5),
                formats.number(each.change, sign=True),
            )
            for each in found.extremes
        ],
    )
    return Html(
        facts
        + "".join(plot(found).html() for plot in plots)
        + (
            "<details><summary>Columns at and beyond the ends of their training ranges</summary>"
            + f"{extremes}</details>"
            if found.extremes
            else ""
        )
        + checks_html(found.checks)
    )
