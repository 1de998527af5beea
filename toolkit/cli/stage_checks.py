"""Whether what each stage imports can be imported: what versions alone do not say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from toolkit.cli.checks import CheckResult
from toolkit.cli.imports import by_stage

_LIMIT_SECONDS = 300
_SHOWN = 3

# One process for all modules: what one of them needs, the next ones need not load again.
_IMPORTER = """
import importlib, json, os, sys
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
for module, names in json.load(sys.stdin):
    answer = {"module": module}
    try:
        found = importlib.import_module(module)
        for name in names:
            hasattr(found, name) or importlib.import_module(f"{module}.{name}")
    except BaseException as error:
        answer["error"] = f"{type(error).__name__}: {error}"
        if isinstance(error, ModuleNotFoundError):
            answer["missing"] = error.name
    print(json.dumps(answer), file=answers, flush=True)
"""

_DEGRADES = {
    "catboost": "pip install 'jupyter-automl-toolkit[boosting]'; the search does without",
    "lightgbm": "pip install 'jupyter-automl-toolkit[boosting]'; the search does without",
    "mlflow": "pip install mlflow; runs are kept without it",
}
"""Modules that the main job can do without, and what to do about them."""

_DISTRIBUTIONS = {"PIL": "pillow", "ruamel": "ruamel.yaml", "sklearn": "scikit-learn"}
"""What pip calls a module, where that is another name."""


@dataclass(frozen=True)
class ImportFailure:
    """A module that cannot be imported.

    Attributes
    ----------
    module : str
        The module that the toolkit asks for.
    error : str
        What Python said.
    missing : str
        The module that is not there, if that is the cause.
    """

    module: str
    error: str
    missing: str = ""

    @property
    def cause(self) -> str:
        """The top-level module to install."""
        return (self.missing or self.module).partition(".")[0]


def stages(progress: Callable[[str, int, int], None]) -> Iterator[CheckResult]:
    """Import what each stage needs; give a finding for each stage.

    Parameters
    ----------
    progress : callable
        Told the module that is being imported, how many were, and how many there are.
    """
    needed = by_stage()
    wanted: dict[str, set[str]] = {}
    for modules in needed.values():
        for module in modules:
            wanted.setdefault(module.name, set()).update(module.names)
    failures = failing(wanted, progress)
    for stage, modules in needed.items():
        mine = [failures[module.name] for module in modules if module.name in failures]
        yield _finding(stage, len(modules), mine)


def failing(
    wanted: dict[str, set[str]], progress: Callable[[str, int, int], None]
) -> dict[str, ImportFailure]:
    """Import modules, and names from them, in a process of their own; return what fails."""
    left = {module: sorted(names) for module, names in wanted.items()}
    failures: dict[str, ImportFailure] = {}
    while left:
        progress(next(iter(left)), len(wanted) - len(left), len(wanted))
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _IMPORTER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=os.environ | {"KERAS_BACKEND": "jax"},
        )  # fmt: skip
        watch = threading.Timer(_LIMIT_SECONDS, process.kill)
        watch.start()
        try:
            for answer in _answers(process, left):
                module = answer["module"]
                del left[module]
                if "error" in answer:
                    error = " ".join(answer["error"].split())[:300]
                    failures[module] = ImportFailure(module, error, answer.get("missing") or "")
                if left:
                    progress(next(iter(left)), len(wanted) - len(left), len(wanted))
        finally:
            watch.cancel()
            process.kill()
            code = process.wait()
        if left:
            # It took the whole process with it: the next one begins behind it.
            module = next(iter(left))
            del left[module]
            failures[module] = ImportFailure(
                module, f"importing it ended Python (exit code {code})"
            )
    return failures


def _answers(
    process: subprocess.Popen[str], left: dict[str, list[str]]
) -> Iterable[dict[str, str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    json.dump(list(left.items()), process.stdin)
    process.stdin.close()
    for line in process.stdout:
        yield json.loads(line)
    process.wait()


def _finding(stage: str, count: int, failures: list[ImportFailure]) -> CheckResult:
    if not failures:
        return CheckResult(stage, "ok", f"all {count} modules can be imported")
    causes = {failure.cause: failure for failure in reversed(failures)}
    told = [f"{failure.module}: {failure.error}" for failure in causes.values()]
    more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    text = "; ".join(told[:_SHOWN]) + more
    if all(cause in _DEGRADES for cause in causes):
        return CheckResult(
            stage, "warning", text, "; ".join({_DEGRADES[cause] for cause in causes})
        )
    names = " ".join(_DISTRIBUTIONS.get(cause, cause) for cause in causes)
    return CheckResult(
        stage, "failed", text, f"Run `make setup`, or `pip install --force-reinstall {names}`"
    )
