"""How much time and memory a large table takes, stage by stage.

``python benchmarks/scale.py (--data FILE --target COLUMN | --rows N) [--seconds 300]
[--limit-gib 12] [--set KEY=VALUE]... [--keep DIR] [--json FILE]``

Makes a project and runs it headless. Of each stage it prints the seconds, the most memory that
the stage and all that it started held at once, and what was sampled. ``--rows`` makes a table of
30 columns: numbers with holes and skew, categories of few and many levels, a date, and two
classes that depend on six of them. The exit status is 1 if a stage failed or held more than the
limit.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from toolkit import paths
from toolkit.run import Run

CHUNK = 500_000
TOOLKIT = [sys.executable, "-m", "toolkit.cli"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time and memory of a large table by stage.")
    parser.add_argument("--data", help="a table; without it, one is made")
    parser.add_argument("--target", default="outcome")
    parser.add_argument("--rows", type=int, default=5_000_000, help="of the table that is made")
    parser.add_argument("--seconds", type=float, default=300, help="budget of the search")
    parser.add_argument("--limit-gib", type=float, default=12)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="choices")
    parser.add_argument("--keep", type=Path, help="where the project is made, and kept")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def chunk(rows: int, generator: np.random.Generator) -> pa.Table:
    """Return some rows of the made table."""
    numbers = {f"number_{n:02d}": generator.normal(size=rows) for n in range(12)}
    amounts = {f"amount_{n:02d}": generator.lognormal(6, 1, rows).round(2) for n in range(6)}
    few = {f"kind_{n:02d}": generator.integers(0, 3 + n, rows) for n in range(6)}
    many = {f"place_{n:02d}": generator.integers(0, 2000, rows) for n in range(3)}
    days = generator.integers(0, 1500, rows)
    margin = (
        numbers["number_00"] + numbers["number_01"] * numbers["number_02"]
        + 0.5 * np.log(amounts["amount_00"]) - 3 + 0.4 * few["kind_02"]
        + np.sin(days / 58) + generator.normal(size=rows)
    )  # fmt: skip
    for values in (*numbers.values(), *amounts.values()):
        values[generator.random(rows) < 0.03] = np.nan
    words = {
        name: [f"{name[-2:]}-{code}" for code in codes] for name, codes in (few | many).items()
    }
    dates = (np.datetime64("2021-01-01") + days).astype("datetime64[D]")
    columns: dict[str, Any] = {**numbers, **amounts, **words, "opened": dates}
    columns["flag"] = np.where(generator.random(rows) < 0.4, "yes", "no")
    columns["outcome"] = np.where(margin > 1.5, "bad", "good")
    return pa.table(columns)


def make(path: Path, rows: int) -> None:
    generator = np.random.default_rng(0)
    writer = None
    for start in range(0, rows, CHUNK):
        part = chunk(min(CHUNK, rows - start), generator)
        writer = writer or pq.ParquetWriter(path, part.schema)
        writer.write_table(part)
    if writer is not None:
        writer.close()


def call(command: list[str]) -> float:
    began = time.monotonic()
    answer = subprocess.run([*TOOLKIT, *command], stdout=subprocess.DEVNULL, check=False)
    if answer.returncode:
        print(f"`toolkit {' '.join(command[:2])}` ended with status {answer.returncode}")
    return time.monotonic() - began


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    source = options.data
    if source is None:
        source = folder / "table.parquet"
        if not source.exists():
            make(source, options.rows)
    project = folder / "project"
    new = 0.0
    if not project.exists():
        new = call(["new", str(project), "--data", str(source), "--target", options.target])
    choices = [f"automl.budget.seconds={options.seconds:g}", *options.choices]
    call(["run", str(project), "--run", "scale", *(a for c in choices for a in ("--set", c))])
    records = Run(project / "runs" / "scale").manifest().stages
    return {
        "toolkit new": round(new, 1),
        "stages": {
            name: {
                "status": record.status,
                "seconds": record.seconds,
                "peak_mib": record.peak_mib,
                "notes": record.notes,
                "error": record.error,
            }
            for name in paths.STAGES
            if (record := records.get(name)) is not None
        },
    }


def show(found: dict[str, Any]) -> None:
    print(f"toolkit new: {found['toolkit new']:.0f} s\n")
    print(f"{'stage':<20}{'state':<8}{'s':>7}{'GiB at most':>13}")
    for name, stage in found["stages"].items():
        peak = stage["peak_mib"] / 1024
        print(f"{name:<20}{stage['status']:<8}{stage['seconds']:>7.0f}{peak:>13.2f}")
        for line in filter(None, [stage["error"], *stage["notes"]]):
            print(f"    {line}")


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = measure(folder, options)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    stages = found["stages"]
    done = len(stages) == len(paths.STAGES) and all(s["status"] == "done" for s in stages.values())
    most = max((stage["peak_mib"] for stage in stages.values()), default=0) / 1024
    return 0 if done and most <= options.limit_gib else 1


if __name__ == "__main__":
    sys.exit(main())
