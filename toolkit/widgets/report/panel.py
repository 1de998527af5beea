"""The panel of ``07_report``: the report as it stands, and what is not answered yet."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import ipywidgets as w

from toolkit.project.completeness import Question, questions
from toolkit.run.stage import Stage
from toolkit.widgets.kit.inputs import Field
from toolkit.widgets.kit.panel import Panel, grid, table

if TYPE_CHECKING:
    from toolkit.artifacts.report import ReportData, Verdict

_HERE = (
    "governance.risk_tier",
    "governance.owner",
    "governance.reviewer",
    "governance.review_date",
    "report.title",
    "report.statement",
    "governance.notes",
)
"""What is always offered; other open questions are offered while they are open."""

# Results hang on these, or they need more than one input: their own notebook asks for them.
_ELSEWHERE = ("acceptance", "costs.", "labels.", "choice.", "fairness.")
_LONG = ("problem.", "report.statement", "governance.notes")


class ReportPanel(Panel):
    """A preview of the report, and inputs for the questions that are open.

    Parameters
    ----------
    stage : Stage
        The open stage.
    report : ReportData
        What the report shows.
    html : str
        The report rendered.
    """

    def __init__(self, stage: Stage, report: ReportData, html: str) -> None:
        super().__init__(stage, "Report and open questions", ("governance", "report", "problem"))
        self.report = report
        self._sources = stage.file.sources()
        # Whether labels were reviewed is a fact of the run: the report knows it.
        self._reviewed = all(gap.key != "labels.review" for gap in report.gaps)
        self._bar = w.HTML()
        self._verdict = verdict_html(report.verdict)
        self._list = w.HTML()
        fields = [self._field(key) for key in self._offered()]
        self._preview = w.HTML(preview(html))
        self.show(
            w.HTML(self._verdict),
            self._preview,
            self._bar,
            self._list,
            settings=[grid(*fields, width=320)],
        )
        self._draw()

    @property
    def still_open(self) -> list[Question]:
        """What is not answered at this moment, what is required first."""
        asked = [each for each in self._asked() if not each.answered]
        return sorted(asked, key=lambda each: not each.required)

    def changed(self) -> None:
        """Count again after a saved change."""
        self._sources = self.stage.file.sources()
        self._draw()

    def static(self) -> str:
        """Return what is open, for readers without a kernel."""
        return self._verdict + self._bar_html() + self._list_html()

    # -- inside --------------------------------------------------------------------

    def _offered(self) -> list[str]:
        more = [
            each.key
            for each in self.still_open
            if each.key not in _HERE and not each.key.startswith(_ELSEWHERE)
        ]
        return [*_HERE, *more]

    def _field(self, key: str) -> Field:
        if key.startswith(_LONG):
            return self.field(key, rows=3)
        return self.field(key)

    def _asked(self) -> list[Question]:
        return questions(self.stage.project, self._sources, labels_reviewed=self._reviewed)

    def _draw(self) -> None:
        self._bar.value = self._bar_html()
        self._list.value = self._list_html()

    def _bar_html(self) -> str:
        required = [each for each in self._asked() if each.required]
        done = sum(each.answered for each in required)
        return (
            f'<p role="status"><progress value="{done}" max="{max(len(required), 1)}"'
            ' style="width:16em;vertical-align:middle" aria-label="required answers"></progress>'
            f" <b>{done} of {len(required)}</b> required answers given</p>"
        )

    def _list_html(self) -> str:
        if not self.still_open:
            return "<p>✔ Nothing is open.</p>"
        return table(
            ("Needed", "What is open", "Project key", "Asked in"),
            [
                ("✖ required" if each.required else "▲ recommended", each.what, each.key,
                 each.where)
                for each in self.still_open
            ],
        )  # fmt: skip


def verdict_html(verdict: Verdict | None) -> str:
    """Return the report's verdict and what decides it, or nothing where there is none."""
    if verdict is None:
        return ""
    mark = {"do not use": "✖", "not shown": "▲"}.get(verdict.word, "✔")
    reasons = "".join(f"<li>{html.escape(each.sentence)}</li>" for each in verdict.deciding)
    more = len(verdict.findings) - len(verdict.deciding)
    rows = [] if verdict.test_rows is None else [f"{verdict.test_rows:,} test rows"]
    rows += [] if verdict.positives is None else [f"{verdict.positives:,} positive"]
    rows += [f"{more} more finding{'' if more == 1 else 's'} in the report"] if more else []
    return (
        f"<p><b>Verdict: {mark} {html.escape(verdict.word)}</b></p><ul>{reasons}</ul>"
        f"<p>{', '.join(rows)}</p>"
    )


def preview(page: str, height: int = 640) -> str:
    """Return a frame that shows a page and lets it do nothing.

    Parameters
    ----------
    page : str
        A whole HTML page.
    height : int
        Pixels.
    """
    # An empty sandbox forbids scripts, forms and links out of the frame.
    return (
        '<iframe sandbox="" title="Preview of the report" loading="lazy"'
        f' style="width:100%;height:{height}px;border:1px solid #9aa5b5;background:white"'
        f' srcdoc="{html.escape(page, quote=True)}"></iframe>'
    )
