"""Which stages an edit of the toolkit's own source makes out of date, and which it leaves."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import toolkit
from toolkit import paths
from toolkit.run import fingerprint, package
from toolkit.run.imports import Use, bindings, notebook_uses, taken, uses
from toolkit.run.package import Package

PACKAGE = Path(toolkit.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = {path.parent.name for path in PACKAGE.rglob("__init__.py")}
WORKER: frozenset[Use] = frozenset([("toolkit.automl.workers.main", ())])

# -- what source imports -----------------------------------------------------------------


def imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Give module and name of every import that runs, in the plain way."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        for child in node.orelse:
            yield from imported(child)
        return
    if isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        yield from ((node.module or "", alias.name) for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from imported(child)


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


def test_the_patterns_find_what_the_syntax_trees_hold(trees: dict[Path, ast.Module]) -> None:
    for path, tree in trees.items():
        source = path.read_text(encoding="utf-8")
        found = {(module, "".join(names)) for module, names in uses(source)}
        assert set(imported(tree)) <= found, path
        for name in {bound for bound, _ in bindings(source) if bound in ROOMS}:
            attributes = {
                node.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == name
            }
            assert attributes <= taken(source, name), path


def test_what_is_for_types_only_is_no_import() -> None:
    source = (
        "import a\n\nif TYPE_CHECKING:\n    import b\n\n    from c import (  # (d)\n        e,\n"
        "    )\nelse:\n    import f\n\n\ndef g():\n    from h import (  # (i)\n        j,\n    )\n"
    )
    assert set(uses(source)) == {("a", ()), ("f", ()), ("h", ("j",))}


def test_a_name_that_is_handed_on_is_taken_whole() -> None:
    assert taken('a.b(a.c)  # a\n"of a"\nf(a=1)', "a") == {"b", "c"}
    assert taken('f"a of {a.b}"\nx = a.c.d', "a") == {"b", "c"}
    assert taken("f(a)\na.b", "a") == {"*", "b"}


def test_every_import_by_a_computed_name_is_known(trees: dict[Path, ast.Module]) -> None:
    # What is imported by a name that is put together must be named in a text as a whole.
    found = {
        f"{path.parent.name}/{path.name}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith(("import_module", "__import__"))
        and not isinstance(node.args[0], ast.Constant)
    }
    assert found == {
        "toolkit/_lazy.py",  # the front doors, which are read as such
        "engines/__init__.py",  # the registry lists modules
        "report/figures.py",  # f"toolkit.plots.{module}": all of them
        "pipeline/kernel_main.py",
    }


def test_the_package_holds_nothing_else_that_runs() -> None:
    # Anything else would have to count, as templates do.
    others = {
        p.name
        for p in PACKAGE.rglob("*")
        if p.is_file() and p.suffix != ".py" and p.parent.name != "__pycache__"
    }
    assert others == {"py.typed", "__init__.pyi"}


# -- what leads where --------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Package]:
    """Make a package named ``small`` from texts by file."""

    def make(**files: str) -> Package:
        for name, text in {"__init__": "", **files}.items():
            path = tmp_path / "small" / f"{name.replace('__in__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Package(tmp_path / "small", tmp_path / "templates")

    return make


DOOR = "from toolkit._lazy import attach\n_M = {'a': 'x y', 'b': 'z'}\n__getattr__, __dir__, "
DOOR += "__all__ = attach(__name__, {n: m for m, ns in _M.items() for n in ns.split()})\n"


def test_a_front_door_leads_to_the_names_that_are_asked_for(small) -> None:
    found = small(
        room__in____init__=DOOR,
        room__in__a="",
        room__in__b="",
        one="from small.room import x",
        module="from small.room import a",
        two="def late():\n    from small.room import (\n        z,\n    )",
        whole="from small import room\nuse(room)",
        part="from small import room\nroom.x()  # room",
        typed="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from small.room import x",
    )
    names = ("one", "two", "part", "whole")
    needs = {name: found.closure([(f"small.{name}", ())]) for name in names}
    assert needs["part"] == {"small.part", "small.room.a"}
    assert needs["one"] == {"small.one", "small.room.a"}
    assert needs["two"] == {"small.two", "small.room.b"}
    assert needs["whole"] == {"small.whole", "small.room.a", "small.room.b"}
    assert found.closure([("small.module", ())]) == {"small.module", "small.room.a"}
    assert found.closure([("small.typed", ())]) == {"small.typed"}


def test_front_doors_may_lead_to_rooms_within(small) -> None:
    inner = "from toolkit._lazy import attach\n_, __dir__, __all__ = attach(__name__, {'go': 'c'})"
    outer = inner.replace("{'go': 'c'}", "{'go': 'inner', 'far': 'inner.d'}")
    found = small(
        room__in____init__=outer,
        room__in__inner__in____init__=inner,
        room__in__inner__in__c="from . import d as other",
        room__in__inner__in__d="",
        near="from small.room import go",
        far="from small.room import far",
    )
    inside = "small.room.inner"
    assert found.closure([("small.far", ())]) == {"small.far", f"{inside}.d"}
    assert found.closure([("small.near", ())]) == {"small.near", f"{inside}.c", f"{inside}.d"}


def test_a_package_with_code_of_its_own_counts(small) -> None:
    found = small(
        room__in____init__="from small import base\n\ndef get():\n    return base",
        room__in__a="",
        base="",
        one="from small.room import a",
    )
    assert found.closure([("small.one", ())]) == {
        "small.one", "small.room.a", "small.room", "small.base",
    }  # fmt: skip


def test_modules_that_a_text_names_count(small) -> None:
    found = small(
        start='run([python, "-m", "small.worker"])',
        worker="",
        registry='ENGINES = {"a": "small.engines.a"}',
        engines__in____init__="",
        engines__in__a="",
        engines__in__b="",
        every='import_module(f"small.engines.{name}")',
        loads='TRUSTED = ("small.worker.Thing",)',
        copies='Path(__file__).with_name("worker.py")',
    )
    for name, leads in {
        "start": {"small.worker"},
        "registry": {"small.engines.a"},
        "every": {"small.engines.a", "small.engines.b"},
        "loads": {"small.worker"},
        "copies": {"small.worker"},
    }.items():
        assert found.closure([(f"small.{name}", ())]) == {f"small.{name}", *leads}, name


def test_extensions_of_other_distributions_count(small, tmp_path, monkeypatch) -> None:
    facts = tmp_path / "site" / "far-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: far\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[small.engines]\nfar = far_engine.core:Engine\n")
    code = tmp_path / "site" / "far_engine" / "core.py"
    code.parent.mkdir()
    (code.parent / "__init__.py").write_text("raise RuntimeError('nothing is run')")
    code.write_text("1")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    registry = {"registry": 'import m\nm.entry_points(group="small.engines")'}
    before = small(**registry).digest([("small.registry", ())])
    assert small(**registry).digest([("small.registry", ())]) == before
    code.write_text("2")
    assert small(**registry).digest([("small.registry", ())]) != before


# -- the toolkit -------------------------------------------------------------------------


class Copy:
    """A copy of the toolkit that can be edited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(PACKAGE, folder / "toolkit", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(paths.templates(), folder / "templates")
        shutil.copytree(paths.notebooks(), folder / "notebooks")

    def touch(self, name: str) -> None:
        path = self.folder / name
        assert path.is_file(), name
        with path.open("a", encoding="utf-8") as stream:
            stream.write("\n" if path.suffix == ".py" else " ")

    def digests(self) -> dict[str, str]:
        source = Package(self.folder / "toolkit", self.folder / "templates")
        work: dict[str, frozenset[Use] | None] = {
            stage: fingerprint.notebook_work(self.folder / "notebooks" / paths.notebook_name(stage))
            for stage in paths.STAGES
        }
        work["trial"] = WORKER
        return {name: source.digest(uses or ()) for name, uses in work.items()}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("copy"))


ALL = {*paths.STAGES, "trial"}
MODELS = {"automl", "evaluate", "explain", "report", "trial"}


@pytest.mark.parametrize(
    ("name", "stale"),
    [
        ("templates/widgets/panel.css", set()),
        ("toolkit/widgets/__init__.py", set()),
        ("toolkit/widgets/kit/panel.py", set()),
        ("toolkit/widgets/automl/panel.py", set()),
        ("toolkit/widgets/automl/live_leaderboard.py", set()),
        ("toolkit/cli/app.py", set()),
        ("toolkit/pipeline/chain.py", set()),
        ("toolkit/data/project_creation.py", set()),
        ("templates/project/project.yaml.j2", set()),
        ("toolkit/automl/__init__.py", set()),
        ("toolkit/_lazy.py", set()),
        ("toolkit/plots/style.py", {"report"}),
        ("toolkit/plots/automl/search.py", {"report"}),
        ("toolkit/plots/scoping.py", {"report"}),
        ("toolkit/report/sections/robustness.py", {"report"}),
        ("templates/report/report.css", {"report"}),
        ("toolkit/tracking/pyfunc.py", {"report"}),
        ("toolkit/data/scoping/intake.py", {"scoping"}),
        ("toolkit/table/read/text/csv_file.py", {"scoping"}),
        ("toolkit/data/profile/table_profile.py", {"eda"}),
        ("toolkit/data/leakage/leakage.py", {"scoping", "eda"}),
        ("toolkit/labels/queue.py", {"label_review"}),
        ("toolkit/labels/quick.py", {"label_review", "report"}),
        ("toolkit/automl/search.py", {"automl"}),
        ("toolkit/automl/champion.py", {"automl"}),
        ("toolkit/automl/workers/main.py", {"automl", "trial"}),
        ("toolkit/automl/engines/lightgbm/engine.py", MODELS),
        ("toolkit/automl/engines/sklearn/baseline.py", MODELS),
        ("toolkit/forests/walks.py", MODELS),
        ("toolkit/evaluate/scores/slices.py", {"evaluate"}),
        ("toolkit/explain/effects/permutation_importance.py", {"explain"}),
        ("toolkit/metrics/scores.py", {*paths.STAGES}),
        ("toolkit/table/types/typed.py", ALL),
        ("toolkit/project/model.py", ALL),
    ],
)
def test_what_an_edit_makes_out_of_date(copy: Copy, name: str, stale: set[str]) -> None:
    before = copy.digests()
    copy.touch(name)
    after = copy.digests()
    assert {stage for stage in before if before[stage] != after[stage]} == stale


def test_what_is_written_by_no_stage_reaches_no_digest() -> None:
    own = package.own()
    for stage in paths.STAGES:
        work = fingerprint.notebook_work(paths.notebooks() / paths.notebook_name(stage))
        rooms = {name.split(".")[1] for name in own.closure(work or ())}
        assert not rooms & {"cli", "pipeline", "widgets"}, stage
        assert ("plots" in rooms) == ("report" in rooms) == (stage == "report"), stage


def test_a_project_s_own_notebook_counts(tmp_path: Path) -> None:
    shipped = json.loads((paths.notebooks() / "02_eda.ipynb").read_text(encoding="utf-8"))
    own = tmp_path / "notebooks" / "02_eda.ipynb"
    own.parent.mkdir()
    before = fingerprint.code_digest("eda", tmp_path)

    def with_cell(source: str, kind: str = "code") -> str:
        cells = [*shipped["cells"], {"cell_type": kind, "source": [source]}]
        own.write_text(json.dumps(shipped | {"cells": cells}), encoding="utf-8")
        return fingerprint.code_digest("eda", tmp_path)

    assert with_cell("A remark", "markdown") == before
    assert with_cell("widgets.columns_table(profile)\nfigures.drift(profile)") == before
    assert with_cell("from toolkit import explain\nexplain.goals") != before
    whole = with_cell("%timeit 1")  # not plain Python: everything counts
    assert notebook_uses(own) is None
    assert whole not in (before, fingerprint.code_digest("explain", tmp_path))


# -- a search that is gone on with -------------------------------------------------------

SEARCH = """
import sys
from toolkit import automl, data, open_stage
for name, make in (("scoping", data.intake), ("eda", data.make_split)):
    stage = open_stage(name, sys.argv[1], "runs/a")
    make(stage)
    stage.finish()
stage = open_stage("automl", sys.argv[1], "runs/a", ["automl.budget.models=" + sys.argv[2]])
automl.search(stage)
stage.finish()
log = (stage.run.folder / "log.txt").read_text()
print(log.count("kept from before"))
"""


def test_an_edit_of_a_panel_leaves_finished_trials(binary_project, tmp_path: Path) -> None:
    file = binary_project(
        automl__engines=["baseline"], automl__sanity=False, automl__budget__models=1
    )
    copy = Copy(tmp_path / "copy")

    def search(models: int) -> str:
        return subprocess.run(
            [sys.executable, "-P", "-c", SEARCH, str(file.folder), str(models)],
            env=os.environ | {"PYTHONPATH": str(copy.folder)},
            check=True, capture_output=True, text=True, timeout=300,
        ).stdout.split()[0]  # fmt: skip

    assert search(1) == "0"
    for name in ("templates/widgets/panel.css", "templates/report/report.css"):
        copy.touch(name)
    for name in ("widgets/automl/panel.py", "plots/style.py", "cli/app.py", "report/claims.py"):
        copy.touch(f"toolkit/{name}")
    assert search(2) == "1"
    copy.touch("toolkit/automl/engines/sklearn/baseline.py")
    assert search(2) == "1"  # as before: the log is one, and no trial was kept this time
