"""The README's blocks do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.cli import main  # noqa: F401  (the command that the blocks call has to exist)

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = (ROOT / "docs" / "how-to" / "python.md").read_text(encoding="utf-8")
QUICK = {"automl.engines": "[baseline]", "tracking.enabled": "false", "explain.rows": "10"}
QUICK |= {"explain.bootstrap": "50"}


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


@pytest.fixture
def churn(tmp_path: Path, table_dir: Path) -> Path:
    """A folder with ``churn.csv``, as the texts have it."""
    text = (table_dir / "binary.csv").read_text(encoding="utf-8")
    (tmp_path / "churn.csv").write_text(text.replace("churn\n", "churned\n", 1), encoding="utf-8")
    return tmp_path


def environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path}


def test_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_make_targets_exist() -> None:
    targets = re.findall(r"^make (\w+)$", "\n".join(blocks("bash")), flags=re.MULTILINE)
    assert targets == ["demo", "test"]
    for target in targets:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_an_example_to_walk_through(tmp_path: Path) -> None:
    (shell,) = [block for block in blocks("bash") if block.startswith("toolkit example")]
    make, look = shell.splitlines()
    subprocess.run(["bash", "-ec", make], cwd=tmp_path, env=environment(), check=True)
    (notebook, *_) = sorted((tmp_path / look.split()[-1] / "notebooks").iterdir())
    assert notebook.name == "01_scoping.ipynb"
    assert look.startswith("jupyter lab ")


@pytest.mark.slow
def test_own_table_then_python(churn: Path) -> None:
    quick = " --run first " + " ".join(f"--set {key}={value}" for key, value in QUICK.items())
    shell = next(block for block in blocks("bash") if block.startswith("toolkit new"))
    shell = shell.replace("toolkit run churn", f"toolkit run churn{quick}")
    subprocess.run(["bash", "-ec", shell], cwd=churn, env=environment(), check=True)
    assert (churn / "churn/runs/first/report.html").is_file()
    (block,) = blocks("python")
    check = "\nassert scores.shape == (240, 2) and set(labels) == {'yes', 'no'}\n"
    subprocess.run([sys.executable, "-c", block + check], cwd=churn, check=True)


@pytest.mark.slow
def test_all_of_it_from_python(churn: Path) -> None:
    make, later = blocks("python", PYTHON)
    texts = [f"{key}={value}" for key, value in QUICK.items()]
    make = make.replace('run_id="first"', f'run_id="first", overrides={texts}')
    check = "assert scores.shape == (240, 2)\n"
    for block in (make, later + check):
        subprocess.run([sys.executable, "-c", block], cwd=churn, check=True)
