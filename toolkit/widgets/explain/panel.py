"""The panel of ``06_explain``: SHAP values by class, column and row."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as w
import numpy as np

from toolkit import formats
from toolkit.artifacts import Attributions, Explanation, TestPredictions
from toolkit.errors import ToolkitError
from toolkit.plots.explain import shap_values as plots
from toolkit.plots.explain.shared import marked
from toolkit.plots.style import shorten
from toolkit.run.stage import Stage
from toolkit.widgets.kit.panel import Panel, checks_html, grid, table
from toolkit.widgets.kit.static import Html

if TYPE_CHECKING:
    import pandas as pd

_ROWS = 200
_STATIC_WRONG = 10
_TEXT = 2_000


class ExplainPanel(Panel):
    """SHAP values: overall, by column, and row by row.

    Parameters
    ----------
    stage : Stage
        The open stage.
    explanation : Explanation
        How the champion was explained.
    attributions : Attributions
        Its SHAP values.
    predictions : TestPredictions
        To offer the rows that are most wrong first.
    explain_row : callable, optional
        Takes the number of a test row that was not explained and gives lines as in
        ``attributions.frame``; see `toolkit.explain.row_explainer`.
    view_row : callable, optional
        Takes the number of a test row and gives its texts and images; see
        `toolkit.explain.row_viewer`.

    Attributes
    ----------
    of, column, row : ipywidgets.Dropdown
        The class, the column and the explained row in view.
    number : ipywidgets.Text
        Any test row by its number in the table.
    """

    def __init__(
        self,
        stage: Stage,
        explanation: Explanation,
        attributions: Attributions,
        predictions: TestPredictions,
        explain_row: Callable[[int], pd.DataFrame] | None = None,
        *,
        view_row: Callable[[int], list[tuple[str, str, str]]] | None = None,
    ) -> None:
        super().__init__(stage, "Explanation", ["explain"])
        self.explanation, self.attributions = explanation, attributions
        self.predictions = _by_wrongness(predictions)
        self._explain_row = explain_row
        self._view_row = view_row
        self._more: dict[int, pd.DataFrame] = {}
        self._lines = dict(tuple(attributions.frame.groupby("row", sort=False)))
        self._overall, self._dependence, self._single = w.HTML(), w.HTML(), w.HTML()
        self.of = _dropdown("Output", explanation.classes)
        self.of.layout.display = "" if len(explanation.classes) > 1 else "none"
        self.column = _dropdown("Column", self._columns())
        offered = [r for r in self.predictions["row"] if int(r) in self._lines][:_ROWS]
        self.row = w.Dropdown(
            options=[(self._label(int(r)), int(r)) for r in offered], description="Row"
        )
        self.number = w.Text(
            description="Or number", placeholder="any test row", continuous_update=False
        )
        self.number.layout.display = "" if explain_row is not None else "none"
        self.of.observe(self._class_changed, "value")
        self.column.observe(lambda _: self._draw_column(), "value")
        self.row.observe(lambda _: self._draw_row(self.row.value), "value")
        self.number.observe(self._number_changed, "value")
        self.show(
            self.of,
            self._overall,
            w.HTML("<h4>One column</h4>"),
            self.column,
            self._dependence,
            w.HTML("<h4>One row: the largest errors first</h4>"),
            grid(self.row, self.number),
            self._single,
            settings=[
                w.HTML("<p>Run the notebook again from the top after a change.</p>"),
                grid(*(self.field(f"explain.{name}") for name in type(self.value).model_fields)),
            ],
        )
        self._class_changed(None)
        self._draw_row(self.row.value)

    # -- drawing --------------------------------------------------------------------

    def _columns(self) -> list[str]:
        return [item.column for item in self.explanation.importance[str(self.of.value)]]

    def _class_changed(self, _: Any) -> None:
        of = str(self.of.value)
        self._overall.value = (
            plots.importance(self.explanation, of).html()
            + plots.beeswarm(self.explanation, self.attributions, of).html()
        )
        names, kept = self._columns(), self.column.value
        self.column.options = [
            (marked(name, self.explanation.suspects, 60), name) for name in names
        ]
        if kept in names:
            self.column.value = kept
        self._draw_column()
        self._draw_row(self._shown)

    def _draw_column(self) -> None:
        name, of = str(self.column.value), str(self.of.value)
        self._dependence.value = plots.dependence(
            self.explanation, self.attributions, name, of
        ).html()

    _shown: int | None = None

    def _draw_row(self, row: int | None) -> None:
        if row is None:
            return
        self._shown = row
        lines = self._lines.get(row, self._more.get(row))
        if lines is not None:
            self._single.value = self._row_html(row, lines, str(self.of.value))

    def _number_changed(self, _: Any) -> None:
        text = self.number.value.strip().replace(",", "")
        if not text:
            return
        if not text.isdigit():
            self.status("The number of a row is a whole number", error=True)
            return
        row = int(text)
        try:
            if row not in self._lines and row not in self._more and self._explain_row:
                self.status(f"Explaining row {row} …")
                self._more[row] = self._explain_row(row)
        except ToolkitError as error:
            self.status(error.line(), error=True)
            return
        self._draw_row(row)
        self.status(f"Row {row} is shown.")

    # -- one row --------------------------------------------------------------------

    def _prediction(self, row: int) -> Any:
        found = self.predictions[self.predictions["row"] == row]
        return found.iloc[0] if len(found) else None

    def _label(self, row: int) -> str:
        found = self._prediction(row)
        return (
            f"{row}: actual {_text(found['actual'])}, predicted {_text(found['predicted'])}"
            f" ({found['wrong_words']})"
        )

    def _row_html(self, row: int, lines: pd.DataFrame, of: str) -> str:
        figure = plots.waterfall(self.explanation, lines, row, of).html()
        found = self._prediction(row)
        said = ""
        if found is not None:
            said = (
                f"<p>Actual <b>{html.escape(_text(found['actual']))}</b>, predicted"
                f" <b>{html.escape(_text(found['predicted']))}</b>,"
                f" {html.escape(found['wrong_words'])}.</p>"
            )
        mine = lines[lines["class"] == of]
        mine = mine.iloc[np.argsort(-mine["shap"].abs().to_numpy(), kind="stable")]
        rows = [
            (
                marked(line["column"], self.explanation.suspects, 60),
                shorten(line["value"], 80) if isinstance(line["value"], str) else "(missing)",
                formats.number(line["shap"], 4, sign=True),
                formats.number(line["standard_error"], 2),
            )
            for line in mine.to_dict("records")
        ]
        values = table(("Column", "Value", self.explanation.called, "Standard error"), rows)
        more = f"<details><summary>All {len(rows)} columns of the row</summary>{values}</details>"
        return said + self._contents(row) + figure + more

    def _contents(self, row: int) -> str:
        found = self._view_row(row) if self._view_row is not None else []
        return "".join(
            f'<p style="margin:4px 0"><b>{html.escape(shorten(name, 60))}</b><br>'
            + (
                f'<img src="{html.escape(content, quote=True)}" height="160"'
                f' alt="{html.escape(name, quote=True)} of row {row}"'
                ' style="image-rendering:pixelated"></p>'
                if kind == "image"
                else f"{html.escape(shorten(content, _TEXT))}</p>"
            )
            for name, kind, content in found
        )

    # -- for readers without a kernel -------------------------------------------------

    def static(self) -> str:
        """Return the figures in view, the most wrong rows, and the checks."""
        wrong = [
            (int(each["row"]), _text(each["actual"]), _text(each["predicted"]), each["wrong_words"])
            for each in self.predictions.head(_STATIC_WRONG).to_dict("records")
        ]
        return (
            self._overall.value
            + self._dependence.value
            + self._single.value
            + "<h4>Test rows with the largest errors</h4>"
            + table(("Row", "Actual", "Predicted", "How wrong"), wrong)
            + checks_html(self.explanation.checks)
        )


def _dropdown(description: str, names: list[str]) -> w.Dropdown:
    return w.Dropdown(
        options=[(shorten(name, 60), name) for name in names], description=description
    )


def _text(value: Any) -> str:
    return formats.number(value, 5) if isinstance(value, float) else shorten(value, 40)


def _by_wrongness(predictions: TestPredictions) -> pd.DataFrame:
    """Return predictions, the most wrong first, with a few words on how wrong."""
    frame = predictions.frame.copy()
    classes = [str(name)[2:] for name in frame.columns if str(name).startswith("p:")]
    if not classes:
        wrong = (frame["predicted"] - frame["actual"]).abs().to_numpy()
        words = [
            f"off by {formats.number(p - a, 4, sign=True)}"
            for p, a in zip(frame["predicted"], frame["actual"], strict=True)
        ]
    else:
        p = np.column_stack([frame[f"p:{name}"] for name in classes])
        place = {name: i for i, name in enumerate(classes)}
        own = [
            p[i, place[a]] if a in place else 0.0 for i, a in enumerate(frame["actual"].tolist())
        ]
        wrong = 1 - np.asarray(own)
        words = [f"{formats.share(q)} for the actual class" for q in own]
    frame["wrong_words"] = words
    order = np.lexsort((frame["row"].to_numpy(), -wrong))
    return frame.iloc[order].reset_index(drop=True)


def show_explanation(explanation: Explanation) -> Html:
    """Return how the explanation was made and how exact it is, for a notebook."""
    facts = [
        ("Method", explanation.method),
        ("Values add up to", explanation.output),
        ("Rows explained", f"{explanation.rows:,}"),
        ("Values are relative to", against(explanation)),
        ("Plan", explanation.plan),
        ("Model evaluations", f"{explanation.evaluations:,}"),
        ("Additivity error", formats.number(explanation.additivity_error, 2)),
    ]
    return Html(table(("", ""), facts) + checks_html(explanation.checks))


def against(explanation: Explanation) -> str:
    """Return in words what SHAP values are relative to."""
    if not explanation.background:
        return explanation.reference
    return f"{explanation.background:,} background rows, from {explanation.reference}"
