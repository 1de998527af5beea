"""Real champions taken apart: what trees say is exact, whatever blend they are in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from explain_runs import make_stage

from toolkit import automl
from toolkit.artifacts import Leaderboard
from toolkit.automl.model import load_model
from toolkit.explain import explain_rows
from toolkit.explain.rows import in_space, scorer


def loans(rows=260, seed=3):
    """A table with a ratio that matters, gaps, and two categories."""
    rng = np.random.default_rng(seed)
    income = rng.lognormal(3, 0.6, rows)
    debt = income * rng.lognormal(-0.5, 0.7, rows)
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
        rows, background = typed(model, 6), typed(model, 40).tail(16).reset_index(drop=True)
        found = explain_rows(model, rows, background, total=total)
        assert found.additivity_error <= found.tolerance, model.name
        assert not found.sampled

        class InSpace:
            """The same model, of which nothing but its outputs is known."""

            task, classes, columns, name = "regression", [], model.columns, model.name

            def predict(self, frame, told=in_space(scorer(model), total.space)):
                return told(frame)[:, 0]

        wanted = explain_rows(InSpace(), rows, background)
        assert "enumerated" in wanted.method
        size = np.abs(wanted.shap).max()
        np.testing.assert_allclose(found.shap, wanted.shap, atol=1e-6 * size, err_msg=model.name)
    assert read >= 4
