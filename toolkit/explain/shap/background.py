"""The background: which rows an explanation compares with.

Every SHAP value is relative to it. "Against whom" is a question for a person, so it is a choice
in the project file (``explain.reference``), and the explanation names it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from toolkit.artifacts import Rows
from toolkit.errors import ProjectError
from toolkit.explain.shap.outputs import in_score_order, scorer, spread_sample

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage
    from toolkit.table import Part, Predictor

_BACKGROUND = 2  # a stream of random numbers
_MIDDLE = 21  # rows
_KEY = "explain.reference"


@dataclass(frozen=True)
class _Drawn:
    model: Predictor
    frame: pd.DataFrame
    gap: float


@dataclass(frozen=True)
class Reference:
    """Training rows from which a background is drawn.

    Attributes
    ----------
    words : str
        Which rows they are.
    frame : pandas.DataFrame
        The rows, typed.
    """

    words: str
    frame: pd.DataFrame = field(repr=False)
    _drawn: dict[tuple[int, int], _Drawn] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.frame)

    def sample(self, model: Predictor, size: int, seed: int) -> tuple[pd.DataFrame, float]:
        """Return rows whose outputs are spread like those of all, and how far their mean is off.

        Parameters
        ----------
        model : Predictor
            Whose outputs.
        size : int
            How many rows; all where there are not more. They are drawn once.
        seed : int
            The project's.
        """
        known = self._drawn.get((size, seed))
        if known is None or known.model is not model:
            positions, gap = spread_sample(scorer(model), self.frame, size, [seed, _BACKGROUND])
            frame = self.frame.iloc[positions].reset_index(drop=True)
            known = self._drawn[size, seed] = _Drawn(model, frame, gap)
        return known.frame, known.gap

    def middle(self, model: Predictor, seed: int) -> pd.DataFrame:
        """Return one row, whose output is in the middle of theirs."""
        some, _ = self.sample(model, _MIDDLE, seed)
        order = in_score_order(scorer(model)(some))
        return some.iloc[[int(order[len(order) // 2])]].reset_index(drop=True)


def references(stage: Stage, train: Part) -> Reference:
    """Return the training rows that the project compares with.

    Parameters
    ----------
    stage : Stage
        For ``explain.reference``: ``all``, ``row <number>``, or ``<column> = <value>``.
    train : Part
        The training rows.

    Raises
    ------
    ProjectError
        If no training row is meant, or the column is not there.
    """
    asked = stage.project.explain.reference.strip()
    if asked == "all":
        return Reference("all training rows", train.frame)
    single = re.fullmatch(r"row (\d+)", asked)
    if single:
        inside = train.rows == int(single[1])
        if not inside.any():
            raise ProjectError(
                f"row {single[1]} is not a training row",
                where=_KEY,
                expected=f"one of {len(train):,} rows, such as row {train.rows[0]}",
            )
        return Reference(f"training row {single[1]}", train.frame[inside].reset_index(drop=True))
    return _group(stage, train, asked)


def _group(stage: Stage, train: Part, asked: str) -> Reference:
    table = stage.read(Rows).frame
    # A name may hold the sign itself: the longest that fits is meant.
    names = [name for name in table.columns if re.match(rf"{re.escape(name)}\s*=", asked)]
    if not names:
        raise ProjectError(
            f"{asked!r} names no training rows",
            where=_KEY,
            expected="all, row <number>, or <column> = <value>",
        )
    name = max(names, key=len)
    value = asked[len(name) :].strip()[1:].strip()
    cells = table[name].iloc[train.rows]
    inside = (_texts(cells) == value) if value else cells.isna().to_numpy()
    if not inside.any():
        known = list(dict.fromkeys(_texts(cells)[cells.notna().to_numpy()]))
        raise ProjectError(
            f"no training row has {asked!r}",
            where=_KEY,
            expected=", ".join(f"{name} = {text}" for text in known[:8]),
        )
    return Reference(
        f"{int(inside.sum()):,} training rows with {name} = {value or 'missing'}",
        train.frame[inside].reset_index(drop=True),
    )


def _texts(cells: pd.Series) -> np.ndarray:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        return np.array([f"{x:.10g}" for x in cells.to_numpy(dtype=np.float64, na_value=np.nan)])
    return np.array([str(x) for x in cells], dtype=object)
