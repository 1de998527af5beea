"""The project file: load, override, change, and say where each value comes from."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap

from toolkit.canonical import digest, plain, write_text
from toolkit.errors import ProjectError, UsageError
from toolkit.project import document as doc
from toolkit.project.document import Key
from toolkit.project.model import Project
from toolkit.project.renamed import new_key, new_value, notes
from toolkit.project.sources import Source, append_event, now, person, read_choices
from toolkit.project.validation import choices, model_at, nearest_key, validate

FILE_NAME = "project.yaml"


class ProjectFile:
    """A ``project.yaml``, the decisions beside it, and the parameters laid over it.

    Parameters
    ----------
    path : Path
        The file, or the folder that holds it.
    overrides : iterable of str
        ``key=value`` texts, the value in YAML; they win over the file and are not saved.

    Attributes
    ----------
    project : Project
        The validated choices, overrides included.
    texts : tuple of str
        The overrides as they were given.
    lock : threading.RLock
        Held while a choice is written. Front ends may deliver the clicks of two widgets on
        two threads (JupyterLab's subshells), and each click reads, changes and writes.
    """

    def __init__(self, path: Path | str, overrides: Iterable[str] = ()) -> None:
        path = Path(path).expanduser()
        self.path = (path / FILE_NAME if path.is_dir() else path).absolute()
        self.lock = threading.RLock()
        self.texts = tuple(overrides)
        self.overrides = [_override(text) for text in self.texts]
        self.reload()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def folder(self) -> Path:
        """The project's folder; relative paths in the file start here."""
        return self.path.parent

    @property
    def decisions(self) -> Path:
        """The folder of append-only logs of people's decisions."""
        return self.folder / "decisions"

    def reload(self) -> Project:
        """Read the file again and return the choices."""
        if not self.path.is_file():
            raise ProjectError(
                "there is no project here",
                where=str(self.path),
                remedy="Make one with `toolkit new DIR --data FILE --target COLUMN`",
            )
        try:
            text = self.path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ProjectError(
                "is not UTF-8 text", where=str(self.path), remedy="Save the file as UTF-8"
            ) from error
        self._accept(text, doc.parse(text, self.path))
        return self.project

    def _accept(self, text: str, document: CommentedMap) -> None:
        project = validate(document, self.path)  # an error in the file is reported with its line
        if self.overrides:
            merged = doc.parse(text, self.path)
            for key, value in self.overrides:
                try:
                    doc.set_value(merged, key, value)
                except (KeyError, IndexError, TypeError) as error:
                    raise UsageError(
                        f"there is no key {doc.key_text(key)!r} to set",
                        expected="a key of the project file; lists are set as a whole",
                        remedy="Set the list, such as data.missing=[a, b]",
                    ) from error
            try:
                project = validate(merged, self.path)
            except ProjectError as error:
                # The file by itself is valid, so no line of it is to blame.
                raise UsageError(
                    error.problem,
                    where="override " + ", ".join(doc.key_text(key) for key, _ in self.overrides),
                    expected=error.expected,
                    remedy="Correct what is set over the file",
                ) from error
        self._text, self._written, self.project = text, document, project

    def set(self, key: str | Key, value: Any, *, by: str | None = None) -> Project:
        """Change one value in the file, in place, and log who did it.

        Nothing is written if the result would not be valid, or is what the file says.

        Raises
        ------
        ProjectError
            If the value does not fit; the file stays as it was.
        """
        return self.update({key: value}, by=by)

    def update(
        self, changes: Mapping[str, Any] | Mapping[str | Key, Any], *, by: str | None = None
    ) -> Project:
        """Change several values at once: those that are only valid together.

        The file is read again first, so an edit made elsewhere meanwhile is kept.

        Raises
        ------
        ProjectError
            If the values do not fit; the file stays as it was.
        """
        with self.lock:
            return self._update(changes, by)

    def _update(
        self, changes: Mapping[str, Any] | Mapping[str | Key, Any], by: str | None
    ) -> Project:
        text = self.path.read_text(encoding="utf-8")
        # Parsing takes seconds where there are thousands of columns, so what was parsed is
        # changed in place (a copy of it would lose comments) and parsed again only to undo.
        document = self._written if text == self._text else doc.parse(text, self.path)
        old = validate(document, self.path)
        paths = {k if isinstance(k, tuple) else split_key(k): v for k, v in changes.items()}
        before = {path: value_at(old, path) for path in paths}
        try:
            for path, value in paths.items():
                doc.set_value(document, path, value)
            new = validate(document, self.path)
        except (ProjectError, KeyError, IndexError, TypeError):
            self._written = doc.parse(self._text, self.path)
            raise
        after = {path: value_at(new, path) for path in paths}
        changed = [path for path in paths if plain(after[path]) != plain(before[path])]
        if changed:
            text = doc.dump(document)
            write_text(self.path, text)
        else:
            document = doc.parse(text, self.path)
        self._accept(text, document)
        for path in changed:
            append_event(
                self.decisions / "choices.jsonl",
                {
                    "at": now(),
                    "by": by or person(),
                    "key": doc.key_text(path),
                    "old": before[path],
                    "new": after[path],
                },
            )
        return self.project

    def sources(self) -> dict[str, Source]:
        """Return, for each leaf key, whether it comes from a parameter, file, person or default."""
        events = read_choices(self.decisions / "choices.jsonl")
        clicked = {doc.key_text(new_key(split_key(event["key"]))): event for event in events}
        overridden = {doc.key_text(key) for key, _ in self.overrides}
        written = _leaves(choices(self._written))
        result = {}
        for key, value in _leaves(self.project.model_dump(mode="json")).items():
            event = clicked.get(key)
            if any(key == name or key.startswith(name + ".") for name in overridden):
                result[key] = Source(kind="parameter")
            elif event and new_value(split_key(key), plain(event.get("new"))) == value:
                result[key] = Source(kind="person", by=event["by"], at=event["at"])
            elif key in written:
                result[key] = Source(kind="project file")
            else:
                result[key] = Source(kind="default")
        return result

    def notes(self) -> list[str]:
        """Return a sentence for each old name in the file, which is read but not rewritten."""
        return notes(self._written)

    def digest(self) -> str:
        """Return the digest of the choices, overrides included; comments do not count."""
        return digest(self.project.model_dump(mode="json"))


def find(start: Path | str = FILE_NAME) -> Path:
    """Return the project file that a notebook means.

    A path that exists is taken as it is; the bare default name is looked for in the
    working folder and then in its parents, as notebooks lie in a folder of the project.
    """
    path = Path(start).expanduser()
    if path.exists() or str(start) != FILE_NAME:
        return path
    for folder in Path.cwd().parents:
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return path


def split_key(text: str) -> Key:
    """Split ``automl.budget.models``; a column's name may hold dots."""
    if text.startswith("columns."):
        name, _, attribute = text.removeprefix("columns.").rpartition(".")
        return ("columns", name, attribute) if name else ("columns", attribute)
    return tuple(text.split("."))


def value_at(project: Project, key: Key) -> Any:
    """Return the value at a key path, or None if there is none."""
    here: Any = project.model_dump(mode="json")
    for part in key:
        if (isinstance(here, dict) and part in here) or (
            isinstance(here, list) and isinstance(part, int) and part < len(here)
        ):
            here = here[part]  # type: ignore[index]
        else:
            return None
    return here


def _override(text: str) -> tuple[Key, Any]:
    name, mark, value = text.partition("=")
    key = new_key(split_key(name.strip()))
    if not mark or not name.strip():
        raise UsageError(
            f"{text!r} sets nothing", expected="key=value, such as automl.budget.models=8"
        )
    for depth, part in enumerate(key):
        parent = model_at(key[:depth])
        if parent is not None and str(part) not in parent.model_fields:
            raise UsageError(f"unknown key {name.strip()!r}", remedy=nearest_key(key[: depth + 1]))
    try:
        return key, doc.load(value, Path("--set"))
    except ProjectError as error:
        raise UsageError(f"the value in {text[:200]!r} is {error.problem}") from error


def _leaves(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict) and value:
        result: dict[str, Any] = {}
        for key, item in value.items():
            result |= _leaves(item, f"{prefix}.{key}" if prefix else str(key))
        return result
    return {prefix: plain(value)}
