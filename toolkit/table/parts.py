"""Rows of the run, by part of the split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.artifacts import LabelPatch, Rows, Split
from toolkit.table.target import target_values
from toolkit.table.typed import effective_columns

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.model import Column, Target
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
    """

    rows: np.ndarray[Any, Any]
    frame: pd.DataFrame
    target: np.ndarray[Any, Any]
    part: np.ndarray[Any, Any]
    columns: dict[str, Column]

    def __len__(self) -> int:
        return len(self.rows)


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
    """
    project = stage.project
    columns = {n: c for n, c in effective_columns(project).items() if c.role == "feature"}
    table = stage.read(Rows).frame
    split = stage.read(Split).frame
    chosen = split[split["part"].isin(parts)].sort_values("row")
    rows = chosen["row"].to_numpy(dtype="int64")
    part = chosen["part"].to_numpy(dtype=object)
    target = target_values(table[project.target.column].iloc[rows], project.target)
    keep = np.ones(len(rows), dtype=bool)
    if project.labels.apply and stage.run.has(LabelPatch) and set(parts) - {"test"}:
        patch = stage.read(LabelPatch).frame
        target, keep = _patched(rows, part, target, patch, project.target)
    return Part(
        rows=rows[keep],
        frame=table.loc[rows[keep], list(columns)].reset_index(drop=True),
        target=target[keep],
        part=part[keep],
        columns=columns,
    )


def _patched(
    rows: np.ndarray[Any, Any],
    part: np.ndarray[Any, Any],
    target: np.ndarray[Any, Any],
    patch: pd.DataFrame,
    meaning: Target,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
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
