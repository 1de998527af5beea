"""Models: the leaderboard, constraints, and the search's settings and failures."""

from __future__ import annotations

from toolkit.artifacts import Champion, Entry, Leaderboard, SearchSummary
from toolkit.artifacts.base import Facts
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book
from toolkit.report.sections.features import features
from toolkit.report.words import metric_title, metric_unit

SHOWN_MODELS = 25
SHOWN_TRIALS = 20
_MODES = {"increasing": "non-decreasing", "decreasing": "non-increasing"}


def build(book: Book) -> Facts:
    """Return the section on the search."""
    return blocks.section(
        "models",
        "Models",
        [
            *_leaderboard(book),
            _winner(book),
            *_ensembles(book),
            *_rules(book),
            *features(book),
            *_search(book),
            _budget(book),
        ],
    )


def _leaderboard(book: Book) -> list[Facts | None]:
    board = book.get(Leaderboard)
    if board is None:
        return [book.missing(Leaderboard, "No search was run")]
    champion = book.get(Champion)
    chosen = champion.name if champion else ""
    title = metric_title(board.metric)
    shown = board.entries[:SHOWN_MODELS]
    bare = [entry.model_copy(update={"metrics": {}, "details": {}}) for entry in shown]
    more = len(board.entries) - len(shown)
    return [
        blocks.prose(
            "Every model was judged on training rows that it had not seen: the rows were cut into"
            " folds, and each fold was predicted by models that learnt from the others."
        ),
        blocks.figure("automl.leaderboard", board.model_copy(update={"entries": bare})),
        blocks.table(
            f"Models by {title} on the out-of-fold rows, best first",
            ["Model", "Engine", "Family", title, "Compared with the first", "Constraints"],
            [_row(book, board, index, chosen) for index in range(len(shown))],
            note=("Higher is better. " if board.greater_is_better else "Lower is better. ")
            + "No clear difference: the interval of the paired difference to the first model"
            " includes 0; between an ensemble and the best single model, that of the gain"
            " corrected for selection bias."
            + (f" {more} models are not shown." if more > 0 else ""),
        ),
        blocks.table(
            "Calibration, size and complexity of the models",
            ["Model", "Calibration error", "Size", "Parameters"],
            [_costs(book, board, index) for index in range(len(shown))],
            note="Calibration error: before calibration. Parameters: coefficients, leaves or"
            " weights in total. Fitting and scoring times are under Times.",
        ),
        blocks.facts(
            [
                ("Train rows", book.cite(Leaderboard, "train_rows", unit="count", recipe="split")),
                ("Out-of-fold rows",
                 book.cite(Leaderboard, "scored_rows", unit="count", recipe="split")),
                ("Folds", book.cite(Leaderboard, "folds", unit="count", recipe="split")),
                ("Fold method", board.fold_method),
            ]
        ),
    ]  # fmt: skip


def _row(book: Book, board: Leaderboard, index: int, chosen: str) -> list[Cell]:
    entry = board.entries[index]
    return [
        entry.name + (" (champion)" if entry.name == chosen else ""),
        entry.engine,
        entry.family,
        book.cite(Leaderboard, "entries", index, "score", unit=metric_unit(board.metric),
                  recipe=f"out_of_fold_metric({board.metric})"),
        "first" if index == 0 else ("no clear difference" if entry.within_noise else "worse"),
        blocks.status("bad", "violated") if entry.violates else "kept",
    ]  # fmt: skip


def _costs(book: Book, board: Leaderboard, index: int) -> list[Cell]:
    entry = board.entries[index]
    facts = (
        ("calibration_error", "score", "calibration"),
        ("size_kib", "KiB", "size"),
        ("complexity", "count", "complexity"),
    )
    cells: list[Cell] = [
        "–" if getattr(entry, name) is None
        else book.cite(Leaderboard, "entries", index, name, unit=unit, recipe=recipe)
        for name, unit, recipe in facts
    ]  # fmt: skip
    return [entry.name, *cells]


def _winner(book: Book) -> Facts | None:
    """Return what the best single model is worth, corrected for selection bias."""
    board = book.get(Leaderboard)
    if board is None or board.winner is None or board.winner.score.value is None:
        return None
    unit, recipe = metric_unit(board.metric), "winner"
    rows: list[tuple[str, Cell]] = [
        ("Best single model", board.winner.name),
        ("Single models that keep to the constraints",
         book.cite(Leaderboard, "winner", "among", unit="count", recipe=recipe)),
        (f"{metric_title(board.metric)}, corrected for selection bias",
         book.cite(Leaderboard, "winner", "score", unit=unit, recipe=recipe)),
    ]  # fmt: skip
    if board.winner.selection_bias is not None:
        selection_bias = book.cite(
            Leaderboard, "winner", "selection_bias", unit="change", recipe=recipe
        )
        rows.append(("Selection bias of being the best of them", selection_bias))
    if board.winner.ensemble_gain is not None:
        gain = book.cite(Leaderboard, "winner", "ensemble_gain", unit="change", recipe=recipe)
        rows.append(("Gain of the ensemble over the corrected score", gain))
    return blocks.facts(rows)


def _ensembles(book: Book) -> list[Facts | None]:
    board = book.get(Leaderboard)
    if board is None:
        return []
    found = [(i, entry) for i, entry in enumerate(board.entries[:SHOWN_MODELS]) if entry.members]
    if not found:
        return []
    drawn = [_bare(entry) for entry in board.entries]
    return [
        blocks.heading("Ensembles"),
        blocks.figure(
            "automl.ensemble", board.model_copy(update={"entries": drawn}), name=found[0][1].name
        ),
        blocks.table(
            "Ensemble weights",
            ["Ensemble", "Model", "Weight"],
            [
                [entry.name, name,
                 book.cite(Leaderboard, "entries", i, "members", name, unit="share",
                           recipe="weights")]
                for i, entry in found
                for name in sorted(entry.members, key=lambda n: (-entry.members[n], n))
            ],
        ),
    ]  # fmt: skip


def _bare(entry: Entry) -> Entry:
    return entry.model_copy(update={"metrics": {}, "details": {}, "violates": []})


def _rules(book: Book) -> list[Facts | None]:
    """Return the constraints, and which models break them."""
    rules, board = book.project.automl.constraints, book.get(Leaderboard)
    rows: list[tuple[str, Cell]] = []
    if rules.milliseconds is not None:
        rows.append(("Maximum scoring time of a row", book.derive(
            "automl/constraints/milliseconds", rules.milliseconds, unit="ms", source="run.json",
            place="/project/automl/constraints/milliseconds", recipe="choice")))  # fmt: skip
    if rules.interpretable:
        rows.append(("Models", "interpretable models only"))
    if rules.exclude:
        rows.append(("Excluded columns", ", ".join(rules.exclude)))
    if rules.force:
        rows.append(("Forced columns", ", ".join(rules.force)))
    rows += [(f"Direction of {name}", f"the prediction is {_MODES[mode]}")
             for name, mode in rules.monotonic.items()]  # fmt: skip
    broken = [entry for entry in board.entries if entry.violates] if board else []
    if not rows and not broken:
        return [blocks.prose("No constraint was set on the models.")]
    return [
        blocks.heading("Constraints"),
        blocks.facts(rows) if rows else None,
        blocks.table(
            "Models that violate a constraint; the rule selects none of them",
            ["Model", "Violation"],
            [[entry.name, " ".join(entry.violates)] for entry in broken],
        ),
    ]


def _search(book: Book) -> list[Facts | None]:
    search = book.get(SearchSummary)
    if search is None:
        return [book.missing(SearchSummary, "The search was not recorded")]
    counted: list[tuple[str, Cell]] = [
        (label, book.derive(
            f"search/{status}", sum(trial.status == status for trial in search.trials),
            unit="count", source=SearchSummary.file, place="/trials",
            recipe=f"count(status={status})"))
        for label, status in (("Models fitted", "done"), ("Failed", "failed"),
                              ("Skipped", "skipped"))
    ]  # fmt: skip
    return [
        blocks.heading("Search"),
        blocks.facts(
            [
                ("Preset", search.preset),
                *(counted if search.trials else []),
                ("Stopping reason", search.ended or {"gap": "not recorded"}),
                ("Reproducible", ("yes: " if search.reproducible else "no: ")
                 + search.reproducible_reason),
            ]
        ),
        blocks.table(
            "Engines",
            ["Engine", "Version", "Models", "Failures"],
            [
                [run.engine, run.version,
                 book.cite(SearchSummary, "engines", index, "models", unit="count",
                           recipe="search"),
                 " ".join(run.failures) or "none"]
                for index, run in enumerate(search.engines)
            ],
        ),
        _trials(search),
        blocks.checks("Checks of the search", search.checks, book.redact),
    ]  # fmt: skip


def _trials(search: SearchSummary) -> Facts | None:
    wrong = [trial for trial in search.trials if trial.status != "done"]
    kinds: dict[str, Cell] = {"failed": blocks.status("bad", "failed"), "skipped": "skipped"}
    more = len(wrong) - SHOWN_TRIALS
    return blocks.table(
        "Planned models that are not on the leaderboard",
        ["Model", "Family", "Status", "Reason"],
        [
            [trial.name, trial.family, kinds[trial.status], trial.reason or "–"]
            for trial in sorted(wrong, key=lambda each: each.status != "failed")[:SHOWN_TRIALS]
        ],
        note=f"{more} more are in {SearchSummary.file}." if more > 0 else "",
    )


def _budget(book: Book) -> Facts:
    budget = book.project.automl.budget
    labels = {
        "models": ("Maximum number of models", "count"),
        "trials": ("AutoKeras architectures", "count"),
        "epochs": ("Maximum epochs of a network", "count"),
        "seconds": ("Time limit", "s"),
        "memory_gib": ("H2O heap memory", "GiB"),
        "threads": ("Threads", "count"),
    }
    by_preset = ("models", "trials", "epochs")
    rows: list[tuple[str, Cell]] = []
    for name, (label, unit) in labels.items():
        value = getattr(budget, name)
        absent = "by the preset" if name in by_preset else "none"
        rows.append(
            (label, absent if value is None else book.derive(
                f"automl/budget/{name}", value, unit=unit, source="run.json",
                place=f"/project/automl/budget/{name}", recipe="choice"))
        )  # fmt: skip
    return blocks.facts(rows)
