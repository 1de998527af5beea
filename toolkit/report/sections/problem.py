"""Problem and use: what people said that the model is for."""

from __future__ import annotations

from toolkit.artifacts import Feasibility
from toolkit.artifacts.base import Facts
from toolkit.project.model import Problem
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book, pointer
from toolkit.report.words import metric_title, metric_unit

_LABELS = {
    "question": "Question",
    "business_goal": "Business goal",
    "decision": "Decision it feeds",
    "decision_maker": "Who decides",
    "users": "Users",
    "affected": "People affected",
    "unit": "One row is",
    "prediction_time": "Prediction time",
    "constraints": "Constraints",
    "out_of_scope": "Out of scope",
}


def build(book: Book) -> Facts:
    """Return the section."""
    project = book.project
    rows: list[tuple[str, Cell]] = [
        (
            _LABELS.get(name, name.replace("_", " ").capitalize()),
            getattr(project.problem, name).strip() or {"gap": "not stated"},
        )
        for name in Problem.model_fields
    ]
    target = project.target
    rows.append(("Target", f"{target.column} ({target.task})"))
    if target.positive is not None:
        rows.append(("Positive class", target.positive))
    return blocks.section(
        "problem", "Problem and use", [blocks.facts(rows), _costs(book), *_feasibility(book)]
    )


def _costs(book: Book) -> Facts | None:
    project = book.project
    unit = project.costs.unit or "cost unit"

    def cost(*path: str) -> Facts:
        value = project.costs.model_dump(mode="json")
        for part in path:
            value = value[part]
        place = pointer("costs", *path)
        return book.derive(place[1:], value, unit=unit, source="run.json",
                           place=f"/project{place}", recipe="choice")  # fmt: skip

    if project.target.task == "binary":
        return blocks.table(
            "Cost of each outcome",
            ["Actual class", "Predicted positive (acted on)", "Predicted negative (no action)"],
            [
                [f"Positive: {project.target.positive}", cost("true_positive"),
                 cost("false_negative")],
                ["Negative", cost("false_positive"), cost("true_negative")],
            ],
            note="A negative cost is a gain.",
        )  # fmt: skip
    if project.target.task == "multiclass":
        return blocks.table(
            "What each error costs",
            ["Actual class", "Predicted class", "Cost"],
            [
                [actual, predicted, cost("matrix", actual, predicted)]
                for actual, row in project.costs.matrix.items()
                for predicted in row
            ],
            note="Errors that are not listed cost 1.",
        ) or blocks.prose("Every error costs the same: no cost matrix was stated.")
    return None


def _feasibility(book: Book) -> list[Facts | None]:
    found = book.get(Feasibility)
    if found is None:
        return [book.missing(Feasibility, "Feasibility was not assessed")]
    recipe = "feasibility"
    rows: list[tuple[str, Cell]] = [
        ("Ranking metric", f"{metric_title(found.metric)}. {found.metric_reason}"),
        ("Fairness metric", f"{found.fairness_metric.replace('_', ' ')}. {found.fairness_reason}"),
        ("Rows with a known target", book.cite(Feasibility, "rows", unit="count", recipe=recipe)),
        ("Rows kept for test", book.cite(Feasibility, "test_rows", unit="count", recipe=recipe)),
    ]
    if found.detectable is not None:
        what = "R2" if found.task == "regression" else "accuracy"
        rows.append(
            (f"Smallest difference of {what} that the test rows can tell apart",
             book.cite(Feasibility, "detectable", unit="score", recipe=recipe))
        )  # fmt: skip
    if found.metric in found.constant:
        unit = metric_unit(found.metric)
        rows.append(
            (f"{metric_title(found.metric)} of a constant guess",
             book.cite(Feasibility, "constant", found.metric, unit=unit, recipe=recipe))
        )  # fmt: skip
    return [
        blocks.heading("Feasibility"),
        blocks.facts(rows),
        blocks.figure("scoping.class_balance", found, "classes", "positive",
                      column=book.project.target.column) if found.classes else None,
        blocks.checks("Checks of the plan", found.checks, book.redact),
    ]  # fmt: skip
