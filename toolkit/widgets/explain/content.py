"""The panel of texts and images: a row, and the contributions of its words or patches."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from toolkit import formats
from toolkit.artifacts import ContentExplanation, ContentRow
from toolkit.errors import ToolkitError
from toolkit.plots.explain import content as plots
from toolkit.plots.style import shorten
from toolkit.run.stage import Stage
from toolkit.widgets.kit.panel import Panel, checks_html, grid, table

_STATIC_ROWS = 3
"""Rows of each column in the copy for readers without a kernel."""


class ContentPanel(Panel):
    """Texts and images of test rows, with the contributions of their words and patches.

    Parameters
    ----------
    stage : Stage
        The open stage.
    explanation : ContentExplanation
        The explained rows; it may be empty.
    explain_row : callable, optional
        Takes the number of another test row and gives items as in ``explanation.rows``; see
        `toolkit.explain.content_explainer`.

    Attributes
    ----------
    row, of : ipywidgets.Dropdown
        The explained content in view, and the output.
    number : ipywidgets.Text
        Any test row by its number in the table.
    """

    def __init__(
        self,
        stage: Stage,
        explanation: ContentExplanation,
        explain_row: Callable[[int], list[ContentRow]] | None = None,
    ) -> None:
        super().__init__(stage, "Inside texts and images", ["explain"])
        self.explanation = explanation
        self._explain_row = explain_row
        self._picture = w.HTML()
        self._overall = w.HTML(_overall(explanation))
        self.row = w.Dropdown(options=self._options(), description="Row")
        self.of = w.Dropdown(description="Output")
        self.number = w.Text(
            description="Or number", placeholder="any test row", continuous_update=False
        )
        self.number.layout.display = "" if explain_row is not None else "none"
        self.row.observe(lambda _: self._row_changed(), "value")
        self.of.observe(lambda _: self._draw(), "value")
        self.number.observe(lambda _: self._number_changed(), "value")
        said = w.HTML(f"<p>{html.escape(explanation.said)}</p>")
        if not explanation.columns:
            self.show(said)
            return
        self.show(said, grid(self.row, self.number), self.of, self._picture, self._overall)
        self._row_changed()

    def _options(self) -> list[tuple[str, int]]:
        return [(_label(row), place) for place, row in enumerate(self.explanation.rows)]

    def _row_changed(self) -> None:
        place = self.row.value
        names = [] if place is None else [x.of for x in self.explanation.rows[place].outputs]
        self.of.layout.display = "" if len(names) > 1 else "none"
        self.of.options = [(shorten(name, 60), name) for name in names]
        self.of.value = names[0] if names else None
        self._draw()

    def _draw(self) -> None:
        place, of = self.row.value, self.of.value
        if place is None or of is None:
            self._picture.value = "<p>No row was explained.</p>"
            return
        self._picture.value = _content_html(self.explanation, place, of)

    def _number_changed(self) -> None:
        text = self.number.value.strip()
        if not text or self._explain_row is None:
            return
        if not text.isdigit():
            self.status("The number of a row is a whole number", error=True)
            return
        number = int(text)
        known = [p for p, row in enumerate(self.explanation.rows) if row.row == number]
        if not known:
            try:
                self.status(f"Explaining row {number} …")
                more = self._explain_row(number)
            except ToolkitError as error:
                self.status(error.line(), error=True)
                return
            if not more:
                self.status(f"Row {number} holds no text and no image", error=True)
                return
            known = [len(self.explanation.rows)]
            rows = [*self.explanation.rows, *more]
            self.explanation = self.explanation.model_copy(update={"rows": rows})
            self.row.options = self._options()
        self.row.value = known[0]
        self.status(f"Row {number} is shown.")

    def static_html(self) -> str:
        """Return the heading and the figures; there are no fields to list."""
        return f"<h3>{html.escape(self.title)}</h3>{self.static()}"

    def static(self) -> str:
        """Return the first rows of each column, the words, and the checks."""
        found = self.explanation
        if not found.columns:
            return f"<p>{html.escape(found.said)}</p>"
        shown, counts = [], dict.fromkeys((c.column for c in found.columns), 0)
        for place, row in enumerate(found.rows):
            if counts[row.column] < _STATIC_ROWS:
                counts[row.column] += 1
                heading = f"<h4>{html.escape(_label(row))}</h4>"
                shown.append(heading + _content_html(found, place, row.outputs[0].of))
        said = f"<p>{html.escape(found.said)}</p>"
        return said + "".join(shown) + self._overall.value


def _label(row: ContentRow) -> str:
    return (
        f"{row.row}, {shorten(row.column, 20)}: {row.why}, actual {shorten(row.actual, 20)},"
        f" predicted {shorten(row.predicted, 20)}"
    )


def _content_html(explanation: ContentExplanation, place: int, of: str) -> str:
    row = explanation.rows[place]
    if row.kind == "image":
        return plots.heat(explanation, place, of).html()
    text = plots.tokens(explanation, place, of)
    return text + plots.strongest(explanation, place, of).html() + _parts_table(row, of)


def _parts_table(row: ContentRow, of: str) -> str:
    found = next(each for each in row.outputs if each.of == of)
    lines: list[tuple[Any, ...]] = [
        (
            plots.shorten_part(row.text[start:stop]),
            formats.number(value, 4, sign=True),
            formats.number(error, 2) + (" (unclear)" if plots.unclear(value, error) else ""),
        )
        for (start, stop), value, error in zip(
            row.parts, found.values, found.standard_error, strict=True
        )
    ]
    values = table(("Words", "Value", "Standard error"), lines)
    note = (
        f"{row.words:,} words in {len(row.parts)} runs of neighbours"
        if row.words > len(row.parts)
        else f"All {row.words} words"
    )
    return f"<details><summary>{note}</summary>{values}</details>"


def _overall(explanation: ContentExplanation) -> str:
    if not explanation.columns:
        return ""
    rows = [
        (
            shorten(c.column, 60),
            f"{c.rows}",
            f"{c.orders}" if c.orders else "none: exact",
            f"{c.unclear:,} of {c.parts:,}",
            formats.share(c.noise),
            c.masking,
        )
        for c in explanation.columns
    ]
    head = ("Column", "Rows", "Orders drawn", "Unclear parts", "Noise", "What is masked")
    figures = [plots.words(explanation, c.column).html() for c in explanation.columns if c.words]
    return (
        "<h4>Over the explained rows</h4>"
        + "".join(figures)
        + table(head, rows)
        + checks_html(explanation.checks)
    )
