"""The search for models, the champion, and models that are loaded again elsewhere."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit import automl, canonical, data, open_stage, widgets
from toolkit.artifacts import Champion, Leaderboard, OutOfFoldPredictions
from toolkit.automl.decisions import calibration, threshold
from toolkit.automl.engines.h2o.server import node
from toolkit.automl.files.archive import normalised
from toolkit.errors import ModelError, ProjectError, RunError
from toolkit.plots.automl import search as figures
from toolkit.project.criteria import Costs
from toolkit.project.search import Budget
from toolkit.run import is_current
from toolkit.table import Predictor, load_part

ALL = {
    "automl__engines": ["baseline", "lightgbm", "catboost", "forest", "h2o", "autokeras"],
    "automl__budget__models": 8,
}
"""Every engine: the first round of the plan, and the network."""
SOME = ALL | {"automl__engines": ["baseline", "lightgbm", "h2o"], "automl__budget__models": 5}
"""Enough where what is common to engines is tested; each engine's own tests are elsewhere."""
METHODS = st.sampled_from(calibration.METHODS)


@pytest.fixture(scope="module")
def h2o():
    """One server for all searches here, as `toolkit run` starts one for its notebooks."""
    shared = node.start_shared(Budget(memory_gib=1.5))
    patch = pytest.MonkeyPatch()
    for name, value in shared.environment.items():
        patch.setenv(name, value)
    yield shared
    patch.undo()
    shared.stop()


def prepared(file, run="runs/a"):
    stage = open_stage("scoping", file.path, run)
    data.intake(stage)
    stage.finish()
    stage = open_stage("eda", file.path, run)
    data.make_split(stage)
    stage.finish()
    return open_stage("automl", file.path, run)


def searched(file, run="runs/a"):
    stage = prepared(file, run)
    board, found = automl.search(stage)
    champion = automl.choose(stage)
    stage.finish()
    return stage, board, found, champion


# -- whole searches ------------------------------------------------------------------


@pytest.mark.slow
def test_binary_search_replays_resumes_and_loads_elsewhere(binary_project, h2o, tmp_path):
    file = binary_project(costs__false_negative=5, **ALL)
    stage, board, found, champion = searched(file)
    assert {entry.engine for entry in board.entries} >= set(ALL["automl__engines"])
    assert found.reproducible
    assert board.metric == "log_loss"
    values = [entry.score.value for entry in board.entries]
    assert values == sorted(values)
    assert champion.best == board.entries[0].name
    assert 0 <= champion.threshold <= 1
    assert not [path for path in stage.run.folder.rglob("*") if path.suffix in (".pkl", ".pickle")]
    for entry in board.entries:  # whatever may become champion scores rows
        loaded = automl.load_model(stage.run.folder / "models" / entry.name)
        scores = loaded.predict(load_part(stage, "validation").frame)
        np.testing.assert_allclose(scores.sum(axis=1), 1)

    # Another process takes raw text rows, in any order of columns, and gives the same.
    model = automl.load_champion(open_stage("explain", file.path, "runs/a"))
    assert isinstance(model, Predictor)
    part = load_part(stage, "validation")
    here = model.predict(part.frame)
    raw = pd.read_csv(file.folder / file.project.data.source, dtype=str).iloc[part.rows]
    raw[raw.columns[::-1]].to_csv(tmp_path / "rows.csv", index=False)
    code = (
        "import json, sys, pandas as pd, toolkit\n"
        "model = toolkit.load_model(sys.argv[1])\n"
        "rows = pd.read_csv(sys.argv[2], dtype=str)\n"
        "scores = model.predict(rows)\n"
        "one = model.predict(rows.head(1))\n"
        "assert 'toolkit.automl.engines.h2o.server.rest' not in sys.modules, 'no server is asked'\n"
        "print(json.dumps([scores.tolist(), one.tolist(), model.decide(scores).tolist()]))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, stage.run.folder / champion.model, tmp_path / "rows.csv"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    there, one, decided = json.loads(answer.stdout)
    np.testing.assert_allclose(there, here, atol=1e-6)
    np.testing.assert_allclose(one, here[:1], atol=1e-6)
    assert set(decided) <= {"no", "yes"}

    # What is finished is kept; a second run gives the same files.
    before = (stage.run.folder / Leaderboard.file).read_bytes()
    again = open_stage("automl", file.path, "runs/a")
    automl.search(again)
    again.finish()
    log = (stage.run.folder / "log.txt").read_text()
    assert log.count("kept from before") == 8
    assert (stage.run.folder / Leaderboard.file).read_bytes() == before
    other, _, _, replayed = searched(file, "runs/b")
    for kind in (Leaderboard, Champion):
        assert (other.run.folder / kind.file).read_bytes() == (
            stage.run.folder / kind.file
        ).read_bytes()
    pd.testing.assert_frame_equal(
        stage.run.read(OutOfFoldPredictions).frame, other.run.read(OutOfFoldPredictions).frame
    )
    assert replayed.model_digest == champion.model_digest

    _choose_by_hand(file, stage, board)
    _a_click_does_not_vouch_for_an_old_search(file, stage)
    _refuses_what_was_changed(file, stage)


def _choose_by_hand(file, stage, board):
    last = board.entries[-1].name
    by_rule = automl.choose(stage)
    panel = widgets.ChampionPanel(stage, board, by_rule, automl.rechoose)
    panel.picker.value = last
    panel.apply.click()
    assert "reason" in panel._status.value
    assert panel.champion.name == by_rule.name
    panel.reason.value = "simple enough"
    panel.apply.click()
    assert panel.champion.name == last
    assert (panel.champion.rule, panel.champion.reason) == ("by hand", "simple enough")
    assert json.loads(stage.run.folder.joinpath(Champion.file).read_text())["name"] == last
    panel.slider.value = 0.25
    panel.keep.click()
    assert panel.champion.threshold == 0.25
    assert "simple enough" in panel.static_html()
    assert figures.threshold(panel.champion).svg.startswith("<svg")


def _a_click_does_not_vouch_for_an_old_search(file, stage):
    stage.file.reload()
    stage.file.set("automl.folds", 5)
    with pytest.raises(RunError, match="changed since the search: automl"):
        automl.rechoose(stage)
    assert not is_current("automl", stage.run, stage.file)
    stage.file.set("automl.folds", 2)
    assert automl.rechoose(stage).threshold == 0.25
    assert is_current("automl", stage.run, stage.file)


def _refuses_what_was_changed(file, stage):
    file.update({"choice.champion": "h2o_gbm_99", "choice.reason": "x"})
    with pytest.raises(ProjectError, match=r"choice\.champion.*baseline_linear"):
        automl.choose(open_stage("automl", file.path, "runs/a"))
    facts = stage.run.folder / "models" / "champion" / "model.json"
    changed = json.loads(facts.read_text())
    canonical.write_text(facts, canonical.dumps(changed | {"threshold": 0.9}))
    with pytest.raises(ModelError, match="not those that were chosen"):
        automl.load_champion(open_stage("explain", file.path, "runs/a"))
    package = next(iter(changed["requires"]))
    canonical.write_text(facts, canonical.dumps(changed | {"requires": {package: "0.1.2"}}))
    with pytest.raises(ModelError, match=f"made with {package} 0.1.2"):
        automl.load_model(facts.parent)
    with pytest.raises(ModelError, match="no model here"):
        automl.load_model(stage.run.folder)


def test_multiclass(multiclass_project, h2o):
    stage, board, _, champion = searched(multiclass_project(**SOME))
    assert {entry.engine for entry in board.entries} >= set(SOME["automl__engines"])
    model = automl.load_champion(stage)
    assert model.classes == ["high", "low", "middle"]
    part = load_part(stage, "validation")
    scores = model.predict(part.frame)
    np.testing.assert_allclose(scores.sum(axis=1), 1)
    assert (model.decide(scores) == part.target).mean() > 0.5
    assert champion.threshold is None
    assert champion.calibration_after
    assert "no threshold" in figures.threshold(champion).alt


def test_regression(regression_project, h2o):
    stage, board, found, champion = searched(regression_project(**SOME))
    assert {entry.engine for entry in board.entries} >= set(SOME["automl__engines"])
    model = automl.load_champion(stage)
    part = load_part(stage, "validation")
    values = model.predict(part.frame)
    assert values.shape == (len(part),)
    assert np.corrcoef(values, part.target.astype(float))[0, 1] > 0.5
    assert (champion.calibration, champion.threshold) == ("none", None)
    for plot in (figures.leaderboard(board), figures.pareto(board, found)):
        assert board.entries[0].name in plot.alt
    assert "baseline" in widgets.search_summary(board, found)
    assert "baseline_linear" in widgets.leaderboard_table(board, found)


@pytest.mark.slow
def test_a_server_that_dies_is_replaced_and_the_leaderboard_is_the_same(
    binary_project, monkeypatch
):
    choices = {"automl__engines": ["h2o"], "automl__budget__models": 2, "automl__folds": 2}
    undisturbed, calm = automl.search(prepared(binary_project("whole", **choices)))
    own = node.start_shared(Budget(memory_gib=1.0))
    monkeypatch.setenv(node.SERVER_VARIABLE, own.environment[node.SERVER_VARIABLE])

    class Killer:
        def __init__(self):
            self.killed = False

        def update(self, state):
            if state.rows and state.running and not self.killed:
                self.killed = True
                os.kill(own.pid, signal.SIGKILL)

        def stopped(self):
            return False

    killer = Killer()
    stage = prepared(binary_project("killed", **choices))
    board, search = automl.search(stage, killer)
    own.stop()
    assert killer.killed
    assert search.trials == calm.trials
    assert f"the shared H2O ({own.server.url}) ended" in (stage.run.folder / "log.txt").read_text()
    scores = [(entry.name, entry.score) for entry in board.entries]
    assert scores == [(entry.name, entry.score) for entry in undisturbed.entries]


# -- parts ---------------------------------------------------------------------------


@st.composite
def scored(draw):
    k, rows = draw(st.integers(2, 4)), draw(st.integers(20, 120))
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    scores = generator.dirichlet(np.full(k, draw(st.sampled_from([0.1, 1.0, 5.0]))), rows)
    return scores, generator.integers(0, k, rows)


@given(scored(), METHODS)
@settings(max_examples=40, deadline=None)
def test_calibrated_scores_are_probabilities(case, method):
    scores, codes = case
    fitted = calibration.fit(method, scores, codes)
    stored = json.loads(json.dumps({"method": fitted.method, "parameters": fitted.parameters}))
    result = calibration.Calibration(**stored).apply(scores)
    assert np.array_equal(result, fitted.apply(scores))
    assert result.shape == scores.shape
    assert (result >= 0).all()
    np.testing.assert_allclose(result.sum(axis=1), 1)
    fitted = calibration.cross_fitted(method, scores, codes, 7)
    assert np.isfinite(calibration.log_loss(fitted, codes))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_mends_scores_that_are_too_sure(method):
    generator = np.random.default_rng(0)
    truth = generator.uniform(0.1, 0.9, 4000)
    codes = (generator.uniform(size=4000) < truth).astype(int)
    sure = 1 / (1 + np.exp(-3 * np.log(truth / (1 - truth))))
    scores = np.column_stack([1 - sure, sure])
    fitted = calibration.cross_fitted(method, scores, codes, 7)
    assert calibration.log_loss(fitted, codes) < calibration.log_loss(scores, codes) - 0.05
    assert np.abs(fitted[:, 1] - truth).mean() < 0.05


@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=60),
    st.floats(0, 10),
    st.floats(0.1, 10),
)
@settings(max_examples=100, deadline=None)
def test_no_threshold_costs_less_than_the_one_chosen(rows, wrong, missed):
    p = np.array([score / 20 for score, _ in rows])
    positive = np.array([happened for _, happened in rows])
    costs = Costs(false_positive=wrong, false_negative=missed)
    chosen = threshold.by_cost(p, positive, costs)

    def cost(cut):
        act = p >= cut
        return (wrong * (act & ~positive) + missed * (~act & positive)).mean()

    assert 0 <= chosen.threshold <= 1
    assert cost(chosen.threshold) <= min(cost(cut) for cut in [0, *p, 1.0]) + 1e-9
    here = min(chosen.curve, key=lambda point: abs(point.threshold - chosen.threshold))
    assert here.cost == pytest.approx(cost(chosen.threshold))


def test_archives_depend_on_content_alone():
    def archive(names, year):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as target:
            for name in names:
                target.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), name * 3)
        return stream.getvalue()

    assert normalised(archive("ab", 1999)) == normalised(archive("ba", 2020))
    assert normalised(archive("ab", 1999)) != normalised(archive("ac", 1999))
