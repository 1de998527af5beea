"""pyproject.toml, requirements.lock, environment.yml and the examples hold together."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from ruamel.yaml import YAML

from toolkit import __version__, canonical, paths
from toolkit.project.file import ProjectFile
from toolkit.project.schema import json_schema

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
EXAMPLES = ("german_credit", "diabetes", "wine")


def locked() -> dict[str, list[Requirement]]:
    """Return the lock's requirements by name; a marker may give a name several."""
    found: dict[str, list[Requirement]] = {}
    for line in LOCK.splitlines():
        if line and not line.startswith((" ", "#")):
            need = Requirement(line.rstrip("\\ "))
            found.setdefault(canonicalize_name(need.name), []).append(need)
    return found


def declared() -> list[Requirement]:
    return [
        Requirement(text)
        for text in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    ]


def test_the_lock_names_no_index() -> None:
    for word in ("--index-url", "--extra-index-url", "--find-links", "--trusted-host", "://"):
        assert word not in LOCK


def test_the_lock_holds_hashed_pins_only() -> None:
    blocks = re.split(r"\n(?=[^\s#])", LOCK.strip())
    assert len(blocks) > 100
    for block in blocks:
        (pin,) = Requirement(block.splitlines()[0].rstrip("\\ ")).specifier
        assert pin.operator == "=="
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block.splitlines()[0]


def test_the_lock_meets_what_is_declared() -> None:
    pins = locked()
    for need in declared():
        name = canonicalize_name(need.name)
        assert name in pins, f"{name} is not locked: run `make lock`"
        for pinned in pins[name]:
            (pin,) = pinned.specifier
            assert need.specifier.contains(Version(pin.version)), f"{need} against {pinned}"


def test_conda_follows_the_lock() -> None:
    conda = YAML(typ="safe").load((ROOT / "environment.yml").read_text())
    named = {item.split()[0]: item for item in conda["dependencies"] if isinstance(item, str)}
    (pip,) = [item["pip"] for item in conda["dependencies"] if isinstance(item, dict)]
    assert pip == ["--requirement requirements.lock"]
    assert PROJECT["requires-python"] in named["python"]
    assert named["openjdk"].split()[1].startswith("17")
    assert "pip" in named


def test_what_conda_and_make_install_is_enough_to_build() -> None:
    built_with = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    for text in [*built_with, "editables"]:
        assert canonicalize_name(Requirement(text).name) in locked()


def test_version_is_said_once() -> None:
    assert PROJECT["version"] == __version__


def test_no_address_of_a_registry_in_what_installs() -> None:
    for name in ("Makefile", "environment.yml", "pyproject.toml", ".ci/run", ".ci/find-python"):
        text = (ROOT / name).read_text()
        assert "://" not in text, name


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_valid_and_complete(name: str) -> None:
    file = ProjectFile(ROOT / "examples" / name)
    project = file.project
    table = file.folder / project.data.source
    header = table.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert header == list(project.columns)
    assert file.path.read_text().startswith(
        "# yaml-language-server: $schema=../project.schema.json"
    )
    assert re.search(r"licen[cs]e", (file.folder / "README.md").read_text())


def test_the_schema_beside_the_examples_is_current() -> None:
    text = (ROOT / "examples" / "project.schema.json").read_text(encoding="utf-8")
    assert text == canonical.dumps(json_schema()), (
        "toolkit schema has changed: write it to examples/project.schema.json"
    )


@pytest.mark.parametrize(
    ("name", "loader", "target"),
    [("diabetes", "load_diabetes", "progression"), ("wine", "load_wine", "cultivar")],
)
def test_examples_are_what_scikit_learn_ships(name: str, loader: str, target: str) -> None:
    import pandas as pd
    from sklearn import datasets

    kwargs = {"scaled": False} if name == "diabetes" else {}
    source = getattr(datasets, loader)(as_frame=True, **kwargs).frame
    ours = pd.read_csv(ROOT / "examples" / name / f"{name}.csv")
    assert len(ours) == len(source)
    common = [column for column in source.columns if column in ours and column not in {"sex"}]
    assert len(common) >= 1
    pd.testing.assert_frame_equal(ours[common], source[common], check_dtype=False)
    assert ours[target].nunique() == source["target"].nunique()


def test_a_python_that_is_too_old_or_absent_is_said() -> None:
    answer = subprocess.run(
        ["bash", str(ROOT / ".ci" / "find-python"), "/no/such/python"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert "3.11" in answer.stderr
    assert "apt-get install" in answer.stderr
    found = subprocess.run(
        ["bash", str(ROOT / ".ci" / "find-python"), sys.executable],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == sys.executable


def test_too_little_space_is_said() -> None:
    check = ["bash", str(ROOT / ".ci" / "check-space"), str(ROOT)]
    answer = subprocess.run([*check, "9999999"], capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "GiB free" in answer.stderr
    assert subprocess.run([*check, "0"], check=False).returncode == 0


# -- the wheel ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return path


def test_notebooks_and_templates_ship_inside(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder, ending in ((paths.notebooks(), ".ipynb"), (paths.templates(), "")):
        for path in folder.rglob(f"*{ending}"):
            if path.is_file() and ".ipynb_checkpoints" not in path.parts and path.name != ".keep":
                inside = path.relative_to(folder).as_posix()
                assert f"toolkit/_shipped/{folder.name}/{inside}" in names
    assert not [name for name in names if "test" in name.lower() and name.endswith(".py")]


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """What a person has who never saw the repository."""
    home = tmp_path / "elsewhere"
    home.mkdir()
    environment = home / "env"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [environment / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    lock = ROOT / "requirements.lock"
    call([*pip, "install", "--no-deps", "--require-hashes", "-r", lock], home)
    call([*pip, "install", "--no-deps", "--no-index", wheel], home)
    toolkit = environment / "bin" / "toolkit"
    where = "import toolkit.paths as p; print(p.notebooks())"
    shown = call([environment / "bin" / "python", "-c", where], home)
    assert str(environment) in shown
    table = ROOT / "examples" / "wine" / "wine.csv"
    call([toolkit, "new", "w", "--data", table, "--target", "cultivar"], home)
    quick = ["automl.engines=[baseline]", "explain.rows=10", "explain.permutations=2",
             "explain.bootstrap=50", "tracking.enabled=false"]  # fmt: skip
    sets = [word for text in quick for word in ("--set", text)]
    out = call([toolkit, "run", "w", "--run", "a", *sets], home)
    assert (home / "w" / "runs" / "a" / "report.html").is_file()
    assert str(home / "w" / "runs" / "a" / "report.html") in out
    assert "champion" in out


def call(command: list[str | Path], folder: Path) -> str:
    answer = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=900, check=False
    )
    assert answer.returncode == 0, f"{command}\n{answer.stdout}\n{answer.stderr}"
    return answer.stdout
