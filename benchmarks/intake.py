"""What it costs to take in a table: processor time and memory of the first steps.

``python benchmarks/intake.py [--rows 100000,1000000] [--formats parquet,csv] [--tools a,b]
[--keep DIR] [--json FILE]``

A table of 30 columns is made (counts, amounts with gaps, skew, codes, words, dates, identifiers,
texts, constants), and each tool reads it in a process of its own: `toolkit new`, the stages
`scoping` and `eda` as `toolkit run` runs them, duckdb's ``SUMMARIZE`` and polars' ``describe``
where they are installed. Time is that of the processor, of the process and of all that it started,
start-up included, so that other work on the machine counts little; memory is the most that they
held at once. A run is compared with itself: ratios of one table are from one machine and one hour.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

TOOLKIT = [sys.executable, "-m", "toolkit.cli"]
TARGET = "outcome"
OTHERS = {
    "duckdb": (
        "import duckdb, sys;"
        "duckdb.sql(f\"SUMMARIZE SELECT * FROM '{sys.argv[1]}'\").fetchall()"
    ),
    "polars": (
        "import polars, sys; path = sys.argv[1];"
        "(polars.read_csv if path.endswith('csv') else polars.read_parquet)(path).describe()"
    ),
}  # fmt: skip
WORDS = (
    "late", "early", "broken", "small", "large", "blue", "parcel", "service", "phone", "answer",
    "money", "kind", "never", "again", "order", "wrong", "colour", "size", "happy", "box", "torn",
)  # fmt: skip


def table_of(rows: int, seed: int = 11) -> pd.DataFrame:
    """Return 30 columns as in a table of customers and what they ordered."""
    rng = np.random.default_rng(seed)
    income = rng.lognormal(10, 0.6, rows).round(2)
    visits = rng.poisson(4, rows)
    score = rng.normal(600, 80, rows)
    risk = 0.004 * (600 - score) + 0.15 * visits + rng.logistic(size=rows) - 1.2

    def gaps(values: Any, share: float) -> pd.Series:
        return pd.Series(values).mask(pd.Series(rng.random(rows) < share))

    def pick(levels: list[str], skew: float = 1.0) -> Any:
        weights = 1 / np.arange(1, len(levels) + 1) ** skew
        return np.array(levels, dtype=object)[
            rng.choice(len(levels), rows, p=weights / weights.sum())
        ]

    days = (np.datetime64("2019-01-01") + rng.integers(0, 1800, rows)).astype("datetime64[us]")
    moments = np.datetime64("2023-05-01") + rng.integers(0, 90 * 86400, rows).astype(
        "timedelta64[s]"
    )
    said = np.array([" ".join(rng.choice(WORDS, 6)) for _ in range(2000)], dtype=object)
    frame: dict[str, Any] = {
        "row_id": np.arange(1, rows + 1),
        "customer": [f"C{n:07d}" for n in rng.integers(0, max(rows // 3, 2), rows)],
        "income": gaps(income, 0.08),
        "score": score,
        "score_before": gaps(score + rng.normal(0, 20, rows), 0.03),
        "balance": gaps(rng.normal(0, 4000, rows).round(2), 0.01),
        "rate": rng.beta(2, 30, rows).round(4),
        "distance": rng.exponential(12, rows),
        "weight": gaps(rng.normal(70, 12, rows).round(1), 0.15),
        "spent": np.where(rng.random(rows) < 0.7, 0.0, rng.lognormal(4, 1.5, rows)).round(2),
        "age": rng.integers(18, 95, rows),
        "visits": visits,
        "children": gaps(rng.poisson(0.8, rows), 0.05).astype("Int64"),
        "seconds": rng.integers(0, 4_000_000, rows),
        "year_built": gaps(rng.integers(1890, 2023, rows), 0.1).astype("Int64"),
        "rank": rng.integers(1, 6, rows),
        "postcode": [f"{n:05d}" for n in rng.integers(1000, 9000, rows)],
        "branch": pick([f"B-{n:03d}" for n in range(180)], 0.5),
        "colour": gaps(pick(["red", "blue", "green", "grey", "black"]), 0.02),
        "region": pick([f"region {n}" for n in range(24)], 0.3),
        "product": pick([f"P{n:05d}" for n in range(5000)], 0.8),
        "grade": gaps(pick(list("ABCDEF")), 0.12),
        "newsletter": rng.random(rows) < 0.3,
        "returned": gaps(rng.random(rows) < 0.1, 0.04).astype("boolean"),
        "opened": gaps(days, 0.02),
        "last_seen": moments,
        "remark": gaps(said[rng.integers(0, len(said), rows)], 0.4),
        "currency": np.full(rows, "EUR", dtype=object),
        "rare": np.where(rng.random(rows) < 0.002, rng.integers(1, 9, rows), 0),
        TARGET: np.where(risk > 0.8, "bad", "good"),
    }  # fmt: skip
    return pd.DataFrame(frame)


def make(folder: Path, rows: int, form: str) -> Path:
    """Return the table as a file, made if it is not there."""
    path = folder / f"table_{rows}.{form}"
    if not path.exists():
        frame = table_of(rows)
        frame.to_parquet(path) if form == "parquet" else frame.to_csv(path, index=False)
    return path


def measure(command: list[str]) -> dict[str, float]:
    """Run a command; return its processor seconds, seconds, and most memory."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        peak: list[int] = [0]
        watcher = threading.Thread(target=_watch, args=(process.pid, peak))
        watcher.start()
        process.wait()
        watcher.join()
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command[:6])} failed:\n{said.read()[-2000:].decode()}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "cpu": round(used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime, 2),
        "wall": round(time.monotonic() - began, 2),
        "peak_mib": round(peak[0] / 2**20),
    }


def _watch(pid: int, peak: list[int]) -> None:
    try:
        process = psutil.Process(pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            total = 0
            for one in [process, *process.children(recursive=True)]:
                try:
                    total += one.memory_info().rss
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], total)
            time.sleep(0.05)
    except psutil.Error:
        return


def of_table(path: Path, folder: Path, tools: list[str]) -> dict[str, dict[str, float]]:
    """Return what each tool costs with one table."""
    found = {}
    project = folder / f"project_{path.stem}_{path.suffix[1:]}_{os.getpid()}"
    for tool in tools:
        if tool in OTHERS:
            if importlib.util.find_spec(tool) is not None:
                found[tool] = measure([sys.executable, "-c", OTHERS[tool], str(path)])
            continue
        if tool == "new":
            command = ["new", str(project), "--data", str(path), "--target", TARGET]
        else:
            command = ["run", str(project), "--run", "intake", "--only", tool]
        found[tool] = measure([*TOOLKIT, *command])
    return found


def show(name: str, found: dict[str, dict[str, float]]) -> None:
    others = [tool for tool in OTHERS if tool in found]
    print(
        f"\n{name}\n{'':<10}{'CPU s':>8}{'s':>8}{'MiB':>8}"
        + "".join(f"{'/ ' + o:>10}" for o in others)
    )
    for tool, cost in found.items():
        ratios = "".join(f"{cost['cpu'] / found[o]['cpu']:>10.1f}" for o in others)
        print(f"{tool:<10}{cost['cpu']:>8.1f}{cost['wall']:>8.1f}{cost['peak_mib']:>8.0f}{ratios}")


def main() -> None:
    parser = argparse.ArgumentParser(description="The cost of taking in a table.")
    parser.add_argument("--rows", default="100000,1000000")
    parser.add_argument("--formats", default="parquet,csv")
    parser.add_argument("--tools", default="new,scoping,eda,duckdb,polars")
    parser.add_argument("--keep", type=Path, help="where tables and projects are made, and kept")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for rows in map(int, options.rows.split(",")):
            for form in options.formats.split(","):
                path = make(folder, rows, form)
                found = of_table(path, folder, options.tools.split(","))
                name = f"{rows:,} x 30, {form}"
                show(name, found)
                results[name] = found
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
