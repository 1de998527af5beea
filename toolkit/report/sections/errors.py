"""Where the champion errs: the error tree, confusions, and errors over ranges and time."""

from __future__ import annotations

from toolkit.artifacts import ErrorCurve, ErrorsFound
from toolkit.artifacts.base import Facts
from toolkit.plots.style import shorten
from toolkit.report import blocks
from toolkit.report.book import Book

DRAWN_CURVES = 3
HIDDEN = "[a column that is not shown]"


def build(book: Book) -> Facts:
    """Return the section on errors."""
    found = book.get(ErrorsFound)
    title = "Error analysis"
    if found is None:
        gap = book.missing(ErrorsFound, "Errors were not analysed")
        return blocks.section("errors", title, [gap])
    unit = "target" if found.measure.startswith("mean residual") else "score"
    rows = [
        ("Test rows analysed", book.cite(ErrorsFound, "rows", unit="count", recipe="split")),
        (found.loss.capitalize(), book.cite(ErrorsFound, "mean_loss", unit=unit,
                                            recipe="error_tree")),
    ]  # fmt: skip
    if found.measure != found.loss:
        cell = book.cite(ErrorsFound, "overall", unit=unit, recipe="error_curve")
        rows.append((found.measure.capitalize(), cell))
    return blocks.section(
        "errors",
        title,
        [
            blocks.facts(rows),
            *_tree(book, found, unit),
            *_confusions(book, found),
            *_curves(book, found, unit),
            blocks.checks("Checks of the errors", found.checks, book.redact),
        ],
    )


def _tree(book: Book, found: ErrorsFound, unit: str) -> list[Facts | None]:
    if not found.tree:
        return []
    # A condition on a hidden column would show its values.
    nodes = [
        node.model_copy(update={"condition": HIDDEN if node.depth else "", "where": HIDDEN})
        if set(node.columns) & book.hidden
        else node
        for node in found.tree
    ]
    shown = found.model_copy(update={"tree": nodes})
    leaves = [(i, node) for i, node in enumerate(nodes) if node.leaf]
    leaves.sort(key=lambda item: -(item[1].loss.value or 0.0))
    return [
        blocks.heading("Error tree"),
        blocks.figure("evaluate.tree", shown, "tree"),
        blocks.table(
            "Leaves of the error tree on held-out rows",
            ["Where", "Rows", found.loss.capitalize(), "p (corrected)", "Verdict"],
            [
                [node.where,
                 book.cite(ErrorsFound, "tree", i, "rows", unit="count", recipe="error_tree"),
                 book.cite(ErrorsFound, "tree", i, "loss", unit=unit, recipe="error_tree"),
                 book.cite(ErrorsFound, "tree", i, "p_value", unit="p", recipe="error_tree"),
                 blocks.status("caution" if node.worse else "info", node.verdict)]
                for i, node in leaves
            ],
            note="The tree was grown on the other half of the test rows. A class that is hard to"
            " tell has a higher loss even for the best model.",
        ),
    ]  # fmt: skip


def _confusions(book: Book, found: ErrorsFound) -> list[Facts | None]:
    return [
        blocks.table(
            "Most frequent confusions",
            ["Actual class", "Decided", "Rows", "Share of the class",
             "Most confident errors (rows of the table)"],
            [
                [each.actual, each.decided,
                 book.cite(ErrorsFound, "confusions", i, "rows", unit="count",
                           recipe="confusion_rows"),
                 book.cite(ErrorsFound, "confusions", i, "share", unit="share",
                           recipe="confusion_rows"),
                 ", ".join(str(row) for row in each.examples)]
                for i, each in enumerate(found.confusions)
            ],
        )
    ]  # fmt: skip


def _curves(book: Book, found: ErrorsFound, unit: str) -> list[Facts | None]:
    shown = [(i, each) for i, each in enumerate(found.curves) if each.over not in book.hidden]
    content: list[Facts | None] = [blocks.heading("Errors over ranges and time")] if shown else []
    for place, (_, each) in enumerate(shown):
        if place < DRAWN_CURVES:
            one = found.model_copy(update={"curves": [each], "tree": []})
            content.append(blocks.figure("evaluate.curve", one, "curves", over=each.over))
    rows = [
        [_over(each) if k == 0 else "", part.name,
         book.cite(ErrorsFound, "curves", i, "parts", k, "rows", unit="count",
                   recipe="error_curve"),
         book.cite(ErrorsFound, "curves", i, "parts", k, "value", unit=unit, recipe="error_curve")]
        for i, each in shown
        for k, part in enumerate(each.parts)
    ]  # fmt: skip
    content.append(
        blocks.table(
            f"{found.measure.capitalize()} by range",
            ["Over", "Range", "Rows", found.measure.capitalize()],
            rows,
            note="Shown are the columns with which the model's output varies most.",
        )
    )
    return content


def _over(curve: ErrorCurve) -> str:
    return shorten(curve.over, 60) + (" (time)" if curve.kind == "time" else "")
