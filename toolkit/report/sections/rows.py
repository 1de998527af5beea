"""Single decisions: reasons and counterfactuals of up to three rows."""

from __future__ import annotations

from typing import Any

from toolkit.artifacts import Explanation, RowReport, RowReports
from toolkit.artifacts.base import COMMON, Facts
from toolkit.artifacts.row_reports import Cell as Value
from toolkit.explain.rows.reason_codes import reason_text
from toolkit.plots.explain.rows import cell_words
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book
from toolkit.report.sections.explanation import shown_value

SHOWN_ROWS = 3


def build(book: Book) -> Facts:
    """Return the section."""
    found = book.get(RowReports)
    if found is None:
        return blocks.section(
            "rows",
            "Single decisions",
            [book.missing(RowReports, "Single decisions were not explained")],
        )
    if not found.wanted_known:
        binary = book.project.target.task == "binary"
        key = "fairness.outcome_is_benefit" if binary else "recourse.wanted"
        return blocks.section(
            "rows", "Single decisions", [book.open_question(key, found.adverse.rstrip("."))]
        )
    content: list[Facts | None] = [blocks.prose(found.adverse), _how(book, found)]
    for place, report in enumerate(found.reports[:SHOWN_ROWS]):
        content += _report(book, found, place, report)
    if not found.reports:
        content.append(blocks.prose("None of the explained rows has an adverse outcome."))
    content.append(blocks.checks("Checks of single decisions", found.checks, book.redact))
    return blocks.section("rows", "Single decisions", content)


def _how(book: Book, found: RowReports) -> Facts:
    def count(name: str) -> Facts:
        return book.cite(RowReports, name, unit="count", recipe="row_reports")

    rows: list[tuple[str, Cell]] = [
        ("Explained rows with an adverse outcome", count("adverse_rows")),
        ("Training rows searched for nearest neighbours", count("compared")),
        ("Model evaluations", count("evaluations")),
        ("Score", found.output),
    ]
    fixed = [f"{name} ({why})" for name, why in found.fixed.items()]
    if fixed:
        more = f" and {len(fixed) - 20} more" if len(fixed) > 20 else ""
        rows.append(("Columns kept fixed in counterfactuals", ", ".join(fixed[:20]) + more))
    return blocks.facts(rows)


def _report(book: Book, found: RowReports, place: int, report: RowReport) -> list[Facts | None]:
    path = ("reports", place)
    score = book.cite(RowReports, *path, "score", unit="score", recipe="prediction")
    alike = sum(each.actual == report.actual for each in report.similar)
    rows: list[tuple[str, Cell]] = [
        ("Decision", report.decision),
        ("Score", score),
        ("Recorded outcome", report.actual),
        ("Wanted", report.wanted or "not stated"),
    ]
    if report.similar and book.project.target.task != "regression":
        same = book.derive(f"similar/{report.row}", alike, unit="count", source=RowReports.file,
                           place=f"/reports/{place}/similar", recipe="similar")  # fmt: skip
        of = f"Of the {len(report.similar)} nearest training rows, those with the same outcome"
        rows.append((of, same))
    return [
        blocks.heading(f"Row {report.row}"),
        blocks.facts(rows),
        _reasons(book, place, report)
        or blocks.prose(
            "No feature contributed to the adverse outcome by more than two standard errors."
        ),
        *_changes(book, found, place, report),
    ]


def _reasons(book: Book, place: int, report: RowReport) -> Facts | None:
    explained = book.get(Explanation)
    return blocks.table(
        f"Reasons for the decision on row {report.row}",
        ["Reason", "Contribution", "Remark"],
        [
            [
                _reason(book, each.column, each.value, each.text),
                book.cite(RowReports, "reports", place, "reasons", i, "shap", unit="change",
                          recipe="attribution"),
                blocks.status("caution", "protected") if each.protected else "",
            ]
            for i, each in enumerate(report.reasons)
        ],
        note=f"In units of the output: {explained.output}." if explained else "",
    )  # fmt: skip


def _reason(book: Book, column: str, value: str | None, text: str) -> str:
    """Return a reason in words, its cell only if it may be shown."""
    if column not in book.project.columns:
        return text
    kind = book.project.columns[column].type
    number = _number(value) if kind == "number" else None
    shown = shown_value(book, {"column": column, "value": value, "number": number})
    return reason_text(book.project.recourse.reasons, column, shown)


def _number(value: Value) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def _shown(book: Book, column: str, value: Value) -> str:
    text = None if value is None else cell_words(value)
    return shown_value(book, {"column": column, "value": text, "number": _number(value)})


def _changes(book: Book, found: RowReports, place: int, report: RowReport) -> list[Facts | None]:
    if not report.counterfactuals:
        return [blocks.prose(report.blocked)] if report.blocked else []
    drawn = _redacted(book, report)
    rows: list[list[Cell]] = []
    for i, each in enumerate(drawn.counterfactuals):
        path: tuple[Any, ...] = ("reports", place, "counterfactuals", i)

        def cite(name: str, unit: str, path: tuple[Any, ...] = path) -> Facts:
            return book.cite(RowReports, *path, name, unit=unit, recipe="counterfactual")

        words = ", ".join(f"{c.column}: {c.before} → {c.after}" for c in each.changes)
        rows.append([words, cite("size", "score"), cite("score", "score"),
                     each.decision, cite("plausibility", "share")])  # fmt: skip
    return [
        blocks.figure(
            "explain.counterfactuals",
            found.model_copy(update={"reports": [drawn], "fixed": {}, "checks": []}),
            "threshold",
            row=report.row,
        ),
        blocks.table(
            f"What would lead to {report.wanted}: row {report.row}",
            [
                "Changes",
                "Size",
                "New score",
                "New decision",
                "Plausibility (training rows as rare or rarer)",
            ],
            rows,
            note="Size: numbers in median absolute deviations, other changes count 1 each. Values"
            f" of identifiers and of free text are never shown, nor are categories that fewer than"
            f" {COMMON} rows have. A counterfactual states the model's output, not a real-world"
            f" effect.",
        ),
    ]


def _redacted(book: Book, report: RowReport) -> RowReport:
    """Return a report with the cells that may be shown, and without what no figure needs."""
    found = [
        each.model_copy(
            update={
                "changes": [
                    change.model_copy(
                        update={
                            "before": _shown(book, change.column, change.before),
                            "after": _shown(book, change.column, change.after),
                        }
                    )
                    for change in each.changes
                ]
            }
        )
        for each in report.counterfactuals
    ]
    return report.model_copy(update={"counterfactuals": found, "reasons": [], "similar": []})
