"""SHAP values of models that are sums of forests and terms: exact for these.

The values of a sum are the sums of its summands' values (linearity, Shapley 1953). So what is
known as trees, or as terms of single columns, has no sampling error, in any blend.
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

MIXTURES = 256
"""Mixtures of rows on which a sum is compared with its model."""


def costs(total: AdditiveModel, rows: int, background: int) -> list[float]:
    """Return about how many seconds each forest takes on one core."""
    parts = len(background_blocks(background))
    return [seconds(forest, rows, background, parts) for forest in total.forests]


def follows_paths(total: AdditiveModel) -> bool:
    """Return whether a sum has tree-path-dependent values: it is trees of single columns alone.

    A split on a column made of two of the table's belongs to both, and the trees' training rows do
    not say where it leads if one of the two is unknown.
    """
    alone = total.terms is None and total.rest is None
    return alone and not any(len(forest.paired) for forest in total.forests)


def tree_path_dependent_values(
    total: AdditiveModel, frame: pd.DataFrame, threads: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return tree-path-dependent values, (n, features, k), and their base, (k,).

    A split on an unknown column is followed to both children, weighted by the training rows that
    went there (Lundberg et al. 2020).

    Parameters
    ----------
    total : AdditiveModel
        The model, for which `follows_paths` holds.
    frame : pandas.DataFrame
        Typed rows.
    threads : int
        Blocks of rows that are computed at once.
    """
    design = total.design(frame, None)
    values = np.sum(
        [
            shapley_values(forest, ensemble.matrix(design), threads=threads)
            for ensemble, forest in zip(total.ensembles, total.forests, strict=True)
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
    total: AdditiveModel, score: Score, frame: pd.DataFrame, background: pd.DataFrame
) -> float:
    """Return how far a sum is from its model, at most, on rows and mixtures of rows.

    A model may round or clip what its parts add up to, and do so where no real row lies: then
    the parts' values are not the model's, though they add up on the rows themselves.

    Parameters
    ----------
    total : AdditiveModel
        The sum to check.
    score : callable
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
    return float(np.abs(score(both) - _added(total, both)).max())


def with_remainder(total: AdditiveModel, score: Score, middle: pd.DataFrame) -> AdditiveModel:
    """Return a sum whose rest is the difference between the model and the sum of its parts.

    So it equals the model, whatever the model does to the sum: rounding, clipping.

    Parameters
    ----------
    total : AdditiveModel
        Parts of the model.
    score : callable
        The model's outputs in the sum's space.
    middle : pandas.DataFrame
        One typed row, whose output is not extreme: terms are read from it.
    """
    total = replace(total, base=total.design(middle, None))
    parts = replace(total, rest=None)

    def remainder(frame: pd.DataFrame) -> np.ndarray:
        return score(frame) - _added(parts, frame)

    return replace(total, rest=remainder, corrected=True)


def _added(total: AdditiveModel, frame: pd.DataFrame) -> np.ndarray:
    """Return the sum of all summands for typed rows, (n, outputs)."""
    parts = [total.added_up(frame)] if total.ensembles else []
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
        Blocks of rows that are computed at once.
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
        self.features = total.features
        self.frame, self.background = frame, background
        self.rows = total.design(frame, None)
        self.references = total.design(background, None)
        self._matrices: dict[Any, tuple[np.ndarray, np.ndarray]] = {}
        self._mixtures: dict[Any, np.ndarray] = {}
        self._mixed_design: tuple[pd.DataFrame, pd.DataFrame] | None = None

    def values(
        self, parts: Sequence[np.ndarray], progress: Callable[[int, int], Any] | None = None
    ) -> np.ndarray:
        """Return values against parts of the background: (parts, n, features, k).

        Parameters
        ----------
        parts : sequence of arrays of int
            See `toolkit.explain.shap.background_blocks.background_blocks`.
        progress : callable, optional
            Called with forests done and forests in all.
        """
        found: np.ndarray | None = None
        if self.total.terms is not None:
            pairs = self._mixed_designs() if self._pairs() else None
            found = term_values(
                self.total.terms, sources=self.total.sources, features=self.features,
                rows=self.rows, references=self.references, parts=parts, mixed=pairs,
                base=self.total.base,
            )  # fmt: skip
        for number, ensemble in enumerate(self.total.ensembles):
            forest = self.total.forests[number]
            rows, references = self._matrix(ensemble)
            mixed = self._mixed(ensemble, forest.paired) if len(forest.paired) else None
            one = shapley_values(
                forest, rows, references, mixed=mixed, parts=parts, threads=self.threads
            )
            found = one if found is None else found + one
            if progress is not None:
                progress(number + 1, len(self.total.ensembles))
        assert found is not None
        if _centred(self.total, found.shape[-1]):
            found -= found.mean(axis=-1, keepdims=True)
        return found

    def _matrix(self, ensemble: TreeEnsemble) -> tuple[np.ndarray, np.ndarray]:
        key = ensemble.matrix
        if key not in self._matrices:
            self._matrices[key] = (ensemble.matrix(self.rows), ensemble.matrix(self.references))
        return self._matrices[key]

    def _mixed(self, ensemble: TreeEnsemble, paired: np.ndarray) -> np.ndarray:
        """Return the values of columns of two features that are taken from two rows."""
        names = [ensemble.columns[place] for place in paired]
        key = (ensemble.matrix, tuple(names))
        if key not in self._mixtures:
            shape = (len(self.frame), len(self.background))
            result = np.empty((2, len(names), *shape))
            for side, design in enumerate(self._mixed_designs()):
                matrix = ensemble.matrix(design)
                for number, place in enumerate(paired):
                    result[side, number] = matrix[:, place].reshape(shape)
            self._mixtures[key] = result
        return self._mixtures[key]

    def _pairs(self) -> list[str]:
        """Return the design columns that are made of two of the table's."""
        return [n for n, of in self.total.sources.items() if len(of) > 1 and n in self.rows]

    def _mixed_designs(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return two design frames of all pairs of row and background row.

        In the first, columns of two features take the first from the row and the second from
        the background row; in the second, the other way round. Other columns are as they come.
        """
        if self._mixed_design is None:
            pairs = self._pairs()
            place = {name: number for number, name in enumerate(self.features)}
            n, b = len(self.frame), len(self.background)
            row, reference = np.repeat(np.arange(n), b), np.tile(np.arange(b), n)
            first = self.references.take(reference).reset_index(drop=True)
            second = first.copy()
            for bit in range(max(1, math.ceil(math.log2(max(2, len(self.features)))))):
                # Two features differ in some bit of their numbers: that bit tells which is which.
                chosen = {name for name in self.features if place[name] >> bit & 1}
                separated = [
                    name
                    for name in pairs
                    if len(chosen & set(self.total.sources[name])) == 1
                    and all(
                        len({place[s] >> lower & 1 for s in self.total.sources[name]}) == 1
                        for lower in range(bit)
                    )
                ]
                if not separated:
                    continue
                by_row = self._mixture(row, reference, chosen, separated)
                by_reference = self._mixture(row, reference, set(self.features) - chosen, separated)
                for name in separated:
                    own = self.total.sources[name][0] in chosen
                    first[name] = (by_row if own else by_reference)[name]
                    second[name] = (by_reference if own else by_row)[name]
            self._mixed_design = first, second
        return self._mixed_design

    def _mixture(
        self, row: np.ndarray, reference: np.ndarray, chosen: set[str], names: list[str]
    ) -> pd.DataFrame:
        """Return design columns of rows that take some of the table's columns from `row`."""
        import pandas as pd

        frame = pd.DataFrame(
            {
                name: (
                    self.frame[name].array.take(row)
                    if name in chosen
                    else self.background[name].array.take(reference)
                )
                for name in self.features
            }
        )
        return self.total.design(frame, names)
