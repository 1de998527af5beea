"""Models and champion: what was tried, what was chosen, and how scores become decisions."""

from __future__ import annotations

from toolkit.artifacts import Champion, Leaderboard, Search
from toolkit.artifacts.base import Facts
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book
from toolkit.report.words import metric_title, metric_unit

SHOWN_MODELS = 25


def build(book: Book) -> Facts:
    """Return the section on the search."""
    return blocks.section("models", "Models", [*_leaderboard(book), *_search(book), _budget(book)])


def _leaderboard(book: Book) -> list[Facts | None]:
    board = book.get(Leaderboard)
    if board is None:
        return [book.missing(Leaderboard, "No model was searched")]
    champion = book.get(Champion)
    chosen = champion.name if champion else ""
    unit = metric_unit(board.metric)
    title = metric_title(board.metric)
    shown = board.entries[:SHOWN_MODELS]
    rows: list[list[Cell]] = []
    for index, entry in enumerate(shown):
        rows.append(
            [
                entry.name + (" (champion)" if entry.name == chosen else ""),
                entry.engine,
                entry.family,
                book.cite(Leaderboard, "entries", index, "score", unit=unit,
                          recipe=f"validation_metric({board.metric})"),
                "yes" if entry.within_noise else ("best" if index == 0 else "no"),
                book.cite(Leaderboard, "entries", index, "size_kib", unit="KiB", recipe="size"),
            ]
        )  # fmt: skip
    data = {
        "metric": title,
        "greater_is_better": board.greater_is_better,
        "champion": chosen,
        "entries": [
            {"name": entry.name, "engine": entry.engine, "score": entry.score.model_dump()}
            for entry in shown
        ],
    }
    more = len(board.entries) - len(shown)
    return [
        blocks.figure("leaderboard", data, source=f"{Leaderboard.file}#/entries"),
        blocks.table(
            f"Models by {title} on the validation rows, best first",
            ["Model", "Engine", "Family", title, "Could equal the best", "Size"],
            rows,
            note=("Higher is better. " if board.greater_is_better else "Lower is better. ")
            + "Could equal the best: the paired difference to it spans zero."
            + (f" {more} models are not shown." if more > 0 else ""),
        ),
        blocks.facts(
            [
                ("Train rows", book.cite(Leaderboard, "train_rows", unit="count", recipe="split")),
                ("Validation rows",
                 book.cite(Leaderboard, "validation_rows", unit="count", recipe="split")),
            ]
        ),
    ]  # fmt: skip


def _search(book: Book) -> list[Facts | None]:
    search = book.get(Search)
    if search is None:
        return [book.missing(Search, "What the search did is not known")]
    return [
        blocks.heading("Search"),
        blocks.table(
            "Engines",
            ["Engine", "Version", "Models", "What did not work"],
            [
                [run.engine, run.version,
                 book.cite(Search, "engines", index, "models", unit="count", recipe="search"),
                 " ".join(run.failures) or "nothing"]
                for index, run in enumerate(search.engines)
            ],
        ),
        blocks.facts(
            [("Repeatable", ("yes: " if search.reproducible else "no: ")
              + search.reproducible_reason)]
        ),
        blocks.checks("Checks of the search", search.checks, book.discreet),
    ]  # fmt: skip


def _budget(book: Book) -> Facts:
    budget = book.project.automl.budget
    labels = {
        "models": ("H2O models, before ensembles", "count"),
        "trials": ("AutoKeras networks", "count"),
        "epochs": ("Most epochs for a network", "count"),
        "seconds": ("Time limit", "s"),
        "memory_gib": ("Memory of H2O's heap", "GiB"),
        "threads": ("Threads", "count"),
    }
    rows: list[tuple[str, Cell]] = []
    for name, (label, unit) in labels.items():
        value = getattr(budget, name)
        rows.append(
            (label, "none" if value is None else book.derive(
                f"automl/budget/{name}", value, unit=unit, source="run.json",
                place=f"/project/automl/budget/{name}", recipe="choice"))
        )  # fmt: skip
    return blocks.facts(rows)


def champion(book: Book) -> Facts:
    """Return the section on the champion."""
    found = book.get(Champion)
    if found is None:
        return blocks.section(
            "champion", "Champion", [book.missing(Champion, "No champion was chosen")]
        )
    rows: list[tuple[str, Cell]] = [
        ("Model", found.name),
        ("Engine", found.engine),
        ("Family", found.family),
        ("Chosen", "by a person" if found.rule == "by hand" else "by rule: the best score"),
        ("Reason", found.reason or {"gap": "no reason was given"}),
    ]
    if found.best != found.name:
        rows.append(("Top of the leaderboard", found.best))
    return blocks.section(
        "champion",
        "Champion",
        [
            blocks.facts(rows),
            *_calibration(book, found),
            *_threshold(book, found),
            blocks.checks("Checks of the champion", found.checks, book.discreet),
        ],
    )


def _calibration(book: Book, found: Champion) -> list[Facts | None]:
    if book.project.target.task == "regression":
        return []
    after = [each.model_dump() for each in found.calibration_after]
    before = [each.model_dump() for each in found.calibration_before]
    curves = [
        {"label": label, "bins": bins}
        for label, bins in (("before", before), (f"after ({found.calibration})", after))
        if bins
    ]
    rows: list[tuple[str, Cell]] = [("Calibration", found.calibration)]
    if found.calibration_error is not None:
        rows.append(
            ("Expected calibration error after it, cross-fitted",
             book.cite(Champion, "calibration_error", unit="score", recipe="calibration"))
        )  # fmt: skip
    return [
        blocks.heading("Calibration"),
        blocks.figure("calibration", {"curves": curves, "rows": "validation"},
                      source=f"{Champion.file}#/calibration_before and /calibration_after")
        if curves else None,
        blocks.table(
            "Log loss by calibration, cross-validated on the validation rows",
            ["Calibration", "Log loss"],
            [
                [name, book.cite(Champion, "calibration_scores", name, unit="score",
                                 recipe="calibration")]
                for name in found.calibration_scores
            ],
        ),
        blocks.facts(rows),
    ]  # fmt: skip


def _threshold(book: Book, found: Champion) -> list[Facts | None]:
    if found.threshold is None:
        return []
    unit = book.project.costs.unit or "cost unit"
    data = {
        "threshold": found.threshold,
        "unit": unit,
        "curve": [point.model_dump() for point in found.threshold_curve],
    }
    return [
        blocks.heading("Threshold"),
        blocks.figure("threshold", data, source=f"{Champion.file}#/threshold_curve")
        if found.threshold_curve else None,
        blocks.facts(
            [
                ("Threshold", book.cite(Champion, "threshold", unit="score", recipe="threshold")),
                ("How it was set", found.threshold_rule or {"gap": "not recorded"}),
            ]
        ),
    ]  # fmt: skip
