"""Explanation: SHAP values, overall and for three example rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit import formats
from toolkit.artifacts import Attributions, Champion, Explanation, Profile, TestPredictions
from toolkit.artifacts.base import COMMON, Facts
from toolkit.plots.explain.shared import marked
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book
from toolkit.report.privacy import HIDDEN, RARE

if TYPE_CHECKING:
    import pandas as pd

SHOWN_COLUMNS = 15
SHOWN_PARTS = 9
SHOWN_CLASSES = 4


def build(book: Book) -> Facts:
    """Return the section."""
    found = book.get(Explanation)
    if found is None:
        return blocks.section(
            "explanation",
            "Explanation",
            [book.missing(Explanation, "The champion was not explained")],
        )
    return blocks.section(
        "explanation",
        "Explanation",
        [
            *_importance(book, found),
            *_method(book, found),
            *_examples(book, found),
            blocks.checks("Checks of the explanation", found.checks, book.redact),
        ],
    )


def _importance(book: Book, found: Explanation) -> list[Facts | None]:
    content: list[Facts | None] = []
    for name in found.classes[:SHOWN_CLASSES]:
        ranked = found.importance.get(name, [])[:SHOWN_COLUMNS]
        of = f" for {name}" if len(found.classes) > 1 else ""
        path = ("importance", name)
        content += [
            blocks.figure(
                "explain.importance",
                found.model_copy(update={"importance": {name: ranked}}),
                "space",
                "feature_perturbation",
                "suspects",
                of=name,
            ),
            blocks.table(
                f"Importance{of}: mean size of a column's {found.called}s",
                ["Column", f"Mean |{found.called}| (interval)",
                 "Standard error of one row's value"],
                [
                    [marked(each.column, found.suspects, 200),
                     book.cite(Explanation, *path, i, "mean_abs", unit="score",
                               recipe="importance"),
                     book.cite(Explanation, *path, i, "standard_error", unit="score",
                               recipe="importance")]
                    for i, each in enumerate(ranked)
                ],
                note=f"In units of the output: {found.output}."
                + " ⚠: suspected of leaking the target, see Leakage." * bool(found.suspects),
            ),
        ]  # fmt: skip
    more = len(found.classes) - SHOWN_CLASSES
    if more > 0:
        content.append(blocks.prose(f"{more} further classes are in {Explanation.file}."))
    return content


def _method(book: Book, found: Explanation) -> list[Facts | None]:
    def count(name: str) -> Facts:
        return book.cite(Explanation, name, unit="count", recipe="explanation")

    exact = found.additivity_error <= found.additivity_tolerance
    base = _base(found)
    rows: list[tuple[str, Cell]] = [
        ("Method", found.method),
        *([("Strategy", found.strategy)] if found.strategy else []),
        *((f"Not used: {each.strategy}", each.reason) for each in found.refused),
        ("Output explained", found.output),
        *(
            (f"{base} ({name})" if len(found.base) > 1 else base,
             book.cite(Explanation, "base", name, unit="score", recipe="explanation"))
            for name in list(found.base)[:SHOWN_CLASSES]
        ),
        ("Rows explained", count("rows")),
        *([("Background rows", count("background"))] if found.background else []),
        ("Drawn from" if found.background else "Relative to", "a group that is not shown"
         if any(name in found.reference for name in book.hidden) else found.reference),
        ("Permutations per row", count("permutations")),
        ("Model evaluations", count("evaluations")),
        ("Largest additivity error",
         book.cite(Explanation, "additivity_error", unit="error", recipe="explanation")),
        ("Tolerance",
         book.cite(Explanation, "additivity_tolerance", unit="error", recipe="explanation")),
        ("Additivity", blocks.status("good", "holds") if exact
         else blocks.status("bad", "does not hold")),
    ]  # fmt: skip
    if found.grouped:
        text = ", ".join(found.grouped[:20])
        if len(found.grouped) > 20:
            text += f" and {len(found.grouped) - 20} more"
        rows.append(("Explained together as one", text))
    return [
        blocks.heading("Explanation method"),
        blocks.facts(rows),
        blocks.prose(
            f"{found.called[0].upper()}{found.called[1:]}s say how far columns moved this model's"
            f" output from the {base[0].lower()}{base[1:]}. They describe the model, not the world:"
            " they are no proof of a cause."
        ),
    ]


# -- example rows ------------------------------------------------------------------


def _examples(book: Book, found: Explanation) -> list[Facts | None]:
    attributions, predictions = book.get(Attributions), book.get(TestPredictions)
    if attributions is None or predictions is None:
        return [book.missing(Attributions, "No example row was explained")]
    champion = book.get(Champion)
    rows = set(attributions.frame["row"].tolist())
    known = predictions.frame[predictions.frame["row"].isin(rows)].reset_index(drop=True)
    content: list[Facts | None] = []
    for title, row, name in _chosen(book, known, found, champion):
        content += _waterfall(book, found, attributions.frame, title, row, name)
    if not content:
        return []
    return [
        blocks.heading("Example rows"),
        blocks.prose(
            "Values of identifiers and of free text are never shown, nor are categories that"
            f" fewer than {COMMON} rows of the table have."
        ),
        *content,
    ]


def _chosen(
    book: Book, known: pd.DataFrame, found: Explanation, champion: Champion | None
) -> list[tuple[str, int, str]]:
    """Return title, row and explained output of up to three example rows."""
    if known.empty:
        return []
    task = book.project.target.task
    if task == "binary":
        output = found.classes[0]
        score = known[f"p:{output}"]
        threshold = champion.threshold if champion else None
        orders = [
            ("Highest score", -score),
            ("Lowest score", score),
            ("Nearest to the threshold", (score - (0.5 if threshold is None else threshold)).abs()),
        ]
    elif task == "regression":
        value = known["predicted"].astype(float)
        orders = [
            ("Largest prediction", -value),
            ("Smallest prediction", value),
            ("Median prediction", (value - value.median()).abs()),
        ]
    else:
        best = known[[f"p:{name}" for name in found.classes if f"p:{name}" in known]].max(axis=1)
        wrong = known["actual"].astype(str) != known["predicted"].astype(str)
        orders = [
            ("Most confident error", -best[wrong]),
            ("Most certain", -best),
            ("Most doubtful", best),
        ]
    chosen: list[tuple[str, int, str]] = []
    for title, order in orders:
        left = order[~known.loc[order.index, "row"].isin([row for _, row, _ in chosen])]
        if not left.empty:
            at = left.sort_values(kind="stable").index[0]
            name = str(known["predicted"][at]) if task == "multiclass" else found.classes[0]
            chosen.append((title, int(known["row"][at]), name))
    return chosen


def _waterfall(  # noqa: PLR0917
    book: Book, found: Explanation, frame: pd.DataFrame, title: str, row: int, name: str
) -> list[Facts | None]:
    if name not in found.base and len(found.base) == 1:
        name = next(iter(found.base))
    lines = frame[(frame["row"] == row) & (frame["class"].astype(str) == name)]
    if lines.empty or name not in found.base:
        return []
    lines = lines.sort_values(["shap", "column"], key=_by_size, kind="stable")
    drawn: list[Facts] = []
    cells: list[list[Cell]] = []
    for line in lines.head(SHOWN_PARTS).to_dict("records"):
        column, value = str(line["column"]), shown_value(book, line)
        drawn.append(_line(row, name, column, value, line))
        cells.append([column, value, _shap(book, row, name, column, float(line["shap"]))])
    others = max(len(lines) - SHOWN_PARTS, 0)
    if others:
        # In brackets, as the explanation itself names columns that it took together.
        label, rest = f"({others} other columns)", float(lines["shap"].iloc[SHOWN_PARTS:].sum())
        drawn.append(_line(row, name, label, "", {"shap": rest}))
        cells.append([label, "", _shap(book, row, name, label, rest)])
    output = found.base[name] + float(lines["shap"].sum())
    mean = book.cite(Explanation, "base", name, unit="score", recipe="explanation")
    prediction = book.derive(
        f"prediction/{row}/{name}",
        output,
        unit="score",
        source=Attributions.file,
        place="/shap",
        recipe="log_odds" if found.space == "margin" else "prediction",
    )
    ends: list[list[Cell]] = [["This row's output", "", prediction]]
    if found.space == "margin" and len(found.classes) == 1:
        probability = book.derive(
            f"probability/{row}/{name}",
            1 / (1 + math.exp(-output)),
            unit="share",
            source=Attributions.file,
            place="/shap",
            recipe="prediction",
        )
        ends.append(["As a probability", "", probability])
    return [
        blocks.figure(
            "explain.waterfall",
            found.model_copy(update={"importance": {}}),
            "space",
            "feature_perturbation",
            "suspects",
            title=f"{title}: row {row}",
            lines=drawn,
            row=row,
            of=name,
            top=len(drawn),
        ),
        blocks.table(
            f"{title}: row {row}" + (f", output {name}" if len(found.classes) > 1 else ""),
            ["Column", "Value", found.called],
            [[_base(found), "", mean], *cells, *ends],
        ),
    ]


def _base(found: Explanation) -> str:
    """Return what values are relative to."""
    if not found.background:
        return "Mean output over the trees' training rows"
    return "Mean output over the background"


def _line(row: int, name: str, column: str, value: str, line: Mapping[Any, Any]) -> Facts:
    return {
        "row": row,
        "class": name,
        "column": column,
        "value": value if value not in ("", "missing") else None,
        "shap": float(line["shap"]),
        "standard_error": float(line.get("standard_error") or 0.0),
    }


def _by_size(series: pd.Series) -> pd.Series:
    return -series.abs() if series.name == "shap" else series


def _shap(book: Book, row: int, name: str, column: str, value: float) -> Facts:
    return book.derive(f"shap/{row}/{name}/{column}", value, unit="change",
                       source=Attributions.file, place="/shap", recipe="attribution")  # fmt: skip


def shown_value(book: Book, line: Mapping[Any, Any]) -> str:
    """Return a cell of an example row as text, or why it is not shown.

    This is a list of what may be shown, not of what may not: numbers, dates, booleans, and
    categories that enough rows share, of columns that the model may use.
    """
    column = book.project.columns.get(str(line["column"]))
    if column is None:
        return ""  # several columns that were explained as one
    if column.role != "feature" or str(line["column"]) in book.hidden:
        return HIDDEN
    value, number = line.get("value"), line.get("number")
    if column.type == "number":
        missing = number is None or number != number  # noqa: PLR0124
        return "missing" if missing else formats.number(float(number), 6)  # type: ignore[arg-type]
    if value is None or value != value:  # noqa: PLR0124
        return "missing"
    if column.type in ("boolean", "date"):
        return str(value)
    return str(value) if str(value) in _common(book, str(line["column"])) else RARE


def _common(book: Book, column: str) -> set[str]:
    profile = book.get(Profile)
    for each in profile.columns if profile else []:
        if each.name == column:
            return {value for value, rows in each.top if rows >= COMMON}
    return set()
