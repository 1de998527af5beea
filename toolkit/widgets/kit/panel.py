"""The base of every panel: findings, folded settings, a status line, a copy in static HTML."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import ipywidgets as w

from toolkit import paths
from toolkit.errors import ToolkitError
from toolkit.plots.style import untypeset
from toolkit.project.document import key_text
from toolkit.project.file import split_key, value_at
from toolkit.project.sources import Source
from toolkit.run.stage import Stage
from toolkit.widgets.kit import form
from toolkit.widgets.kit.fold import Fold
from toolkit.widgets.kit.inputs import Field, KeyCatcher
from toolkit.widgets.kit.static import SEVERITY_MARKS, checks_html, table

__all__ = [
    "SEVERITY_MARKS",
    "Field",
    "KeyCatcher",
    "Panel",
    "checks_html",
    "grid",
    "shim",
    "table",
]


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

    Attributes
    ----------
    settings : Fold
        The inputs, hidden until a person opens them.

    Notes
    -----
    A subclass calls ``super().__init__``, makes inputs with `field`, lays them out with
    `show`, and may override `changed` (called after every saved change) and `static` (HTML
    shown to readers without a kernel, above the folded table of fields).
    """

    def __init__(self, stage: Stage, title: str, sections: Sequence[str]) -> None:
        super().__init__(layout=w.Layout(width="100%"))
        self.add_class("toolkit-panel")
        self.stage = stage
        self.title = title
        self.fields: dict[str, Field] = {}
        self._sections = tuple(sections)
        self._status = w.HTML()
        self._pending: dict[Any, Any] = {}
        self._sources: dict[str, Source] = {}

    @property
    def value(self) -> Any:
        """The section as it is now; a dict by name if the panel has several."""
        project = self.stage.project
        if len(self._sections) == 1:
            return getattr(project, self._sections[0])
        return {name: getattr(project, name) for name in self._sections}

    # -- building ----------------------------------------------------------------

    def field(
        self,
        key: str,
        *,
        help: str | None = None,
        also: Callable[[Any], dict[Any, Any]] | None = None,
        **options: Any,
    ) -> Field:
        """Make the input for one key; a change of it is saved.

        Parameters
        ----------
        key : str
            Such as ``costs.false_positive``.
        help : str, optional
            In place of the model's description of the key.
        also : callable, optional
            Gives, for a new value, other keys that change together with it.
        **options
            For `form.control`: ``label``, ``options``, ``rows``.
        """
        text = form.help_text(key) if help is None else help
        made = Field(key, form.control(key, **options), self._current(key), text)
        made.on_change(lambda field: self._edited(field, also))
        self.fields[key] = made
        return made

    def show(self, *findings: w.Widget, settings: Sequence[w.Widget] = ()) -> None:
        """Lay out the panel: heading, findings, folded settings, status line.

        Parameters
        ----------
        *findings : ipywidgets.Widget
            Figures and tables, and what chooses among them. Always visible.
        settings : sequence of ipywidgets.Widget
            Inputs that write to the project. A button shows them.
        """
        heading = w.HTML(f"<h3>{html.escape(self.title)}</h3>")
        self.settings = Fold("Settings", settings)
        fold = [self.settings] if settings else []
        self.children = (shim(), heading, *findings, *fold, self._status)

    # -- saving ------------------------------------------------------------------

    def save(self, changes: Mapping[Any, Any], say: str = "") -> bool:
        """Write values to the project file; False if they do not fit.

        Values refused before are tried again together with these, since some are only
        valid together. A refused value stays in its input with the reason below it, and
        the file stays as it was.

        Parameters
        ----------
        changes : mapping of key to value
            Project keys, as text or as tuples of their parts, and their new values.
        say : str
            What to call the change in the status line.
        """
        name = say or ", ".join(map(_text, changes))
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

    def _edited(self, field: Field, also: Callable[[Any], dict[Any, Any]] | None) -> None:
        try:
            value = field.value
        except ValueError as error:
            field.error = str(error)
            return
        together = also(value) if also is not None else {}
        self.save(
            {field.key: value, **together}, field.control.description or form.words(field.key)
        )

    def _refuse(self, changes: Mapping[Any, Any], name: str, error: ToolkitError) -> None:
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

    def _overridden(self, changes: Mapping[Any, Any]) -> str:
        sources = self.stage.file.sources()
        fixed = [k for k in map(_text, changes) if k in sources and sources[k].kind == "parameter"]
        return f" (a parameter of this run wins over the file for {', '.join(fixed)})" * bool(fixed)

    # -- for readers without a kernel ----------------------------------------------

    def static(self) -> str:
        """Return HTML with the panel's figures and checks; subclasses override."""
        return ""

    def static_rows(self) -> list[tuple[str, str, str]]:
        """Return name, value and source of every field; subclasses may add to them."""
        return [self.static_row(key) for key in self.fields]

    def static_row(self, key: str) -> tuple[str, str, str]:
        """Return a key in words, its value as text, and where that comes from."""
        sources = self._sources or self.stage.file.sources()
        inside = (source for name, source in sources.items() if name.startswith(f"{key}."))
        source = sources.get(key) or next(inside, None)
        value = form.shown(value_at(self.stage.project, split_key(key)))
        return form.words(key.replace(".", ": ")), value, source.text() if source else ""

    def static_html(self) -> str:
        """Return the findings, then every field with its value and where that comes from."""
        self._sources = self.stage.file.sources()
        rows = self.static_rows()
        fields = table(("Field", "Value", "Source"), rows)
        fold = f"<details><summary>Settings</summary>{fields}</details>" * bool(rows)
        return f"<h3>{html.escape(self.title)}</h3>{self.static()}{fold}"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        # Front ends prefer the live widget; without a kernel, untrusted, or exported, this shows.
        bundle["text/html"] = untypeset(self.static_html())
        bundle["text/plain"] = f"{type(self).__name__}: {self.title}"
        return bundle


def _text(key: Any) -> str:
    return key if isinstance(key, str) else key_text(key)


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


class Keys(anywidget.AnyWidget):
    """Keeps plain keys that are typed in a panel from the notebook; shows nothing.

    A front end loads the script as a module of its own, which a policy without inline script
    allows if it names ``blob:`` among the sources of scripts.
    """

    _esm = paths.templates() / "widgets" / "keys.js"


def shim() -> w.VBox:
    """Return the invisible widget that carries the panels' style and key handling.

    The style needs no more than ipywidgets; it also hides what a front end without anywidget, or
    with a policy that forbids the script, shows in the script's place.
    """
    css = (paths.templates() / "widgets" / "panel.css").read_text(encoding="utf-8")
    widget = w.VBox([w.HTML(f"<style>{css}</style>"), Keys()])
    widget.add_class("toolkit-shim")
    return widget
