"""``project.yaml`` as text: parse it, point at its lines, change one value in place."""

from __future__ import annotations

import contextlib
import io
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from toolkit.canonical import plain
from toolkit.errors import ProjectError
from toolkit.project.renamed import KEYS, new_value
from toolkit.project.section import written

Key = tuple[str | int, ...]

# Texts that need no quotes unless they read as something else, which ruamel.yaml knows.
_PLAIN = re.compile(r"\w[\w ./()?-]*")
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
            f"not valid YAML: {short(error.problem or error.context, 200)}",
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
            f"not valid YAML: {short(error) or type(error).__name__}",
            where=str(path),
            remedy="Write such values as texts in quotes, without tags",
        ) from error


def short(value: Any, most: int = _LONGEST_SHOWN) -> str:
    """Return what a file says as one line, cut to a length."""
    text = " ".join(str(value).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def dump(document: CommentedMap) -> str:
    """Return the document as text."""
    stream = io.StringIO()
    _yaml().dump(document, stream)
    return stream.getvalue()


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
