"""Exact values of sums of one term for each design column: linear models.

A column's term is what the output changes by when its cell is put into a row. Of a column that
comes from one of the table's, the value is its term less the background's mean term: the
closed form for linear models (Strumbelj and Kononenko 2014). A column that comes from
two, such as a ratio, has the Shapley values of two features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_CELLS = 20_000_000

Terms = Callable[["pd.DataFrame"], np.ndarray]


def term_values(
    terms: Terms,
    *,
    sources: dict[str, tuple[str, ...]],
    features: Sequence[str],
    rows: pd.DataFrame,
    references: pd.DataFrame,
    parts: Sequence[np.ndarray],
    mixed: tuple[pd.DataFrame, pd.DataFrame] | None,
    base: pd.DataFrame | None = None,
) -> np.ndarray:
    """Return the values of rows against parts of the background: (parts, n, features, outputs).

    Parameters
    ----------
    terms : callable
        Takes a design frame and gives (n, outputs).
    sources : dict of str to tuple of str
        The one or two features that each design column comes from.
    features : sequence of str
        Their names.
    rows, references : pandas.DataFrame
        Design frames of n rows and of b background rows.
    parts : sequence of arrays of int
        Places of background rows.
    mixed : tuple of two pandas.DataFrame, optional
        Design frames of all n * b pairs, columns of two features taking the first from the row
        and the second from the background row, and the other way round.
    base : pandas.DataFrame, optional
        See `added_up`; the first background row by default.
    """
    import pandas as pd

    place = {name: number for number, name in enumerate(features)}
    n, b = len(rows), len(references)
    base = references.iloc[[0]] if base is None else base
    result: np.ndarray | None = None
    for name in rows.columns:
        of = [place[source] for source in sources[name]]
        cells = [rows[name], references[name]]
        if len(of) > 1 and mixed is not None:
            cells += [frame[name] for frame in mixed]
        scores = _outputs_of_cells(terms, base, name, pd.concat(cells, ignore_index=True))
        own, other = scores[:n], scores[n : n + b]
        if result is None:
            result = np.zeros((len(parts), n, len(features), scores.shape[1]))
        first, second = (
            scores[n + b :].reshape(2, n, b, -1) if len(of) > 1 else (own[:, None], other[None])
        )
        for number, part in enumerate(parts):
            if len(of) == 1:
                result[number, :, of[0]] += own - other[part].mean(axis=0)
                continue
            alone, after = first[:, part], own[:, None] - second[:, part]
            result[number, :, of[0]] += (alone - other[part] + after).mean(axis=1) / 2
            alone, after = second[:, part], own[:, None] - first[:, part]
            result[number, :, of[1]] += (alone - other[part] + after).mean(axis=1) / 2
    assert result is not None
    return result


def added_up(terms: Terms, frame: pd.DataFrame, base: pd.DataFrame | None = None) -> np.ndarray:
    """Return what the terms of the cells of a design frame add up to, (n, outputs).

    That is what `terms` gives for its rows, if that is such a sum.

    Parameters
    ----------
    terms : callable
        Takes a design frame and gives (n, outputs).
    frame : pandas.DataFrame
        The design frame.
    base : pandas.DataFrame, optional
        The row into which cells are put; the frame's first by default.
    """
    base = frame.iloc[[0]] if base is None else base
    result = np.zeros(())
    for name in frame.columns:
        result = result + _outputs_of_cells(terms, base, name, frame[name])
    return np.asarray(result - (frame.shape[1] - 1) * terms(base))


def _outputs_of_cells(terms: Terms, base: pd.DataFrame, name: str, cells: pd.Series) -> np.ndarray:
    """Return the output for each cell of a column, in a row that is else the base row."""
    import pandas as pd

    codes, levels = pd.factorize(cells, use_na_sentinel=False)
    step = max(1, _CELLS // base.shape[1])
    found = []
    for start in range(0, len(levels), step):
        some = pd.Series(levels[start : start + step]).astype(cells.dtype)
        frame = base.loc[base.index.repeat(len(some))].reset_index(drop=True)
        found.append(terms(frame.assign(**{name: some.to_numpy()}).astype({name: cells.dtype})))
    return np.concatenate(found)[codes]
