"""The report's panel: open answers shrink as they are given, the preview can do nothing."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from support.report_runs import NASTY, make_run

from toolkit import open_stage
from toolkit.project.file import ProjectFile
from toolkit.report import claims, render, write_report
from toolkit.widgets import ReportPanel
from toolkit.widgets.report.panel import preview


@pytest.fixture
def stage(tmp_path):
    opened = open_stage("report", make_run(tmp_path / "p", "binary", answered=False),
                        "runs/one")  # fmt: skip
    yield opened
    opened.run.release()


@pytest.fixture
def panel(stage):
    report = claims(stage)
    return ReportPanel(stage, report, render(report))


def test_what_is_open_is_what_the_report_calls_open(panel):
    assert [each.key for each in panel.still_open] == [gap.key for gap in panel.report.gaps]


def test_an_answer_is_saved_and_leaves_the_list(panel, stage):
    panel.fields["governance.risk_tier"].control.value = "low"
    before = [each.key for each in panel.still_open if each.required]
    panel.fields["problem.question"].control.value = f"Who? {NASTY}"
    panel.fields["governance.owner"].control.value = "Ana"
    after = [each.key for each in panel.still_open if each.required]
    assert set(before) - set(after) == {"problem.question", "governance.owner"}
    project = ProjectFile(stage.file.path).project
    assert (project.governance.owner, project.problem.question) == ("Ana", f"Who? {NASTY}")
    assert panel.value["governance"].owner == "Ana"


def test_the_report_written_afterwards_has_the_answer(panel, stage):
    panel.fields["report.statement"].control.value = "Good for a pilot."
    report = write_report(stage)
    assert "report.statement" not in [gap.key for gap in report.gaps]
    assert "Good for a pilot." in (stage.run.folder / "report.html").read_text(encoding="utf-8")


def test_it_offers_nothing_on_which_results_hang(panel):
    sections = {key.partition(".")[0] for key in panel.fields}
    assert sections == {"governance", "report", "problem"}


def test_readers_without_a_kernel_see_the_answers_and_what_is_open(panel):
    html = panel._repr_mimebundle_()["text/html"]
    assert "What is open" in html
    assert "problem.decision" in html
    assert "<script" not in html


class Frames(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.frames: list[dict] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "iframe":
            self.frames.append(dict(attrs))


def test_preview_is_one_sandboxed_frame_that_holds_the_page():
    page = f'<!DOCTYPE html><p title="a&amp;b">{NASTY}</p>'
    found = Frames(preview(page))
    assert found.tags == ["iframe"]
    assert found.frames[0]["sandbox"] == ""
    assert found.frames[0]["srcdoc"] == page
    assert found.frames[0]["title"]
