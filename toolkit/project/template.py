"""The files of a new project: the text of ``project.yaml``, and what lies beside it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit import canonical, paths
from toolkit.errors import ProjectError
from toolkit.project.data import Column
from toolkit.project.model import Project, Target
from toolkit.project.schema import json_schema

if TYPE_CHECKING:
    from jinja2 import Environment

SCHEMA_NAME = "project.schema.json"

_WIDE = 500
"""Above so many columns the role is written only where it is not the default."""

# Plain scalars that YAML (1.1 or 1.2) reads as something other than text.
_NOT_TEXT = frozenset(
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity", "none"]
)
_PLAIN = re.compile(r"[^\W\d_]\w*([ ./-]\w+)*")


def make_folder(folder: Path) -> None:
    """Make a folder for a project, and those above it.

    Raises
    ------
    ProjectError
        If the system does not let it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProjectError(
            f"cannot be made ({error.strerror})", where=str(folder), remedy="Choose another folder"
        ) from error


def copy_beside(folder: Path, project: Project) -> None:
    """Write what lies beside a project file: its schema, notebooks, README, .gitignore."""
    canonical.write_text(folder / SCHEMA_NAME, canonical.dumps(json_schema()))
    notebooks = folder / "notebooks"
    notebooks.mkdir(exist_ok=True)
    for notebook in sorted(paths.notebooks().glob("*.ipynb")):
        if not (notebooks / notebook.name).exists():
            shutil.copyfile(notebook, notebooks / notebook.name)
    templates = paths.templates() / "project"
    if not (folder / ".gitignore").exists():
        canonical.write_text(folder / ".gitignore", (templates / "gitignore").read_text("utf-8"))
    if not (folder / "README.md").exists():
        text = (
            _environment()
            .get_template("README.md.j2")
            .render(
                name=" ".join(project.name.split()),
                target=" ".join(project.target.column.replace("`", "'").split()),
                task=project.target.task,
            )
        )
        canonical.write_text(folder / "README.md", text)


def render(project: Project) -> str:
    """Return the text of a new project file, with comments for the people who edit it."""
    task = project.target.task
    brief = len(project.columns) > _WIDE
    template = _environment().get_template("project.yaml.j2")
    return template.render(
        name=scalar(project.name),
        seed=project.seed,
        task=task,
        data=_pairs(project.data.model_dump(exclude_defaults=True)),
        target=_pairs(_target(project.target)),
        split=project.split.method,
        split_column=scalar(project.split.column),
        limit="r2, at_least: 0.5" if task == "regression" else "accuracy, at_least: 0.8",
        columns=[(_key(n), _flow(column, brief=brief)) for n, column in project.columns.items()],
    )


def _key(name: str) -> str:
    # YAML takes keys of up to 1,024 signs without the mark of a long one.
    text = scalar(name)
    return text if len(text) < 1000 else f"? {text}\n  "


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # YAML and Markdown, no HTML: values are quoted by `scalar`.
    return Environment(
        loader=FileSystemLoader(paths.templates() / "project"),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _target(target: Target) -> dict[str, Any]:
    facts = {"column": target.column, "task": target.task}
    return facts | ({"positive": target.positive} if target.positive is not None else {})


def _pairs(section: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(key, scalar(value)) for key, value in section.items()]


def _flow(column: Column, *, brief: bool) -> str:
    facts: dict[str, Any] = {"type": column.type} | ({} if brief else {"role": column.role})
    facts |= column.model_dump(exclude_defaults=True)
    return ", ".join(f"{key}: {scalar(value)}" for key, value in facts.items())


def scalar(value: Any) -> str:
    """Return a value as YAML that reads back as the same value, quoted only where needed."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, list):
        return "[" + ", ".join(scalar(item) for item in value) + "]"
    text = str(value)
    if _PLAIN.fullmatch(text) and text.casefold() not in _NOT_TEXT and len(text) < 80:
        return text
    # JSON's quoting is YAML's too, but YAML allows fewer characters to stand bare.
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in quoted)


def _escaped(sign: str) -> str:
    code = ord(sign)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
