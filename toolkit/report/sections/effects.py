"""Global effects: partial dependence, interactions, SHAP and permutation importance, a tree."""

from __future__ import annotations

from typing import Any

from toolkit.artifacts import FeatureEffect, GlobalEffects, Interactions, Surrogate
from toolkit.artifacts.base import COMMON, Facts
from toolkit.plots.explain.shared import marked
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book
from toolkit.report.words import metric_title

SHOWN_COLUMNS, SHOWN_PAIRS, SHOWN_RANKS, SHOWN_CURVES = 3, 5, 8, 15


def build(book: Book) -> Facts:
    """Return the section."""
    found = book.get(GlobalEffects)
    if found is None:
        missing = book.missing(GlobalEffects, "The global explanation was not computed")
        return blocks.section("effects", "Global explanation", [missing])
    return blocks.section(
        "effects",
        "Global explanation",
        [
            *_effects(book, found),
            *_interactions(book, found),
            *_importances(book, found),
            *_tree(book, found),
            blocks.checks("Checks of the effects", found.checks, book.redact),
        ],
    )


def _only(found: GlobalEffects, **kept: Any) -> GlobalEffects:
    """Return the effects without what a figure does not draw."""
    empty = {
        "effects": [],
        "stability": [],
        "checks": [],
        "interactions": Interactions(),
        "permutation": found.permutation.model_copy(update={"columns": []}),
        "surrogate": Surrogate(),
    }
    return found.model_copy(update=empty | kept)


def _count(book: Book, *path: str | int) -> Facts:
    return book.cite(GlobalEffects, *path, unit="count", recipe="global_effects")


def _effects(book: Book, found: GlobalEffects) -> list[Facts | None]:
    shown = [each for each in found.effects if each.column not in book.hidden][:SHOWN_COLUMNS]
    of = found.outputs[0]
    content: list[Facts | None] = [
        blocks.facts(
            [
                ("Effects are in units of the", found.output),
                ("Training rows used", _count(book, "rows")),
                ("Training rows in total", _count(book, "of_rows")),
                ("Rows behind partial dependence", _count(book, "effect_rows")),
                ("Rows behind accumulated local effects", _count(book, "ale_rows")),
                ("Model evaluations (rows)", _count(book, "evaluations")),
            ]
        ),
        blocks.prose(
            "Partial dependence sets every row to a value and averages the output; where columns"
            " are correlated, such rows may not exist, and the range is hatched. Accumulated local"
            " effects move a row only to values close to its own."
        ),
    ]
    for each in shown:
        content.append(
            blocks.figure("explain.effect", _only(found, effects=[_redacted(each, of)]), "effects",
                          column=each.column, of=of)
        )  # fmt: skip
    return content


def _redacted(each: FeatureEffect, of: str) -> FeatureEffect:
    """Return an effect with fewer curves, and rare categories unnamed."""
    curve = each.curves[of]
    step = max(1, len(curve.ice) // SHOWN_CURVES)
    few = curve.model_copy(update={"ice": curve.ice[::step]})
    levels = [
        level if rows >= COMMON else "[rare category]"
        for level, rows in zip(each.levels, each.counts, strict=False)
    ]
    return each.model_copy(update={"curves": {of: few}, "levels": levels})


def _interactions(book: Book, found: GlobalEffects) -> list[Facts | None]:
    pairs = found.interactions.pairs
    if not pairs:
        return []

    def number(place: int, name: str) -> Cell:
        if getattr(pairs[place], name).value is None:
            return "negligible joint effect"
        return book.cite(GlobalEffects, "interactions", "pairs", place, name, unit="score",
                         recipe="interaction")  # fmt: skip

    return [
        blocks.heading("Interactions"),
        blocks.figure("explain.interactions", _only(found, interactions=found.interactions)),
        blocks.table(
            "Strongest interactions",
            ["Pair", "Size", "Friedman's H"],
            [
                [f"{pair.first} and {pair.second}", number(place, "size"), number(place, "h")]
                for place, pair in enumerate(pairs[:SHOWN_PAIRS])
            ],
            note="Size is in units of the output: the part of the joint effect that no sum of"
            " single effects gives. Intervals are two standard errors.",
        ),
    ]


def _importances(book: Book, found: GlobalEffects) -> list[Facts | None]:
    comparison = found.permutation
    odd = [place for place, each in enumerate(comparison.columns) if each.why]
    rows: list[tuple[str, Cell]] = [
        ("Metric", metric_title(comparison.metric)),
        ("Test rows permuted", _count(book, "permutation", "rows")),
        ("Permutations of a column", _count(book, "permutation", "repeats")),
    ]
    if comparison.agreement is not None:
        rows.append(
            ("Rank correlation with SHAP importance",
             book.cite(GlobalEffects, "permutation", "agreement", unit="score",
                       recipe="global_effects"))
        )  # fmt: skip
    content: list[Facts | None] = [
        blocks.heading("SHAP and permutation importance"),
        blocks.facts(rows),
    ]
    if comparison.columns:
        content.append(
            blocks.figure("explain.importances", _only(found, permutation=comparison), "suspects")
        )
    path = ("permutation", "columns")
    content.append(
        blocks.table(
            "Columns ranked differently by the two",
            ["Column", "Rank by SHAP", "Rank by permutation", "Metric worse by", "Possible reason"],
            [
                [
                    marked(comparison.columns[place].column, found.suspects, 200),
                    _count(book, *path, place, "shap_rank"),
                    _count(book, *path, place, "rank"),
                    book.cite(
                        GlobalEffects, *path, place, "loss", unit="change", recipe="permutation"
                    ),
                    comparison.columns[place].why,
                ]
                for place in odd
            ],
        )
    )
    if not odd:
        content.append(blocks.prose("Both rank the columns much alike."))
    content.append(_stability(book, found))
    return content


def _stability(book: Book, found: GlobalEffects) -> Facts | None:
    return blocks.table(
        "Stability of the ranks by SHAP importance",
        ["Column", "Rank", "Kept in", "Lowest rank", "Highest rank", "Among the first 3 in"],
        [
            [
                marked(each.column, found.suspects, 200),
                *(
                    book.cite(GlobalEffects, "stability", place, name, unit=unit,
                              recipe="stability")
                    for name, unit in (("rank", "count"), ("kept", "share"), ("low", "count"),
                                       ("high", "count"), ("top3", "share"))
                ),
            ]
            for place, each in enumerate(found.stability[:SHOWN_RANKS])
        ],
        note="Over resamples of the explained rows; the lowest and highest rank hold 95% of them.",
    )  # fmt: skip


def _tree(book: Book, found: GlobalEffects) -> list[Facts | None]:
    tree = found.surrogate
    if not tree.nodes:
        return []

    def cite(name: str, unit: str) -> Facts:
        return book.cite(GlobalEffects, "surrogate", name, unit=unit, recipe="surrogate")

    rows: list[tuple[str, Cell]] = [("Training rows", cite("rows", "count")),
                                    ("Test rows", cite("test_rows", "count"))]  # fmt: skip
    if tree.r2 is not None:
        rows.append(("Variance of the output explained (R²)", cite("r2", "score")))
    if tree.agreement is not None:
        rows.append(("Agreement of decisions", cite("agreement", "share")))
    return [
        blocks.heading("Surrogate tree"),
        blocks.figure("explain.tree", _only(found, surrogate=tree)),
        blocks.facts(rows),
    ]
