"""Small search tasks for the tests of engines: every kind of task, with tables as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from toolkit.automl.folds import make_folds
from toolkit.automl.inputs import Inputs
from toolkit.automl.task import SearchTask, TaskFacts
from toolkit.forests import Forest, TreeEnsemble, margins
from toolkit.project.data import Column
from toolkit.table import Features

COLUMNS = {
    "age": "number",
    "income": "number",
    "noise": "number",
    "constant": "number",
    "empty": "number",
    "plan <b>": "category",
    "city": "category",
    "paperless": "boolean",
}
CLASSES: dict[str, list[str]] = {
    "binary": ["no", "yes"],
    "multiclass": ["high", "low", "middle"],
    "regression": [],
}


def typed_frame(rows: int = 240, seed: int = 3) -> pd.DataFrame:
    """Numbers, categories and truth values with holes, a constant, and a column of nothing."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, rows).astype("float64"),
            "income": np.round(rng.lognormal(10, 0.5, rows), 2),
            "noise": rng.normal(size=rows),
            "constant": np.ones(rows),
            "empty": np.full(rows, np.nan),
            "plan <b>": pd.Series(rng.choice(["básico", "premium", "<i>"], rows), dtype="str"),
            "city": pd.Series([f"city {int(i)}" for i in rng.zipf(1.6, rows) % 60], dtype="str"),
            "paperless": pd.Series(rng.choice(["Yes", "No"], rows), dtype="str"),
        }
    )
    frame.loc[rng.random(rows) < 0.08, "age"] = np.nan
    frame.loc[rng.random(rows) < 0.05, "plan <b>"] = None
    return frame


def signal(frame: pd.DataFrame, seed: int = 3, noise: float = 0.7) -> np.ndarray:
    """What the target follows: rises with age and for premium plans, falls with income."""
    rng = np.random.default_rng(seed + 1)
    age = frame["age"].fillna(50).to_numpy()
    premium = (frame["plan <b>"] == "premium").fillna(False).to_numpy(float)
    wealth = np.log(frame["income"].to_numpy()) - 10
    return (age - 50) / 15 + 1.5 * premium - wealth + rng.normal(0, noise, len(frame))


def target_of(kind: str, values: np.ndarray) -> np.ndarray:
    """Return codes of classes, or numbers."""
    if kind == "binary":
        return (values > 0.8).astype(np.int64)
    if kind == "multiclass":
        return np.array([1, 2, 0], dtype=np.int64)[np.digitize(values, [-0.3, 1.0])]
    return 100 + 40 * values


def search_task(
    scratch: Path,
    kind: str = "binary",
    *,
    rows: int = 240,
    seed: int = 3,
    folds: int = 3,
    ordered: bool = False,
    weighted: bool = False,
    frame: pd.DataFrame | None = None,
    columns: dict[str, str] | None = None,
    target: np.ndarray | None = None,
    **facts: Any,
) -> SearchTask:
    """Return a task on a made table, or on a typed frame and a target of the caller's.

    `facts` are fields of `TaskFacts` that shall differ from the usual.
    """
    kinds = columns or (COLUMNS if frame is None else _kinds(frame))
    if frame is None:
        frame = typed_frame(rows, seed)
    if target is None:
        target = target_of(kind, signal(frame, seed))
    described = {name: Column(type=column) for name, column in kinds.items()}  # type: ignore[arg-type]
    features = Features.fit(frame, described, seed)
    inputs = Inputs(frame, features)
    codes = None if kind == "regression" else target
    times = np.arange(len(frame), dtype="float64") if ordered else None
    divided = make_folds(folds, seed, rows=len(frame), codes=codes, times=times)
    known: dict[str, Any] = {
        "task": kind,
        "classes": CLASSES[kind],
        "columns": {name: column.model_dump(mode="json") for name, column in described.items()},
        "rows": len(frame),
        "width": inputs.design.shape[1],
        "seed": seed,
        "folds": divided.count,
        "threads": 1,
        "ordered": ordered,
        "trials": 1,
        "epochs": 3,
        "memory_gib": 1.0,
        "metric": "rmse" if kind == "regression" else "log_loss",
    }
    weights = None
    if weighted:
        weights = np.random.default_rng(seed).uniform(0.2, 1.8, len(frame))
        weights /= weights.mean()
    return SearchTask(TaskFacts(**known | facts), inputs, target, weights, divided, scratch=scratch)


def _kinds(frame: pd.DataFrame) -> dict[str, str]:
    numeric = pd.api.types.is_numeric_dtype
    return {name: "number" if numeric(frame[name]) else "category" for name in frame.columns}


def summed(ensembles: list[TreeEnsemble], design: pd.DataFrame) -> np.ndarray:
    """Return what forests add up to for the rows of a design frame, (n, outputs)."""
    return np.sum(
        [
            margins(Forest.build(one.trees, one.base, one.columns), one.matrix(design))
            for one in ensembles
        ],
        axis=0,
    )


def in_space(scores: np.ndarray, space: str) -> np.ndarray:
    """Return an engine's scores as forests of a space add up to them, (n, outputs)."""
    if scores.ndim == 1:
        return scores[:, None]
    two = scores.shape[1] == 2
    if space == "probability":
        return scores[:, 1:] if two else scores
    logs = np.log(scores)
    return logs[:, 1:] - logs[:, :1] if two else logs - logs.mean(axis=1, keepdims=True)
