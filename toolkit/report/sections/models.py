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
    bare = [entry.model_copy(update={"metrics": {}, "details": {}}) for entry in shown]
    more = len(board.entries) - len(shown)
    return [
        blocks.figure("automl.leaderboard", board.model_copy(update={"entries": bare})),
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
                 book.cite(Leaderboard, "scored_rows", unit="count", recipe="split")),
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
    rows: list[tuple[str, Cell]] = [("Calibration", found.calibration)]
    if found.calibration_error is not None:
        rows.append(
            ("Expected calibration error after it, cross-fitted",
             book.cite(Champion, "calibration_error", unit="score", recipe="calibration"))
        )  # fmt: skip
    return [
        blocks.heading("Calibration"),
        blocks.figure(
            "automl.calibration", found,
            "calibration_before", "calibration_after", "calibration_error", "threshold",
        ) if found.calibration_before else None,
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
    return [
        blocks.heading("Threshold"),
        blocks.figure("automl.threshold", found, "threshold", "threshold_rule", "threshold_curve")
        if found.threshold_curve else None,
        blocks.facts(
            [
                ("Threshold", book.cite(Champion, "threshold", unit="score", recipe="threshold")),
                ("How it was set", found.threshold_rule or {"gap": "not recorded"}),
            ]
        ),
    ]  # fmt: skip
