"""LightGBM, CatBoost, forests and baselines on shared folds: unseen rows, repeatable, saved."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import search_tasks as make

from toolkit import canonical, metrics
from toolkit.automl import engines
from toolkit.automl.engines import bagging
from toolkit.automl.engines.base import Candidate, Trial
from toolkit.automl.engines.coding import Coding
from toolkit.automl.engines.row_budget import RowBudget
from toolkit.automl.engines.sklearn.forest_file import AveragedForest
from toolkit.automl.engines.target_scale import TargetScale
from toolkit.automl.engines.task_terms import median_wanted
from toolkit.automl.inputs import Inputs
from toolkit.automl.task import SearchTask
from toolkit.errors import EngineError, ModelError

ONE_OF_EACH = [
    "baseline_linear", "baseline_additive", "baseline_boosting", "baseline_tree",
    "lightgbm_1", "catboost_2", "forest_extra_1", "forest_random_1",
]  # fmt: skip
LINEAR = ("baseline_linear", "baseline_additive")
BOOSTED = [name for name in ONE_OF_EACH if name not in (*LINEAR, "baseline_tree")
           and "forest" not in name]  # fmt: skip
KINDS = ["binary", "multiclass", "regression"]


def trial_of(task: SearchTask, name: str, **parameters: object) -> Trial:
    engine = name.partition("_")[0]
    trial = next(t for t in engines.get(engine).plan(task.facts) if t.name == name)
    quick = {"lightgbm": {"learning_rate": 0.1}, "catboost": {"learning_rate": 0.15}}.get(engine)
    if quick is not None:
        trial.settings["parameters"] = trial.settings["parameters"] | quick | parameters
    if engine == "forest":
        trial.settings["trees"] = 23
    return trial


def fit(task: SearchTask, name: str, **parameters: object) -> Candidate:
    return engines.get(name.partition("_")[0]).fit(task, trial_of(task, name, **parameters))


def loss(task: SearchTask, scores: np.ndarray) -> float:
    rows = task.folds.scored
    if task.facts.classes:
        return float(-np.log(np.clip(scores[rows, task.target[rows]], 1e-6, 1)).mean())
    return float(np.sqrt(np.mean((scores[rows] - task.target[rows]) ** 2)))


def constant_loss(task: SearchTask) -> float:
    if task.facts.classes:
        share = np.bincount(task.target) / len(task.target)
        return loss(task, np.tile(share, (len(task.target), 1)))
    return float(np.std(task.target))


def unheard_of(task: SearchTask) -> Inputs:
    """Rows with levels that no training row has, and with nothing at all."""
    typed = task.inputs.typed.iloc[:6].reset_index(drop=True).copy()
    for name in typed.columns:
        if pd.api.types.is_numeric_dtype(typed[name]):
            typed[name] = [np.nan, 1e30, -1e30, 0.0, *typed[name].iloc[4:]]
        else:
            typed[name] = pd.Series(
                [None, "new", "neu <&>", None, *typed[name].iloc[4:]], dtype="str"
            )
    return Inputs(typed, task.inputs.features)


def saved_and_loaded(candidate: Candidate, name: str, folder: Path):
    candidate.save(folder)
    return engines.get(name.partition("_")[0]).load(folder)


# -- every engine, every kind of task --------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_candidate_never_saw_its_rows_and_survives_saving(
    name: str, kind: str, tmp_path: Path
) -> None:
    task = make.search_task(tmp_path, kind, weighted=kind == "multiclass")
    candidate = fit(task, name)
    classes = len(task.facts.classes)
    assert candidate.oof.shape == ((240, classes) if classes else (240,))
    assert np.isfinite(candidate.oof).all()
    if classes:
        assert np.allclose(candidate.oof.sum(axis=1), 1)
    # Rows are shuffled over folds: were they misplaced, nothing would be better than chance.
    assert loss(task, candidate.oof) < 0.95 * constant_loss(task)
    assert candidate.complexity and candidate.complexity > 0
    score = saved_and_loaded(candidate, name, tmp_path / "m")
    for inputs in (task.inputs, unheard_of(task), task.inputs.take(np.zeros(0, dtype=int))):
        expected = candidate.predict(inputs)
        assert np.isfinite(expected).all()
        assert np.array_equal(score(inputs), expected)
    engine = engines.get(name.partition("_")[0])
    trees = engine.tree_ensembles(tmp_path / "m")
    assert engine.is_linear(tmp_path / "m") == (name in LINEAR)
    # A mean of several probabilities is no sum, but of two classes log-odds are averaged.
    assert bool(trees) == (name not in LINEAR and (kind != "multiclass" or name not in BOOSTED))
    for inputs in (task.inputs, unheard_of(task)) if trees else ():
        wanted = make.in_space(score(inputs), trees[0].space)
        np.testing.assert_allclose(make.summed(trees, inputs.design), wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_equal_fits_give_equal_bytes(name: str, tmp_path: Path) -> None:
    digests = set()
    for attempt in ("a", "b"):
        task = make.search_task(tmp_path, "binary", rows=120)
        candidate = fit(task, name)
        candidate.save(tmp_path / attempt)
        digests.add((canonical.digest_file(tmp_path / attempt), candidate.oof.tobytes()))
    assert len(digests) == 1


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_no_row_is_predicted_by_a_model_that_saw_its_fold(name: str, tmp_path: Path) -> None:
    # The target is the row's fold and nothing else, and the table names the fold: only a
    # model that learnt from a fold can know what belongs to it.
    rows = 150
    frame = pd.DataFrame({"noise": np.random.default_rng(0).normal(size=rows)})
    plain = make.search_task(tmp_path, "regression", frame=frame, target=frame["noise"].to_numpy())
    fold = plain.folds.fold.astype("float64")
    told = frame.assign(
        place=(fold * 7) % 5, label=pd.Series([f"f{f:g}" for f in fold], dtype="str")
    )
    target = np.array([100.0, -300.0, 200.0])[plain.folds.fold]
    task = make.search_task(tmp_path, "regression", frame=told, target=target)
    assert np.array_equal(task.folds.fold, plain.folds.fold)
    candidate = fit(task, name)
    assert np.abs(candidate.oof - target).min() > 50


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_ordered_folds_ship_one_model_of_all_rows(name: str, tmp_path: Path) -> None:
    task = make.search_task(tmp_path, "regression", ordered=True)
    candidate = fit(task, name)
    scored = task.folds.scored
    assert len(scored) < 240
    assert np.isfinite(candidate.oof[scored]).all()
    assert np.isnan(np.delete(candidate.oof, scored)).all()
    assert candidate.details["models"] == "1"


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_weights_decide_between_rows_that_contradict_each_other(name: str, tmp_path: Path) -> None:
    half = make.typed_frame(90)
    frame = pd.concat([half, half], ignore_index=True)
    target = np.repeat(np.array([0, 1]), 90)
    task = make.search_task(
        tmp_path, "binary", frame=frame.drop(columns=["constant", "empty"]), target=target
    )
    task = replace(task, weights=np.repeat([0.1, 1.9], 90))
    assert fit(task, name).predict(task.inputs)[:, 1].mean() > 0.8


# -- constraints -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["binary", "regression"])
@pytest.mark.parametrize(
    "name", ["baseline_boosting", "lightgbm_1", "lightgbm_2", "lightgbm_5", "catboost_2"]
)
def test_monotonic_columns_only_move_scores_one_way(name: str, kind: str, tmp_path: Path) -> None:
    # What the table says is the opposite of what is asked for, and smoothing breaks constraints.
    wanted = {"age": "decreasing", "income": "increasing"}
    task = make.search_task(tmp_path, kind, monotonic=wanted)
    assert trial_of(task, name).monotonic
    candidate = fit(task, name)
    for column, way in wanted.items():
        low, high = task.inputs.typed[column].min(), task.inputs.typed[column].max()
        some = task.inputs.typed.iloc[:40]
        typed = pd.concat([some.assign(**{column: v}) for v in np.linspace(low, high, 25)])
        scores = candidate.predict(Inputs(typed.reset_index(drop=True), task.inputs.features))
        curves = (scores if kind == "regression" else scores[:, 1]).reshape(25, 40)
        steps = np.diff(curves, axis=0) * (1 if way == "increasing" else -1)
        assert steps.min() > -1e-9


def test_what_cannot_be_enforced_is_not_promised(tmp_path: Path) -> None:
    task = make.search_task(tmp_path, "multiclass", monotonic={"age": "increasing"})
    for engine in ("baseline", "lightgbm", "catboost", "forest"):
        assert not any(trial.monotonic for trial in engines.get(engine).plan(task.facts))
    task = make.search_task(tmp_path, "binary", monotonic={"age": "increasing"})
    promised = {t.name for t in engines.get("baseline").plan(task.facts) if t.monotonic}
    assert promised == {"baseline_boosting"}
    assert not any(trial.monotonic for trial in engines.get("forest").plan(task.facts))
    task.inputs.features.origin["age again"] = "age"
    with pytest.raises(EngineError, match="age again"):
        fit(task, "lightgbm_1")


# -- plans -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_plans_are_stable_and_plain(kind: str, tmp_path: Path) -> None:
    facts = make.search_task(tmp_path, kind).facts
    for engine in ("baseline", "lightgbm", "catboost", "forest"):
        plan, again = engines.get(engine).plan(facts), engines.get(engine).plan(facts)
        assert plan == again
        assert len({trial.name for trial in plan}) == len(plan)
        assert json.loads(json.dumps([t.settings for t in plan])) == [t.settings for t in plan]
        assert [trial.round for trial in plan] == sorted(trial.round for trial in plan)
        assert plan[0].round == 1
        assert not engines.get(engine).available()
        assert engines.get(engine).version[0].isdigit()


# -- tables as they are ----------------------------------------------------------


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_class_of_one_row(name: str, tmp_path: Path) -> None:
    target = make.target_of("multiclass", make.signal(make.typed_frame(60)))
    target[target == 2] = 1
    target[7] = 2
    task = make.search_task(tmp_path, "multiclass", rows=60, target=target)
    candidate = fit(task, name)
    assert candidate.oof.shape == (60, 3)
    assert np.isfinite(candidate.oof).all()


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_ten_rows(name: str, tmp_path: Path) -> None:
    task = make.search_task(tmp_path, "regression", rows=10)
    candidate = fit(task, name)
    score = saved_and_loaded(candidate, name, tmp_path / "m")
    assert np.array_equal(score(task.inputs), candidate.predict(task.inputs))


@pytest.mark.parametrize("name", ["baseline_linear", "lightgbm_1", "catboost_2", "forest_extra_1"])
def test_more_columns_than_rows(name: str, tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=(40, 100))
    frame = pd.DataFrame(values, columns=[f"x{i}" for i in range(100)])
    task = make.search_task(
        tmp_path, "binary", frame=frame, target=(values[:, 3] > 0).astype(np.int64)
    )
    assert np.isfinite(fit(task, name).oof).all()


@pytest.mark.parametrize("name", ["baseline_linear", "lightgbm_1", "catboost_2", "forest_extra_1"])
def test_time_that_does_not_suffice_is_said_and_gives_a_model(name: str, tmp_path: Path) -> None:
    task = make.search_task(tmp_path, "binary")
    task = replace(task, seconds=0.001)
    candidate = fit(task, name)
    assert any("time" in note for note in candidate.notes)
    assert np.isfinite(candidate.oof).all()


def test_many_rows_are_sampled_with_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.automl.engines.sklearn.forest._CELLS", 8000)
    task = make.search_task(tmp_path, "binary", rows=2400)
    shares = RowBudget(task, cells=8000)
    sampled = [learnt for learnt, _ in shares.pairs()]
    whole = [learnt for learnt, _ in task.folds.pairs()]
    for part, rows in zip(sampled, whole, strict=True):
        assert len(part) == len(set(part)) == 1000
        assert set(part) < set(rows)
    candidate = fit(task, "forest_extra_1")
    assert candidate.notes == ["each model learnt from 1,000 rows drawn from 1,600"]
    assert np.isfinite(candidate.oof).all()


@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_a_skewed_target_is_learnt_as_a_logarithm_and_not_biased(
    metric: str, tmp_path: Path
) -> None:
    values = make.signal(make.typed_frame(400))
    target = np.exp(1.2 * values)
    task = make.search_task(tmp_path, "regression", rows=400, target=target, metric=metric)
    candidate = fit(task, "catboost_3")
    assert candidate.details["target"] == ("log" if metric == "rmse" else "log_median")
    if metric == "rmse":
        assert abs(candidate.oof.mean() / target.mean() - 1) < 0.05
        rate = fit(task, "lightgbm_2")
        assert rate.details["target"] == "log"
    else:
        assert abs((candidate.oof > target).mean() - 0.5) < 0.1
    assert candidate.oof.min() >= 0


# -- parts -----------------------------------------------------------------------


def test_rounds_come_from_the_other_folds() -> None:
    curves = [np.array([3.0, 1, 2, 3]), np.array([9.0, 5, 2, 0, 1]), np.array([9.0, 6, 1, 2])]
    assert bagging.rounds_by_others(curves) == [4, 3, 4]
    assert bagging.rounds_by_others([np.array([2.0, 1.0]), np.array([3.0, 2, 1])]) == [2, 2]
    assert bagging.rounds_for_all([10, 10], [80, 80], 320) == 20


def test_the_factor_of_a_fold_is_learnt_from_the_others(tmp_path: Path) -> None:
    task = make.search_task(tmp_path, "regression", rows=90)
    task = replace(task, target=np.exp(np.random.default_rng(0).normal(size=90)))
    outcome = TargetScale.of(task, "log")
    raw = np.zeros(90)
    before = outcome.settle(raw, task.target, None, task.folds)
    task.target[task.folds.fold == 1] *= 1.5
    outcome = TargetScale(**outcome.facts())
    after = outcome.settle(raw, task.target, None, task.folds)
    same = before == after
    assert same[task.folds.fold == 1].all()
    assert not same[task.folds.fold != 1].any()


def test_levels_have_codes_by_frequency_and_rare_ones_share_one() -> None:
    column = pd.Series(["b"] * 60 + ["a"] * 40 + ["once", None], dtype="str")
    coding = Coding.fit(pd.DataFrame({"x": column, "y": np.arange(102.0)}))
    assert coding.levels == {"x": ["b", "a"]}
    asked = pd.Series(["a", "b", "once", "new", None], dtype="str")
    codes = coding.matrix(pd.DataFrame({"x": asked, "y": np.arange(5.0)}))[:, 0]
    assert np.array_equal(codes, [1, 0, 2, 2, np.nan], equal_nan=True)


def test_a_damaged_forest_is_refused(tmp_path: Path) -> None:
    task = make.search_task(tmp_path, "binary", rows=60)
    fit(task, "forest_extra_1").save(tmp_path / "m")
    path = tmp_path / "m" / "model_0.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    for name, wrong in (("left_child", 10**6), ("right_child", 0), ("feature", 99)):
        broken = arrays[name].copy()
        broken[np.flatnonzero(arrays["left_child"] > 0)[0]] = wrong
        np.savez(path, **arrays | {name: broken})
        with pytest.raises(ValueError, match="a tree of the forest"):
            AveragedForest.load(path)
    with pytest.raises(ModelError, match="a tree of the forest"):
        engines.get("forest").load(tmp_path / "m")


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
@pytest.mark.parametrize("name", ["baseline_linear", "lightgbm_1", "catboost_2", "forest_extra_1"])
def test_any_small_table_survives_saving(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = data.draw(st.integers(8, 30))
    number = st.one_of(st.none(), st.floats(-1e6, 1e6), st.just(0.0))
    text = st.one_of(st.none(), st.text(max_size=4))

    def column(cells: st.SearchStrategy) -> list:
        return data.draw(st.lists(cells, min_size=rows, max_size=rows))

    frame = pd.DataFrame(
        {
            "a": pd.Series(column(number), dtype="float64"),
            "b": pd.Series(column(text), dtype="str"),
            "c": np.arange(rows, dtype="float64"),
        }
    )
    target = np.asarray(column(st.floats(-1e3, 1e3)))
    folder = tmp_path_factory.mktemp("any")
    task = make.search_task(folder, "regression", frame=frame, target=target)
    candidate = fit(task, name)
    score = saved_and_loaded(candidate, name, folder / "m")
    for inputs in (task.inputs, unheard_of(task)):
        assert np.array_equal(score(inputs), candidate.predict(inputs))


@pytest.mark.parametrize("name", metrics.for_task("regression"))
def test_what_is_least_at_the_median_is_so_for_engines_and_guesses(tmp_path, name):
    facts = replace(make.search_task(tmp_path, "regression").facts, metric=name)
    assert median_wanted(facts) == metrics.get(name).least_at_median
