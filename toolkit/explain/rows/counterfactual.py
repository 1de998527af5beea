"""Counterfactuals: the least that would have to differ for another decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import formats, metrics
from toolkit.artifacts import CellChange, Counterfactual
from toolkit.explain.rows.counterfactual_search import (
    CALLS,
    Changes,
    CounterfactualSearch,
    RowSearch,
    cells_of,
    changed,
)
from toolkit.explain.rows.density import Density
from toolkit.explain.rows.distance import Gower
from toolkit.explain.rows.goals import CountedModel, Goal
from toolkit.explain.rows.limits import Limit
from toolkit.explain.rows.no_counterfactual_reason import why_blocked

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Column
    from toolkit.project.model import Project

BUDGET = 150_000
_TRIES, _LIKE, _JUDGED = 2_500, 12, 60
_SAMPLE = 4_000
_STREAM = 11  # of random numbers
_MOST_COLUMNS = 60


@dataclass(frozen=True)
class RowCounterfactuals:
    """What was found for one row.

    Attributes
    ----------
    counterfactuals : list of Counterfactual
        The fewest changes first; each was scored again by itself.
    blocked : str
        Why there is none, in a sentence; empty where there is one.
    """

    counterfactuals: list[Counterfactual]
    blocked: str


@dataclass(frozen=True)
class Known:
    """Training rows that counterfactuals are compared with.

    Attributes
    ----------
    frame : pandas.DataFrame
        A random sample, in random order.
    outputs : ndarray
        What the model says of them.
    gower : Gower
        Distances to them.
    density : Density
        How usual a row is among them.
    """

    frame: pd.DataFrame
    outputs: np.ndarray
    gower: Gower
    density: Density


def known_rows(
    frame: pd.DataFrame, columns: Mapping[str, Column], outputs: CountedModel, seed: int
) -> Known:
    """Return at most 4,000 training rows, scored and ready to be compared with."""
    order = np.random.default_rng([seed, _STREAM]).permutation(len(frame))[:_SAMPLE]
    sample = frame.iloc[order].reset_index(drop=True)
    return Known(sample, outputs(sample), Gower(sample, columns), Density(sample, columns))


def counterfactuals(  # noqa: PLR0917
    project: Project,
    frame: pd.DataFrame,
    goals: Sequence[Goal],
    limits: Mapping[str, Limit],
    known: Known,
    outputs: CountedModel,
    *,
    order: Sequence[str] = (),
) -> list[RowCounterfactuals]:
    """CounterfactualSearch small changes of rows that lead to the wanted decision.

    Parameters
    ----------
    project : Project
        Its section `recourse` says how many, and of how many columns.
    frame : pandas.DataFrame
        The rows, typed.
    goals : sequence of Goal
        The decision wanted for each.
    limits : mapping of str to Limit
        How each column may change.
    known : Known
        Training rows.
    outputs : CountedModel
        The model.
    order : sequence of str
        Columns, the most important first: of a wide table the first 60 are changed.

    Returns
    -------
    list of RowCounterfactuals
        One a row; a row's result depends on no other row, only on how many there are.
    """
    asked = project.recourse
    if not len(frame):
        return []
    rank = {name: place for place, name in enumerate(order)}
    free = [each for each in limits.values() if each.rule != "fixed"]
    free = sorted(free, key=lambda each: rank.get(each.column, len(rank)))[:_MOST_COLUMNS]
    cells, like = cells_of(frame, free), cells_of(known.frame, free)
    start = outputs(frame)
    cases = []
    for i, goal in enumerate(goals):
        near, _ = known.gower.nearest(frame.iloc[[i]], _LIKE, goal.reached(known.outputs))
        cases.append(
            RowSearch(i, goal, cells[i], [like[j] for j in near[0]], float(goal.progress(start)[i]))
        )
    tries = max(50, min(_TRIES, round(BUDGET * project.automl.effort) // (CALLS * len(cases))))
    search = CounterfactualSearch(outputs, frame, free, cases, tries, asked.most_changes,
                    2 * asked.counterfactuals)  # fmt: skip
    if free:
        search.run()
    chosen, rare = _chosen(search, known, asked.counterfactuals, asked.plausibility)
    found = _scored_again(search, chosen)
    missing = [case for case in cases if not found[case.position]]
    why = why_blocked(search, missing, limits, rare)
    return [RowCounterfactuals(found[i], why.get(i, "")) for i in range(len(cases))]


# -- choosing ----------------------------------------------------------------------------


def _chosen(
    search: CounterfactualSearch, known: Known, count: int, least: float
) -> tuple[list[tuple[RowSearch, Changes, float]], dict[int, int]]:
    """Return the changes to give, and for each row how many others were too rare."""
    asked = [(case, c) for case in search.cases for c in search.ranked(case)[:_JUDGED]]
    rows = changed(search.frame, search.limits, [(case.position, c) for case, c in asked])
    usual = known.density.plausibility(rows)
    own = known.density.plausibility(search.frame)
    rare: dict[int, int] = {}
    kept: dict[int, list[tuple[Changes, float]]] = {}
    for (case, changes), share in zip(asked, usual.tolist(), strict=True):
        # A row that is rare itself cannot be asked to become usual.
        if share >= min(least, float(own[case.position])):
            kept.setdefault(case.position, []).append((changes, share))
        else:
            rare[case.position] = rare.get(case.position, 0) + 1
    chosen = [
        (case, changes, share)
        for case in search.cases
        for changes, share in _diverse(search, kept.get(case.position, []), count)
    ]
    return chosen, rare


def _diverse(
    search: CounterfactualSearch, ranked: Sequence[tuple[Changes, float]], count: int
) -> list[tuple[Changes, float]]:
    """Return the first changes, none of which changes all the columns of another.

    Where too few are left, the same columns may come again if a category gets another value.
    """
    chosen: list[tuple[Changes, float]] = []
    for again in (False, True):
        for changes, share in ranked:
            if len(chosen) < count and all(
                _other(search, changes, taken, again) for taken, _ in chosen
            ):
                chosen.append((changes, share))
    return chosen


def _other(search: CounterfactualSearch, changes: Changes, taken: Changes, again: bool) -> bool:
    mine, theirs = dict(changes), dict(taken)
    if not set(theirs) <= set(mine):
        return True
    return (
        again
        and set(theirs) == set(mine)
        and any(not search.limits[p].numeric and mine[p] != theirs[p] for p in mine)
    )


def _scored_again(
    search: CounterfactualSearch, chosen: Sequence[tuple[RowSearch, Changes, float]]
) -> dict[int, list[Counterfactual]]:
    """Return counterfactuals whose decision holds in a call of their own."""
    found: dict[int, list[Counterfactual]] = {case.position: [] for case in search.cases}
    if not chosen:
        return found
    rows = changed(search.frame, search.limits, [(case.position, c) for case, c, _ in chosen])
    outputs = search.outputs(rows)
    model = search.outputs.model
    decided = metrics.decide(outputs, metrics.context_of(model))
    for i, (case, changes, share) in enumerate(chosen):
        if not case.goal.reached(outputs)[i]:
            continue
        found[case.position].append(
            Counterfactual(
                changes=[
                    CellChange(
                        column=search.limits[p].column,
                        before=case.cells[p],
                        after=value,
                        size=round(search.limits[p].size(case.cells[p], value), 6),
                    )
                    for p, value in changes
                ],
                score=float(case.goal.scores(outputs)[i]),
                decision=decision_text(decided[i]),
                size=round(search.size(case, changes), 6),
                plausibility=round(share, 6),
            )
        )
    return found


def decision_text(decided: Any) -> str:
    """Return a decision as text; numbers with six digits."""
    return (
        formats.number(float(decided), 6)
        if isinstance(decided, float | np.floating)
        else str(decided)
    )
