"""How often conformal intervals and sets hold the truth, and how well calibration does.

``python benchmarks/conformal.py TABLE TARGET [--splits 20] [--coverage 0.9] [--test 0.3]
[--engine lightgbm] [--rows N] [--seconds S] [--json FILE]``

For each split: an engine's first trial is fitted on shared folds of the training rows;
calibration (chosen by cross-fitted log loss) and intervals or sets are learnt from its
out-of-fold scores; both are then measured on the rows kept apart. It is what `04_automl`
does with a champion, without the search. A split takes seconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import toolkit
from toolkit import data, metrics, open_stage, table
from toolkit.automl import engines
from toolkit.automl.decisions import calibration, conformal
from toolkit.automl.folds import make_folds
from toolkit.automl.inputs import Inputs
from toolkit.automl.leaderboard import calibration_error
from toolkit.automl.task import SearchTask, TaskFacts
from toolkit.automl.task_preparation import classes_of
from toolkit.project.engine_names import engine_entries

FOLDS, THREADS = 5, 2


def rows_of(source: Path, target: str, folder: Path) -> tuple[Any, table.Part]:
    """Return the stage and all typed rows of a table."""
    file = toolkit.new(source, target, folder / "project")
    stage = open_stage("scoping", file.path)
    data.intake(stage)
    stage.finish()
    stage = open_stage("eda", file.path)
    data.make_split(stage)
    stage.finish()
    stage = open_stage("automl", file.path)
    return stage, table.load_part(stage, "train", "validation", "test")


def task_of(stage: Any, part: table.Part, rows: np.ndarray, classes: list[str], seed: int) -> Any:
    """Return the search task of some rows."""
    typed = part.frame.iloc[rows].reset_index(drop=True)
    features = table.Features.fit(typed, part.columns, seed)
    codes = metrics.class_codes(part.target[rows], classes) if classes else None
    target = part.target[rows].astype(float) if codes is None else codes
    inputs = Inputs(typed, features)
    folds = make_folds(FOLDS, seed, rows=len(rows), codes=codes)
    facts = TaskFacts(
        task=stage.project.target.task,
        classes=classes,
        columns={name: c.model_dump(mode="json") for name, c in part.columns.items()},
        rows=len(rows),
        width=inputs.design.shape[1],
        seed=seed,
        folds=folds.count,
        threads=THREADS,
        metric=metrics.resolve(stage.project)[0],
    )
    return SearchTask(facts, inputs, target, None, folds)


def calibrated(
    raw: np.ndarray, codes: np.ndarray, seed: int
) -> tuple[calibration.Calibration, np.ndarray]:
    """Return the calibration that a champion would get, and what it gives, cross-fitted."""
    cross_fitted = {m: calibration.cross_fitted(m, raw, codes, seed) for m in calibration.METHODS}
    best = calibration.simplest(cross_fitted, codes)
    return calibration.fit(best, raw, codes), cross_fitted[best]


def one_split(args: argparse.Namespace, stage: Any, part: table.Part, seed: int) -> dict[str, Any]:
    """Fit, learn and measure on one split."""
    since = time.perf_counter()
    order = np.random.default_rng(seed).permutation(len(part))[: args.rows]
    kept = max(1, round(args.test * len(order)))
    test, train = np.sort(order[:kept]), np.sort(order[kept:])
    classes = classes_of(stage, part.target)
    task = task_of(stage, part, train, classes, seed)
    with tempfile.TemporaryDirectory() as scratch:
        task = replace(task, scratch=Path(scratch), seconds=args.seconds)
        engine = engines.get(args.engine)
        candidate = engine.fit(task, engine.plan(task.facts)[0])
    inputs = Inputs(part.frame.iloc[test].reset_index(drop=True), task.inputs.features)
    given = candidate.predict(inputs)
    result: dict[str, Any] = {"seed": seed}
    if classes:
        codes = metrics.class_codes(part.target[test], classes)
        fitted, cross_fitted = calibrated(candidate.oof, task.target, seed)
        learnt = conformal.learn_sets(cross_fitted, task.target, args.coverage)
        scores = fitted.apply(given)
        result |= {
            "calibration": fitted.method,
            "error_before": calibration_error(given, codes),
            "error_after": calibration_error(scores, codes),
            "log_loss_before": calibration.log_loss(given, codes),
            "log_loss_after": calibration.log_loss(scores, codes),
        }
    else:
        codes, scores = part.target[test].astype(float), given
        learnt = conformal.learn_intervals(
            candidate.oof, task.target, task.inputs.design, task.folds.fold, args.coverage,
            seed=seed,
        )  # fmt: skip
        one_width = conformal.quantile(np.abs(task.target - candidate.oof), args.coverage)
        result["size_of_one_width"] = 2 * one_width
    found = conformal.measure(learnt, scores, codes, inputs.design)
    result |= {"method": found.method, "coverage": found.measured.value, "size": found.size}
    return result | {"seconds": round(time.perf_counter() - since, 1)}


def summary(args: argparse.Namespace, splits: list[dict[str, Any]]) -> dict[str, Any]:
    """Return means and deviations over the splits."""
    frame = pd.DataFrame(splits)
    numbers = frame.drop(columns="seed").select_dtypes("number")
    return {
        "table": Path(args.source).name,
        "target": args.target,
        "engine": args.engine,
        "rows": args.rows,
        "asked": args.coverage,
        "splits": splits,
        "mean": numbers.mean().to_dict(),
        "sd": {name: statistics.pstdev(numbers[name]) for name in numbers},
    }


def show(found: dict[str, Any]) -> None:
    """Print the summary."""
    mean, sd = found["mean"], found["sd"]
    print(f"{found['table']}: {len(found['splits'])} splits, {found['engine']}")
    print(f"  coverage {mean['coverage']:.4f} (sd {sd['coverage']:.4f}), asked {found['asked']:g}")
    print(f"  mean size {mean['size']:.4g} (sd {sd['size']:.2g})")
    if "size_of_one_width" in mean:
        print(f"  one width for all rows: {mean['size_of_one_width']:.4g}")
    else:
        before, after = mean["error_before"], mean["error_after"]
        print(f"  calibration error {before:.4f} before, {after:.4f} after")
        before, after = mean["log_loss_before"], mean["log_loss_after"]
        print(f"  log loss {before:.4f} before, {after:.4f} after")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", help="a table that `toolkit new` reads")
    parser.add_argument("target", help="the column to predict")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--coverage", type=float, default=0.9)
    parser.add_argument("--test", type=float, default=0.3, help="share of rows kept apart")
    parser.add_argument("--engine", default="lightgbm", choices=sorted(engine_entries()))
    parser.add_argument("--rows", type=int, help="the most rows, drawn anew for each split")
    parser.add_argument("--seconds", type=float, help="the most that a fit may take")
    parser.add_argument("--json", type=Path, help="write everything here")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stage, part = rows_of(Path(args.source).absolute(), args.target, Path(folder))
        splits = []
        for seed in range(args.splits):
            splits.append(one_split(args, stage, part, seed))
            print(json.dumps(splits[-1]), flush=True)
        stage.run.release()
    found = summary(args, splits)
    show(found)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
