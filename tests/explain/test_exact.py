"""Real champions taken apart: what trees say is exact, whatever blend they are in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.explain_runs import FunctionModel, make_stage

from toolkit import automl, explain, open_stage, table
from toolkit.artifacts import Attributions, Leaderboard
from toolkit.automl.engines.bagging import Bag
from toolkit.automl.engines.lightgbm.engine import Boosters
from toolkit.automl.model.scoring import load_model
from toolkit.errors import ProjectError
from toolkit.explain import ExplainRequest, explain_rows
from toolkit.explain.shap import attribution, cost_plan, exact
from toolkit.explain.shap.background import references
from toolkit.explain.shap.outputs import in_space, scorer
from toolkit.forests import AdditiveModel

BY_PATHS = {"feature_perturbation": "tree_path_dependent"}


def loans(rows=260, seed=3):
    """A table with a ratio that matters, gaps, and two categories."""
    rng = np.random.default_rng(seed)
    income = rng.lognormal(3, 0.9, rows)
    debt = income * rng.lognormal(-0.5, 0.4, rows)
    kind = rng.choice(["car", "house", "trip"], rows)
    region = rng.choice(["north", "south"], rows)
    risk = debt / income + 0.4 * (kind == "trip") - 0.2 * (region == "south")
    income[rng.random(rows) < 0.05] = np.nan
    return pd.DataFrame({"income": income, "debt": debt, "kind": kind, "region": region}), risk


def searched(folder, task, engines, *, without=(), **more):
    frame, risk = loans()
    frame = frame.drop(columns=list(without))
    rng = np.random.default_rng(0)
    noisy = risk + rng.normal(0, 0.2, len(risk))
    frame["y"] = (
        noisy * 1000
        if task == "regression"
        else np.where(noisy > np.quantile(noisy, 0.6), "bad", "good")
        if task == "binary"
        else np.array(["low", "mid", "high"])[np.digitize(noisy, np.quantile(noisy, [0.4, 0.7]))]
    )
    choices = {
        "automl": {
            "engines": engines, "folds": 3, "sanity": False,
            "budget": {"models": more.pop("models", 4)},
        },
        **more,
    }  # fmt: skip
    positive = {"binary": "bad"}.get(task)
    stage = make_stage(folder, frame, "y", task, positive=positive, name="automl", **choices)
    automl.search(stage)
    return stage


def models(stage):
    names = [entry.name for entry in stage.read(Leaderboard).entries]
    return {name: load_model(stage.run.folder / "models" / name) for name in names}


def typed(model, rows):
    frame, _ = loans(seed=9)
    frame.loc[0, ["kind", "debt"]] = ["boat", np.nan]  # a level never seen, a gap
    return model.inputs(frame.head(rows)).typed


class JustOutputs:
    """A model of which nothing but one output is known, in the space of a sum."""

    task, classes = "regression", ()

    def __init__(self, model, space, output=0):
        self.columns, self.name, self.output = model.columns, model.name, output
        self.told = in_space(scorer(model), space)

    def predict(self, frame):
        return self.told(frame)[:, self.output]


@pytest.fixture(scope="module", params=["binary", "regression"])
def trees(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return searched(folder, request.param, ["lightgbm", "catboost", "forest"], models=6)


def test_every_model_of_trees_is_a_sum_with_the_values_of_all_coalitions(trees):
    read = 0
    for model in models(trees).values():
        total = model.as_sum()
        if total is None or total.rest is not None:
            continue
        read += 1
        assert any(len(of) == 2 for of in total.sources.values())  # a ratio
        rows, background = typed(model, 6), typed(model, 40).tail(16).reset_index(drop=True)
        found = explain_rows(ExplainRequest(model, rows, background, structure=total))
        assert found.additivity_error <= found.tolerance, model.name
        assert not found.sampled

        wanted = explain_rows(ExplainRequest(JustOutputs(model, total.space), rows, background))
        assert "enumerated" in wanted.method
        size = np.abs(wanted.shap).max()
        np.testing.assert_allclose(found.shap, wanted.shap, atol=1e-6 * size, err_msg=model.name)
    assert read >= 4


@pytest.mark.parametrize(
    "task",
    [
        "binary",
        pytest.param("multiclass", marks=pytest.mark.slow),
        pytest.param("regression", marks=pytest.mark.slow),
    ],
)
def test_linear_models_single_trees_and_histogram_boosting_are_exact_too(tmp_path, task):
    stage = searched(tmp_path, task, ["baseline"], models=4)
    methods = {}
    for name, model in models(stage).items():
        total = model.as_sum()
        if total is None or total.rest is not None:
            continue
        rows, background = typed(model, 6), typed(model, 40).tail(16).reset_index(drop=True)
        found = explain_rows(ExplainRequest(model, rows, background, structure=total))
        if found.additivity_error > found.tolerance:
            # Where a ratio explodes, probabilities are clipped: the model is no sum there, and
            # that is found out although the values add up on the rows themselves.
            assert name == "baseline_linear"
            assert task != "regression"
            continue
        methods[name] = found.method
        for k in range(found.shap.shape[2]):
            wanted = explain_rows(
                ExplainRequest(JustOutputs(model, total.space, k), rows, background)
            )
            size = np.abs(wanted.shap).max()
            np.testing.assert_allclose(
                found.shap[:, :, k], wanted.shap[:, :, 0], atol=1e-9 * size, err_msg=name
            )
    assert "closed form" in methods["baseline_additive"]
    assert "own structure" in methods["baseline_tree"]
    # Of several classes it is a bag of boosters whose probabilities are averaged: no sum.
    assert ("baseline_boosting" in methods) == (task != "multiclass")


def test_a_model_that_is_not_quite_its_sum_is_estimated_and_that_is_said(tmp_path):
    stage = searched(tmp_path, "binary", ["baseline"], models=1, explain={"rows": 5,
                     "background": 12, "bootstrap": 60})  # fmt: skip
    stage = chosen(stage, "baseline_linear")
    model = automl.load_champion(stage)
    found = explain.explain(stage, model)
    assert found.corrected
    assert "as far as these are the model; the rest" in found.method
    assert found.additivity_error <= found.additivity_tolerance
    lines = stage.read(Attributions).frame
    rows = lines["row"].unique()
    test = table.load_part(stage, "test")
    frame = test.frame[np.isin(test.rows, rows)]
    background = references(stage, table.load_part(stage, "train")).sample(model, 12, 7)[0]
    wanted = explain_rows(ExplainRequest(JustOutputs(model, "margin"), frame, background))
    np.testing.assert_allclose(lines["shap"], wanted.shap[:, :, 0].ravel(), atol=1e-7)
    one = explain.row_explainer(stage, model, found)(int(rows[1]))
    np.testing.assert_allclose(one["shap"], wanted.shap[1, :, 0], atol=1e-7)
    assert any("parts do not add up to its output everywhere" in note for note in stage.notes)


@pytest.mark.parametrize(
    ("asked", "rows", "words"),
    [
        ("kind = car", None, "training rows with kind = car"),
        ("row {row}", 1, "training row {row}"),
        ("income =", None, "training rows with income = missing"),
    ],
)
def test_the_background_is_a_choice_that_the_explanation_names(tmp_path, asked, rows, words):
    stage = searched(tmp_path, "regression", ["lightgbm"], models=1)
    row = int(table.load_part(stage, "train").rows[3])
    stage.file.update({"explain.reference": asked.format(row=row)}, by="test")
    stage = chosen(stage, "lightgbm_1")
    model = automl.load_champion(stage)
    found = explain.explain(stage, model)
    assert words.format(row=row) in found.reference
    assert rows is None or found.background == rows
    train = table.load_part(stage, "train")
    if rows == 1:
        wanted = model.predict(train.frame[train.rows == row])[0]
        assert found.base["value"] == pytest.approx(wanted)
    assert found.additivity_error <= found.additivity_tolerance
    one = int(stage.read(Attributions).frame["row"].iloc[0])
    again = explain.row_explainer(stage, model, found)(one)
    kept = stage.read(Attributions).frame.query("row == @one")
    np.testing.assert_allclose(again["shap"], kept["shap"])


@pytest.mark.parametrize("asked", ["row 999999", "kind = boat", "nothing", "colour = red"])
def test_a_background_that_is_not_there_is_refused_with_what_is(tmp_path, asked):
    stage = searched(tmp_path, "regression", ["baseline"], models=1)
    stage.file.update({"explain.reference": asked}, by="test")
    stage = chosen(stage, "baseline_linear")
    with pytest.raises(ProjectError) as caught:
        explain.explain(stage, automl.load_champion(stage))
    assert "explain.reference" in caught.value.line()
    assert caught.value.expected


@pytest.fixture(scope="module")
def blend(tmp_path_factory):
    """A blend of trees and of models that are none."""
    folder = tmp_path_factory.mktemp("blend")
    return searched(
        folder, "binary", ["baseline", "lightgbm", "forest"], models=7,
        choice={"ensemble": "always", "calibration": "sigmoid"},
    )  # fmt: skip


def test_of_a_blend_only_what_is_no_tree_is_estimated(blend):
    model = models(blend)["ensemble"]
    total = model.as_sum()
    assert total.rest is not None
    assert 0 < total.share < 1
    rows, background = typed(model, 5), typed(model, 30).tail(12).reset_index(drop=True)
    if total.terms is not None:
        # A ratio that explodes is clipped in the linear members, and that is found out.
        found = explain_rows(ExplainRequest(model, rows, background, structure=total))
        assert found.additivity_error > found.tolerance
        middle = background.iloc[[6]]
        total = exact.with_remainder(total, in_space(scorer(model), total.space), middle)
    found = explain_rows(ExplainRequest(model, rows, background, structure=total))
    if not total.corrected:
        assert f"{total.share + total.linear:.0%} of the model" in found.method
    assert found.additivity_error <= found.tolerance
    wanted = explain_rows(ExplainRequest(JustOutputs(model, total.space), rows, background))
    size = np.abs(wanted.shap).max()
    np.testing.assert_allclose(found.shap, wanted.shap, atol=1e-5 * size)


def chosen(stage, name):
    choice = {"choice.champion": name, "choice.reason": "it is to be explained"}
    stage.file.update(choice, by="test")
    automl.choose(stage)
    stage.finish()
    return open_stage("explain", stage.file.path, stage.run.folder)


def test_log_odds_are_named_wherever_they_are_meant_and_can_be_declined(tmp_path):
    stage = searched(tmp_path, "binary", ["lightgbm"], models=2, choice={"calibration": "sigmoid"})
    stage = chosen(stage, "lightgbm_1")
    model = automl.load_champion(stage)
    found = explain.explain(stage, model)
    assert found.space == "margin"
    assert found.output == "log-odds of the class bad"
    assert "Exact Shapley values of trees" in found.method
    assert found.permutations == 0
    lines = stage.read(Attributions).frame
    row = int(lines["row"].iloc[0])
    p = model.predict(table.load_part(stage, "test").frame)
    place = list(table.load_part(stage, "test").rows).index(row)
    total = found.base["bad"] + lines.loc[lines["row"] == row, "shap"].sum()
    assert total == pytest.approx(np.log(p[place, 1] / p[place, 0]), abs=1e-6)
    one = explain.row_explainer(stage, model, found)(row)
    np.testing.assert_allclose(one["shap"], lines.loc[lines["row"] == row, "shap"], atol=1e-9)
    stage.file.set("explain.output", "probability", by="test")
    found = explain.explain(stage, model)
    assert found.space == "probability"
    assert found.output == "probability of the class bad"


def test_trees_that_are_too_many_are_sampled_with_a_note(blend, monkeypatch):
    monkeypatch.setattr(cost_plan, "TREE_SECONDS", 1e-9)
    stage = chosen(blend, "lightgbm_1")
    found = explain.explain(stage, automl.load_champion(stage))
    assert "Exact Shapley values of trees" not in found.method
    assert any("too many to explain exactly" in note for note in stage.notes)


def test_votes_of_a_forest_of_several_classes_are_exact_and_their_scaling_is_estimated(tmp_path):
    stage = searched(tmp_path, "multiclass", ["h2o"], models=12)
    model = models(stage)["h2o_drf_1"]
    total = model.as_sum()
    assert total.votes
    rows, background = typed(model, 4), typed(model, 40).tail(12).reset_index(drop=True)
    votes = total.added_up(rows)
    assert np.abs(votes.sum(axis=1) - 1).max() > 1e-3  # the trees alone are not the model
    np.testing.assert_allclose(
        votes / votes.sum(axis=1, keepdims=True), model.predict(rows), atol=1e-9
    )
    found = explain_rows(ExplainRequest(model, rows, background, structure=total))
    assert "before votes are scaled" in found.method
    assert found.additivity_error <= found.tolerance
    for k in range(3):
        wanted = explain_rows(ExplainRequest(JustOutputs(model, total.space, k), rows, background))
        np.testing.assert_allclose(found.shap[:, :, k], wanted.shap[:, :, 0], atol=1e-9)


def test_path_dependent_values_are_those_of_the_library_that_grew_the_trees(tmp_path):
    stage = searched(tmp_path, "binary", ["lightgbm"], models=1, without=["debt"],
                     explain={**BY_PATHS, "bootstrap": 60})  # fmt: skip
    stage = chosen(stage, "lightgbm_1")
    model = automl.load_champion(stage)
    found = explain.explain(stage, model)
    assert (found.feature_perturbation, found.background) == ("tree_path_dependent", 0)
    assert "path-dependent" in found.method
    assert found.additivity_error <= found.additivity_tolerance

    lines = stage.read(Attributions).frame
    rows = lines["row"].unique()
    test = table.load_part(stage, "test")
    frame = test.frame[np.isin(test.rows, rows)]
    total = model.as_sum()
    bag = Bag.load(model.folder / "native", Boosters())
    matrix = bag.coding.matrix(total.design(frame, None))
    own = np.mean([one.predict(matrix, pred_contrib=True) for one in bag.models], axis=0)
    by_column = np.zeros((len(rows), len(total.features)))
    for place, name in enumerate(bag.coding.columns):
        (source,) = total.sources[name]
        by_column[:, total.features.index(source)] += own[:, place]
    wanted = by_column * (bag.temper or 1.0)
    values = lines["shap"].to_numpy().reshape(len(rows), -1)
    np.testing.assert_allclose(values, wanted, atol=1e-9)
    again = explain.row_explainer(stage, model, found)(int(rows[0]))
    np.testing.assert_allclose(again["shap"], values[0], atol=1e-12)


def test_path_dependent_values_that_are_not_known_are_not_given(tmp_path):
    stage = searched(tmp_path, "binary", ["lightgbm"], models=1,
                     explain={**BY_PATHS, "rows": 5, "background": 12})  # fmt: skip
    stage = chosen(stage, "lightgbm_1")
    found = explain.explain(stage, automl.load_champion(stage))
    assert (found.feature_perturbation, found.background) == ("interventional", 12)
    (note,) = [note for note in stage.notes if "tree-path-dependent" in note]
    assert "no sum of trees that test single columns" in note
    assert found.strategy in note
    assert found.refused[1].reason in note


def test_forests_that_are_too_dear_are_estimated_and_the_others_stay_exact(blend, monkeypatch):
    stage = chosen(blend, "ensemble")
    model = automl.load_champion(stage)
    stage.file.set("explain.background", 40, by="test")
    whole = explain.explain(stage, model)
    values = stage.read(Attributions).frame
    costs = sorted(exact.costs(model.as_sum(), whole.rows, whole.background))
    assert costs[-1] > 0
    affordable = sum(costs[:-1]) / stage.project.automl.effort
    monkeypatch.setattr(cost_plan, "TREE_SECONDS", affordable)
    found = explain.explain(stage, model)
    assert f"({len(costs) - 1} of {len(costs)} forests)" in found.method
    assert any("values of some forests are estimated" in note for note in stage.notes)
    assert found.additivity_error <= found.additivity_tolerance
    again = stage.read(Attributions).frame
    # With four columns all coalitions are enumerated: what is estimated is exact too.
    np.testing.assert_allclose(again["shap"], values["shap"], atol=1e-5)
    row = int(again["row"].iloc[0])
    one = explain.row_explainer(stage, model, found)(row)
    np.testing.assert_allclose(one["shap"], again.loc[again["row"] == row, "shap"], atol=1e-9)

    # Less is affordable of what is sampled: one more row is explained as the others were.
    monkeypatch.setattr(attribution, "EXACT_EVALUATIONS", 0)
    stage.file.set("explain.evaluations", 2000, by="test")
    found = explain.explain(stage, model)
    assert found.background < whole.background
    again = stage.read(Attributions).frame
    row = int(again["row"].iloc[0])
    one = explain.row_explainer(stage, model, found)(row)
    for name in ("shap", "standard_error"):
        wanted = again.loc[again["row"] == row, name]
        np.testing.assert_allclose(one[name], wanted, atol=1e-9)


@pytest.mark.parametrize("sign", [1.0, -0.9])
def test_errors_of_exact_and_estimated_parts_are_those_of_their_sum(sign):
    # Another background moves both parts, together or against each other.
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(4, 3)), columns=list("abc"))
    weights = np.array([1.0, -2.0, 0.5])

    def terms(design):
        return (design.to_numpy() @ weights)[:, None]

    model = FunctionModel(lambda f: (1 + sign) * terms(f)[:, 0], frame.columns)
    total = AdditiveModel(
        "value", [], list(frame.columns), lambda f, _: f, {n: (n,) for n in frame.columns},
        terms=terms, rest=lambda f: sign * terms(f), share=0.0, linear=0.5,
    )  # fmt: skip
    values, errors = [], []
    for _ in range(80):
        background = pd.DataFrame(rng.normal(size=(24, 3)), columns=frame.columns)
        found = explain_rows(ExplainRequest(model, frame, background, structure=total))
        values.append(found.shap)
        errors.append(found.standard_error)
    spread = np.std(values, axis=0)
    np.testing.assert_allclose(np.mean(errors, axis=0) / spread, 1.0, atol=0.25)
