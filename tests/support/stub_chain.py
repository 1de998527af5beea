"""Small projects whose notebooks do next to nothing, to try the chain that runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import nbformat
import psutil

from toolkit import paths

PARAMETERS = """\
project = "project.yaml"  # the project file, or its folder
run = "runs/interactive"  # the run folder, relative to the project
overrides = []  # texts "key value pairs"
"""

PROJECT = """\
name: stub
data: {source: a.csv}
columns:
  x: {type: number}
  y: {type: category, role: target}
target: {column: y, task: binary, positive: "1"}
automl: {engines: [baseline]}
"""

# A stage that waits as long as the file `hold` lies in the project folder.
HOLD = """\
import os, pathlib, time
folder = stage.file.folder
(folder / "pid").write_text(str(os.getpid()))
while (folder / "hold").exists():
    time.sleep(0.05)
"""

WAIT_SECONDS = 600


def stub_project(folder: Path, cells: Mapping[str, str] | None = None) -> Path:
    """Write a project with seven notebooks; `cells` gives what a stage does in between."""
    (folder / "notebooks").mkdir(parents=True)
    (folder / "project.yaml").write_text(PROJECT)
    for stage in paths.STAGES:
        sources = [
            f'import toolkit\nstage = toolkit.open_stage("{stage}", project, run, overrides)',
            (cells or {}).get(stage, ""),
            f'(stage.run.folder / "{stage}.txt").write_text("made")\n'
            f'stage.wrote("{stage}.txt")\nstage.finish()',
        ]
        book = nbformat.v4.new_notebook(
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
            },
            cells=[
                nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
                *(nbformat.v4.new_code_cell(source) for source in sources if source),
            ],
        )
        nbformat.write(book, folder / "notebooks" / paths.notebook_name(stage))
    return folder


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "toolkit.cli", "run", str(folder), *arguments]


def heed_signals() -> None:
    # A shell that starts the tests in the background makes all its children ignore SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(folder, *arguments),
        preexec_fn=heed_signals,  # noqa: PLW1509 (it only sets signals)
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=folder.parent,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=WAIT_SECONDS)
    return process.returncode, out, err


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    return finish(start(folder, *arguments))


def wait_for(path: Path, process: subprocess.Popen[str]) -> str:
    """Wait until a file that a process writes has content, and return it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (path.exists() and path.read_text()):
        if process.poll() is not None:
            raise AssertionError(f"it ended before {path} appeared: {finish(process)}")
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.05)
    return path.read_text()


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def assert_gone(processes: list[psutil.Process]) -> None:
    assert processes, "nothing was running"
    _, alive = psutil.wait_procs(processes, timeout=120)
    left = [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    assert not left, f"left behind: {left}"


def manifest(folder: Path) -> dict[str, object]:
    (path,) = folder.glob("runs/*/run.json")
    return json.loads(path.read_text())


def send(process: subprocess.Popen[str], name: str) -> None:
    os.kill(process.pid, getattr(signal, name))
