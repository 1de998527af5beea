"""Sums, counts and checks over the explained texts and images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats
from toolkit.artifacts import (
    Check,
    ContentColumn,
    ContentExplanation,
    ContentRow,
    WordEffect,
)
from toolkit.explain.shap.outputs import unit
from toolkit.project.model import Project

if TYPE_CHECKING:
    from toolkit.explain.content.column_explainer import ColumnResult
    from toolkit.table import Predictor

LEAST_ROWS = 2
"""Explained rows that a word must be in to be listed."""
MOST_WORDS = 30
_MASKING = {
    "text": "words are removed, the spaces around them stay",
    "image": "a patch gets the image's mean colour",
}


def column_facts(result: ColumnResult, empty: int) -> ContentColumn:
    """Return one column's counts, its noise, and its words."""
    values = np.concatenate([[0.0], *(row.outputs[0].values for row in result.rows)])
    errors = np.concatenate([[0.0], *(row.outputs[0].standard_error for row in result.rows)])
    size = float(np.abs(values).sum())
    return ContentColumn(
        column=result.column,
        kind=result.kind,
        masking=_MASKING[result.kind],
        rows=len(result.rows),
        empty=empty,
        parts=len(values) - 1,
        unclear=int((np.abs(values) < 2 * errors).sum()),
        noise=float(errors.sum()) / size if size else 0.0,
        orders=result.orders,
        words=word_effects(result.rows) if result.kind == "text" else [],
    )


def word_effects(rows: Sequence[ContentRow]) -> list[WordEffect]:
    """Return words that at least two texts hold, the strongest first.

    In a text, a word's places are added up. Texts whose words were taken together are left
    out. Several classes: of the predicted one.
    """
    found: dict[str, list[float]] = {}
    for row in rows:
        if row.words != len(row.parts):
            continue
        mine: dict[str, float] = {}
        for (start, stop), value in zip(row.parts, row.outputs[0].values, strict=True):
            word = row.text[start:stop].lower()
            mine[word] = mine.get(word, 0.0) + value
        for word, value in mine.items():
            found.setdefault(word, []).append(value)
    effects = [
        WordEffect(word=word, rows=len(values), mean_abs=float(np.abs(values).mean()),
                   mean=float(np.mean(values)))
        for word, values in found.items()
        if len(values) >= LEAST_ROWS
    ]  # fmt: skip
    return sorted(effects, key=lambda each: (-each.mean_abs, each.word))[:MOST_WORDS]


def explanation(
    project: Project,
    model: Predictor,
    results: Sequence[ColumnResult],
    columns: list[ContentColumn],
    looked: int,
) -> ContentExplanation:
    """Return the artefact of all columns."""
    rows = [row for each in results for row in each.rows]
    error = max((each.error for each in results), default=0.0)
    most = max((each.tolerance for each in results), default=0.0)
    names = ", ".join(column.column for column in columns)
    said = (
        f"{len(rows)} contents of {names}, chosen from {looked:,} test rows."
        if rows
        else f"None of {looked:,} test rows has a content in {names}."
    )
    return ContentExplanation(
        said=said,
        output=_words(project, model),
        looked=looked,
        evaluations=sum(each.evaluations for each in results) + looked,
        additivity_error=error,
        additivity_tolerance=most,
        columns=columns,
        rows=rows,
        checks=[
            *([_additivity(results)] if rows else []),
            *(_noise(column) for column in columns if column.rows),
            *(_empty(column, looked) for column in columns if column.empty),
        ],
    )


def _words(project: Project, model: Predictor) -> str:
    if model.task == "multiclass":
        return "probability of a class: the predicted one, and the actual one where that is another"
    return unit(model, project.target.column)


def _additivity(results: Sequence[ColumnResult]) -> Check:
    wrong = [each for each in results if each.error > each.tolerance]
    worst = max(results, key=lambda each: each.error)
    return Check(
        name="Additivity of texts and images",
        severity="critical" if wrong else "ok",
        message=f"Base value plus the parts' values differ from the model's output by at most"
        f" {formats.number(worst.error, 2)}; {formats.number(worst.tolerance, 2)} is tolerated.",
        columns=[each.column for each in wrong],
        remedy="Do not use the values: the model gives equal contents different outputs"
        if wrong
        else "",
    )


def _noise(column: ContentColumn) -> Check:
    parts = "words" if column.kind == "text" else "patches"
    bad = column.noise > 0.5
    return Check(
        name=f"Exactness of {column.kind}s",
        severity="warning" if bad else "ok",
        message=f"{column.column}: the standard errors are {formats.share(column.noise)} of the"
        f" values'"
        f" total size; {column.unclear:,} of {column.parts:,} {parts} are smaller than twice"
        " their standard error.",
        columns=[column.column],
        remedy="Read the strongest parts only, and none that is marked unclear" if bad else "",
    )


def _empty(column: ContentColumn, looked: int) -> Check:
    return Check(
        name=f"Rows without {column.kind}",
        severity="info",
        message=f"{column.column}: {column.empty:,} of {looked:,} test rows have none and could"
        " not be explained.",
        columns=[column.column],
    )
