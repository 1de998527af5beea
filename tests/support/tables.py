"""Small tables of every task, and projects made of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import toolkit
from toolkit.project.file import ProjectFile

QUICK = {
    "automl.engines": ["baseline", "lightgbm"],
    "automl.folds": 2,
    "automl.budget.models": 3,
    "automl.budget.trials": 1,
    "automl.budget.epochs": 3,
    "explain.rows": 20,
    "explain.permutations": 4,
    "explain.bootstrap": 50,
    "tracking.enabled": False,
}

ProjectFactory = Callable[..., ProjectFile]


def messy_frame(rows: int = 240, seed: int = 3) -> pd.DataFrame:
    """Features as real tables have them: holes, signs, markup, dates, codes, constants."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{i:05d}" for i in range(rows)],
            "age": rng.integers(18, 80, rows).astype(float),
            "income": np.round(rng.lognormal(10, 0.5, rows), 2),
            "sex": rng.choice(["female", "male"], rows),
            "plan <b>": rng.choice(["básico", "premium", "<script>alert(1)</script>"], rows),
            "joined": pd.Timestamp("2021-01-01")
            + pd.to_timedelta(rng.integers(0, 900, rows), unit="D"),
            "paperless": rng.choice(["Yes", "No"], rows),
            "remark": [
                f"{rng.choice(['asked', 'called', 'wrote'])} about"
                f" {rng.choice(['price', 'service', 'speed'])} on visit {i}"
                for i in range(rows)
            ],
            "branch": "main",
            "empty": None,
        }
    )
    frame.loc[rng.random(rows) < 0.08, "age"] = np.nan
    frame.loc[rng.random(rows) < 0.05, "plan <b>"] = None
    frame["joined"] = frame["joined"].dt.strftime("%Y-%m-%d")
    return frame


def _signal(frame: pd.DataFrame, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    age = frame["age"].fillna(50).to_numpy()
    plan = (frame["plan <b>"] == "premium").to_numpy(float)
    wealth = np.log(frame["income"].to_numpy()) - 10
    return (age - 50) / 15 + 1.5 * plan - wealth + rng.normal(0, 0.7, len(frame))


def binary_frame(rows: int = 240, seed: int = 3) -> pd.DataFrame:
    frame = messy_frame(rows, seed)
    return frame.assign(churn=np.where(_signal(frame, seed) > 0.8, "yes", "no"))


def multiclass_frame(rows: int = 240, seed: int = 3) -> pd.DataFrame:
    frame = messy_frame(rows, seed)
    level = np.digitize(_signal(frame, seed), [-0.3, 1.0])
    return frame.assign(level=np.array(["low", "middle", "high"])[level])


def regression_frame(rows: int = 240, seed: int = 3) -> pd.DataFrame:
    frame = messy_frame(rows, seed)
    return frame.assign(spend=np.round(100 + 40 * _signal(frame, seed), 2))


def project_factory(folder: Path, source: Path, target: str) -> ProjectFactory:
    def make(name: str = "project", **choices: object) -> ProjectFile:
        """Make a project; keys of `choices` have ``__`` in place of dots."""
        file = toolkit.new(source, target, folder / name)
        wanted = QUICK | {key.replace("__", "."): value for key, value in choices.items()}
        for key, value in wanted.items():
            file.set(key, value, by="test")
        return ProjectFile(file.path)

    return make
