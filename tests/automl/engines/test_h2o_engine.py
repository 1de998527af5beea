"""H2O's trials: what they predict, and that nothing reaches a model that it must not see."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from pathlib import Path

import h2o
import numpy as np
import pandas as pd
import pytest
from support.search_tasks import (
    COLUMNS,
    in_space,
    search_task,
    signal,
    summed,
    target_of,
    typed_frame,
)

from toolkit.automl.engines import get
from toolkit.automl.engines.base import Trial
from toolkit.automl.engines.h2o import keys, mojo, training, transfer
from toolkit.automl.engines.h2o.client import Client
from toolkit.automl.engines.h2o.engine import H2oEngine
from toolkit.automl.engines.h2o.frames import FrameCode
from toolkit.automl.engines.h2o.server import node
from toolkit.automl.engines.h2o.training_table import TrainingTable
from toolkit.automl.inputs import Inputs
from toolkit.canonical import digest_file
from toolkit.errors import EngineError, ModelError
from toolkit.project.search import Budget

ENGINE = get("h2o")


@pytest.fixture(scope="module", autouse=True)
def client():
    """One server for all trials here."""
    shared = node.start_shared(Budget(memory_gib=1.0, threads=1))
    patch = pytest.MonkeyPatch()
    for name, value in shared.environment.items():
        patch.setenv(name, value)
    yield Client(node.connect(Budget()))
    patch.undo()
    shared.stop()


def trial(task, name, **settings):
    found = next(t for t in ENGINE.plan(task.facts) if t.name == f"h2o_{name}")
    return dataclasses.replace(found, settings=found.settings | settings)


def error(task, oof):
    rows = task.folds.scored
    if not task.facts.classes:
        return float(np.sqrt(np.mean((oof[rows] - task.target[rows]) ** 2)))
    chosen = np.clip(oof[rows, task.target[rows]], 1e-9, 1)
    return float(-np.log(chosen).mean())


def guess(task):
    if not task.facts.classes:
        return float(task.target.std())
    shares = np.bincount(task.target) / len(task.target)
    return float(-(shares * np.log(shares)).sum())


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("name", ["glm_1", "gbm_2", "drf_1", "xgboost_1"])
def test_out_of_fold_scores_say_more_than_a_guess(tmp_path, kind, name):
    task = search_task(tmp_path, kind)
    found = ENGINE.fit(task, trial(task, name))
    assert found.oof.shape == task.empty_oof().shape
    assert not np.isnan(found.oof).any()
    assert error(task, found.oof) < 0.9 * guess(task)
    if task.facts.classes:
        np.testing.assert_allclose(found.oof.sum(axis=1), 1, rtol=1e-12)
    assert found.complexity > 1
    again = ENGINE.load(saved(found, tmp_path / "model"))
    holes = unheard_of(task)
    assert_same_scores(again, found.predict, task.inputs, holes)
    trees = ENGINE.tree_ensembles(tmp_path / "model")
    assert bool(trees) == (name != "glm_1")
    if trees:
        wanted = in_space(again(holes), trees[0].space)
        summed_up = summed(trees, holes.design)
        assert trees[0].votes == ((name, kind) == ("drf_1", "multiclass"))
        if trees[0].votes:
            summed_up /= summed_up.sum(axis=1, keepdims=True)
        elif kind == "multiclass":
            summed_up -= summed_up.mean(axis=1, keepdims=True)
        np.testing.assert_allclose(summed_up, wanted, rtol=2e-6, atol=2e-6)


def assert_same_scores(in_process, server_scores, *parts):
    """Check that rows score in this process as in the server."""
    for inputs in parts:
        np.testing.assert_allclose(
            in_process(inputs), server_scores(inputs), rtol=1e-12, atol=1e-12
        )


def unheard_of(task):
    """Rows with levels that no training row has, extremes, and gaps in every column."""
    typed = task.inputs.typed.iloc[:60].reset_index(drop=True).copy()
    generator = np.random.default_rng(0)
    for name in typed.columns:
        gaps = generator.random(len(typed)) < 0.2
        few = generator.random(len(typed)) < 0.1
        if pd.api.types.is_numeric_dtype(typed[name]):
            typed.loc[few, name] = generator.choice([0.0, -1e6, 1e12], few.sum())
        elif pd.api.types.is_string_dtype(typed[name]):
            typed.loc[few, name] = "new ☃"
        typed.loc[gaps, name] = None
    return Inputs(typed, task.inputs.features)


def saved(candidate, folder):
    candidate.save(folder)
    return folder


@pytest.mark.parametrize("algorithm", ["gbm", "xgboost"])
def test_labels_of_a_fold_do_not_reach_its_scores(client, tmp_path, algorithm):
    plain = search_task(tmp_path)
    held = plain.folds.fold == 1
    target = np.where(held, 1 - plain.target, plain.target)
    other = search_task(tmp_path, frame=typed_frame(), target=target)
    other.folds.fold[:] = plain.folds.fold
    first, second = (crossed(client, task, algorithm) for task in (plain, other))
    np.testing.assert_array_equal(first[held], second[held])
    assert np.abs(first[~held] - second[~held]).max() > 0.05


def crossed(client, task, algorithm):
    table = TrainingTable(client, task)
    recipe = training.RecipeTraining(
        table, task, trial(task, "gbm_2"), algorithm=algorithm, parameters={}, deadline=None
    )
    model = recipe.build(
        table.frame, fold_column="place", keep_cross_validation_predictions=True, ntrees=20,
        sample_rate=0.8,
    )  # fmt: skip
    return recipe.crossed_scores(model)


def test_later_rows_do_not_reach_earlier_scores(tmp_path):
    plain = search_task(tmp_path, rows=300, ordered=True)
    last = plain.folds.fold == plain.folds.count - 1
    other = search_task(tmp_path, rows=300, ordered=True, target=np.where(last, 0, plain.target))
    for name in ("gbm_2", "glm_1"):
        first = ENGINE.fit(plain, trial(plain, name))
        second = ENGINE.fit(other, trial(other, name))
        np.testing.assert_array_equal(first.oof, second.oof)
        assert np.isnan(first.oof[plain.folds.fold < 0]).all()
        assert not np.isnan(first.oof[plain.folds.scored]).any()
        assert error(plain, first.oof) < guess(plain)
        rows = plain.inputs.take(np.arange(40))
        assert np.abs(first.predict(rows) - second.predict(rows)).max() > 1e-3


def test_a_trial_in_two_jobs_gives_the_same_bytes(tmp_path):
    task = search_task(tmp_path)
    for name in ("xgboost_4", "gbm_6"):
        first, second = (ENGINE.fit(task, trial(task, name)) for _ in range(2))
        np.testing.assert_array_equal(first.oof, second.oof)
        assert digest_file(saved(first, tmp_path / "a")) == digest_file(
            saved(second, tmp_path / "b")
        )
        assert first.details == second.details


def test_weights_matter(tmp_path):
    frame = typed_frame()
    truth = (signal(frame) > 0.8).astype(np.int64)
    wrong = np.random.default_rng(1).random(len(frame)) < 0.3
    task = search_task(tmp_path, frame=frame, target=np.where(wrong, 1 - truth, truth))
    blind = ENGINE.fit(task, trial(task, "glm_1")).oof
    weights = np.where(wrong, 1e-3, 1.0)
    known = search_task(tmp_path, frame=frame, target=task.target)
    known = replace(known, weights=weights / weights.mean())
    aware = ENGINE.fit(known, trial(known, "glm_1")).oof
    right = np.arange(len(truth)), truth
    assert np.log(aware[right]).mean() > np.log(blind[right]).mean() + 0.05


@pytest.mark.parametrize("name", ["xgboost_1", "gbm_2"])
def test_monotonic_constraints_hold(tmp_path, name):
    # Against the signal, which rises with age.
    task = search_task(tmp_path, monotonic={"age": "decreasing"})
    wanted = trial(task, name)
    assert wanted.monotonic and not trial(task, "glm_1").monotonic
    found = ENGINE.fit(task, wanted)
    for row in (3, 40, 77):
        rows = task.inputs.typed.iloc[[row] * 30].reset_index(drop=True)
        rows["age"] = np.linspace(18, 80, 30)
        scores = found.predict(Inputs(rows, task.inputs.features))[:, 1]
        assert (np.diff(scores) <= 1e-9).all()


def test_a_stack_is_judged_out_of_fold_and_survives_a_restart(tmp_path):
    task = search_task(tmp_path)
    bases = {f"h2o_{n}": trial(task, n).settings for n in ("glm_1", "gbm_2")}
    stack = Trial(
        "h2o_stack_1", "h2o", "", 3, {"algorithm": "StackedEnsemble", "bases": bases}
    )  # fmt: skip
    singles = [ENGINE.fit(task, trial(task, n)) for n in ("glm_1", "gbm_2")]
    first = ENGINE.fit(task, stack)
    assert error(task, first.oof) < max(error(task, single.oof) for single in singles)
    assert first.details["base models"] == "h2o_glm_1, h2o_gbm_2"
    assert first.complexity == sum(single.complexity for single in singles)
    second = H2oEngine().fit(task, stack)
    assert "h2o_gbm_2 was fitted for the stack" in second.notes
    np.testing.assert_array_equal(first.oof, second.oof)
    assert digest_file(saved(second, tmp_path / "model"))
    assert_same_scores(
        ENGINE.load(tmp_path / "model"), second.predict, task.inputs, unheard_of(task)
    )


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_networks_and_stacks_of_all_score_as_in_the_server(client, tmp_path, kind):
    """On numbers alone too: there the order of columns is the same in all models."""
    numbers = typed_frame()[["age", "income", "noise"]]
    target = target_of(kind, signal(typed_frame()))
    task = search_task(tmp_path, kind, frame=numbers, target=target, weighted=True)
    bases = {f"h2o_{n}": trial(task, n).settings for n in ("glm_1", "gbm_2", "drf_1", "xgboost_1")}
    settings = {"algorithm": "StackedEnsemble", "bases": bases}
    stack = ENGINE.fit(task, Trial("h2o_stack_1", "h2o", "", 3, settings))
    again = ENGINE.load(saved(stack, tmp_path / "stack"))
    assert_same_scores(again, stack.predict, task.inputs, unheard_of(task))

    task = search_task(tmp_path, kind)
    table = TrainingTable(client, task)
    network = training.RecipeTraining(
        table, task, trial(task, "gbm_2"), algorithm="deeplearning",
        parameters={"hidden": [5], "epochs": 2}, deadline=None,
    )  # fmt: skip
    model, classes = network.build(table.frame), len(task.facts.classes)
    mojo.save(model, table.code, classes, tmp_path / "network")

    def server_scores(inputs):
        rows, _ = transfer.store(table.code, inputs.design, key=keys.unique("rows"))
        return transfer.predict(model, rows, classes)

    assert_same_scores(
        ENGINE.load(tmp_path / "network"), server_scores, task.inputs, unheard_of(task)
    )


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_columns_of_every_type_score_as_in_the_server(tmp_path, kind):
    frame = typed_frame()
    target = target_of(kind, signal(frame))
    rng = np.random.default_rng(5)
    frame['a,"b"\n;ü|√'] = pd.Series([f"v{i}" for i in rng.integers(0, 400, 240)], dtype="str")
    frame["日本"] = pd.Series(rng.choice(["1", "1.0", "NA", "nan"], 240), dtype="str")
    frame["when"] = pd.Timestamp("2020-02-01") + pd.to_timedelta(rng.integers(0, 900, 240), "D")
    frame["often 0"] = np.where(rng.random(240) < 0.8, 0.0, rng.normal(size=240))
    words = np.array(["late", "payment", "of the", "account", "<br>", "ünd", "never", "again"])
    frame["message"] = pd.Series([" ".join(rng.choice(words, 6)) for _ in range(240)], dtype="str")
    types = {'a,"b"\n;ü|√': "category", "日本": "category", "when": "date"}
    types |= {"often 0": "number", "message": "text"}
    task = search_task(tmp_path, kind, frame=frame, columns=COLUMNS | types, target=target)
    for name in ("glm_1", "xgboost_1", "gbm_2"):
        found = ENGINE.fit(task, trial(task, name))
        again = ENGINE.load(saved(found, tmp_path / name))
        assert_same_scores(again, found.predict, task.inputs, unheard_of(task))
        few = task.inputs.take(np.arange(3))
        np.testing.assert_array_equal(again(few), again(task.inputs)[:3])
    (tmp_path / name / "code.json").write_text('{"columns": [{"name": "age"}], "classes": 2}')
    with pytest.raises(ModelError, match=r"code\.json"):
        ENGINE.load(tmp_path / name)


def test_plans_are_stable_and_say_what_is_in_them():
    task = search_task(pd.NA)
    plan = ENGINE.plan(task.facts)
    names = [t.name for t in plan]
    assert len(names) == len(set(names))
    assert {"h2o_xgboost_1", "h2o_glm_1"} <= {t.name for t in plan if t.round == 1}
    assert [t.round for t in plan] == sorted(t.round for t in plan)
    assert all(t.settings["algorithm"] in t.settings.values() for t in plan)
    assert json.loads(json.dumps([t.settings for t in plan])) == [t.settings for t in plan]
    seeds = [t.settings["seed"] for t in plan if t.settings.get("step") == "grid_1"]
    assert len(set(seeds)) == len(seeds) / 2
    # In order of time there are no folds that H2O could stack on.
    ordered = dataclasses.replace(task.facts, ordered=True)
    assert "h2o_stack_1" in names
    assert "h2o_stack_1" not in [t.name for t in ENGINE.plan(ordered)]


def test_what_cannot_be_fitted_is_one_line_with_h2os_reason(tmp_path):
    task = search_task(tmp_path)
    with pytest.raises(EngineError) as none:
        ENGINE.fit(task, trial(task, "gbm_2", step="def_99"))
    assert "AutoML made no model" in none.value.line()
    with pytest.raises(EngineError) as small:
        ENGINE.fit(task, trial(task, "gbm_2", step="def_5"))
    assert "too small" in small.value.line() and "toolkit_" not in small.value.line()
    task = replace(task, seconds=1e-3)
    with pytest.raises(EngineError, match="time"):
        ENGINE.fit(task, trial(task, "drf_1"))


def test_imported_and_pushed_rows_give_one_model(tmp_path):
    pushed = search_task(tmp_path)
    imported = search_task(tmp_path, parquet_mib=0.0)
    first = ENGINE.fit(pushed, trial(pushed, "gbm_3"))
    second = H2oEngine().fit(imported, trial(imported, "gbm_3"))
    np.testing.assert_array_equal(first.oof, second.oof)
    assert not second.notes
    assert not list(tmp_path.iterdir())


def test_a_cluster_that_does_not_see_the_file_gets_it_with_a_note(client, tmp_path, monkeypatch):
    imports = h2o.lazy_import
    monkeypatch.setattr(h2o, "lazy_import", lambda path: imports(f"/elsewhere{path}"))
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None]})
    key = keys.unique("far")
    found, note = transfer.store(
        FrameCode.fit(frame), frame, key=key, imported=True, folder=tmp_path
    )
    assert "does not see" in note and str(tmp_path) in note
    assert found.nrows == 2 and found.types == {"c0": "int", "c1": "enum"}
    h2o.remove(key)


def stored(client):
    with client.errors():
        return [key for key in h2o.ls()["key"] if keys.MARK.search(key)]


def test_nothing_of_a_process_stays_after_its_sweep(client, tmp_path):
    task = search_task(tmp_path)
    H2oEngine().fit(task, trial(task, "glm_1"))
    assert stored(client)
    client.sweep()  # nobody has ended
    assert stored(client)
    client.sweep(own=True)
    assert not stored(client)


def test_h2os_client_is_silent(tmp_path, capfd, recwarn):
    task = search_task(tmp_path)
    found = H2oEngine().fit(task, trial(task, "gbm_2"))
    found.predict(task.inputs)
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_a_class_that_is_rare_or_missing_in_folds(tmp_path):
    frame = typed_frame()
    target = (signal(frame) > 0.8).astype(np.int64)
    target[:2] = 2
    task = search_task(
        tmp_path, "multiclass", frame=frame, target=target, classes=["a", "b", "c", "never"]
    )
    found = ENGINE.fit(task, trial(task, "gbm_2"))
    assert found.oof.shape == (240, 4)
    assert (found.oof[:, 3] == 0).all()
    assert not np.isnan(found.oof).any()


def test_odd_names_and_values_reach_h2o_as_plain_codes():
    frame = pd.DataFrame(
        {
            'a,"b"\n': ["1", "1.0", "NA", None, "<b>", "ü"],
            "number": [1.5, np.nan, -1e300, 0.1, 2, 3],
        }
    )
    code = FrameCode.fit(frame)
    again = FrameCode(json.loads(json.dumps(code.columns)))
    sent = again.encode(frame)
    assert list(sent) == ["c0", "c1"]
    assert sent["c0"].nunique() == 5 and sent["c0"].isna().sum() == 1
    assert sent["c0"].dropna().astype(str).str.fullmatch(r"L\d{4}").all()
    np.testing.assert_array_equal(sent["c1"], frame["number"])
    assert again.kinds() == ["enum", "numeric"]
    unseen = again.encode(pd.DataFrame({'a,"b"\n': ["never"], "number": [0.0]}))
    assert unseen["c0"].isna().all()


def test_rare_levels_share_one_place():
    frame = pd.DataFrame({"code": [f"v{i}" for i in range(400)] + ["v0"] * 50})
    code = FrameCode.fit(frame)
    assert len(code.columns[0]["levels"]) == 255 and code.columns[0]["rest"]
    sent = code.encode(pd.DataFrame({"code": ["v0", "never", None]}))["c0"]
    assert sent[0] != sent[1] == "L0255"
    assert sent.isna().tolist() == [False, False, True]


def test_many_rows_keep_their_order_and_values(tmp_path):
    rows = 45_000
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"n": rng.normal(size=rows), "t": rng.choice(["a", "b", "c"], rows), "i": np.arange(rows)}
    )
    code = FrameCode.fit(frame)
    key = keys.unique("rows")
    kept, _ = transfer.store(code, frame, key=key, imported=True)
    content = Path(h2o.download_csv(kept, str(tmp_path / "rows.csv"))).read_text()
    h2o.remove(key)
    fields = [line.replace('"', "").split(",") for line in content.splitlines()[1:]]
    assert [float(field[2]) for field in fields] == frame["i"].tolist()
    np.testing.assert_allclose([float(field[0]) for field in fields], frame["n"], rtol=1e-14)
    assert [field[1] for field in fields] == ["L000" + str("abc".index(t)) for t in frame["t"]]
