"""What the toolkit needs on a machine: each check gives a state, a finding and a remedy."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from toolkit import paths
from toolkit.errors import ToolkitError

State = Literal["ok", "warning", "failed", "optional"]

DISTRIBUTION = "jupyter-automl-toolkit"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "firefox")
_MEMORY_GIB = (2.0, 6.0)  # below the first nothing runs; below the second searches are small
_DISK_GIB = (0.2, 2.0)


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Attributes
    ----------
    name : str
        What was checked.
    state : str
        ``ok``; ``warning``: it runs, but worse; ``failed``: the main job cannot run;
        ``optional``: something that only part of the work needs is not there.
    text : str
        What was found.
    remedy : str
        What to do; empty if all is well.
    """

    name: str
    state: State
    text: str
    remedy: str = ""


def python() -> CheckResult:
    """Python is one that the toolkit declares, on a system that its libraries are built for."""
    from packaging.specifiers import SpecifierSet

    text = f"{platform.python_version()} at {sys.executable}"
    declared = importlib.metadata.metadata(DISTRIBUTION)["Requires-Python"]
    if not SpecifierSet(declared).contains(platform.python_version(), prereleases=True):
        return CheckResult("Python", "failed", f"{text}, not {declared}", "Install Python 3.13")
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        remedy = "Use a Mac with Apple silicon, and a Python that is built for it"
        return CheckResult("Python", "failed", f"{text}, for Intel Macs: jaxlib is not", remedy)
    return CheckResult("Python", "ok", text)


def packages() -> CheckResult:
    """Every declared dependency is installed, in a version that was asked for."""
    from packaging.requirements import Requirement

    try:
        declared = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return CheckResult(
            "Packages", "failed", f"{DISTRIBUTION} is not installed", "Run `make setup`"
        )
    wrong, count = [], 0
    for text in declared:
        need = Requirement(text)
        if need.marker is not None and not need.marker.evaluate({"extra": ""}):
            continue
        count += 1
        found = _version(need.name)
        if found is None:
            wrong.append(f"{need.name} is missing")
        elif not need.specifier.contains(found, prereleases=True):
            wrong.append(f"{need.name} is {found}, not {need.specifier}")
    if wrong:
        return CheckResult(
            "Packages",
            "failed",
            "; ".join(wrong),
            "Run `make setup`, or `pip install --force-reinstall` what is named here",
        )
    return CheckResult("Packages", "ok", f"all {count} in the versions asked for")


def shipped() -> CheckResult:
    """Notebooks, templates and examples came along."""
    wanted = [paths.notebooks() / name for name in map(paths.notebook_name, paths.STAGES)]
    wanted += [paths.templates() / "report", paths.examples()]
    lacking = [str(path) for path in wanted if not path.exists()]
    if lacking:
        text = f"missing: {', '.join(lacking)}"
        return CheckResult("Notebooks", "failed", text, "Install the toolkit again")
    return CheckResult("Notebooks", "ok", f"{len(paths.STAGES)} in {paths.notebooks()}")


def java() -> CheckResult:
    """H2O has a Java that it accepts."""
    from toolkit.automl.engines.h2o.server.java import find_java, java_version

    try:
        path = find_java()
    except ToolkitError as error:
        return CheckResult(
            "Java", "failed", f"{error.problem}; expected {error.expected}", error.remedy
        )
    return CheckResult("Java", "ok", f"{java_version(path)} at {path}")


def memory() -> CheckResult:
    """There is memory for H2O and for Python beside it."""
    import psutil

    from toolkit.automl.engines.h2o.server.java import memory_bytes

    total = memory_bytes() / 2**30
    free = min(total, psutil.virtual_memory().available / 2**30)
    text = f"{free:.1f} GiB free of {total:.1f}"
    if free < _MEMORY_GIB[0]:
        return CheckResult("Memory", "failed", text, "Close programs, or use a larger machine")
    if free < _MEMORY_GIB[1]:
        return CheckResult(
            "Memory", "warning", text, "Lower automl.budget.memory_gib in project.yaml"
        )
    return CheckResult("Memory", "ok", text)


def cores() -> CheckResult:
    """How many cores this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if count == 1:
        return CheckResult(
            "Cores", "warning", "1", "Set automl.budget.threads to 1 in project.yaml"
        )
    return CheckResult("Cores", "ok", str(count))


def disk() -> CheckResult:
    """There is space here and in the folder for temporary files."""
    worst: CheckResult | None = None
    told = []
    for what, folder in (("here", Path.cwd()), ("temporary files", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free / 2**30
        told.append(f"{free:.1f} GiB free for {what}")
        if free < _DISK_GIB[0]:
            worst = CheckResult("Disk", "failed", "", f"Free some space on the disk of {folder}")
        elif free < _DISK_GIB[1] and worst is None:
            worst = CheckResult("Disk", "warning", "", f"Free some space on the disk of {folder}")
    text = ", ".join(told)
    return (
        CheckResult("Disk", worst.state, text, worst.remedy)
        if worst
        else CheckResult("Disk", "ok", text)
    )


def h2o() -> CheckResult:
    """The H2O package, with its jar, in the version whose models can be exported."""
    from toolkit.automl.engines.h2o.server.java import find_jar

    try:
        jar = find_jar()
    except ToolkitError as error:
        return CheckResult("H2O", "failed", error.problem, error.remedy)
    return CheckResult("H2O", "ok", f"{_version('h2o')}, {jar.stat().st_size / 2**20:.0f} MiB jar")


def widgets() -> CheckResult:
    """The packages ipywidgets and anywidget, and the parts of them that JupyterLab loads."""
    version, lab = _version("ipywidgets"), _version("jupyterlab")
    versions = f"ipywidgets {version}, JupyterLab {lab}"
    extensions = Path(sys.prefix) / "share" / "jupyter" / "labextensions"
    for name, consequence in {
        "@jupyter-widgets/jupyterlab-manager": "panels would not be drawn",
        "anywidget": "keys typed in panels would reach the notebook",
    }.items():
        if None in (version, lab) or not (extensions / name / "package.json").is_file():
            return CheckResult(
                "Widgets",
                "warning",
                f"{versions}: {consequence}",
                "Run `pip install --force-reinstall jupyterlab_widgets ipywidgets anywidget"
                " jupyterlab`; headless runs do not need them",
            )
    return CheckResult("Widgets", "ok", versions)


def kernel() -> CheckResult:
    """The kernel that JupyterLab and plain papermill would start for our notebooks."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return CheckResult("Kernel", "warning", "no `python3` kernel", _KERNEL_REMEDY)
    program = shutil.which(spec.argv[0]) or spec.argv[0]
    if spec.argv[0] in ("python", "python3") or _same(program, sys.executable):
        return CheckResult("Kernel", "ok", "`python3` is this Python")
    return CheckResult(
        "Kernel", "warning", f"`python3` is {program}, another Python", _KERNEL_REMEDY
    )


_KERNEL_REMEDY = (
    "Run `python -m ipykernel install --sys-prefix` with this Python;"
    " `toolkit run` does not need it"
)


def browser() -> CheckResult:
    """A browser on this machine; only the browser tests need one."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None and sys.platform == "linux":
        return CheckResult(
            "Browser",
            "optional",
            "none found on PATH",
            "Only the browser tests need it: apt-get install chromium. JupyterLab can be opened"
            " from another machine",
        )
    return CheckResult("Browser", "ok", found or "the system's own")


def mlflow() -> CheckResult:
    """MLflow, and where runs are mirrored to."""
    version = _version("mlflow")
    if version is None:
        return CheckResult(
            "MLflow", "warning", "not installed", "Run `make setup`; runs are kept without it"
        )
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    where = f"server from MLFLOW_TRACKING_URI ({_without_password(uri)})" if uri else "SQLite file"
    return CheckResult("MLflow", "ok", f"{version}, {where}")


QUICK = (
    python, packages, shipped, java, memory, cores, disk, h2o, widgets, kernel, browser, mlflow,
)  # fmt: skip


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _same(one: str, other: str) -> bool:
    # Not resolved: a virtual environment's python is a link to the system's.
    return Path(one).absolute() == Path(other).absolute()


def _without_password(uri: str) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="").geturl()
