"""One cell of the comparison: a system on one division of a table."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import environments
import measure
import scores
from tables import Cut

HERE = Path(__file__).resolve().parent
DRAWS = "draws.npy"
"""The score on resampled test rows, for intervals over seeds and of differences."""
KILL_AT = 1.5
"""Times the budget after which a system without a model is ended; it has as long again for
its predictions."""


@dataclass(frozen=True)
class Terms:
    """What is the same for all systems."""

    budget: float
    cores: int
    choices: list[str]
    """``KEY=VALUE`` for the toolkit's project; other systems do not see them."""

    def of(self, system: environments.System) -> dict[str, Any]:
        """Return the terms that hold for a system."""
        ours = system.requirements is None
        return asdict(self) | {"choices": self.choices if ours else []}


def key(cut: Cut, system: environments.System, terms: Terms) -> str:
    """Return what a cell's result hangs on; a cell with another key is run again."""
    parts = [cut.digest, cut.seed, system.name, system.digest(), terms.of(system)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def run(
    cut: Cut, system: environments.System, python: Path, terms: Terms, folder: Path
) -> dict[str, Any]:
    """Run a system on a division of a table, and judge it. Never raises for what it does."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    task = {
        "table": cut.table, "kind": cut.kind, "target": cut.target, "classes": cut.classes,
        "metric": cut.metric, "seed": cut.seed, **terms.of(system),
    }  # fmt: skip
    (folder / "task.json").write_text(json.dumps(task, ensure_ascii=False), encoding="utf-8")
    for name in ("train.parquet", "test.parquet"):
        shutil.copy(cut.folder / name, folder / name)
    measured = measure.watch(
        # -P: an adapter named like its system must not hide it.
        [str(python), "-P", str(HERE / "adapter.py"), str(system.file), str(folder)],
        environment=measure.threads(terms.cores) | {"BENCHMARK_STARTED": str(time.monotonic())},
        folder=folder,
        log=folder / "log.txt",
        stop=lambda seconds: _stop(seconds, folder, terms.budget),
    )
    cell = {"process": measured.seconds, "peak_mib": measured.peak_mib}
    cell |= _judged(cut, folder, measured)
    for name in ("train.parquet", "test.parquet", "scratch"):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return cell


def _stop(seconds: float, folder: Path, budget: float) -> str:
    fitted = folder / "fitted.json"
    if not fitted.exists():
        return f"no model after {seconds:.0f} s" if seconds > KILL_AT * budget else ""
    since = json.loads(fitted.read_text(encoding="utf-8"))["fit_seconds"]
    return f"no predictions after {seconds:.0f} s" if seconds > since + KILL_AT * budget else ""


def _judged(cut: Cut, folder: Path, measured: measure.Measured) -> dict[str, Any]:
    import numpy as np

    done = folder / "facts.json"
    if not done.exists():
        return {"score": None, "wall": None, "failure": _reason(folder, measured)}
    facts = json.loads(done.read_text(encoding="utf-8"))
    truth, predictions = cut.truth(), np.load(folder / "predictions.npy")
    draws = scores.resampled(cut.metric, truth, predictions, cut.seed)
    np.save(folder / DRAWS, draws)
    low, high = scores.interval(draws)
    return {
        "score": scores.score(cut.metric, truth, predictions),
        "low": low,
        "high": high,
        "wall": facts["fit_seconds"],
        "predict": facts["predict_seconds"],
        "versions": facts["versions"],
        "facts": facts["facts"],
        "failure": "",
    }


def _reason(folder: Path, measured: measure.Measured) -> str:
    if measured.stopped:
        return measured.stopped
    said = folder / "failure.txt"
    if said.exists():
        return said.read_text(encoding="utf-8").strip()
    return f"ended with status {measured.code}"


def machine(cores: int) -> dict[str, Any]:
    """Return facts of the machine that results hang on."""
    import platform

    import psutil

    return {
        "cores": psutil.cpu_count(logical=True),
        "cores_used": cores,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "python": sys.version.split()[0],
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else ""
