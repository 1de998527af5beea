"""Widgets that stay hidden until a person opens them."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w


class Fold(w.VBox):
    """A button with a title, and below it content that is hidden at first.

    Parameters
    ----------
    title : str
        What the content is, as plain text.
    content : sequence of ipywidgets.Widget
        What the button shows and hides.

    Attributes
    ----------
    button : ipywidgets.ToggleButton
        Its ``value`` says whether the content is shown.

    Notes
    -----
    The header of ``ipywidgets.Accordion`` answers to the mouse only; a button takes the
    keyboard's focus too.
    """

    def __init__(self, title: str, content: Sequence[w.Widget]) -> None:
        self.button = w.ToggleButton(description=title, icon="caret-right")
        self._content = w.VBox(list(content), layout=w.Layout(width="100%", display="none"))
        self.button.observe(lambda change: self._fold(change.new), "value")
        super().__init__([self.button, self._content], layout=w.Layout(width="100%"))
        self.add_class("toolkit-fold")

    def _fold(self, shown: bool) -> None:
        self._content.layout.display = "" if shown else "none"
        self.button.icon = "caret-down" if shown else "caret-right"
