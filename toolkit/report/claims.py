"""From a run to ``report.json``: every number once, with where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterable

from toolkit import canonical, paths
from toolkit.artifacts import Gap, LabelReview, ReportData, Verdict
from toolkit.project.completeness import Question, questions
from toolkit.report.book import Book, every_artifact
from toolkit.report.provenance import provenance, stale, times
from toolkit.report.sections import (
    champion,
    content,
    data,
    effects,
    errors,
    explanation,
    fairness_detail,
    governance,
    labels,
    models,
    problem,
    results,
    robustness,
    rows,
    summary,
)
from toolkit.report.verdict import judge
from toolkit.run.stage import Stage


def claims(stage: Stage) -> ReportData:
    """Read every artefact of the run and return what the report shows.

    What is missing becomes a gap in its place. Two equal runs give equal data but for
    ``times``.

    Parameters
    ----------
    stage : Stage
        The stage ``report``, open.
    """
    # Choices are logged there: a report made before the last click is out of date.
    stage.depends(stage.file.decisions / "choices.jsonl")
    book = Book(stage)
    for kind in every_artifact():
        book.get(kind)
    book.questions = asked(stage, book)
    gaps = open_questions(book.questions)
    share = answered_share(book.questions)
    notes, outdated = _notes(stage), stale(book)
    verdict, shown = judge(book, outdated)
    sections = [
        summary.build(book, shown, gaps, len(notes) + len(outdated)),
        problem.build(book),
        data.build(book),
        labels.build(book),
        models.build(book),
        champion.build(book),
        results.build(book),
        errors.build(book),
        robustness.build(book),
        explanation.build(book),
        content.build(book),
        effects.build(book),
        rows.build(book),
        fairness_detail.build(book),
        governance.limitations(book, notes, outdated),
        governance.governance(book, gaps, share),
    ]
    report = ReportData(
        title=book.project.report.title.strip() or book.project.name,
        verdict=Verdict.model_validate(book.values.sweep(verdict.model_dump(mode="json"))),
        sections=[book.values.sweep(section) for section in sections],
        claims=book.claims,
        gaps=gaps,
        completeness=share,
        provenance=provenance(book),
        times=times(book),
    )
    # Through JSON and back, so that what is shown now equals what is read later.
    return ReportData.model_validate(json.loads(canonical.dumps(report.model_dump(mode="json"))))


def asked(stage: Stage, book: Book | None = None) -> list[Question]:
    """Return what people are asked about this project, with what is answered.

    Labels count as reviewed once people went through the whole queue.
    """
    review = (book or Book(stage)).get(LabelReview)
    done = review is not None and review.reviewed > 0 and review.queued <= review.reviewed
    return questions(stage.project, stage.file.sources(), labels_reviewed=done)


def open_questions(items: Iterable[Question]) -> list[Gap]:
    """Return what is not answered yet, what is required first."""
    gaps = [
        Gap(key=each.key, what=each.what, required=each.required, where=each.where)
        for each in items
        if not each.answered
    ]
    return sorted(gaps, key=lambda gap: not gap.required)


def answered_share(items: Iterable[Question]) -> float:
    """Return the share of required questions that are answered, 0 to 1."""
    required = [each.answered for each in items if each.required]
    return round(sum(required) / len(required), 6) if required else 1.0


def _notes(stage: Stage) -> list[tuple[str, str]]:
    records = stage.run.manifest().stages
    found = [
        (name, note)
        for name in paths.STAGES
        if name in records and name != stage.name
        for note in records[name].notes
    ]
    return found + [(stage.name, note) for note in stage.notes]
