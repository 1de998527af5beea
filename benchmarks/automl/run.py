"""This toolkit beside other open AutoML tools, at equal budget, on equal rows.

``python benchmarks/automl/run.py --tables NAME[:TARGET][,...] --data DIR [--budget 120]
[--seeds 3] [--systems a,b] --json FILE``

Each system learns in a process and an environment of its own from three quarters of the rows,
and is judged on the rest: the same rows for all. ``docs/benchmarks.md`` says how to read the
result. What is finished is kept beside FILE, so that a run that was stopped goes on where it
was; FILE is written anew after each cell.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import cells
import environments
import platformdirs
import summary
import table as pages
import tables


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The toolkit beside other AutoML tools.")
    parser.add_argument("--tables", required=True, help="NAME of tables.yaml, or NAME:TARGET")
    parser.add_argument("--data", required=True, type=Path, help="folder of NAME.csv.gz")
    parser.add_argument("--budget", type=float, default=120, help="seconds a table and system")
    parser.add_argument("--seeds", type=int, default=3, help="how many divisions of each table")
    parser.add_argument("--cores", type=int, default=2, help="threads that a system may use")
    parser.add_argument(
        "--systems", default=",".join(environments.NAMES), help="of them, or .py files"
    )
    parser.add_argument("--json", required=True, type=Path)
    parser.add_argument("--work", type=Path, help="finished cells; FILE.work by default")
    parser.add_argument(
        "--environments",
        type=Path,
        default=Path(platformdirs.user_cache_dir("jupyter-automl-toolkit")) / "benchmarks",
        help="where the systems' environments are made",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="choices",
        metavar="KEY=VALUE",
        help="a choice of the toolkit's project, such as choice.ensemble=always",
    )
    parser.add_argument("--toolkit-python", type=Path, default=Path(sys.executable))
    parser.add_argument("--retry-failed", action="store_true", help="run failed cells again")
    return parser.parse_args()


class Benchmark:
    """The cells, those that are done, and the file that sums them up."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.work = (options.work or options.json.with_suffix(".work")).absolute()
        self.systems = environments.systems(options.systems)
        self.terms = cells.Terms(options.budget, options.cores, options.choices)
        self.tables = tables.tables(options.tables, options.data)
        self.done: list[summary.Done] = []

    def run(self) -> dict[str, Any]:
        result = self.write()
        for table in self.tables:
            for seed in range(self.options.seeds):
                cut = tables.cut(table, seed, self.work)
                # In turn, so that a machine's moods fall on all systems alike.
                turn = seed % len(self.systems)
                for system in [*self.systems[turn:], *self.systems[:turn]]:
                    self.done.append(self.cell(cut, system))
                    result = self.write()
        return result

    def cell(self, cut: tables.Cut, system: environments.System) -> summary.Done:
        folder = self.work / "cells" / cut.table / str(cut.seed) / system.name
        kept, key = folder / "cell.json", cells.key(cut, system, self.terms)
        cell = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        again = self.options.retry_failed and cell.get("score") is None
        fresh = cell.get("key") != key or again
        if fresh:
            cell = {"key": key, **self._run(cut, system, folder)}
            beside = kept.with_suffix(".part")
            beside.write_text(json.dumps(cell, indent=1) + "\n", encoding="utf-8")
            beside.replace(kept)
        print(_line(cut, system.name, cell, "" if fresh else " (from before)"), flush=True)
        return summary.Done(cut.table, cut.metric, system.name, cut.seed, cell, folder)

    def _run(self, cut: tables.Cut, system: environments.System, folder: Path) -> dict[str, Any]:
        options = self.options
        try:
            python = environments.python_of(system, options.environments, options.toolkit_python)
        except environments.NoEnvironment as error:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            facts = {"score": None, "wall": None, "process": 0.0, "peak_mib": 0.0}
            return facts | {"failure": f"no environment: {error}"}
        return cells.run(cut, system, python, self.terms, folder)

    def write(self) -> dict[str, Any]:
        options = self.options
        result = {
            "budget": options.budget,
            "seeds": list(range(options.seeds)),
            "choices": options.choices,
            "test_share": tables.TEST,
            "machine": cells.machine(options.cores),
            **summary.summarise(self.done, [system.name for system in self.systems]),
        }
        options.json.parent.mkdir(parents=True, exist_ok=True)
        beside = options.json.with_suffix(".part")
        beside.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        beside.replace(options.json)
        return result


def _line(cut: tables.Cut, system: str, cell: dict[str, Any], note: str) -> str:
    head = f"{cut.table:<22} seed {cut.seed}  {system:<12}"
    if cell["score"] is None:
        return f"{head} failed: {cell['failure']}{note}"
    return (
        f"{head} {cut.metric} {cell['score']:.5g}  fit {cell['wall']:.0f} s"
        f"  predict {cell['predict']:.1f} s  {cell['peak_mib']:.0f} MiB{note}"
    )


def main() -> int:
    """Run what is not done yet, and print the tables."""
    # As Ctrl-C: what runs is ended, what is finished is kept.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    result = Benchmark(arguments()).run()
    print("\n" + pages.markdown(result), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
