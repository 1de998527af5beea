"""Results where two protected columns cross: fair by sex and by race may be unfair to both."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics
from toolkit.artifacts import Check, Crossing, FairnessVerdict
from toolkit.evaluate.conditions import Conditions, conditions
from toolkit.evaluate.groups import group_results, judge
from toolkit.evaluate.scored import Scored
from toolkit.project.model import Project

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 24
"""Crossings of one pair of columns that are listed, the largest first."""
PAIRS = 6
"""Pairs of columns that are crossed, in the columns' order."""


@dataclass
class Crossed:
    """What came out of crossing protected columns.

    Attributes
    ----------
    crossings : list of Crossing
        Those that are listed.
    verdicts : list of FairnessVerdict
        For each pair of columns, over all its crossings that are large enough.
    left_out, rows_left_out : int
        Crossings that are not listed, and the rows in them.
    checks : list of Check
    """

    crossings: list[Crossing] = field(default_factory=list)
    verdicts: list[FairnessVerdict] = field(default_factory=list)
    left_out: int = 0
    rows_left_out: int = 0
    checks: list[Check] = field(default_factory=list)


def cross(project: Project, scored: Scored, protected: dict[str, pd.Series]) -> Crossed:
    """Return results by crossings of every two protected columns.

    Groups of one column are those of `conditions`: numbers are cut at their quartiles. Each
    crossing of one pair has about half as many rows as its groups or fewer, so intervals are
    wide; that of a difference is corrected for the number of pairs of crossings (Bonferroni).

    Parameters
    ----------
    project : Project
        Its fairness section.
    scored : Scored
        The test rows.
    protected : dict of str to pandas.Series
        The protected columns of the test rows, in their order.
    """
    found = Crossed()
    parts = [conditions(values.rename(column)) for column, values in protected.items()]
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
    project: Project, scored: Scored, a: Conditions, b: Conditions, found: Crossed
) -> None:
    name, _ = metrics.resolve_fairness(project)
    least = project.fairness.minimum_group
    codes, counts, places = _crossed(a, b)
    enough = counts >= least
    for place in range(min(len(places), SHOWN)):
        inside = np.flatnonzero(codes == place)
        first, second = divmod(int(places[place]), len(b.names))
        found.crossings.append(
            Crossing(
                columns=[a.column, b.column],
                groups=[a.labels()[first], b.labels()[second]],
                rows=len(inside),
                judged=bool(enough[place]),
                metrics=group_results(scored, inside),
            )
        )
    found.left_out += max(len(places) - SHOWN, 0)
    found.rows_left_out += int(counts[SHOWN:].sum())
    title = f"{a.column} × {b.column}"
    small = int((~enough).sum())
    if small:
        found.checks.append(
            Check(
                name="Small crossings",
                severity="info",
                message=f"{small} of {len(places)} crossings of {title} have fewer than {least}"
                " test rows and are not judged.",
                columns=[a.column, b.column],
            )
        )
    if name == "none" or not len(places):
        return
    both = Conditions(title, [str(place) for place in places], codes)
    verdict = judge(project, scored, both, enough, name)
    found.verdicts.append(verdict)
    if verdict.verdict == "beyond":
        found.checks.append(
            Check(
                name="Fairness of crossings",
                severity="critical",
                message=f"The {name.replace('_', ' ')} between crossings of {title} is"
                f" {verdict.difference.value:.3g} ({verdict.difference.low:.3g} to"
                f" {verdict.difference.high:.3g}), beyond the limit of {verdict.limit:g}.",
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
