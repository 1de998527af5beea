"""Each system in an environment of its own, made when it is first needed.

What is installed is `requirements/NAME.txt`: whole lists with versions, so that installing
resolves nothing. They name no index; pip's or uv's own settings say where packages come from.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = "toolkit"
NAMES = (OURS, "h2o", "autokeras", "flaml", "autogluon", "mljar")
_READY = ".ready"


class NoEnvironment(Exception):
    """An environment cannot be made; the text says why on one line."""


@dataclass(frozen=True)
class System:
    """A system under comparison.

    Attributes
    ----------
    name : str
        As in tables and files.
    file : Path
        The adapter: a file with ``fit(task)``.
    requirements : Path, optional
        What its environment holds; without one it runs on the toolkit's Python.
    """

    name: str
    file: Path
    requirements: Path | None = None

    def digest(self) -> str:
        """Return what a result hangs on besides the task: adapter, and packages or source."""
        files = [HERE / "adapter.py", self.file]
        if self.requirements is not None:
            files.append(self.requirements)
        elif self.name == OURS:
            files += sorted((HERE.parents[1] / "toolkit").rglob("*.py"))
        digest = hashlib.sha256()
        for file in files:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()[:16]


def systems(text: str) -> list[System]:
    """Return the systems that ``--systems`` names: of `NAMES`, or files with ``fit(task)``."""
    found = []
    for name in text.split(","):
        if name.endswith(".py") and Path(name).is_file():
            found.append(System(Path(name).stem, Path(name).resolve()))
            continue
        file = HERE / "systems" / f"{name}.py"
        if not file.is_file():
            sys.exit(f"no system {name!r}: choose from {', '.join(NAMES)}, or name a .py file")
        requirements = HERE / "requirements" / f"{name}.txt"
        found.append(System(name, file, requirements if requirements.is_file() else None))
    if len({system.name for system in found}) < len(found):
        sys.exit(f"a system is named twice: {text}")
    return found


def python_of(system: System, folder: Path, toolkit_python: Path) -> Path:
    """Return the Python that runs a system, after making its environment if need be.

    Raises
    ------
    NoEnvironment
        If something cannot be installed, or torch came along.
    """
    if system.requirements is None:
        return toolkit_python
    digest = hashlib.sha256(system.requirements.read_bytes()).hexdigest()[:8]
    place = folder / f"{system.name}-{digest}"
    python = place / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not (place / _READY).exists():
        shutil.rmtree(place, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"making the environment {place}", flush=True)
        _make(place, python, system.requirements, toolkit_python)
        (place / _READY).touch()
    return python


def _make(place: Path, python: Path, requirements: Path, base: Path) -> None:
    # Not the path with its links resolved: a virtual environment's Python is a link.
    _call([str(base), "-m", "venv", str(place)])
    uv = shutil.which("uv")
    pip = [uv, "pip"] if uv else [str(python), "-m", "pip"]
    target = ["--python", str(python)] if uv else []
    _call([*pip, "install", "--quiet", "--no-deps", *target, "--requirement", str(requirements)])
    absent = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is not None)"
    if subprocess.run([str(python), "-c", absent], check=False).returncode:
        raise NoEnvironment("torch is in it, which this comparison leaves out")


def _call(command: list[str]) -> None:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        lines = (answer.stderr or answer.stdout).strip().splitlines() or ["no reason given"]
        raise NoEnvironment(f"`{' '.join(command[:5])} ...` ended badly: {lines[-1][:200]}")
