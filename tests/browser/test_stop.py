"""The search's stop button, clicked while its cell runs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from support import lab

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(1800)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "german_credit"
SHOW = """\
from toolkit import open_stage, widgets
stage = open_stage("automl", "project.yaml", "runs/r", ["tracking.enabled=false"])
live = widgets.LiveLeaderboard(stage)
live"""
SEARCH = """\
import time
from toolkit.automl.search_state import SearchState
began = time.monotonic()
while not live.stopped() and time.monotonic() - began < 300:
    live.update(SearchState("log_loss", done=1, planned=9, elapsed=time.monotonic() - began))
    time.sleep(0.1)
live.update(SearchState("log_loss", elapsed=301.0, ended="That was it."))
print("heard" if live.stopped() else "not heard")"""


def test_stop_is_heard_while_the_search_s_cell_runs(tmp_path):
    if lab.chromium() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lab.NO_BROWSER)
    folder, scratch = tmp_path / "credit", tmp_path / "lab"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("runs", "decisions"))
    scratch.mkdir()
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = nbformat.v4.new_notebook(metadata={"kernelspec": spec})
    book.cells = [nbformat.v4.new_code_cell(text) for text in (SHOW, SEARCH)]
    nbformat.write(book, folder / "search.ipynb")
    with lab.jupyterlab(folder, scratch) as url, lab.browser(scratch) as page:
        notebook = lab.Notebook(page, url, "search.ipynb")
        notebook.command("notebook:run-all-cells")
        page.get_by_text("1 of 9 trials").wait_for(timeout=240_000)
        page.get_by_role("button", name="Stop and keep the finished models").click()
        page.locator(".toolkit-panel").get_by_text("That was it.").wait_for(timeout=240_000)
        page.locator(".jp-OutputArea").get_by_text("heard", exact=True).wait_for()
        notebook.close()
