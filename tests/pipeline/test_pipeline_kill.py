"""However the chain is ended: the right exit code, run.json agrees, nobody is left, it resumes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support.stub_chain import (
    HOLD,
    assert_gone,
    family,
    finish,
    manifest,
    run,
    send,
    start,
    stub_project,
    wait_for,
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")]


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """A project whose second stage waits while `hold` lies there."""
    folder = stub_project(tmp_path / "p", {"eda": HOLD})
    (folder / "hold").touch()
    return folder


def assert_ended(folder: Path, status: str, code: int, stage: str = "eda") -> None:
    facts = manifest(folder)
    record = facts["stages"][stage]
    assert (facts["status"], facts["exit_code"]) == (status, code)
    assert (record["status"], record["exit_code"]) == (status, code)
    assert record["error"]
    assert "\n" not in record["error"]
    assert facts["stages"]["scoping"]["status"] == "done"


def assert_resumes(folder: Path) -> None:
    (folder / "hold").unlink(missing_ok=True)
    code, out, err = run(folder)
    assert code == 0, err
    assert "1/7 scoping: unchanged, reused" in err
    assert "2/7 eda: started" in err
    facts = manifest(folder)  # the same run, not a second one
    assert (facts["status"], facts["exit_code"]) == ("done", 0)
    assert str(folder / "runs") in out


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_signal_ends_the_chain_with_143(held: Path, name: str) -> None:
    process = start(held)
    wait_for(held / "pid", process)
    children = family(process)
    send(process, name)
    code, out, err = finish(process)
    assert code == 143
    assert out == ""
    assert err.splitlines()[-1].startswith(f"error: terminated by {name}")
    assert "Traceback" not in err
    assert_gone(children)
    assert_ended(held, "terminated", 143)
    if name == "SIGTERM":
        assert_resumes(held)


def test_nohup_keeps_its_meaning(held: Path) -> None:
    process = subprocess.Popen(
        ["nohup", sys.executable, "-m", "toolkit.cli", "run", str(held)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    wait_for(held / "pid", process)
    send(process, "SIGHUP")
    (held / "hold").unlink()
    code, _, err = finish(process)
    assert code == 0, err


def test_killed_kernel_is_138(held: Path) -> None:
    process = start(held)
    pid = int(wait_for(held / "pid", process))
    children = family(process)
    os.kill(pid, signal.SIGKILL)
    code, _, err = finish(process)
    assert code == 138
    assert "the kernel died" in err.splitlines()[-1]
    assert_gone(children)
    assert_ended(held, "died", 138)
    assert_resumes(held)


def test_killed_runner_leaves_nobody(held: Path) -> None:
    process = start(held)
    wait_for(held / "pid", process)
    children = family(process)
    process.kill()
    code, _, _ = finish(process)
    assert code == -signal.SIGKILL
    assert_gone(children)
    assert_resumes(held)


def test_child_of_a_killed_kernel_goes_too(tmp_path: Path) -> None:
    sleeper = 'import subprocess\nsubprocess.Popen(["sleep", "600"], start_new_session=True)\n'
    folder = stub_project(tmp_path / "p", {"eda": sleeper + HOLD})
    (folder / "hold").touch()
    process = start(folder)
    pid = int(wait_for(folder / "pid", process))
    children = family(process)
    assert any(child.name() == "sleep" for child in children)
    os.kill(pid, signal.SIGKILL)
    assert finish(process)[0] == 138
    assert_gone(children)


def test_second_run_is_refused_with_75(held: Path) -> None:
    first = start(held)
    wait_for(held / "pid", first)
    code, _, err = run(held)
    assert code == 75
    assert err.splitlines()[-1].startswith("error: ")
    assert "another process" in err
    (held / "hold").unlink()
    code, _, err = finish(first)
    assert code == 0, err
    assert manifest(held)["status"] == "done"


def test_timeout_is_124(tmp_path: Path) -> None:
    folder = stub_project(tmp_path / "p", {"scoping": HOLD})
    (folder / "hold").touch()
    process = start(folder, "--timeout", "20")
    wait_for(folder / "pid", process)
    children = family(process)
    code, _, err = finish(process)
    assert code == 124
    assert "--timeout" in err.splitlines()[-1]
    assert_gone(children)
    facts = manifest(folder)
    assert (facts["status"], facts["exit_code"]) == ("timeout", 124)
    assert facts["stages"]["scoping"]["status"] == "timeout"
    (folder / "hold").unlink()
    assert run(folder)[0] == 0


@pytest.mark.parametrize("call", ["import sys; sys.exit(0)", "import os; os._exit(0)"])
def test_a_cell_that_leaves_is_not_done(tmp_path: Path, call: str) -> None:
    folder = stub_project(tmp_path / "p", {"scoping": call})
    code, _, err = run(folder)
    assert code == 1, err
    facts = manifest(folder)
    assert (facts["status"], facts["exit_code"]) == ("failed", 1)
    assert facts["stages"]["scoping"]["status"] == "failed"
    assert "eda" not in facts["stages"]
    assert "Traceback" not in err


FILL = """\
import pathlib
fill = stage.file.folder / "fill"
if (stage.file.folder / "hold").exists():
    try:
        with fill.open("wb", buffering=0) as stream:
            for _ in range(10_000):
                stream.write(bytes(4096))
    except OSError:
        pass
from toolkit import canonical
canonical.write_text(stage.run.folder / "result.txt", "x" * 100_000)
stage.wrote("result.txt")
"""


@pytest.fixture
def small_disk(tmp_path: Path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_full_disk_is_one_line_and_loses_nothing(small_disk: Path) -> None:
    folder = stub_project(small_disk / "p", {"eda": FILL})
    (folder / "hold").touch()
    code, _, err = run(folder)
    assert code == 1
    assert "no space left" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert_ended(folder, "failed", 1)
    (run_folder,) = (folder / "runs").iterdir()
    assert (run_folder / "scoping.txt").read_text() == "made"
    assert not (run_folder / "result.txt").exists()
    (folder / "fill").unlink()
    assert_resumes(folder)
    assert (run_folder / "result.txt").stat().st_size == 100_000


@pytest.mark.parametrize("name", ["scratch", "deeper than the path of a socket may be " * 3])
def test_no_scratch_folder_stays(held: Path, tmp_path: Path, name: str) -> None:
    scratch = tmp_path / name
    before = set(Path("/tmp").glob("toolkit-sockets-*"))
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "toolkit.cli", "run", str(held)],
        env={**os.environ, "TMPDIR": str(scratch)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = int(wait_for(held / "pid", process))
    assert psutil.Process(pid).environ()["TMPDIR"].startswith(str(scratch))
    send(process, "SIGTERM")
    assert finish(process)[0] == 143
    assert list(scratch.iterdir()) == []
    assert set(Path("/tmp").glob("toolkit-sockets-*")) == before
