"""Fairness beyond single groups: intersections, the trade-off curve, and what a person chose."""

from __future__ import annotations

from toolkit.artifacts import Evaluation, FairnessDetail, Mitigation
from toolkit.artifacts.base import COMMON, Facts
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book
from toolkit.report.sections import results
from toolkit.report.words import metric_title, metric_unit, verdict

SHOWN_CROSSINGS = 24
_LEFT_OUT = (("Smaller intersections that are not shown", "crossings_left_out"),
             ("Test rows in them", "rows_left_out"))  # fmt: skip


def build(book: Book) -> Facts:
    """Return the section on protected groups, with intersections and the cost of fairness."""
    section = results.fairness(book)
    found = book.get(FairnessDetail)
    if found is None:
        more: list[Facts | None] = [
            book.missing(FairnessDetail, "Intersections and mitigation were not analysed")
        ]
    else:
        more = [
            *_crossings(book, found),
            *_curve(book, found),
            *_choice(book, found),
            blocks.checks("Remarks on intersections and mitigation", found.checks, book.redact),
        ]
    section["blocks"] += [each for each in more if each is not None]
    return section


def _crossings(book: Book, found: FairnessDetail) -> list[Facts | None]:
    content: list[Facts | None] = []
    for pair in dict.fromkeys(tuple(each.columns) for each in found.crossings):
        if not set(pair) & book.hidden:
            content += _crossing(book, found, pair)
    if found.crossings_left_out:
        rows: list[tuple[str, Cell]] = [
            (label, book.cite(FairnessDetail, name, unit="count", recipe="crossing"))
            for label, name in _LEFT_OUT
        ]
        content.append(blocks.facts(rows))
    return [*content, _crossing_verdicts(book, found)]


def _crossing(book: Book, found: FairnessDetail, pair: tuple[str, ...]) -> list[Facts | None]:
    """Return the results of the largest intersections of two columns."""
    members = [
        (place, each)
        for place, each in enumerate(found.crossings)
        if tuple(each.columns) == pair and each.rows >= COMMON
    ][:SHOWN_CROSSINGS]
    names = list(dict.fromkeys(name for _, each in members for name in each.metrics))

    def cite(place: int, name: str) -> Facts:
        return book.cite(FairnessDetail, "crossings", place, "metrics", name,
                         recipe=f"crossing({name})", unit=metric_unit(name))  # fmt: skip

    both = f"{pair[0]} and {pair[1]}"
    return [
        blocks.heading(f"Intersections of {both}"),
        blocks.figure(
            "evaluate.crossings",
            found.model_copy(update={"crossings": [each for _, each in members]}),
            "crossings",
            columns=list(pair),
        ),
        blocks.table(
            f"Test results by intersection of {both}",
            ["Intersection", "Rows", *results.COUNTED.values(), *map(metric_title, names)],
            [
                [
                    results.group_name(" and ".join(each.groups), each),
                    *results.counted(book, FairnessDetail, "crossings", place, each),
                    *(cite(place, name) if name in each.metrics else "–" for name in names),
                ]
                for place, each in members
            ],
        ),
    ]


def _crossing_verdicts(book: Book, found: FairnessDetail) -> Facts | None:
    def cite(place: int, field: str, recipe: str) -> Facts:
        path = ("crossing_verdicts", place, field)
        return book.cite(FairnessDetail, *path, unit="score", recipe=recipe)

    return blocks.table(
        "Largest difference between intersections against the limit",
        ["Intersection", "Fairness metric", "Difference", "Limit", "Verdict", results.REMARK],
        [
            [
                each.column,
                each.metric.replace("_", " "),
                cite(place, "difference", "fairness"),
                cite(place, "limit", "choice"),
                verdict(each.verdict),
                book.redact(each.reason, [name for name in book.hidden if name in each.column]),
            ]
            for place, each in enumerate(found.crossing_verdicts)
        ],
    )


def _curve(book: Book, found: FairnessDetail) -> list[Facts | None]:
    heading = blocks.heading("Fairness and cost trade-off")
    if not found.curve:
        return [heading, blocks.prose(found.no_curve)] if found.no_curve else []
    columns = [c for c in dict.fromkeys(p.column for p in found.curve) if c not in book.hidden]
    chosen = found.mitigation.name if found.mitigation else ""
    unit = book.project.costs.unit
    facts: list[tuple[str, Cell]] = [
        ("Fairness metric", found.metric.replace("_", " ")
         + ("" if found.metric_asked else " (the project asks for no fairness metric)")),
        ("Validation rows that thresholds by group were fitted on",
         book.cite(FairnessDetail, "fit_rows", unit="count", recipe="split")),
    ]  # fmt: skip
    if found.surrogate:
        facts += [
            ("Surrogate model, on which methods that change the fit were tried", found.surrogate),
            ("Training rows that it was fitted on",
             book.cite(FairnessDetail, "surrogate_rows", unit="count", recipe="trade_off")),
        ]  # fmt: skip
    content: list[Facts | None] = [heading, blocks.facts(facts)]
    for column in columns:
        kept = [point for point in found.curve if point.column == column]
        # The figure needs the points' numbers, not the rates of their groups.
        slim = [point.model_copy(update={"groups": []}) for point in kept]
        content += [
            blocks.figure(
                "evaluate.trade_off",
                found.model_copy(update={"curve": slim}),
                "curve",
                column=column,
                chosen=chosen,
                unit=unit,
            ),
            _points(book, found, column, unit),
        ]
    return content


def _points(book: Book, found: FairnessDetail, column: str, unit: str) -> Facts | None:
    def cite(i: int, field: str, unit: str) -> Facts:
        return book.cite(FairnessDetail, "curve", i, field, unit=unit, recipe="trade_off")

    return blocks.table(
        f"Decision policies by {column}, on the test rows",
        ["Point", "Difference", "Verdict", "Accuracy", f"Mean cost a row, {unit or 'cost units'}",
         "Its change", "Changed decisions"],
        [
            [each.name, cite(i, "difference", "score"), verdict(each.verdict),
             cite(i, "accuracy", "score"), cite(i, "cost", "score"),
             cite(i, "cost_change", "change"), cite(i, "changed", "share")]
            for i, each in enumerate(found.curve) if each.column == column
        ],
        note="Changes are against the same model without mitigation. Points named surrogate,"
        " reweighting or reductions are of the surrogate model, not of the champion.",
    )  # fmt: skip


def _choice(book: Book, found: FairnessDetail) -> list[Facts | None]:
    chosen = found.mitigation
    heading = blocks.heading("Mitigation")
    if chosen is not None and chosen.column in book.hidden:
        return [heading, blocks.prose(f"A mitigation by {chosen.column} is chosen.")]
    if chosen is not None:
        return [heading, *_chosen(book, chosen)]
    judged = [*found.crossing_verdicts]
    evaluation = book.get(Evaluation)
    judged += evaluation.fairness if evaluation is not None else []
    beyond = [each.column for each in judged if each.verdict == "beyond"]
    if beyond and found.curve:
        names = ", ".join(beyond)
        return [
            heading,
            blocks.gap(
                f"Groups of {names} differ beyond the limit, and nobody chose a mitigation or said"
                " why none is taken",
                where="05_evaluate.ipynb",
                key="fairness.mitigation",
                required=False,
            ),
        ]
    if not found.curve:
        return []
    return [heading, blocks.prose("No mitigation was chosen: one threshold applies to all rows.")]


def _chosen(book: Book, chosen: Mitigation) -> list[Facts | None]:
    rows: list[tuple[str, Cell]] = [("Chosen", chosen.name)]
    rows += [
        (f"Threshold, {chosen.column} {group}",
         book.cite(FairnessDetail, "mitigation", "thresholds", group, unit="score",
                   recipe="trade_off"))
        for group in chosen.thresholds
    ]  # fmt: skip
    if chosen.fallback is not None:
        rows.append(
            ("Threshold of all other rows",
             book.cite(FairnessDetail, "mitigation", "fallback", unit="score", recipe="trade_off"))
        )  # fmt: skip
    said = (
        "These thresholds are recorded here. The champion's own threshold is unchanged: whoever"
        " deploys it has to apply them."
        if chosen.applies
        else "This was tried on a surrogate model. Using it needs a new search; nothing changed."
    )
    return [
        blocks.facts(rows),
        blocks.quote(chosen.reason, "the project, fairness.mitigation_reason"),
        blocks.prose(said),
    ]
