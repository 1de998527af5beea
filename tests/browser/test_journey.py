"""One journey through the notebooks in a real JupyterLab, as a person would take it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import lab
import pytest

from toolkit import paths
from toolkit.project.file import ProjectFile

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "german_credit"

QUICK = {
    "automl.budget.models": 2,
    "automl.budget.trials": 1,
    "automl.budget.epochs": 3,
    "explain.rows": 20,
    "explain.permutations": 4,
    "explain.bootstrap": 50,
    "labels.review": 20,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> ProjectFile:
    folder = tmp_path_factory.mktemp("journey") / "german_credit"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("runs", "decisions"))
    shutil.copytree(paths.notebooks(), folder / "notebooks", dirs_exist_ok=True)
    file = ProjectFile(folder)
    file.update(QUICK, by="test")
    shutil.rmtree(file.decisions)
    return file


@pytest.fixture(scope="module")
def page_and_url(project, tmp_path_factory):
    if lab.chromium() is None:
        reason = "no Chromium: install it, or set CHROMIUM to its path"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    scratch = tmp_path_factory.mktemp("lab")
    with lab.jupyterlab(project.folder, scratch) as url, lab.browser(scratch) as page:
        yield page, url


def opened(page_and_url, stage: str) -> lab.Notebook:
    page, url = page_and_url
    return lab.Notebook(page, url, f"notebooks/{paths.notebook_name(stage)}")


def scoping(page_and_url, project: ProjectFile) -> None:
    notebook = opened(page_and_url, "scoping")
    notebook.run_all()
    panel = notebook.panel()
    panel.wait_for()
    notebook.screenshot(lab.screenshots())
    cells = notebook.sources()
    curve = panel.locator("figure img[alt*='Acting costs']")
    picture = curve.get_attribute("src")

    notebook.tab("Costs")
    notebook.field("bad taken for good (missed)").fill("7")
    notebook.page.keyboard.press("Tab")
    panel.get_by_text("Saved to project.yaml: bad taken for good").wait_for()
    assert project.reload().costs.false_negative == 7
    assert "# The data set's own cost matrix" in project.path.read_text(encoding="utf-8")
    panel.get_by_text("0.125", exact=True).wait_for()  # the threshold, 1 / (1 + 7)
    assert curve.get_attribute("src") != picture

    notebook.tab("Split")
    notebook.field("Validation").fill("0.9")
    notebook.page.keyboard.press("Tab")
    panel.get_by_text("Not saved: Validation").wait_for()
    assert project.reload().split.validation == 0.2

    notebook.tab("Metric")
    panel.get_by_role("button", name="Yes", exact=True).first.click()
    panel.get_by_text("Only the order of the rows is used").wait_for()
    notebook.page.keyboard.type("abdd")
    assert notebook.sources() == cells
    notebook.close()


def test_journey(page_and_url, project):
    scoping(page_and_url, project)
    log = (project.decisions / "choices.jsonl").read_text().splitlines()
    assert "costs.false_negative" in {json.loads(line)["key"] for line in log}
