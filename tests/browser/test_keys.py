"""Keys that are typed in a panel stay in it, also where the server allows no inline script."""

from __future__ import annotations

import os

import nbformat
import pytest
from support import lab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

# JupyterLab does not start without `unsafe-eval`, which its settings need.
STRICT = (
    "default-src 'self'; script-src 'self' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws:; object-src 'none'"
)
KERNEL = {"name": "python3", "display_name": "Python 3"}
CELLS = """\
import ipywidgets as w
from toolkit import open_stage
from toolkit.widgets.kit.panel import KeyCatcher, Panel
stage = open_stage("scoping", "project.yaml", "runs/a")
typed = []
button = w.Button(description="Accept")
panel = Panel(stage, "Keys", ["problem"])
panel.show(panel.field("problem.question"), button, KeyCatcher(typed.append, "Letters"))
panel
"""


@pytest.mark.parametrize("policy", ["", STRICT], ids=["plain", "strict"])
def test_keys_stay_in_the_panel(binary_project, tmp_path, policy):
    if lab.chromium() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lab.NO_BROWSER)
    folder = binary_project().folder
    cells = [nbformat.v4.new_code_cell(text) for text in (CELLS, "typed", "1 + 1")]
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}),
        folder / "keys.ipynb",
    )
    scratch = tmp_path / "lab"
    scratch.mkdir()
    with lab.jupyterlab(folder, scratch, policy=policy) as url, lab.browser(scratch) as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        notebook = lab.Notebook(page, url, "keys.ipynb")
        notebook.run_all()
        button = notebook.panel().get_by_role("button", name="Accept")
        button.wait_for()
        before = notebook.sources()
        button.focus()
        page.keyboard.type("abdd")
        page.keyboard.press("Backspace")
        letters = notebook.field("Letters")
        lab.until(lambda: letters.input_value() == "abd", 30, letters.input_value)
        notebook.field("Question").focus()
        page.keyboard.type("dd")
        assert notebook.sources() == before  # no cell inserted, none deleted
        padding = notebook.panel().evaluate("e => getComputedStyle(e).paddingLeft")
        assert padding == "16px"  # the style sheet is there
        assert notebook.panel().locator(".toolkit-shim").evaluate("e => e.offsetHeight") == 0
        ours = ("blob:http", "inline event handler", "anywidget")  # the page has others
        assert not [text for text in said if any(word in text for word in ours)]
        notebook.close()
