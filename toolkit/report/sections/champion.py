"""Champion: the choice, calibration and threshold, and checks of its score."""

from __future__ import annotations

from toolkit.artifacts import Champion, Holdout, Leaderboard
from toolkit.artifacts.base import Facts
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book
from toolkit.report.words import metric_title, metric_unit


def build(book: Book) -> Facts:
    """Return the section on the champion."""
    found = book.get(Champion)
    if found is None:
        return blocks.section(
            "champion", "Champion", [book.missing(Champion, "No champion was chosen")]
        )
    return blocks.section(
        "champion",
        "Champion",
        [
            blocks.facts(_choice(book, found)),
            _beside(book, found),
            *_calibration(book, found),
            *_threshold(book, found),
            *_holdout(book, found),
            *_shuffled(book, found),
            *_conformal(book, found),
            blocks.checks("Checks of the champion", found.checks, book.redact),
        ],
    )


def _choice(book: Book, found: Champion) -> list[tuple[str, Cell]]:
    rows: list[tuple[str, Cell]] = [
        ("Model", found.name),
        ("Engine", found.engine),
        ("Family", found.family),
        ("Chosen", "by a person" if found.rule == "by hand" else "by rule"),
        ("Reason", found.reason or {"gap": "no reason was given"}),
    ]
    if found.best != found.name:
        rows.append(("First on the leaderboard", found.best))
    board = book.get(Leaderboard)
    entry = next((e for e in board.entries if e.name == found.name), None) if board else None
    if entry is not None and entry.members:
        rows.append(("Members", ", ".join(sorted(entry.members, key=lambda n: -entry.members[n]))))
    if entry is not None and entry.violates:
        rows.append(("Constraints", blocks.status("bad", "violated")))
    return rows


def _beside(book: Book, found: Champion) -> Facts | None:
    board = book.get(Leaderboard)
    if board is None:
        return None
    title, unit = metric_title(board.metric), metric_unit(board.metric)
    places = {entry.name: place for place, entry in enumerate(board.entries)}
    words = {"better": "good", "worse": "bad"}

    def score(name: str) -> Cell:
        if name not in places:
            return "not available"
        return book.cite(Leaderboard, "entries", places[name], "score", unit=unit,
                         recipe=f"out_of_fold_metric({board.metric})")  # fmt: skip

    return blocks.table(
        f"The champion compared with other models ({title} on the out-of-fold rows)",
        ["Compared with", "Model", "Its score", "Champion's score", "Champion better by",
         "Verdict"],
        [
            [item.role.capitalize(), item.other, score(item.other), score(found.name),
             book.cite(Champion, "beside", i, "difference", unit="change", recipe="beside"),
             blocks.status(words.get(item.verdict, "caution"), item.verdict)]
            for i, item in enumerate(found.beside)
        ],
        note="Positive is better for the champion. With the best single model, the difference"
        " includes the selection bias of its score (see Models). A model that is better than the"
        " best single one is better than any that scores below that.",
    )  # fmt: skip


def _calibration(book: Book, found: Champion) -> list[Facts | None]:
    if book.project.target.task == "regression":
        return []
    rows: list[tuple[str, Cell]] = [("Calibration", found.calibration)]
    for label, name in (
        ("Expected calibration error before it", "error_before"),
        ("Expected calibration error after it, cross-fitted", "calibration_error"),
    ):
        if getattr(found, name) is not None:
            rows.append((label, book.cite(Champion, name, unit="score", recipe="calibration")))
    return [
        blocks.heading("Calibration"),
        blocks.figure(
            "automl.calibration", found, "calibration_before", "calibration_after",
            "calibration_error", "error_before", "threshold",
        ) if found.calibration_before else None,
        blocks.table(
            "Log loss by calibration, cross-validated on the out-of-fold rows",
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


def _holdout(book: Book, found: Champion) -> list[Facts | None]:
    holdout = found.holdout
    heading = blocks.heading("Holdout rows: the selection score against unseen rows")
    if holdout is None:
        return [heading, blocks.gap("The champion was not scored on the holdout rows",
                                    where="04_automl.ipynb")]  # fmt: skip
    title, unit = metric_title(holdout.metric), metric_unit(holdout.metric)
    recipe = f"holdout({holdout.metric})"
    rows: list[tuple[str, Cell]] = [
        ("Holdout rows", book.cite(Champion, "holdout", "rows", unit="count", recipe="split")),
        (f"{title} on the holdout rows",
         book.cite(Champion, "holdout", "score", unit=unit, recipe=recipe)),
    ]  # fmt: skip
    if holdout.selection is not None:
        selection = book.cite(Champion, "holdout", "selection", unit=unit, recipe=recipe)
        rows.append((f"{title} by which it was selected", selection))
    if holdout.optimism is not None:
        optimism = book.cite(Champion, "holdout", "optimism", unit="change", recipe=recipe)
        rows.append(("Optimism of the selection", optimism))
    for label, name in (
        ("Optimism, lower bound", "optimism_low"),
        ("Optimism, upper bound", "optimism_high"),
        ("Selection bias expected from the number of models", "selection_bias"),
    ):
        if getattr(holdout, name) is not None:
            rows.append((label, book.cite(Champion, "holdout", name, unit="change", recipe=recipe)))
    rows.append(("Verdict", _difference(holdout)))
    return [
        heading,
        blocks.prose(
            "Holdout rows are validation rows that had no part in search, selection or calibration."
            " Optimism is the score by which the model was selected less the score on the holdout"
            " rows, signed so that positive is optimistic; its interval covers the sampling error"
            " of both scores."
        ),
        blocks.figure("automl.holdout", found, "holdout"),
        blocks.facts(rows),
    ]


def _difference(holdout: Holdout) -> Cell:
    if holdout.explained:
        return blocks.status("good", "within sampling error")
    if (holdout.optimism or 0) > 0:
        return blocks.status("bad", "optimistic beyond sampling error")
    return blocks.status("info", "pessimistic: the holdout rows score better")


def _shuffled(book: Book, found: Champion) -> list[Facts | None]:
    shuffled = found.shuffled
    heading = blocks.heading("Shuffled labels")
    if shuffled is None:
        said = (
            "The champion was not fitted on shuffled labels: `automl.sanity` is off."
            if not book.project.automl.sanity
            else "The champion was not fitted on shuffled labels."
        )
        return [heading, blocks.prose(said)]
    title, unit = metric_title(shuffled.metric), metric_unit(shuffled.metric)
    recipe = f"shuffled({shuffled.metric})"
    rows: list[tuple[str, Cell]] = [
        (f"{title} on shuffled labels",
         book.cite(Champion, "shuffled", "score", unit=unit, recipe=recipe)),
    ]  # fmt: skip
    if shuffled.chance is not None:
        chance = book.cite(Champion, "shuffled", "chance", unit=unit, recipe=recipe)
        rows.append(("A constant guess", chance))
    bad = blocks.status("bad", "better than chance: leakage suspected")
    good = blocks.status("good", "no better than chance, as expected")
    rows.append(("Verdict", bad if shuffled.better_than_chance else good))
    return [heading, blocks.figure("automl.shuffled", found, "shuffled"), blocks.facts(rows)]


def _conformal(book: Book, found: Champion) -> list[Facts | None]:
    conformal = found.conformal
    if conformal is None:
        return []
    regression = book.project.target.task == "regression"
    what = "intervals" if regression else "sets of classes"
    measured = conformal.measured
    short = measured.high is not None and measured.high < conformal.coverage
    size = ("Mean width", "target") if regression else ("Mean number of classes in a set", "score")
    rows: list[tuple[str, Cell]] = [
        ("Method", conformal.method),
        ("Calibration rows",
         book.cite(Champion, "conformal", "rows", unit="count", recipe="conformal")),
        ("Nominal coverage",
         book.cite(Champion, "conformal", "coverage", unit="share", recipe="choice")),
        ("Empirical coverage on the holdout rows",
         book.cite(Champion, "conformal", "measured", unit="share", recipe="conformal")),
        (size[0], book.cite(Champion, "conformal", "size", unit=size[1], recipe="conformal")),
        ("Verdict", blocks.status("bad", "below nominal coverage") if short
         else blocks.status("good", "nominal coverage reached")),
    ]  # fmt: skip
    return [
        blocks.heading(f"Conformal {what}"),
        blocks.figure("automl.conformal", found, "conformal", "calibration_scores"),
        blocks.facts(rows),
    ]
