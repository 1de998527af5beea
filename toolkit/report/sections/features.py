"""Features: how the table's columns become what the engines get."""

from __future__ import annotations

from toolkit.artifacts import FeatureMap
from toolkit.artifacts.automl import DerivedColumn
from toolkit.artifacts.base import Facts
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book

SHOWN_COLUMNS = 30
_SHOWN_WHAT = 4
_NAMED = {"date", "number", "boolean", "duration", "ratio"}
"""Kinds whose derived columns are named; other names may hold values of the table."""


def features(book: Book) -> list[Facts | None]:
    """Return the blocks on feature engineering."""
    found = book.get(FeatureMap)
    if found is None:
        return [book.missing(FeatureMap, "Derived features were not recorded")]
    by_source: dict[str, list[DerivedColumn]] = {}
    for column in found.columns:
        by_source.setdefault(column.sources[0], []).append(column)
    ranked = sorted(by_source, key=lambda name: -len(by_source[name]))
    changed = [name for name in ranked if len(by_source[name]) > 1][:SHOWN_COLUMNS]
    total = book.derive("features/columns", len(found.columns), unit="count",
                        source=FeatureMap.file, place="/columns", recipe="features")  # fmt: skip
    rows: list[tuple[str, Cell]] = [("Derived features", total)]
    if found.left_out:
        rows.append(("Columns without a usable feature", ", ".join(found.left_out)))
    return [
        blocks.heading("Features"),
        blocks.prose(
            "Each derived feature is traced to the columns that it comes from. Transformations were"
            " fitted without the target."
        ),
        blocks.figure("automl.feature_overview", _bare(found)) if changed else None,
        blocks.facts(rows),
        blocks.table(
            "Columns with several derived features",
            ["Column", "Derived features", "How"],
            [[name, _count(book, name, by_source[name]), _what(by_source[name])]
             for name in changed],
        ),
        *(blocks.prose(note) for note in found.notes),
    ]  # fmt: skip


def _count(book: Book, name: str, made: list[DerivedColumn]) -> Cell:
    return book.derive(f"features/{name}", len(made), unit="count", source=FeatureMap.file,
                       place="/columns", recipe=f"features({name})")  # fmt: skip


def _what(made: list[DerivedColumn]) -> str:
    texts = list(
        dict.fromkeys(
            f"{column.what} ({column.name})" if column.kind in _NAMED else column.what
            for column in made
        )
    )
    more = len(texts) - _SHOWN_WHAT
    return "; ".join(texts[:_SHOWN_WHAT]) + (f"; {more} more" if more > 0 else "")


def _bare(found: FeatureMap) -> FeatureMap:
    """Return what the figure needs: names and parameters may hold values of the table."""
    columns = [
        DerivedColumn(name=str(place), sources=column.sources, kind=column.kind, what="")
        for place, column in enumerate(found.columns)
    ]
    return found.model_copy(update={"columns": columns})
