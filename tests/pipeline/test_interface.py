"""The toolkit from Python: new, run, read_run, load_model, in a script and in a notebook."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel
from support.stub_chain import HOLD, WAIT_SECONDS, manifest, run, stub_project

import toolkit
from toolkit.artifacts import Intake
from toolkit.errors import MissingArtifact, ProjectError, ToolkitError, UsageError
from toolkit.pipeline.show import Show
from toolkit.project.file import ProjectFile

STUB = Path(toolkit.__file__).with_suffix(".pyi")


def test_type_checkers_see_every_public_name() -> None:
    imports = [
        node for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.ImportFrom)
    ]
    seen = {node.names[0].asname: node.module for node in imports}
    assert sorted(seen) == toolkit.__all__
    for name, module in seen.items():
        assert getattr(toolkit, name).__module__ == module
    assert STUB.with_name("py.typed").is_file()


@pytest.mark.parametrize(
    "before",
    [
        "",
        "import toolkit.run.folder",
        "from toolkit.run import Run",
        "from toolkit.run import stage",
    ],
)
def test_run_is_a_function_and_a_room(before: str) -> None:
    code = (
        f"{before}\nfrom toolkit import run\nimport toolkit.run.manifest\n"
        "from toolkit.run import Run\nimport sys\n"
        "assert toolkit.run is run and run.__name__ == 'run' and toolkit.Run is Run\n"
        "assert sys.modules['toolkit.run'].Run is Run"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_import_brings_no_library() -> None:
    code = (
        "import sys\nbefore = set(sys.modules)\nimport toolkit\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*(name for name in new if name not in sys.stdlib_module_names))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert answer.stdout.split() == ["toolkit"]


def test_a_table_a_stage_and_what_it_wrote(table_dir: Path, tmp_path: Path, capfd) -> None:
    project = toolkit.new(table_dir / "binary.csv", target="churn", folder=tmp_path / "p")
    assert project.folder == tmp_path / "p"
    assert {check.severity for check in project.checks} >= {"warning"}
    assert "predict   churn (binary)" in project.lines()
    result = toolkit.run(project, only="scoping", run_id="first")
    assert result.read(Intake).rows == 240
    assert "1/7 scoping: done in" in capfd.readouterr().err
    assert (result.report, result.verdict, result.champion, result.score) == (None, None, None, "")
    assert result.lines() == [f"run       {result.folder}"]
    assert toolkit.read_run(project.folder / "runs" / "first").read(Intake) == result.read(Intake)
    with pytest.raises(MissingArtifact, match=r"04_automl\.ipynb"):
        toolkit.load_model(result)


def test_errors_are_one_line_of_a_class_of_ours(table_dir: Path, tmp_path: Path) -> None:
    folder = stub_project(tmp_path / "p")
    wrong = [
        lambda: toolkit.new(table_dir / "binary.csv", "churn", folder),
        lambda: toolkit.run(tmp_path),
        lambda: toolkit.run(folder, only="autoML"),
        lambda: toolkit.run(folder, overrides={"automl.budgets": 1}),
        lambda: toolkit.run(folder, overrides="seed"),
        lambda: toolkit.read_run(tmp_path),
        lambda: toolkit.load_model(tmp_path),
        lambda: toolkit.load_model(toolkit.Run(tmp_path)),
    ]
    for call in wrong:
        with pytest.raises(ToolkitError) as caught:
            call()
        assert "\n" not in str(caught.value)
        assert type(caught.value) is not ToolkitError
    assert not (folder / "runs").exists()
    with pytest.raises(ProjectError, match="already"):
        wrong[0]()
    with pytest.raises(UsageError, match="unknown key"):
        wrong[3]()


def test_the_same_run_as_the_commands(tmp_path: Path) -> None:
    folder = stub_project(tmp_path / "p")
    choices: dict[str, Any] = {
        "problem.question": "ja: 'né'? 🎉\n#",
        "automl.engines": ["baseline"],
        "data.missing": [],
        "governance.review_date": None,
    }
    file = ProjectFile(folder, ["seed=8"])
    given = toolkit.run(file, run_id="a", start="explain", overrides=choices, show=Show())
    texts = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in choices.items()]
    sets = [word for text in ["seed=8", *texts] for word in ("--set", text)]
    code, out, err = run(folder, "--run", "b", "--from", "explain", *sets)
    assert code == 0, err
    called = toolkit.read_run(folder / "runs" / "b")
    assert out.splitlines() == called.lines()
    one, two = given.manifest(), called.manifest()
    assert one.project["problem"]["question"] == choices["problem.question"]
    assert (one.seed, one.project["data"]["missing"]) == (8, [])
    for field in ("project", "project_digest", "sources", "seed", "status", "exit_code"):
        assert getattr(one, field) == getattr(two, field), field
    assert list(one.stages) == list(two.stages) == ["explain", "report"]
    for stage, record in one.stages.items():
        for field in ("status", "choices", "code", "inputs", "outputs", "notes"):
            assert getattr(record, field) == getattr(two.stages[stage], field), (stage, field)


# -- in a notebook -----------------------------------------------------------------------


@pytest.fixture
def kernel() -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    manager, client = start_new_kernel(kernel_name="python3")
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_notebook_shows_progress_and_the_result(kernel, tmp_path: Path) -> None:
    _, client = kernel
    cell = 'import time\nstage.progress("half way", 1, 2)\ntime.sleep(2)'
    folder = stub_project(tmp_path / "p", {"eda": cell})
    shown: list[dict[str, Any]] = []
    # The kernel's event loop runs while its cells do.
    reply = client.execute_interactive(
        "import asyncio, toolkit\nassert asyncio.get_running_loop()\n"
        f"toolkit.run({str(folder)!r}, run_id='a', start='eda')",
        timeout=WAIT_SECONDS,
        output_hook=lambda message: shown.append(message["content"]),
    )
    assert reply["content"]["status"] == "ok"
    printed = "".join(content.get("text", "") for content in shown)
    assert "2/7 eda: started" in printed
    assert not any(content.get("name") == "stderr" for content in shown)
    texts = [content["data"]["text/plain"] for content in shown if "data" in content]
    assert any("half way" in text for text in texts)
    assert texts[-1] == f"run       {folder / 'runs' / 'a'}"


def test_the_stop_button_ends_it_cleanly(kernel, tmp_path: Path) -> None:
    manager, client = kernel
    folder = stub_project(tmp_path / "p", {"eda": HOLD})
    (folder / "hold").touch()
    call = client.execute(f"import toolkit\ntoolkit.run({str(folder)!r}, run_id='a', start='eda')")
    deadline = time.monotonic() + WAIT_SECONDS
    while not (folder / "pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    manager.interrupt_kernel()
    while (reply := client.get_shell_msg(timeout=WAIT_SECONDS))["parent_header"]["msg_id"] != call:
        pass
    assert reply["content"]["ename"] == "Terminated"
    facts = manifest(folder)
    assert (facts["status"], facts["stages"]["eda"]["status"]) == ("terminated", "terminated")
    assert not Path(f"/proc/{(folder / 'pid').read_text()}").exists()
