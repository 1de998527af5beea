"""The search at work: it resumes, survives the death of its parts, stops, and keeps time."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit import automl, data, open_stage
from toolkit.artifacts import OutOfFoldPredictions
from toolkit.automl.run_forecast import of_rows
from toolkit.automl.task import Size, TaskFacts
from toolkit.automl.trial_plan import BALANCED, PRESETS, effective, make_plan
from toolkit.automl.workers.trial_order import next_in_line
from toolkit.errors import EngineError, ProjectError
from toolkit.explain.shap import cost_plan
from toolkit.project.search import AutoML, Budget

ROOT = Path(__file__).resolve().parents[2]
QUICK = {
    "automl__engines": ["baseline", "lightgbm"],
    "automl__budget__models": 6,
    "automl__folds": 3,
    "automl__sanity": False,
}


def prepared(file, run):
    for name, make in (("scoping", data.intake), ("eda", data.make_split)):
        stage = open_stage(name, file.path, run)
        make(stage)
        stage.finish()
    return open_stage("automl", file.path, run)


def log_of(stage):
    return (stage.run.folder / "log.txt").read_text(encoding="utf-8")


def models(board):
    return [(entry.name, entry.score.value) for entry in board.entries]


class Watch:
    """Keeps what it is shown, and does something once."""

    def __init__(self, when=lambda state: False, act=lambda: None, stop=lambda state: False):
        self.when, self.act, self.stop = when, act, stop
        self.states = []
        self.acted = 0

    def update(self, state):
        self.states.append(state)
        if not self.acted and self.when(state):
            self.acted += 1
            self.act()

    def stopped(self):
        return bool(self.states) and self.stop(self.states[-1])


def workers(group=""):
    """Return the worker processes of this one."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            command = child.cmdline()
            if "toolkit.automl.workers.main" in command and command[-1].endswith(group):
                found.append(child)
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory, table_dir):
    """One undisturbed search."""
    from support.tables import project_factory

    file = project_factory(tmp_path_factory.mktemp("whole"), table_dir / "binary.csv", "churn")(
        **QUICK
    )
    stage = prepared(file, "runs/whole")
    board, search = automl.search(stage)
    return stage, board, search


def test_a_search_fits_its_budget_and_says_what_became_of_each_trial(whole):
    stage, board, search = whole
    done = [trial for trial in search.trials if trial.status == "done"]
    assert len(done) == 6
    assert search.ended == "The budget of 6 models is used up."
    assert search.reproducible
    # A blend of one model would be that model: then there is no ensemble.
    assert {entry.name for entry in board.entries} - {"ensemble"} == {t.name for t in done}
    values = [entry.score.value for entry in board.entries]
    assert values == sorted(values)
    frame = stage.read(OutOfFoldPredictions).frame
    assert len(frame) == board.train_rows == board.scored_rows
    assert set(frame["fold"]) == {0, 1, 2}
    assert not workers()
    assert not (stage.run.folder / "search" / "task").exists()


def test_a_larger_budget_goes_on_from_finished_trials(binary_project, whole):
    file = binary_project(**QUICK | {"automl__budget__models": 3})
    automl.search(prepared(file, "runs/a"))
    file.set("automl.budget.models", 6)
    stage = open_stage("automl", file.path, "runs/a")
    board, _ = automl.search(stage)
    assert models(board) == models(whole[1])
    assert log_of(stage).count("kept from before") == 3


def test_a_killed_worker_costs_time_and_nothing_else(binary_project, whole):
    def kill():
        for child in workers():
            child.send_signal(signal.SIGKILL)

    watch = Watch(when=lambda state: len(state.rows) >= 2 and state.running, act=kill)
    stage = prepared(binary_project(**QUICK), "runs/a")
    board, _ = automl.search(stage, watch)
    assert watch.acted
    assert "SIGKILL" in log_of(stage)
    assert "fitted once more" in log_of(stage)
    assert models(board) == models(whole[1])


def test_a_trial_whose_worker_always_dies_is_left_out(binary_project):
    over = threading.Event()

    def hunt():
        while not over.is_set():
            for worker in workers("autokeras"):
                worker.send_signal(signal.SIGKILL)
            time.sleep(0.05)

    hunter = threading.Thread(target=hunt)
    hunter.start()
    try:
        stage = prepared(
            binary_project(**QUICK | {"automl__engines": ["autokeras", "baseline"]}), "runs/a"
        )
        board, search = automl.search(stage)
    finally:
        over.set()
        hunter.join()
    failed = [trial for trial in search.trials if trial.status == "failed"]
    assert failed
    assert all(t.engine == "autokeras" and "2 attempts" in t.reason for t in failed)
    assert {entry.engine for entry in board.entries} <= {"baseline", "ensemble"}
    assert any(check.name == "Engine autokeras" for check in search.checks)


def test_stopping_keeps_what_is_finished_and_the_next_search_goes_on(binary_project, whole):
    watch = Watch(stop=lambda state: len(state.rows) >= 2)
    file = binary_project(**QUICK)
    stage = prepared(file, "runs/a")
    board, search = automl.search(stage, watch)
    assert search.ended == "A person stopped it."
    assert not search.reproducible
    kept = {entry.name for entry in board.entries} - {"ensemble"}
    assert 2 <= len(kept) < 6
    assert not workers()
    stage = open_stage("automl", file.path, "runs/a")
    board, _ = automl.search(stage)
    assert log_of(stage).count("kept from before") == len(kept)
    assert models(board) == models(whole[1])


def test_a_killed_notebook_takes_its_workers_along_and_repeats_nothing(
    binary_project, whole, tmp_path
):
    file = binary_project(**QUICK)
    stage = prepared(file, "runs/a")
    stage.run.release()
    script = tmp_path / "search.py"
    script.write_text(
        textwrap.dedent(
            f"""
            from toolkit import automl, open_stage
            automl.search(open_stage("automl", {str(file.path)!r}, "runs/a"))
            """
        )
    )
    process = subprocess.Popen([sys.executable, str(script)])
    search = stage.run.folder / "search"
    deadline = time.monotonic() + 120
    while len(list(search.glob("*.oof.npy"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    psutil.wait_procs(children, timeout=120)
    assert not any(child.is_running() and child.status() != "zombie" for child in children)
    finished = len(list(search.glob("*.oof.npy")))
    stage = open_stage("automl", file.path, "runs/a")
    board, _ = automl.search(stage)
    kept = log_of(stage).count("kept from before")
    assert finished - 1 <= kept <= 6  # one may have been cut between its scores and its record
    assert models(board) == models(whole[1])


def test_a_damaged_model_is_fitted_again(binary_project, whole):
    file = binary_project(**QUICK)
    stage = prepared(file, "runs/a")
    automl.search(stage)
    native = next((stage.run.folder / "models" / "lightgbm_1" / "native").iterdir())
    native.write_bytes(native.read_bytes()[:-1])
    stage = open_stage("automl", file.path, "runs/a")
    board, _ = automl.search(stage)
    assert log_of(stage).count("kept from before") == 5
    assert models(board) == models(whole[1])


def test_a_limit_on_time_ends_the_search_and_the_rest_is_listed(binary_project):
    file = binary_project(
        **QUICK | {"automl__budget__models": None, "automl__budget__seconds": 12.0}
    )
    board, search = automl.search(prepared(file, "runs/a"))
    assert board.entries
    assert not search.reproducible
    assert {trial.status for trial in search.trials} <= {"done", "skipped", "failed"}
    assert all(trial.reason for trial in search.trials if trial.status != "done")
    assert search.peak_mib > 0


def test_a_search_on_a_sample_says_of_how_many_rows_and_what_that_costs(binary_project):
    stage = prepared(binary_project(**QUICK | {"automl__rows": 120}), "runs/a")
    board, _ = automl.search(stage)
    assert board.train_rows == 120
    drawn, costs = stage.notes
    assert "120 of 168 training rows" in drawn
    assert "on all 120 rows of it, beside half of them, changes Log loss by" in costs
    assert "all 168 rows are 0.5 doublings more" in costs
    assert not list((stage.run.folder / "search").glob("halved*"))


GROUPS = st.sampled_from(["h2o", "autokeras", "python"])
SLOW = {"h2o", "autokeras"}


@given(waiting=st.lists(GROUPS), active=st.sets(GROUPS), timed=st.booleans())
def test_slow_engines_share_a_lane_while_time_is_short_and_quicker_trials_wait(
    waiting, active, timed
):
    place = next_in_line(waiting, active, SLOW, timed=timed)
    took_turns = timed and "python" in waiting and bool(active & SLOW)
    barred = SLOW if took_turns else active & SLOW
    if place is None:
        assert set(waiting) <= barred
    else:
        assert waiting[place] not in barred
        assert set(waiting[:place]) <= barred  # the most promising of those that may begin


def test_a_cluster_that_is_not_there_costs_h2o_and_nothing_else(binary_project):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        choices = {"automl__engines": ["h2o", "baseline"], "h2o__url": url}
        board, search = automl.search(prepared(binary_project(**QUICK | choices), "runs/a"))
    assert {entry.engine for entry in board.entries} <= {"baseline", "ensemble"}
    (h2o,) = [run for run in search.engines if run.engine == "h2o"]
    assert h2o.failures and not h2o.models
    assert {trial.status for trial in search.trials if trial.engine == "h2o"} == {"failed"}


def test_all_rows_of_time_ordered_folds_are_predicted_from_earlier_ones(binary_project):
    # 'joined' is a date in the fixture's table.
    file = binary_project(**QUICK | {"automl__budget__models": 2})
    file.update({"split.method": "time", "split.column": "joined"})
    board, _ = automl.search(prepared(file, "runs/a"))
    assert "in order of time" in board.fold_method
    assert 0 < board.scored_rows < board.train_rows


def test_excluded_algorithms_and_columns_are_left_out(binary_project):
    file = binary_project(
        **QUICK
        | {
            "automl__exclude": ["logistic regression"],
            "automl__constraints__exclude": ["age"],
            "automl__budget__models": 3,
        }
    )
    stage = prepared(file, "runs/a")
    board, _ = automl.search(stage)
    assert all(entry.family != "logistic regression" for entry in board.entries)
    name = next(entry.name for entry in board.entries if entry.name != "ensemble")
    assert "age" not in automl.load_model(stage.run.folder / "models" / name).columns


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("automl__exclude", ["Telepathy"], "automl.exclude"),
        ("automl__constraints__exclude", ["nothing"], "automl.constraints.exclude"),
        ("automl__constraints__monotonic", {"nothing": "increasing"}, "monotonic"),
        ("automl__class_weights", "balanced", ""),
    ],
)
def test_choices_that_cannot_be_kept_are_refused_in_one_line(
    binary_project, regression_project, key, value, words
):
    project = regression_project if key == "automl__class_weights" else binary_project
    stage = prepared(project(**QUICK | {key: value}), "runs/a")
    with pytest.raises(ProjectError) as caught:
        automl.search(stage)
    assert "\n" not in caught.value.line()
    assert words in caught.value.line()


def test_no_engine_that_can_work_is_an_error_that_says_why(binary_project):
    file = binary_project(
        **QUICK
        | {
            "automl__engines": ["lightgbm"],
            "automl__constraints__interpretable": True,
        }
    )
    with pytest.raises(EngineError, match="no engine has a model to fit"):
        automl.search(prepared(file, "runs/a"))


# -- how much a search may do --------------------------------------------------------------

SIZES = st.builds(
    Size, st.integers(1, 2_000_000), st.integers(1, 5_000), st.sampled_from([0, 2, 3, 30])
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SIZES, SIZES)
def test_the_larger_the_table_the_less_balanced_does(one, other):
    small, large = sorted((one, other), key=lambda size: size.cells)
    less, more = (effective(AutoML(), size) for size in (large, small))
    for name in ("models", "folds", "trials", "epochs", "members"):
        assert getattr(less, name) <= getattr(more, name)
    assert less.speedup >= more.speedup
    assert less == effective(AutoML(), large)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SIZES, st.sampled_from(["quick", "thorough"]))
def test_no_size_changes_the_other_presets_or_what_is_asked_for(size, preset):
    assert effective(AutoML(preset=preset), size) == PRESETS[preset]
    timed = effective(AutoML(budget=Budget(seconds=60)), size)
    assert timed == replace(PRESETS["balanced"], models=timed.models)
    asked = AutoML(folds=7, budget=Budget(models=33, trials=4, epochs=5))
    found = effective(asked, size)
    assert (found.models, found.folds, found.trials, found.epochs) == (33, 7, 4, 5)


def test_thorough_stays_what_it_is():
    found = PRESETS["thorough"]
    assert (found.models, found.folds, found.trials, found.epochs) == (60, 8, 10, 100)
    assert (found.members, found.speedup) == (8, 1.0)
    assert AutoML(preset="thorough").effort == 1.0 > AutoML().effort


def test_large_tables_have_no_network_and_may_still_exclude_it():
    facts = {"task": "binary", "classes": ["no", "yes"], "seed": 7, "folds": 3, "threads": 1,
             "columns": {f"x{i}": {"type": "number"} for i in range(30)}, "width": 30}  # fmt: skip
    names = ["baseline", "lightgbm", "forest", "autokeras"]
    for rows in (2_000, 100_000):
        size = Size(rows, 30, 2)
        preset = effective(AutoML(), size)
        task = TaskFacts(**facts, rows=rows, trials=preset.trials, speedup=preset.speedup)
        plan = make_plan(AutoML(), task, names)
        networks = [trial for trial in plan if trial.engine == "autokeras"]
        assert bool(networks) == bool(preset.trials)
        without = make_plan(AutoML(exclude=["neural network"]), task, names)
        assert without == [trial for trial in plan if trial.engine != "autokeras"]
        rates = {t.settings["parameters"]["learning_rate"] for t in plan if t.engine == "lightgbm"}
        assert max(rates) <= 0.15
    assert not preset.trials


def test_a_forecast_follows_from_counts_and_from_the_machine(binary_project):
    project = binary_project().project
    for rows in (300, 30_000, 3_000_000):
        one, same, slower = (of_rows(project, rows, 2, slow) for slow in (1.0, 1.0, 3.0))
        assert one == same
        assert slower.total == pytest.approx(3 * one.total)
        assert 0 < one.search < one.total
        assert f"{one.models} models, {one.folds} folds" in one.text()


def test_the_guide_says_what_balanced_does_by_size():
    guide = (ROOT / "docs/how-to/automl.md").read_text(encoding="utf-8")
    for most, found in BALANCED:
        cells = "more" if most == float("inf") else f"{most:,}"
        networks = f"{found.trials}, {found.epochs}" if found.trials else "none"
        rates = "as they are" if found.speedup == 1 else f"x {found.speedup:g}"
        line = f"| {cells} | {found.models} | {found.folds} | {networks} | {rates} |"
        assert line in guide


def test_the_guide_says_what_an_explanation_may_cost(binary_project):
    project = binary_project().project.model_copy(update={"automl": AutoML()})
    words = f"{cost_plan.EVALUATIONS:,} with", f"else {cost_plan.asked(project).evaluations:,}"
    for name in ("docs/how-to/explain.md", "docs/project-file.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert all(each in text for each in words)


def test_the_forecast_counts_what_the_search_learns_from(whole):
    stage, board, _ = whole
    expected = automl.forecast(stage)()
    assert (expected.size.rows, expected.folds) == (board.train_rows, board.folds)
    assert expected.models == QUICK["automl__budget__models"]
