"""The headless chain by what it leaves behind: reuse, parts of it, errors, plain papermill."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from support.stub_chain import manifest, run, stub_project

import toolkit
from toolkit import paths
from toolkit.errors import ProjectError, RunError, StageFailed, ToolkitError, UsageError
from toolkit.pipeline import Request, notebook, stages_of
from toolkit.pipeline.plan import choose_run, load, newest_run, notebook_of
from toolkit.run.folder import Run

COUNT = """\
with (stage.file.folder / "count").open("a") as stream:
    stream.write(stage.name + "\\n")
"""


@pytest.fixture
def counted(tmp_path: Path) -> Path:
    """A project whose stages count how often each of them really ran."""
    return stub_project(tmp_path / "p", dict.fromkeys(paths.STAGES, COUNT))


def counts(folder: Path) -> list[str]:
    return (folder / "count").read_text().split()


def test_chain_runs_reuses_and_keeps_copies(counted: Path) -> None:
    done = toolkit.run(counted, run_id="a")
    assert done.folder == counted / "runs" / "a"
    assert counts(counted) == list(paths.STAGES)
    facts = manifest(counted)
    assert (facts["status"], facts["exit_code"]) == ("done", 0)
    copies = sorted(path.name for path in (done.folder / "notebooks").iterdir())
    assert copies == [paths.notebook_name(stage) for stage in paths.STAGES]
    for copy in (done.folder / "notebooks").iterdir():
        nbformat.validate(nbformat.read(copy, as_version=4))

    # Nothing has changed: nothing is computed.
    toolkit.run(counted, run_id="a")
    assert counts(counted) == list(paths.STAGES)
    # A choice that two stages look at.
    toolkit.run(counted, run_id="a", overrides=("eda.correlation_threshold=0.5",))
    assert counts(counted)[7:] == ["eda", "report"]
    # An artefact that was tampered with, and `--fresh`.
    (done.folder / "explain.txt").write_text("other")
    toolkit.run(counted, run_id="a", start="explain", overrides=("eda.correlation_threshold=0.5",))
    assert counts(counted)[9:] == ["explain"]
    toolkit.run(counted, run_id="a", only="eda", fresh=True)
    assert counts(counted)[10:] == ["eda"]


def test_only_leaves_a_partial_run(counted: Path) -> None:
    toolkit.run(counted, run_id="a", only="scoping")
    facts = manifest(counted)
    assert (facts["status"], facts["exit_code"]) == ("partial", 0)
    assert list(facts["stages"]) == ["scoping"]
    # The next plain call goes on with it.
    file = load(Request(counted))
    assert choose_run(Request(counted), file).id == "a"


def test_failure_is_one_line_with_its_own_exit_code(tmp_path: Path) -> None:
    raises = 'from toolkit.errors import DataError\nraise DataError("too few rows", remedy="Add")'
    folder = stub_project(tmp_path / "p", {"eda": raises})
    with pytest.raises(StageFailed) as caught:
        toolkit.run(folder, run_id="a")
    assert caught.value.exit_code == 1
    assert "too few rows. Add" in caught.value.line()
    assert "02_eda.ipynb" in caught.value.line()
    facts = manifest(folder)
    assert (facts["status"], facts["exit_code"]) == ("failed", 1)
    assert facts["stages"]["eda"]["error"] == "too few rows. Add"
    copy = (folder / "runs" / "a" / "notebooks" / "02_eda.ipynb").read_text()
    assert "too few rows" in copy


def test_any_exception_in_a_cell_is_one_line(tmp_path: Path) -> None:
    folder = stub_project(tmp_path / "p", {"scoping": '{}["key\\nwith a line break"]'})
    with pytest.raises(ToolkitError) as caught:
        toolkit.run(folder, run_id="a")
    assert "\n" not in caught.value.line()
    assert "KeyError" in caught.value.line()
    assert "KeyError" in manifest(folder)["stages"]["scoping"]["error"]


def test_outputs_that_do_not_arrive_are_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What sends a cell's outputs is held up, as on a machine with far too much to do.
    slow = (
        "import sys, time\n"
        "sys.stdout.flush_timeout = sys.stderr.flush_timeout = 0.1\n"
        "get_ipython().kernel.iopub_thread.schedule(lambda: time.sleep(8))"
    )
    folder = stub_project(tmp_path / "p", {"scoping": slow})
    monkeypatch.setattr(notebook, "_OUTPUT_SECONDS", 2)
    with pytest.raises(StageFailed, match="did not arrive within 2 seconds") as caught:
        toolkit.run(folder, run_id="a")
    assert "too busy" in caught.value.line()
    assert "did not arrive" in manifest(folder)["stages"]["scoping"]["error"]


def test_a_notebook_that_never_finishes_its_stage_is_not_done(tmp_path: Path) -> None:
    folder = stub_project(tmp_path / "p")
    path = folder / "notebooks" / "01_scoping.ipynb"
    book = nbformat.read(path, as_version=4)
    book.cells.pop()
    nbformat.write(book, path)
    with pytest.raises(StageFailed, match=r"stage\.finish"):
        toolkit.run(folder, run_id="a")
    assert manifest(folder)["stages"]["scoping"]["status"] == "failed"


def test_an_old_record_does_not_pass_for_a_new_attempt(counted: Path) -> None:
    toolkit.run(counted, run_id="a", only="scoping")
    path = counted / "notebooks" / "01_scoping.ipynb"
    book = nbformat.read(path, as_version=4)
    book.cells.insert(1, nbformat.v4.new_code_cell("1 / 0"))  # before the stage is opened
    nbformat.write(book, path)
    with pytest.raises(StageFailed, match="ZeroDivisionError"):
        toolkit.run(counted, run_id="a", only="scoping", fresh=True)
    assert manifest(counted)["stages"]["scoping"]["status"] == "failed"


def test_notebook_that_is_no_notebook(tmp_path: Path) -> None:
    folder = stub_project(tmp_path / "p")
    (folder / "notebooks" / "01_scoping.ipynb").write_text("not JSON")
    with pytest.raises(RunError, match=r"01_scoping\.ipynb"):
        toolkit.run(folder, run_id="a")
    assert manifest(folder)["exit_code"] == 1


def test_missing_notebook_is_named(tmp_path: Path) -> None:
    folder = stub_project(tmp_path / "p")
    (folder / "notebooks" / "02_eda.ipynb").unlink()
    file = load(Request(folder))
    with pytest.raises(RunError, match=r"02_eda\.ipynb"):
        notebook_of("eda", file)


def test_which_run_is_taken(tmp_path: Path) -> None:
    folder = stub_project(tmp_path / "p")
    file = load(Request(folder))
    assert newest_run(file) is None
    first = choose_run(Request(folder), file)
    assert first.folder.parent == folder / "runs"
    for name, created, status, headless in [
        ("interactive", "2030-01-01T00:00:00+00:00", "running", False),
        ("old", "2026-01-01T00:00:00+00:00", "failed", True),
        ("new", "2026-02-01T00:00:00+00:00", "done", True),
    ]:
        made = Run(folder / "runs" / name)
        facts = made.freeze(file)
        made.write(facts.model_copy(update={"created": created, "status": status}))
        if headless:
            (made.folder / "notebooks").mkdir()
    # The newest headless run is done: a new one. Someone's notebooks are left alone.
    assert choose_run(Request(folder), file).id not in {"interactive", "old", "new"}
    assert choose_run(Request(folder, only="explain"), file).id == "new"
    assert choose_run(Request(folder, run="old"), file).id == "old"
    newest = Run(folder / "runs" / "new")
    newest.close("terminated", 143)
    assert choose_run(Request(folder), file).id == "new"
    assert choose_run(Request(folder, fresh=True), file).id != "new"


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "x" * 200])
def test_run_id_that_is_no_folder_name(tmp_path: Path, name: str) -> None:
    folder = stub_project(tmp_path / "p")
    with pytest.raises(UsageError):
        choose_run(Request(folder, run=name), load(Request(folder)))


def test_stages_are_named_as_people_name_them(tmp_path: Path) -> None:
    for name in ("automl", "4", "04", "04_automl", "04_automl.ipynb"):
        assert stages_of(Request(tmp_path, only=name)) == ["automl"]
    assert stages_of(Request(tmp_path, start="explain")) == ["explain", "report"]
    with pytest.raises(UsageError, match="Did you mean label_review"):
        stages_of(Request(tmp_path, only="label_reveiw"))
    with pytest.raises(UsageError, match="exclude"):
        stages_of(Request(tmp_path, only="eda", start="eda"))


def test_project_errors_start_nothing(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="toolkit new"):
        toolkit.run(tmp_path)
    folder = stub_project(tmp_path / "p")
    with pytest.raises(UsageError, match="Did you mean"):
        toolkit.run(folder, overrides=("automl.budgets.models=1",))
    with pytest.raises(UsageError, match="above 0"):
        toolkit.run(folder, timeout=0)
    assert not (folder / "runs").exists()


def papermill(notebook: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "papermill", str(notebook), str(cwd / "out.ipynb"), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )


def test_plain_papermill_runs_a_notebook_from_anywhere(tmp_path: Path) -> None:
    folder = stub_project(tmp_path / "p")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    notebook = folder / "notebooks" / "01_scoping.ipynb"
    answer = papermill(notebook, "-p", "project", str(folder), "-p", "run", "runs/x", cwd=elsewhere)
    assert answer.returncode == 0, answer.stderr
    assert manifest(folder)["stages"]["scoping"]["status"] == "done"
    answer = papermill(
        notebook, "-p", "project", str(folder), "-p", "runn", "runs/y", cwd=elsewhere
    )
    assert answer.returncode != 0
    assert "unknown parameter runn" in answer.stderr
    assert not (folder / "runs" / "y").exists()


def test_kernel_is_this_python_whatever_the_user_has_installed(tmp_path: Path) -> None:
    tell = (
        "import json, os, sys\n"
        'facts = {"python": sys.executable, "cwd": os.getcwd()}\n'
        '(stage.run.folder / "facts.json").write_text(json.dumps(facts))'
    )
    folder = stub_project(tmp_path / "p", {"scoping": tell})
    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        json.dumps({"argv": ["/does/not/exist"], "display_name": "x", "language": "python"})
    )
    answer = subprocess.run(
        [sys.executable, "-m", "toolkit.cli", "run", str(folder), "--only", "scoping"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "JUPYTER_PATH": str(spec.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    (facts,) = folder.glob("runs/*/facts.json")
    assert json.loads(facts.read_text()) == {"python": sys.executable, "cwd": str(folder)}


def test_output_is_plain_lines_for_a_scheduler(counted: Path) -> None:
    code, out, err = run(counted, "--run", "nightly", "--only", "scoping")
    assert code == 0
    assert out == f"run       {counted / 'runs' / 'nightly'}\n"
    assert "\x1b" not in err
    assert [line.split(" ", 1)[1] for line in err.splitlines()][:2] == [
        f"run {counted / 'runs' / 'nightly'}",
        "1/7 scoping: started",
    ]
    log = (counted / "runs" / "nightly" / "log.txt").read_text()
    assert "[run] toolkit run: partial, exit code 0" in log


@pytest.mark.slow
def test_how_long_the_run_will_take_is_said_before_the_search(tmp_path: Path) -> None:
    read = (
        "from toolkit.artifacts import Intake\n"
        'stage.write(Intake(source="a.csv", digest="d", table_digest="t", rows=5000, columns=[]))'
    )
    folder = stub_project(tmp_path / "p", {"scoping": read})
    code, _, err = run(folder, "--run", "a")
    assert code == 0, err
    lines = [line.split(" ", 1)[1] for line in err.splitlines()]
    (said,) = [place for place, line in enumerate(lines) if "for the search" in line]
    assert lines.index("1/7 scoping: started") < said < lines.index("4/7 automl: started")
    assert "3,500 training rows, 1 features" in lines[said]
    assert lines[said] in (folder / "runs" / "a" / "log.txt").read_text()
    again = run(folder, "--run", "a")
    assert "for the search" not in again[2], "nothing is searched for again"
