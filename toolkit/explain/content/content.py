"""Explanations of texts and images: contributions of words and patches.

The features are the parts of one row's content; the row's other columns stay as they are, and a
part is removed as its module says (`text_tokens`, `image_patches`). The base is the row without
any part (as in LIME and SHAP for texts and images: Ribeiro et al. 2016, Lundberg and Lee 2017);
values are Shapley values, enumerated where at most ten parts matter, else over orders drawn in
antithetic pairs (Mitchell et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import table
from toolkit.artifacts import ContentExplanation, ContentRow
from toolkit.errors import DataError
from toolkit.explain.content.column_explainer import ColumnExplainer
from toolkit.explain.content.content_summary import column_facts, explanation
from toolkit.explain.rows.scored_rows import choose, scored_rows
from toolkit.explain.shap.outputs import scorer
from toolkit.table.images import images

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage
    from toolkit.table import Part, Predictor

LOOKED = 5_000
"""Test rows that explained ones are chosen from."""
_LOOK = 5  # a stream of random numbers
_CHOSEN = "chosen by hand"


def explain_content(stage: Stage, model: Predictor) -> ContentExplanation:
    """Explain the texts and images of example test rows, and write the artefact.

    Up to six rows a column: the most certain that are right and wrong, and the nearest to the
    threshold. Without columns of texts or images the model is not called.

    Parameters
    ----------
    stage : Stage
        Open, with the split made.
    model : Predictor
        Anything with ``predict``.

    Raises
    ------
    ModelError
        When the model gives a row no number.
    """
    kinds = _kinds(model)
    if not kinds:
        found = ContentExplanation(said="The model takes no texts or images.")
        stage.write(found)
        return found
    test = table.load_part(stage, "test")
    if not len(test):
        raise DataError("there are no test rows", remedy="Raise split.test, or give more rows")
    score = scorer(model)
    looked = np.arange(len(test))
    if len(test) > LOOKED:
        generator = np.random.default_rng([stage.project.seed, _LOOK])
        looked = np.sort(generator.choice(len(test), LOOKED, replace=False))
    stage.progress("choosing rows whose texts and images are explained")
    frame = test.frame.iloc[looked].reset_index(drop=True)
    rows = scored_rows(model, score(frame), test.target[looked])
    parts = []
    for name, kind in kinds.items():
        usable = _usable(frame[name], kind)
        picked = choose(rows, usable)
        job = ColumnExplainer(
            stage, model, score, name, kind, sum(k == kind for k in kinds.values())
        )
        numbers = test.rows[looked]
        result = job.explain(frame, numbers, rows, picked)
        parts.append((result, int(_blank(frame[name], kind).sum())))
    facts = [column_facts(result, empty) for result, empty in parts]
    found = explanation(stage.project, model, [result for result, _ in parts], facts, len(looked))
    stage.write(found)
    for check in found.checks:
        if check.severity in ("critical", "warning"):
            stage.note(f"{check.name}: {check.message}")
    return found


def content_explainer(stage: Stage, model: Predictor) -> Callable[[int], list[ContentRow]]:
    """Return a function that explains the texts and images of one more test row.

    It takes a row's number in the table and gives an item for each of its texts and images.

    Raises
    ------
    DataError
        By that function, for a row that is not among the test rows.
    """
    kinds = _kinds(model)
    loaded: list[Part] = []

    def one(row: int) -> list[ContentRow]:
        if not kinds:
            return []
        test = loaded[0] if loaded else table.load_part(stage, "test")
        loaded[:] = [test]
        place = np.flatnonzero(test.rows == row)
        if not len(place):
            raise DataError(
                f"row {row} is not a test row",
                expected=f"one of {len(test):,} rows"
                + (f", such as {test.rows[0]}" if len(test) else ""),
            )
        score, frame = scorer(model), test.frame.iloc[place].reset_index(drop=True)
        rows = scored_rows(model, score(frame), test.target[place])
        found = []
        for name, kind in kinds.items():
            if len(_usable(frame[name], kind)):
                job = ColumnExplainer(stage, model, score, name, kind, 1)
                found += job.explain(frame, test.rows[place], rows, [(0, _CHOSEN)]).rows
        return found

    return one


def _kinds(model: Predictor) -> dict[str, str]:
    return {n: c.type for n, c in model.columns.items() if c.type in ("text", "image")}


def _blank(cells: pd.Series, kind: str) -> np.ndarray:
    """Return which cells hold nothing that could be explained."""
    if kind == "image":
        return np.array([data is None or images.describe(data) == "unreadable" for data in cells])
    return np.array([not isinstance(cell, str) or not cell.strip() for cell in cells])


def _usable(cells: pd.Series, kind: str) -> np.ndarray:
    """Return positions with content, equal contents once."""
    first: dict[Any, int] = {}
    for place in np.flatnonzero(~_blank(cells, kind)).tolist():
        first.setdefault(cells.iloc[place], place)
    return np.array(list(first.values()), dtype=np.int64)
