"""Rules on the scores: leaks, the test rows, and whether the search can be relied on."""

from __future__ import annotations

from toolkit.artifacts import Champion, Evaluation, Leaderboard, Profile, Suspect
from toolkit.report.verdict import inputs
from toolkit.report.verdict.case import Case, Parts, counted
from toolkit.report.verdict.inputs import named
from toolkit.report.words import greater_is_better, metric_title, metric_unit


def _suspects(case: Case, found: list[Suspect]) -> Parts | None:
    profile = case.book.get(Profile)
    excluded = case.book.project.automl.constraints.exclude
    found = [each for each in found if each.column not in excluded]
    if profile is None or not found:
        return None
    first = max(found, key=lambda each: each.score)
    score = case.book.cite(Profile, "suspects", profile.suspects.index(first), "score",
                           recipe="association")  # fmt: skip
    return {"columns": named(each.column for each in found), "score": score}


def leak(case: Case) -> Parts | None:
    """Features under critical suspicion of leaking the target that nobody has cleared."""
    profile = case.book.get(Profile)
    return _suspects(case, profile.unresolved if profile else [])


def possible_leak(case: Case) -> Parts | None:
    """Other features that may be known only after the outcome, and that nobody has cleared."""
    profile = case.book.get(Profile)
    if profile is None:
        return None
    features = {column.name for column in profile.columns if column.role == "feature"}
    return _suspects(
        case,
        [
            each
            for each in profile.suspects
            if each.severity == "warning" and not each.resolved and each.column in features
        ],
    )


def shuffled(case: Case) -> Parts | None:
    """A search that finds something in shuffled labels."""
    found = case.champion.shuffled if case.champion else None
    if found is None or not found.better_than_chance:
        return None
    unit = metric_unit(found.metric)
    cite = case.book.cite
    return {
        "model": found.model or "a model",
        "metric": metric_title(found.metric),
        "score": cite(Champion, "shuffled", "score", unit=unit, recipe="shuffled"),
        "chance": cite(Champion, "shuffled", "chance", unit=unit, recipe="shuffled"),
    }


def no_champion(case: Case) -> Parts | None:
    """A run without a champion."""
    return {} if case.champion is None else None


def not_tested(case: Case) -> Parts | None:
    """A champion that was not tested."""
    return {} if case.champion is not None and case.tested is None else None


def absent_class(case: Case) -> Parts | None:
    """Classes without a test row."""
    absent = inputs.absent_classes(case.tested) if case.tested else []
    if case.tested is None or not absent:
        return None
    positive = inputs.positive_class(case.book)
    word = "positive" if positive in absent else "negative"
    what = f"{word} ({named(absent)})" if positive else f"of the class {named(absent)}"
    return {"rows": case.rows(case.tested), "what": what}


def undefined(case: Case) -> Parts | None:
    """A ranking metric that the test rows do not define."""
    found = case.tested
    score = found.metrics.get(found.metric) if found else None
    if found is None or (score is not None and score.value is not None):
        return None
    return {"metric": metric_title(found.metric), "rows": case.rows(found)}


def few_rows(case: Case) -> Parts | None:
    """Few test rows."""
    found = case.tested
    few = found is not None and found.rows < inputs.FEW_ROWS
    return {"rows": case.rows(found)} if found is not None and few else None


def few_of_a_class(case: Case) -> Parts | None:
    """Few test rows of one of two classes."""
    rows = inputs.class_rows(case.tested) if case.tested else {}
    if len(rows) != 2 or min(rows.values()) >= inputs.FEW_OF_A_CLASS or not min(rows.values()):
        return None
    name = min(rows, key=lambda each: rows[each])
    claim = case.book.derive("verdict/rarest", rows[name], unit="count", source=Evaluation.file,
                             place="/confusion", recipe="confusion")  # fmt: skip
    return {"rows": counted(claim, rows[name], "test row"), "class": name}


def _no_better(case: Case, standing: str, enough: bool | None) -> Parts | None:
    found = case.tested
    if found is None or inputs.against_constant(found) != standing:
        return None
    if enough is not None and inputs.enough_rows(found) != enough:
        return None
    return {
        "metric": metric_title(found.metric),
        "score": case.score(found.metric),
        "guess": case.guess(found.metric),
        "rows": case.rows(found),
    }


def worse(case: Case) -> Parts | None:
    """Worse than a constant guess."""
    return _no_better(case, "worse", None)


def no_better(case: Case) -> Parts | None:
    """Not better than a constant guess, though the test rows would show it."""
    return _no_better(case, "unclear", True)


def unclear(case: Case) -> Parts | None:
    """Not clearly better than a constant guess, on few rows."""
    return _no_better(case, "unclear", False)


def optimism(case: Case) -> Parts | None:
    """An optimistic selection score."""
    found = case.champion.holdout if case.champion else None
    if found is None or inputs.unjudged(found) or found.explained or (found.optimism or 0) <= 0:
        return None
    cite = case.book.cite
    return {
        "metric": metric_title(found.metric),
        "optimism": cite(Champion, "holdout", "optimism", unit="change",
                         recipe=f"holdout({found.metric})"),
        "rows": counted(cite(Champion, "holdout", "rows", unit="count", recipe="split"),
                         found.rows, "holdout row"),
    }  # fmt: skip


def few_holdout(case: Case) -> Parts | None:
    """Holdout rows that cannot tell how optimistic the selection is."""
    found = case.champion.holdout if case.champion else None
    if found is None or not inputs.unjudged(found):
        return {"rows": "there are no holdout rows"} if case.champion and not found else None
    claim = case.book.cite(Champion, "holdout", "rows", unit="count", recipe="split")
    if found.few:
        return {"rows": ["there are only ", *counted(claim, found.rows, "holdout row")]}
    return {
        "rows": [f"{metric_title(found.metric)} is not defined on the ", claim, " holdout rows"]
    }


def overfit(case: Case) -> Parts | None:
    """A test score that is clearly worse than the one the champion was selected by."""
    found, board = case.tested, case.book.get(Leaderboard)
    if found is None or board is None or case.champion is None or board.metric != found.metric:
        return None
    names = [entry.name for entry in board.entries]
    if case.champion.name not in names or found.metric not in found.metrics:
        return None
    place = names.index(case.champion.name)
    before, now = board.entries[place].score, found.metrics[found.metric]
    if greater_is_better(found.metric):
        before, now = -before, -now
    # Errors, now: the whole interval of the test's lies above that of the selection's.
    if before.high is None or now.low is None or now.low <= before.high:
        return None
    unit = metric_unit(found.metric)
    return {
        "metric": metric_title(found.metric),
        "score": case.score(found.metric),
        "before": case.book.cite(Leaderboard, "entries", place, "score", unit=unit,
                                 recipe="out_of_fold_metric"),
    }  # fmt: skip
