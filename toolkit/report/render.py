"""From ``report.json`` to one HTML file that needs nothing else: no script, no request."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

from toolkit import canonical, paths
from toolkit.artifacts import ReportData
from toolkit.artifacts.base import Facts
from toolkit.report import figures, formats
from toolkit.report.claims import claims
from toolkit.run.stage import Stage

REPORT_FILE = "report.html"

MARKS = {"good": "✓", "caution": "▲", "bad": "✕", "info": "●", "gap": "○"}
"""A shape for each status, beside its word and colour."""


def render(report: ReportData) -> str:
    """Return the report as one self-contained HTML page.

    Nothing but ``report`` is read, so the same ``report.json`` gives the same page anywhere.

    Parameters
    ----------
    report : ReportData
        What `toolkit.report.claims.claims` returned, or what was read from ``report.json``.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = paths.templates() / "report"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = itertools.count(1)

    def draw(block: Facts) -> dict[str, Any]:
        number = next(numbers)
        return {"number": number, **figures.draw(block, number)}

    return environment.get_template("report.html.j2").render(
        report=report,
        css=(folder / "report.css").read_text(encoding="utf-8"),
        claims=report.claims,
        draw=draw,
        main=formats.main,
        interval=formats.interval,
        number=formats.number,
        marks=MARKS,
        tables=itertools.count(1),
        digest=digest(report),
        digest_without_times=canonical.digest(
            report.model_dump(mode="json", exclude=set(ReportData.time_fields))
        ),
    )


def digest(report: ReportData) -> str:
    """Return the SHA-256 of the ``report.json`` that holds these data."""
    text = canonical.dumps(report.model_dump(mode="json"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def write_report(stage: Stage) -> ReportData:
    """Write ``report.json`` and ``report.html`` into the run, and return the data.

    Parameters
    ----------
    stage : Stage
        The stage ``report``, open. Choices made since it was opened count.
    """
    stage.run.freeze(stage.file)
    report = claims(stage)
    stage.write(report)
    canonical.write_text(stage.run.folder / REPORT_FILE, render(report))
    stage.wrote(REPORT_FILE)
    required = sum(gap.required for gap in report.gaps)
    recommended = len(report.gaps) - required
    stage.progress(
        f"report written: {report.completeness:.0%} of the required questions answered,"
        f" {required} required and {recommended} recommended answers open"
    )
    return report
