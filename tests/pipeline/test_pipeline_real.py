"""The shipped notebooks, headless: a JVM killed in mid-search, replays, plain papermill."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import papermill
import psutil
import pytest
from support.stub_chain import WAIT_SECONDS, assert_gone, family, finish, start

import toolkit
from toolkit import paths
from toolkit.artifacts import Champion, Evaluation, Leaderboard, ReportData, SearchSummary
from toolkit.run.folder import Run

pytestmark = pytest.mark.slow


def say(process: subprocess.Popen[str], log: Path, words: str) -> None:
    """Wait until the log says something."""
    deadline = time.monotonic() + 3 * WAIT_SECONDS
    while not (log.exists() and re.search(words, log.read_text())):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, f"{words!r} did not appear"
        time.sleep(0.1)


def without_times(kind: type, folder: Path) -> object:
    facts = json.loads((folder / kind.file).read_text())
    return {key: value for key, value in facts.items() if key not in kind.time_fields}


def our_servers() -> list[psutil.Process]:
    """Other tests of this process may keep a JVM of their own."""
    return [p for p in psutil.Process().children(recursive=True) if p.name() == "java"]


@pytest.mark.timeout(1800)
def test_jvm_killed_in_mid_search_changes_nothing(binary_project) -> None:
    file = binary_project(automl__engines=["baseline", "h2o"], automl__budget__models=3)
    before = set(our_servers())
    process = start(file.folder, "--run", "killed")
    folder = file.folder / "runs" / "killed"
    say(process, folder / "log.txt", r"\[automl\] 1/3 ")
    children = family(process)
    (jvm,) = [child for child in children if child.name() == "java"]
    jvm.kill()
    say(process, folder / "log.txt", r"\[evaluate\] started")
    assert "java" not in [child.name() for child in family(process)]
    code, _, err = finish(process)
    assert code == 0, err
    assert "a new one was started" in err
    assert_gone(children)
    assert set(our_servers()) <= before
    run = Run(folder)
    assert run.manifest().status == "done"
    assert "h2o" in {entry.engine for entry in run.read(Leaderboard).entries}

    code, _, err = finish(start(file.folder, "--run", "whole"))
    assert code == 0, err
    whole = file.folder / "runs" / "whole"
    for kind in (Leaderboard, Champion, Evaluation):
        assert (folder / kind.file).read_bytes() == (whole / kind.file).read_bytes(), kind


@pytest.mark.timeout(1800)
def test_plain_papermill_from_anywhere_gives_what_a_headless_run_gives(
    binary_project, tmp_path: Path
) -> None:
    file = binary_project(automl__engines=["baseline"], tracking__enabled=False)
    result = toolkit.run(file.folder, run_id="headless")
    assert result.champion is not None
    assert result.lines()[-3:] == [
        f"score     {result.score} on {result.read(Evaluation).rows} test rows",
        f"report    {result.report}",
        f"run       {result.folder}",
    ]
    for copy in (result.folder / "notebooks").iterdir():
        book = nbformat.read(copy, as_version=4)
        nbformat.validate(book)
        assert not [o for cell in book.cells for o in cell.get("outputs", []) if "ename" in o]

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for stage in paths.STAGES:
        notebook = paths.notebooks() / paths.notebook_name(stage)
        answer = subprocess.run(
            [sys.executable, "-m", "papermill", notebook, "out.ipynb",
             "-p", "project", file.path, "-p", "run", "runs/plain"],
            cwd=elsewhere, capture_output=True, text=True, check=False,
            env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip
        assert answer.returncode == 0, f"{stage}\n{answer.stderr[-3000:]}"
        assert "unknown parameter" not in answer.stderr.lower()
    plain = Run(file.folder / "runs" / "plain")
    assert {record.status for record in plain.manifest().stages.values()} == {"done"}
    assert (plain.folder / "report.html").is_file()
    for kind in (Leaderboard, Champion, Evaluation, SearchSummary, ReportData):
        assert without_times(kind, result.folder) == without_times(kind, plain.folder), kind.file
    for name in ("split.parquet", "out_of_fold.parquet", "test_predictions.parquet"):
        assert (result.folder / name).read_bytes() == (plain.folder / name).read_bytes(), name


@pytest.mark.parametrize("stage", paths.STAGES)
def test_papermill_knows_every_parameter(stage: str) -> None:
    found = papermill.inspect_notebook(paths.notebooks() / paths.notebook_name(stage))
    assert set(found) >= {"project", "run", "overrides"}
    assert all(parameter["help"] for parameter in found.values())
