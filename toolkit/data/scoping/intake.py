"""Read the project's table, hold it against what the project says, and keep the typed rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.artifacts import Check, ColumnFacts, Intake, Rows
from toolkit.errors import DataError
from toolkit.project.address import shown
from toolkit.table import (
    check_target,
    check_weights,
    conform,
    effective_columns,
    read_source,
    table_digest,
)
from toolkit.table.cells import values
from toolkit.table.images import images

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column
    from toolkit.project.model import Project
    from toolkit.run.stage import Stage

_EXAMPLES = 3
_HEAD = 1_000
_LOST_WARNING = 0.05


def intake(stage: Stage) -> Intake:
    """Read the source once and keep the typed rows for every later stage.

    Writes `Intake` and `Rows`, and declares the source as an input of the stage.

    Raises
    ------
    DataError
        If the source cannot be read, lacks a column, no longer fits the types that the
        project names, or its target cannot be predicted.
    """
    project = stage.project
    stage.progress("reading the table")
    pictures = [name for name, column in project.columns.items() if column.type == "image"]
    raw = read_source(project.data, stage.file.folder, pictures=pictures)
    if raw.path is not None:
        stage.depends(raw.path)
    columns = effective_columns(project)
    stage.progress(f"typing {len(raw.frame):,} rows of {len(columns):,} columns")
    frame = conform(raw.frame, columns)
    checks = [*raw.checks, *_new_columns(raw.frame, columns), *_lost(raw.frame, frame, columns)]
    source, digest = shown(project.data.source), raw.digest
    del raw  # a table of texts takes as much memory as all that is still to come
    checks += check_target(frame[project.target.column], project.target)
    weight = project.weight()
    if weight is not None:
        check_weights(frame[weight].to_numpy(dtype="float64"), weight)
    checks += _features(frame, project)
    result = Intake(
        source=source,
        digest=digest,
        table_digest=table_digest(frame),
        rows=len(frame),
        columns=[_facts(name, column, frame[name]) for name, column in columns.items()],
        checks=checks,
    )
    stage.write(Rows(frame))
    stage.write(result)
    return result


def _new_columns(raw: pd.DataFrame, columns: Mapping[str, Column]) -> list[Check]:
    new = [str(name) for name in raw.columns if str(name) not in columns]
    if not new:
        return []
    return [
        Check(
            name="Columns that the project does not name",
            severity="info",
            message=f"{len(new)} columns of the source are not used: {_listed(new)}.",
            columns=new,
            remedy="Add them to `columns` to use them",
        )
    ]


def _lost(raw: pd.DataFrame, typed: pd.DataFrame, columns: Mapping[str, Column]) -> list[Check]:
    """Cells that hold something which the column's type cannot."""
    checks: list[Check] = []
    places = {str(name): place for place, name in reversed(list(enumerate(raw.columns)))}
    for name, column in columns.items():
        if column.type in ("category", "text") or name not in places:
            continue
        empty = typed[name].isna()
        if not empty.any():
            continue
        if column.type == "image":
            checks += _lost_images(name, raw.iloc[:, places[name]], empty)
            continue
        # Only the cells that came out empty need a look.
        before = values.cells(raw.iloc[empty.to_numpy().nonzero()[0], places[name]], column.missing)
        lost = len(before.codes) - before.missing
        if not lost:
            continue
        known = len(typed) - int(empty.sum())
        if known == 0:
            raise DataError(
                f"none of its cells is a {column.type}, such as {before.texts[0]!r}",
                where=f"column {name!r}",
                remedy=f"Correct columns.{name}.type, or the source",
            )
        share = lost / (known + lost)
        checks.append(
            Check(
                name=f"Cells that are no {column.type}",
                severity="warning" if share > _LOST_WARNING else "info",
                message=f"{lost} cells of {name!r} ({share:.1%}) are no {column.type} and count as"
                f" missing: {_listed(before.texts)}.",
                columns=[name],
                remedy=f"Correct the source or columns.{name}.type",
            )
        )
    return checks


def _lost_images(name: str, raw: pd.Series, empty: pd.Series) -> list[Check]:
    lost = (empty & raw.notna().reset_index(drop=True)).to_numpy().nonzero()[0]
    if not len(lost):
        return []
    rows = ", ".join(f"{row:,}" for row in lost[:8].tolist()) + (" …" if len(lost) > 8 else "")
    return [
        Check(
            name="Images that cannot be read",
            severity="warning",
            message=f"{len(lost):,} cells of {name!r} hold no image that can be read and count as"
            f" missing, in rows {rows}.",
            columns=[name],
            remedy="Replace the images, or remove the rows",
        )
    ]


def _features(frame: pd.DataFrame, project: Project) -> list[Check]:
    features = project.features()
    empty = [name for name in features if bool(frame[name].isna().all())]
    if len(empty) == len(features):
        raise DataError(
            "no column is left to predict from",
            where="columns",
            expected="at least one with the role feature and some values",
            remedy="Set the role of a column to feature",
        )
    if not empty:
        return []
    return [
        Check(
            name="Features without a value",
            severity="warning",
            message=f"{len(empty)} features have no value in any row: {_listed(empty)}.",
            columns=empty,
            remedy="Set their role to ignore",
        )
    ]


def _facts(name: str, column: Column, series: pd.Series) -> ColumnFacts:
    known = series.dropna()
    shown_as = images.describe if column.type == "image" else values.cell_text
    most = 0 if column.role in ("identifier", "group") else _EXAMPLES  # never a person's number
    first = known.iloc[:_HEAD].drop_duplicates().iloc[:most]
    if len(first) < most:
        first = known.drop_duplicates().iloc[:most]
    examples = [shown_as(value) or "" for value in first.tolist()]
    return ColumnFacts(
        name=name,
        type=column.type,
        role=column.use,
        protected=column.protected,
        missing=len(series) - len(known),
        distinct=known.nunique(),
        examples=[text.removesuffix("T00:00:00")[:120] for text in examples],
    )


def _listed(texts: list[str], most: int = 5) -> str:
    shown_texts = ", ".join(repr(text[:30]) for text in texts[:most])
    return shown_texts + (f" and {len(texts) - most} more" if len(texts) > most else "")
