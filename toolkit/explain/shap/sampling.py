"""Shapley values of single predictions, estimated from the model's predictions alone.

The value function of a row x: columns in a coalition take their values from x, the other columns
from a background row b; the value is the model's output, averaged over all background rows
(interventional, Janzing et al. 2020). A column's Shapley value is its mean marginal contribution
over all orders in which columns can join the coalition.

Orders are sampled (Castro, Gómez and Tejada 2009; Štrumbelj and Kononenko 2014), each with its
reverse (antithetic, Mitchell et al. 2022). Every background row is walked equally often, so
values add up to the output minus the mean background output whatever the orders drawn. Columns
in which x and b agree contribute nothing and cost no evaluation. Where few columns make
all coalitions affordable, they are enumerated and no order is drawn.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Score = Callable[["pd.DataFrame"], np.ndarray]
"""Takes rows and gives an (n, outputs) array."""

CALL_CELLS = 20_000_000
CALL_ROWS = 200_000


@dataclass(frozen=True)
class FeatureGroups:
    """The features that get a value: columns, or groups of columns that join together.

    Attributes
    ----------
    names : list of str
        One for each group.
    columns : list of list of str
        The columns of each.
    """

    names: list[str]
    columns: list[list[str]]

    @classmethod
    def of_columns(cls, columns: Sequence[str]) -> FeatureGroups:
        """Return groups of one column each."""
        return cls(list(columns), [[name] for name in columns])


class ValueFunction(ABC):
    """The model's output for each coalition of features, with the others taken away.

    Attributes
    ----------
    score : callable
        The model, see `Score`; it must give a row the same output whatever the other rows.
    size, rows, references : int
        Features; rows to explain; what each of them is compared with.
    differs : ndarray of bool, shape (rows, references, groups)
        Whether a feature that joins changes the row at all.
    output : ndarray, shape (rows, outputs)
        The outputs of the rows themselves.
    width : int
        Columns of a scored row.
    evaluations : int
        Rows scored so far.
    """

    score: Score
    size: int
    rows: int
    references: int
    differs: np.ndarray
    output: np.ndarray
    width: int
    evaluations: int

    @property
    def call_rows(self) -> int:
        """The most rows of one scoring call."""
        return max(1, min(CALL_ROWS, CALL_CELLS // max(1, self.width)))

    def coalitions(self, rows: np.ndarray, references: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Return the outputs of coalitions, scored in few and bounded calls.

        Parameters
        ----------
        rows, references : array of shape (e,)
            Which row, and which background row, each coalition mixes.
        masks : array of shape (e, groups), bool
            True where the row's own value is taken.
        """
        step = self.call_rows
        parts = [
            self.score(
                self._mixed(rows[i : i + step], references[i : i + step], masks[i : i + step])
            )
            for i in range(0, len(rows), step)
        ]
        self.evaluations += len(rows)
        return np.concatenate(parts) if parts else np.empty((0, self.output.shape[1]))

    @abstractmethod
    def _mixed(self, rows: np.ndarray, references: np.ndarray, masks: np.ndarray) -> pd.DataFrame:
        """Return the coalitions as rows to score."""

    @abstractmethod
    def nothing(self, rows: np.ndarray, references: np.ndarray) -> np.ndarray:
        """Return the outputs, (e, outputs), of the empty coalition."""


class TableValueFunction(ValueFunction):
    """ValueFunction of columns: those that are not in it are taken from a background row.

    Parameters
    ----------
    score : callable
        The model, see `Score`.
    frame, background : pandas.DataFrame
        Rows to explain and rows to compare them with; equal columns and types.
    groups : FeatureGroups
        Together they own every column once.
    """

    def __init__(
        self, score: Score, frame: pd.DataFrame, background: pd.DataFrame, groups: FeatureGroups
    ) -> None:
        import pandas as pd

        self.score = score
        self.groups = groups
        self.size = len(groups.names)
        self.rows, self.references = len(frame), len(background)
        self.table = pd.concat([frame, background], ignore_index=True)
        self.width = self.table.shape[1]
        self.differs = differences(self.table, self.rows, groups)
        outputs = self._scored(np.arange(len(self.table)))
        self.output, self.reference = outputs[: self.rows], outputs[self.rows :]
        self.evaluations = len(self.table)

    def _scored(self, index: np.ndarray) -> np.ndarray:
        return self.score(self.table.take(index).reset_index(drop=True))

    def nothing(self, rows: np.ndarray, references: np.ndarray) -> np.ndarray:
        """Return the background rows' own outputs."""
        return self.reference[references]

    def _mixed(self, rows: np.ndarray, references: np.ndarray, masks: np.ndarray) -> pd.DataFrame:
        import pandas as pd

        columns = {}
        for place, names in enumerate(self.groups.columns):
            index = np.where(masks[:, place], rows, self.rows + references)
            for name in names:
                columns[name] = self.table[name].array.take(index)
        return pd.DataFrame(columns, copy=False)[list(self.table.columns)]


def differences(table: pd.DataFrame, rows: int, groups: FeatureGroups) -> np.ndarray:
    """Return (rows, background, groups): whether the two rows differ; missing equals missing."""
    import pandas as pd

    result = np.zeros((rows, len(table) - rows, len(groups.names)), dtype=bool)
    for place, names in enumerate(groups.columns):
        for name in names:
            codes = pd.factorize(table[name])[0]
            result[:, :, place] |= codes[:rows, None] != codes[None, rows:]
    return result


def enumerated(function: ValueFunction) -> Iterator[np.ndarray]:
    """Give, row by row, contributions of shape (background, groups, outputs), exactly."""
    groups = function.size
    subsets = np.arange(1 << groups)
    member = (subsets[:, None] >> np.arange(groups)) & 1 == 1
    size = member.sum(axis=1)
    share = np.array(
        [
            math.factorial(s) * math.factorial(groups - s - 1) / math.factorial(groups)
            for s in range(groups)
        ]
        + [0.0]
    )
    gain = np.where(member, share[size - 1][:, None], -share[size][:, None])
    for batch in _batches(function, len(subsets) * function.references):
        bits = function.differs[batch] @ (1 << np.arange(groups))
        # Only coalitions of columns that differ are scored; the others equal one of them.
        inside = (subsets & ~bits[:, :, None]) == 0
        row, reference, subset = np.nonzero(inside)
        paid = function.coalitions(batch[row], reference, member[subset])
        values = np.empty((*inside.shape, paid.shape[1]))
        values[row, reference, subset] = paid
        same = subsets & bits[:, :, None]
        values = np.take_along_axis(values, same[..., None], axis=2)
        yield from np.einsum("rbso,sp->rbpo", values, gain)


def sampled(function: ValueFunction, orders: int, seeds: list[list[int]]) -> Iterator[np.ndarray]:
    """Give, row by row, contributions of shape (background * orders, groups, outputs).

    Parameters
    ----------
    function : ValueFunction
        The rows and the model.
    orders : int
        Orders for each pair of row and background row; 1, or an even number. With 1, the
        reverse of an order goes to the next background row, which should be a similar one.
    seeds : list of list of int
        What each row's orders are drawn from, so that a row explained alone gives the values
        it has among others.
    """
    groups, walks = function.size, function.references * orders
    reference = np.arange(walks) // orders
    for batch in _batches(function, walks * max(1, groups - 1)):
        order = np.concatenate([_orders(groups, walks, seeds[row]) for row in batch])
        rows = np.repeat(batch, walks)
        yield from _walk(function, rows, np.tile(reference, len(batch)), order).reshape(
            len(batch), walks, groups, -1
        )


def _orders(groups: int, walks: int, seed: list[int]) -> np.ndarray:
    generator = np.random.default_rng(seed)
    forward = np.tile(np.arange(groups), ((walks + 1) // 2, 1))
    forward = generator.permuted(forward, axis=1)
    return np.stack([forward, forward[:, ::-1]], axis=1).reshape(-1, groups)[:walks]


def _walk(
    function: ValueFunction, rows: np.ndarray, references: np.ndarray, order: np.ndarray
) -> np.ndarray:
    """Return the contributions (walks, groups, outputs) along the given orders."""
    position = np.argsort(order, axis=1)
    differs = np.take_along_axis(function.differs[rows, references], order, axis=1)
    walk, step = np.nonzero(differs)
    last = np.ones(len(walk), dtype=bool)
    last[:-1] = walk[1:] != walk[:-1]
    inner = ~last
    after = np.empty((len(walk), function.output.shape[1]))
    after[inner] = function.coalitions(
        rows[walk[inner]],
        references[walk[inner]],
        position[walk[inner]] <= step[inner, None],
    )
    after[last] = function.output[rows[walk[last]]]
    before = np.empty_like(after)
    before[1:] = after[:-1]
    first = np.roll(last, 1)
    before[first] = function.nothing(rows[walk[first]], references[walk[first]])
    result = np.zeros((*order.shape, after.shape[1]))
    result[walk, order[walk, step]] = after - before
    return result


def _batches(function: ValueFunction, cost: int) -> Iterator[np.ndarray]:
    """Give runs of rows that fill a scoring call, ``cost`` coalitions a row."""
    width = max(function.width, function.size * function.output.shape[1])
    size = max(1, min(CALL_ROWS, CALL_CELLS // width) // max(1, cost))
    for start in range(0, function.rows, size):
        yield np.arange(start, min(start + size, function.rows))


def summarise(contributions: np.ndarray, unit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return values and standard errors, each (groups, outputs), of one row.

    The standard error holds the value against the Shapley value over all rows that the
    background was drawn from: it covers the orders and the background rows drawn. It comes
    from the spread between background rows.

    Parameters
    ----------
    contributions : array of shape (background * orders, groups, outputs)
        As `enumerated` or `sampled` give them.
    unit : int
        How many neighbouring contributions belong together: the orders of a background row,
        or 2 where an order and its reverse went to two neighbours.
    """
    value = contributions.mean(axis=0)
    units = len(contributions) // unit
    if units < 2:
        return value, np.zeros_like(value)
    means = contributions[: units * unit].reshape(units, unit, *value.shape).mean(axis=1)
    return value, means.std(axis=0, ddof=1) / math.sqrt(units)
