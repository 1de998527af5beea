"""Small tables and projects that every area's tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

# Threads that wait for work leave the processor to the tests of the other process.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import pandas as pd
import pytest

from toolkit.data import new_project
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


@pytest.fixture(scope="session")
def table_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``binary.csv``, ``multiclass.csv`` and ``regression.csv``."""
    folder = tmp_path_factory.mktemp("tables")
    for name, make in (
        ("binary", binary_frame),
        ("multiclass", multiclass_frame),
        ("regression", regression_frame),
    ):
        make().to_csv(folder / f"{name}.csv", index=False)
    return folder


def _factory(folder: Path, source: Path, target: str) -> ProjectFactory:
    def make(name: str = "project", **choices: object) -> ProjectFile:
        """Make a project; keys of `choices` have ``__`` in place of dots."""
        file, _ = new_project(folder / name, source, target)
        wanted = QUICK | {key.replace("__", "."): value for key, value in choices.items()}
        for key, value in wanted.items():
            file.set(key, value, by="test")
        return ProjectFile(file.path)

    return make


@pytest.fixture
def binary_project(tmp_path: Path, table_dir: Path) -> ProjectFactory:
    """Make a project with the target ``churn`` (yes, no)."""
    return _factory(tmp_path, table_dir / "binary.csv", "churn")


@pytest.fixture
def multiclass_project(tmp_path: Path, table_dir: Path) -> ProjectFactory:
    """Make a project with the target ``level`` (low, middle, high)."""
    return _factory(tmp_path, table_dir / "multiclass.csv", "level")


@pytest.fixture
def regression_project(tmp_path: Path, table_dir: Path) -> ProjectFactory:
    """Make a project with the target ``spend``, a number."""
    return _factory(tmp_path, table_dir / "regression.csv", "spend")
