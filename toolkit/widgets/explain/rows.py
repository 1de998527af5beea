"""The panel about single rows: reasons, counterfactuals, similar rows, and a what-if form."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, Protocol

import ipywidgets as w

from toolkit import formats
from toolkit.artifacts import Explanation, RowReport, RowReports
from toolkit.errors import ToolkitError
from toolkit.plots.explain import rows as plots
from toolkit.plots.style import shorten
from toolkit.run.stage import Stage
from toolkit.widgets.explain.row_tables import report_html
from toolkit.widgets.kit.column_picker import ColumnPicker
from toolkit.widgets.kit.form import paragraph
from toolkit.widgets.kit.panel import Panel, checks_html, grid, table
from toolkit.widgets.kit.texts import ColumnTexts

_INPUTS = 12
_STATIC = 3
_FIELDS = ("counterfactuals", "most_changes", "rows", "plausibility", "most_reasons")
_MISSING = "(missing)"


class WhatIfModel(Protocol):
    """What the panel asks for a made-up row, see `toolkit.explain.what_if`."""

    choices: dict[str, list[str]]
    kinds: dict[str, str]

    def cells(self, row: int) -> dict[str, str]:
        """Return the cells of a row as texts."""
        ...

    def __call__(self, values: Mapping[str, Any], row: int) -> Any:
        """Return decision and probabilities of the row with other cells."""
        ...


class RowPanel(Panel):
    """One row: reasons, counterfactuals, similar rows, and a what-if form.

    Parameters
    ----------
    stage : Stage
        The open stage.
    reports : RowReports
        The rows with an adverse outcome, nearest to the wanted one first.
    explanation : Explanation
        The most important columns get an input of the what-if form.
    what_if : callable, optional
        Predicts a row with some cells replaced; see `toolkit.explain.what_if`.

    Attributes
    ----------
    row : ipywidgets.Dropdown
        The row in view.
    inputs : dict of str to ipywidgets.Widget
        The what-if form's input of each column.
    answer : ipywidgets.HTML
        What the model says of the form.
    change, ranges, reasons
        Lists of columns with their limits and texts.
    """

    def __init__(
        self,
        stage: Stage,
        reports: RowReports,
        explanation: Explanation,
        what_if: WhatIfModel | None = None,
    ) -> None:
        super().__init__(stage, "Single rows", ["recourse"])
        self.reports, self._what_if = reports, what_if
        self._filling = False
        self._classes = explanation.classes
        self._report, self.answer = w.HTML(), w.HTML()
        self.row = w.Dropdown(
            options=[(_label(each), each.row) for each in reports.reports], description="Row"
        )
        self.inputs = self._make_inputs(explanation)
        self.row.observe(lambda _: self._row_changed(), "value")
        self.show(
            paragraph(
                f"{reports.adverse} Nearest to the wanted outcome first."
                if reports.wanted_known
                else reports.adverse
            ),
            self.row,
            self._report,
            *self._form(),
            settings=self._settings(),
        )
        self._row_changed()

    # -- one row ---------------------------------------------------------------------

    def _row_changed(self) -> None:
        if self.row.value is None:
            self._report.value = (
                "<p>None of the explained rows has an adverse outcome.</p>"
                if self.reports.wanted_known
                else ""
            )
            return
        report = plots.report_of(self.reports, int(self.row.value))
        self._report.value = report_html(self.reports, report)
        self._fill(report.row)

    # -- what if -----------------------------------------------------------------------

    def _make_inputs(self, explanation: Explanation) -> dict[str, Any]:
        if self._what_if is None or not self.reports.reports:
            return {}
        ranked: dict[str, float] = {}
        for items in explanation.importance.values():
            for item in items:
                size = item.mean_abs.value or 0.0
                ranked[item.column] = ranked.get(item.column, 0.0) + size
        kinds = self._what_if.kinds
        names = [n for n in ranked if kinds.get(n, "image") != "image"]
        names = sorted(names, key=lambda name: -ranked[name])[:_INPUTS]
        inputs = {name: self._input(name) for name in names}
        for widget in inputs.values():
            widget.observe(lambda _: self._asked(), "value")
        return inputs

    def _input(self, name: str) -> Any:
        common: dict[str, Any] = {"layout": w.Layout(width="100%")}
        assert self._what_if is not None
        if name in self._what_if.choices:
            seen = [(shorten(text, 40), text) for text in self._what_if.choices[name]]
            return w.Dropdown(options=[(_MISSING, ""), *seen], value="", **common)
        # Text and not a number field, which has no way to say that a value is missing.
        hint = {"number": "a number", "date": "2026-01-31"}.get(self._what_if.kinds[name], "text")
        return w.Text(continuous_update=False, placeholder=f"{_MISSING} or {hint}", **common)

    def _form(self) -> list[w.Widget]:
        if not self.inputs:
            return []
        fields = [
            w.VBox([paragraph(shorten(name, 60), "toolkit-label"), widget])
            for name, widget in self.inputs.items()
        ]
        again = w.Button(description="Back to the row", layout=w.Layout(width="150px"))
        again.on_click(lambda _: self._row_changed())
        return [w.HTML("<h4>What if</h4>"), grid(*fields, width=220), w.HBox([again]), self.answer]

    def _fill(self, row: int) -> None:
        if self._what_if is None or not self.inputs:
            return
        cells = self._what_if.cells(row)
        self._filling = True
        try:
            for name, widget in self.inputs.items():
                if isinstance(widget, w.Dropdown) and cells[name] not in [
                    value for _, value in widget.options
                ]:
                    # Of very many values, or one not seen in training.
                    widget.options = [*widget.options, (shorten(cells[name], 40), cells[name])]
                widget.value = cells[name]
        finally:
            self._filling = False
        self._asked()

    def _asked(self) -> None:
        if self._filling or self._what_if is None or self.row.value is None:
            return
        row = int(self.row.value)
        before = self._what_if.cells(row)
        # What was not touched stays as typed in the table, even if it is not seen in training.
        values = {n: x.value for n, x in self.inputs.items() if x.value != before[n]}
        try:
            said = self._what_if(values, row)
        except ToolkitError as error:
            self.answer.value = (
                f'<div class="toolkit-error" role="alert">{html.escape(error.line())}</div>'
            )
            return
        self.answer.value = _answer(said, values)

    # -- settings ----------------------------------------------------------------------

    def _settings(self) -> list[w.Widget]:
        columns = self.stage.project.features()
        numbers = [n for n in columns if self.stage.project.columns[n].type == "number"]
        self.change = ColumnPicker(
            self, "recourse.change", "How columns may change", columns,
            ("fixed", "increase", "decrease", "free"),
        )  # fmt: skip
        self.ranges = ColumnTexts(
            self, "recourse.ranges", "Ranges", numbers, placeholder="250 to 20000"
        )
        self.reasons = ColumnTexts(
            self, "recourse.reasons", "Reasons in words", columns,
            placeholder="The amount asked for, {value}, is high",
        )  # fmt: skip
        return [
            w.HTML("<p>Run the notebook again from the top after a change.</p>"),
            grid(*(self.field(f"recourse.{name}") for name in _FIELDS), *self._wanted()),
            self.change,
            self.ranges,
            self.reasons,
        ]

    def _wanted(self) -> list[w.Widget]:
        if self.reports.task != "multiclass":
            return [self.field("recourse.wanted")]
        classes = [("not stated", ""), *((shorten(c, 40), c) for c in self._classes)]
        return [self.field("recourse.wanted", options=classes)]

    def changed(self) -> None:
        """Show the lists as they are now."""
        for each in (self.change, self.ranges, self.reasons):
            each.update()

    # -- for readers without a kernel ----------------------------------------------------

    def static_rows(self) -> list[tuple[str, str, str]]:
        """Return the fields and the lists of columns."""
        lists = [self.static_row(f"recourse.{name}") for name in ("change", "ranges", "reasons")]
        return [*super().static_rows(), *lists]

    def static(self) -> str:
        """Return the first rows in full, and the checks."""
        reports = "".join(
            f"<h4>Row {each.row}</h4>{report_html(self.reports, each)}"
            for each in self.reports.reports[:_STATIC]
        )
        said = html.escape(self.reports.adverse)
        return f"<p>{said}</p>{reports}{checks_html(self.reports.checks)}"


def show_rows(reports: RowReports) -> Any:
    """Return the remarks on single rows, as a table for a notebook."""
    from toolkit.widgets.kit.static import Html

    fixed = [(shorten(name, 60), why) for name, why in reports.fixed.items()]
    never = f"<h4>Never changed</h4>{table(('Column', 'Why'), fixed)}" if fixed else ""
    return Html(checks_html(reports.checks) + never)


def _label(report: RowReport) -> str:
    return f"{report.row}: {shorten(report.decision, 24)} ({formats.number(report.score, 4)})"


def _answer(said: Any, values: Mapping[str, Any]) -> str:
    shares = ", ".join(
        f"{shorten(n, 24)} {formats.share(p)}" for n, p in list(said.probabilities.items())[:8]
    )
    what = f"{len(values)} changed" if values else "as it is"
    text = f" ({html.escape(shares)})" if shares else ""
    return (
        f'<p role="status">The model says <b>{html.escape(shorten(said.decision, 60))}</b>{text};'
        f" cells: {what}.</p>"
    )
