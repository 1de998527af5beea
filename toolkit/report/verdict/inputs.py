"""Inputs of the verdict's rules and of the summary's boxes."""

from __future__ import annotations

from collections.abc import Iterable

from toolkit.artifacts import (
    Champion,
    Check,
    ContentExplanation,
    ErrorsFound,
    Evaluation,
    Explanation,
    FairnessDetail,
    Feasibility,
    GlobalEffects,
    Holdout,
    LabelReview,
    Quality,
    Robustness,
    RowReports,
    SearchSummary,
)
from toolkit.artifacts.base import JsonArtifact
from toolkit.report.book import Book
from toolkit.report.words import greater_is_better

FEW_ROWS = 100
"""With fewer test rows nothing is shown."""
FEW_OF_A_CLASS = 30
"""With fewer test rows of either of two classes nothing is shown."""

AREAS: dict[str, tuple[type[JsonArtifact], ...]] = {
    "feasibility": (Feasibility,),
    "data": (Quality,),  # what the intake and the split found is in it
    "labels": (LabelReview,),
    "search": (SearchSummary, Champion),
    "test": (Evaluation, ErrorsFound),
    "robustness": (Robustness,),
    "fairness": (Evaluation, FairnessDetail),
    "explanation": (Explanation, ContentExplanation, GlobalEffects, RowReports),
}
"""The parts of a run whose checks are counted, and where these stand."""

_OF_FAIRNESS = ("Fairness", "Small groups")
CONSTANT = "Better than a constant guess"


def checks_of(book: Book, area: str) -> list[Check]:
    """Return the checks of an area of `AREAS`; each check of a run is in one of them."""
    found: list[Check] = []
    for kind in AREAS[area]:
        artifact = book.get(kind)
        checks: list[Check] = [] if artifact is None else getattr(artifact, "checks")  # noqa: B009
        if kind is Evaluation:
            fair = area == "fairness"
            checks = [check for check in checks if (check.name in _OF_FAIRNESS) == fair]
        found += checks
    return found


def named(names: Iterable[str], most: int = 3) -> str:
    """Return names in a row, the first few in full."""
    names = list(dict.fromkeys(names))
    shown = [name if len(name) <= 60 else name[:59] + "…" for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def class_rows(found: Evaluation) -> dict[str, int]:
    """Return the test rows of each class; empty for regression."""
    return {name: sum(row.values()) for name, row in found.confusion.items()}


def absent_classes(found: Evaluation) -> list[str]:
    """Return the classes that no test row has."""
    return [name for name, rows in class_rows(found).items() if not rows]


def of_one_class(found: Evaluation) -> bool:
    """Whether all test rows are of one class, so that no score of them can be judged."""
    return bool(found.confusion) and sum(rows > 0 for rows in class_rows(found).values()) < 2


def positive_class(book: Book) -> str | None:
    """Return the class whose probability is predicted; None if there are not two classes."""
    facts = book.get(Feasibility)
    return (facts.positive if facts is not None else None) or book.project.target.positive


def enough_rows(found: Evaluation) -> bool:
    """Whether the test rows are enough to find a difference that matters."""
    rows = class_rows(found)
    return found.rows >= FEW_ROWS and (len(rows) != 2 or min(rows.values()) >= FEW_OF_A_CLASS)


def unjudged(holdout: Holdout) -> bool:
    """Whether the holdout rows cannot tell how optimistic the selection is."""
    return holdout.optimism is None or holdout.few


def against_constant(found: Evaluation) -> str:
    """Return how the champion does beside a constant guess: better, unclear, worse or unknown.

    The evaluation compares the two row by row, which sees smaller differences than the
    interval of the score alone; only without its verdict does that interval decide.
    """
    score, guess = found.metrics.get(found.metric), found.constant.get(found.metric)
    if score is None or score.value is None or guess is None or of_one_class(found):
        return "unknown"
    for check in found.checks:
        if check.name == CONSTANT:
            return {"ok": "better", "critical": "worse"}.get(check.severity, "unclear")
    sign = 1 if greater_is_better(found.metric) else -1
    ends = [sign * (score.value if end is None else end) for end in (score.low, score.high)]
    if min(ends) > sign * guess:
        return "better"
    return "worse" if max(ends) < sign * guess else "unclear"
