"""The typed table with its target, as the functions of this stage look at it."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.artifacts import Rows
from toolkit.errors import DataError
from toolkit.project.data import Column
from toolkit.project.model import Project
from toolkit.table import row_hashes, target_values
from toolkit.table.images.image_vector import image_facts
from toolkit.table.measures import MEASURES, measure

__all__ = [
    "MEASURES", "SAMPLE", "FrameCache", "Table", "cells_of", "codes", "is_numeric", "make_table",
    "numbers", "open_table", "quantiles", "rounded",
]  # fmt: skip

if TYPE_CHECKING:
    from toolkit.run.stage import Stage

SAMPLE = 50_000
"""Rows that the slower statistics look at, at most."""
_HASHES = 3
_LEVELS = 10_000


class FrameCache:
    """What is computed once of a frame that nobody changes.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed rows.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._codes: dict[str, tuple[np.ndarray, list[str]]] = {}
        self._hashes: dict[tuple[str, ...], np.ndarray] = {}

    def codes(self, name: str) -> tuple[np.ndarray, list[str]]:
        """Return `codes` of a whole column."""
        if name in self._codes:
            return self._codes[name]
        found, levels = codes(self.frame[name])
        coded = found.astype(np.int32), levels
        if len(levels) < max(len(found) / 2, _LEVELS):  # texts and numbers of rows fill the memory
            self._codes[name] = coded
        return coded

    def hashes(self, names: Sequence[str]) -> np.ndarray:
        """Return `toolkit.table.row_hashes` over some columns."""
        key = tuple(names)
        if key not in self._hashes:
            while len(self._hashes) >= _HASHES:
                self._hashes.pop(next(iter(self._hashes)))
            self._hashes[key] = row_hashes(self.frame, list(key), lambda name: self.codes(name)[0])
        return self._hashes[key]


@dataclass(frozen=True)
class Table:
    """Rows and target.

    Attributes
    ----------
    project : Project
        The choices.
    frame : pandas.DataFrame
        The typed rows, as in `toolkit.artifacts.Rows`.
    target : numpy.ndarray
        Labels as text (None where unknown), or float64 (NaN where unknown), a row each.
    known : numpy.ndarray
        Bool; whether the target is known.
    classes : list of str
        Binary: negative, positive. Multiclass: sorted. Regression: empty.
    cells : FrameCache
        What is known of the frame already.
    """

    project: Project
    frame: pd.DataFrame
    target: np.ndarray
    known: np.ndarray
    classes: list[str]
    cells: FrameCache

    @property
    def task(self) -> str:
        """Binary, multiclass or regression."""
        return self.project.target.task

    @functools.cached_property
    def columns(self) -> dict[str, Column]:
        """The project's columns that the table has, the target left out."""
        return {
            name: column
            for name, column in self.project.columns.items()
            if column.role != "target" and name in self.frame.columns
        }

    def features(self) -> list[str]:
        """Return the feature columns that the table has."""
        return [name for name in self.project.features() if name in self.frame.columns]

    def class_codes(self) -> np.ndarray:
        """Return the position of each row's class in `classes`, -1 where unknown."""
        return self._class_codes.copy()

    @functools.cached_property
    def _class_codes(self) -> np.ndarray:
        return pd.Index(self.classes).get_indexer(pd.Index(self.target)).astype(np.int64)

    def image_facts(self, name: str) -> pd.DataFrame:
        """Return `toolkit.table.images.image_vector.image_facts` of a column, computed once."""
        if name not in self._image_facts:
            self._image_facts[name] = image_facts(self.frame[name])
        return self._image_facts[name]

    @functools.cached_property
    def _image_facts(self) -> dict[str, pd.DataFrame]:
        return {}

    def measure(self, name: str) -> np.ndarray:
        """Return one number for each cell of a column that has an order, as `MEASURES` says.

        Numbers and dates stand for themselves.
        """
        kind = self.project.columns[name].type
        if kind == "image":
            return self.image_facts(name)["brightness"].to_numpy()
        if kind == "text":
            return measure(self.frame[name], kind)
        return numbers(self.frame[name])

    def rng(self, salt: int) -> np.random.Generator:
        """Return a generator that depends on the project's seed and the purpose only."""
        return np.random.default_rng([self.project.seed, salt])

    def sample(self, rows: np.ndarray, size: int, salt: int) -> np.ndarray:
        """Return at most `size` of the given row positions, in order."""
        if len(rows) <= size:
            return rows
        return np.sort(self.rng(salt).choice(rows, size, replace=False))


def make_table(project: Project, frame: pd.DataFrame, cells: FrameCache | None = None) -> Table:
    """Put rows and target together.

    Parameters
    ----------
    project : Project
        The choices.
    frame : pandas.DataFrame
        The typed rows.
    cells : FrameCache, optional
        What is known of that frame already.

    Raises
    ------
    DataError
        If the target's column is missing, never known, or has fewer than two values.
    """
    name = project.target.column
    if name not in frame.columns:
        raise DataError(
            f"the target column {name!r} is not in the table", remedy="Run 01_scoping again"
        )
    raw = target_values(frame[name], project.target)
    if project.target.task == "regression":
        target = np.asarray(raw, dtype=np.float64)
        known = np.isfinite(target)
        distinct = len(np.unique(target[known]))
        classes: list[str] = []
    else:
        found, levels = pd.factorize(np.asarray(raw, dtype=object))
        known = found >= 0
        target = np.append(levels, [None])[found]
        classes = _classes(project, sorted(levels))
        distinct = len(classes)
    if distinct < 2:
        raise DataError(
            f"the target {name!r} has {distinct} known value{'s' if distinct != 1 else ''}",
            expected="at least two",
            remedy="Choose another target column, or read the table again",
        )
    return Table(project, frame, target, known, classes, cells or FrameCache(frame))


@dataclass
class _Kept:
    """The rows of a stage, and the table made of them for one project."""

    state: tuple[int, int]
    cells: FrameCache
    table: Table | None = None


_KEPT: weakref.WeakKeyDictionary[Stage, _Kept] = weakref.WeakKeyDictionary()


def _kept(stage: Stage) -> _Kept:
    """Return what is kept of a run's rows: read once for a notebook, and again if they changed."""
    path = stage.run.folder / Rows.file
    state = (path.stat().st_mtime_ns, path.stat().st_size) if path.exists() else (0, 0)
    kept = _KEPT.get(stage)
    if kept is None or kept.state != state:
        kept = _KEPT[stage] = _Kept(state, FrameCache(stage.read(Rows).frame))
    return kept


def cells_of(stage: Stage) -> FrameCache:
    """Return the typed rows of the run with what is known of them, for reading only."""
    return _kept(stage).cells


def rows_of(stage: Stage) -> pd.DataFrame:
    """Return the typed rows of the run."""
    # What is written to a copy leaves the kept rows alone.
    return _kept(stage).cells.frame.copy(deep=False)


def open_table(stage: Stage) -> Table:
    """Return the typed rows of the run as a `Table`, made once for a project."""
    kept, project = _kept(stage), stage.project
    if kept.table is None or kept.table.project != project:
        kept.table = make_table(project, kept.cells.frame, kept.cells)
    return kept.table


def _classes(project: Project, found: list[str]) -> list[str]:
    if project.target.task == "multiclass" or len(found) < 2:
        return found
    positive = project.target.positive
    if positive not in found or len(found) > 2:
        raise DataError(
            f"a binary target with positive class {positive!r} has the values"
            f" {', '.join(map(repr, found[:5]))}",
            where=f"column {project.target.column!r}",
            expected="two classes, one of them target.positive",
            remedy="Correct target.positive, or set target.task to multiclass",
        )
    return [next(label for label in found if label != positive), positive]


def codes(series: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Return level codes (-1 where missing) and the levels in order of first appearance."""
    found, levels = pd.factorize(series)
    texts = np.asarray(levels, dtype=object).tolist()
    if not isinstance(series.dtype, pd.StringDtype):
        texts = [x if type(x) is str else str(x) for x in texts]
    return found.astype(np.int64), texts


def numbers(series: pd.Series) -> np.ndarray:
    """Return a number or date column as float64: dates in seconds since 1970, NaN if missing."""
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        whole = series.to_numpy(dtype="datetime64[us]")
        values = whole.astype(np.int64) / 1e6
        values[np.isnat(whole)] = np.nan
        return values
    return pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def quantiles(ordered: np.ndarray, shares: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return quantiles of sorted numbers as `numpy.quantile` does, which would sort them again."""
    place = np.asarray(shares) * (len(ordered) - 1)
    below = np.floor(place).astype(np.int64)
    low, high = ordered[below], ordered[np.minimum(below + 1, len(ordered) - 1)]
    part, span = place - below, high - low
    return np.where(part >= 0.5, high - span * (1 - part), low + span * part)


def is_numeric(column: Column) -> bool:
    """Whether a column's values have an order and distances."""
    return column.type in ("number", "date")


def rounded(value: float | np.floating | None, digits: int = 6) -> float | None:
    """Return a float with so many significant digits, or None if it is not finite.

    Sums of floats differ in their last bits between machines; artefacts must not.
    """
    if value is None or not np.isfinite(value):
        return None
    return float(f"{float(value):.{digits}g}")
