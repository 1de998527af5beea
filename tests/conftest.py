"""Small tables and projects that every area's tests share."""

from __future__ import annotations

import os
from pathlib import Path

# Threads that wait for work leave the processor to the tests of the other process.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
from support.tables import (
    ProjectFactory,
    binary_frame,
    multiclass_frame,
    project_factory,
    regression_frame,
)


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


@pytest.fixture
def binary_project(tmp_path: Path, table_dir: Path) -> ProjectFactory:
    """Make a project with the target ``churn`` (yes, no)."""
    return project_factory(tmp_path, table_dir / "binary.csv", "churn")


@pytest.fixture
def multiclass_project(tmp_path: Path, table_dir: Path) -> ProjectFactory:
    """Make a project with the target ``level`` (low, middle, high)."""
    return project_factory(tmp_path, table_dir / "multiclass.csv", "level")


@pytest.fixture
def regression_project(tmp_path: Path, table_dir: Path) -> ProjectFactory:
    """Make a project with the target ``spend``, a number."""
    return project_factory(tmp_path, table_dir / "regression.csv", "spend")
