"""Copies of the target: columns, or their gaps, that agree with it in most rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.data.leakage.agreement import LIMIT, Agreement, of_classes, of_numbers
from toolkit.data.leakage.association import bins_of
from toolkit.data.leakage.evidence import CERTAIN, COARSE_WORTH, LeakEvidence
from toolkit.data.rows import is_numeric, numbers

if TYPE_CHECKING:
    from toolkit.data.rows import Table
    from toolkit.project.data import Column

SALT = 137
_REVERSE = 0.83
_STEP = 0.975
_FEW_LEVELS = 20
_PURE = 0.97
_COVERS = 0.4
_STEP_ROWS = 300
_MOST_CLASSES = 0.5
_AGREEMENT_ROWS = 20_000


class CopySearch:
    """Looks for copies of the target among columns, and among their gaps.

    Parameters
    ----------
    table : Table
        The rows.
    rows : numpy.ndarray
        Positions of rows whose target is known; a sample of them is looked at.
    """

    def __init__(self, table: Table, rows: np.ndarray) -> None:
        self.rows = table.sample(rows, _AGREEMENT_ROWS, SALT)
        self.table = table
        self.halves = table.rng(SALT + 1).permutation(np.arange(len(self.rows)) % 2)
        self.classes = table.class_codes()[self.rows] if table.classes else None
        self.target = table.target[self.rows] if self.classes is None else None
        self.count = len(table.classes)

    def _of(self, bins: np.ndarray, levels: int, values: np.ndarray | None = None) -> Agreement:
        if self.classes is not None:
            return of_classes(bins, self.classes, self.count, levels, self.halves)
        assert self.target is not None
        return of_numbers(values, bins, self.target.astype(np.float64))

    def look(self, name: str, column: Column, evidence: LeakEvidence) -> None:
        """Say whether a column, or its gaps, agree with the target."""
        series = self.table.frame[name].iloc[self.rows]
        missing = series.isna().to_numpy()
        if 0.01 < missing.mean() < 0.99:
            gaps = self._of(missing.astype(np.int64) + 1, 2)
            score = max(gaps.given if self.count else 0.0, gaps.reverse)
            if score >= LIMIT:
                evidence.copy = True
                evidence.certain = score >= CERTAIN
                evidence.least_worth = COARSE_WORTH
                evidence.say(score, f"whether it is missing agrees with the target ({score:.2f} of"
                             " 1): it may be filled in once the outcome is known")  # fmt: skip
        if column.type in ("text", "image"):
            return
        ordered = is_numeric(column)
        bins, levels = bins_of(series, ordered), int(series.nunique())
        found = self._of(bins, levels, numbers(series) if ordered else None)
        few = levels <= _FEW_LEVELS or not ordered
        stepped = found.step >= _STEP and (few or len(series) >= _STEP_ROWS)
        mutual = found.reverse >= (LIMIT if levels <= 2 else _REVERSE)
        evidence.strength = max(evidence.strength, found.given, found.reverse * mutual)
        if (found.given >= LIMIT and stepped) or mutual:
            by_values, evidence.copy = not evidence.copy, True
            evidence.certain |= (
                found.given >= CERTAIN and (found.reverse >= CERTAIN or not self.count)
            ) or found.reverse >= CERTAIN
            score = max(found.given, found.reverse)
            if mutual:
                evidence.least_worth = COARSE_WORTH
            way = (
                "agrees with the target like a copy in which some rows were changed"
                if found.given >= LIMIT
                else "follows from the target, as a coarser copy of it would"
            )
            if by_values and self.count > 2 and not few and found.told < _MOST_CLASSES:
                # A measurement that sets one kind of many apart is what kinds differ in.
                evidence.most = "warning"
                way += ", but only for classes of fewer than half of the rows"
            evidence.say(score, f"{way} ({score:.2f} of 1)")
        elif self.classes is not None and not ordered:
            self._partial(bins, evidence)

    def _partial(self, bins: np.ndarray, evidence: LeakEvidence) -> None:
        """Values that stand in rows of one class only, and in much of it."""
        assert self.classes is not None
        size = int(bins.max()) + 1
        counts = np.zeros((2, size, self.count))
        np.add.at(counts, (self.halves, bins, self.classes), 1)
        total = counts.sum(axis=(0, 1))
        for k in range(self.count):
            if total[k] < 50:
                continue
            least = max(_PURE, 0.9 + 0.1 * total[k] / total.sum())
            learned = counts[0, :, k] / np.maximum(counts[0].sum(axis=1), 1)
            pure = (learned >= least) & (counts[0].sum(axis=1) >= 10)
            held = counts[1][pure]
            inside = held[:, k].sum()
            covers = inside / max(counts[1][:, k].sum(), 1)
            if covers >= _COVERS and inside / max(held.sum(), 1) >= least:
                evidence.copy = True
                evidence.strength = max(evidence.strength, float(covers))
                label = self.table.classes[k]
                evidence.say(0.9, f"has values that occur almost only in rows of class {label!r},"
                             f" in {covers:.0%} of them")  # fmt: skip
                return
