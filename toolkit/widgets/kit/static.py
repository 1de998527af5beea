"""HTML that reads well with and without a kernel: escaped tables."""

from __future__ import annotations

import html
from collections.abc import Sequence

from toolkit import formats
from toolkit.artifacts.base import Check
from toolkit.artifacts.scoping import Intake
from toolkit.plots.style import shorten, untypeset

SEVERITY_MARKS = {"critical": "✖ critical", "warning": "▲ warning", "info": "ℹ info", "ok": "✔ ok"}
"""A sign and a word for each severity: never colour alone."""

_LEFT = 'style="text-align:left"'  # a style sheet does not survive where HTML is sanitised
_FAILED = 'style="text-align:left;background:#b91c1c;color:#fff;font-weight:600"'

_COLUMNS = 60
"""Columns of a wide table that are listed."""


class Html(str):
    """HTML that a notebook shows as such."""

    def _repr_html_(self) -> str:
        return untypeset(str(self))


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return an HTML table of plain texts, all escaped."""
    cells = "".join(f'<th scope="col" {_LEFT}>{html.escape(str(name))}</th>' for name in head)
    lines = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    body = f"<thead><tr>{cells}</tr></thead><tbody>{lines}</tbody>"
    return f'<table class="toolkit-table">{body}</table>'


def _cell(value: object) -> str:
    style = _FAILED if value == SEVERITY_MARKS["critical"] else _LEFT
    return f"<td {style}>{html.escape(str(value))}</td>"


def checks_html(checks: Sequence[Check]) -> str:
    """Return checks as an HTML table, in the order given; a sentence if there is none."""
    if not checks:
        return "<p>No remarks.</p>"
    return table(
        ("Check", "Result", "What was found", "What to do"),
        [(c.name, SEVERITY_MARKS[c.severity], c.message, c.remedy) for c in checks],
    )


def columns_table(intake: Intake) -> Html:
    """Return what was read, a line a column, with the remarks on reading below it.

    Parameters
    ----------
    intake : Intake
        How the table was read.
    """
    rows = [
        (
            shorten(column.name, 40),
            column.type,
            column.role + (", protected" if column.protected else ""),
            f"{column.missing:,} ({formats.share(column.missing / max(intake.rows, 1))})",
            f"{column.distinct:,}",
            ", ".join(shorten(value, 24) for value in column.examples),
        )
        for column in intake.columns[:_COLUMNS]
    ]
    rest = len(intake.columns) - len(rows)
    more = f"<p>{rest:,} more columns are in intake.json.</p>" if rest else ""
    said = f"{intake.rows:,} rows and {len(intake.columns):,} columns from {intake.source}"
    head = ("Column", "Type", "Role", "Missing", "Distinct values", "Examples")
    checks = f"<h4>Remarks on reading</h4>{checks_html(intake.checks)}" if intake.checks else ""
    return Html(f"<p>{html.escape(said)}</p>{table(head, rows)}{more}{checks}")
