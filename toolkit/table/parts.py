"""Rows of the run, by part of the split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolkit.artifacts import LabelPatch, Profile, Rows, Split
from toolkit.errors import DataError
from toolkit.table.types.target import target_values
from toolkit.table.types.typed import effective_columns

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column
    from toolkit.project.model import Project, Target
    from toolkit.run.stage import Stage


@dataclass(frozen=True)
class Part:
    """Rows of one or more parts of the split, in row order.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        Positions in the table.
    frame : pandas.DataFrame, n rows
        The typed feature columns, index 0, 1, ...
    target : ndarray, shape (n,)
        Labels as text (object), or float64; after the reviewers' decisions.
    part : ndarray of object, shape (n,)
        Each row's part.
    columns : dict of str to Column
        What the columns of `frame` are, with everything needed to read a raw row.
    weights : ndarray of float64, shape (n,), or None
        How much each row counts, where a column has the role `weight`.
    """

    rows: np.ndarray
    frame: pd.DataFrame
    target: np.ndarray
    part: np.ndarray
    columns: dict[str, Column]
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)


def leak_suspects(stage: Stage) -> list[str]:
    """Return the features that may leak the target, by the last look at the data, most first.

    Those that a person has cleared since (`columns.<name>.known`) are left out; so is everything
    where the data were not looked at.
    """
    if not stage.run.has(Profile):
        return []
    columns = stage.project.columns
    names = [suspect.column for suspect in stage.read(Profile).unresolved]
    return [n for n in names if n in columns and columns[n].known is None]


def load_part(stage: Stage, *parts: str) -> Part:
    """Return the rows of some parts of the split.

    The reviewers' label patch, where there is one and `labels.apply` is on, corrects and
    drops rows of train and validation. Test rows stay as they were recorded.

    Parameters
    ----------
    stage : Stage
        What is read counts as its input.
    *parts : str
        Of train, validation and test.

    Raises
    ------
    ProjectError
        When the log that the patch follows from was damaged since.
    """
    project = stage.project
    columns = {n: c for n, c in effective_columns(project).items() if c.use == "feature"}
    table = stage.read(Rows).frame
    split = stage.read(Split).frame
    chosen = split[split["part"].isin(parts)].sort_values("row")
    rows = chosen["row"].to_numpy(dtype="int64")
    part = chosen["part"].to_numpy(dtype=object)
    target = target_values(table[project.target.column].iloc[rows], project.target)
    keep = np.ones(len(rows), dtype=bool)
    if project.labels.apply and stage.run.has(LabelPatch) and set(parts) - {"test"}:
        stage.require_decisions()  # what the patch follows from
        patch = stage.read(LabelPatch).frame
        target, keep = _patched(rows, part, target, patch, project.target)
    return Part(
        rows=rows[keep],
        frame=table.loc[rows[keep], list(columns)].reset_index(drop=True),
        target=target[keep],
        part=part[keep],
        columns=columns,
        weights=_weights(table, project, rows[keep]),
    )


def _weights(table: pd.DataFrame, project: Project, rows: np.ndarray) -> np.ndarray | None:
    name = project.weight()
    if name is None:
        return None
    weights = table[name].iloc[rows].to_numpy(dtype="float64", na_value=np.nan)
    check_weights(weights, name)
    return weights


def check_weights(weights: np.ndarray, name: str) -> None:
    """Refuse weights that cannot be used.

    Raises
    ------
    DataError
        If one is missing or negative, or all are zero.
    """
    missing, negative = int(np.isnan(weights).sum()), int((weights < 0).sum())
    if missing or negative or not weights.any():
        what = f"is missing in {missing:,} rows" if missing else "is zero in every row"
        raise DataError(
            f"the weight {what}"
            if not negative
            else f"the weight is negative in {negative:,} rows",
            where=f"column {name!r}",
            expected="a number of 0 or more in every row, and more than 0 in some",
            remedy="Correct the column, or give it the role ignore",
        )


def _patched(
    rows: np.ndarray,
    part: np.ndarray,
    target: np.ndarray,
    patch: pd.DataFrame,
    meaning: Target,
) -> tuple[np.ndarray, np.ndarray]:
    target = target.copy()
    keep = np.ones(len(rows), dtype=bool)
    place = {int(row): i for i, row in enumerate(rows)}
    relabelled = patch[patch["action"] == "relabel"]
    labels = target_values(relabelled["label"], meaning)
    for row, label in zip(relabelled["row"].tolist(), labels.tolist(), strict=True):
        i = place.get(int(row))
        if i is not None and part[i] != "test":
            target[i] = label
    for row in patch.loc[patch["action"] == "drop", "row"].tolist():
        i = place.get(int(row))
        if i is not None and part[i] != "test":
            keep[i] = False
    return target, keep
