"""Limitations and governance: what was skipped, and who answers for the model."""

from __future__ import annotations

from toolkit.artifacts.base import Facts
from toolkit.artifacts.report import Gap
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book
from toolkit.report.words import STAGES

_ANSWERS = {None: "not answered", True: "yes", False: "no"}


def limitations(book: Book, notes: list[tuple[str, str]], stale: list[tuple[str, str]]) -> Facts:
    """Return the section on what was skipped or degraded.

    Parameters
    ----------
    book : Book
    notes : list of (stage, text)
        What the stages noted.
    stale : list of (stage, text)
        Stages whose results no longer follow from the choices and files.
    """
    content: list[Facts | None] = [
        blocks.table(
            "Results that are out of date",
            ["Stage", "Why"],
            [[STAGES[stage], text] for stage, text in stale],
        ),
        blocks.table(
            "Skipped or degraded steps",
            ["Stage", "Note"],
            [[STAGES[stage], text] for stage, text in notes],
        )
        or blocks.prose("No stage reported a skipped or degraded step."),
        blocks.facts(
            [("Out of scope", book.project.problem.out_of_scope.strip() or {"gap": "not stated"}),
             ("Constraints", book.project.problem.constraints.strip() or {"gap": "not stated"})]
        ),
        blocks.prose(
            "Numbers on the test rows hold for rows like these. They say nothing about other"
            " people, places or times; intervals count sampling error only."
        ),
    ]  # fmt: skip
    return blocks.section("limitations", "Limitations and notes", content)


def governance(book: Book, gaps: list[Gap], share: float) -> Facts:
    """Return the section on who answers for the model, and what is still open."""
    project = book.project
    given = project.governance
    rows: list[tuple[str, Cell]] = [
        ("Risk tier", given.risk_tier if given.risk_tier != "unrated" else {"gap": "not rated"}),
        ("Owner", given.owner.strip() or {"gap": "not named"}),
        ("Reviewer", given.reviewer.strip() or {"gap": "not named"}),
        ("Review date", given.review_date.isoformat() if given.review_date else {"gap": "not set"}),
        ("Notes", given.notes.strip() or "none"),
    ]
    fairness = project.fairness
    answers: list[tuple[str, Cell]] = [
        ("Does the decision affect people?", _ANSWERS[fairness.people_affected]),
        ("Is the outcome something people want?", _ANSWERS[fairness.outcome_is_benefit]),
        ("Is the recorded outcome free of unfair treatment?", _ANSWERS[fairness.label_trusted]),
        ("Which error harms a person more?", fairness.errors_matter_most.replace("_", " ")),
        ("Protected columns checked by a person?", _ANSWERS[fairness.protected_confirmed]),
    ]
    completeness = book.derive("completeness", share, unit="share", source="run.json",
                               place="/project", recipe="completeness")  # fmt: skip
    content: list[Facts | None] = [
        blocks.facts(rows),
        blocks.quote(project.report.statement.strip(), given.owner.strip() or "the owner")
        if project.report.statement.strip()
        else book.open_question("report.statement", "The owner has not made a closing statement"),
        blocks.heading("Answers on fairness"),
        blocks.facts(answers),
        blocks.heading("Open questions"),
        blocks.facts([("Required questions answered", completeness)]),
        blocks.table(
            "Open questions",
            ["What", "Project key", "Needed", "Answered in"],
            [
                [gap.what, gap.key,
                 blocks.status("bad", "required") if gap.required
                 else blocks.status("caution", "recommended"),
                 gap.where]
                for gap in gaps
            ],
        ) or blocks.prose("No question is open."),
    ]  # fmt: skip
    return blocks.section("governance", "Governance", content)
