"""What a reader sees of an executed notebook who has no kernel and does not trust it."""

from __future__ import annotations

import nbformat
import papermill
import pytest
from nbconvert import HTMLExporter
from traitlets.config import Config

from toolkit import paths


@pytest.fixture(scope="module")
def executed(tmp_path_factory, table_dir):
    import toolkit

    folder = tmp_path_factory.mktemp("saved")
    file = toolkit.new(table_dir / "binary.csv", "churn", folder / "p")
    file.set("problem.question", "Who <leaves> & why?", by="Ana")
    copy = file.folder / "runs" / "r" / "01_scoping.ipynb"
    copy.parent.mkdir(parents=True)
    papermill.execute_notebook(
        str(paths.notebooks() / "01_scoping.ipynb"),
        str(copy),
        {"project": str(file.path), "run": "runs/r"},
        progress_bar=False,
    )
    return copy


def panels(notebook):
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    return [
        o["data"]
        for o in outputs
        if "application/vnd.jupyter.widget-view+json" in o.get("data", {})
    ]


def test_the_saved_copy_holds_the_panel_as_a_table(executed):
    (data,) = panels(nbformat.read(executed, as_version=4))
    assert "Who &lt;leaves&gt; &amp; why?" in data["text/html"]
    assert "person (Ana" in data["text/html"]
    assert "Rows with a known target" in data["text/html"]
    assert "data:image/svg+xml;base64," in data["text/html"]


def test_an_offline_export_shows_the_table(executed):
    options = Config()
    options.HTMLExporter.mathjax_url = options.HTMLExporter.require_js_url = ""
    options.HTMLExporter.jquery_url = options.HTMLExporter.mermaid_js_url = ""
    options.NbConvertBase.display_data_priority = ["text/html", "image/png", "text/plain"]
    notebook = nbformat.read(executed, as_version=4)
    notebook.metadata.pop("widgets", None)
    page, _ = HTMLExporter(config=options).from_notebook_node(notebook)
    assert "Who &lt;leaves&gt; &amp; why?" in page
    assert "<leaves>" not in page
