"""One journey through the notebooks in a real JupyterLab, as a person would take it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from support import lab

import toolkit
from toolkit import Run, paths
from toolkit.artifacts import (
    Champion,
    Evaluation,
    Explanation,
    LabelPatch,
    Leaderboard,
    Split,
    TestPredictions,
)
from toolkit.project.file import ProjectFile

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(1800)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "german_credit"

QUICK = {
    "automl.engines": ["baseline", "h2o", "autokeras"],
    "automl.exclude": ["GBM", "GLM"],
    "automl.folds": 2,
    "automl.budget.models": 3,
    "automl.budget.trials": 1,
    "automl.budget.epochs": 3,
    "explain.rows": 20,
    "explain.permutations": 4,
    "explain.bootstrap": 50,
    "labels.review": 20,
    "tracking.enabled": False,
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
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lab.NO_BROWSER)
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
    curve = panel.locator("figure img[alt*='Predicting positive costs']")
    picture = curve.get_attribute("src")

    assert not panel.get_by_role("tab").first.is_visible()
    notebook.unfold()
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
    assert project.reload().split.validation == 0.1

    notebook.tab("Metric")
    panel.get_by_role("button", name="Yes", exact=True).first.click()
    panel.get_by_text("Only the order of the rows is used").wait_for()
    notebook.page.keyboard.type("abdd")
    assert notebook.sources() == cells
    notebook.close()


def eda(page_and_url, project: ProjectFile) -> None:
    notebook = opened(page_and_url, "eda")
    notebook.run_all()
    panel = notebook.panel()
    panel.wait_for()
    notebook.screenshot(lab.screenshots())
    cells = notebook.sources()

    panel.get_by_placeholder("part of a name").fill("telep")
    panel.get_by_role("heading", name="telephone").wait_for()
    panel.locator("figure img[alt*='telephone']").wait_for()
    notebook.field("Role").select_option("Ignore")
    panel.get_by_text("Saved to project.yaml").wait_for()
    assert project.reload().columns["telephone"].role == "ignore"
    assert notebook.sources() == cells
    notebook.close()


def label_review(page_and_url, project: ProjectFile) -> None:
    notebook = opened(page_and_url, "label_review")
    notebook.run_all()
    panel = notebook.panel()
    panel.wait_for()
    notebook.screenshot(lab.screenshots())
    cells = notebook.sources()
    events = project.decisions / "labels.jsonl"

    def actions() -> list[str]:
        lines = events.read_text().splitlines() if events.exists() else []
        return [json.loads(line)["action"] for line in lines]

    def wait_for(*expected: str) -> None:
        lab.until(lambda: actions() == list(expected), 120, lambda: f"logged: {actions()}")

    panel.locator(".toolkit-keys input").focus()
    notebook.page.keyboard.press("r")
    wait_for("relabel")
    # A key typed with the focus on a button counts too, and reaches no cell.
    panel.get_by_role("button", name="Accept").click()
    wait_for("relabel", "accept")
    notebook.page.keyboard.type("dd")
    wait_for("relabel", "accept", "drop", "drop")
    notebook.page.keyboard.press("u")
    wait_for("relabel", "accept", "drop", "drop", "undo")
    notebook.page.keyboard.type("bxyz")
    notebook.page.wait_for_timeout(500)
    assert notebook.sources() == cells
    # The decisions are taken up when the notebook runs again.
    notebook.run_all()
    panel.get_by_text("1 accepted, 1 relabelled, 1 dropped").first.wait_for()
    notebook.close()


def automl(page_and_url, project: ProjectFile) -> None:
    notebook = opened(page_and_url, "automl")
    notebook.run_all()
    panel = notebook.panel("Save champion")
    panel.wait_for()
    notebook.screenshot(lab.screenshots())
    board = Leaderboard.load(project.folder / "runs" / "interactive")
    other = board.entries[1].name
    notebook.unfold("Save champion")
    offered = notebook.options("Champion", "Save champion")
    place = [text.startswith(f"{other}:") for text in offered].index(True)
    notebook.field("Champion", "Save champion").select_option(index=place)
    panel.get_by_role("button", name="Save champion").click()
    panel.get_by_text("Not saved").first.wait_for()  # a choice by hand needs a reason
    assert project.reload().choice.champion == "best"
    notebook.field("Reason", "Save champion").fill("As good within the noise, and simpler.")
    notebook.page.keyboard.press("Tab")
    panel.get_by_role("button", name="Save champion").click()
    panel.get_by_text(f"Saved to project.yaml: champion {other}").wait_for(timeout=240_000)
    panel.get_by_text("by hand: As good within the noise").wait_for()
    assert project.reload().choice.champion == other
    assert Champion.load(project.folder / "runs" / "interactive").name == other
    notebook.close()


def evaluate(page_and_url, project: ProjectFile) -> None:
    notebook = opened(page_and_url, "evaluate")
    notebook.run_all()
    notebook.panel("Error analysis").wait_for()
    notebook.panel("Fairness").wait_for()
    notebook.screenshot(lab.screenshots())
    notebook.close()


def explain(page_and_url, project: ProjectFile) -> None:
    notebook = opened(page_and_url, "explain")
    notebook.run_all()
    single = "One row: the largest errors first"
    panel = notebook.panel(single)
    panel.wait_for()
    notebook.screenshot(lab.screenshots())
    rows = notebook.options("Row", single)
    assert len(rows) == QUICK["explain.rows"]
    notebook.field("Row", single).select_option(index=3)
    number = rows[3].partition(":")[0]
    panel.locator("figcaption").filter(has_text=f"Row {number}:").wait_for()
    notebook.close()


def report(page_and_url, project: ProjectFile) -> None:
    notebook = opened(page_and_url, "report")
    notebook.run_all()
    panel = notebook.panel()
    panel.wait_for()
    notebook.screenshot(lab.screenshots())
    preview = panel.frame_locator("iframe")
    preview.get_by_role("heading", level=1).first.wait_for()
    assert "german_credit" in preview.locator("body").inner_text()
    notebook.unfold()
    notebook.field("Title").fill("Credit risk, seen in a browser")
    notebook.page.keyboard.press("Tab")
    panel.get_by_text("Saved to project.yaml: Title").wait_for()
    assert project.reload().report.title == "Credit risk, seen in a browser"
    notebook.close()


def test_journey(page_and_url, project):
    for leg in (scoping, eda, label_review, automl, evaluate, explain, report):
        leg(page_and_url, project)
    log = (project.decisions / "choices.jsonl").read_text().splitlines()
    keys = {json.loads(line)["key"] for line in log}
    assert {"costs.false_negative", "choice.champion", "report.title"} <= keys
    manifest = Run(project.folder / "runs" / "interactive").manifest()
    assert [manifest.stages[name].status for name in paths.STAGES] == ["done"] * len(paths.STAGES)
    replay_by_hand(project)


def replay_by_hand(clicked: ProjectFile) -> None:
    """Write what was clicked into a new file, run it headless, and expect the same results."""
    folder = clicked.folder.parent / "by_hand"
    folder.mkdir()
    values = clicked.project.model_dump(mode="json", exclude_defaults=True)
    (folder / "project.yaml").write_text(json.dumps(values), encoding="utf-8")
    shutil.copy(clicked.folder / clicked.project.data.source, folder)
    (folder / "decisions").mkdir()
    shutil.copy(clicked.decisions / "labels.jsonl", folder / "decisions")
    toolkit.run(folder, run_id="by_hand")
    interactive, headless = clicked.folder / "runs" / "interactive", folder / "runs" / "by_hand"
    for kind in (
        Split, LabelPatch, Leaderboard, Champion, TestPredictions, Evaluation, Explanation,
    ):  # fmt: skip
        assert (interactive / kind.file).read_bytes() == (headless / kind.file).read_bytes(), kind
