"""The run folder: artefacts, run.json, fingerprints, the lock, a stage's life."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stub_chain import PROJECT

import toolkit
from toolkit import canonical
from toolkit.artifacts import RowReports
from toolkit.artifacts.base import Check, FrameArtifact, Interval, JsonArtifact
from toolkit.errors import DataError, MissingArtifact, RunBusy, RunError, UsageError
from toolkit.project.file import ProjectFile
from toolkit.run import Run, is_current, open_stage
from toolkit.run.manifest import Manifest


class Numbers(JsonArtifact):
    file: ClassVar[str] = "numbers.json"
    stage: ClassVar[str] = "eda"
    values: list[float | None]
    checks: list[Check] = []
    interval: Interval | None = None


class Table(FrameArtifact):
    file: ClassVar[str] = "table.parquet"
    stage: ClassVar[str] = "scoping"
    columns: ClassVar[tuple[str, ...]] = ("row",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project.yaml").write_text(PROJECT)
    return tmp_path


# -- canonical ---------------------------------------------------------------------------

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(_VALUES)
def test_plain_is_stable_and_has_a_digest(value: object) -> None:
    plain = canonical.plain(value)
    assert canonical.plain(plain) == plain
    assert canonical.digest(plain) == canonical.digest(value)
    assert canonical.dumps(value).endswith("\n")


@given(st.dictionaries(st.text(), st.integers()))
def test_order_of_keys_does_not_count(value: dict[str, int]) -> None:
    assert canonical.digest(value) == canonical.digest(dict(reversed(value.items())))


def test_plain_knows_numpy_and_pandas() -> None:
    given_values = {
        "a": np.float64("nan"),
        "b": np.int8(3),
        "c": np.array([[1.0, math.inf]]),
        "d": pd.Timestamp("2026-01-02"),
        "e": {3, 1, 2},
        "f": np.bool_(True),
    }
    assert canonical.plain(given_values) == {
        "a": None,
        "b": 3,
        "c": [[1.0, None]],
        "d": "2026-01-02T00:00:00",
        "e": [1, 2, 3],
        "f": True,
    }


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    canonical.write_text(path, "first")
    with pytest.raises(RuntimeError), canonical.atomic(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "first"
    assert [item.name for item in tmp_path.iterdir()] == ["x.txt"]


def test_written_files_have_the_usual_mode(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        canonical.write_text(tmp_path / "x", "")
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640


def test_digest_of_a_folder_counts_names_and_content(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("1")
    assert canonical.digest_file(tmp_path / "a") == canonical.digest_file(tmp_path / "b")
    (tmp_path / "b" / "x").rename(tmp_path / "b" / "y")
    assert canonical.digest_file(tmp_path / "a") != canonical.digest_file(tmp_path / "b")


def test_a_file_that_changes_has_another_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = time.time
    for ahead in (0, 3600):  # written just now, and long ago
        monkeypatch.setattr(time, "time", lambda ahead=ahead: clock() + ahead)
        file = tmp_path / f"{ahead}"
        file.write_text("one")
        times = file.stat().st_atime_ns, file.stat().st_mtime_ns
        first = [canonical.digest_file(file) for _ in range(2)]
        file.write_text("two")
        os.utime(file, ns=times)
        assert first == ["sha256:" + hashlib.sha256(b"one").hexdigest()] * 2
        assert canonical.digest_file(file) == "sha256:" + hashlib.sha256(b"two").hexdigest()


# -- artefacts ---------------------------------------------------------------------------


def test_artefacts_come_back_as_they_were(tmp_path: Path) -> None:
    run = Run(tmp_path / "r")
    numbers = Numbers(values=[1.5, None], interval=Interval(value=1.0, low=0.5, high=2.0))
    run.write(numbers)
    assert run.read(Numbers) == numbers
    frame = pd.DataFrame({"row": [0, 1], "né <b>": ["x", None]})
    run.write(Table(frame))
    pd.testing.assert_frame_equal(run.read(Table).frame, frame, check_dtype=False)


def test_a_run_of_version_0_1_is_read_under_the_names_it_has(tmp_path: Path) -> None:
    reports = RowReports(
        task="binary", adverse="yes", output="probability", adverse_rows=1, compared=2,
        training=3, evaluations=4, fixed={}, reports=[],
    )  # fmt: skip
    run = Run(tmp_path)
    old = json.loads(run.write(reports).read_text())
    (tmp_path / RowReports.file).unlink()
    assert not run.has(RowReports)
    old["stories"] = old.pop("reports")
    (tmp_path / "row_stories.json").write_text(json.dumps(old))
    assert run.read(RowReports) == reports
    again = reports.model_copy(update={"compared": 5})
    run.write(again)
    assert run.read(RowReports) == again


def test_the_same_artefact_is_the_same_bytes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"row": np.arange(1000), "v": np.linspace(0, 1, 1000)})
    one, two = Run(tmp_path / "one"), Run(tmp_path / "two")
    for run in (one, two):
        run.write(Table(frame))
        run.write(Numbers(values=[0.1, float("nan")]))
    for name in ("table.parquet", "numbers.json"):
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()


def test_missing_artefact_names_its_notebook(tmp_path: Path) -> None:
    with pytest.raises(MissingArtifact, match=r"02_eda\.ipynb"):
        Run(tmp_path).read(Numbers)


def test_damaged_artefacts_are_one_line(tmp_path: Path) -> None:
    run = Run(tmp_path)
    (tmp_path / "numbers.json").write_text('{"values": ["x"]}')
    (tmp_path / "table.parquet").write_bytes(b"no parquet")
    for kind in (Numbers, Table):
        with pytest.raises(RunError) as caught:
            run.read(kind)
        assert "\n" not in caught.value.line()
        assert kind.file in caught.value.line()
    Table(pd.DataFrame({"other": [1]})).save(tmp_path)
    with pytest.raises(RunError, match="lacks row"):
        run.read(Table)


# -- a stage -----------------------------------------------------------------------------


def finish_eda(folder: Path, run: str = "runs/a", value: float = 1.0) -> Run:
    stage = open_stage("eda", folder, run)
    stage.depends(folder / "decisions" / "labels.jsonl")
    stage.write(Numbers(values=[value]))
    stage.finish()
    return stage.run


def test_a_stage_records_what_it_did(folder: Path) -> None:
    run = finish_eda(folder)
    manifest = run.manifest()
    record = manifest.stages["eda"]
    assert record.status == "done"
    assert record.exit_code == 0
    assert record.outputs == {"numbers.json": canonical.digest_file(run.folder / "numbers.json")}
    assert record.inputs == {"project:decisions/labels.jsonl": "absent"}
    assert manifest.seed == 7
    assert manifest.project["target"]["positive"] == "1"
    assert manifest.toolkit == toolkit.__version__
    assert manifest.libraries["pandas"] == pd.__version__
    assert manifest.sources["target.positive"] == {"kind": "project file"}


def test_current_until_something_changes(folder: Path) -> None:
    run = finish_eda(folder)
    file = ProjectFile(folder)
    assert is_current("eda", run, file)
    assert not is_current("automl", run, file)  # never run
    # A choice of another stage, a comment: nothing that it looks at.
    file.set("automl.budget.models", 3)
    file.path.write_text(file.path.read_text() + "# a remark\n")
    assert is_current("eda", run, ProjectFile(folder))
    # Each of what it looks at, and back again.
    assert not is_current("eda", run, ProjectFile(folder, ["seed=8"]))
    (folder / "decisions" / "labels.jsonl").write_text("{}\n")
    assert not is_current("eda", run, file)
    (folder / "decisions" / "labels.jsonl").unlink()
    assert is_current("eda", run, file)
    (run.folder / "numbers.json").unlink()
    assert not is_current("eda", run, file)


def test_what_is_read_from_earlier_stages_counts(folder: Path) -> None:
    first = open_stage("scoping", folder, "runs/a")
    first.write(Table(pd.DataFrame({"row": [0]})))
    first.finish()
    stage = open_stage("eda", folder, "runs/a")
    stage.read(Table)
    stage.write(Numbers(values=[]))
    stage.finish()
    file = ProjectFile(folder)
    assert is_current("eda", stage.run, file)
    stage.run.write(Table(pd.DataFrame({"row": [1]})))
    assert not is_current("eda", stage.run, file)
    assert not is_current("scoping", stage.run, file)


def test_a_failed_stage_keeps_its_line(folder: Path) -> None:
    stage = open_stage("eda", folder, "runs/a")
    stage.note("a column was skipped")
    stage.fail(DataError("no rows\nat all", remedy="Add rows"))
    record = stage.run.manifest().stages["eda"]
    assert (record.status, record.exit_code) == ("failed", 1)
    assert record.error == "no rows at all. Add rows"
    assert record.notes == ["a column was skipped"]
    log = (stage.run.folder / "log.txt").read_text()
    assert "WARNING: a column was skipped" in log
    assert "[eda] failed: no rows at all. Add rows" in log
    finish_eda(folder)  # the lock is free again


def test_what_a_panel_changes_after_the_last_artefact_is_not_in_it(folder: Path) -> None:
    stage = open_stage("eda", folder, "runs/a")
    stage.write(Numbers(values=[1.0]))
    stage.file.set("eda.correlation_threshold", 0.5)
    stage.finish()
    assert not is_current("eda", stage.run, stage.file)
    stage.write(Numbers(values=[2.0]))
    stage.finish()
    assert is_current("eda", stage.run, stage.file)


def test_a_report_follows_where_choices_come_from(folder: Path) -> None:
    stage = open_stage("report", folder, "runs/a")
    stage.finish()
    assert is_current("report", stage.run, ProjectFile(folder))
    text = stage.file.path.read_text()
    # The same value as the default, but now somebody said it.
    stage.file.path.write_text(text + "\ncosts: {false_negative: 1.0}\n")
    assert ProjectFile(folder).project == stage.project
    assert not is_current("report", stage.run, ProjectFile(folder))


def test_an_error_after_the_end_does_not_undo_a_stage(folder: Path) -> None:
    stage = open_stage("eda", folder, "runs/a")
    stage.write(Numbers(values=[1.0]))
    stage.finish()
    stage.fail(NameError("name 'profil' is not defined"))
    assert stage.run.manifest().stages["eda"].status == "done"


def test_a_stage_that_goes_on_after_an_error_has_its_run_again(folder: Path) -> None:
    stage = open_stage("eda", folder, "runs/a")
    stage.fail(NameError("name 'profil' is not defined"))
    assert take(stage.run) == 0
    stage.write(Numbers(values=[1.0]))
    assert take(stage.run) == 75
    stage.finish()
    assert take(stage.run) == 0
    assert is_current("eda", stage.run, stage.file)


def test_passwords_stay_out_of_the_manifest(folder: Path) -> None:
    overrides = [
        "data.source=postgresql://ana:sec/ret@host/db?password=secret",
        "tracking.uri=https://ana:secret@mlflow.example",
    ]
    run = Run(folder / "runs" / "a")
    run.freeze(ProjectFile(folder, overrides))
    text = (run.folder / "run.json").read_text()
    assert "secret" not in text
    assert "sec/ret" not in text
    assert "postgresql://ana:***@host/db" in text


def test_unknown_stage(folder: Path) -> None:
    with pytest.raises(UsageError, match="label_review"):
        open_stage("labels", folder)


def test_run_is_relative_to_the_project(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert finish_eda(folder, "runs/b").folder == folder / "runs" / "b"


def test_freezing_again_keeps_stages_and_time(folder: Path) -> None:
    run = finish_eda(folder)
    before = run.manifest()
    after = run.freeze(ProjectFile(folder, ["seed=9"]))
    assert after.created == before.created
    assert after.stages == before.stages
    assert after.seed == 9
    assert after.sources["seed"] == {"kind": "parameter"}


# -- the lock ----------------------------------------------------------------------------

_TAKE = (
    "import sys; from toolkit.run import Run; from toolkit.errors import RunBusy\n"
    "try:\n    Run(sys.argv[1]).acquire()\nexcept RunBusy: sys.exit(75)"
)


def take(run: Run, env: dict[str, str] | None = None) -> int:
    return subprocess.run(
        [sys.executable, "-c", _TAKE, str(run.folder)],
        env={**os.environ, **(env or {})},
        check=False,
    ).returncode


def test_one_writer_and_its_children(folder: Path) -> None:
    run = Run(folder / "runs" / "a")
    with run.locked() as environment:
        run.acquire()  # it is ours already
        assert take(run) == 75
        assert take(run, environment) == 0
        assert take(Run(folder / "runs" / "b")) == 0
    assert take(run) == 0


def test_lock_of_a_dead_process_is_free(folder: Path) -> None:
    run = Run(folder / "runs" / "a")
    code = _TAKE + "\nimport os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    subprocess.run([sys.executable, "-c", code, str(run.folder)], check=False)
    with run.locked():
        pass


def test_stage_of_another_process_is_refused(folder: Path) -> None:
    run = Run(folder / "runs" / "a")
    with run.locked():
        code = (
            "import sys, toolkit; from toolkit.errors import RunBusy\n"
            "try:\n    toolkit.open_stage('eda', sys.argv[1], 'runs/a')\n"
            "except RunBusy as error: print(error.line()); sys.exit(error.exit_code)"
        )
        answer = subprocess.run(
            [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
        )
    assert answer.returncode == 75
    assert "another process" in answer.stdout
    assert not run.has(Manifest)


def test_errors_cross_a_process_pool() -> None:
    import pickle

    error = RunBusy("taken", where="w", remedy="Wait")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.line(), again.exit_code) == (RunBusy, error.line(), 75)


def test_a_stage_records_the_most_memory_that_it_and_its_children_held(folder: Path) -> None:
    stage = open_stage("scoping", folder, "runs/memory")
    code = "held = bytearray(b'1') * (96 << 20); print('up', flush=True); input()"
    alone = psutil.Process().memory_info().rss / 2**20
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        deadline = time.monotonic() + 30
        while stage._memory.peak_mib < alone + 90 and time.monotonic() < deadline:
            time.sleep(0.05)
        child.communicate("\n")
    stage.finish()
    assert stage.run.manifest().stages["scoping"].peak_mib >= alone + 90
