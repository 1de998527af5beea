"""The panel of fairness: groups, intersections, the trade-off with cost, and a person's choice."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import ipywidgets as w

from toolkit import formats
from toolkit.artifacts import (
    Evaluation,
    FairnessDetail,
    FairnessVerdict,
    Group,
    Intersection,
    TradeOffPoint,
)
from toolkit.plots.evaluate import fairness_trade_off as plots
from toolkit.plots.evaluate import group_results as group_plots
from toolkit.plots.evaluate.group_results import RATE_TITLES
from toolkit.plots.style import shorten
from toolkit.run.stage import Stage
from toolkit.widgets.kit.panel import Panel, checks_html, table

_HEAD = ("Point", "Difference", "Verdict", "Accuracy", "Mean cost a row", "Cost, change",
         "Changed decisions")  # fmt: skip


class FairnessPanel(Panel):
    """Results by group, the trade-off with cost, and the choice of a point with a reason.

    Parameters
    ----------
    stage : Stage
        The open stage.
    evaluation : Evaluation
        Results by group, and the verdicts.
    detail : FairnessDetail
        Intersections and the trade-off curve.

    Attributes
    ----------
    point : ipywidgets.Dropdown
        The points of the curve, and none.
    reason : ipywidgets.Textarea
        Why it was chosen. A point without a reason is not saved.
    """

    def __init__(self, stage: Stage, evaluation: Evaluation, detail: FairnessDetail) -> None:
        super().__init__(stage, "Fairness", ["fairness"])
        self.evaluation, self.detail = evaluation, detail
        self._figures, self._said = w.HTML(), w.HTML()
        names = ["none", *(each.name for each in detail.curve)]
        now = stage.project.fairness.mitigation
        names += [now] if now not in names else []
        wide = w.Layout(width="100%")
        self.point = w.Dropdown(
            options=[(shorten(name, 80), name) for name in names],
            value=now,
            description="Mitigation",
            layout=wide,
        )
        self.reason = w.Textarea(
            value=stage.project.fairness.mitigation_reason,
            description="Reason",
            placeholder="why this point, in your words",
            continuous_update=False,
            layout=wide,
        )
        self.point.observe(self._chosen, "value")
        self.reason.observe(self._chosen, "value")
        choice = [self.point, self.reason] if detail.curve else []
        self.show(
            w.HTML(self._groups() + self._crossings()),
            w.HTML("<h4>Fairness and cost trade-off</h4>"),
            self._figures,
            self._said,
            settings=choice,
        )
        self._draw()

    # -- choosing -------------------------------------------------------------------

    def _chosen(self, _: Any) -> None:
        name, reason = str(self.point.value), str(self.reason.value).strip()
        self._draw()
        if name != "none" and not reason:
            self.status("Not saved: a mitigation needs a reason. Say why, below it.", error=True)
            return
        self.save({"fairness.mitigation": name, "fairness.mitigation_reason": reason}, "Mitigation")

    def _draw(self) -> None:
        self._figures.value = self._curves()
        self._said.value = self._in_words()

    def _point(self) -> TradeOffPoint | None:
        return next((each for each in self.detail.curve if each.name == self.point.value), None)

    def _in_words(self) -> str:
        point = self._point()
        if point is None:
            if self.point.value != "none":
                return "<p>The point that the project names is not on the curve.</p>"
            return "<p>No mitigation was chosen: one threshold applies to all rows.</p>"
        unit = self.stage.project.costs.unit or "cost units"
        said = [
            f"Against no mitigation of the same model, the mean cost a row changes by"
            f" {point.cost_change.text(sign=True)} {unit}, accuracy by"
            f" {point.accuracy_change.text(sign=True)}, and the {_words(self.detail.metric)} by"
            f" {point.difference_change.text(sign=True)}; {formats.share(point.changed)} of the"
            f" test"
            f" rows are"
            " decided otherwise.",
        ]
        if point.method == "thresholds":
            said.append(
                "Choosing it records the thresholds. The champion itself stays as it is: who"
                " deploys it applies them with evaluate.decide_by_group."
            )
        else:
            said.append(
                "This was tried on a surrogate model. Choosing it needs a new search: it is"
                " recorded, and nothing is changed."
            )
        lines = "".join(f"<p>{html.escape(line)}</p>" for line in said)
        if not point.thresholds:
            return lines
        rows = [
            (shorten(name, 60), formats.number(each, 4)) for name, each in point.thresholds.items()
        ]
        rows.append(("everybody else", formats.number(point.fallback, 4)))
        return lines + table((f"Group of {shorten(point.column, 40)}", "Threshold"), rows)

    # -- showing --------------------------------------------------------------------

    def _groups(self) -> str:
        columns = dict.fromkeys(group.column for group in self.evaluation.groups)
        if not columns:
            return (
                "<p>No column is marked as protected, so no groups were compared. If the decision"
                " touches people, mark one under <code>columns</code> in project.yaml.</p>"
            )
        figures = [
            group_plots.fairness(self.evaluation),
            *(group_plots.groups(self.evaluation, name) for name in columns),
        ]
        named = [(group.column, group.group, group) for group in self.evaluation.groups]
        numbers = f"<details><summary>All numbers</summary>{_numbers(named)}</details>"
        return (
            "<h4>Groups</h4>"
            + _verdicts("Protected column", self.evaluation.fairness)
            + "".join(figure.html() for figure in figures)
            + numbers
        )

    def _crossings(self) -> str:
        detail = self.detail
        if not detail.crossings:
            return ""
        pairs = {tuple(each.columns): None for each in detail.crossings}
        figures = [plots.crossings(detail, list(pair)).html() for pair in pairs]
        folded = "".join(figures[1:])
        if folded:
            folded = f"<details><summary>{len(figures) - 1} more</summary>{folded}</details>"
        more = ""
        if detail.crossings_left_out:
            more = (
                f"<p>{detail.crossings_left_out:,} smaller intersections with"
                f" {detail.rows_left_out:,} test rows are not shown.</p>"
            )
        named = [(" × ".join(c.columns), " and ".join(c.groups), c) for c in detail.crossings]
        numbers = f"<details><summary>All numbers</summary>{_numbers(named)}</details>"
        return (
            "<h4>Intersections</h4>"
            + _verdicts("Intersection", detail.crossing_verdicts)
            + figures[0]
            + folded
            + (more + numbers)
        )

    def _curves(self) -> str:
        detail = self.detail
        if not detail.curve:
            return f"<p>{html.escape(detail.no_curve)}</p>"
        unit = self.stage.project.costs.unit
        columns = dict.fromkeys(each.column for each in detail.curve)
        figures = "".join(
            plots.trade_off(detail, name, str(self.point.value), unit).html() for name in columns
        )
        asked = "" if detail.metric_asked else " (the project asks for no fairness metric)"
        said = (
            f"Traded: the {_words(detail.metric)}{asked}. Thresholds were fitted on"
            f" {detail.fit_rows:,} validation rows; every point is evaluated on {detail.rows:,}"
            f" test"
            " rows."
        )
        if detail.surrogate:
            said += (
                f" Reweighting and reductions change the fit, so they were tried on a surrogate"
                f" model, not the champion: {detail.surrogate}, {detail.surrogate_rows:,} of"
                f" {detail.surrogate_of:,} training rows."
            )
        rows = [
            (each.name, each.difference.text(), each.verdict, each.accuracy.text(),
             each.cost.text(), each.cost_change.text(sign=True), formats.share(each.changed))
            for each in detail.curve
        ]  # fmt: skip
        named = f"<details><summary>All points</summary>{table(_HEAD, rows)}</details>"
        return f"<p>{html.escape(said)}</p>{figures}{named}"

    # -- for readers without a kernel -----------------------------------------------

    def static(self) -> str:
        """Return the same figures and tables, the choice in words, and the checks."""
        return (
            self._groups()
            + self._crossings()
            + "<h4>Fairness and cost trade-off</h4>"
            + self._figures.value
            + self._said.value
            + checks_html(self.detail.checks)
        )

    def static_rows(self) -> list[tuple[str, str, str]]:
        """Return the choice and its reason."""
        return [self.static_row(f"fairness.{name}") for name in ("mitigation", "mitigation_reason")]


def _verdicts(head: str, verdicts: Sequence[FairnessVerdict]) -> str:
    rows = [
        (shorten(each.column, 60), _words(each.metric),
         each.difference.text(limit=each.limit), formats.number(each.limit, 6),
         each.verdict, each.reason)
        for each in verdicts
    ]  # fmt: skip
    heads = (head, "Metric", "Largest difference", "Limit", "Verdict", "Groups compared")
    return table(heads, rows) if rows else ""


def _numbers(items: Sequence[tuple[str, str, Group | Intersection]]) -> str:
    """Return all results of groups, each rate with the number of rows that it is over."""
    names = list(dict.fromkeys(name for *_, each in items for name in each.metrics))
    rows = [
        (
            shorten(column, 40),
            shorten(name, 80),
            f"{each.rows:,}",
            "yes" if each.judged else "too few rows",
            *(
                f"{each.metrics[n].text()} of {each.base.get(n, each.rows):,}"
                if n in each.metrics
                else ""
                for n in names
            ),
        )
        for column, name, each in items
    ]
    head = ("Column", "Group", "Rows", "Compared", *(RATE_TITLES.get(n, n) for n in names))
    return table(head, rows)


def _words(metric: str) -> str:
    return metric.replace("_", " ")
