"""HTML for readers without a kernel: escaped tables."""

from __future__ import annotations

import html
from collections.abc import Sequence

from toolkit.artifacts.base import Check

SEVERITY_MARKS = {"critical": "✖ critical", "warning": "▲ warning", "info": "ℹ info", "ok": "✔ ok"}
"""A sign and a word for each severity: never colour alone."""

_LEFT = 'style="text-align:left"'  # a style sheet does not survive where HTML is sanitised


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return an HTML table of plain texts, all escaped."""
    cells = "".join(f'<th scope="col" {_LEFT}>{html.escape(str(name))}</th>' for name in head)
    lines = "".join(
        "<tr>" + "".join(f"<td {_LEFT}>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    body = f"<thead><tr>{cells}</tr></thead><tbody>{lines}</tbody>"
    return f'<table class="toolkit-table">{body}</table>'


def checks_html(checks: Sequence[Check]) -> str:
    """Return checks as an HTML table, in the order given; a sentence if there is none."""
    if not checks:
        return "<p>No remarks.</p>"
    return table(
        ("Check", "Result", "What was found", "What to do"),
        [(c.name, SEVERITY_MARKS[c.severity], c.message, c.remedy) for c in checks],
    )
