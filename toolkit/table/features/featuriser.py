"""The fitted transformer between typed columns and what engines take."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import canonical
from toolkit.project.data import Column
from toolkit.table.features.category import Category
from toolkit.table.features.date import Duration, Moment
from toolkit.table.features.image import ImageComponents
from toolkit.table.features.ratio import Place, Ratio, find_places, find_ratios
from toolkit.table.features.steps import SELF, Facts, Logical, Number, Step, StepColumn
from toolkit.table.features.text import TextComponents

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.artifacts import FeatureMap

SAMPLE = 200_000
"""Rows from which is learnt what a derived column is worth keeping."""
_LOOKED_AT = 20_000
_FILE, _ARRAYS = "features.json", "features.npz"
_MOST_DATES = 6
_WIDE = 500
_STEPS: dict[str, type[Step]] = {
    step.kind: step
    for step in (
        Number,
        Logical,
        Category,
        TextComponents,
        Moment,
        Duration,
        Ratio,
        Place,
        ImageComponents,
    )
}


@dataclass(frozen=True)
class DesignColumn:
    """One column of the design frame: a part of what a step makes."""

    name: str
    step: int
    part: str


class Features:
    """Typed columns in, numbers and categories out; every column out leads back to its source.

    The target is never looked at, and a row's result depends on that row alone.

    Attributes
    ----------
    columns : dict of str to Column
        The columns that it takes.
    origin : dict of str to str
        Derived column to the column it comes from; of a pair, to the first of the two.
    sources : dict of str to tuple of str
        Derived column to all columns it comes from: two for durations, ratios and turned
        coordinates, one for all others.
    notes : list of str
        What was sampled or left out in fitting, a sentence each.
    """

    def __init__(
        self,
        columns: Mapping[str, Column],
        steps: list[Step],
        made: list[DesignColumn],
        notes: list[str],
    ) -> None:
        self.columns = dict(columns)
        self.notes = notes
        self.sources = {column.name: steps[column.step].sources for column in made}
        self.origin = {name: sources[0] for name, sources in self.sources.items()}
        self._steps = steps
        self._made = made

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        columns: Mapping[str, Column],
        seed: int,
        alone: Iterable[str] = (),
    ) -> Features:
        """Learn from the training rows; the target is never looked at.

        Parameters
        ----------
        frame : pandas.DataFrame
            Typed rows, as `toolkit.table.conform` gives them.
        columns : mapping of str to Column
            The columns to take from it.
        seed : int
            Of samples and decompositions.
        alone : iterable of str
            Columns that reach engines as they are, and take no part in pairs: those on which
            a monotonic constraint lies, which a ratio would get round.
        """
        alone = set(alone)
        notes: list[str] = []
        sample = _sample(frame, seed, notes)
        steps = [_step(frame[name], sample[name], name, c, seed) for name, c in columns.items()]
        paired = {name: column for name, column in columns.items() if name not in alone}
        steps += _pairs(sample, paired, seed)
        made = _kept(frame, sample, columns, steps, alone)
        used = {source for column in made for source in steps[column.step].sources}
        notes += _left_out([name for name in columns if name not in used])
        return cls(columns, steps, made, notes)

    def transform(self, frame: pd.DataFrame, only: Collection[str] | None = None) -> pd.DataFrame:
        """Return the design frame of typed rows: float64 numbers and string categories.

        Parameters
        ----------
        frame : pandas.DataFrame
            Typed rows.
        only : collection of str, optional
            The columns that are made; by default, all.
        """
        import pandas as pd

        made: dict[str, Any] = {}
        wanted = [column for column in self._made if only is None or column.name in only]
        for place, columns in itertools.groupby(wanted, lambda column: column.step):
            parts = self._steps[place].transform(frame)
            for column in columns:
                made[column.name] = _aligned(parts[column.part], frame.index)
        # Many columns are faster as one block; few and long ones need no second copy.
        return pd.DataFrame(made, index=frame.index, copy=len(made) > _WIDE)

    def describe(self) -> list[Facts]:
        """Return a record for each column of the design frame, in its order.

        Each has ``name``, ``sources``, ``kind`` (the step's), ``what`` (was done) and
        ``parameters``.
        """
        known = [step.parts() for step in self._steps]
        records = []
        for column in self._made:
            part: StepColumn = known[column.step][column.part]
            records.append(
                {
                    "name": column.name,
                    "sources": list(self.sources[column.name]),
                    "kind": self._steps[column.step].kind,
                    "what": part.what,
                    "parameters": part.parameters,
                }
            )
        return records

    def map(self) -> FeatureMap:
        """Return what becomes of each column, as an artefact."""
        from toolkit.artifacts import DerivedColumn, FeatureMap

        used = {source for sources in self.sources.values() for source in sources}
        return FeatureMap(
            columns=[DerivedColumn(**record) for record in self.describe()],
            left_out=[name for name in self.columns if name not in used],
            notes=self.notes,
        )

    def save(self, folder: Path) -> None:
        """Write the transformer, as JSON and arrays; equal fits give equal bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, np.ndarray] = {}
        steps = []
        for place, step in enumerate(self._steps):
            state, held = step.state()
            steps.append({"kind": step.kind, "state": state})
            arrays |= {f"{place}.{name}": array for name, array in held.items()}
        facts = {
            "columns": {n: column.model_dump(mode="json") for n, column in self.columns.items()},
            "order": list(self.columns),
            "steps": steps,
            "made": [[column.name, column.step, column.part] for column in self._made],
            "notes": self.notes,
        }
        with canonical.atomic(folder / _ARRAYS) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)
        canonical.write_text(folder / _FILE, canonical.dumps(facts))

    @classmethod
    def load(cls, folder: Path) -> Features:
        """Return a saved transformer."""
        facts = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        columns = {name: Column(**facts["columns"][name]) for name in facts["order"]}
        held: dict[int, dict[str, np.ndarray]] = {}
        with np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
            for key in arrays.files:
                place, _, name = key.partition(".")
                held.setdefault(int(place), {})[name] = arrays[key]
        steps = [
            _STEPS[step["kind"]].from_state(step["state"], held.get(place, {}))
            for place, step in enumerate(facts["steps"])
        ]
        return cls(
            columns, steps, [DesignColumn(*column) for column in facts["made"]], facts["notes"]
        )


# -- fitting ---------------------------------------------------------------------------


def _sample(frame: pd.DataFrame, seed: int, notes: list[str]) -> pd.DataFrame:
    if len(frame) <= SAMPLE:
        return frame
    notes.append(
        f"Features: words, main directions and ratios were learnt from {SAMPLE:,} of"
        f" {len(frame):,} training rows, drawn at random; levels were counted in all rows."
    )
    rows = np.random.default_rng(seed).choice(len(frame), SAMPLE, replace=False)
    return frame.iloc[np.sort(rows)]


def _step(whole: pd.Series, sample: pd.Series, name: str, column: Column, seed: int) -> Step:
    if column.type == "number":
        return Number(name)
    if column.type == "boolean":
        return Logical(name)
    if column.type == "date":
        return Moment.fit(name, column)
    if column.type == "text":
        return TextComponents.fit(sample, name, seed)
    if column.type == "image":
        return ImageComponents.fit(sample, name, seed)
    return Category.fit(whole, name, seed)


def _pairs(sample: pd.DataFrame, columns: Mapping[str, Column], seed: int) -> list[Step]:
    dates = [name for name, column in columns.items() if column.type == "date"][:_MOST_DATES]
    numbers = [name for name, column in columns.items() if column.type == "number"]
    return [
        *(Duration(start, end) for start, end in itertools.combinations(dates, 2)),
        *find_places(numbers),
        *find_ratios(sample, numbers, seed),
    ]


def _kept(
    frame: pd.DataFrame,
    sample: pd.DataFrame,
    columns: Mapping[str, Column],
    steps: list[Step],
    alone: Container[str],
) -> list[DesignColumn]:
    """Name the columns worth keeping: those that vary, and are not another one's copy."""
    made: list[DesignColumn] = []
    taken: set[str] = set()
    some = sample.iloc[np.unique(np.linspace(0, len(sample) - 1, _LOOKED_AT).astype(int))]
    for place, step in enumerate(steps):
        source = step.sources[0]
        # A number that varies in few rows only is still worth having: all rows are looked at.
        rows = frame if isinstance(step, Number) else some
        seen: set[bytes] = set()
        parts = step.transform(rows)
        for part, values in parts.items():
            if not _varies(values) and not (part == SELF and source in alone):
                continue
            mark = _mark(values) if len(parts) > 1 else b""
            if mark in seen:
                continue
            seen.add(mark)
            name = source if part == SELF else f"{source}.{part}"
            while name in taken or (name != source and name in columns):
                name += "_"
            taken.add(name)
            made.append(DesignColumn(name, place, part))
    if not made and steps:
        first = next(iter(steps[0].parts()), None)
        made = [] if first is None else [DesignColumn(steps[0].sources[0], 0, first)]
    return made


def _left_out(names: list[str], most: int = 6) -> list[str]:
    if not names:
        return []
    shown = ", ".join(repr(name) for name in names[:most])
    more = f" and {len(names) - most} more" if len(names) > most else ""
    columns = "1 column was" if len(names) == 1 else f"{len(names)} columns were"
    return [
        f"Features: {columns} left out, since in the training rows nothing varies there, or no"
        f" level repeats: {shown}{more}."
    ]


def _varies(values: Any) -> bool:
    import pandas as pd

    if not len(values):
        return True
    if isinstance(values, np.ndarray):
        first = values[0]
        return not (np.isnan(values) if np.isnan(first) else values == first).all()
    codes = pd.factorize(values)[0]
    return bool((codes != codes[0]).any())


def _mark(values: Any) -> bytes:
    """Return a digest: equal for columns of equal numbers, and for the same levels renamed."""
    import pandas as pd

    if isinstance(values, np.ndarray):
        return hashlib.sha256((values + 0.0).tobytes()).digest()
    codes = pd.factorize(values)[0].astype("<i8")
    return b"levels" + hashlib.sha256(codes.tobytes()).digest()


def _aligned(values: Any, index: pd.Index) -> Any:
    return values if isinstance(values, np.ndarray) else values.set_axis(index)
