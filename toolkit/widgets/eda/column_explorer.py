"""The column explorer: find a column, see it, and say what it is and what it is for."""

from __future__ import annotations

import html
import typing
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from toolkit import formats
from toolkit.artifacts import ColumnProfile, Profile
from toolkit.plots.eda import contents
from toolkit.plots.style import Plot
from toolkit.project.data import ColumnType, Role
from toolkit.project.model import Project
from toolkit.widgets.kit import form
from toolkit.widgets.kit.static import table

MOST_LISTED = 200
"""Columns that the list shows at once; the search finds the others."""

Save = Callable[[dict[Any, Any], str], bool]
Draw = Callable[[Profile, str], Plot]

_ORDERS = {
    "predicts the target best": lambda c: -(c.association or 0.0),
    "lacks most values": lambda c: -c.missing,
    "has most different values": lambda c: -c.distinct,
    "as in the table": lambda c: 0,
}


class ColumnExplorer(w.HBox):
    """A searchable list of columns beside one column's figure, facts and settings.

    Parameters
    ----------
    profile : Profile
        The table in numbers.
    project : Project
        The choices as they are.
    draw : callable
        Gives the figure of a column.
    save : callable
        Writes changes to the project file; False if they were refused.
    """

    def __init__(self, profile: Profile, project: Project, draw: Draw, save: Save) -> None:
        self.profile = profile
        self._facts = {c.name: c for c in profile.columns}
        self._draw_column = draw
        self._save = save
        self._project = project
        self._muted = False
        self.search = w.Text(
            placeholder="part of a name", continuous_update=True, layout=w.Layout(width="100%")
        )
        self.order = w.Dropdown(options=list(_ORDERS), layout=w.Layout(width="100%"))
        self.choice = w.Select(rows=16, layout=w.Layout(width="100%"))
        self._found = w.HTML()
        self._picture = w.HTML()
        self.type = w.Dropdown(options=_options(ColumnType), description="Type")
        self.role = w.Dropdown(options=_roles(), description="Role")
        self.protected = w.Checkbox(description="Names a protected group", indent=False)
        self._hint = w.HTML()
        self._listen()
        left = w.VBox(
            [
                form.paragraph("Find a column", "toolkit-label"), self.search,
                form.paragraph("Order: which column first", "toolkit-label"), self.order,
                self.choice, self._found,
            ],
            layout=w.Layout(flex="1 1 220px", min_width="200px", max_width="320px"),
        )  # fmt: skip
        settings = w.HBox(
            [self.type, self.role, self.protected], layout=w.Layout(flex_flow="row wrap")
        )
        right = w.VBox(
            [self._picture, settings, self._hint],
            layout=w.Layout(flex="3 1 440px", min_width="0"),
        )
        layout = w.Layout(width="100%", flex_flow="row wrap", align_items="flex-start")
        layout.grid_gap = "0 20px"
        super().__init__([left, right], layout=layout)
        self._list()

    def refresh(self, project: Project) -> None:
        """Follow the project."""
        self._project = project
        self._show()

    def select(self, name: str) -> None:
        """Show a column, whatever the search says."""
        if name not in [value for _, value in self.choice.options]:
            self.search.value = name
        self.choice.value = name

    def _listen(self) -> None:
        self.search.observe(lambda _: self._list(), "value")
        self.order.observe(lambda _: self._list(), "value")
        self.choice.observe(lambda _: self._show(), "value")
        self.type.observe(lambda change: self._edited("type", change.new), "value")
        self.role.observe(lambda change: self._edited("role", change.new), "value")
        self.protected.observe(lambda change: self._edited("protected", change.new), "value")

    def _list(self) -> None:
        wanted = self.search.value.strip().casefold()
        found = [c for c in self.profile.columns if wanted in c.name.casefold()]
        found.sort(key=_ORDERS[self.order.value])
        before = self.choice.value
        shown = found[:MOST_LISTED]
        self.choice.options = [(_label(c), c.name) for c in shown]
        names = [c.name for c in shown]
        if names:
            self.choice.value = before if before in names else names[0]
        count = f"{len(found):,} of {len(self.profile.columns):,} columns"
        cut = f", the first {MOST_LISTED} listed" if len(found) > len(shown) else ""
        self._found.value = f'<div class="toolkit-help">{count}{cut}</div>'

    def _show(self) -> None:
        name = self.choice.value
        facts = self._facts.get(name)
        column = self._project.columns.get(name)
        if facts is None or column is None:
            self._picture.value = '<p class="toolkit-help">No column has such a name.</p>'
            return
        figure = self._draw_column(self.profile, name).html()
        figure += "".join(plot.html() for plot in contents.figures(self.profile, name))
        rows = table(("Fact", "Value"), facts_rows(facts, self.profile.rows))
        reasons = [s.reason for s in self.profile.suspects if s.column == name]
        warned = "".join(
            f'<p class="toolkit-error">Leakage suspect: {html.escape(reason)}.</p>'
            for reason in reasons
        )
        heading = f"<h4>{html.escape(form.shown(name))}</h4>"
        self._picture.value = f"{heading}{warned}{figure}{rows}"
        self._muted = True
        try:
            self.role.options = _roles("target") if column.role == "target" else _roles()
            self.type.value, self.role.value = column.type, column.role
            self.protected.value = column.protected
            self.role.disabled = self.type.disabled = column.role == "target"
        finally:
            self._muted = False
        self._hint.value = self._hint_html(facts)

    def _hint_html(self, facts: ColumnProfile) -> str:
        column = self._project.columns[facts.name]
        if column.role == "target":
            text = "The target is chosen in 01_scoping."
        elif column.type != facts.type:
            text = (
                f"The table still holds it as {facts.type}: run 01_scoping again, then this"
                " notebook."
            )
        elif (column.role, column.protected) != (facts.role, facts.protected):
            text = "The figures are from before this change: run this notebook again."
        else:
            text = "Only a column with the role feature reaches a model."
        return f'<div class="toolkit-help">{html.escape(text)}</div>'

    def _edited(self, attribute: str, value: Any) -> None:
        name = self.choice.value
        if self._muted or name is None:
            return
        shown = "yes" if value is True else "no" if value is False else value
        if not self._save({("columns", name, attribute): value}, f"{name}: {attribute} {shown}"):
            self._show()


def facts_rows(facts: ColumnProfile, rows: int) -> list[tuple[str, str]]:
    """Return a column's facts as rows of a name and a text."""
    share = facts.missing / max(rows, 1)
    found = [
        ("Missing", f"{facts.missing:,} ({formats.share(share)})"),
        ("Different values", f"{facts.distinct:,}"),
    ]
    if facts.association is not None:
        found.append(
            ("Association with the target", f"{facts.association:.2f} (0 to 1, out of sample)")
        )
    of = f" of the {facts.measure}" if facts.measure else ""
    if facts.repeated is not None:
        found.append(("Equal to an earlier row's", f"{facts.repeated:,}"))
    if facts.sizes:
        found.append(("Sizes", "; ".join(f"{size} ({n:,})" for size, n in facts.sizes[:6])))
    if facts.mean is not None:
        found.append(
            (
                f"Mean, standard deviation{of}",
                f"{formats.number(facts.mean, 6)}, {formats.number(facts.std or 0, 6)}",
            )
        )
    if facts.quartiles and (facts.type == "number" or facts.measure):
        parts = [facts.minimum, *facts.quartiles, facts.maximum]
        text = ", ".join(formats.number(part, 6) for part in parts if isinstance(part, float | int))
        found.append((f"Minimum, quartiles, maximum{of}", text))
    elif facts.type == "date" and facts.minimum is not None:
        found.append(("From, to", f"{facts.minimum}, {facts.maximum}"))
    if facts.top:
        shown = "; ".join(f"{value[:40]} ({count:,})" for value, count in facts.top[:6])
        found.append(("Values" if facts.type == "number" else "Most frequent", shown))
    return found


def _label(facts: ColumnProfile) -> str:
    name = facts.name if len(facts.name) <= 40 else facts.name[:39] + "…"
    return name if facts.association is None else f"{name}  {facts.association:.2f}"


def _options(choices: Any) -> list[tuple[str, str]]:
    return [(form.words(value), value) for value in typing.get_args(choices)]


def _roles(*more: str) -> list[tuple[str, str]]:
    return [pair for pair in _options(Role) if pair[1] != "target" or "target" in more]
