"""Dates: parts, cycles and the time that has passed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from toolkit.table.features.steps import Arrays, Facts, StepColumn

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column

_DAY = 86_400.0
_EPOCH = np.datetime64("1970-01-01", "us")
_CYCLES = {"month": 12.0, "weekday": 7.0, "day of year": 366.0, "hour": 24.0}
_PARTS = {
    "year": "calendar year",
    "month": "month, from 1",
    "day": "day of the month",
    "weekday": "day of the week, Monday is 0",
    "day of year": "day of the year",
    "days": "days since 1970-01-01",
    "hour": "hour of the day, with its minutes as a fraction",
}


@dataclass(frozen=True)
class Moment:
    """A date in its parts, and its cycles as points on a circle.

    December is beside January and Sunday beside Monday: sine and cosine of a cycle say so
    to models that only weigh and add.

    Attributes
    ----------
    name : str
        The date column.
    timed : bool
        Whether its moments have a time of day.
    """

    name: str
    timed: bool
    kind: ClassVar[str] = "date"

    @classmethod
    def fit(cls, name: str, column: Column) -> Self:
        """Read from the column's format whether there are times of day."""
        form = column.format
        return cls(name, form is None or "%H" in form or "%I" in form)

    @property
    def sources(self) -> tuple[str, ...]:
        """The column that it reads."""
        return (self.name,)

    def parts(self) -> dict[str, StepColumn]:
        """Return what it makes."""
        made = {name: StepColumn(what) for name, what in _PARTS.items() if self._has(name)}
        for name, period in _CYCLES.items():
            if self._has(name):
                for wave in ("sine", "cosine"):
                    made[f"{name} {wave}"] = StepColumn(f"{wave} of the {name}", {"period": period})
        return made

    def _has(self, part: str) -> bool:
        return self.timed or part != "hour"

    def transform(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return the parts; all are missing where the date is."""
        import pandas as pd

        series = frame[self.name]
        moments = series.dt
        parts: dict[str, Any] = {
            "year": moments.year,
            "month": moments.month,
            "day": moments.day,
            "weekday": moments.day_of_week,
            "day of year": moments.day_of_year,
            "days": pd.Series(days(series)),
        }
        if self.timed:
            parts["hour"] = moments.hour + moments.minute / 60
        made = {n: p.to_numpy(dtype="float64", na_value=np.nan) for n, p in parts.items()}
        for name, period in _CYCLES.items():
            if name in made:
                angle = 2 * np.pi * made[name] / period
                made[f"{name} sine"], made[f"{name} cosine"] = np.sin(angle), np.cos(angle)
        return made

    def state(self) -> tuple[Facts, Arrays]:
        """Return name, and whether there are times."""
        return {"name": self.name, "timed": self.timed}, {}

    @classmethod
    def from_state(cls, facts: Facts, arrays: Arrays) -> Self:
        """Return the step."""
        return cls(facts["name"], facts["timed"])


@dataclass(frozen=True)
class Duration:
    """The days from one date to another.

    Attributes
    ----------
    start, end : str
        Date columns.
    """

    start: str
    end: str
    kind: ClassVar[str] = "duration"

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return (self.end, self.start)

    def parts(self) -> dict[str, StepColumn]:
        """Return what it makes."""
        return {f"days since {self.start}": StepColumn(f"days from {self.start} to {self.end}")}

    def transform(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return days; missing where either date is."""
        (name,) = self.parts()
        return {name: days(frame[self.end]) - days(frame[self.start])}

    def state(self) -> tuple[Facts, Arrays]:
        """Return the two names."""
        return {"start": self.start, "end": self.end}, {}

    @classmethod
    def from_state(cls, facts: Facts, arrays: Arrays) -> Self:
        """Return the step."""
        return cls(facts["start"], facts["end"])


def days(series: pd.Series) -> np.ndarray:
    """Return days since 1970-01-01 as float64; NaN where the date is missing."""
    moments = series.to_numpy(dtype="datetime64[us]")
    passed = (moments - _EPOCH).astype("int64") / (_DAY * 1e6)
    passed[np.isnat(moments)] = np.nan
    return np.asarray(passed, dtype="float64")
