"""A list of columns with a text for each."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w

from toolkit.plots.style import shorten
from toolkit.widgets.kit import form
from toolkit.widgets.kit.lists import EditableList
from toolkit.widgets.kit.panel import Panel


class ColumnTexts(EditableList):
    """A project key that holds a text by column: pick a column, type the text, add, remove.

    Parameters
    ----------
    panel : Panel
        Saves what is typed.
    key : str
        A key whose value is a dict from column to text.
    title : str
        The heading.
    columns : sequence of str
        The columns on offer.
    placeholder : str
        What a text looks like.

    Attributes
    ----------
    column : ipywidgets.Dropdown
        The column to add a text for.
    text : ipywidgets.Text
        The text.
    """

    def __init__(
        self, panel: Panel, key: str, title: str, columns: Sequence[str], *, placeholder: str
    ) -> None:
        self._panel, self._key, self._title = panel, key, title
        self.column = w.Dropdown(
            options=[(shorten(name, 40), name) for name in columns],
            layout=w.Layout(width="220px"),
        )
        self.text = w.Text(placeholder=placeholder, layout=w.Layout(width="320px"))
        adder = [self.column, self.text]
        super().__init__(title, form.help_text(key), adder, self._add, self._remove)
        self.update()

    def update(self) -> None:
        """Show what the project says now."""
        now = self._panel._current(self._key)
        self.fill([f"{shorten(name, 40)}: {shorten(now[name], 80)}" for name in now])

    def _add(self) -> None:
        name, text = self.column.value, self.text.value.strip()
        if name is None or not text:
            self._panel.status(f"Not saved: {self._title}: there is no text", error=True)
            return
        changed = {**self._panel._current(self._key), name: text}
        if self._panel.save({self._key: changed}, f"{self._title}: {name}"):
            self.text.value = ""

    def _remove(self, position: int) -> None:
        now = self._panel._current(self._key)
        name = list(now)[position]
        changed = {other: now[other] for other in now if other != name}
        self._panel.save({self._key: changed}, f"{self._title}: without {name}")
