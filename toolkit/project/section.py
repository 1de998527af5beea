"""What every section of the project is made of."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator


def written(value: Any) -> Any:
    """Return a number as the text that a person wrote, such as ``007``; others as they are."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return getattr(value, "written", None) or str(value)
    return value


def _label(value: Any) -> Any:
    # 1, true and 2.0 are how YAML reads a class that the table spells the same way.
    return str(value) if isinstance(value, bool) else written(value)


Label = Annotated[str, BeforeValidator(_label)]
"""The spelling of a class."""


class Section(BaseModel):
    """A part of the project; a key that it does not know is an error."""

    model_config = ConfigDict(
        extra="forbid",
        validate_assignment=True,
        use_attribute_docstrings=True,
        frozen=True,
        allow_inf_nan=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _numbers_may_be_texts(cls, values: Any) -> Any:
        """Take a number as it is written where only a text can be meant: a code, a year."""
        if not isinstance(values, Mapping):
            return values
        texts = {name for name, field in cls.model_fields.items() if _is_text(field.annotation)}
        return {key: _as_text(value) if key in texts else value for key, value in values.items()}


def _is_text(kind: Any) -> bool:
    """Whether a field holds texts only, or lists of texts."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return _is_text(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return all(each is type(None) or _is_text(each) for each in arguments)
    return kind is str


def _as_text(value: Any) -> Any:
    return [written(item) for item in value] if isinstance(value, list) else written(value)
