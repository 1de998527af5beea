"""Input widgets made from the project model: one rule a type, no form written by hand."""

from __future__ import annotations

import datetime
import html
import re
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as w
import traitlets

from toolkit import formats
from toolkit.errors import UsageError
from toolkit.project import schema

NOT_SET = "(not set)"
"""What a dropdown shows for a value that is absent."""
_FEW_OPTIONS = 4
_ABBREVIATIONS = {
    "h2o": "H2O",
    "mlflow": "MLflow",
    "uri": "URI",
    "eda": "EDA",
    "gib": "GiB",
    "autokeras": "AutoKeras",
    "lightgbm": "LightGBM",
    "catboost": "CatBoost",
    "url": "URL",
}


@dataclass(frozen=True)
class Control:
    """An input widget and the two ways between it and a project value.

    Attributes
    ----------
    widget : ipywidgets.Widget
        Has a trait ``value``.
    read : callable
        Widget value to project value.
    show : callable
        Project value to widget value.
    """

    widget: Any
    read: Callable[[Any], Any]
    show: Callable[[Any], Any]


def words(name: str) -> str:
    """Return a field name or an option in words: ``false_positive`` is ``False positive``."""
    text = " ".join(_ABBREVIATIONS.get(part, part) for part in name.split("_"))
    return text[:1].upper() + text[1:]


def help_text(key: str) -> str:
    """Return a key's description with its bounds, as plain text."""
    field = _field(key)
    text = field.description or ""
    bounds = {}
    for item in field.metadata:
        for sign, attribute in ((">=", "ge"), (">", "gt"), ("<=", "le"), ("<", "lt")):
            if getattr(item, attribute, None) is not None:
                bounds[sign] = getattr(item, attribute)
    if bounds:
        text += (
            " ("
            + ", ".join(f"{sign} {formats.number(value, 6)}" for sign, value in bounds.items())
            + ")"
        )
    return text


def shown(value: Any) -> str:
    """Return a project value as plain text for tables; empty values read as such."""
    if value is None or value in ("", [], {}):
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {shown(item)}" for name, item in value.items())
    if isinstance(value, float):
        return formats.number(value, 6)
    return str(value)


def paragraph(text: str, css: str = "") -> w.HTML:
    """Return plain text as an escaped HTML widget; text in backticks is set as code."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
    return w.HTML(f'<div class="{css}">{marked}</div>' if text else "")


def control(
    key: str,
    *,
    label: str | None = None,
    options: Sequence[Any] | None = None,
    rows: int = 1,
) -> Control:
    """Return the input for one key of the project.

    Parameters
    ----------
    key : str
        Such as ``costs.false_positive``.
    label : str, optional
        In place of the field's name in words.
    options : sequence, optional
        Makes a dropdown of these values, or of ``(label, value)`` pairs, for a key whose
        type does not list them (a column's name). An optional key also offers "not set".
    rows : int
        Lines of a text input.
    """
    annotation = _field(key).annotation
    inner, optional = _without_none(annotation)
    title = words(key.rpartition(".")[2]) if label is None else label
    common = {"description": title, "layout": w.Layout(width="100%")}
    if options is not None:
        pairs = [o if isinstance(o, tuple) else (str(o), o) for o in options]
        return _chooser(pairs, optional, common)
    if inner is bool:
        empty = [("Not answered", None)] if optional else []
        return _toggles([("Yes", True), ("No", False), *empty], common)
    if typing.get_origin(inner) is typing.Literal:
        pairs = [(words(str(o)), o) for o in typing.get_args(inner)]
        return _chooser(pairs, optional, common)
    if typing.get_origin(inner) is list:
        return _several(typing.get_args(inner)[0], title, common)
    if typing.get_origin(inner) is dict:
        return _mapping(common)
    return _entry(inner, optional, rows, common)


class Checklist(w.HBox):
    """Check boxes whose ``value`` is the list of what is checked, in the order offered."""

    value: Any = traitlets.List()

    def __init__(self, options: Sequence[str], description: str = "", **kwargs: Any) -> None:
        self.description = description
        self._showing = False
        self._boxes = {
            o: w.Checkbox(description=words(o), indent=False, layout=w.Layout(width="auto"))
            for o in options
        }
        super().__init__([w.Label(description), *self._boxes.values()], **kwargs)
        self.add_class("toolkit-checklist")
        self.observe(self._show, "value")
        for box in self._boxes.values():
            box.observe(self._collect, "value")

    def _show(self, change: Any) -> None:
        self._showing = True
        try:
            for option, box in self._boxes.items():
                box.value = option in change.new
        finally:
            self._showing = False

    def _collect(self, _: Any) -> None:
        if not self._showing:
            self.value = [option for option, box in self._boxes.items() if box.value]


def _entry(inner: Any, optional: bool, rows: int, common: dict[str, Any]) -> Control:
    if inner is datetime.date:
        return Control(w.DatePicker(**common), lambda v: v, lambda v: v)
    if inner is int and not optional:
        return Control(w.IntText(continuous_update=False, **common), int, int)
    if inner is float and not optional:
        return Control(w.FloatText(continuous_update=False, step=0.05, **common), float, float)
    if inner in (int, float) or _is_number_or_word(inner):
        text = w.Text(continuous_update=False, **common)
        return Control(text, _number_or_text, lambda v: "" if v is None else f"{v}")
    kind = w.Textarea if rows > 1 else w.Text
    extra = {"rows": rows} if rows > 1 else {}
    return Control(
        kind(continuous_update=False, **extra, **common),
        lambda v: None if optional and not v.strip() else v.strip(),
        lambda v: "" if v is None else str(v),
    )


def _several(item: Any, title: str, common: dict[str, Any]) -> Control:
    options = schema.options(item)
    if options is not None:
        box = Checklist(options, title, layout=common["layout"])
        return Control(box, list, list)
    tags = w.Text(continuous_update=False, placeholder="separated by commas", **common)
    return Control(
        tags,
        lambda v: [part.strip() for part in v.split(",") if part.strip()],
        ", ".join,
    )


def _mapping(common: dict[str, Any]) -> Control:
    box = w.Textarea(
        continuous_update=False, rows=3, placeholder="one `name: value` a line", **common
    )
    return Control(box, _read_mapping, lambda v: "\n".join(f"{name}: {v[name]}" for name in v))


def _read_mapping(text: str) -> dict[str, str]:
    found = {}
    for line in filter(str.strip, text.splitlines()):
        # A name may hold a colon itself: the last one is the mark.
        name, mark, value = line.rpartition(":")
        if not mark:
            raise ValueError(f"{line.strip()!r} is not of the form `name: value`")
        found[name.strip()] = value.strip()
    return found


def _chooser(pairs: list[tuple[str, Any]], optional: bool, common: dict[str, Any]) -> Control:
    if len(pairs) <= _FEW_OPTIONS and not optional and sum(len(p[0]) for p in pairs) < 60:
        return _toggles(pairs, common)
    listed = [(NOT_SET, None), *pairs] if optional else pairs
    widget = w.Dropdown(options=listed, **common)
    return Control(widget, lambda v: v, lambda v: _offered(widget, v))


def _toggles(pairs: list[tuple[str, Any]], common: dict[str, Any]) -> Control:
    widget = w.ToggleButtons(
        options=pairs, style=w.ToggleButtonsStyle(button_width="auto"), **common
    )
    return Control(widget, lambda v: v, lambda v: _offered(widget, v))


def _offered(widget: Any, value: Any) -> Any:
    # A value that the file holds and the list lacks (a column since renamed) is shown, not lost.
    if value not in [option for _, option in widget.options]:
        widget.options = [*widget.options, (str(value), value)]
    return value


def _number_or_text(text: str) -> Any:
    text = text.strip()
    try:
        number = float(text)
    except ValueError:
        return text or None
    return int(number) if number.is_integer() and "." not in text else number


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return annotation, False
    rest = [a for a in typing.get_args(annotation) if a is not type(None)]
    optional = len(rest) < len(typing.get_args(annotation))
    if all(typing.get_origin(a) is typing.Literal for a in rest):
        values = tuple(value for a in rest for value in typing.get_args(a))
        return typing.Literal[values], optional  # type: ignore[valid-type]
    inner = typing.Union[tuple(rest)] if len(rest) > 1 else rest[0]  # noqa: UP007
    if typing.get_origin(inner) is typing.Annotated:
        inner = typing.get_args(inner)[0]
    return inner, optional


def _is_number_or_word(inner: Any) -> bool:
    return typing.get_origin(inner) in (typing.Union, types.UnionType) and float in typing.get_args(
        inner
    )


def _field(key: str) -> Any:
    found = dict(schema.fields()).get(key)
    if found is None:
        raise UsageError(f"no field {key!r} in the project", remedy="See `toolkit schema`")
    return found
