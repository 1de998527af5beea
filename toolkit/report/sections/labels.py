"""The labels: how many look wrong, and which people looked at them."""

from __future__ import annotations

from toolkit.artifacts import LabelPatch, LabelReview
from toolkit.artifacts.base import Facts
from toolkit.labels.checks import uncertain
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book
from toolkit.report.words import metric_title, metric_unit

SHOWN_CLASSES = 10
_DECISIONS = (("Accepted as given", "accepted"), ("Relabelled", "relabelled"),
              ("Dropped", "dropped"), ("Skipped", "skipped"))  # fmt: skip


def build(book: Book) -> Facts:
    """Return the section on the labels; it says plainly when no person reviewed them."""
    review = book.get(LabelReview)
    if review is None:
        lacking = book.missing(LabelReview, "Labels were not checked for errors")
        return blocks.section("labels", "Labels", [lacking])
    content = [
        _reviewed(book, review),
        _counts(book, review),
        blocks.table(
            "Who reviewed",
            ["Reviewer", "Decisions"],
            [
                [person.name, _cite(book, "reviewers", index, "decisions")]
                for index, person in enumerate(review.reviewers)
            ],
        ),
        blocks.table(
            "Flagged labels by given class",
            ["Class", "Rows"],
            [
                [name, _cite(book, "issues_by_class", name)]
                for name in list(review.issues_by_class)[:SHOWN_CLASSES]
            ],
        ),
        blocks.facts(
            [
                ("Ranked by", review.model),
                (
                    f"Its out-of-sample score ({metric_title(review.metric)})",
                    _cite(book, "model_score", unit=metric_unit(review.metric)),
                ),
            ]
        ),
        blocks.checks("Checks of the labels", review.checks, book.redact),
    ]
    return blocks.section("labels", "Labels", content)


def _cite(book: Book, *path: str | int, unit: str = "count") -> Facts:
    return book.cite(LabelReview, *path, unit=unit, recipe="labels")


def _reviewed(book: Book, review: LabelReview) -> Facts:
    """Return whether people reviewed the queue; where nobody did, as an open question."""
    if review.reviewed:
        part = "the whole queue" if review.reviewed >= review.queued else "a part of the queue"
        return blocks.prose(f"People reviewed {part} of flagged labels.")
    nobody = (
        "No person reviewed the labels"
        if review.events_digest is None
        else "No reviewer's decision applies to a row of this table"
    )
    return book.open_question(
        "labels.review", f"{nobody}: the model is trained and tested on them as given"
    )


def _counts(book: Book, review: LabelReview) -> Facts:
    issues = (
        "Labels that are uncertain: hard or ambiguous rows"
        if uncertain(review)
        else "Labels that look wrong"
    )
    rows: list[tuple[str, Cell]] = [
        ("Rows searched", _cite(book, "rows")),
        (issues, _cite(book, "issues")),
        ("Queued for a person", _cite(book, "queued")),
        ("Reviewed", _cite(book, "reviewed")),
    ]
    if review.reviewed:
        rows += [(label, _cite(book, name)) for label, name in _DECISIONS]
        rows += [
            ("Rows changed for training", _patched(book)),
            ("Decisions applied", "yes" if review.applied else "no"),
        ]
    return blocks.facts(rows)


def _patched(book: Book) -> Cell:
    patch = book.get(LabelPatch)
    if patch is None:
        return {"gap": "no patch was written"}
    changed = int(patch.frame["action"].isin(["relabel", "drop"]).sum())
    return book.derive("labels/changed", changed, unit="count", source=LabelPatch.file,
                       place="/action", recipe="count(action=relabel or drop)")  # fmt: skip
