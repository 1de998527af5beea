"""The rows behind global effects, alone and mixed from two, scored in few large calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from toolkit.explain.shap.outputs import in_score_order, outputs, scorer
from toolkit.explain.shap.sampling import CALL_CELLS, CALL_ROWS

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.table import Part, Predictor

MOST_ROWS = 20_000
MISSING = "(missing)"


@dataclass
class SampledRows:
    """Training rows, their predictions, and the number of rows scored.

    Attributes
    ----------
    model : Predictor
        Anything with ``predict``.
    frame : pandas.DataFrame
        Training rows, at most 20,000, in the columns that the model takes.
    kinds : dict of str to str
        What the columns are.
    scores : ndarray, shape (n, outputs)
        The model's outputs, see `toolkit.explain.shap.outputs.outputs`.
    of_rows : int
        Training rows there are.
    seed : int
        Of every draw.
    effort : float
        Share of what `thorough` scores, as in ``project.automl.effort``.
    evaluations : int
        Rows scored so far.
    """

    model: Predictor
    frame: pd.DataFrame
    kinds: dict[str, str]
    scores: np.ndarray
    of_rows: int
    seed: int
    effort: float = 1.0
    evaluations: int = 0
    _score: Callable[[pd.DataFrame], np.ndarray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._score = scorer(self.model)

    @property
    def names(self) -> list[str]:
        """The outputs by name."""
        return outputs(self.model)

    def fewer(self, size: int) -> int:
        """Return how many of so many rows are worth their cost: errors double at a quarter."""
        return round(size * self.effort**0.5)

    def choose(self, size: int, stream: int) -> np.ndarray:
        """Return positions of rows whose outputs are spread like all rows' (Cochran 1977)."""
        if size >= len(self.frame):
            return np.arange(len(self.frame))
        start = np.random.default_rng([self.seed, stream]).random()
        step = len(self.frame) / size
        places = ((np.arange(size) + start) * step).astype(np.int64)
        return np.sort(in_score_order(self.scores)[places])

    def score(self, blocks: Iterable[pd.DataFrame]) -> list[np.ndarray]:
        """Return the outputs (n, outputs) of each block, in as few calls as memory allows."""
        import pandas as pd

        most = max(1, min(CALL_ROWS, CALL_CELLS // max(1, self.frame.shape[1])))
        found: list[np.ndarray] = []
        waiting: list[pd.DataFrame] = []

        def flush() -> None:
            if waiting:
                ends = np.cumsum([len(block) for block in waiting])[:-1]
                scored = self._score(pd.concat(waiting, ignore_index=True))
                self.evaluations += len(scored)
                found.extend(np.split(scored, ends))
                waiting.clear()

        for block in blocks:
            if sum(map(len, waiting)) + len(block) > most:
                flush()
            waiting.append(block)
        flush()
        return found


def draw(model: Predictor, part: Part, seed: int, effort: float = 1.0) -> SampledRows:
    """Return at most 20,000 training rows at random, scored; fewer with less effort."""
    most = round(MOST_ROWS * effort)
    columns = [name for name in model.columns if name in part.frame.columns]
    places = np.arange(len(part))
    if len(places) > most:
        places = np.sort(np.random.default_rng(seed).choice(places, most, replace=False))
    frame = part.frame[columns].iloc[places].reset_index(drop=True)
    kinds = {name: kind_of(frame[name], part.columns[name].type) for name in columns}
    sample = SampledRows(model, frame, kinds, np.zeros((0, 0)), len(part), seed, effort)
    sample.scores = sample.score([frame])[0]
    return sample


def kind_of(series: pd.Series, declared: str) -> str:
    """Return number, date, category, text or image."""
    import pandas as pd

    if declared in ("text", "image"):
        return declared
    if pd.api.types.is_datetime64_any_dtype(series):
        return "date"
    if pd.api.types.is_bool_dtype(series) or not pd.api.types.is_numeric_dtype(series):
        return "category"
    return "number"


def as_numbers(series: pd.Series, kind: str) -> np.ndarray:
    """Return a number or date column as float64 (dates in days since 1970); NaN is missing."""
    if kind == "date":
        missing = series.isna().to_numpy()
        plain = series.dt.tz_localize(None) if series.dt.tz is not None else series
        days = plain.to_numpy(dtype="datetime64[us]").astype(np.int64) / 86_400e6
        return np.where(missing, np.nan, days)
    numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def as_levels(series: pd.Series) -> np.ndarray:
    """Return a category column as text, missing cells as ``(missing)``."""
    texts = series.astype(object).map(str).to_numpy(dtype=object, copy=True)
    texts[series.isna().to_numpy()] = MISSING
    return texts


def mixed(base: pd.DataFrame, rows: np.ndarray, given: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return rows of a table with some columns' cells taken from other rows of it.

    Cells are moved, never made, so every column keeps its type.

    Parameters
    ----------
    base : pandas.DataFrame
        The table.
    rows : ndarray of int, shape (n,)
        Its rows, by position.
    given : mapping of str to ndarray of int, shape (n,)
        For a column, the rows that its cells come from.
    """
    frame = base.take(rows).reset_index(drop=True)
    for name, places in given.items():
        frame[name] = base[name].array.take(places)
    return frame
