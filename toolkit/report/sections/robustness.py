"""Robustness: the champion's score under noise, gaps, shifts, and outside the data."""

from __future__ import annotations

from toolkit.artifacts import Robustness
from toolkit.artifacts.base import Facts
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book
from toolkit.report.words import metric_title, metric_unit

SHOWN = 15
_RECIPE = "perturbed"


def build(book: Book) -> Facts:
    """Return the section on robustness."""
    found = book.get(Robustness)
    if found is None:
        gap = book.missing(Robustness, "Robustness was not tested")
        return blocks.section("robustness", "Robustness", [gap])
    unit, title = metric_unit(found.metric), metric_title(found.metric)
    rows: list[tuple[str, Cell]] = [
        ("Test rows perturbed", book.cite(Robustness, "rows", unit="count", recipe="split")),
        (f"{title}, unperturbed", book.cite(Robustness, "baseline", unit=unit, recipe=_RECIPE)),
        ("Model evaluations (rows)", book.cite(Robustness, "evaluations", unit="count",
                                                 recipe=_RECIPE)),
    ]  # fmt: skip
    if found.constant is not None:
        cell = book.cite(Robustness, "constant", unit=unit, recipe=f"constant({found.metric})")
        rows.insert(2, (f"{title} of a constant guess", cell))
    return blocks.section(
        "robustness",
        "Robustness",
        [
            blocks.facts(rows),
            blocks.figure("evaluate.doses", found, "noise", "blanks"),
            _doses(book, found, title, unit),
            blocks.heading("Missing and shifted columns"),
            blocks.figure("evaluate.missing", found, "missing", "unseen"),
            _harms(book, found, title, unit),
            blocks.figure("evaluate.shifts", found, "shifts") if found.shifts else None,
            _extremes(book, found),
            *_outside(book, found),
            blocks.checks("Checks of robustness", found.checks, book.redact),
        ],
    )


def _doses(book: Book, found: Robustness, title: str, unit: str) -> Facts | None:
    named = {
        "noise": "Noise of {:g} standard deviations",
        "blanks": "{:.0%} of cells missing",
    }
    rows: list[list[Cell]] = []
    for name, words in named.items():
        for i, each in enumerate(getattr(found, name)):
            if each.strength:
                changed: Cell = "–"
                if each.changed is not None:
                    changed = book.cite(Robustness, name, i, "changed", unit="share",
                                        recipe=_RECIPE)  # fmt: skip
                rows.append(
                    [words.format(each.strength),
                     book.cite(Robustness, name, i, "score", unit=unit, recipe=_RECIPE), changed]
                )  # fmt: skip
    return blocks.table(
        f"{title} of perturbed rows",
        ["Perturbation", f"{title} (range of repeats)", "Share of changed decisions"],
        rows,
    )


def _harms(book: Book, found: Robustness, title: str, unit: str) -> Facts | None:
    kinds = {"missing": "missing in all rows", "unseen": "an unseen value"}
    rows = [
        [each.column, words,
         book.cite(Robustness, name, i, "score", unit=unit, recipe=_RECIPE),
         book.cite(Robustness, name, i, "harm", unit="change", recipe=_RECIPE)]
        for name, words in kinds.items()
        for i, each in enumerate(getattr(found, name)[:SHOWN])
    ]  # fmt: skip
    return blocks.table(
        "Columns set to missing or to an unseen value",
        ["Column", "Perturbation", title, "Worse by"],
        rows,
    )


def _extremes(book: Book, found: Robustness) -> Facts | None:
    words = {
        "lowest": "lowest training value",
        "highest": "highest training value",
        "below": "half the range below it",
        "above": "half the range above it",
    }
    shown = [(i, each) for i, each in enumerate(found.extremes) if each.column not in book.hidden][
        : 2 * SHOWN
    ]
    return blocks.table(
        "Columns set to the ends of their training range and beyond",
        ["Column", "Set to", "Value", "Change of the mean prediction"],
        [
            [each.column, words.get(each.setting, each.setting),
             book.cite(Robustness, "extremes", i, "value", recipe=_RECIPE),
             book.cite(Robustness, "extremes", i, "change", unit="change", recipe=_RECIPE)]
            for i, each in shown
        ],
    )  # fmt: skip


def _outside(book: Book, found: Robustness) -> list[Facts | None]:
    if not found.outside:
        return []
    regression = book.project.target.task == "regression"
    what = "Outside the training targets" if regression else "Overconfident share"
    return [
        blocks.heading("Out of distribution"),
        blocks.figure("evaluate.outside", found, "outside"),
        blocks.table(
            "Out-of-distribution rows",
            ["Made by", "Rows", what, "Verdict"],
            [
                [each.made,
                 book.cite(Robustness, "outside", i, "rows", unit="count", recipe=_RECIPE),
                 book.cite(Robustness, "outside", i, "share", unit="share", recipe=_RECIPE),
                 blocks.status("good" if each.verdict == "cautious" else "caution", each.verdict)]
                for i, each in enumerate(found.outside)
            ],
            note="Share of predictions beyond the training rows' targets."
            if regression
            else "Share predicted with a higher confidence than 95 % of the test rows; it should"
            " stay below 5 %.",
        ),
    ]  # fmt: skip
