"""SHAP values of models that are sums of forests and terms: exact for these.

The values of a sum are the sums of its summands' values (linearity, Shapley 1953). So what is
known as trees, or as terms of single columns, costs no sampling error, in whatever blend it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.explain.shap.background_blocks import background_blocks
from toolkit.explain.shap.linear_terms import added_up, term_values
from toolkit.forests import AdditiveModel, TreeEnsemble, expected, seconds, shapley_values

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.explain.shap.sampling import Score

PATH_DEPENDENT = "path-dependent"
MIXTURES = 256
"""Mixtures of rows on which a sum is held against its model."""


def costs(total: AdditiveModel, rows: int, background: int) -> list[float]:
    """Return about how many seconds each forest takes on one core."""
    parts = len(background_blocks(background))
    return [seconds(forest, rows, background, parts) for forest in total.forests]


def follows_paths(total: AdditiveModel) -> bool:
    """Return whether a sum's path-dependent values are known: it is trees alone.

    A column that is made of two of the table's goes one way at a split for both of them, and
    the trees do not say where it would go if one were not known.
    """
    alone = total.terms is None and total.rest is None
    return alone and not any(len(forest.paired) for forest in total.forests)


def cover_values(
    total: AdditiveModel, frame: pd.DataFrame, threads: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return path-dependent values (Lundberg et al. 2020), (n, players, k), and their base, (k,).

    A column that is not known goes both ways at a split, as the rows went that the tree grew on.

    Parameters
    ----------
    total : AdditiveModel
        The model, for which `follows_paths` holds.
    frame : pandas.DataFrame
        Typed rows.
    threads : int
        Blocks of rows that are worked on at once.
    """
    design = total.design(frame, None)
    values = np.sum(
        [
            shapley_values(forest, grown.matrix(design), threads=threads)
            for grown, forest in zip(total.grown, total.forests, strict=True)
        ],
        axis=0,
    )
    base = np.sum([expected(forest) for forest in total.forests], axis=0)
    if _centred(total, base.size):
        values = values - values.mean(axis=-1, keepdims=True)
        base = base - base.mean()
    return np.asarray(values), np.asarray(base)


def _centred(total: AdditiveModel, count: int) -> bool:
    return total.space == "margin" and count > 1


def sum_error(
    total: AdditiveModel, told: Score, frame: pd.DataFrame, background: pd.DataFrame
) -> float:
    """Return how far a sum is from its model, at most, on rows and mixtures of rows.

    A model may round or clip what its parts add up to, and do so where no real row lies: then
    the parts' values are not the model's, though they add up on the rows themselves.

    Parameters
    ----------
    total : AdditiveModel
        What the model is said to be.
    told : callable
        The model's outputs in the sum's space.
    frame, background : pandas.DataFrame
        Typed rows; each mixture takes some columns of one of each.
    """
    import pandas as pd

    generator = np.random.default_rng(0)
    rows = generator.integers(0, len(frame), MIXTURES)
    references = len(frame) + generator.integers(0, len(background), MIXTURES)
    both = pd.concat([frame, background], ignore_index=True)
    mixed = pd.DataFrame(
        {
            name: both[name].array.take(
                np.where(generator.random(MIXTURES) < 0.5, rows, references)
            )
            for name in both.columns
        }
    )
    both = pd.concat([mixed, frame.head(MIXTURES)], ignore_index=True)
    return float(np.abs(told(both) - _added(total, both)).max())


def with_remainder(total: AdditiveModel, told: Score, middle: pd.DataFrame) -> AdditiveModel:
    """Return a sum whose rest is all that the model says besides the sum's parts.

    So it is the model, whatever that does to the sum of its parts: rounding, clipping.

    Parameters
    ----------
    total : AdditiveModel
        Parts of the model.
    told : callable
        The model's outputs in the sum's space.
    middle : pandas.DataFrame
        One typed row, whose output is not extreme: terms are read from it.
    """
    total = replace(total, base=total.design(middle, None))
    parts = replace(total, rest=None)

    def remainder(frame: pd.DataFrame) -> np.ndarray:
        return told(frame) - _added(parts, frame)

    return replace(total, rest=remainder, corrected=True)


def _added(total: AdditiveModel, frame: pd.DataFrame) -> np.ndarray:
    """Return what the summands say of typed rows, added up: (n, outputs)."""
    parts = [total.added_up(frame)] if total.grown else []
    if total.terms is not None:
        parts.append(added_up(total.terms, total.design(frame, None), total.base))
    if total.rest is not None:
        parts.append(total.rest(frame))
    result = np.sum(parts, axis=0)
    if _centred(total, result.shape[1]):
        result = result - result.mean(axis=1, keepdims=True)
    return np.asarray(result)


class AdditiveShap:
    """Exact values of a sum's forests and terms.

    Parameters
    ----------
    total : AdditiveModel
        The model.
    frame, background : pandas.DataFrame
        Typed rows to explain, and rows to compare them with.
    threads : int
        Blocks of rows that are worked on at once.
    """

    def __init__(
        self,
        total: AdditiveModel,
        frame: pd.DataFrame,
        background: pd.DataFrame,
        threads: int = 1,
    ) -> None:
        self.threads = threads
        self.total = total
        self.players = total.players
        self.frame, self.background = frame, background
        self.rows = total.design(frame, None)
        self.references = total.design(background, None)
        self._matrices: dict[Any, tuple[np.ndarray, np.ndarray]] = {}
        self._mixtures: dict[Any, np.ndarray] = {}
        self._mixed_design: tuple[pd.DataFrame, pd.DataFrame] | None = None

    def values(
        self, parts: Sequence[np.ndarray], progress: Callable[[int, int], Any] | None = None
    ) -> np.ndarray:
        """Return values against parts of the background: (parts, n, players, k).

        Parameters
        ----------
        parts : sequence of arrays of int
            See `toolkit.explain.shap.background_blocks.background_blocks`.
        progress : callable, optional
            Told of forests done and forests in all.
        """
        found: np.ndarray | None = None
        if self.total.terms is not None:
            pairs = self._mixed_designs() if self._pairs() else None
            found = term_values(
                self.total.terms, sources=self.total.sources, players=self.players,
                rows=self.rows, references=self.references, parts=parts, mixed=pairs,
                base=self.total.base,
            )  # fmt: skip
        for number, grown in enumerate(self.total.grown):
            forest = self.total.forests[number]
            rows, references = self._matrix(grown)
            mixed = self._mixed(grown, forest.paired) if len(forest.paired) else None
            one = shapley_values(
                forest, rows, references, mixed=mixed, parts=parts, threads=self.threads
            )
            found = one if found is None else found + one
            if progress is not None:
                progress(number + 1, len(self.total.grown))
        assert found is not None
        if _centred(self.total, found.shape[-1]):
            found -= found.mean(axis=-1, keepdims=True)
        return found

    def _matrix(self, grown: TreeEnsemble) -> tuple[np.ndarray, np.ndarray]:
        key = grown.matrix
        if key not in self._matrices:
            self._matrices[key] = (grown.matrix(self.rows), grown.matrix(self.references))
        return self._matrices[key]

    def _mixed(self, grown: TreeEnsemble, paired: np.ndarray) -> np.ndarray:
        """Return the values of columns of two players that are taken from two rows."""
        names = [grown.columns[place] for place in paired]
        key = (grown.matrix, tuple(names))
        if key not in self._mixtures:
            shape = (len(self.frame), len(self.background))
            result = np.empty((2, len(names), *shape))
            for side, design in enumerate(self._mixed_designs()):
                matrix = grown.matrix(design)
                for number, place in enumerate(paired):
                    result[side, number] = matrix[:, place].reshape(shape)
            self._mixtures[key] = result
        return self._mixtures[key]

    def _pairs(self) -> list[str]:
        """Return the design columns that are made of two of the table's."""
        return [n for n, of in self.total.sources.items() if len(of) > 1 and n in self.rows]

    def _mixed_designs(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return two design frames of all pairs of row and background row.

        In the first, columns of two players take the first from the row and the second from
        the background row; in the second, the other way round. Other columns are as they come.
        """
        if self._mixed_design is None:
            pairs = self._pairs()
            place = {name: number for number, name in enumerate(self.players)}
            n, b = len(self.frame), len(self.background)
            row, reference = np.repeat(np.arange(n), b), np.tile(np.arange(b), n)
            first = self.references.take(reference).reset_index(drop=True)
            second = first.copy()
            for bit in range(max(1, math.ceil(math.log2(max(2, len(self.players)))))):
                # Two players differ in some bit of their numbers: by it they are told apart.
                chosen = {name for name in self.players if place[name] >> bit & 1}
                told = [
                    name
                    for name in pairs
                    if len(chosen & set(self.total.sources[name])) == 1
                    and all(
                        len({place[s] >> lower & 1 for s in self.total.sources[name]}) == 1
                        for lower in range(bit)
                    )
                ]
                if not told:
                    continue
                by_row = self._mixture(row, reference, chosen, told)
                by_reference = self._mixture(row, reference, set(self.players) - chosen, told)
                for name in told:
                    own = self.total.sources[name][0] in chosen
                    first[name] = (by_row if own else by_reference)[name]
                    second[name] = (by_reference if own else by_row)[name]
            self._mixed_design = first, second
        return self._mixed_design

    def _mixture(
        self, row: np.ndarray, reference: np.ndarray, chosen: set[str], told: list[str]
    ) -> pd.DataFrame:
        """Return columns of rows that take some of the table's columns from `row`."""
        import pandas as pd

        frame = pd.DataFrame(
            {
                name: (
                    self.frame[name].array.take(row)
                    if name in chosen
                    else self.background[name].array.take(reference)
                )
                for name in self.players
            }
        )
        return self.total.design(frame, told)
