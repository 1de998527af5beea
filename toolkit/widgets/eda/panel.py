"""The panel of ``02_eda``: what each column is for, how rows are split, what to leave out."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w

from toolkit import formats
from toolkit.artifacts import Check, Profile, Quality, SplitSummary
from toolkit.errors import ToolkitError
from toolkit.plots.eda import table as figures
from toolkit.plots.style import Plot
from toolkit.project.model import Project
from toolkit.run.stage import Stage
from toolkit.widgets.eda.column_explorer import ColumnExplorer, facts_rows
from toolkit.widgets.kit import form
from toolkit.widgets.kit.panel import Panel, checks_html, table
from toolkit.widgets.kit.static import SEVERITY_MARKS

Preview = Callable[[Project], SplitSummary]

_BUTTONS = 6
"""Columns of one check that get a button of their own."""
_CHECKS = 25
"""Checks that get buttons."""
_STATIC_COLUMNS = 40


class EdaPanel(Panel):
    """Columns, split and quality, with the data's figures beside every choice.

    Parameters
    ----------
    stage : Stage
        The open stage.
    profile : Profile
        The table in numbers.
    quality : Quality
        The graded checks.
    split : SplitSummary
        The split as it was made.
    live : callable, optional
        Gives the split that a changed project would make; see
        `toolkit.data.live_split`. Without it the split tab shows what was made.
    keep : callable, optional
        Keeps this run's contract for later tables (`toolkit.data.keep_contract`); gets the
        stage.
    """

    def __init__(
        self,
        stage: Stage,
        profile: Profile,
        quality: Quality,
        split: SplitSummary,
        *,
        live: Preview | None = None,
        keep: Callable[[Stage], Any] | None = None,
    ) -> None:
        super().__init__(stage, "Role of each column", ("columns", "split", "eda"))
        self.profile = profile
        self.quality = quality
        self.split = split
        self._preview = live
        self._keep = keep
        self._made_for = stage.project.split
        self._drawn_for = stage.project.split
        self._stale = w.HTML()
        self.explorer = ColumnExplorer(profile, stage.project, self._figure, self.save)
        self._split_view = w.HTML()
        self.ignore_buttons: dict[str, list[w.Button]] = {}
        findings = {
            "Columns": self.explorer,
            f"Quality ({self._open()} open)": self._quality_tab(),
        }
        settings = {"Split": self._split_tab(), "Limits": self._limits_tab()}
        self.tabs, self.setting_tabs = (
            w.Tab(list(tabs.values()), titles=list(tabs), layout=w.Layout(width="100%"))
            for tabs in (findings, settings)
        )
        self.show(self._stale, self.tabs, settings=[self.setting_tabs])
        self._draw_split(split)
        self._label_buttons()

    # -- the tabs ----------------------------------------------------------------

    def _split_tab(self) -> w.Widget:
        columns = list(self.stage.project.columns)
        fields = [self.field(f"split.{name}") for name in ("method", "validation", "test")]
        left = w.VBox(
            [*fields, self.field("split.column", options=columns)],
            layout=w.Layout(flex="1 1 280px", min_width="240px", max_width="420px"),
        )
        self._split_view.layout = w.Layout(flex="2 1 440px", min_width="0")
        layout = w.Layout(width="100%", flex_flow="row wrap", align_items="flex-start")
        layout.grid_gap = "0 20px"
        return w.HBox([left, self._split_view], layout=layout)

    def _quality_tab(self) -> w.Widget:
        picture = w.HTML(figures.severities(self.quality).html())
        rows: list[w.Widget] = [picture]
        features = set(self.stage.project.features())
        offered = 0
        for check in self.quality.checks:
            columns = [name for name in check.columns if name in features]
            if check.severity in ("critical", "warning") and columns and offered < _CHECKS:
                offered += 1
                rows.append(self._check_row(check, columns))
            elif check.severity in ("critical", "warning"):
                rows.append(self._check_row(check, []))
        rest = [c for c in self.quality.checks if c.severity in ("info", "ok")]
        if rest:
            rows.append(w.HTML(f"<h4>For information</h4>{checks_html(rest)}"))
        return w.VBox(rows)

    def _check_row(self, check: Check, columns: Sequence[str]) -> w.Widget:
        text = w.HTML(
            f"<h4>{html.escape(SEVERITY_MARKS[check.severity])}: {html.escape(check.name)}</h4>"
            f"<p>{html.escape(check.message)}</p>"
            f'<p class="toolkit-help">{html.escape(check.remedy)}</p>'
        )
        buttons = [self._ignore_button(name) for name in columns[:_BUTTONS]]
        if len(columns) > 1:
            every = w.Button(
                description=f"Ignore all {len(columns)}",
                tooltip=f"Give {len(columns)} columns the role ignore",
                layout=w.Layout(width="auto"),
            )
            every.on_click(lambda _: self._ignore(columns))
            buttons.append(every)
        return w.VBox([text, w.HBox(buttons, layout=w.Layout(flex_flow="row wrap"))])

    def _ignore_button(self, name: str) -> w.Button:
        button = w.Button(layout=w.Layout(width="auto"))
        button.on_click(lambda _: self._toggle(name))
        self.ignore_buttons.setdefault(name, []).append(button)
        return button

    def _limits_tab(self) -> w.Widget:
        names = ("leakage_threshold", "correlation_threshold", "stop_at")
        fields: list[w.Widget] = [self.field(f"eda.{name}") for name in names]
        if self._keep is not None:
            self.keep_button = w.Button(
                description="Keep this table's schema",
                tooltip="Later tables are checked against it",
                layout=w.Layout(width="auto"),
            )
            self.keep_button.on_click(lambda _: self._kept())
            words = "Later runs check their table against the schema that is kept."
            fields += [self.keep_button, form.paragraph(words, "toolkit-help")]
        return w.VBox(fields)

    # -- changes -----------------------------------------------------------------

    def _toggle(self, name: str) -> None:
        ignored = self.stage.project.columns[name].role == "ignore"
        role = "feature" if ignored else "ignore"
        self.save({("columns", name, "role"): role}, f"{name}: role {role}")

    def _ignore(self, names: Sequence[str]) -> None:
        changes = {("columns", name, "role"): "ignore" for name in names}
        self.save(changes, f"{len(names)} columns: role ignore")

    def _kept(self) -> None:
        if self._keep is None:
            return
        try:
            self._keep(self.stage)
        except ToolkitError as error:
            self.status(error.line(), error=True)
        else:
            self.status("Kept in decisions/contract.json: later tables are checked against it.")

    def changed(self) -> None:
        """Follow the project: the explorer, the buttons, and the preview of the split."""
        project = self.stage.project
        self.explorer.refresh(project)
        self._label_buttons()
        self._stale.value = self._stale_html()
        if project.split == self._drawn_for:
            return
        self._drawn_for = project.split
        if self._preview is None:
            return
        try:
            self._draw_split(self._preview(project))
        except ToolkitError as error:
            line = html.escape(error.line())
            self._split_view.value = f'<p class="toolkit-error" role="alert">{line}</p>'

    def _draw_split(self, summary: SplitSummary) -> None:
        made = "" if self._drawn_for == self._made_for else " as it would be"
        picture = figures.split(summary).html()
        self._split_view.value = (
            f"<h4>The split{made}</h4>{picture}<h4>Leak check</h4>{checks_html(summary.checks)}"
        )

    def _label_buttons(self) -> None:
        for name, buttons in self.ignore_buttons.items():
            ignored = self.stage.project.columns[name].role == "ignore"
            word = "Use" if ignored else "Ignore"
            short = name if len(name) <= 30 else name[:29] + "…"
            for button in buttons:
                button.description = f"{word} {short}"
                button.tooltip = f"Give {name} the role {'feature' if ignored else 'ignore'}"
                button.icon = "undo" if ignored else ""

    # -- figures -----------------------------------------------------------------

    def _figure(self, profile: Profile, name: str) -> Plot:
        return figures.column(profile, name, target=self._target_words())

    def _target_words(self) -> str:
        target = self.stage.project.target
        return f"share of {target.positive}" if target.task == "binary" else ""

    def _open(self) -> int:
        return sum(c.severity in ("critical", "warning") for c in self.quality.checks)

    def _changed_columns(self) -> list[str]:
        columns = self.stage.project.columns
        return [
            c.name
            for c in self.profile.columns
            if c.name in columns
            and (columns[c.name].type, columns[c.name].use, columns[c.name].protected)
            != (c.type, c.role, c.protected)
        ]

    def _stale_html(self) -> str:
        said = []
        names = self._changed_columns()
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            said.append("changed columns: " + ", ".join(names[:5]) + more)
        if self.stage.project.split != self._made_for:
            said.append("changed split")
        if not said:
            return ""
        return (
            f'<p class="toolkit-error" role="status">{html.escape("; ".join(said).capitalize())}.'
            " Run this notebook again from the top, so that figures and split follow.</p>"
        )

    # -- for readers without a kernel --------------------------------------------

    def static(self) -> str:
        """Return the checks, the split and the main columns as tables."""
        checks = [c for c in self.quality.checks if c.severity != "ok"]
        parts = [
            (
                p.part,
                f"{p.rows:,}",
                "; ".join(f"{k} {formats.number(v, 4)}" for k, v in list(p.target.items())[:6]),
            )
            for p in self.split.parts
        ]
        found = sorted(self.profile.columns, key=lambda c: -(c.association or 0.0))
        columns = [
            (
                c.name,
                self.stage.project.columns[c.name].role,
                c.type,
                "; ".join(
                    f"{name}: {value}" for name, value in facts_rows(c, self.profile.rows)[:4]
                ),
            )
            for c in found[:_STATIC_COLUMNS]
            if c.name in self.stage.project.columns
        ]
        more = len(found) - len(columns)
        cut = f"<p>{more:,} further columns are in profile.json.</p>" if more > 0 else ""
        return (
            f"<h4>Split</h4>{table(('Part', 'Rows', 'Target'), parts)}"
            f"<h4>Checks</h4>{checks_html(checks)}"
            f"<h4>Columns</h4>{table(('Column', 'Role', 'Type', 'Facts'), columns)}{cut}"
        )


def _shares(target: dict[str, float]) -> str:
    return "; ".join(
        f"{name} {formats.number(value, 4)}" for name, value in list(target.items())[:6]
    )
