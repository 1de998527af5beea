"""Keys of the label panel stay in it, and the notebook's out of it, also without inline script."""

from __future__ import annotations

import json
import os

import nbformat
import pytest
from support import lab

from toolkit import data, labels, open_stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

# JupyterLab does not start without `unsafe-eval`, which its settings need.
STRICT = (
    "default-src 'self'; script-src 'self' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws:; object-src 'none'"
)
KERNEL = {"name": "python3", "display_name": "Python 3"}
CELL = """\
from toolkit import labels, open_stage, widgets
stage = open_stage("label_review", "project.yaml", "runs/a")
widgets.LabelPanel(stage, labels.open_queue(stage, by="Ana"))
"""


@pytest.fixture
def folder(binary_project):
    """A project whose labels are scored, with a notebook that shows them."""
    folder = binary_project().folder
    stages = {"scoping": data.intake, "eda": data.make_split, "label_review": labels.score_labels}
    for name, work in stages.items():
        stage = open_stage(name, folder, "runs/a")
        work(stage)
        stage.finish()
    cells = [nbformat.v4.new_code_cell(text) for text in (CELL, "1 + 1")]
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(book, folder / "keys.ipynb")
    return folder


@pytest.mark.parametrize("policy", ["", STRICT], ids=["plain", "strict"])
def test_keys_of_panel_and_notebook_do_not_mix(folder, tmp_path, policy):
    if lab.chromium() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lab.NO_BROWSER)

    def actions() -> list[str]:
        log = folder / "decisions" / "labels.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return [json.loads(line)["action"] for line in lines]

    def wait_for(*expected: str) -> None:
        lab.until(lambda: actions() == list(expected), 60, lambda: f"logged: {actions()}")

    scratch = tmp_path / "lab"
    scratch.mkdir()
    with lab.jupyterlab(folder, scratch, policy=policy) as url, lab.browser(scratch) as page:
        console: list[str] = []
        page.on("console", lambda message: console.append(message.text))
        notebook = lab.Notebook(page, url, "keys.ipynb")
        notebook.run_all()
        panel = notebook.panel()
        button = panel.get_by_role("button", name="Accept")
        button.wait_for()
        notebook.screenshot(lab.screenshots())
        before = notebook.sources()
        button.focus()
        page.keyboard.type("add")
        wait_for("accept", "drop", "drop")
        page.keyboard.press("Backspace")
        page.keyboard.type("ubxyz")
        wait_for("accept", "drop", "drop", "undo")
        panel.get_by_label("Reason").focus()
        page.keyboard.type("dd a")
        assert notebook.sources() == before  # no cell inserted, none deleted
        # In the notebook's command mode the same key inserts a cell, and decides nothing.
        page.locator(".jp-Notebook .jp-Cell .jp-InputPrompt").last.click()
        page.keyboard.press("a")
        lab.until(lambda: len(notebook.sources()) == len(before) + 1, 30, lambda: "no cell")
        assert actions() == ["accept", "drop", "drop", "undo"]
        # The style sheet is there, and what carries it takes no room.
        assert panel.evaluate("e => getComputedStyle(e).paddingLeft") == "16px"
        assert panel.locator(".toolkit-shim").evaluate("e => e.offsetHeight") == 0
        ours = ("blob:http", "inline event handler", "anywidget")  # the page has others
        assert not [
            text for text in console
            # JupyterLab remarks on every plug-in that takes its time on a busy machine.
            if any(word in text for word in ours) and "to activate" not in text
        ]  # fmt: skip
        notebook.close()
