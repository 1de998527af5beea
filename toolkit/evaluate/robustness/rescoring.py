"""Scores perturbed rows in few large calls, and compares them with the unperturbed rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics
from toolkit.artifacts import ColumnHarm, Dose, Interval, ScoringFailure
from toolkit.errors import ToolkitError
from toolkit.evaluate.scores.scored_rows import ScoredTestRows

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.table import Predictor

CALL_ROWS = 50_000
CALL_CELLS = 10_000_000
_REASON = 200


@dataclass(frozen=True)
class Perturbation:
    """One perturbation of the rows.

    Attributes
    ----------
    what : str
        In words, for a failure.
    column : str
        The column; empty where it is none alone.
    setting : float or str
        Strength, share or shift.
    make : callable
        Gives the rows.
    """

    what: str
    column: str
    setting: float | str
    make: Callable[[], pd.DataFrame] = field(repr=False)


@dataclass
class Rescoring:
    """A model and the unperturbed rows with which results are compared.

    Attributes
    ----------
    model : Predictor
        It is called with whole batches.
    base : ScoredTestRows
        The rows as they are.
    evaluations : int
        Rows scored so far.
    failures : list of ScoringFailure
        What could not be scored.
    """

    model: Predictor
    base: ScoredTestRows
    evaluations: int = 0
    failures: list[ScoringFailure] = field(default_factory=list)

    def score(self, items: Iterable[Perturbation]) -> list[tuple[Perturbation, np.ndarray]]:
        """Return the scores of each perturbation; those that fail are noted and left out."""
        found: list[tuple[Perturbation, np.ndarray]] = []
        batch: list[tuple[Perturbation, pd.DataFrame]] = []
        width = max(1, len(self.base.part.columns))
        most = min(CALL_ROWS, max(1, CALL_CELLS // width))
        held = 0
        for item in items:
            frame = item.make()
            if batch and held + len(frame) > most:
                found += self._batch(batch)
                batch, held = [], 0
            batch.append((item, frame))
            held += len(frame)
        return found + (self._batch(batch) if batch else [])

    def _batch(
        self, batch: list[tuple[Perturbation, pd.DataFrame]]
    ) -> list[tuple[Perturbation, np.ndarray]]:
        import pandas as pd

        joined = pd.concat([frame for _, frame in batch], ignore_index=True)
        self.evaluations += len(joined)
        try:
            scores = self._scores(joined)
        # An encoder refuses a value it does not know with ValueError; anything else is a bug
        # of the model, and hiding it here would help nobody.
        except (ToolkitError, ValueError) as error:
            if len(batch) > 1:
                return [pair for single in batch for pair in self._batch([single])]
            reason = error.line() if isinstance(error, ToolkitError) else str(error)
            reason = " ".join(reason.split())[:_REASON]
            item = batch[0][0]
            self.failures.append(ScoringFailure(column=item.column, what=item.what, reason=reason))
            return []
        ends = np.cumsum([len(frame) for _, frame in batch])[:-1]
        parts = np.split(scores, ends)
        return [(item, part) for (item, _), part in zip(batch, parts, strict=True)]

    def _scores(self, frame: pd.DataFrame) -> np.ndarray:
        scores = np.asarray(self.model.predict(frame), dtype=np.float64)
        if not np.isfinite(scores).all():
            raise ValueError("the model gives some rows no number")
        return scores

    def metric(self, scores: np.ndarray) -> float | None:
        """Return the ranking metric of perturbed rows."""
        base = self.base
        return metrics.get(base.metric)(base.part.target, scores, base.context, base.part.weights)

    def changed(self, scores: np.ndarray) -> float | None:
        """Return the share of rows that have another decision than before."""
        if self.base.context.task == "regression":
            return None
        decided = metrics.decide(scores, metrics.context_of(self.model))
        return float(np.mean(decided != self.base.decided))

    def harm(self, item: Perturbation, scores: np.ndarray) -> ColumnHarm:
        """Return how much worse the metric is on perturbed rows, on paired resamples."""
        base, metric = self.base, metrics.get(self.base.metric)
        gap = metrics.paired_difference(
            metric, base.part.target, scores, base.scores, base.context,
            resampling=base.resampling, weights=base.part.weights,
        )  # fmt: skip
        return ColumnHarm(
            column=item.column,
            setting=item.setting if isinstance(item.setting, float) else None,
            score=self.metric(scores),
            harm=-gap if metric.greater_is_better else gap,
            changed=self.changed(scores),
        )

    def doses(self, found: list[tuple[Perturbation, np.ndarray]]) -> list[Dose]:
        """Return the mean metric at each strength, with the range of the repeats."""
        by_strength: dict[float, list[np.ndarray]] = {}
        for item, scores in found:
            by_strength.setdefault(float(item.setting), []).append(scores)
        result = []
        for strength, repeats in sorted(by_strength.items()):
            values = [v for scores in repeats if (v := self.metric(scores)) is not None]
            changed = [v for scores in repeats if (v := self.changed(scores)) is not None]
            result.append(
                Dose(
                    strength=strength,
                    score=_range(values),
                    changed=float(np.mean(changed)) if changed else None,
                )
            )
        return result


def _range(values: list[float]) -> Interval:
    if not values:
        return Interval(value=None)
    low, high = min(values), max(values)
    # The mean of equal numbers may lie beside them, by its last digit.
    return Interval(value=min(max(float(np.mean(values)), low), high), low=low, high=high)
