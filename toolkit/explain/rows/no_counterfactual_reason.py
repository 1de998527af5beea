"""Why a row has no counterfactual: how near the search came, and which limits are in the way."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from toolkit import formats
from toolkit.explain.rows.counterfactual_search import (
    CounterfactualSearch,
    RowSearch,
    cells_of,
    changed,
)
from toolkit.explain.rows.limits import Limit

_MOST_COLUMNS = 60


def why_blocked(
    search: CounterfactualSearch,
    missing: Sequence[RowSearch],
    limits: Mapping[str, Limit],
    rare: Mapping[int, int],
) -> dict[int, str]:
    """Return, by position, why rows have no counterfactual.

    Parameters
    ----------
    search : CounterfactualSearch
        Done.
    missing : sequence of RowSearch
        The rows.
    limits : mapping of str to Limit
        Of all columns, the fixed ones too.
    rare : mapping of int to int
        How many combinations were too rare, by position.
    """
    why = {}
    open_cases = []
    for case in missing:
        if not search.limits:
            why[case.position] = "Every column is fixed."
        elif case.reached:
            number = rare.get(case.position, 0)
            why[case.position] = (
                f"{number:,} combinations of changes lead to the wanted outcome, but to"
                " rows rarer than recourse.plausibility allows."
                if number
                else "The counterfactuals of the search did not hold when they were scored again."
            )
        else:
            open_cases.append(case)
    if open_cases:
        levers = _levers(search, open_cases, limits)
        most = search.most
        for case in open_cases:
            best = max([case.start, *case.tried.values()])
            why[case.position] = (
                f"No {'change' if most == 1 else f'combination of up to {most} changes'} of"
                f" {len(search.limits)} columns led to the wanted outcome:"
                f" {_nearest(case, best)}.{levers[case.position]}"
            )
    return why


def _nearest(case: RowSearch, best: float) -> str:
    model, wanted = case.goal.model, case.goal.wanted
    if model.task == "regression":
        return f"the nearest prediction stays {formats.number(-best, 4)} outside {wanted}"
    if model.task == "binary":
        return f"the probability of {wanted} rose from {case.start:.3f} to at most {best:.3f}"
    return (
        f"the probability of {wanted} less the largest other one rose from {case.start:.3f} to at"
        f" most {best:.3f}"
    )


def _levers(
    search: CounterfactualSearch, cases: Sequence[RowSearch], limits: Mapping[str, Limit]
) -> dict[int, str]:
    """Return, for each case, which limited columns would lead there if they were free."""
    bound = [each for each in limits.values() if each.rule != "free" and len(each.values) > 1][
        :_MOST_COLUMNS
    ]
    opened = [dataclasses.replace(each, rule="free") for each in bound]
    if not opened:
        return {case.position: "" for case in cases}
    cells = cells_of(search.frame, opened)
    probe = [
        RowSearch(case.position, case.goal, cells[case.position], [], -math.inf) for case in cases
    ]
    # On top of the best that the allowed changes did.
    base = [max(case.tried, key=lambda c: (case.tried[c], str(c)), default=()) for case in cases]
    frame = changed(
        search.frame, search.limits,
        [(case.position, changes) for case, changes in zip(cases, base, strict=True)],
    )  # fmt: skip
    for place, case in enumerate(probe):
        case.position = place
    tries = max(24, search.tries)
    alone = CounterfactualSearch(search.outputs, frame, opened, probe, tries, 1, 1)
    alone.score([(case, alone.singles(case)) for case in probe])
    said = {}
    for case, own in zip(probe, cases, strict=True):
        places = sorted({c[0][0] for c in case.reached})
        names = [f"{bound[p].column} ({bound[p].why or bound[p].rule + ' only'})" for p in places]
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        said[own.position] = f" Limits in the way: {', '.join(names[:4])}{more}." if names else ""
    return said
