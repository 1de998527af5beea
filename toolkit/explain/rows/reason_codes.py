"""Reason codes: the columns that contributed to a row's adverse outcome, in words.

What is listed are SHAP values against the mean of the background, as adverse-action notices by
Shapley values are (see Molnar 2022, chapter 9.5, on how such values are read).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from toolkit.artifacts import Reason
from toolkit.project.model import Project

if TYPE_CHECKING:
    import pandas as pd

ERRORS = 2.0
"""A column counts only if its value is at least so many standard errors from 0."""
LONGEST = 120


def reason_codes(
    lines: pd.DataFrame, project: Project, *, output: str, sign: int
) -> tuple[list[Reason], int]:
    """Return the reasons of one row, the strongest first.

    Parameters
    ----------
    lines : pandas.DataFrame
        The row's lines of `Attributions`: class, column, value, shap, standard_error.
    project : Project
        Its `recourse.reasons` are texts by column, with ``{value}`` for the cell; its
        `recourse.most_reasons` says how many. Protected columns are marked.
    output : str
        The class (or ``value``) whose lines count.
    sign : int
        1 where positive SHAP values push towards the adverse outcome, -1 where negative do.

    Returns
    -------
    reasons : list of Reason
        Fewer than asked for if fewer are beyond two standard errors.
    doubtful : int
        Columns that pushed in the same direction and are not.
    """
    mine = lines[lines["class"].astype(str) == output]
    shap = mine["shap"].to_numpy(dtype=np.float64)
    error = np.nan_to_num(mine["standard_error"].to_numpy(dtype=np.float64))
    against = shap * sign > 0
    # A trace of rounding is no reason either.
    real = against & (np.abs(shap) >= ERRORS * error) & (np.abs(shap) > 1e-9)
    order = np.lexsort((np.arange(len(shap)), -np.abs(shap)))
    chosen = [i for i in order if real[i]][: project.recourse.most_reasons]
    protected = set(project.protected())
    columns, values = mine["column"].tolist(), mine["value"].tolist()
    reasons = []
    for i in chosen:
        value = values[i] if isinstance(values[i], str) else None
        reasons.append(
            Reason(
                column=str(columns[i]),
                value=value,
                shap=float(shap[i]),
                standard_error=float(error[i]),
                text=_text(project, str(columns[i]), value),
                protected=str(columns[i]) in protected,
            )
        )
    return reasons, int((against & ~real).sum())


def _text(project: Project, column: str, value: str | None) -> str:
    if column not in project.columns:
        return f"{column}, taken together"
    return reason_text(project.recourse.reasons, column, value)


def reason_text(texts: Mapping[str, str], column: str, value: str | None) -> str:
    """Return a reason in words: the project's own for the column, or column and value.

    The text is plain: whoever puts it into a page has to escape it.
    """
    shown = "missing" if value is None else " ".join(value.split())
    if len(shown) > LONGEST:
        shown = shown[: LONGEST - 1] + "…"
    if texts.get(column, "").strip():
        # Not str.format: a text may hold other braces, and a cell must not be a template.
        return texts[column].replace("{value}", shown)
    return f"{column} is {shown}"
