"""Whether ``project.yaml`` says what the model wants; if not, where, and what to write instead."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml.comments import TaggedScalar

from toolkit.canonical import plain
from toolkit.errors import ProjectError
from toolkit.project.document import Key, key_text, line_of, short
from toolkit.project.model import Project
from toolkit.project.renamed import with_new_names
from toolkit.project.section import written

_KEY = re.compile(r"[a-z_]+\.[a-z_]+")


def choices(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document as plain values, old names read as the new ones."""
    return with_new_names(_unmarked(document))


def validate(document: Mapping[str, Any], path: Path) -> Project:
    """Check a document against the model.

    Raises
    ------
    ProjectError
        One line for the first mistake: file, line, key, what was expected, and the
        nearest key that exists; how many more there are.
    """
    try:
        return Project.model_validate(choices(document))
    except ValidationError as error:
        raise _explain(error, document, path) from error
    except _NoText as error:
        raise ProjectError(
            f"{short(error.what)} is no text",
            where=f"{path}, line {line_of(document, error.key)}",
            expected="a name or a value",
            remedy="Write it in quotes",
        ) from error
    except RecursionError as error:
        raise ProjectError(
            "is nested too deeply, or an alias holds itself",
            where=str(path),
            remedy="Write the values out",
        ) from error


class _NoText(Exception):
    def __init__(self, what: str, key: Key) -> None:
        self.what, self.key = what, key
        super().__init__(what, key)


def _unmarked(value: Any, key: Key = ()) -> Any:
    if isinstance(value, Mapping):
        return {_name(k, key): _unmarked(item, (*key, k)) for k, item in value.items()}
    if isinstance(value, list):
        return [_unmarked(item, (*key, place)) for place, item in enumerate(value)]
    if isinstance(value, TaggedScalar):
        if str(value.tag.trval) != "tag:yaml.org,2002:str":
            raise _NoText(f"the tag {value.tag.trval}", key)
        return str(value.value)
    return str(value) if isinstance(value, str) else value


def _name(key: Any, parent: Key) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    name = written(key)
    if not isinstance(name, str):
        raise _NoText(f"the key {key!r}", (*parent, key))
    return str(name)


def model_at(key: Key) -> type[BaseModel] | None:
    """Return the section model that a key path leads to, if it leads to one."""
    here: Any = Project
    for part in key:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(str(part))
            here = field.annotation if field else None
        elif typing.get_origin(here) in (dict, list):
            here = typing.get_args(here)[-1]
        else:
            return None
        if typing.get_origin(here) in (typing.Union, types.UnionType):
            models = [a for a in typing.get_args(here) if hasattr(a, "model_fields")]
            here = models[0] if models else here
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None


def nearest_key(key: Key) -> str:
    """Return a sentence that offers the nearest known key, or lists the known ones."""
    model = model_at(key[:-1])
    if model is None:
        return ""
    known = list(model.model_fields)
    close = difflib.get_close_matches(str(key[-1]), known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean `{key_text((*key[:-1], close[0]))}`?"
    return f"Known here: {', '.join(known)}"


def _explain(error: ValidationError, document: Any, path: Path) -> ProjectError:
    # A misspelt key also leaves the right one missing: the misspelling is what to correct.
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    # A union's branch name stands at the end of `loc`; it is no key of the file.
    key = tuple(part for part in first["loc"] if part != "[key]")
    while key and model_at(key) is None and model_at(key[:-1]) is None and len(key) > 1:
        if typing.get_origin(_annotation(key[:-1])) in (dict, list):
            break
        key = key[:-1]
    # What is only wrong beside other keys is said by the whole project, which begins with the key.
    named = _KEY.match(first["msg"].removeprefix("Value error, "))
    place = key or tuple(named[0].split(".")) if named else key
    where = f"{path}, line {line_of(document, place)}"
    if key:
        where += f", {short(key_text(key))}"
    more = error.error_count() - 1
    tail = f" ({more} more after this one)" if more else ""
    if first["type"] == "extra_forbidden":
        return ProjectError("unknown key", where=where, remedy=nearest_key(key) + tail)
    if first["type"] == "too_short":
        return ProjectError(
            "the list is empty",
            where=where,
            expected="one item or more",
            remedy="Add one, or leave the key out" + tail,
        )
    if first["type"] == "missing":
        return ProjectError("missing key", where=where, remedy="Add it to the file" + tail)
    message = first["msg"].removeprefix("Value error, ")
    if message.startswith("Input should be "):
        got = first.get("input")
        return ProjectError(
            f"{short(repr(plain(got) if isinstance(got, list | dict) else got))} does not fit",
            where=where,
            expected=plain_words(message),
            remedy=("Write it in quotes" if _is_scalar(got, message) else "Correct it in the file")
            + tail,
        )
    return ProjectError(message, where=where, remedy=f"Correct it in the file{tail}")


_PLAIN_WORDS = (
    (r"a valid integer.*", "a whole number"),
    (r"a valid number.*", "a number"),
    (r"a valid boolean.*", "true or false"),
    (r"a valid list", "a list, such as [a, b]"),
    (r"a valid string", "a text"),
    (r"a valid dictionary.*", "keys with their values, such as {key: value}"),
    (r"greater than or equal to (.*)", r"\1 or more"),
    (r"less than or equal to (.*)", r"\1 or less"),
    (r"greater than (.*)", r"more than \1"),
)


def plain_words(message: str) -> str:
    """Return what pydantic expects as a person would say it."""
    text = message.removeprefix("Input should be ")
    for pattern, words in _PLAIN_WORDS:
        if re.fullmatch(pattern, text):
            return re.sub(pattern, words, text)
    return text


def _is_scalar(got: Any, message: str) -> bool:
    # true, false and dates that YAML reads as something else than the text that is meant.
    return message.endswith("a valid string") and isinstance(got, bool)


def _annotation(key: Key) -> Any:
    model = model_at(key[:-1])
    if model is None or str(key[-1]) not in model.model_fields:
        return None
    return model.model_fields[str(key[-1])].annotation
