from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.explain_runs import FunctionModel, make_stage, sklearn_model

from toolkit.artifacts import Attributions, Explanation
from toolkit.errors import DataError, ModelError
from toolkit.explain import (
    ExplainRequest,
    FeatureGroups,
    explain,
    explain_rows,
    row_explainer,
    to_shap,
)
from toolkit.explain.shap import attribution as explaining
from toolkit.explain.shap import cost_plan
from toolkit.project.model import Explain


def numbers(n, columns, seed=0):
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        generator.normal(size=(n, columns)), columns=[f"x{i}" for i in range(columns)]
    )


def brute_force(function, x, background):
    """Shapley values of one row straight from their definition."""
    columns = list(background)
    m = len(columns)

    def worth(subset):
        mixed = background.copy()
        for name in subset:
            mixed[name] = x[name]
        return float(np.mean(function(mixed)))

    values = []
    for own in columns:
        rest = [name for name in columns if name != own]
        total = 0.0
        for size in range(m):
            share = math.factorial(size) * math.factorial(m - size - 1) / math.factorial(m)
            for subset in itertools.combinations(rest, size):
                total += share * (worth((*subset, own)) - worth(subset))
        values.append(total)
    return np.array(values)


@pytest.fixture
def sampling(monkeypatch):
    """Make every table too large to be enumerated."""
    monkeypatch.setattr(explaining, "EXACT_EVALUATIONS", 0)


def test_linear_model_has_its_closed_form_even_when_sampled(sampling):
    weights = np.array([2.0, -1.0, 0.5, 0.0])
    frame, background = numbers(7, 4), numbers(25, 4, seed=1)
    model = FunctionModel(lambda f: f.to_numpy() @ weights + 3, frame.columns)
    found = explain_rows(ExplainRequest(model, frame, background))
    assert found.sampled
    expected = weights * (frame.to_numpy() - background.to_numpy().mean(axis=0))
    np.testing.assert_allclose(found.shap[:, :, 0], expected, atol=1e-12)
    np.testing.assert_allclose(found.base, background.to_numpy().mean(axis=0) @ weights + 3)


def test_additive_function_with_one_interaction_splits_it_evenly():
    frame, background = numbers(5, 3), numbers(10, 3, seed=1)
    model = FunctionModel(lambda f: f["x0"] ** 2 + f["x1"] * f["x2"], frame.columns)
    found = explain_rows(ExplainRequest(model, frame, background))
    assert not found.sampled
    square = frame["x0"] ** 2 - (background["x0"] ** 2).mean()
    np.testing.assert_allclose(found.shap[:, 0, 0], square)
    for i in range(len(frame)):
        x = frame.iloc[i]
        np.testing.assert_allclose(
            found.shap[i, :, 0], brute_force(model.function, x, background), atol=1e-12
        )


@settings(max_examples=25, deadline=None)
@given(
    table=st.lists(st.floats(-5, 5), min_size=16, max_size=16),
    rows=st.lists(st.lists(st.integers(0, 1), min_size=4, max_size=4), min_size=4, max_size=8),
)
def test_any_function_of_four_switches_equals_brute_force(table, rows):
    table = np.array(table)
    data = pd.DataFrame(rows, columns=list("abcd")).astype(float)
    frame, background = data.iloc[:1], data.iloc[1:].reset_index(drop=True)

    def function(f):
        return table[(f.to_numpy().astype(int) @ [1, 2, 4, 8])]

    found = explain_rows(ExplainRequest(FunctionModel(function, list("abcd")), frame, background))
    np.testing.assert_allclose(
        found.shap[0, :, 0], brute_force(function, frame.iloc[0], background), atol=1e-9
    )


def test_sampled_values_approach_the_exact_ones_within_their_errors(sampling):
    frame, background = numbers(6, 5), numbers(30, 5, seed=1)

    def function(f):
        x = f.to_numpy()
        return np.tanh(x[:, 0] * x[:, 1]) + np.maximum(x[:, 2], x[:, 3]) * x[:, 4]

    model = FunctionModel(function, frame.columns)
    truth = np.array([brute_force(function, frame.iloc[i], background) for i in range(6)])
    few = explain_rows(ExplainRequest(model, frame, background))
    many = explain_rows(ExplainRequest(model, frame, background, orders=40))
    error, better = np.abs(few.shap[:, :, 0] - truth), np.abs(many.shap[:, :, 0] - truth)
    assert np.sqrt((better**2).mean()) < 0.4 * np.sqrt((error**2).mean())
    assert (error <= 3 * few.standard_error[:, :, 0] + 1e-12).mean() > 0.97
    assert few.additivity_error < 1e-12


def test_standard_errors_cover_the_values_over_all_rows(sampling):
    def function(f):
        x = f.to_numpy()
        return x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2])

    everyone, frame = numbers(1_500, 3, seed=2), numbers(4, 3)
    model = FunctionModel(function, frame.columns)
    truth = np.array([brute_force(function, frame.iloc[i], everyone) for i in range(4)])
    inside = []
    for seed in range(12):
        background = everyone.sample(60, random_state=seed)
        found = explain_rows(ExplainRequest(model, frame, background, seed=seed))
        inside.append(np.abs(found.shap[:, :, 0] - truth) <= 2 * found.standard_error[:, :, 0])
    assert np.mean(inside) >= 0.88


def test_dummy_is_zero_and_symmetric_and_duplicate_columns_are_equal(sampling):
    frame, background = numbers(5, 4), numbers(20, 4, seed=1)
    background["x1"], frame["x1"] = background["x0"], frame["x0"]
    model = FunctionModel(lambda f: f["x0"] * f["x1"] + f["x2"], frame.columns)
    found = explain_rows(ExplainRequest(model, frame, background))
    assert (found.shap[:, 3] == 0).all() and (found.standard_error[:, 3] == 0).all()
    gap = np.abs(found.shap[:, 0] - found.shap[:, 1])
    assert (gap <= 4 * (found.standard_error[:, 0] + found.standard_error[:, 1])).all()
    exact = explain_rows(ExplainRequest(model, frame, background, orders=200))
    np.testing.assert_allclose(exact.shap[:, 0], exact.shap[:, 1], atol=0.05)


def test_columns_with_equal_values_cost_nothing_and_get_nothing(sampling):
    frame = pd.DataFrame({"a": ["x"] * 3, "b": [np.nan] * 3, "c": [1.0, 2.0, 3.0]})
    background = pd.DataFrame({"a": ["x"] * 6, "b": [np.nan] * 6, "c": np.arange(6.0)})
    model = FunctionModel(lambda f: f["c"] * 2 + f["a"].eq("x"), frame.columns)
    found = explain_rows(ExplainRequest(model, frame, background))
    assert (found.shap[:, :2] == 0).all()
    assert found.evaluations == 2 * (len(frame) + len(background)) + len(background)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_classes_are_explained_in_probability_and_sum_to_nothing(task):
    frame, background = numbers(6, 3), numbers(15, 3, seed=1)
    classes = ["no", "yes"] if task == "binary" else ["a", "b", "c"]

    def function(f):
        scores = np.exp(f.to_numpy()[:, : len(classes)] * 2)
        return scores / scores.sum(axis=1, keepdims=True)

    model = FunctionModel(function, frame.columns, task, classes)
    found = explain_rows(ExplainRequest(model, frame, background))
    assert found.classes == (["yes"] if task == "binary" else classes)
    np.testing.assert_allclose(found.base + found.shap.sum(axis=1), found.output, atol=1e-12)
    if task == "multiclass":
        np.testing.assert_allclose(found.shap.sum(axis=2), 0, atol=1e-12)


def test_a_row_alone_has_the_values_it_has_among_others(sampling):
    frame, background = numbers(6, 5), numbers(20, 5, seed=1)
    model = FunctionModel(lambda f: np.prod(f.to_numpy(), axis=1), frame.columns)
    together = explain_rows(ExplainRequest(model, frame, background, rows=range(100, 106)))
    alone = explain_rows(ExplainRequest(model, frame.iloc[[3]], background, rows=[103]))
    np.testing.assert_array_equal(together.shap[3], alone.shap[0])
    again = explain_rows(ExplainRequest(model, frame, background, rows=range(100, 106)))
    np.testing.assert_array_equal(together.shap, again.shap)


def test_a_model_that_contradicts_itself_is_found_out(sampling):
    frame, background = numbers(4, 3), numbers(10, 3, seed=1)
    model = FunctionModel(lambda f: f["x0"] + 0.01 * model.calls, frame.columns)
    found = explain_rows(ExplainRequest(model, frame, background))
    assert found.additivity_error > found.tolerance


def test_a_model_without_an_answer_and_too_few_rows_are_refused():
    frame = numbers(4, 2)
    with pytest.raises(ModelError, match="no number"):
        explain_rows(
            ExplainRequest(FunctionModel(lambda f: f["x0"] * np.nan, frame.columns), frame, frame)
        )
    with pytest.raises(DataError):
        explain_rows(
            ExplainRequest(FunctionModel(lambda f: f["x0"], frame.columns), frame, frame.iloc[:0])
        )


def test_scoring_calls_are_few_and_groups_are_one_feature(sampling):
    frame, background = numbers(50, 12), numbers(40, 12, seed=1)
    model = FunctionModel(lambda f: f.sum(axis=1), frame.columns)
    groups = FeatureGroups(["x0", "rest"], [["x0"], [f"x{i}" for i in range(1, 12)]])
    found = explain_rows(ExplainRequest(model, frame, background, groups=groups))
    assert model.calls <= 8
    np.testing.assert_allclose(
        found.shap[:, 1, 0],
        frame.iloc[:, 1:].sum(axis=1) - background.iloc[:, 1:].sum(axis=1).mean(),
    )


def test_the_planner_keeps_to_the_budget_and_says_what_it_gave_up():
    asked = Explain(rows=500, background=400, permutations=1600)
    cheap = cost_plan.plan(asked, 500, 400, steps=0.1, columns=5)
    assert (cheap.rows, cheap.background, cheap.orders, cheap.reductions) == (500, 400, 4, [])
    dear = cost_plan.plan(asked, 500, 400, steps=19, columns=20)
    assert dear.rows * dear.background * dear.orders * 19 <= 400_000
    assert dear.reductions
    wide = cost_plan.plan(asked, 500, 400, steps=40, columns=5_000)
    assert wide.rows * wide.background * wide.orders * 40 <= cost_plan.budget(Explain(), 5_000)


def table_of(task, n=240, seed=0):
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": generator.integers(18, 80, n).astype(float),
            "plan <b>": generator.choice(["básico", "<script>alert(1)</script>", "c"], n),
            "noise": generator.normal(size=n),
        }
    )
    frame.loc[::9, "age"] = np.nan
    score = frame["age"].fillna(40) / 20 + (frame["plan <b>"] == "c") * 2 - 2.5
    score += generator.normal(size=n)
    if task == "regression":
        frame["y"] = score * 1000
    elif task == "binary":
        frame["y"] = np.where(score > 0, "yes", "no")
    else:
        frame["y"] = np.select([score < -0.5, score < 1], ["low", "mid"], "high")
    return frame


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_explaining_a_stage_writes_artefacts_that_agree(tmp_path, task):
    from sklearn.linear_model import LogisticRegression, Ridge

    positive = "yes" if task == "binary" else None
    stage = make_stage(tmp_path, table_of(task), "y", task, positive=positive)
    model = sklearn_model(stage, Ridge() if task == "regression" else LogisticRegression())
    explanation = explain(stage, model)
    assert stage.read(Explanation) == explanation
    frame = stage.read(Attributions).frame
    assert len(frame) == 30 * len(explanation.classes) * 3
    assert explanation.additivity_error <= explanation.additivity_tolerance
    for of in explanation.classes:
        mine = frame[frame["class"] == of]
        sizes = mine.groupby("column")["shap"].apply(lambda x: x.abs().mean())
        ranked = explanation.importance[of]
        assert [i.column for i in ranked] == list(sizes.sort_values(ascending=False).index)
        for item in ranked:
            assert item.mean_abs.value == pytest.approx(sizes[item.column])
            assert item.mean_abs.low <= item.mean_abs.value <= item.mean_abs.high
        # Base plus values is what the model says of the rows.
        rows = mine["row"].drop_duplicates().to_numpy()
        table = pd.read_parquet(stage.run.folder / "table.parquet")
        output = model.predict(table.iloc[rows].reset_index(drop=True)[list(model.columns)])
        if task != "regression":
            output = output[:, model.classes.index(of)]
        total = mine.groupby("row", sort=False)["shap"].sum().to_numpy()
        np.testing.assert_allclose(explanation.base[of] + total, output, atol=1e-6)
    ages = frame[frame["column"] == "age"]
    assert ages["number"].isna().equals(ages["value"].isna())
    first = (stage.run.folder / "attributions.parquet").read_bytes()
    explain(stage, model)
    assert (stage.run.folder / "attributions.parquet").read_bytes() == first


def test_one_more_row_is_explained_on_demand(tmp_path):
    from sklearn.linear_model import Ridge

    stage = make_stage(tmp_path, table_of("regression"), "y", "regression")
    model = sklearn_model(stage, Ridge())
    explanation = explain(stage, model)
    frame = stage.read(Attributions).frame
    more = row_explainer(stage, model, explanation)
    known = int(frame["row"].iloc[0])
    np.testing.assert_allclose(more(known)["shap"], frame[frame["row"] == known]["shap"])
    with pytest.raises(DataError, match="not a test row"):
        more(-1)


def test_a_wide_table_is_screened_and_the_rest_grouped(tmp_path):
    frame = numbers(120, 600)
    frame["y"] = 3 * frame["x7"] - 2 * frame["x431"] * (frame["x599"] > 0)
    stage = make_stage(tmp_path, frame, "y", "regression")
    model = FunctionModel(
        lambda f: 3 * f["x7"] - 2 * f["x431"] * (f["x599"] > 0), frame.columns[:-1]
    )
    explanation = explain(stage, model)
    ranked = [item.column for item in explanation.importance["value"]]
    assert set(ranked[:3]) == {"x7", "x431", "x599"}
    assert len(ranked) == cost_plan.SINGLE_COLUMNS + 1
    assert len(explanation.grouped) == 600 - cost_plan.SINGLE_COLUMNS
    assert "(560 other columns)" in ranked
    assert any(check.name == "Wide table" for check in explanation.checks)
    assert any("wide" in note for note in stage.notes)


def test_a_model_that_contradicts_itself_is_reported_and_marked_in_the_figure(tmp_path):
    from toolkit.plots.explain import shap_values as figures

    stage = make_stage(tmp_path, numbers(100, 9).assign(y=1.0), "y", "regression")
    model = FunctionModel(lambda f: f["x0"] + 0.5 * model.calls, [f"x{i}" for i in range(9)])
    explanation = explain(stage, model)
    check = next(check for check in explanation.checks if check.name == "Additivity")
    assert check.severity == "critical"
    frame = stage.read(Attributions)
    figure = figures.waterfall(explanation, frame, int(frame.frame["row"].iloc[0]))
    assert "DO NOT ADD UP" in figure.title


def test_values_equal_shap_exact_explainer_and_convert_to_its_type(tmp_path):
    import shap

    frame, background = numbers(5, 6), numbers(12, 6, seed=1)

    def function(x):
        x = np.asarray(x)
        return x[:, 0] * x[:, 1] + np.abs(x[:, 2]) - x[:, 3] * x[:, 4] * x[:, 5]

    model = FunctionModel(function, frame.columns)
    found = explain_rows(ExplainRequest(model, frame, background))
    theirs = shap.ExactExplainer(
        function, shap.maskers.Independent(background.to_numpy(), max_samples=12)
    )(frame.to_numpy())
    np.testing.assert_allclose(found.shap[:, :, 0], theirs.values, atol=1e-9)
    np.testing.assert_allclose(found.base[0], theirs.base_values[0])

    stage = make_stage(tmp_path, numbers(100, 3).assign(y=0.0), "y", "regression")
    model = FunctionModel(lambda f: f["x0"] * f["x1"], ["x0", "x1", "x2"])
    explanation = explain(stage, model)
    converted = to_shap(explanation, stage.read(Attributions))
    assert converted.values.shape == (20, 3)
    assert converted.feature_names == ["x0", "x1", "x2"]
    output = model.predict(pd.DataFrame(converted.data.astype(float), columns=["x0", "x1", "x2"]))
    np.testing.assert_allclose(
        converted.base_values + converted.values.sum(axis=1), output, atol=1e-4
    )
