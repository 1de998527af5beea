"""The data: intake, quality, leakage, columns and split."""

from __future__ import annotations

from pathlib import PurePath

from toolkit.artifacts import (
    ColumnProfile,
    Contract,
    Intake,
    Profile,
    Quality,
    SplitSummary,
)
from toolkit.artifacts.base import Facts
from toolkit.report import blocks
from toolkit.report.blocks import Cell
from toolkit.report.book import Book
from toolkit.report.words import metric_title, metric_unit

SHOWN_COLUMNS = 60
SHOWN_CLASSES = 10


def build(book: Book) -> Facts:
    """Return the section on the table."""
    content: list[Facts | None] = []
    intake = book.get(Intake)
    if intake is None:
        content.append(book.missing(Intake, "The intake was not recorded"))
    else:
        roles = [column.role for column in intake.columns]
        rows: list[tuple[str, Cell]] = [
            ("Source", source_name(intake.source)),
            ("Rows", book.cite(Intake, "rows", unit="count", recipe="intake")),
            ("Columns", book.derive("columns", len(roles), unit="count", source=Intake.file,
                                    place="/columns", recipe="count")),
            ("Columns that models may use",
             book.derive("features", roles.count("feature"), unit="count", source=Intake.file,
                         place="/columns", recipe="count(role=feature)")),
            ("Protected columns", ", ".join(book.project.protected()) or {"gap": "none marked"}),
        ]  # fmt: skip
        content.append(blocks.facts(rows))
    content += [_quality(book), *_profile(book), *_split(book), _contract(book)]
    return blocks.section("data", "Data", content)


def source_name(source: str) -> str:
    """Return a source without folders or address: a report must not tell where things lie."""
    if "://" in source:
        return f"a query of a {source.partition('://')[0].partition('+')[0]} database"
    return PurePath(source.replace("\\", "/")).name


def _quality(book: Book) -> Facts | None:
    quality = book.get(Quality)
    if quality is None:
        return book.missing(Quality, "No data-quality check was made")
    found = quality.checks  # what the intake and the split found is among them
    passed = sum(check.severity == "ok" for check in found)
    return blocks.checks(
        f"Data-quality checks, worst first ({passed} more passed)" if passed
        else "Data-quality checks, worst first",
        [check for check in found if check.severity != "ok"],
        book.redact,
    ) or blocks.prose(
        f"All {len(found)} data-quality checks passed." if found
        else "No data-quality check found a fault."
    )  # fmt: skip


def _profile(book: Book) -> list[Facts | None]:
    profile = book.get(Profile)
    if profile is None:
        return [book.missing(Profile, "The columns were not profiled")]
    # Claims stand in the report's data in the order in which they are made here.
    suspects, columns = _suspects(book, profile), _columns(book, profile)
    drift = _drift(book, profile)
    return [
        blocks.heading("Leakage"),
        suspects,
        _searched(book, profile),
        blocks.heading("Columns"),
        _associations(profile),
        columns,
        *_contents(book, profile),
        drift,
    ]


def _suspects(book: Book, profile: Profile) -> Facts:
    return blocks.table(
        "Columns that may leak the target, most suspicious first",
        ["Column", "Suspicion, 0 to 1", "Severity", "Reason", "Answer"],
        [
            [
                suspect.column,
                book.cite(Profile, "suspects", index, "score", unit="score", recipe="association"),
                "answered" if suspect.resolved else suspect.severity,
                book.redact(suspect.reason, [suspect.column]),
                suspect.resolved or "open",
            ]
            for index, suspect in enumerate(profile.suspects[:20])
        ],
    ) or blocks.prose(
        "No column was found to leak the target; how far the search looked is below."
        if profile.searched
        else "No search for leaks of the target was made."
    )


def _columns(book: Book, profile: Profile) -> Facts | None:
    order = list(range(len(profile.columns)))
    hidden = len(order) - SHOWN_COLUMNS
    if hidden > 0:
        order.sort(key=lambda i: -(profile.columns[i].association or 0))
    return blocks.table(
        "Columns with the strongest association" if hidden > 0 else "Every column of the table",
        ["Column", "Type", "Role", "Missing", "Distinct", "Association with the target"],
        [_column(book, profile, index) for index in order[:SHOWN_COLUMNS]],
        note="Association: how well the column alone predicts the target out of sample, 0 to 1."
        + (f" {hidden} columns with a weaker association are not shown." if hidden > 0 else ""),
    )


def _column(book: Book, profile: Profile, index: int) -> list[Cell]:
    column, path = profile.columns[index], ("columns", index)
    share = column.missing / profile.rows if profile.rows else None
    known = column.association is not None
    return [
        column.name,
        column.type + (", protected" if column.protected else ""),
        column.role,
        book.derive(f"missing/{column.name}", share, unit="share", source=Profile.file,
                    place=f"/columns/{index}/missing", recipe="profile"),
        book.cite(Profile, *path, "distinct", unit="count", recipe="profile"),
        book.cite(Profile, *path, "association", unit="score", recipe="association")
        if known else "–",
    ]  # fmt: skip


def _drift(book: Book, profile: Profile) -> Facts | None:
    shifts = [(index, drift) for index, drift in enumerate(profile.drift) if drift.severity != "ok"]
    return blocks.table(
        "Columns with drift",
        ["Column", "Between", "Population stability index", "Severity"],
        [
            [
                each.column,
                "earlier and later rows" if each.axis == "time" else "train and test",
                book.cite(Profile, "drift", index, "distance", unit="score", recipe="drift"),
                each.severity,
            ]
            for index, each in shifts[:20]
        ],
    )


def _associations(profile: Profile) -> Facts | None:
    known = [each for each in profile.columns if each.association is not None]
    known.sort(key=lambda each: -(each.association or 0))
    if not known:
        return None
    # Of a column only what the figure draws: its values stay in the run.
    fields = {"name", "type", "role", "protected", "missing", "distinct", "association"}
    drawn = [ColumnProfile(**each.model_dump(include=fields)) for each in known[:15]]
    kept = profile.model_copy(update={"columns": drawn})
    return blocks.figure("eda.associations", kept, top=len(drawn))


def _searched(book: Book, profile: Profile) -> Facts | None:
    """Return what the search for leaks looked at, and up to what."""
    searched = profile.searched
    if searched is None:
        return None

    def cite(key: str, unit: str = "count") -> Cell:
        recipe = "association" if unit == "score" else "profile"
        return book.cite(Profile, "searched", key, unit=unit, recipe=recipe)

    rows: list[list[Cell]] = [
        ["Columns, each alone", cite("columns")],
        ["Columns, by where they are missing", cite("gaps")],
        ["Pairs of columns", cite("pairs")],
        ["Rows, without the test rows", cite("rows")],
        ["Least agreement with the target at which a leak is found", cite("limit", "score")],
    ]
    if searched.strongest:
        name = f"Association of the strongest column that is not suspected, {searched.strongest}"
        rows.insert(-1, [name, cite("strength", "score")])
    if searched.unsuspected is not None:
        name = "Score of a quick model of all columns that are not suspected"
        rows.insert(-1, [name, cite("unsuspected", "score")])
    return blocks.table(
        "How far the search for leaks looked", ["What", "Number, or score (0 to 1)"], rows,
        note="A leak that takes three columns or more would not be found.",
    )  # fmt: skip


def _contents(book: Book, profile: Profile) -> list[Facts | None]:
    """Return what the texts and images that models may use hold; no text is shown whole."""
    content: list[Facts | None] = []
    for index, column in enumerate(profile.columns):
        if column.role != "feature" or not column.measure:
            continue

        def count(name: str, unit: str = "count", index: int = index) -> Facts:
            return book.cite(Profile, "columns", index, name, unit=unit, recipe="profile")

        rows: list[tuple[str, Cell]] = [("Different values", count("distinct"))]
        if column.repeated is not None:
            rows.append(("Equal to an earlier row's", count("repeated")))
        if column.mean is not None:
            rows.append((f"Mean {column.measure}", count("mean", "score")))
        if column.sizes:
            rows.append(("Most frequent size, in pixels", column.sizes[0][0]))
        content += [blocks.heading(f"Contents of {column.name}"), blocks.facts(rows)]
        # Of the column only what the figure draws.
        kept = {"name", "type", "role", "protected", "missing", "distinct"}
        if column.pictures and book.project.report.pictures:
            kept.add("pictures")
        elif column.words:
            kept.add("words")
        else:
            continue
        drawn = profile.model_copy(
            update={"columns": [ColumnProfile(**column.model_dump(include=kept))]}
        )
        plot = "eda.sheet" if "pictures" in kept else "eda.words"
        content.append(blocks.figure(plot, drawn, name=column.name))
    return content


def _split(book: Book) -> list[Facts | None]:
    split = book.get(SplitSummary)
    if split is None:
        return [book.missing(SplitSummary, "The rows were not split")]
    target = book.project.target
    names = list(dict.fromkeys(name for part in split.parts for name in part.target))
    unit = "share" if target.task != "regression" else "target"
    rows: list[list[Cell]] = []
    for index, part in enumerate(split.parts):
        row: list[Cell] = [
            part.part,
            book.cite(SplitSummary, "parts", index, "rows", unit="count", recipe="split"),
        ]
        for name in names[:SHOWN_CLASSES]:
            known = name in part.target
            row.append(
                book.cite(SplitSummary, "parts", index, "target", name, unit=unit, recipe="split")
                if known else "–"
            )  # fmt: skip
        rows.append(row)
    more = len(names) - SHOWN_CLASSES
    baseline = blocks.table(
        f"Baseline scores on the validation rows: {metric_title(split.metric)}",
        ["Model", metric_title(split.metric)],
        [
            [name, book.cite(SplitSummary, "baseline", name, recipe="baseline",
                             unit=metric_unit(split.metric))]
            for name in split.baseline
        ],
    )  # fmt: skip
    return [
        blocks.heading("Split"),
        blocks.figure("eda.split", split) if len(names) <= SHOWN_CLASSES else None,
        blocks.table(
            f"Rows by part ({split.method} split)",
            ["Part", "Rows", *names[:SHOWN_CLASSES]],
            rows,
            note=f"{more} further classes are not shown." if more > 0 else "",
        ),
        blocks.checks("Checks of the split", split.checks, book.redact),
        baseline,
    ]


def _contract(book: Book) -> Facts:
    contract = book.get(Contract)
    if contract is None:
        return book.missing(Contract, "Later tables cannot be checked against a schema")
    return blocks.prose(
        "The schema that later tables must meet is saved with the run"
        f" ({Contract.file}, pandera {contract.pandera_version})."
    )
