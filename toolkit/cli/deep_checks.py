"""Checks that really start things: they take a minute, and settle what metadata cannot."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from toolkit.cli.checks import BROWSERS, CheckResult, State
from toolkit.errors import ToolkitError

_LIMIT_SECONDS = 300

_AUTOKERAS = """
import os
os.environ["KERAS_BACKEND"] = "jax"
import numpy as np, keras, autokeras
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile(loss="mse")
model.fit(np.zeros((8, 2)), np.zeros((8, 1)), verbose=0)
assert model.predict(np.zeros((1, 2)), verbose=0).shape == (1, 1)
"""

_TRACKING = """
import sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("doctor")
with mlflow.start_run():
    mlflow.log_metric("one", 1.0)
"""


def h2o() -> CheckResult:
    """Start H2O's JVM and ask for its version."""
    from toolkit.automl.engines.h2o.server import node
    from toolkit.project.search import Budget

    since = time.monotonic()
    try:
        server = node.start_shared(Budget(memory_gib=0.5, threads=1))
    except ToolkitError as error:
        return CheckResult("H2O starts", "failed", error.problem, error.remedy)
    try:
        return CheckResult("H2O starts", "ok", f"answers after {time.monotonic() - since:.1f} s")
    finally:
        server.stop()


def java() -> CheckResult:
    """Start Java inside Python, as H2O's saved models do."""
    code = "from toolkit.automl.engines.h2o import jvm\njvm.start()"
    return _python("Java runs in Python", "failed", code, "Run `make setup`")


def autokeras() -> CheckResult:
    """Import AutoKeras and fit a network of one neuron."""
    return _python("AutoKeras runs", "failed", _AUTOKERAS, "Run `make setup`")


def numba() -> CheckResult:
    """Compile a function, as exact explanations do."""
    code = "import numba\nassert numba.njit(lambda x: x + 1)(1) == 2"
    return _python("numba compiles", "failed", code, "Run `make setup`")


def kernel() -> CheckResult:
    """Start a headless kernel and end it."""
    import asyncio

    from toolkit.pipeline.kernel import Kernel

    since = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="toolkit-") as scratch:
        started = Kernel(Path(scratch), Path(scratch), {})
        try:
            asyncio.run(started.answer(_LIMIT_SECONDS))
        except RuntimeError as error:
            return CheckResult("Kernel starts", "failed", str(error), "Run `make setup`")
        finally:
            started.kill()
    return CheckResult("Kernel starts", "ok", f"answers after {time.monotonic() - since:.1f} s")


def browser() -> CheckResult:
    """Ask the browser for its version."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        return CheckResult("Browser starts", "optional", "none found on PATH")
    return _call("Browser starts", "optional", [path, "--version"], "Install it again")


def mlflow() -> CheckResult:
    """Write one metric to an SQLite file."""
    with tempfile.TemporaryDirectory(prefix="toolkit-") as folder:
        uri = f"sqlite:///{folder}/mlflow.db"
        return _python("MLflow writes", "warning", _TRACKING, "Run `make setup`", uri)


DEEP = (h2o, java, autokeras, numba, kernel, browser, mlflow)


def _python(name: str, state: State, code: str, remedy: str, *arguments: str) -> CheckResult:
    return _call(name, state, [sys.executable, "-P", "-c", code, *arguments], remedy)


def _call(name: str, state: State, command: list[str], remedy: str) -> CheckResult:
    since = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="toolkit-") as folder:
        try:
            answer = subprocess.run(
                command, capture_output=True, text=True, timeout=_LIMIT_SECONDS, cwd=folder,
                check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return CheckResult(name, state, str(error), remedy)
    if answer.returncode != 0:
        lines = (answer.stderr or answer.stdout).strip().splitlines()
        return CheckResult(name, state, lines[-1] if lines else "no message", remedy)
    return CheckResult(name, "ok", f"after {time.monotonic() - since:.1f} s")
