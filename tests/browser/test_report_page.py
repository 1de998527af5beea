"""The report in a real browser: nothing runs, nothing is asked for, it fits small screens."""

from __future__ import annotations

import os

import pytest
from support import lab
from support.report_runs import NASTY, make_run

from toolkit import open_stage
from toolkit.report import write_report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    if lab.chromium() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lab.NO_BROWSER)
    folder = make_run(tmp_path_factory.mktemp("report") / "p", "binary")
    stage = open_stage("report", folder, "runs/one")
    write_report(stage)
    stage.finish()
    with lab.browser(tmp_path_factory.mktemp("chromium")) as tab:
        tab.asked, tab.said = [], []
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.on("console", lambda message: tab.said.append(message.text))
        tab.on("dialog", lambda dialog: (tab.said.append("dialog"), dialog.dismiss()))
        tab.goto((folder / "runs/one/report.html").as_uri())
        yield tab


def test_it_asks_for_itself_only_and_runs_nothing(page):
    assert len(page.asked) == 1
    assert page.said == []
    assert page.evaluate("document.scripts.length") == 0
    assert NASTY in page.inner_text("#problem")


@pytest.mark.parametrize("width", [1200, 768, 400])
def test_it_never_scrolls_sideways(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_prints_to_a4(page):
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 972})  # A4 without its margins, at 96 dpi
    wide = page.evaluate(
        "[...document.querySelectorAll('table, svg')]"
        ".filter(e => e.getBoundingClientRect().right > 690).length"
    )
    page.emulate_media(media="screen")
    assert wide == 0


def test_every_picture_and_table_has_a_name(page):
    unnamed = page.evaluate(
        "[...document.querySelectorAll('[role=img], [role=region]')]"
        ".filter(e => !e.getAttribute('aria-label') && !e.closest('[aria-label]')).length"
    )
    assert unnamed == 0
