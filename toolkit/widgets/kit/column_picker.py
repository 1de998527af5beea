"""Choosing columns from a table that may have thousands of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as w

from toolkit.plots.style import shorten
from toolkit.widgets.kit import form
from toolkit.widgets.kit.lists import EditableList
from toolkit.widgets.kit.panel import Panel


class ColumnPicker(EditableList):
    """The columns that a project key names: type a part of a name, pick, add, remove.

    Parameters
    ----------
    panel : Panel
        Saves what is picked.
    key : str
        A key whose value is a list of columns, or a dict from column to one of ``values``.
    title : str
        The heading.
    columns : sequence of str
        The columns on offer.
    values : sequence of str, optional
        For a dict: what may be said of a column.

    Attributes
    ----------
    search : ipywidgets.Combobox
        Where a name is typed.
    choice : ipywidgets.Dropdown or None
        What is said of the column.
    """

    def __init__(
        self,
        panel: Panel,
        key: str,
        title: str,
        columns: Sequence[str],
        values: Sequence[str] = (),
    ) -> None:
        self._panel, self._key, self._title = panel, key, title
        self._columns = list(columns)
        self.search = w.Combobox(
            options=list(columns),
            placeholder="part of a column's name",
            continuous_update=False,
            layout=w.Layout(width="260px"),
        )
        self.search.tooltip = title
        self.choice = (
            w.Dropdown(options=list(values), layout=w.Layout(width="130px")) if values else None
        )
        adder = [self.search, *([self.choice] if self.choice is not None else [])]
        super().__init__(title, form.help_text(key), adder, self._add, self._remove)
        self.update()

    def update(self) -> None:
        """Show what the project says now."""
        now = self._panel._current(self._key)
        lines = [f"{name}: {now[name]}" for name in now] if isinstance(now, dict) else list(now)
        self.fill([shorten(line, 80) for line in lines])

    def _add(self) -> None:
        name = self._found(self.search.value)
        if name is None:
            return
        now = self._panel._current(self._key)
        if self.choice is not None:
            changed: Any = {**now, name: self.choice.value}
        else:
            changed = [*now, *([] if name in now else [name])]
        if self._panel.save({self._key: changed}, f"{self._title}: {name}"):
            self.search.value = ""

    def _found(self, typed: str) -> str | None:
        """Return the column that was meant; say so if it is none or several."""
        if not typed.strip():
            return None
        if typed in self._columns:
            return typed
        part = typed.strip().casefold()
        matches = [name for name in self._columns if part in name.casefold()]
        if len(matches) == 1:
            return matches[0]
        problem = f"{len(matches)} columns match {typed!r}" if matches else f"no column {typed!r}"
        self._panel.status(f"Not saved: {self._title}: {problem}", error=True)
        return None

    def _remove(self, position: int) -> None:
        now = self._panel._current(self._key)
        name = list(now)[position]
        changed: Any = (
            {other: now[other] for other in now if other != name}
            if isinstance(now, dict)
            else [other for other in now if other != name]
        )
        self._panel.save({self._key: changed}, f"{self._title}: without {name}")
