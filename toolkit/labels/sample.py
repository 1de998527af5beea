"""The rows whose labels are under review, and the quick model for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolkit.artifacts import Rows, Split
from toolkit.errors import DataError
from toolkit.labels.quick import Predictions
from toolkit.labels.ranking import rank_classes, rank_numbers
from toolkit.table import (
    copies_together,
    design,
    effective_columns,
    make_preprocessor,
    target_values,
)

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage

REVIEWED_PARTS = ("train", "validation")


@dataclass(frozen=True)
class RowsUnderReview:
    """The rows under review: train and validation, as recorded, no patch applied.

    Attributes
    ----------
    rows : numpy.ndarray
        (n,) positions in the table.
    design : pandas.DataFrame
        (n, p) what the quick model takes.
    target : numpy.ndarray
        (n,) labels as text, or numbers.
    classes : list of str
        Labels by code, binary: negative first; empty for regression.
    groups : numpy.ndarray or None
        (n,) group of each row, where the split keeps groups together.
    copies : numpy.ndarray or None
        (n,) group of equal rows, where the split keeps those together.
    """

    rows: np.ndarray
    design: pd.DataFrame
    target: np.ndarray
    classes: list[str]
    groups: np.ndarray | None
    copies: np.ndarray | None

    def codes(self) -> np.ndarray:
        """Return the target as class codes; numbers as they are."""
        if not self.classes:
            return self.target
        place = {name: code for code, name in enumerate(self.classes)}
        return np.array([place[label] for label in self.target], dtype=np.int64)


def load_sample(stage: Stage) -> RowsUnderReview:
    """Return the rows under review.

    Raises
    ------
    DataError
        If they have one label only.
    """
    project = stage.project
    table = stage.read(Rows).frame
    split = stage.read(Split).frame
    rows = np.sort(split.loc[split["part"].isin(REVIEWED_PARTS), "row"].to_numpy(dtype="int64"))
    target = target_values(table[project.target.column].iloc[rows], project.target)
    classes = classes_of(stage) if project.target.task != "regression" else []
    if classes and len(set(target.tolist())) < 2:
        raise DataError(
            "the rows of train and validation have one class only",
            where=f"target {project.target.column!r}",
            remedy="Choose another split in 02_eda",
        )
    columns = {n: c for n, c in effective_columns(project).items() if c.use == "feature"}
    typed = table.loc[rows, list(columns)].reset_index(drop=True)
    frame, _ = design(typed, columns)
    groups = None
    if project.split.method == "group" and project.split.column:
        texts = table[project.split.column].iloc[rows].astype("str").fillna("")
        groups = np.unique(texts.to_numpy(dtype=object).astype(str), return_inverse=True)[1]
        groups = groups if len(np.unique(groups)) > 1 else None
    return RowsUnderReview(
        rows, frame, target, classes, groups, copies_together(project.split, typed)
    )


def classes_of(stage: Stage) -> list[str]:
    """Return the labels that occur in the table, binary: negative first; none for regression."""
    target = stage.project.target
    if target.task == "regression":
        return []
    values = target_values(stage.read(Rows).frame[target.column], target)
    names = sorted({value for value in values.tolist() if value is not None})
    if target.task == "binary":  # negative first, as everywhere
        names.sort(key=lambda name: name == target.positive)
    return names


def rank(stage: Stage, sample: RowsUnderReview, predictions: Predictions) -> pd.DataFrame:
    """Return the columns of `LabelScores`."""
    if sample.classes:
        frame = rank_classes(sample.codes(), predictions.scores, sample.classes)
    else:
        matrix = make_preprocessor(sample.design).fit_transform(sample.design)
        folds, seed = stage.project.labels.folds, stage.project.seed
        frame = rank_numbers(sample.target, predictions.scores, matrix, folds, seed)
    frame.insert(0, "row", sample.rows)
    return frame
