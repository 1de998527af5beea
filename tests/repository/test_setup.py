"""What `make setup` does: find a Python, look for space, install the lock and say how far it is."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# -- finding a Python --------------------------------------------------------------------

# What stands for a Python: it answers the question that find-python asks, or fails as a shim
# of pyenv does whose version is not selected.
SHIM = "#!/bin/sh\necho 'pyenv: python: command not found' >&2\nexit 127\n"


def python_like(reason: str) -> str:
    return f"#!/bin/sh\necho '{reason}'\n" if reason else "#!/bin/sh\n"


def find_python(folder: Path, commands: dict[str, str], *asked: str) -> tuple[int, str, str]:
    """Run find-python where these commands, and a few of the system's, are all there is."""
    folder.mkdir(exist_ok=True)
    for name in ("bash", "cat", "grep", "sort"):
        path = shutil.which(name)
        assert path
        (folder / name).symlink_to(path)
    for name, text in commands.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    answer = subprocess.run(
        ["bash", str(ROOT / ".ci" / "find-python"), *asked],
        env={"PATH": str(folder), "PYENV_ROOT": str(folder / "pyenv")},
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.returncode, answer.stdout.strip(), answer.stderr


@pytest.mark.parametrize(
    ("commands", "found"),
    [
        ({"python3.13": ""}, "python3.13"),
        ({"python3.12": ""}, "python3.12"),
        ({"python3.11": "", "python3.13": ""}, "python3.11"),
        ({"python3": ""}, "python3"),
        ({"python": ""}, "python"),
        ({"python3.11": SHIM, "python3.12": SHIM, "python3.13": ""}, "python3.13"),
        ({"python3": "is 3.14: newer", "python3.14": "is 3.14: newer", "python": ""}, "python"),
        ({"python3.12": "lacks venv", "python3.13": ""}, "python3.13"),
        (
            {"python3.13": SHIM, "pyenv/versions/3.13.1/bin/python3.13": ""},
            "pyenv/versions/3.13.1/bin/python3.13",
        ),
    ],
)
def test_the_python_that_works_is_found(
    tmp_path: Path, commands: dict[str, str], found: str
) -> None:
    texts = {n: text if text == SHIM else python_like(text) for n, text in commands.items()}
    code, out, err = find_python(tmp_path, texts)
    assert (code, out, err) == (0, str(tmp_path / found), "")


@pytest.mark.parametrize(
    ("commands", "asked", "words"),
    [
        ({}, (), ["found: none", "apt-get install"]),
        ({"python3": SHIM}, (), ["python3 does not run"]),
        ({"python3.14": "is 3.14: newer"}, (), ["found: python3.14 is 3.14", "(3.11, 3.12"]),
        ({"python3": "is 3.9: too old", "python": ""}, ("python3",), ["at python3 ", "too old"]),
        ({"python3.11": ""}, ("/no/such/python",), ["at /no/such/python ", "found: none"]),
        ({"python3.11": "", "python3.12": SHIM}, ("python3.12",), ["python3.12 does not run"]),
    ],
)
def test_a_python_that_will_not_do_is_said_with_the_reason(
    tmp_path: Path, commands: dict[str, str], asked: tuple[str, ...], words: list[str]
) -> None:
    texts = {n: text if text == SHIM else python_like(text) for n, text in commands.items()}
    code, out, err = find_python(tmp_path, texts, *asked)
    assert (code, out) == (1, "")
    first = err.splitlines()[0]
    assert first.startswith("error: no usable Python")
    for word in words:
        assert word in (err if word == "apt-get install" else first)


def test_this_python_will_do() -> None:
    found = subprocess.run(
        ["bash", str(ROOT / ".ci" / "find-python"), sys.executable],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == sys.executable


def test_installing_says_how_far_it_is_and_what_pip_says(tmp_path: Path) -> None:
    installer = [sys.executable, str(ROOT / ".ci" / "install_lock.py")]
    lock = tmp_path / "a.lock"
    pin = f"packaging=={importlib.metadata.version('packaging')}"
    lock.write_text(f"{pin} \\\n    --hash=sha256:{'0' * 64}\nnone==1 ; sys_platform == 'x'\n")
    answer = subprocess.run([*installer, lock], capture_output=True, text=True, check=False)
    assert answer.returncode == 0
    lines = answer.stdout.splitlines()
    assert len(lines) <= 4
    assert re.fullmatch(r" +\d+:\d\d all 1 packages are installed", lines[-1])

    # Hashes are required, and pip's own words come through whole.
    with zipfile.ZipFile(tmp_path / "a_thing-1-py3-none-any.whl", "w") as file:
        file.writestr("a_thing-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: a-thing\n")
    local = os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    for pin, words in (
        ("a-thing==1\n", "Hashes are required in --require-hashes mode"),
        (f"a-thing==1 --hash=sha256:{'0' * 64}\n", f"Expected sha256 {'0' * 64}"),
        (f"b-thing==1 --hash=sha256:{'0' * 64}\n", "No matching distribution found for b-thing"),
    ):
        lock.write_text(pin)
        answer = subprocess.run(
            [*installer, lock], capture_output=True, text=True, check=False, env=local
        )
        assert answer.returncode == 1
        assert words in answer.stderr
        assert answer.stdout.endswith("pip failed; what it said is above\n")


def test_too_little_space_is_said() -> None:
    check = ["bash", str(ROOT / ".ci" / "check-space"), str(ROOT)]
    answer = subprocess.run([*check, "9999999"], capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "GiB free" in answer.stderr
    assert subprocess.run([*check, "0"], check=False).returncode == 0
