"""Slices that a person chooses, scored while they look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats, metrics, table
from toolkit.artifacts import Interval
from toolkit.errors import UsageError
from toolkit.evaluate.scores.conditions import Conditions, conditions, described
from toolkit.evaluate.scores.scored_rows import (
    ScoredTestRows,
    protected_columns,
    row_loss,
    score_part,
    some_rows,
)
from toolkit.evaluate.scores.slices import welch
from toolkit.metrics.resampling import resamples, weighted

if TYPE_CHECKING:
    from toolkit.run.stage import Stage
    from toolkit.table import Predictor

ROWS = 50_000
"""The most test rows that are held for choosing."""
_ROWS_DRAWN = 4_000_000
"""Rows that a click may draw for intervals: a fraction of a second."""
_FEWEST_DRAWN = 40
_FEWEST = 20
_WORST = 10


@dataclass(frozen=True)
class SliceScore:
    """Scores of one slice.

    Attributes
    ----------
    where : str
        The conditions in words.
    rows, of_rows : int
        Test rows inside, and in all.
    inside, outside : Interval
        The ranking metric.
    difference : Interval
        Mean loss inside minus outside, with an interval by the normal approximation.
    p_value : float or None
        Two-sided, Welch's t-test; not corrected for how many slices a person looked at.
    resamples : int
        Behind the intervals of the metric: fewer where there are many rows.
    worst : list of tuple
        Row number, actual, decided and loss of the rows with the largest losses.
    """

    where: str
    rows: int
    of_rows: int
    inside: Interval
    outside: Interval
    difference: Interval
    p_value: float | None
    resamples: int
    worst: list[tuple[int, str, str, float]]


@dataclass(frozen=True)
class SliceScores:
    """The test rows, ready to be cut by hand; call it with conditions.

    Attributes
    ----------
    scored : ScoredTestRows
        The rows and what the model says of them.
    parts : dict of str to Conditions
        The parts of each column.
    """

    scored: ScoredTestRows
    parts: dict[str, Conditions]

    @property
    def metric(self) -> str:
        """The ranking metric's name."""
        return self.scored.metric

    @cached_property
    def loss(self) -> np.ndarray:
        """Each row's loss, shape (n,)."""
        return row_loss(self.scored)[0]

    @cached_property
    def loss_words(self) -> str:
        """What the loss is."""
        return row_loss(self.scored)[1]

    def __call__(self, where: Sequence[tuple[str, str]]) -> SliceScore:
        """Return the score inside and outside a slice.

        Parameters
        ----------
        where : sequence of (column, part)
            All have to hold; parts are named as in ``parts[column].names``.

        Raises
        ------
        UsageError
            For a column or part that there is not.
        """
        held = [self._condition(column, part) for column, part in where]
        n = len(self.scored.part)
        inside = np.ones(n, dtype=bool)
        for part, place in held:
            inside &= part.codes == place
        drawn = min(self.scored.resampling.count, max(_FEWEST_DRAWN, _ROWS_DRAWN // max(n, 1)))
        difference, p = self._difference(inside)
        return SliceScore(
            where=" and ".join(part.text(place) for part, place in held) or "all rows",
            rows=int(inside.sum()),
            of_rows=n,
            inside=self._metric(inside, drawn),
            outside=self._metric(~inside, drawn),
            difference=difference,
            p_value=p,
            resamples=drawn,
            worst=self._worst(inside),
        )

    def _condition(self, column: str, part: str) -> tuple[Conditions, int]:
        if column not in self.parts:
            raise UsageError(f"there is no column {column!r}", expected=", ".join(self.parts))
        found = self.parts[column]
        if part not in found.names:
            raise UsageError(
                f"{column} has no part {part!r}", expected=", ".join(map(repr, found.names))
            )
        return found, found.names.index(part)

    @cached_property
    def _actual(self) -> np.ndarray:
        """Targets as metrics take them fastest: positions of the classes, or numbers."""
        target, context = self.scored.part.target, self.scored.context
        if context.task == "regression":
            return target
        return metrics.class_codes(target, context.classes)

    def _metric(self, inside: np.ndarray, count: int) -> Interval:
        """Return the metric on some rows, with an interval of so many resamples.

        Where these are fewer than the project's, it is the value plus and minus the normal
        quantile times their standard deviation.
        """
        scored, rows = self.scored, np.flatnonzero(inside)
        if not len(rows):
            return Interval(value=None)
        statistic = weighted(
            metrics.get(scored.metric).statistic(
                self._actual[rows], scored.scores[rows], scored.context
            ),
            None if scored.part.weights is None else scored.part.weights[rows],
        )
        value = statistic(np.ones(len(rows)))
        if value is None or len(rows) < 2:
            return Interval(value=value)
        draws = resamples(len(rows), count, scored.resampling.seed)
        known = [found for draw in draws if (found := statistic(draw)) is not None]
        return scored.resampling.interval_of(value, known, count)

    def _difference(self, inside: np.ndarray) -> tuple[Interval, float | None]:
        from statistics import NormalDist

        loss, rows = self.loss, int(inside.sum())
        if not 2 <= rows <= len(loss) - 2:
            return Interval(value=None), None
        a, b = loss[inside], loss[~inside]
        found, p = welch(
            np.array([float(rows)]), np.array([a.sum()]), np.array([(a**2).sum()]), loss
        )
        difference = float(found[0])
        if rows < _FEWEST or len(b) < _FEWEST:
            return Interval(value=difference), None
        error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
        reach = NormalDist().inv_cdf((1 + self.scored.resampling.confidence) / 2) * float(error)
        two_sided = 2 * min(float(p[0]), 1 - float(p[0]))
        return Interval(
            value=difference, low=difference - reach, high=difference + reach
        ), two_sided

    def _worst(self, inside: np.ndarray) -> list[tuple[int, str, str, float]]:
        scored, rows = self.scored, np.flatnonzero(inside)
        ranked = rows[np.argsort(-self.loss[rows], kind="stable")][:_WORST]
        number = scored.context.task == "regression"
        return [
            (
                int(scored.part.rows[i]),
                formats.number(scored.part.target[i], 5) if number else str(scored.part.target[i]),
                formats.number(scored.decided[i], 5) if number else str(scored.decided[i]),
                float(self.loss[i]),
            )
            for i in ranked.tolist()
        ]


def slice_scores(stage: Stage, model: Predictor) -> SliceScores:
    """Return a function that scores slices of the test rows which a person chooses.

    Parameters
    ----------
    stage : Stage
        Open, with the split made.
    model : Predictor
        Anything with ``predict``; it is called once, with at most 50,000 rows.

    Raises
    ------
    DataError
        When there are no test rows.
    ModelError
        When the model gives a row no number.
    """
    test = table.load_part(stage, "test")
    scored = score_part(stage, model, some_rows(test, ROWS, stage.project.seed))
    columns = described(scored.part, protected_columns(stage, scored.part))
    return SliceScores(scored, {name: conditions(values) for name, values in columns.items()})
