"""Test results and fairness: the champion on rows that nothing before has seen."""

from __future__ import annotations

from toolkit import formats
from toolkit.artifacts import Evaluation, Group, Intersection
from toolkit.artifacts.base import COMMON, Facts, JsonArtifact
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book
from toolkit.report.words import metric_title, metric_unit, verdict

SHOWN_SLICES = 10
SHOWN_CLASSES = 12
DRAWN_CLASSES = 60
SHOWN_GROUPS = 40
REMARK = "Groups compared"
COUNTED = {
    "true_positive_rate": "Positives",
    "false_positive_rate": "Negatives",
    "precision": "Flagged",
}
"""By rate: the heading over the rows that it is over."""


def build(book: Book) -> Facts:
    """Return the section on the test rows."""
    found = book.get(Evaluation)
    if found is None:
        return blocks.section(
            "results",
            "Test results",
            [book.missing(Evaluation, "The champion was not evaluated on the test rows")],
        )
    return blocks.section(
        "results",
        "Test results",
        [
            blocks.facts(
                [("Test rows", book.cite(Evaluation, "rows", unit="count", recipe="split"))]
            ),
            blocks.figure("evaluate.metric_intervals", found),
            _metrics(book, found),
            _acceptance(book, found),
            *_decisions(book, found),
            blocks.heading("Calibration on the test rows") if found.calibration else None,
            blocks.figure("evaluate.calibration", found, "calibration", "confusion")
            if found.calibration
            else None,
            *_slices(book, found),
            *_mistakes(book, found),
            blocks.checks("Checks of the test", found.checks, book.redact),
        ],
    )


def _metrics(book: Book, found: Evaluation) -> Facts | None:
    names = sorted(found.metrics, key=lambda name: name != found.metric)
    rows: list[list[Cell]] = []
    for name in names:
        unit = metric_unit(name)
        label = metric_title(name) + (" (ranks the models)" if name == found.metric else "")
        guess: Cell = "undefined"
        if found.constant.get(name) is not None:
            guess = book.cite(Evaluation, "constant", name, unit=unit, recipe=f"constant({name})")
        rows.append(
            [label,
             book.cite(Evaluation, "metrics", name, unit=unit, recipe=f"test_metric({name})"),
             guess]
        )  # fmt: skip
    confidence = formats.percent(book.project.explain.confidence)
    return blocks.table(
        "Metrics on the test rows",
        ["Metric", f"Value ({confidence} interval)", "Constant guess"],
        rows,
        note=f"Intervals: bootstrap, {book.project.explain.bootstrap} resamples."
        " The constant guess is the best constant of each metric: the majority class or the class"
        " with the best score for decisions, class shares for probabilities, the mean or median"
        " for numbers; all of the train rows.",
    )


def _acceptance(book: Book, found: Evaluation) -> Facts | None:
    if not book.project.acceptance:
        return book.open_question("acceptance", "No acceptance limit was set")
    return blocks.table(
        "Acceptance limits",
        ["Metric", "Limit", "Test rows", "Verdict"],
        [
            [metric_title(each.metric), each.limit,
             book.cite(Evaluation, "acceptance", index, "score", recipe="acceptance",
                       unit=metric_unit(each.metric), limit=each.bound),
             verdict(each.verdict)]
            for index, each in enumerate(found.acceptance)
        ],
        note="Unclear: the interval spans the limit.",
    ) or blocks.gap("The acceptance limits were not judged", where="05_evaluate.ipynb")  # fmt: skip


def _decisions(book: Book, found: Evaluation) -> list[Facts | None]:
    if not found.confusion:
        return []
    classes = list(
        dict.fromkeys([*found.confusion, *(p for row in found.confusion.values() for p in row)])
    )
    small = len(classes) <= SHOWN_CLASSES
    table = blocks.table(
        "Decisions at the threshold" if book.project.target.task == "binary" else "Decisions",
        ["Actual class (down), decision (across)", *classes],
        [
            [actual, *(
                book.cite(Evaluation, "confusion", actual, predicted, unit="count",
                          recipe="confusion")
                if predicted in row else "0"
                for predicted in classes
            )]
            for actual, row in found.confusion.items()
        ],
    )  # fmt: skip
    unit = f"{book.project.costs.unit or 'cost units'} a row"
    rows: list[tuple[str, Cell]] = []
    if found.cost is not None:
        rows.append(
            ("Mean cost of the decisions", book.cite(Evaluation, "cost", unit=unit,
                                                     recipe="test_metric(expected_cost)"))
        )  # fmt: skip
    if found.constant_cost is not None:
        rows.append(
            ("Mean cost of the cheapest constant decision",
             book.cite(Evaluation, "constant_cost", unit=unit, recipe="constant(expected_cost)"))
        )  # fmt: skip
    return [
        blocks.heading("Decisions and their cost"),
        blocks.figure("evaluate.confusion", found, "confusion")
        if len(classes) <= DRAWN_CLASSES else None,
        table if small else blocks.prose(
            f"The confusion matrix has {len(classes)} classes; it is in {Evaluation.file}."),
        blocks.facts(rows) if rows else None,
    ]  # fmt: skip


def _slices(book: Book, found: Evaluation) -> list[Facts | None]:
    shown = [each for each in found.slices if not set(each.columns) & book.hidden][:SHOWN_SLICES]
    title = metric_title(found.metric)
    return [
        blocks.heading("Weakest slices"),
        blocks.figure(
            "evaluate.slices", found.model_copy(update={"slices": shown}), "slices"
        ) if shown else None,
        blocks.table(
            "Slices of the test rows with a higher loss than the other rows",
            ["Where", "Rows", title, "Mean loss, inside minus outside", "p (corrected)"],
            [
                [each.where,
                 book.cite(Evaluation, "slices", i, "rows", unit="count", recipe="slice"),
                 book.cite(Evaluation, "slices", i, "score", recipe="slice",
                           unit=metric_unit(found.metric)),
                 book.cite(Evaluation, "slices", i, "difference", unit="change", recipe="slice"),
                 book.cite(Evaluation, "slices", i, "p_value", unit="p", recipe="slice")]
                for i, each in enumerate(found.slices) if each in shown
            ],
        ) or blocks.prose("No slice has a significantly higher loss than the other rows."),
    ]  # fmt: skip


def _mistakes(book: Book, found: Evaluation) -> list[Facts | None]:
    if not found.mistakes or not book.project.report.pictures:
        return []
    return [
        blocks.heading("Misclassified images"),
        blocks.figure("eda.mistakes", found, "mistakes"),
    ]


def fairness(book: Book) -> Facts:
    """Return the section on protected groups."""
    found = book.get(Evaluation)
    project = book.project
    content: list[Facts | None] = []
    if project.fairness.people_affected is None:
        content.append(
            book.open_question(
                "fairness.people_affected", "Whether the decision affects people was not answered"
            )
        )
    if not project.protected():
        content.append(
            blocks.prose("No column is marked as protected, so no groups are compared.")
            if project.fairness.people_affected is False
            else book.open_question(
                "fairness.protected_confirmed",
                "No column is marked as protected, so no groups are compared",
            )
        )
    elif not project.fairness.protected_confirmed:
        content.append(
            book.open_question(
                "fairness.protected_confirmed",
                "Protected columns were inferred from their names and not confirmed",
            )
        )
    if found is None:
        content.append(book.missing(Evaluation, "Groups were not compared"))
    else:
        content += [
            blocks.figure("evaluate.fairness", found, "fairness") if found.fairness else None,
            _verdicts(book, found),
            *_groups(book, found),
        ]
    return blocks.section("fairness", "Fairness", content)


def _verdicts(book: Book, found: Evaluation) -> Facts | None:
    return blocks.table(
        "Largest difference between groups against the limit",
        ["Protected column", "Fairness metric", "Difference", "Limit", "Verdict", REMARK],
        [
            [each.column, each.metric.replace("_", " "),
             book.cite(Evaluation, "fairness", i, "difference", unit="score", recipe="fairness",
                       limit=each.limit),
             book.cite(Evaluation, "fairness", i, "limit", unit="score", recipe="choice"),
             verdict(each.verdict), book.redact(each.reason, [each.column])]
            for i, each in enumerate(found.fairness)
        ],
        note="Unclear: the interval spans the limit, or a group of a relevant size cannot be"
        " compared. A small difference is no proof of fairness.",
    )  # fmt: skip


def counted(
    book: Book, kind: type[JsonArtifact], items: str, place: int, group: Group | Intersection
) -> list[Cell]:
    """Return the rows of a group, and of them those that its rates are over."""
    recipe = "group" if items == "groups" else "crossing"
    cells: list[Cell] = [book.cite(kind, items, place, "rows", unit="count", recipe=recipe)]
    return cells + [
        book.cite(kind, items, place, "base", name, unit="count", recipe=recipe)
        if name in group.base else ""
        for name in COUNTED
    ]  # fmt: skip


def group_name(name: str, group: Group | Intersection) -> str:
    """Return the group's name, with what of it is too small."""
    return name + ("" if group.judged else " (too small to judge)")


def _groups(book: Book, found: Evaluation) -> list[Facts | None]:
    content: list[Facts | None] = []
    for column in dict.fromkeys(group.column for group in found.groups):
        # A column of free text or of identifiers names persons, not groups.
        if column in book.hidden:
            content.append(blocks.prose(f"Groups of {column} are not shown: it identifies people."))
            continue
        every = [(i, g) for i, g in enumerate(found.groups) if g.column == column]
        members = [(i, g) for i, g in every if g.rows >= COMMON][:SHOWN_GROUPS]
        small = sum(g.rows < COMMON for _, g in every)
        names = list(dict.fromkeys(name for _, group in members for name in group.metrics))
        rows: list[list[Cell]] = []
        for i, group in members:
            row: list[Cell] = [group_name(group.group, group)]
            row += counted(book, Evaluation, "groups", i, group)
            row += [
                book.cite(Evaluation, "groups", i, "metrics", name, recipe=f"group({name})",
                          unit=metric_unit(name)) if name in group.metrics else "–"
                for name in names
            ]  # fmt: skip
            rows.append(row)
        content += [
            blocks.heading(f"Groups of {column}"),
            blocks.figure(
                "evaluate.groups",
                found.model_copy(update={"groups": [group for _, group in members]}),
                "groups",
                column=column,
            ),
            blocks.table(
                f"Test results by group of {column}",
                ["Group", "Rows", *COUNTED.values(), *map(metric_title, names)],
                rows,
                note=f"{small} with fewer than {COMMON} test rows not shown." if small else "",
            ),
        ]
    return content
