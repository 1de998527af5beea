"""A run's executed notebook, opened by somebody who does not trust it."""

from __future__ import annotations

import os

import papermill
import pytest
from support import lab

from toolkit import paths

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]


def test_an_untrusted_copy_shows_the_table_and_the_figures(binary_project, tmp_path):
    if lab.chromium() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lab.NO_BROWSER)
    file = binary_project()
    file.set("problem.question", "Who <b>leaves</b>?", by="Ana")
    run = file.folder / "runs" / "r"
    run.mkdir(parents=True)
    papermill.execute_notebook(
        str(paths.notebooks() / "01_scoping.ipynb"),
        str(run / "01_scoping.ipynb"),
        {"project": str(file.path), "run": "runs/r"},
        progress_bar=False,
    )
    scratch = tmp_path / "lab"
    scratch.mkdir()
    with lab.jupyterlab(run, scratch) as url, lab.browser(scratch) as page:
        notebook = lab.Notebook(page, url, "01_scoping.ipynb")
        page.locator("summary", has_text="Settings").first.click()
        page.get_by_role("cell", name="Problem: question").wait_for()
        assert page.get_by_text("Who <b>leaves</b>?").count()
        figure = page.locator("figure img").first
        assert figure.evaluate("e => e.complete && e.naturalWidth > 100")
        assert page.locator(".toolkit-panel").count() == 0
        notebook.close()
