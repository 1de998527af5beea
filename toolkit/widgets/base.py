"""What every panel is: fields over the project, a status line, a copy for later readers."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as w

from toolkit import paths
from toolkit.artifacts.base import Check
from toolkit.errors import ToolkitError
from toolkit.project.file import split_key, value_at
from toolkit.run.stage import Stage
from toolkit.widgets import form

SEVERITY_MARKS = {"critical": "✖ critical", "warning": "▲ warning", "info": "ℹ info", "ok": "✔ ok"}
"""A sign and a word for each severity: never colour alone."""


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
        old, new = change.old, change.new
        if old.startswith(new):
            return
        for key in new[len(old) :] if new.startswith(old) else new:
            self._on_key(key)


class Panel(w.VBox):
    """A form over some keys of ``project.yaml``.

    It is built from project values and finished artefacts, edits only the project file,
    reads no artefact and computes nothing: functions that do are handed to a subclass.

    Parameters
    ----------
    stage : Stage
        The open stage, whose project is shown and edited.
    title : str
        The panel's heading.
    sections : sequence of str
        Project sections that ``value`` gives.

    Notes
    -----
    A subclass calls ``super().__init__``, makes inputs with `field`, lays them out with
    `show`, and may override `changed` (called after every saved change) and `static` (HTML
    shown to readers without a kernel, below the table of fields).
    """

    def __init__(self, stage: Stage, title: str, sections: Sequence[str]) -> None:
        super().__init__(layout=w.Layout(width="100%"))
        self.add_class("toolkit-panel")
        self.stage = stage
        self.title = title
        self.fields: dict[str, Field] = {}
        self._sections = tuple(sections)
        self._status = w.HTML()
        self._pending: dict[str, Any] = {}

    @property
    def value(self) -> Any:
        """The section as it is now; a dict by name if the panel has several."""
        project = self.stage.project
        if len(self._sections) == 1:
            return getattr(project, self._sections[0])
        return {name: getattr(project, name) for name in self._sections}

    # -- building ----------------------------------------------------------------

    def field(self, key: str, *, help: str | None = None, **options: Any) -> Field:
        """Make the input for one key; a change of it is saved.

        Parameters
        ----------
        key : str
            Such as ``costs.false_positive``.
        help : str, optional
            In place of the model's description of the key.
        **options
            For `form.control`: ``label``, ``options``, ``rows``.
        """
        text = form.help_text(key) if help is None else help
        made = Field(key, form.control(key, **options), self._current(key), text)
        made.on_change(self._edited)
        self.fields[key] = made
        return made

    def show(self, *children: w.Widget) -> None:
        """Lay out the panel's content between its heading and its status line."""
        heading = w.HTML(f"<h3>{html.escape(self.title)}</h3>")
        self.children = (shim(), heading, *children, self._status)

    # -- saving ------------------------------------------------------------------

    def save(self, changes: Mapping[str, Any], say: str = "") -> bool:
        """Write values to the project file; False if they do not fit.

        Values refused before are tried again together with these, since some are only
        valid together. A refused value stays in its input with the reason below it, and
        the file stays as it was.

        Parameters
        ----------
        changes : mapping of str to value
            Project keys and their new values.
        say : str
            What to call the change in the status line.
        """
        name = say or ", ".join(changes)
        alone = {key: {key: value, **changes} for key, value in self._pending.items()}
        for attempt in ({**self._pending, **changes}, *alone.values(), dict(changes)):
            try:
                self.stage.file.update(attempt)
            except ToolkitError as error:
                refusal = error
            else:
                break
        else:
            self._refuse(changes, name, refusal)
            return False
        for key in attempt:
            self._pending.pop(key, None)
        self._refresh()
        self.status(f"Saved to {self.stage.file.path.name}: {name}{self._overridden(changes)}")
        self.changed()
        return True

    def status(self, message: str, *, error: bool = False) -> None:
        """Show one line at the foot of the panel."""
        css, role = ("toolkit-error", "alert") if error else ("toolkit-saved", "status")
        self._status.value = f'<div class="{css}" role="{role}">{html.escape(message)}</div>'

    def changed(self) -> None:
        """Bring figures up to date after a saved change; subclasses override."""

    def _edited(self, field: Field) -> None:
        try:
            value = field.value
        except ValueError as error:
            field.error = str(error)
            return
        self.save({field.key: value}, field.control.description or form.words(field.key))

    def _refuse(self, changes: Mapping[str, Any], name: str, error: ToolkitError) -> None:
        self._pending.update(changes)
        line = f"{error.problem}; expected {error.expected}" if error.expected else error.problem
        for key in changes:
            if key in self.fields:
                self.fields[key].error = f"Not saved: {line}"
        self.status(f"Not saved: {name}: {line}. The file is as it was.", error=True)

    def _refresh(self) -> None:
        # The file may have been edited elsewhere too: every input follows it, except those
        # that hold what was refused.
        for key, field in self.fields.items():
            if key not in self._pending:
                field.error = ""
                field.show(self._current(key))

    def _current(self, key: str) -> Any:
        path = split_key(key)
        here: Any = self.stage.project
        for part in path:
            here = (
                getattr(here, str(part)) if hasattr(type(here), "model_fields") else here.get(part)
            )
        return here

    def _overridden(self, changes: Mapping[str, Any]) -> str:
        sources = self.stage.file.sources()
        fixed = [k for k in changes if k in sources and sources[k].kind == "parameter"]
        return f" (a parameter of this run wins over the file for {', '.join(fixed)})" * bool(fixed)

    # -- for readers without a kernel ----------------------------------------------

    def static(self) -> str:
        """Return HTML with the panel's figures and checks; subclasses override."""
        return ""

    def static_html(self) -> str:
        """Return the panel as a table: every field, its value, and where that comes from."""
        sources = self.stage.file.sources()
        project = self.stage.project
        rows = []
        for key in self.fields:
            prefix = f"{key}."
            source = sources.get(key) or next(
                (s for name, s in sources.items() if name.startswith(prefix)), None
            )
            value = form.shown(value_at(project, split_key(key)))
            rows.append(
                (form.words(key.replace(".", ": ")), value, source.text() if source else "")
            )
        heading = f"<h3>{html.escape(self.title)}</h3>"
        return heading + table(("Field", "Value", "Source"), rows) + self.static()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        # Front ends prefer the live widget; without a kernel, untrusted, or exported, this shows.
        bundle["text/html"] = self.static_html()
        bundle["text/plain"] = f"{type(self).__name__}: {self.title}"
        return bundle


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return an HTML table of plain texts, all escaped."""
    cells = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in head)
    lines = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    body = f"<thead><tr>{cells}</tr></thead><tbody>{lines}</tbody>"
    return f'<table class="toolkit-table">{body}</table>'


def checks_html(checks: Sequence[Check]) -> str:
    """Return checks as an HTML table, in the order given; a sentence if there is none."""
    if not checks:
        return "<p>No remarks.</p>"
    return table(
        ("Check", "Result", "What was found", "What to do"),
        [(c.name, SEVERITY_MARKS[c.severity], c.message, c.remedy) for c in checks],
    )


def grid(*children: w.Widget, width: int = 280) -> w.GridBox:
    """Lay out widgets side by side, as many columns as fit.

    Parameters
    ----------
    *children : ipywidgets.Widget
        What to lay out.
    width : int
        The narrowest column, in pixels.
    """
    return w.GridBox(
        list(children),
        layout=w.Layout(
            width="100%",
            grid_template_columns=f"repeat(auto-fit, minmax({width}px, 1fr))",
            grid_gap="0 24px",
        ),
    )


@functools.cache
def _shim_text() -> str:
    folder = paths.templates() / "widgets"
    css = (folder / "panel.css").read_text(encoding="utf-8")
    script = html.escape((folder / "keys.js").read_text(encoding="utf-8"), quote=True)
    # Scripts set as innerHTML do not run, an image's error handler does. Where a policy
    # forbids it, only the moving of the focus to the key field is lost.
    return f'<style>{css}</style><img alt="" src="data:," onerror="{script}">'


def shim() -> w.HTML:
    """Return the invisible widget that carries the panels' style and key handling."""
    widget = w.HTML(_shim_text())
    widget.add_class("toolkit-shim")
    return widget
