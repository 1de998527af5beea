"""Every notebook keeps to the form that makes it readable, and runnable by anything."""

from __future__ import annotations

import ast
import json
import re

import nbformat
import pytest
from papermill.inspection import inspect_notebook

from toolkit import paths
from toolkit.run.stage import PARAMETERS

NAMES = [paths.notebook_name(stage) for stage in paths.STAGES]

PARAMETER_CELL = """\
project = "project.yaml"  # the project file, or its folder
run = "runs/interactive"  # the run folder, relative to the project
overrides = []  # choices that win over the file, as texts: a key, an equals sign, a value\
"""

BANNED = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.For, ast.While, ast.If,
    ast.Try, ast.With, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp, ast.IfExp,
)  # fmt: skip


@pytest.fixture(params=NAMES)
def notebook(request):
    path = paths.notebooks() / request.param
    return path, nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_cells(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def test_there_is_nothing_else():
    assert sorted(p.name for p in paths.notebooks().glob("*.ipynb")) == NAMES


def test_valid_plain_and_without_outputs(notebook):
    path, nb = notebook
    nbformat.validate(nb)
    assert (nb.nbformat, nb.nbformat_minor) == (4, 5)
    assert nb.metadata.kernelspec.name == "python3"
    assert "widgets" not in nb.metadata
    for cell in code_cells(nb):
        assert cell.outputs == []
        assert cell.execution_count is None
    ids = [cell.id for cell in nb.cells]
    assert len(set(ids)) == len(ids)
    assert str(paths.notebooks().parent) not in path.read_text(encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8"))["cells"]


def test_parameters_as_documented_and_seen_by_papermill(notebook):
    path, nb = notebook
    tagged = [c for c in nb.cells if "parameters" in c.metadata.get("tags", [])]
    assert [c.source for c in tagged] == [PARAMETER_CELL]
    assert nb.cells[1] is tagged[0]
    assert tagged[0].metadata["jupyter"] == {"source_hidden": True}  # folded
    found = inspect_notebook(str(path))
    assert tuple(found) == PARAMETERS
    assert all(entry["help"] for entry in found.values())


def test_cells_only_call(notebook):
    _, nb = notebook
    for cell in code_cells(nb):
        tree = ast.parse(cell.source)
        odd = [type(node).__name__ for node in ast.walk(tree) if isinstance(node, BANNED)]
        assert not odd, f"{odd} in: {cell.source}"
        calls = [n for n in tree.body if not isinstance(n, ast.Import | ast.ImportFrom)]
        if "parameters" not in cell.metadata.get("tags", []):
            assert len(calls) <= 3, f"too much in one cell: {cell.source}"


def test_prose_between_cells_teaches(notebook):
    _, nb = notebook
    assert nb.cells[0].cell_type == "markdown"
    assert re.match(r"# \S", nb.cells[0].source)
    for before, after in zip(nb.cells[2:], nb.cells[3:], strict=False):
        assert not before.cell_type == after.cell_type == "code", after.source
    words = sum(len(c.source.split()) for c in nb.cells if c.cell_type == "markdown")
    assert words > 150


def test_opens_its_own_stage_and_finishes(notebook):
    path, nb = notebook
    sources = [cell.source for cell in code_cells(nb)]
    stage = paths.STAGES[NAMES.index(path.name)]
    opened = [s for s in sources if f'open_stage("{stage}", project, run, overrides)' in s]
    assert len(opened) == 1
    assert sources[-1].strip().splitlines()[-1] == "stage.finish()"
