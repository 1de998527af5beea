"""An engine of another package: found, searched, saved, loaded, explained, and refused."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from toolkit import automl, data, evaluate, explain, load_model, open_stage, report
from toolkit.artifacts import Champion
from toolkit.automl import engines
from toolkit.errors import EngineError, EnvironmentProblem, ProjectError
from toolkit.project import json_schema
from toolkit.project.engine_names import BUILT_IN, GROUP, engine_entries

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "how-to" / "engines.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL).group(1)


def install(folder, name, version, points):
    """Write what an installer leaves of a package, its entry points among it."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(head)
    lines = "".join(f"{key} = {value}\n" for key, value in points.items())
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{lines}")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of packages for this process and those that it starts."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = os.environ.get("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{before}")
    yield folder
    sys.modules.pop("toolkit_neighbours", None)


@pytest.fixture
def neighbours(site):
    project = tomllib.loads(block("toml"))["project"]
    install(site, project["name"], project["version"], project["entry-points"][GROUP])
    (site / "toolkit_neighbours.py").write_text(block("python"), encoding="utf-8")
    return site


def test_the_guides_engine_becomes_champion_and_is_loaded_and_explained(
    neighbours, binary_project, tmp_path
):
    file = binary_project(
        automl__engines=["baseline", "neighbours"],
        automl__budget__models=3,
        automl__folds=3,
        automl__sanity=False,
        choice__reason="a test",
        choice__champion="neighbours_15",
        explain__rows=40,
    )
    for name, make in (("scoping", data.intake), ("eda", data.make_split)):
        stage = open_stage(name, file.path, "runs/r")
        make(stage)
        stage.finish()
    stage = open_stage("automl", file.path, "runs/r")
    board, search = automl.search(stage)
    assert {t.engine for t in search.trials if t.status == "done"} == {"baseline", "neighbours"}
    assert {run.engine: run.failures for run in search.engines}["neighbours"] == []
    champion = automl.choose(stage)
    stage.finish()
    assert champion.engine == "neighbours" and champion.name == "neighbours_15"
    assert stage.run.manifest().libraries["toolkit-neighbours"] == "1.0"
    folder = stage.run.folder / stage.read(Champion).model
    frame = pd.read_csv((file.folder / file.project.data.source).resolve()).head(5)
    assert len(load_model(folder).predict(frame)) == len(frame)
    assert "neighbours_15" in {entry.name for entry in board.entries}
    assert "toolkit-neighbours" in (folder / "model.json").read_text(encoding="utf-8")

    stage = open_stage("evaluate", file.path, "runs/r")
    model = automl.load_champion(stage)
    evaluate.evaluate(stage, model)
    stage.finish()
    stage = open_stage("explain", file.path, "runs/r")
    explanation = explain.explain(stage, model)
    assert {each.column for each in explanation.importance["yes"]} == set(model.columns)
    stage.finish()
    numbers = report.claims(open_stage("report", file.path, "runs/r"))
    assert "neighbours_15" in report.render(numbers)


def test_an_engine_counts_as_soon_as_it_is_installed(neighbours, binary_project):
    assert list(engine_entries()) == [*BUILT_IN, "neighbours"]
    assert engines.get("neighbours").distribution == "toolkit-neighbours"
    assert "neighbours" not in binary_project().project.automl.engines
    listed = json_schema()["$defs"]["AutoML"]["properties"]["engines"]["items"]["enum"]
    assert listed == [*BUILT_IN, "neighbours"]


def test_an_unknown_engine_is_refused_with_those_that_exist(binary_project):
    with pytest.raises(ProjectError, match=r"no 'neighbours' here; expected baseline, .*autokeras"):
        binary_project(automl__engines=["neighbours"])


def test_metadata_of_another_version_neither_hides_nor_doubles_an_engine(site):
    install(site, "Jupyter_AutoML.toolkit", "9.9", {"baseline": "gone:Gone", "other": "gone:Gone"})
    assert list(engine_entries()) == list(BUILT_IN)
    assert engines.get("baseline").is_baseline


@pytest.mark.parametrize(
    ("points", "problem"),
    [
        ({"h2o": "a:B"}, "has an engine 'h2o' already"),
        ({"ensemble": "a:B"}, "has an engine 'ensemble' already"),
        ({"My Engine": "a:B"}, "no name for an engine"),
    ],
)
def test_a_name_that_is_taken_or_none_is_refused(site, points, problem):
    install(site, "toolkit-copy", "1.0", points)
    with pytest.raises(EnvironmentProblem, match=rf"toolkit-copy.*{problem}"):
        engine_entries()


def test_an_engine_that_cannot_be_imported_says_whose_it_is(site):
    install(site, "toolkit-broken", "1.0", {"broken": "toolkit_broken:Broken"})
    with pytest.raises(EngineError, match=r"toolkit-broken 1\.0: .*'broken' cannot be imported"):
        engines.get("broken")
    assert "broken" in engines.missing_engines()


def test_entry_points_and_table_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points = project["entry-points"][engines.GROUP]
    assert points | {"ensemble": engines.ADDRESSES["ensemble"]} == engines.ADDRESSES
    assert tuple(points) == BUILT_IN and engines.GROUP == GROUP
