"""What a person could change about a row, and how far."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.errors import ProjectError

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column
    from toolkit.project.model import Project

FINEST = 24
"""Values of a column that are tried for a single change."""
_MAD_TO_SPAN = 0.5  # where half the rows agree, half the middle 90 % stands for the deviation


@dataclass(frozen=True)
class Limit:
    """How one column may change.

    Attributes
    ----------
    column : str
        The column.
    rule : str
        free, fixed, increase or decrease.
    why : str
        For fixed columns: the reason, in words.
    values : ndarray
        Values that may be tried: float64 in rising order, or texts as object, most frequent
        first.
    low, high : float
        Numbers: the range that a change may lead to.
    scale : float
        Numbers: the size of a change by 1 unit is ``1 / scale``: the median absolute deviation.
    whole : bool
        Numbers: whether the column holds whole numbers only.
    numeric : bool
        Whether the column is a number.
    """

    column: str
    rule: str
    why: str
    values: np.ndarray
    low: float = -math.inf
    high: float = math.inf
    scale: float = 1.0
    whole: bool = False
    numeric: bool = False

    def allows(self, before: Any, after: Any) -> bool:
        """Whether a cell may change from one value to another."""
        if self.rule == "fixed":
            return False
        if not self.numeric:
            return after != before and after in self.values
        if not self.low <= after <= self.high or after == before:
            return False
        if self.rule == "free":
            return True
        # From a missing value nobody can tell which way a change goes.
        return before is not None and (after > before) == (self.rule == "increase")

    def options(self, before: Any) -> list[Any]:
        """Return the values that a cell may change to and that are worth a try."""
        if self.rule == "fixed":
            return []
        if not self.numeric:
            return [each for each in self.values[: FINEST + 1].tolist() if each != before]
        return [each for each in self.values.tolist() if self.allows(before, each)]

    def size(self, before: Any, after: Any) -> float:
        """Return the size of a change: in median absolute deviations, or 1."""
        return abs(after - before) / self.scale if self.numeric and before is not None else 1.0

    def between(self, before: Any, after: Any, steps: int = 7) -> list[float]:
        """Return smaller changes of a number in the same direction, the smallest first."""
        if not self.numeric or before is None:
            return []
        digits = 0 if self.whole else 2 - math.floor(math.log10(self.scale))
        found = {round(before + (after - before) * i / (steps + 1), digits)
                 for i in range(1, steps + 1)}  # fmt: skip
        allowed = [float(x) for x in found if x != after and self.allows(before, float(x))]
        return sorted(allowed, key=lambda x: abs(x - before))


def limits(
    project: Project, frame: pd.DataFrame, columns: Mapping[str, Column]
) -> dict[str, Limit]:
    """Return how each column of the training rows may change.

    Parameters
    ----------
    project : Project
        Its section `recourse` and its protected columns are heeded.
    frame : pandas.DataFrame
        The training rows, typed.
    columns : mapping of str to Column
        What its columns are.

    Raises
    ------
    ProjectError
        When the section names a column that is none of these, or an empty range.
    """
    asked = project.recourse
    known = [name for name in frame.columns if name in columns]
    for key, names in (("change", asked.change), ("ranges", asked.ranges)):
        for name in names:
            _check_name(project, f"recourse.{key}.{name}", name, known)
    return {name: _limit(project, frame[name], columns[name]) for name in known}


def _check_name(project: Project, key: str, name: str, known: list[str]) -> None:
    if name in known:
        return
    if name in project.columns:
        if key.startswith("recourse.change") and project.recourse.change[name] == "fixed":
            return  # it is anyway: no model gets it
        column = project.columns[name]
        if column.use != column.role:
            raise ProjectError(
                "the column is known only after the outcome, so no model gets it",
                where=key, expected="a feature",
            )  # fmt: skip
        role = column.role
        raise ProjectError(f"the column's role is {role!r}", where=key, expected="a feature")
    near = difflib.get_close_matches(name, known, n=1)
    raise ProjectError(
        f"there is no column {name!r}",
        where=key,
        expected="a feature",
        remedy=f"Did you mean {near[0]!r}?" if near else "",
    )


def _limit(project: Project, cells: pd.Series, column: Column) -> Limit:
    name, asked = str(cells.name), project.recourse
    own, none = project.columns.get(name, column), np.array([], dtype=object)
    rule, why = asked.change.get(name), ""
    if column.type not in ("number", "category", "boolean"):
        if rule not in (None, "fixed"):
            raise ProjectError(
                f"a {column.type} is not changed", where=f"recourse.change.{name}", expected="fixed"
            )
        return Limit(name, "fixed", f"a {column.type} is not changed", none)
    if rule is None:
        rule, why = ("fixed", "protected") if own.protected else ("free", "")
    elif rule == "fixed":
        why = "fixed in recourse.change"
    if column.type == "number":
        return _number(cells, rule, why, asked.ranges.get(name))
    counts = cells.dropna().astype(object).value_counts(sort=False)
    order = sorted(counts.index, key=lambda x: (-counts[x], str(x)))
    if rule not in ("free", "fixed"):
        raise ProjectError(
            f"a {column.type} can not {rule}",
            where=f"recourse.change.{name}",
            expected="free or fixed",
        )
    return _unless_constant(Limit(name, rule, why, np.array(order, dtype=object)))


def _number(cells: pd.Series, rule: str, why: str, span: str | None) -> Limit:
    numbers = cells.to_numpy(dtype=np.float64, na_value=np.nan)
    distinct = np.unique(numbers[~np.isnan(numbers)])
    whole = bool(len(distinct)) and bool((distinct == np.round(distinct)).all())
    if not len(distinct):
        return Limit(str(cells.name), "fixed", "it has no values in training", distinct)
    low, high = float(distinct[0]), float(distinct[-1])
    if span is not None:
        low, high = bounds(span, f"recourse.ranges.{cells.name}")
    inside = numbers[(numbers >= low) & (numbers <= high)]
    values = np.unique(inside)
    if len(values) > FINEST:
        values = np.unique(np.quantile(inside, np.linspace(0, 1, FINEST), method="nearest"))
    if span is not None:
        ends = np.array([math.ceil(low), math.floor(high)] if whole else [low, high], dtype=float)
        values = np.unique(np.concatenate([values, ends[(ends >= low) & (ends <= high)]]))
    return _unless_constant(
        Limit(str(cells.name), rule, why, values, low, high, _deviation(numbers), whole, True)
    )


def _unless_constant(limit: Limit) -> Limit:
    if limit.rule == "fixed" or len(limit.values) > 1:
        return limit
    return Limit(limit.column, "fixed", "it has one value in training", limit.values)


def _deviation(numbers: np.ndarray) -> float:
    known = numbers[~np.isnan(numbers)]
    mad = float(np.median(np.abs(known - np.median(known))))
    if mad > 0:
        return mad
    low, high = np.quantile(known, [0.05, 0.95])
    return _MAD_TO_SPAN * float(high - low) or float(known.std()) or 1.0


def bounds(text: str, where: str) -> tuple[float, float]:
    """Return the ends of a range such as ``250 to 20000``.

    Raises
    ------
    ProjectError
        When it is no range, or an empty one.
    """
    low, _, high = text.partition(" to ")
    try:
        found = float(low), float(high)
    except ValueError:
        found = (1.0, 0.0)
    if not (math.isfinite(found[0]) and math.isfinite(found[1]) and found[0] <= found[1]):
        raise ProjectError(
            f"{text!r} is no range", where=where, expected="the lower end first: 250 to 20000"
        )
    return found
