"""Real champions taken apart: what trees say is exact, whatever blend they are in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from explain_runs import make_stage

from toolkit import automl, explain, open_stage, table
from toolkit.artifacts import Attributions, Leaderboard
from toolkit.automl.model import load_model
from toolkit.explain import explain_rows, planner
from toolkit.explain.rows import in_space, scorer


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


def searched(folder, task, engines, **more):
    frame, risk = loans()
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
    """A model of which nothing but its outputs is known, in the space of a sum."""

    task, classes = "regression", ()

    def __init__(self, model, space):
        self.columns, self.name = model.columns, model.name
        self.told = in_space(scorer(model), space)

    def predict(self, frame):
        return self.told(frame)[:, 0]


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
        found = explain_rows(model, rows, background, total=total)
        assert found.additivity_error <= found.tolerance, model.name
        assert not found.sampled

        wanted = explain_rows(JustOutputs(model, total.space), rows, background)
        assert "enumerated" in wanted.method
        size = np.abs(wanted.shap).max()
        np.testing.assert_allclose(found.shap, wanted.shap, atol=1e-6 * size, err_msg=model.name)
    assert read >= 4


@pytest.fixture(scope="module")
def blend(tmp_path_factory):
    """A blend of trees and of models that are none."""
    folder = tmp_path_factory.mktemp("blend")
    return searched(
        folder, "regression", ["baseline", "lightgbm", "forest"], models=5,
        choice={"ensemble": "always"},
    )  # fmt: skip


def test_of_a_blend_only_what_is_no_tree_is_estimated(blend):
    model = models(blend)["ensemble"]
    total = model.as_sum()
    assert total.rest is not None
    assert 0 < total.share < 1
    rows, background = typed(model, 5), typed(model, 30).tail(12).reset_index(drop=True)
    found = explain_rows(model, rows, background, total=total)
    assert f"{total.share:.0%} of the model" in found.method
    assert found.additivity_error <= found.tolerance
    wanted = explain_rows(JustOutputs(model, "value"), rows, background)
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
    monkeypatch.setattr(planner, "PAIR_WORK", 1.0)
    stage = chosen(blend, "lightgbm_1")
    found = explain.explain(stage, automl.load_champion(stage))
    assert "Exact Shapley values of trees" not in found.method
    assert any("too many to explain exactly" in note for note in stage.notes)
