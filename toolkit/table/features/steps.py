"""Steps of feature engineering: what one source column, or a pair of them, becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from toolkit.table.cells import values
from toolkit.table.types.typed import truth

if TYPE_CHECKING:
    import pandas as pd

Arrays = dict[str, np.ndarray]
Facts = dict[str, Any]

SELF = ""
"""The name of the part that is the source column itself."""


@dataclass(frozen=True)
class StepColumn:
    """One column that a step makes.

    Attributes
    ----------
    what : str
        What was done, in a few words.
    parameters : dict
        What was learnt or set; JSON values.
    """

    what: str
    parameters: Facts = field(default_factory=dict)


class Step(Protocol):
    """What one source column, or a pair of them, becomes.

    A step treats every row on its own: what it makes of a row does not depend on the rows
    beside it.
    """

    kind: ClassVar[str]

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns that it reads."""

    def parts(self) -> dict[str, StepColumn]:
        """Return what it makes, in order."""

    def transform(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return an array (float64) or a string column for each part."""

    def state(self) -> tuple[Facts, Arrays]:
        """Return what it has learnt: JSON values and arrays."""

    @classmethod
    def from_state(cls, facts: Facts, arrays: Arrays) -> Self:
        """Return the step with that state."""


@dataclass(frozen=True)
class Number:
    """A number as it is; missing stays missing."""

    name: str
    kind: ClassVar[str] = "number"

    @property
    def sources(self) -> tuple[str, ...]:
        """The column that it reads."""
        return (self.name,)

    def parts(self) -> dict[str, StepColumn]:
        """Return what it makes."""
        return {SELF: StepColumn("as it is")}

    def transform(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return the numbers."""
        return {SELF: floats(frame[self.name])}

    def state(self) -> tuple[Facts, Arrays]:
        """Return nothing but its name."""
        return {"name": self.name}, {}

    @classmethod
    def from_state(cls, facts: Facts, arrays: Arrays) -> Self:
        """Return the step."""
        return cls(facts["name"])


@dataclass(frozen=True)
class Logical(Number):
    """Logical words as 1 and 0."""

    kind: ClassVar[str] = "boolean"

    def parts(self) -> dict[str, StepColumn]:
        """Return what it makes."""
        return {SELF: StepColumn("yes is 1, no is 0")}

    def transform(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return 1, 0, or NaN for what is neither."""
        found = values.cells(frame[self.name], ())
        meaning = [truth(text) for text in found.texts]
        numbers = np.array([np.nan if m is None else float(m) for m in meaning], dtype="float64")
        return {SELF: found.spread(numbers, np.nan)}


def floats(series: pd.Series) -> np.ndarray:
    """Return float64, without a copy where it is that already; missing is NaN."""
    if series.dtype == np.float64:
        return np.asarray(series.array)
    return np.asarray(series.to_numpy(dtype="float64", na_value=np.nan))
