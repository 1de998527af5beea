"""Ratios of amounts that grow together, and turned map coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from toolkit.table import column_names
from toolkit.table.features.steps import Arrays, Facts, StepColumn, floats

if TYPE_CHECKING:
    import pandas as pd

ALIKE = 0.75
"""Rank correlation from which two amounts count as growing together."""
MOST = 12
"""Ratios of a table, at most: those of the most correlated pairs."""
_MOST_COLUMNS = 200
_ROWS = 20_000
_DISTINCT = 20
_SPREAD = 0.5  # of logarithms: amounts that differ by factors, as sums and counts do
_LATITUDE = frozenset(["lat", "latitude", "breitengrad", "latitud"])
_LONGITUDE = frozenset(["lon", "lng", "long", "longitude", "laengengrad", "langengrad", "longitud"])


@dataclass(frozen=True)
class Ratio:
    """One amount divided by another.

    Of two amounts that grow together (rooms and households), their ratio is what neither
    tells alone, and a tree needs many splits to find it.

    Attributes
    ----------
    over, under : str
        Number columns without negative values.
    """

    over: str
    under: str
    kind: ClassVar[str] = "ratio"

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return (self.over, self.under)

    def parts(self) -> dict[str, StepColumn]:
        """Return what it makes."""
        return {f"per {self.under}": StepColumn(f"{self.over} divided by {self.under}")}

    def transform(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return the ratio; missing where either is, or nothing is divided by."""
        over, under = floats(frame[self.over]), floats(frame[self.under])
        (name,) = self.parts()
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = over / under
        ratio[~np.isfinite(ratio)] = np.nan
        return {name: ratio}

    def state(self) -> tuple[Facts, Arrays]:
        """Return the two names."""
        return {"over": self.over, "under": self.under}, {}

    @classmethod
    def from_state(cls, facts: Facts, arrays: Arrays) -> Self:
        """Return the step."""
        return cls(facts["over"], facts["under"])


@dataclass(frozen=True)
class Place:
    """Map coordinates, turned by 45 degrees and back.

    Coasts and motorways seldom run along a meridian; trees cut along axes only.

    Attributes
    ----------
    latitude, longitude : str
        Columns of degrees.
    """

    latitude: str
    longitude: str
    kind: ClassVar[str] = "place"

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return (self.latitude, self.longitude)

    def parts(self) -> dict[str, StepColumn]:
        """Return what it makes."""
        return {
            f"plus {self.longitude}": StepColumn("coordinates turned by 45 degrees"),
            f"minus {self.longitude}": StepColumn("coordinates turned by -45 degrees"),
        }

    def transform(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return sum and difference, in degrees."""
        latitude, longitude = floats(frame[self.latitude]), floats(frame[self.longitude])
        plus, minus = self.parts()
        with np.errstate(over="ignore", invalid="ignore"):
            made = {plus: latitude + longitude, minus: latitude - longitude}
        for values in made.values():
            values[~np.isfinite(values)] = np.nan
        return made

    def state(self) -> tuple[Facts, Arrays]:
        """Return the two names."""
        return {"latitude": self.latitude, "longitude": self.longitude}, {}

    @classmethod
    def from_state(cls, facts: Facts, arrays: Arrays) -> Self:
        """Return the step."""
        return cls(facts["latitude"], facts["longitude"])


def find_places(columns: list[str]) -> list[Place]:
    """Return the pair of columns that are named latitude and longitude, if there is one."""
    found = [
        [name for name in columns if words & set(column_names.words(name))]
        for words in (_LATITUDE, _LONGITUDE)
    ]
    return [Place(found[0][0], found[1][0])] if all(len(f) == 1 for f in found) else []


def find_ratios(frame: pd.DataFrame, columns: list[str], seed: int) -> list[Ratio]:
    """Return the ratios of amounts that grow together, the most correlated first.

    Parameters
    ----------
    frame : pandas.DataFrame
        Training rows.
    columns : list of str
        Number columns. With more than 200 none is tried.
    seed : int
        Of the rows looked at.
    """
    import pandas as pd

    if len(frame) < 2 or not 2 <= len(columns) <= _MOST_COLUMNS:
        return []
    if len(frame) > _ROWS:
        rows = np.random.default_rng(seed).choice(len(frame), _ROWS, replace=False)
        frame = frame.iloc[np.sort(rows)]
    amounts = {name: floats(frame[name]) for name in columns}
    amounts = {name: values for name, values in amounts.items() if _is_amount(values)}
    if len(amounts) < 2:
        return []
    table = pd.DataFrame(amounts).corr(method="spearman", min_periods=20).to_numpy()
    kept = list(amounts)
    pairs = [
        (-round(float(table[i, j]), 6), i, j)
        for i in range(len(kept))
        for j in range(i + 1, len(kept))
        if table[i, j] >= ALIKE
    ]
    return [Ratio(kept[i], kept[j]) for _, i, j in sorted(pairs)[:MOST]]


def _is_amount(values: np.ndarray) -> bool:
    known = values[~np.isnan(values)]
    if not len(known) or known.min() < 0:
        return False
    positive = known[known > 0]
    if len(np.unique(positive)) < _DISTINCT:
        return False
    return bool(np.log(positive).std() >= _SPREAD)
