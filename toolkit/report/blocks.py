"""The few kinds of blocks a report is made of, as plain data.

A cell of a table or list is a text, ``{"claim": id}``, ``{"gap": text}``, or
``{"status": ..., "word": ...}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from toolkit.artifacts.base import Check, Facts

Cell = str | Facts

_RANK = {"critical": 0, "warning": 1, "info": 2, "ok": 3}
_STATUS = {"critical": "bad", "warning": "caution", "info": "info", "ok": "good"}


def section(name: str, title: str, content: Iterable[Facts | None]) -> Facts:
    """Return a section; blocks that are None are left out."""
    return {"id": name, "title": title, "blocks": [each for each in content if each is not None]}


def heading(text: str) -> Facts:
    """Return a heading inside a section."""
    return {"type": "heading", "text": text}


def prose(text: str) -> Facts:
    """Return a paragraph."""
    return {"type": "prose", "text": text}


def quote(text: str, by: str) -> Facts:
    """Return what a person said, in that person's words."""
    return {"type": "quote", "text": text, "by": by}


def gap(what: str, *, where: str, key: str = "", required: bool = True) -> Facts:
    """Return a visible place where something is missing."""
    return {"type": "gap", "what": what, "where": where, "key": key, "required": required}


def status(kind: str, word: str) -> Facts:
    """Return a verdict: good, caution, bad, info or gap, and the word for it."""
    return {"status": kind, "word": word}


def box(label: str, kind: str, word: str, lines: Sequence[Cell | Sequence[Cell]]) -> Facts:
    """Return a verdict box of the summary; a line is a cell or several."""
    rows = [list(line) if isinstance(line, list | tuple) else [line] for line in lines]
    return {"label": label, "status": kind, "word": word, "lines": rows}


def boxes(items: Sequence[Facts]) -> Facts:
    """Return the verdict boxes of the summary."""
    return {"type": "boxes", "items": list(items)}


def facts(rows: Iterable[tuple[str, Cell]]) -> Facts:
    """Return a list of labelled values."""
    return {"type": "facts", "rows": [{"label": label, "cell": cell} for label, cell in rows]}


def table(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, note: str = ""
) -> Facts | None:
    """Return a table; the first column heads its row. None without rows."""
    body = [list(row) for row in rows]
    if not body:
        return None
    return {
        "type": "table",
        "caption": caption,
        "columns": list(columns),
        "rows": body,
        "note": note,
    }


def figure(plot: str, data: Any, *, source: str) -> Facts:
    """Return a figure that `toolkit.report.figures` draws from ``data``.

    ``source`` names the artefact and the place in it that the data are taken from.
    """
    return {"type": "figure", "plot": plot, "data": data, "source": source}


def checks(caption: str, items: Iterable[Check], discreet: Any) -> Facts | None:
    """Return a table of checks, worst first; None without checks."""
    ranked = sorted(items, key=lambda check: _RANK[check.severity])
    return table(
        caption,
        ["Severity", "Check", "Finding", "Remedy"],
        [
            [
                status(_STATUS[check.severity], check.severity),
                check.name,
                discreet(check.message, check.columns),
                check.remedy,
            ]
            for check in ranked
        ],
    )
