"""What the model says about itself: a JSON Schema for editors, a table for the docs."""

from __future__ import annotations

import datetime
import types
import typing
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from toolkit.project.criteria import Acceptance
from toolkit.project.data import Column
from toolkit.project.engine_names import OneOf
from toolkit.project.model import Project


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of ``project.yaml``."""
    schema = Project.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "project.yaml of jupyter-automl-toolkit"
    return schema


def fields(model: type[BaseModel] = Project, prefix: str = "") -> list[tuple[str, FieldInfo]]:
    """Return every leaf key with its field, sections opened up, in the file's order."""
    found: list[tuple[str, FieldInfo]] = []
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += fields(kind, f"{key}.")
        else:
            found.append((key, field))
    return found


def options(kind: Any) -> list[Any] | None:
    """Return the values that a type lists, as far as they are known here; None for others."""
    if typing.get_origin(kind) is typing.Literal:
        return list(typing.get_args(kind))
    named = _one_of(kind)
    return None if named is None else list(named.names())


def _one_of(kind: Any) -> OneOf | None:
    marks = getattr(kind, "__metadata__", ())
    return next((mark for mark in marks if isinstance(mark, OneOf)), None)


def reference() -> str:
    """Return the reference of all keys as Markdown, a table for each section."""
    parts = [_part("The file", "Keys at the top of the file.", _own(Project))]
    for name, field in Project.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            parts.append(_part(f"`{name}`", kind.__doc__, fields(kind, f"{name}.")))
        elif name == "columns":
            parts.append(_part("`columns`", Column.__doc__, fields(Column, "columns.<name>.")))
        elif name == "acceptance":
            parts.append(
                _part("`acceptance`", Acceptance.__doc__, fields(Acceptance, "acceptance[]."))
            )
    return "\n\n".join(parts) + "\n"


def _own(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    return [(key, field) for key, field in fields(model) if "." not in key]


def _part(title: str, about: str | None, rows: list[tuple[str, FieldInfo]]) -> str:
    lines = [f"## {title}", "", (about or "").strip().splitlines()[0], ""]
    lines += ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
    for key, field in rows:
        value = _words(field.annotation) + _bounds(field)
        meaning = (field.description or "").replace("|", "\\|").replace("\n", " ")
        lines.append(f"| `{key}` | {value} | {_default(field)} | {meaning} |")
    return "\n".join(lines)


def _words(kind: Any) -> str:
    """Return what a YAML value of a type looks like."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        named = _one_of(kind)
        if named is None:
            return _words(arguments[0])
        return f"{', '.join(f'`{each}`' for each in named.everywhere)}, or {named.others}"
    if origin is typing.Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    if origin in (typing.Union, types.UnionType):
        given = [_words(each) for each in arguments if each is not type(None)]
        return " or ".join(given)
    if origin is list:
        return f"list of {_words(arguments[0])}"
    if origin is dict:
        return f"map of name to {_words(arguments[1])}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"{kind.__name__.lower()}, see below"
    return _PLAIN.get(kind, str(kind))


_PLAIN: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    datetime.date: "date",
}


def _bounds(field: FieldInfo) -> str:
    signs = (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))
    found = [
        f"{sign} {getattr(item, name):.10g}"
        for item in field.metadata
        for name, sign in signs
        if getattr(item, name, None) is not None
    ]
    return f" ({', '.join(found)})" if found else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{', '.join(map(str, value)) if isinstance(value, list) else value}`"
