"""Checks of a label review: of the quick model, and of the reviewers' decisions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import formats, metrics
from toolkit.artifacts.base import Check
from toolkit.artifacts.labels import LabelReview
from toolkit.labels.events import Replay
from toolkit.labels.ranking import MINIMUM_CLASS_ROWS
from toolkit.project.model import Project

if TYPE_CHECKING:
    import pandas as pd

REVIEWED = "Labels reviewed by people"
MATCHED = "Decisions find their rows"
AGREED = "Reviewers agree"
USABLE = "Decisions can be applied"
PLACED = "Decisions fit their rows"
ABOUT_PEOPLE = (REVIEWED, MATCHED, AGREED, USABLE, PLACED)
_MANY_FLAGGED = 0.2
_MANY_OF_A_CLASS = 0.2
"""Of the labels, and of those of one class: more is likelier overlap of classes than error."""


def quick_model(
    project: Project, target: np.ndarray, scores: np.ndarray, classes: list[str]
) -> dict[str, Any]:
    """Return ``metric``, ``model_score`` and ``checks`` of the quick model, for `LabelReview`."""
    name, _ = metrics.resolve(project)
    metric = metrics.get(name)
    context = metrics.Context(project.target.task, classes, None, project.costs)
    constant = metrics.constant_scores(target, len(target), context, metric=name)
    score = metric(target, scores, context)
    guess = metric(target, constant, context)
    gain = metrics.paired_difference(
        metric,
        target,
        scores,
        constant,
        context,
        resampling=metrics.Resampling(project.explain.bootstrap, seed=project.seed),
    )
    sign = 1 if metric.greater_is_better else -1
    # The bound of the interval at which the model would look worst.
    worst = gain.low if metric.greater_is_better else gain.high
    better = worst is not None and sign * worst > 0
    check = Check(
        name="Quick model tells the classes apart" if classes else "Quick model predicts",
        severity="ok" if better else "warning",
        message=f"{metric.title} {formats.number(score, 4)} out of sample; a constant guess has"
        f" {formats.number(guess, 4)}."
        + ("" if better else " The difference could be chance, and so could the ranking."),
        remedy="" if better else "Read the queue as a random sample, or find better columns first",
    )
    return {"metric": name, "model_score": score, "checks": [check]}


def ranking(review: LabelReview, frame: pd.DataFrame, classes: list[str]) -> list[Check]:
    """Return checks of the ranking: too many flags, classes too rare to judge, the test rows."""
    counts = Counter(frame["given"].tolist()) if classes else Counter()
    found = [
        _flagged(review, counts),
        Check(
            name="Labels of test rows",
            severity="info",
            message="Test rows are neither scored nor corrected. If wrong labels are as frequent"
            " there, every test metric carries that error.",
        ),
    ]
    rare = [name for name in classes if 0 < counts[name] < MINIMUM_CLASS_ROWS]
    if rare:
        listed = ", ".join(f"{name} ({counts[name]})" for name in rare[:8])
        found.append(
            Check(
                name="Classes too rare to judge",
                severity="warning",
                message=f"{_plural(len(rare), 'class', 'classes')} with fewer than"
                f" {MINIMUM_CLASS_ROWS} rows: {listed}{' and others' * (len(rare) > 8)}. No label"
                " of theirs is flagged.",
                remedy="Look at all rows of these classes by hand",
            )
        )
    return found


def _flagged(review: LabelReview, counts: Counter[str]) -> Check:
    share = review.issues / review.rows if review.rows else 0.0
    crowded = [
        f"{name} ({formats.percent(flagged / counts[name])})"
        for name, flagged in review.issues_by_class.items()
        if flagged > _MANY_OF_A_CLASS * counts[name]
    ]
    uncertain = bool(crowded) or share > _MANY_FLAGGED
    message = f"{review.issues:,} of {review.rows:,} labels ({formats.share(share)}) are flagged"
    if crowded:
        message += f", a large part of the {_classes(crowded)}"
    if uncertain:
        message += (
            ". Label errors are rarely so frequent: these rows are hard to predict or ambiguous,"
            " and how many of their labels are wrong is uncertain"
        )
    return Check(
        name="Uncertain labels" if uncertain else "Labels that look wrong",
        severity="info" if review.issues else "ok",
        message=message + ".",
        remedy="Review the top of the queue; do not correct or drop the flagged rows as a whole"
        if uncertain
        else "",
    )


def uncertain(review: LabelReview) -> bool:
    """Whether so many labels are flagged that most are hard or ambiguous rather than wrong."""
    return any(check.name == "Uncertain labels" for check in review.checks)


def _classes(names: list[str], most: int = 6) -> str:
    listed = ", ".join(names[:most]) + " and others" * (len(names) > most)
    return f"class {listed}" if len(names) == 1 else f"classes {listed}"


def people(
    log: Replay, outside: set[int], unknown: set[int], *, reviewed: int, applied: bool
) -> list[Check]:
    """Return checks of the decisions: by whom, on rows that are found, without dispute.

    Parameters
    ----------
    log : Replay
        What the log decides.
    outside : set of int
        Decided rows that are not in train or validation.
    unknown : set of int
        Rows relabelled to something that the target cannot take.
    reviewed : int
        Decisions that count.
    applied : bool
        Whether they are applied.
    """
    found = [_reviewed(log, reviewed, applied)]
    if log.misplaced:
        listed = "; ".join(f"row {d.row}, {d.by}, {d.at}" for d in log.misplaced[:5])
        found.append(
            Check(
                name=PLACED,
                severity="critical",
                message=f"{_plural(len(log.misplaced), 'decision')} on this very table:"
                " the row does not hold what the decision's key says, so the line was"
                f" changed by hand. Not applied: {listed}{' …' * (len(log.misplaced) > 5)}.",
                remedy="Restore decisions/labels.jsonl from version control, or review again",
            )
        )
    if log.unmatched:
        found.append(
            Check(
                name=MATCHED,
                severity="warning",
                message=f"{_plural(len(log.unmatched), 'decision')} from an earlier table no longer"
                f" match{'es' if len(log.unmatched) == 1 else ''} a row of this one and"
                f" {'is' if len(log.unmatched) == 1 else 'are'} not applied.",
                remedy="Review again if these rows matter: their cells or labels have changed",
            )
        )
    if log.compared:
        agreed = log.compared - len(log.disputed)
        found.append(
            Check(
                name=AGREED,
                severity="warning" if log.disputed else "ok",
                message=f"On {agreed} of {_plural(log.compared, 'row')} that several people decided"
                " they agree" + (f"; not on {_rows(log.disputed)}" if log.disputed else "") + ".",
                remedy="The last decision counts; settle these rows together"
                if log.disputed
                else "",
            )
        )
    if outside or unknown:
        found.append(
            Check(
                name=USABLE,
                severity="warning",
                message=" ".join(
                    text
                    for rows, text in (
                        (outside, f"Not in train or validation: {_rows(sorted(outside))}."),
                        (unknown, f"Not a label of this target: {_rows(sorted(unknown))}."),
                    )
                    if rows
                )
                + " These decisions are not applied.",
                remedy="Undo them, or review these rows again",
            )
        )
    return found


def _reviewed(log: Replay, reviewed: int, applied: bool) -> Check:
    if log.events and not reviewed and not log.skipped:
        return Check(
            name=REVIEWED,
            severity="warning",
            message=f"The log holds {_plural(log.events, 'event')}, and no decision of them stands"
            " on a row of this table: the labels are used as recorded.",
            remedy="Find out why: another table, decisions that were undone, or rows of the test"
            " part",
        )
    if not log.events:
        return Check(
            name=REVIEWED,
            severity="warning",
            message="No person reviewed the labels: they are used as recorded.",
            remedy="Open 03_label_review.ipynb and decide on the rows in the queue",
        )
    names = ", ".join(f"{one.name} ({one.decisions})" for one in log.reviewers) or "nobody"
    return Check(
        name=REVIEWED,
        severity="ok" if reviewed and applied else "info",
        message=f"{_plural(reviewed, 'row')} decided; decisions by person: {names}."
        + ("" if applied else " They are recorded but not applied (labels.apply is off)."),
    )


def _plural(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _rows(rows: list[int], most: int = 8) -> str:
    listed = ", ".join(str(row) for row in rows[:most])
    return f"row {listed}" if len(rows) == 1 else f"rows {listed}" + " …" * (len(rows) > most)
