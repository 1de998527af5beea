"""``project.yaml`` as text: parse it, point at its lines, change one value in place."""

from __future__ import annotations

import contextlib
import difflib
import io
import math
import re
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq, TaggedScalar
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from toolkit.canonical import plain
from toolkit.errors import ProjectError
from toolkit.project.model import Project
from toolkit.project.renamed import KEYS, new_value, with_new_names
from toolkit.project.section import written

Key = tuple[str | int, ...]

# Texts that need no quotes unless they read as something else, which ruamel.yaml knows.
_PLAIN = re.compile(r"\w[\w ./()?-]*")


_KEY = re.compile(r"[a-z_]+\.[a-z_]+")
_LONGEST_SHOWN = 80
_LONGEST_KEY = 1024


class _Resolver(VersionedResolver):
    """Leaves dates as the texts they are: where a date is meant, the model reads it."""

    @property
    def versioned_resolver(self) -> Any:
        found = super().versioned_resolver
        return {
            first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
            for first, pairs in found.items()
        }


class _Constructor(RoundTripConstructor):
    """Remembers how a number was written, since it may be a code such as 007."""

    def construct_yaml_int(self, node: Any) -> Any:
        return _as_written(super().construct_yaml_int(node), node)

    def construct_yaml_float(self, node: Any) -> Any:
        return _as_written(super().construct_yaml_float(node), node)


def _as_written(value: Any, node: Any) -> Any:
    with contextlib.suppress(AttributeError):  # a plain int says what it is by itself
        value.written = node.value
    return value


for _kind in ("int", "float"):
    _Constructor.add_constructor(
        f"tag:yaml.org,2002:{_kind}", getattr(_Constructor, f"construct_yaml_{_kind}")
    )


def _yaml() -> YAML:
    yaml = YAML()  # round trip: comments, order and quotes of what a person wrote stay
    yaml.Resolver = _Resolver
    yaml.Constructor = _Constructor
    yaml.width = 1 << 20  # a key broken over two lines is no key
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.preserve_quotes = True
    return yaml


def parse(text: str, path: Path) -> CommentedMap:
    """Read YAML 1.2 text, keeping what is needed to write it back as it was.

    Raises
    ------
    ProjectError
        With file and line, where the text is not a YAML mapping.
    """
    document = load(text, path)
    if not isinstance(document, CommentedMap):
        raise ProjectError(
            "holds no settings",
            where=str(path),
            expected="a mapping such as `name: churn`",
            remedy="Write one with `toolkit new`",
        )
    return document


def load(text: str, path: Path) -> Any:
    """Read any YAML 1.2 text.

    Raises
    ------
    ProjectError
        With file and line, where the text is not YAML.
    """
    try:
        return _yaml().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
        raise ProjectError(
            f"not valid YAML: {_short(error.problem or error.context, 200)}",
            where=where,
            remedy="Write `? ` before a key of more than 1,024 signs, and its value on the next"
            " line after `: `"
            if len(line) > _LONGEST_KEY
            else "Correct that line; most often a quote, a colon or an indent is off",
        ) from error
    except YAMLError as error:
        raise ProjectError(
            f"not valid YAML: {' '.join(str(error).split())}",
            where=str(path),
            remedy="Remove that character, or write it as an escape in double quotes",
        ) from error
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, AssertionError,
            NotImplementedError, RecursionError) as error:  # fmt: skip
        # ruamel.yaml has no word for these: a number of too many digits, a wrong tag.
        raise ProjectError(
            f"not valid YAML: {_short(error) or type(error).__name__}",
            where=str(path),
            remedy="Write such values as texts in quotes, without tags",
        ) from error


def _short(value: Any, most: int = _LONGEST_SHOWN) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def dump(document: CommentedMap) -> str:
    """Return the document as text."""
    stream = io.StringIO()
    _yaml().dump(document, stream)
    return stream.getvalue()


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
            f"{_short(error.what)} is no text",
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


def set_value(document: CommentedMap, key: Key, value: Any) -> None:
    """Set one value in place, making sections on the way; other lines stay as they are."""
    here: Any = document
    for name in key[:-1]:
        part = _own_key(here, name)
        if isinstance(here, CommentedMap) and not isinstance(here.get(part), Mapping | list):
            here[part] = CommentedMap()
        here = here[part]
    for old in [old for old, new in KEYS.items() if (*old[:-1], new) == key]:
        here.pop(old[-1], None)  # what is set by the new name replaces the old one
    last = _own_key(here, key[-1])
    if isinstance(here, CommentedMap) and last not in here:
        last = _quoted(last)
    value = new_value(key, value)
    here[last] = value if _from_yaml(value) else _quoted(plain(value))


def _own_key(here: Any, part: str | int) -> Any:
    """Return a key as the document holds it: the name ``2020`` is a number there."""
    if isinstance(here, CommentedMap) and part not in here:
        return next(
            (key for key in here if not isinstance(key, bool) and written(key) == part), part
        )
    return part


def _from_yaml(value: Any) -> bool:
    # What was read from YAML is put in as it was written; -inf and nan are for the model to judge.
    odd = isinstance(value, float) and not math.isfinite(value)
    return odd or hasattr(value, "written") or isinstance(value, CommentedMap | CommentedSeq)


def _quoted(value: Any) -> Any:
    # ruamel.yaml writes some texts plainly that it cannot read back, such as `:0` in braces.
    if isinstance(value, dict):
        return {_quoted(key): _quoted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_quoted(item) for item in value]
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        return DoubleQuotedScalarString(value)
    return value


def line_of(document: Any, key: Key) -> int:
    """Return the 1-based line of a key, or of its nearest parent that is written down."""
    line = 1
    here = document
    for name in key:
        try:
            part = _own_key(here, name)
            if isinstance(here, CommentedMap):
                line = here.lc.key(part)[0] + 1
            elif isinstance(here, CommentedSeq):
                line = here.lc.item(part)[0] + 1
            else:
                break
            here = here[part]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return line


def key_text(key: Iterable[str | int]) -> str:
    """Return a key as people write it: ``automl.budget.models``."""
    return ".".join(str(part) for part in key)


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
        where += f", {_short(key_text(key))}"
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
            f"{_short(repr(plain(got) if isinstance(got, list | dict) else got))} does not fit",
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
