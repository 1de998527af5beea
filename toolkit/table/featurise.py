"""The fitted transformer between typed columns and what engines take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit import canonical
from toolkit.project.model import Column
from toolkit.table.features import design

if TYPE_CHECKING:
    import pandas as pd

_FILE = "features.json"


class Features:
    """Typed columns in, numbers and categories out; every column out has one source.

    Attributes
    ----------
    columns : dict of str to Column
        The columns that it takes.
    origin : dict of str to str
        Derived column to the column it comes from.
    """

    def __init__(self, columns: Mapping[str, Column], origin: dict[str, str]) -> None:
        self.columns = dict(columns)
        self.origin = origin

    @classmethod
    def fit(cls, frame: pd.DataFrame, columns: Mapping[str, Column], seed: int) -> Features:
        """Learn from the training rows; the target is never looked at."""
        _, origin = design(frame, columns)
        return cls(columns, origin)

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the design frame of typed rows: float64 numbers and string categories."""
        return design(frame, self.columns)[0]

    def save(self, folder: Path) -> None:
        """Write the transformer; equal fits give equal bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        columns = {name: column.model_dump(mode="json") for name, column in self.columns.items()}
        facts = {"columns": columns, "order": list(columns), "origin": self.origin}
        canonical.write_text(folder / _FILE, canonical.dumps(facts))

    @classmethod
    def load(cls, folder: Path) -> Features:
        """Return a saved transformer."""
        facts = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        columns = {name: Column(**facts["columns"][name]) for name in facts["order"]}
        return cls(columns, facts["origin"])
