"""What every section of the project is made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _label(value: Any) -> Any:
    # 1, true and 2.0 are how YAML reads a class that the table spells the same way.
    return str(value) if isinstance(value, bool | int | float) else value


Label = Annotated[str, BeforeValidator(_label)]
"""The spelling of a class."""


class Section(BaseModel):
    """A part of the project; a key that it does not know is an error."""

    model_config = ConfigDict(
        extra="forbid", validate_assignment=True, use_attribute_docstrings=True, frozen=True
    )
