"""The report on one row as tables and figures."""

from __future__ import annotations

import html
from collections.abc import Callable

from toolkit import formats
from toolkit.artifacts import RowReport, RowReports
from toolkit.plots.explain import rows as plots
from toolkit.plots.style import shorten
from toolkit.widgets.kit.static import table


def report_html(reports: RowReports, report: RowReport) -> str:
    """Return reasons, counterfactuals and similar rows of a row."""
    parts: list[tuple[str, Callable[[RowReports, RowReport], str]]] = [
        ("Reasons", _reasons_html),
        ("Counterfactuals: changes that lead to another decision", _changes_html),
        ("Nearest training rows", _similar_html),
    ]
    head = (
        f"<p>Decision <b>{html.escape(shorten(report.decision, 60))}</b>,"
        f" {html.escape(shorten(reports.output, 80))} {formats.number(report.score, 4)};"
        f" recorded outcome {html.escape(shorten(report.actual, 60))}.</p>"
    )
    return head + "".join(f"<h5>{title}</h5>{make(reports, report)}" for title, make in parts)


def _reasons_html(_: RowReports, report: RowReport) -> str:
    if not report.reasons:
        return (
            "<p>No feature contributed to the adverse outcome by more than two standard errors.</p>"
        )
    return table(
        ("Reason", "Column", "Contribution", "Standard error", "Remark"),
        [
            (
                shorten(each.text, 200),
                shorten(each.column, 40),
                formats.number(each.shap, 4, sign=True),
                formats.number(each.standard_error, 2),
                "▲ protected" if each.protected else "",
            )
            for each in report.reasons
        ],
    )


def _changes_html(reports: RowReports, report: RowReport) -> str:
    if not report.counterfactuals:
        return f"<p>{html.escape(report.blocked or 'None was looked for.')}</p>"
    rows = [
        (
            shorten(plots.change_words(each), 300),
            formats.number(each.size),
            formats.number(each.score, 4),
            shorten(each.decision, 40),
            formats.percent(each.plausibility),
        )
        for each in report.counterfactuals
    ]
    head = (
        "What changes",
        "Size",
        "New score",
        "New decision",
        "Plausibility (training rows as rare or rarer)",
    )
    return plots.counterfactuals(reports, report.row).html() + table(head, rows)


def _similar_html(reports: RowReports, report: RowReport) -> str:
    if not report.similar:
        return "<p>There is none.</p>"
    rows = [
        (each.row, f"{each.distance:.3f}", shorten(each.actual, 40), shorten(each.decision, 40),
         formats.number(each.score, 4))
        for each in report.similar
    ]  # fmt: skip
    head = ("Row", "Distance", "Recorded outcome", "Model's decision", "Score")
    return plots.similar(reports, report.row).html() + table(head, rows)
