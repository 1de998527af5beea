"""Training rows similar to a given row, with their outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics
from toolkit.artifacts import Explanation, Similar
from toolkit.explain.rows.counterfactual import decision_text
from toolkit.explain.rows.distance import Gower
from toolkit.explain.rows.goals import CountedModel, Goal

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.table import Part

MOST_ROWS = 50_000
_STREAM = 12  # of random numbers


class Neighbours:
    """Training rows, ready to be searched for those like a row.

    Parameters
    ----------
    train : Part
        The training rows; of more than 50,000 a random sample is searched.
    outputs : CountedModel
        The model.
    weights : mapping of str to float, optional
        How much each column counts, see `Gower`.
    seed : int
        Of the sample.

    Attributes
    ----------
    compared : int
        Rows that are searched.
    """

    def __init__(
        self,
        train: Part,
        outputs: CountedModel,
        *,
        weights: Mapping[str, float] | None = None,
        seed: int = 7,
    ) -> None:
        self._train, self._outputs = train, outputs
        self._kept = np.arange(len(train))
        if len(train) > MOST_ROWS:
            drawn = np.random.default_rng([seed, _STREAM])
            self._kept = np.sort(drawn.choice(len(train), MOST_ROWS, replace=False))
        self.compared = len(self._kept)
        frame = train.frame.iloc[self._kept].reset_index(drop=True)
        self._gower = Gower(frame, train.columns, weights)

    def of(self, frame: pd.DataFrame, count: int, goals: Sequence[Goal]) -> list[list[Similar]]:
        """Return the nearest training rows of each row, the nearest first, in one model call.

        Parameters
        ----------
        frame : pandas.DataFrame
            Rows, typed as the training rows are.
        count : int
            How many for each.
        goals : sequence of Goal
            Whose score is given for a row's neighbours.
        """
        if not len(frame) or not self.compared:
            return [[] for _ in range(len(frame))]
        places, distances = self._gower.nearest(frame, count)
        found = self._kept[places]
        scored, where = np.unique(found, return_inverse=True)
        outputs = self._outputs(self._train.frame.iloc[scored].reset_index(drop=True))
        decided = metrics.decide(outputs, metrics.context_of(self._outputs.model))
        result = []
        for i, at in enumerate(where.reshape(found.shape)):
            scores = goals[i].scores(outputs)
            result.append(
                [
                    Similar(
                        row=int(self._train.rows[position]),
                        distance=round(float(distances[i, j]), 6),
                        actual=decision_text(self._train.target[position]),
                        decision=decision_text(decided[at[j]]),
                        score=float(scores[at[j]]),
                    )
                    for j, position in enumerate(found[i])
                ]
            )
        return result


def importance_weights(explanation: Explanation) -> dict[str, float]:
    """Return each column's mean absolute SHAP value, averaged over the outputs."""
    found: dict[str, float] = {}
    for items in explanation.importance.values():
        for item in items:
            found[item.column] = found.get(item.column, 0.0) + (item.mean_abs.value or 0.0)
    return {name: size / len(explanation.importance) for name, size in found.items()}
