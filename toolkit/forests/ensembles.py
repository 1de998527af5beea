"""A model as a sum: tree ensembles and terms with exact values, and an estimated remainder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from toolkit.forests.forest import Forest, TreeNodes

if TYPE_CHECKING:
    import pandas as pd

SPACES = ("value", "probability", "margin")


@dataclass(frozen=True)
class TreeEnsemble:
    """Trees of a saved model, and the matrix of numbers that they test.

    Attributes
    ----------
    space : str
        The unit of the leaves' sum: value (the target's unit), probability, or margin (log-odds,
        or for several classes logarithms of probabilities but for a constant).
    trees : list of TreeNodes
        `TreeNodes.column` is a place in `columns`.
    base : array of shape (outputs,)
        Added to every row. Two classes have one output, that of the positive class.
    columns : list of str
        The design frame's columns, in the matrix's order.
    matrix : callable
        From a design frame to the matrix, (n, columns).
    votes : bool
        Whether what they add up to is scaled to sum 1 over classes afterwards: a sum that is
        near to the prediction.
    """

    space: str
    trees: list[TreeNodes]
    base: np.ndarray
    columns: list[str]
    matrix: Callable[[pd.DataFrame], np.ndarray]
    votes: bool = False

    def scaled(self, factor: float, shift: float | np.ndarray = 0.0) -> TreeEnsemble:
        """Return the trees whose sum is multiplied, and then moved."""
        trees = [tree.times(factor) for tree in self.trees]
        return replace(self, trees=trees, base=self.base * factor + shift)

    def forest(self, features: Sequence[str], sources: dict[str, tuple[str, ...]]) -> Forest:
        """Return the forest with values for the table's columns.

        Parameters
        ----------
        features : sequence of str
            The table's columns.
        sources : dict of str to tuple of str
            The one or two of them that each column of the design frame comes from.
        """
        owners = [sources[name] for name in self.columns]
        key = (*features, *owners)
        if key not in self._built:
            place = {name: number for number, name in enumerate(features)}
            self._built[key] = Forest.build(
                self.trees,
                self.base,
                features,
                [place[names[0]] for names in owners],
                [place[names[1]] if len(names) > 1 else -1 for names in owners],
            )
        return self._built[key]

    @cached_property
    def _built(self) -> dict[tuple[object, ...], Forest]:
        return {}


@dataclass(frozen=True)
class AdditiveModel:
    """A model's prediction as a sum of tree ensembles, terms and a remainder.

    Attributes
    ----------
    space : str
        As in `TreeEnsemble`. Margins of several classes are taken against the mean of all classes'
        (the centred log-ratio, Aitchison 1986), so that each is known, not just differences.
    ensembles : list of TreeEnsemble
        Summands that are trees.
    features : list of str
        The table's columns, to which values are attributed.
    design : callable
        Takes typed rows, and names or None, and makes the design frame: these of its columns,
        or all.
    sources : dict of str to tuple of str
        The one or two of the table's columns that each column of the design frame comes from.
    terms : callable, optional
        Gives, for a design frame, what is a sum of one term for each of its columns, such as
        a linear model: (n, outputs).
    rest : callable, optional
        Gives the remainder for typed rows, (n, outputs); None where nothing remains.
    share, linear : float
        How much of the model, by weight, the forests are, and the terms.
    forests_left_out : tuple of int
        Which of them, by place, are part of `rest` all the same.
    base : pandas.DataFrame, optional
        One row of the design frame, into which cells are put to read their terms; any will do
        where `terms` is such a sum everywhere.
    corrected : bool
        Whether `rest` is the difference between the model and its parts, which do not add up to it.
    threads : int
        Blocks of rows that trees are evaluated for at once.
    """

    space: str
    ensembles: list[TreeEnsemble]
    features: list[str]
    design: Callable[[pd.DataFrame, Collection[str] | None], pd.DataFrame]
    sources: dict[str, tuple[str, ...]]
    terms: Callable[[pd.DataFrame], np.ndarray] | None = None
    rest: Callable[[pd.DataFrame], np.ndarray] | None = None
    share: float = 1.0
    linear: float = 0.0
    forests_left_out: tuple[int, ...] = ()
    base: pd.DataFrame | None = None
    corrected: bool = False
    threads: int = 1

    def kinds(self) -> list[str]:
        """Return which summands have exact values: trees, terms."""
        return ["trees"] * bool(self.ensembles) + ["terms"] * (self.terms is not None)

    def without_forests(self, left_out: Collection[int]) -> AdditiveModel:
        """Return the sum with some forests, by place, moved into `rest`."""
        moved = replace(self, ensembles=[self.ensembles[place] for place in sorted(left_out)])
        rest = self.rest

        def remainder(frame: pd.DataFrame) -> np.ndarray:
            scores = moved.added_up(frame)
            return scores if rest is None else scores + rest(frame)

        kept = [one for place, one in enumerate(self.ensembles) if place not in left_out]
        return replace(
            self, ensembles=kept, rest=remainder, forests_left_out=tuple(sorted(left_out))
        )

    @property
    def votes(self) -> bool:
        """Whether forests are among the parts whose votes are scaled to sum 1 afterwards."""
        return any(one.votes for one in self.ensembles)

    def added_up(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the sum of the tree ensembles for typed rows, (n, outputs)."""
        from toolkit.forests.values import margins

        design = self.design(frame, None)
        parts = [
            margins(forest, one.matrix(design), threads=self.threads)
            for one, forest in zip(self.ensembles, self.forests, strict=True)
        ]
        return np.asarray(np.sum(parts, axis=0))

    @cached_property
    def forests(self) -> list[Forest]:
        """The forest of each of `ensembles`."""
        return [one.forest(self.features, self.sources) for one in self.ensembles]
