"""Rules on the use: limits, people, constraints, and every other check."""

from __future__ import annotations

from toolkit.artifacts import (
    Evaluation,
    Explanation,
    FairnessDetail,
    FairnessVerdict,
    Leaderboard,
    Quality,
    Robustness,
)
from toolkit.artifacts.base import JsonArtifact
from toolkit.report.blocks import Cell
from toolkit.report.verdict import inputs
from toolkit.report.verdict.case import Case, Parts
from toolkit.report.verdict.inputs import named
from toolkit.report.words import STAGES, metric_title, metric_unit

COVERED = (
    "Leakage suspect", inputs.CONSTANT, "Selection against unseen rows", "Shuffled labels",
    "Fairness", "Additivity", "Classes absent from test", "Test rows of the rarest class",
)  # fmt: skip
"""How the checks begin that a rule of their own looks at."""


def _limits(case: Case, verdict: str) -> Parts | None:
    found = case.tested.acceptance if case.tested else []
    places = [i for i, each in enumerate(found) if each.verdict == verdict]
    if not places:
        return None
    first = found[places[0]]
    score: Cell = "undefined"
    if verdict != "cannot be judged":
        score = case.book.cite(Evaluation, "acceptance", places[0], "score",
                               unit=metric_unit(first.metric), recipe="acceptance",
                               limit=first.bound)  # fmt: skip
    more = metric_title(found[places[1]].metric) if len(places) == 2 else f"{len(places) - 1} more"
    return {
        "metric": metric_title(first.metric),
        "score": score,
        "limit": first.limit,
        "more": f" The same holds for {more}." if len(places) > 1 else "",
    }


def missed(case: Case) -> Parts | None:
    """Acceptance limits that are missed."""
    return _limits(case, "missed")


def limit_unjudged(case: Case) -> Parts | None:
    """Acceptance limits that cannot be judged."""
    return _limits(case, "cannot be judged")


def limit_unclear(case: Case) -> Parts | None:
    """Acceptance limits that the intervals span."""
    return _limits(case, "unclear")


def easy_limit(case: Case) -> Parts | None:
    """Acceptance limits, all of which a constant guess meets, too."""
    found = case.tested
    limits = [
        item
        for item in case.book.project.acceptance
        if item.at_least is not None or item.at_most is not None
    ]
    if found is None or not limits:
        return None
    for item in limits:
        guess = found.constant.get(item.metric)
        if (
            guess is None
            or (item.at_least is not None and guess < item.at_least)
            or (item.at_most is not None and guess > item.at_most)
        ):
            return None
    name = limits[0].metric
    return {"metric": metric_title(name), "guess": case.guess(name)}


def no_limit(case: Case) -> Parts | None:
    """No acceptance limit."""
    stated = [
        item
        for item in case.book.project.acceptance
        if item.at_least is not None or item.at_most is not None
    ]
    return None if stated else {}


def no_use(case: Case) -> Parts | None:
    """No use stated."""
    problem = case.book.project.problem
    return None if problem.question.strip() or problem.decision.strip() else {}


def _groups(
    case: Case, verdict: str
) -> tuple[type[JsonArtifact], str, int, FairnessVerdict] | None:
    detail = case.book.get(FairnessDetail)
    crossed = detail.crossing_verdicts if detail and verdict == "beyond" else []
    for kind, items, found in (
        (Evaluation, "fairness", case.tested.fairness if case.tested else []),
        (FairnessDetail, "crossing_verdicts", crossed),
    ):
        for place, each in enumerate(found):
            if each.verdict == verdict:
                return kind, items, place, each
    return None


def _fairness(case: Case, verdict: str) -> Parts | None:
    found = _groups(case, verdict)
    if found is None:
        return None
    kind, items, place, each = found
    cite = case.book.cite
    return {
        "column": each.column,
        "metric": each.metric.replace("_", " "),
        "difference": cite(
            kind, items, place, "difference", unit="score", recipe="fairness", limit=each.limit
        ),
        "limit": cite(kind, items, place, "limit", unit="score", recipe="choice"),
    }


def beyond(case: Case) -> Parts | None:
    """Groups of people, known to be affected, that differ by more than the limit."""
    affected = case.book.project.fairness.people_affected
    return _fairness(case, "beyond") if affected else None


def perhaps_beyond(case: Case) -> Parts | None:
    """Groups that differ by more than the limit where nobody said whether that matters."""
    affected = case.book.project.fairness.people_affected
    return _fairness(case, "beyond") if affected is None else None


def fairness_unclear(case: Case) -> Parts | None:
    """Groups whose difference is not known well enough."""
    if case.book.project.fairness.people_affected is False:
        return None
    return _fairness(case, "unclear")


def fairness_unjudged(case: Case) -> Parts | None:
    """Groups that cannot be compared."""
    project = case.book.project
    if project.fairness.people_affected is False or case.tested is None:
        return None
    found = _groups(case, "cannot be judged")
    if found is not None:
        return {"why": f"groups of {found[3].column} cannot be compared"}
    if not project.fairness.people_affected or case.tested.fairness:
        return None
    return {
        "why": "no fairness metric applies"
        if project.protected()
        else "no column is marked as protected"
    }


def fairness_not_asked(case: Case) -> Parts | None:
    """Nobody said whether people are affected."""
    return {} if case.book.project.fairness.people_affected is None else None


def constraint(case: Case) -> Parts | None:
    """A champion that does not keep to a constraint."""
    board = case.book.get(Leaderboard)
    entries = board.entries if board and case.champion else []
    for entry in entries:
        if case.champion and entry.name == case.champion.name and entry.violates:
            return {"what": entry.violates[0].rstrip(".")}
    return None


def critical(case: Case) -> Parts | None:
    """Critical checks that no other rule looks at."""
    found = [
        (area, check)
        for area in inputs.AREAS
        for check in inputs.checks_of(case.book, area)
        if check.severity == "critical" and not check.name.startswith(COVERED)
    ]
    if not found:
        return None
    area, check = found[0]
    rest = named(each.name for _, each in found[1:])
    return {
        "area": area,
        "check": check.name,
        "message": case.book.redact(check.message, check.columns),
        "more": f" Critical, too: {rest}." if rest else "",
    }


def explanation(case: Case) -> Parts | None:
    """An explanation that does not add up to the model's output."""
    found = case.book.get(Explanation)
    if found is None or found.additivity_error <= found.additivity_tolerance:
        return None
    cite = case.book.cite
    return {
        "error": cite(Explanation, "additivity_error", unit="error", recipe="explanation"),
        "tolerance": cite(Explanation, "additivity_tolerance", unit="error", recipe="explanation"),
    }


def not_checked(case: Case) -> Parts | None:
    """Parts of a run without which nothing is shown, and that it does not have."""
    needed = ((Quality, "the data were"), (Robustness, "robustness was"),
              (Explanation, "the explanation was"))  # fmt: skip
    absent = [words for kind, words in needed if case.book.get(kind) is None]
    if not absent or case.champion is None:
        return None
    return {"what": absent[0], "more": f" Nor {named(absent[1:])}." if absent[1:] else ""}


def outdated(case: Case) -> Parts | None:
    """Results that do not follow from today's choices and files."""
    if not case.outdated:
        return None
    stage, reason = case.outdated[0]
    rest = named(STAGES[name] for name, _ in case.outdated[1:])
    return {"stage": STAGES[stage], "reason": reason, "more": f" So are: {rest}." if rest else ""}
