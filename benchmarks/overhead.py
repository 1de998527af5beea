"""What the toolkit adds: to start-up, and to the work of the engines.

``python benchmarks/overhead.py [--project DIR] [--repeats N] [--set KEY=VALUE]... [--json FILE]``

Start-up: seconds of ``import toolkit`` and of ``toolkit --help`` as ratios to
``python -c "import pandas"``; the goal is at most 1.

Chain: wall time of ``toolkit run`` as a ratio to the same calls in a bare script: the code
cells of the six notebooks one after the other in one plain Python process, without kernels,
papermill or executed copies. The goal is at most 1.2 plus 2 s a notebook.

The things compared are run in turn, again and again, and medians are compared, so that a
busy machine slows all of them alike.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from toolkit import paths

ROOT = Path(__file__).resolve().parents[1]
SECONDS_A_NOTEBOOK = 2.0
START_GOAL, CHAIN_GOAL = 1.0, 1.2

TOOLKIT = [sys.executable, "-m", "toolkit.cli"]
STARTS = {
    "import pandas": [sys.executable, "-c", "import pandas"],
    "import toolkit": [sys.executable, "-c", "import toolkit"],
    "toolkit --help": [str(Path(sys.executable).parent / "toolkit"), "--help"],
}

BARE = """\
import sys
import nbformat
from pathlib import Path
from toolkit import paths
folder, overrides = Path(sys.argv[1]), sys.argv[2:]
for stage in paths.STAGES:
    book = nbformat.read(paths.notebooks() / paths.notebook_name(stage), as_version=4)
    names = {"project": str(folder), "run": "runs/bare", "overrides": overrides}
    for cell in book.cells:
        if cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", []):
            exec(compile(cell.source, stage, "exec"), names)
"""


def seconds(command: list[str]) -> float:
    since = time.perf_counter()
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - since
    if answer.returncode != 0:
        sys.exit(f"{command} ended with {answer.returncode}:\n{answer.stderr}")
    return taken


def medians(commands: dict[str, list[str]], repeats: int) -> dict[str, float]:
    """Run the commands in turn `repeats` times; one round before does not count."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():
        seconds(command)
    for _ in range(repeats):
        for name, command in commands.items():
            taken[name].append(seconds(command))
    return {name: statistics.median(values) for name, values in taken.items()}


def start_up(repeats: int) -> list[dict[str, object]]:
    found = medians(STARTS, repeats)
    base = found["import pandas"]
    return [
        {"what": name, "seconds": value, "ratio": value / base, "goal": START_GOAL}
        for name, value in found.items()
    ]


def chain(project: Path, repeats: int, overrides: list[str]) -> list[dict[str, object]]:
    chained, bare = [], []
    sets = [word for text in overrides for word in ("--set", text)]
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "project"
            shutil.copytree(project, copy, ignore=shutil.ignore_patterns("runs", "ml*"))
            bare.append(seconds([sys.executable, "-c", BARE, str(copy), *overrides]))
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "project"
            shutil.copytree(project, copy, ignore=shutil.ignore_patterns("runs", "ml*"))
            chained.append(seconds([*TOOLKIT, "run", str(copy), *sets]))
    allowed = SECONDS_A_NOTEBOOK * len(paths.STAGES)
    one, other = statistics.median(chained), statistics.median(bare)
    return [
        {"what": "bare script", "seconds": other, "ratio": 1.0, "goal": None},
        {"what": "toolkit run", "seconds": one, "ratio": one / other, "goal": None},
        {
            "what": f"toolkit run less {SECONDS_A_NOTEBOOK:g} s a notebook",
            "seconds": one - allowed,
            "ratio": (one - allowed) / other,
            "goal": CHAIN_GOAL,
        },
    ]


def main() -> int:
    """Measure, print a table, and fail if a goal is missed."""
    parser = argparse.ArgumentParser(description="What the toolkit adds.")
    parser.add_argument("--project", type=Path, default=ROOT / "examples" / "german_credit")
    parser.add_argument("--repeats", type=int, default=3, help="of the chain; start-up: 3 times")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=["start", "chain"])
    arguments = parser.parse_args()
    rows = [] if arguments.only == "chain" else start_up(3 * arguments.repeats)
    if arguments.only != "start":
        rows += chain(arguments.project, arguments.repeats, arguments.overrides)
    print(f"{'':<36} {'seconds':>8} {'ratio':>6} {'goal':>6}")
    for row in rows:
        goal = "" if row["goal"] is None else f"<= {row['goal']:g}"
        print(f"{row['what']:<36} {row['seconds']:>8.2f} {row['ratio']:>6.2f} {goal:>6}")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")
    return int(any(row["goal"] is not None and row["ratio"] > row["goal"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
