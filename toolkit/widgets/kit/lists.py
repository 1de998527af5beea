"""A list of things that can be added to and taken from, one line each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as w

from toolkit.widgets.kit import form


class EditableList(w.VBox):
    """Lines with a button to remove each, and a row of inputs to add one.

    Parameters
    ----------
    title : str
        The heading, as plain text.
    help_text : str
        A sentence below it.
    adder : sequence of ipywidgets.Widget
        The inputs of the row that adds a line.
    on_add : callable
        Called without arguments when the person adds.
    on_remove : callable
        Gets the position of the line to remove.
    """

    def __init__(
        self,
        title: str,
        help_text: str,
        adder: Sequence[w.Widget],
        on_add: Callable[[], None],
        on_remove: Callable[[int], None],
    ) -> None:
        self._on_remove = on_remove
        self._lines = w.VBox()
        self.add_button = w.Button(description="Add", layout=w.Layout(width="80px"))
        self.add_button.on_click(lambda _: on_add())
        self.buttons: list[w.Button] = []
        row = w.HBox([*adder, self.add_button], layout=w.Layout(flex_flow="row wrap"))
        heading = form.paragraph(title, "toolkit-label")
        super().__init__([heading, form.paragraph(help_text, "toolkit-help"), self._lines, row])
        self.add_class("toolkit-list")

    def fill(self, lines: Sequence[str]) -> None:
        """Show these lines, as plain text."""
        self.buttons = []
        rows = []
        for position, text in enumerate(lines):
            button = w.Button(
                description="Remove", tooltip=f"Remove {text}", layout=w.Layout(width="80px")
            )
            button.on_click(lambda _, at=position: self._on_remove(at))
            self.buttons.append(button)
            rows.append(w.HBox([button, form.paragraph(text)]))
        self._lines.children = rows or [form.paragraph("None yet.", "toolkit-help")]
