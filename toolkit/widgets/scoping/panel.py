"""The panel of ``01_scoping``: the question, what errors cost, who answers for the model."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from toolkit import formats, metrics
from toolkit.artifacts import Feasibility, Intake
from toolkit.errors import ToolkitError
from toolkit.paths import notebook_name
from toolkit.plots import scoping as figures
from toolkit.project.completeness import questions
from toolkit.project.criteria import Acceptance, Fairness
from toolkit.project.model import Problem, Project
from toolkit.run.stage import Stage
from toolkit.widgets.eda.weight import WeightChoice
from toolkit.widgets.kit import form
from toolkit.widgets.kit.lists import EditableList
from toolkit.widgets.kit.panel import Panel, checks_html, grid, table
from toolkit.widgets.scoping.costs import cost_fields
from toolkit.widgets.scoping.known_columns import KnownChoices

if TYPE_CHECKING:
    import pandas as pd

    Live = Callable[[Project], tuple[Feasibility, pd.Series]]

_SECTIONS = (
    "problem", "target", "metric", "costs", "acceptance", "fairness", "split", "governance",
)  # fmt: skip


class ScopingPanel(Panel):
    """Every choice that is made before anybody looks at the data.

    Parameters
    ----------
    stage : Stage
        The open stage.
    intake : Intake
        How the table was read: its columns are offered in dropdowns.
    feasibility : Feasibility
        The figures for the project as it is.
    live : callable
        Gives the figures and the target's column for a project; called here for the column,
        and again after every change. See `toolkit.data.live_feasibility`.
    """

    def __init__(
        self,
        stage: Stage,
        intake: Intake,
        feasibility: Feasibility,
        live: Live,
    ) -> None:
        super().__init__(stage, "What is asked, and can this table answer it?", _SECTIONS)
        self.intake = intake
        self.feasibility = feasibility
        self._live = live
        self._plots = figures.overview(feasibility, stage.project, live(stage.project)[1])
        self._problem = ""
        self._read_for = (stage.project.target.column, stage.project.target.task)
        self._findings = w.HTML()
        tabs = {
            "Problem": self._words(),
            "Target": self._target(),
            "Metric": self._metric(),
            "Costs": cost_fields(self, list(feasibility.classes)),
            "Acceptance": self._acceptance(),
            "Known when": self._known(),
            "Fairness": self._fairness(),
            "Split": self._split(),
            "Governance": self._governance(),
        }
        self.tabs = w.Tab(list(tabs.values()), layout=w.Layout(width="100%"))
        self._tab_names = list(tabs)
        self.show(self._findings, settings=[self.tabs])
        self._draw()

    # -- the tabs ----------------------------------------------------------------

    def _words(self) -> w.Widget:
        return grid(
            *(self.field(f"problem.{name}", rows=2) for name in Problem.model_fields), width=260
        )

    def _target(self) -> w.Widget:
        names = list(self.stage.project.columns)
        column = self.field("target.column", options=names, also=self._retarget)
        classes = sorted(self.feasibility.classes) or None
        positive = self.field("target.positive", options=classes)
        self.weight = WeightChoice(self.stage.project, self.save)
        return w.VBox([column, self.field("target.task"), positive, self.weight])

    def _metric(self) -> w.Widget:
        task = self.stage.project.target.task
        named = [(metrics.get(name).title, name) for name in metrics.for_task(task)]
        wizard = ["ranking_matters", "probability_used"]
        wizard = ["large_errors_worse"] if task == "regression" else wizard
        labels = {
            "ranking_matters": "Is only the order of the rows used (who is called first)?",
            "probability_used": "Is the predicted probability itself used (a price, a provision)?",
            "large_errors_worse": "Is one large error worse than small ones that add up to it?",
        }
        name = self.field(
            "metric.name", label="Ranking metric", options=[("Follow the answers", "auto"), *named]
        )
        asked = [self.field(f"metric.{key}", label=labels[key], help="") for key in wizard]
        return w.VBox([*asked, name])

    def _acceptance(self) -> w.Widget:
        task = self.stage.project.target.task
        options = [(metrics.get(name).title, name) for name in metrics.for_task(task)]
        self._limit_metric = w.Dropdown(options=options, layout=w.Layout(width="240px"))
        self._limit_side = w.Dropdown(
            options=[("at least", "at_least"), ("at most", "at_most")],
            layout=w.Layout(width="100px"),
        )
        self._limit_value = w.FloatText(step=0.01, layout=w.Layout(width="100px"))
        self._limit_metric.observe(lambda _: self._usual_side(), "value")
        self._usual_side()
        self.limits = EditableList(
            "Acceptance limits",
            "What the test rows must show before the model may be used. Fix it now: a limit"
            " that is set after the results are known decides nothing.",
            [self._limit_metric, self._limit_side, self._limit_value],
            self._add_limit,
            self._remove_limit,
        )
        return self.limits

    def _known(self) -> w.Widget:
        self.known = KnownChoices(self.stage.project, self.feasibility.strongest, self.save)
        return self.known

    def _fairness(self) -> w.Widget:
        self._protect = w.Combobox(
            options=list(self.stage.project.columns),
            placeholder="a column of the table",
            ensure_option=True,
            layout=w.Layout(width="260px"),
        )
        self.protected = EditableList(
            "Protected attributes",
            "Results are compared across the values of these columns, whether or not a model"
            " may use them.",
            [self._protect],
            self._add_protected,
            self._remove_protected,
        )
        return w.VBox(
            [
                self.protected,
                grid(*(self.field(f"fairness.{n}") for n in Fairness.model_fields), width=260),
            ]
        )

    def _split(self) -> w.Widget:
        columns = list(self.stage.project.columns)
        fields = [self.field(f"split.{name}") for name in ("method", "validation", "test")]
        return w.VBox([*fields, self.field("split.column", options=columns)])

    def _governance(self) -> w.Widget:
        names = ("risk_tier", "owner", "reviewer", "review_date")
        fields = [self.field(f"governance.{name}") for name in names]
        return w.VBox([*fields, self.field("governance.notes", rows=3)])

    # -- changes that touch more than one key ------------------------------------

    def _retarget(self, column: Any) -> dict[Any, Any]:
        project = self.stage.project
        facts = {c.name: c for c in self.intake.columns}.get(column)
        changes: dict[Any, Any] = {
            ("columns", project.target.column, "role"): "feature",
            ("columns", column, "role"): "target",
        }
        if facts is not None and facts.distinct > 2:
            number = facts.type == "number" and facts.distinct > 20
            changes["target.task"] = "regression" if number else "multiclass"
            changes["target.positive"] = None
        elif facts is not None:
            changes["target.task"] = "binary"
            changes["target.positive"] = facts.examples[-1] if facts.examples else None
        return changes

    def _usual_side(self) -> None:
        better = metrics.get(self._limit_metric.value).greater_is_better
        self._limit_side.value = "at_least" if better else "at_most"

    def _add_limit(self) -> None:
        limit = {"metric": self._limit_metric.value}
        limit[self._limit_side.value] = self._limit_value.value
        kept = [_plain_limit(item) for item in self.stage.project.acceptance]
        self.save({"acceptance": [*kept, limit]}, "acceptance limit added")

    def _remove_limit(self, position: int) -> None:
        kept = [_plain_limit(item) for item in self.stage.project.acceptance]
        del kept[position]
        self.save({"acceptance": kept}, "acceptance limit removed")

    def _add_protected(self) -> None:
        name = self._protect.value
        if name not in self.stage.project.columns:
            self.status(f"There is no column {name!r}.", error=True)
        elif self.save({("columns", name, "protected"): True}, f"{name} is protected"):
            self._protect.value = ""

    def _remove_protected(self, position: int) -> None:
        name = self.stage.project.protected()[position]
        self.save({("columns", name, "protected"): False}, f"{name} is not protected")

    # -- figures -----------------------------------------------------------------

    def changed(self) -> None:
        """Compute the figures again for the project as it is now."""
        target = self.stage.project.target
        if (target.column, target.task) != self._read_for:
            self._draw()
            return
        self._problem = ""
        try:
            self.feasibility, column = self._live(self.stage.project)
            self._plots = figures.overview(self.feasibility, self.stage.project, column)
        except ToolkitError as error:
            self._problem = error.line()
        self._draw()

    def _draw(self) -> None:
        project = self.stage.project
        self.limits.fill([_limit_text(item) for item in project.acceptance])
        self.protected.fill(project.protected())
        self.known.show(project)
        missing = self._open()
        for position, name in enumerate(self._tab_names):
            count = sum(key.partition(".")[0] == name.lower() for key in missing)
            self.tabs.set_title(position, f"{name} ({count} open)" if count else name)
        self._findings.value = self._findings_html()

    def _open(self) -> dict[str, str]:
        asked = questions(self.stage.project, self.stage.file.sources(), labels_reviewed=False)
        here = notebook_name("scoping")
        return {q.key: q.what for q in asked if q.required and not q.answered and q.where == here}

    def _facts_html(self) -> str:
        target = self.stage.project.target
        if (target.column, target.task) != self._read_for:
            return (
                '<p class="toolkit-error" role="alert">The target or the task has changed. Check'
                " the positive class, then run this notebook again from the top.</p>"
            )
        if self._problem:
            return f'<p class="toolkit-error" role="alert">{html.escape(self._problem)}</p>'
        rows = table(("Figure", "Value"), facts_rows(self.feasibility))
        missing = self._open()
        gaps = "".join(f"<li>{html.escape(what)}</li>" for what in missing.values())
        said = f"<h4>Unanswered questions</h4><ul>{gaps}</ul>" if gaps else ""
        return f"<h4>Figures for these choices</h4>{rows}{said}"

    def _checks_html(self) -> str:
        checks = [*self.feasibility.checks, *self.intake.checks]
        return f"<h4>Checks</h4>{checks_html(checks)}"

    def _findings_html(self) -> str:
        plots = "".join(plot.html() for plot in self._plots)
        return plots + self._facts_html() + self._checks_html()

    # -- for readers without a kernel --------------------------------------------

    def static_rows(self) -> list[tuple[str, str, str]]:
        """Return the fields, the acceptance limits and the protected columns."""
        limits = "; ".join(_limit_text(item) for item in self.stage.project.acceptance)
        protected = ", ".join(self.stage.project.protected())
        _, _, source = self.static_row("acceptance")
        return [
            *super().static_rows(),
            ("Acceptance limits", limits or "not set", source),
            ("Protected columns", protected or "none", ""),
        ]

    def static(self) -> str:
        """Return the figures and checks as they were when the panel was shown."""
        return self._findings_html() + self.known.static(self.stage.project)


def facts_rows(feasibility: Feasibility) -> list[tuple[str, str]]:
    """Return the figures of feasibility as rows of a name and a text."""
    total = max(feasibility.rows, 1)
    rows = [("Rows with a known target", f"{feasibility.rows:,}")]
    rows += [
        (f"Rows of class {name}", f"{count:,} ({formats.share(count / total)})")
        for name, count in list(feasibility.classes.items())[:12]
    ]
    rows.append(("Rows kept for the test", f"{feasibility.test_rows:,}"))
    title = metrics.get(feasibility.metric).title
    rows.append(("Ranking metric", f"{title}: {feasibility.metric_reason}"))
    if feasibility.cost_threshold is not None:
        rows.append(("Threshold that the costs imply", formats.number(feasibility.cost_threshold)))
    guesses = (
        f"{metrics.get(name).title} {formats.number(value, 4)}"
        for name, value in feasibility.constant.items()
        if value is not None
    )
    rows.append(("What a constant guess scores", ", ".join(guesses)))
    if feasibility.detectable is not None:
        rows.append(("Smallest difference the test can show", f"{feasibility.detectable:.3f}"))
    fairness = form.words(feasibility.fairness_metric)
    rows.append(("Fairness metric", f"{fairness}: {feasibility.fairness_reason}"))
    return rows


def _plain_limit(item: Acceptance) -> dict[str, Any]:
    return {name: value for name, value in item.model_dump().items() if value is not None}


def _limit_text(item: Acceptance) -> str:
    sides = (("at least", item.at_least), ("at most", item.at_most))
    limits = " and ".join(
        f"{word} {formats.number(value, 6)}" for word, value in sides if value is not None
    )
    return f"{metrics.get(item.metric).title} {limits}"
