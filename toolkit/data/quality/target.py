"""Checks of the target: balance, rows for each column, limits it was cut at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.artifacts import Check, Profile
from toolkit.data.findings import amount, percent

if TYPE_CHECKING:
    from toolkit.data.rows import Table
    from toolkit.project.model import Project

_CAPPED = 0.01


def target_checks(
    profile: Profile, project: Project, part: np.ndarray, table: Table
) -> list[Check]:
    """Return checks of the target and of rows against columns."""
    name = project.target.column
    rows = np.flatnonzero(table.known & (part != "test"))
    checks = _balance(table, rows, name) if table.classes else _capped(table.target[rows], name)
    features = len(table.features())
    if features > len(rows) / 5:
        checks.append(
            Check(
                name="Few rows for so many columns",
                severity="warning",
                message=f"{len(rows):,} rows to learn from, {features:,} features.",
                remedy="Expect chance associations; ignore columns without a reason to be there.",
            )
        )
    return checks


def _balance(table: Table, rows: np.ndarray, name: str) -> list[Check]:
    counts = np.bincount(table.class_codes()[rows], minlength=len(table.classes))
    least = int(np.argmin(counts))
    share = counts[least] / max(counts.sum(), 1)
    limit = 0.1 if len(table.classes) == 2 else 0.3 / len(table.classes)
    if share >= limit:
        return []
    few = counts[least] < 50
    return [
        Check(
            name="Unbalanced classes",
            severity="warning" if few or share < limit / 10 else "info",
            message=f"The rarest class, {table.classes[least]!r}, has {counts[least]:,} rows"
            f" ({percent(share)}) to learn from.",
            columns=[name],
            remedy="Judge by average precision, log loss or cost, not accuracy; set the threshold"
            " from the costs; collect more of the rare class.",
        )
    ]


def _capped(target: np.ndarray, name: str) -> list[Check]:
    values = target.astype(np.float64)
    checks = []
    for limit, word in ((values.max(), "largest"), (values.min(), "smallest")):
        share = float((values == limit).mean())
        near = np.unique(values)
        if share >= _CAPPED and len(near) > 100 and not (word == "smallest" and limit == 0):
            checks.append(
                Check(
                    name="Target cut off",
                    severity="warning",
                    message=f"{percent(share)} of rows have exactly the {word} target,"
                    f" {amount(limit)}.",
                    columns=[name],
                    remedy="The values may have been cut at a limit: a model cannot predict beyond"
                    " it, and errors there look smaller than they are.",
                )
            )
    return checks
