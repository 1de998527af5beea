"""What the model says about itself: a JSON Schema for editors, a table for the docs."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

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


def reference() -> str:
    """Return the reference of all keys as a Markdown table a section."""
    lines: list[str] = []
    section = None
    for key, field in fields():
        head = key.partition(".")[0] if "." in key else "top level"
        if head != section:
            section = head
            lines += ["", f"## `{head}`" if "." in key else "## Top level", ""]
            about = Project.model_fields[head].annotation if "." in key else None
            if about is not None and about.__doc__:
                lines += [about.__doc__.strip().splitlines()[0], ""]
            lines += ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
        lines.append(
            f"| `{key}` | {_type_text(field)} | {_default_text(field)} | {field.description or ''} |"
        )
    return "\n".join(lines).strip() + "\n"


def _type_text(field: FieldInfo) -> str:
    text = str(field.annotation).replace("typing.", "").replace("toolkit.project.model.", "")
    if isinstance(field.annotation, type):
        text = field.annotation.__name__
    return "`" + text.replace("|", "\\|") + "`"


def _default_text(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return f"`{field.get_default(call_default_factory=True)!r}`"
