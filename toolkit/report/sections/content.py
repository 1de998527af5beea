"""Texts and images: the contributions that may be shown, and how exact they are."""

from __future__ import annotations

from toolkit.artifacts import ContentColumn, ContentExplanation, ContentRow
from toolkit.artifacts.base import Facts
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book

SHOWN_IMAGES = 3
"""Heat maps of each column of images."""


def build(book: Book) -> Facts:
    """Return the section. Words of texts are never shown: they may name a person."""
    found = book.get(ContentExplanation)
    if found is None:
        content: list[Facts | None] = [
            book.missing(ContentExplanation, "Texts and images were not explained")
        ]
    elif not found.columns:
        content = [blocks.prose(found.said)]
    else:
        content = _content(book, found)
    return blocks.section("texts_images", "Inside texts and images", content)


def _content(book: Book, found: ContentExplanation) -> list[Facts | None]:
    def cite(name: str, unit: str) -> Facts:
        return book.cite(ContentExplanation, name, unit=unit, recipe="contents")

    rows: list[tuple[str, Cell]] = [
        ("Output explained", found.output),
        ("Test rows to choose from", cite("looked", "count")),
        ("Model evaluations", cite("evaluations", "count")),
        ("Largest additivity error", cite("additivity_error", "error")),
        ("Tolerance", cite("additivity_tolerance", "error")),
    ]
    content: list[Facts | None] = [
        blocks.facts(rows),
        blocks.prose(
            "Parts of a row's text or image were masked, and the row was scored again with its"
            " other columns unchanged. A part's value is its contribution to the model's output."
            " Words are not shown here, since they may name a person: the notebook shows them."
        ),
    ]
    for index, column in enumerate(found.columns):
        content += [blocks.heading(f"Inside {column.column}"), _facts(book, index, column)]
        content += _pictures(book, found, column)
    return [*content, blocks.checks("Checks of texts and images", found.checks, book.redact)]


def _facts(book: Book, index: int, column: ContentColumn) -> Facts:
    def cite(name: str, unit: str = "count") -> Facts:
        return book.cite(ContentExplanation, "columns", index, name, unit=unit, recipe="contents")

    parts = "words" if column.kind == "text" else "patches"
    return blocks.facts(
        [
            ("What is masked", column.masking),
            ("Rows explained", cite("rows")),
            ("Rows without content", cite("empty")),
            (f"Values of {parts}", cite("parts")),
            ("Smaller than twice their standard error", cite("unclear")),
            ("Standard errors, relative to the values", cite("noise", "share")),
            ("Permutations per row (0: exact)", cite("orders")),
        ]
    )


def _pictures(book: Book, found: ContentExplanation, column: ContentColumn) -> list[Facts | None]:
    if column.kind != "image" or not book.project.report.pictures or column.column in book.hidden:
        return []
    rows = [row for row in found.rows if row.column == column.column]
    return [
        blocks.figure(
            "explain.heat",
            found.model_copy(update={"rows": [row]}),
            "output",
            "rows",
        )
        for row in _varied(rows)
    ]


def _varied(rows: list[ContentRow]) -> list[ContentRow]:
    """Return the first row of each kind, then others."""
    first = list({row.why: row for row in reversed(rows)}.values())[::-1]
    rest = [row for row in rows if row not in first]
    return (first + rest)[:SHOWN_IMAGES]
