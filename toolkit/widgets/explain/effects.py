"""The panel of global effects: one column's effects, interactions, importances, surrogate tree."""

from __future__ import annotations

import html

import ipywidgets as w

from toolkit import formats
from toolkit.artifacts import Attributions, Explanation, GlobalEffects
from toolkit.plots.explain import effects as plots
from toolkit.plots.explain.column_dependence import dependence_with
from toolkit.plots.explain.shared import marked
from toolkit.plots.explain.surrogate import tree
from toolkit.plots.style import shorten
from toolkit.run.stage import Stage
from toolkit.widgets.kit.panel import Panel, checks_html, table

_STATIC_COLUMNS = 3


class EffectsPanel(Panel):
    """Global effects of the model.

    Parameters
    ----------
    stage : Stage
        The open stage.
    effects : GlobalEffects
        What `toolkit.explain.global_effects` found.
    explanation : Explanation
        How the champion was explained.
    attributions : Attributions
        Its SHAP values.

    Attributes
    ----------
    of, column : ipywidgets.Dropdown
        The output and the column in view.
    """

    def __init__(
        self,
        stage: Stage,
        effects: GlobalEffects,
        explanation: Explanation,
        attributions: Attributions,
    ) -> None:
        super().__init__(stage, "Global explanation", ["explain"])
        self.effects, self.explanation, self.attributions = effects, explanation, attributions
        self._explained = set(attributions.frame["column"])
        self._column = w.HTML()
        self.of = _dropdown("Output", effects.outputs)
        self.of.layout.display = "" if len(effects.outputs) > 1 else "none"
        self.column = _dropdown("Column", [each.column for each in effects.effects])
        self.of.observe(lambda _: self._draw(), "value")
        self.column.observe(lambda _: self._draw(), "value")
        self.show(
            w.HTML(f"<p>{html.escape(self._said())}</p>"),
            self.of,
            self.column,
            self._column,
            w.HTML(self._whole()),
        )
        self._draw()

    def _said(self) -> str:
        effects = self.effects
        return (
            f"Effects are in units of the {effects.output}, from {effects.rows:,} of"
            f" {effects.of_rows:,} training rows: partial dependence over {effects.effect_rows:,}"
            f" of them, accumulated local effects over {effects.ale_rows:,}. The model scored"
            f" {effects.evaluations:,} rows for all effects."
        )

    def _draw(self) -> None:
        if self.column.value is None:
            self._column.value = "<p>No column has more than one value.</p>"
            return
        self._column.value = self._of_column(str(self.column.value), str(self.of.value))

    def _of_column(self, column: str, of: str) -> str:
        parts = [plots.effect(self.effects, column, of).html(), self._outside(column)]
        other = self.effects.interactions.strongest.get(column)
        if other is None:
            parts.append("<p>It interacts with no other of the leading columns.</p>")
        elif {column, other} <= self._explained:
            parts.append(
                dependence_with(self.explanation, self.attributions, column, other, of).html()
            )
        return "".join(parts)

    def _outside(self, column: str) -> str:
        found = next(each for each in self.effects.effects if each.column == column)
        flagged = sum(share >= plots.FLAGGED for share in found.outside)
        if not flagged:
            return "<p>Partial dependence stays within the data.</p>"
        names = ", ".join(shorten(name, 40) for name in found.related)
        beside = f", judged together with {names}" if names else ""
        return (
            f"<p>{flagged} of {len(found.outside)} values put a fifth or more of the rows"
            f" outside the data{html.escape(beside)}: trust accumulated local effects"
            " there.</p>"
        )

    # -- the model as a whole -----------------------------------------------------------

    def _whole(self) -> str:
        effects, parts = self.effects, ["<h4>Interactions of columns</h4>"]
        if effects.interactions.pairs:
            parts += [plots.interactions(effects).html(), self._pairs()]
        else:
            parts.append("<p>There are too few rows or columns to tell.</p>")
        parts.append("<h4>Stability of the ranks</h4>")
        parts.append(self._ranks())
        parts.append("<h4>SHAP and permutation importance</h4>")
        if effects.permutation.columns:
            parts += [plots.importances(effects).html(), self._differences()]
        parts.append("<h4>Surrogate tree</h4>")
        if effects.surrogate.nodes:
            rules = "".join(f"<li>{html.escape(rule)}</li>" for rule in effects.surrogate.rules)
            parts.append(tree(effects).html())
            parts.append(f"<details><summary>As rules</summary><ol>{rules}</ol></details>")
        return "".join(parts) + checks_html(effects.checks)

    def _pairs(self) -> str:
        found = self.effects.interactions
        rows = [
            (f"{shorten(p.first, 40)} and {shorten(p.second, 40)}", p.size.text(),
             "negligible joint effect" if p.h.value is None else p.h.text())
            for p in found.pairs[:8]
        ]  # fmt: skip
        return (
            table(("Pair", "Size", "H"), rows)
            + f"<p>From {found.rows} rows; in brackets two standard errors.</p>"
        )

    def _ranks(self) -> str:
        rows = [
            (marked(each.column, self.effects.suspects, 40), each.rank, formats.percent(each.kept),
             str(each.low) if each.low == each.high else f"{each.low} to {each.high}",
             formats.percent(each.top3))
            for each in self.effects.stability
        ]  # fmt: skip
        if not rows:
            return "<p>There are too few explained rows to tell.</p>"
        head = ("Column", "Rank", "Keeps its rank in", "95% of ranks", "Among the first 3 in")
        return table(head, rows)

    def _differences(self) -> str:
        rows = [
            (
                marked(each.column, self.effects.suspects, 40),
                each.shap_rank,
                each.rank,
                each.loss.text(),
                each.why,
            )
            for each in self.effects.permutation.columns
            if each.why
        ]
        if not rows:
            return "<p>Both kinds rank the columns much alike.</p>"
        head = (
            "Column",
            "Rank by SHAP",
            "Rank by permutation",
            "Metric worse by",
            "Possible reason",
        )
        return table(head, rows)

    def static_html(self) -> str:
        """Return the panel without a table of fields: it has none."""
        return f"<h3>{html.escape(self.title)}</h3>{self.static()}"

    def static(self) -> str:
        """Return the leading columns' figures, and the model as a whole."""
        of = self.effects.outputs[0]
        columns = "".join(
            self._of_column(each.column, of) for each in self.effects.effects[:_STATIC_COLUMNS]
        )
        return f"<p>{html.escape(self._said())}</p>{columns}{self._whole()}"


def _dropdown(description: str, names: list[str]) -> w.Dropdown:
    return w.Dropdown(
        options=[(shorten(name, 60), name) for name in names], description=description
    )
