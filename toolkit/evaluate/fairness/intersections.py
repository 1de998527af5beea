"""Results where two protected columns cross: fair by sex and by race may be unfair to both."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats, metrics
from toolkit.artifacts import Check, FairnessVerdict, Intersection
from toolkit.evaluate.fairness.group_verdict import judge
from toolkit.evaluate.fairness.groups import comparison, group_list, grouped, spoken
from toolkit.evaluate.scores.conditions import Conditions
from toolkit.evaluate.scores.scored_rows import ScoredTestRows
from toolkit.project.model import Project

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 24
"""Intersections of one pair of columns that are listed, the largest first."""
PAIRS = 6
"""Pairs of columns that are crossed, in the columns' order."""


@dataclass
class IntersectionResults:
    """Results by intersection of protected columns.

    Attributes
    ----------
    crossings : list of Intersection
        Those that are listed.
    verdicts : list of FairnessVerdict
        For each pair of columns, over all its crossings that are large enough.
    left_out, rows_left_out : int
        Crossings that are not listed, and the rows in them.
    checks : list of Check
    """

    crossings: list[Intersection] = field(default_factory=list)
    verdicts: list[FairnessVerdict] = field(default_factory=list)
    left_out: int = 0
    rows_left_out: int = 0
    checks: list[Check] = field(default_factory=list)


def cross(
    project: Project, scored: ScoredTestRows, protected: dict[str, pd.Series]
) -> IntersectionResults:
    """Return results by crossings of every two protected columns.

    Groups of one column are those of `grouped`: numbers are cut at their quartiles. Each
    crossing of one pair has about half as many rows as its groups or fewer, so intervals are
    wide; that of a difference is corrected for the number of pairs of crossings (Bonferroni).

    Parameters
    ----------
    project : Project
        Its fairness section.
    scored : ScoredTestRows
        The test rows.
    protected : dict of str to pandas.Series
        The protected columns of the test rows, in their order.
    """
    found = IntersectionResults()
    least = project.fairness.minimum_group
    parts = [grouped(values.rename(column), least) for column, values in protected.items()]
    pairs = list(itertools.combinations(parts, 2))
    for a, b in pairs[:PAIRS]:
        _cross_two(project, scored, a, b, found)
    if len(pairs) > PAIRS:
        found.checks.append(
            Check(
                name="Crossings",
                severity="info",
                message=f"{len(pairs) - PAIRS} of {len(pairs)} pairs of protected columns are not"
                " crossed: only the first are.",
                columns=list(protected),
            )
        )
    return found


def _cross_two(
    project: Project,
    scored: ScoredTestRows,
    a: Conditions,
    b: Conditions,
    found: IntersectionResults,
) -> None:
    name, _ = metrics.resolve_fairness(project)
    least = project.fairness.minimum_group
    codes, counts, places = _crossed(a, b)
    made = comparison(scored, codes, len(places), name, least)
    pairs = [divmod(int(place), len(b.names)) for place in places]
    shown = np.where(codes < SHOWN, codes, -1)
    results = group_list(scored, shown, min(len(places), SHOWN), made)
    for (first, second), facts in zip(pairs[:SHOWN], results, strict=True):
        groups = [a.labels()[first], b.labels()[second]]
        found.crossings.append(
            Intersection.model_validate(
                {"columns": [a.column, b.column], "groups": groups, **facts}
            )
        )
    found.left_out += max(len(places) - SHOWN, 0)
    found.rows_left_out += int(counts[SHOWN:].sum())
    title = f"{a.column} × {b.column}"
    small = int((~made.judged).sum())
    if small:
        found.checks.append(
            Check(
                name="Small intersections",
                severity="info",
                message=f"{small} of {len(places)} intersections of {title} cannot be compared:"
                f" they"
                f" have too few test rows ({made.needed()}).",
                columns=[a.column, b.column],
            )
        )
    if name == "none" or not len(places):
        return
    mine, other = spoken(project, a), spoken(project, b)
    labels = [f"{mine[first]} and {other[second]}" for first, second in pairs]
    verdict = judge(project, title, made, labels, codes, leaks=scored.leaks)
    found.verdicts.append(verdict)
    if verdict.verdict == "beyond":
        found.checks.append(
            Check(
                name="Fairness of intersections",
                severity="critical",
                message=f"The {name.replace('_', ' ')} between intersections of {title} is"
                f" {formats.number(verdict.difference.value)}"
                f" ({formats.number(verdict.difference.low)} to"
                f" {formats.number(verdict.difference.high)}), beyond the limit of"
                f" {formats.number(verdict.limit, 6)}.",
                columns=[a.column, b.column],
            )
        )


def _crossed(a: Conditions, b: Conditions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each row's crossing, the rows of each, and which it is; the largest first."""
    inside = (a.codes >= 0) & (b.codes >= 0)
    both = np.where(inside, a.codes * len(b.names) + b.codes, -1)
    places, counts = np.unique(both[inside], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    places, counts = places[order], counts[order]
    rank = np.full(len(a.names) * len(b.names) + 1, -1, dtype=np.int64)  # the last is for -1
    rank[places] = np.arange(len(places))
    return rank[both], counts, places
