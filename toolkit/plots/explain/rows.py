"""Figures of single rows: counterfactuals and similar rows."""

from __future__ import annotations

from toolkit import formats
from toolkit.artifacts import Counterfactual, RowReport, RowReports
from toolkit.artifacts.row_reports import Cell
from toolkit.errors import UsageError
from toolkit.plots.style import BLUE, GREY, PALETTE, RED, Plot, canvas, name_rows, shorten

_MARKS = "osD^vP*X"


def counterfactuals(reports: RowReports, row: int) -> Plot:
    """Draw how far each counterfactual of a row moves its score.

    Parameters
    ----------
    reports : RowReports
        What was found.
    row : int
        One of its rows.
    """
    report = report_of(reports, row)
    found = report.counterfactuals
    alt = f"Row {row} scores {formats.number(report.score, 4)} and is {report.decision}. " + (
        "; ".join(f"{change_words(each)}: {formats.number(each.score, 4)}" for each in found)
        or report.blocked
    )
    title = f"Row {row}: what would lead to {report.wanted or 'another decision'}"
    with canvas(
        shorten(title, 90),
        alt,
        height=1.4 + sum(0.2 + 0.17 * min(3, len(x.changes)) for x in found),
    ) as sheet:
        axes = sheet.axes
        for place, each in enumerate(found):
            axes.annotate(
                "",
                xy=(each.score, place),
                xytext=(report.score, place),
                arrowprops={"arrowstyle": "->", "color": BLUE, "linewidth": 1.6},
            )
            axes.plot(each.score, place, "o", color=BLUE, markersize=7)
            right = each.score >= report.score
            axes.annotate(
                formats.number(each.score, 4),
                (each.score, place),
                xytext=(7 if right else -7, 0),
                textcoords="offset points",
                ha="left" if right else "right",
                va="center",
                fontsize=9,
            )
        heights = range(len(found)) if found else [0]
        axes.plot([report.score] * len(heights), heights, "D", color=GREY, markersize=6,
                  label=f"as it is: {formats.number(report.score, 4)}")  # fmt: skip
        if reports.threshold is not None:
            axes.axvline(reports.threshold, color=RED, linestyle="--", linewidth=1.2,
                         label=f"threshold {formats.number(reports.threshold)}")  # fmt: skip
        labels = [_wrapped(each) for each in found] or ["nothing found"]
        name_rows(axes, labels, fontsize=9)
        axes.margins(x=0.22)  # the scores stand beside the points
        axes.set_xlabel(shorten(reports.output, 70))
        axes.grid(axis="y", visible=False)
        sheet.figure.legend(fontsize=8, ncols=2, loc="outside upper right")
    return sheet.plot


def similar(reports: RowReports, row: int) -> Plot:
    """Draw the training rows most like a row: score across, distance up, sign by outcome."""
    report = report_of(reports, row)
    groups: dict[str, list[tuple[float, float]]] = {}
    for each in report.similar:
        groups.setdefault(each.actual, []).append((each.score, each.distance))
    if reports.task == "regression":
        said = "outcomes " + ", ".join(each.actual for each in report.similar)
    else:
        said = ", ".join(f"{len(points)} ended as {name}" for name, points in groups.items())
    alt = f"The {len(report.similar)} training rows nearest to row {row}: {said or 'none'}."
    title = f"Row {row} and its nearest training rows"
    with canvas(title, alt, height=2.9) as sheet:
        axes = sheet.axes
        axes.plot(report.score, 0, "X", color="black", markersize=10, label=f"row {row}",
                  clip_on=False, zorder=4)  # fmt: skip
        numbers = reports.task == "regression"
        drawn = (
            {"training row": [p for some in groups.values() for p in some]} if numbers else groups
        )
        # The wanted outcome keeps its sign and colour from one row's figure to another's.
        others = sorted(name for name in drawn if name != report.wanted)
        for name, points in drawn.items():
            i = 1 + others.index(name) if name in others else 0
            axes.plot([x for x, _ in points], [y for _, y in points], _MARKS[i % len(_MARKS)],
                      color=PALETTE[i % len(PALETTE)], markersize=8, linestyle="",
                      label=shorten(name, 24), zorder=3)  # fmt: skip
        if reports.threshold is not None:
            axes.axvline(reports.threshold, color=RED, linestyle="--", linewidth=1.2,
                         label=f"threshold {formats.number(reports.threshold)}")  # fmt: skip
        axes.margins(0.12)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(shorten(reports.output, 70))
        axes.set_ylabel("distance")
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5),
                    title=None if numbers else "recorded outcome", title_fontsize=8)  # fmt: skip
    return sheet.plot


def report_of(reports: RowReports, row: int) -> RowReport:
    """Return the report of a row.

    Raises
    ------
    UsageError
        When the row has none.
    """
    for report in reports.reports:
        if report.row == row:
            return report
    raise UsageError(
        f"row {row} has no report",
        expected=", ".join(str(each.row) for each in reports.reports[:10]) or "no row at all",
    )


def cell_words(cell: Cell) -> str:
    """Return a cell as text."""
    if cell is None:
        return "missing"
    return formats.number(cell, 6) if isinstance(cell, float) else cell


def change_words(found: Counterfactual) -> str:
    """Return the changes of a counterfactual in one line."""
    return ", ".join(
        f"{each.column} from {cell_words(each.before)} to {cell_words(each.after)}"
        for each in found.changes
    )


def _wrapped(found: Counterfactual) -> str:
    lines = []
    for each in found.changes[:3]:
        move = f"{shorten(cell_words(each.before), 12)} → {shorten(cell_words(each.after), 12)}"
        lines.append(f"{shorten(each.column, 20)}: {move}")
    if len(found.changes) > 3:
        lines[-1] += f" (+{len(found.changes) - 3})"
    return "\n".join(lines)
