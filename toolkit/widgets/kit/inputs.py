"""One key's input with its help and its error, and a field that catches keys."""

from __future__ import annotations

import html
import itertools
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from toolkit.widgets.kit import form


class Field(w.VBox):
    """One key of the project: label, input, help, and what is wrong with what was typed.

    Attributes
    ----------
    key : str
        The project key.
    control : ipywidgets.Widget
        The input; tests set its ``value``.
    """

    def __init__(self, key: str, control: form.Control, value: Any, help_text: str) -> None:
        self.key = key
        self.control = control.widget
        self._kind = control
        self._error = w.HTML()
        self._muted = False
        self.show(value)
        super().__init__([self.control, form.paragraph(help_text, "toolkit-help"), self._error])
        self.add_class("toolkit-field")
        self.error = ""

    @property
    def value(self) -> Any:
        """What the input holds, as a project value."""
        return self._kind.read(self.control.value)

    def show(self, value: Any) -> None:
        """Set the input without saving anything."""
        self._muted = True
        try:
            self.control.value = self._kind.show(value)
        finally:
            self._muted = False

    def on_change(self, call: Callable[[Field], None]) -> None:
        """Call back with this field when a person changes the input."""
        self.control.observe(lambda _: None if self._muted else call(self), "value")

    @property
    def error(self) -> str:
        """What is wrong with what was typed; empty if nothing is."""
        return self._message

    @error.setter
    def error(self, message: str) -> None:
        self._message = message
        self._error.value = (
            f'<div class="toolkit-error" role="alert">{html.escape(message)}</div>'
            if message
            else ""
        )
        self._error.layout.display = "" if message else "none"


class KeyCatcher(w.Text):
    """A small input that turns each typed character into one call: keys for a review queue.

    Keys typed into an input never reach JupyterLab's command mode, so nothing here can insert
    or delete a cell, in any front end and without an extension. Inside a `Panel`, a character
    typed while a button (or anything else that is no input) has the focus moves the focus to
    this field and arrives here as well. Call ``focus()`` after a click if you wish.

    Parameters
    ----------
    on_key : callable
        Gets one character, such as ``"a"``, once for every key typed, in order.
    description : str
        The visible label: say which keys do what.

    Notes
    -----
    The text is never cleared from here: clearing races with fast typing and would count
    keys twice. Each change is compared with the text before it, and only what was added
    counts, so several characters that arrive at once give several calls. Backspace does
    nothing.

    Examples
    --------
    >>> keys = []
    >>> catcher = KeyCatcher(keys.append, "a accept, u undo")
    >>> catcher.value = "a"
    >>> catcher.value = "aau"
    >>> keys
    ['a', 'a', 'u']
    """

    def __init__(self, on_key: Callable[[str], None], description: str = "Keys") -> None:
        super().__init__(
            description=description,
            placeholder="click here, then press a key",
            continuous_update=True,
            layout=w.Layout(width="100%"),
        )
        self.add_class("toolkit-keys")
        self._on_key = on_key
        self.observe(self._typed, "value")

    def _typed(self, change: Any) -> None:
        # Backspace and the next key may arrive as one change: what stays is no new key.
        same = (old == new for old, new in zip(change.old, change.new, strict=False))
        for key in change.new[len(list(itertools.takewhile(bool, same))) :]:
            self._on_key(key)
