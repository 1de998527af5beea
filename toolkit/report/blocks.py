"""The few kinds of blocks a report is made of, as plain data.

A cell of a table or list is a text, ``{"claim": id}``, ``{"gap": text}``, or
``{"status": ..., "word": ...}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from toolkit.artifacts import Attributions
from toolkit.artifacts.base import Check, Facts, JsonArtifact, worst_first

Cell = str | Facts

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
    """Return a table; the first column heads its row. None without rows.

    Columns in which no row says anything are left out, but for the first.
    """
    body = [list(row) for row in rows]
    if not body:
        return None
    kept = [
        place for place in range(len(columns)) if not place or any(row[place] != "" for row in body)
    ]
    return {
        "type": "table",
        "caption": caption,
        "columns": [columns[place] for place in kept],
        "rows": [[row[place] for place in kept] for row in body],
        "note": note,
    }


def figure(
    plot: str,
    artifact: JsonArtifact,
    *keep: str,
    title: str = "",
    lines: Sequence[Facts] | None = None,
    beside: JsonArtifact | None = None,
    **arguments: Any,
) -> Facts:
    """Return a figure: a function of `toolkit.plots`, and just the data that it draws.

    Parameters
    ----------
    plot : str
        One of `toolkit.report.figures.FIGURES`.
    artifact : JsonArtifact
        What the figure is drawn from.
    *keep : str
        Its optional fields that the figure needs; the others stay behind.
    title : str
        In place of the figure's own.
    lines : sequence of dict, optional
        Rows of the figure's second argument, a frame.
    beside : JsonArtifact, optional
        The figure's second argument, kept whole.
    **arguments
        Further arguments of the function.
    """
    kept = {
        name
        for name, field in type(artifact).model_fields.items()
        if field.is_required() or name in keep
    }
    data: Facts = {
        "artifact": type(artifact).__name__,
        "fields": artifact.model_dump(mode="json", include=kept),
        "arguments": arguments,
    }
    if lines is not None:
        data["lines"] = list(lines)
    if beside is not None:
        data["beside"] = {
            "artifact": type(beside).__name__,
            "fields": beside.model_dump(mode="json"),
        }
    return {
        "type": "figure",
        "plot": plot,
        "title": title,
        "data": data,
        "source": Attributions.file if lines is not None else artifact.file,
    }


def checks(caption: str, items: Iterable[Check], redact: Any) -> Facts | None:
    """Return a table of checks, worst first; None without checks."""
    ranked = worst_first(items)
    return table(
        caption,
        ["Severity", "Check", "Finding", "Remedy"],
        [
            [
                status(_STATUS[check.severity], check.severity),
                check.name,
                redact(check.message, check.columns),
                check.remedy,
            ]
            for check in ranked
        ],
    )
