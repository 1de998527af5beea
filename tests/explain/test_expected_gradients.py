"""Expected gradients: against closed forms, and of real networks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.explain_runs import FunctionModel, make_stage
from support.networks import ENGINE, compiled_once, trial_of
from support.search_tasks import search_task

from toolkit import explain
from toolkit.artifacts import Attributions
from toolkit.automl.decisions.calibration import Calibration
from toolkit.automl.files.model_file import FEATURES, NATIVE
from toolkit.automl.inputs import Inputs
from toolkit.automl.model.differentiable import calibrated
from toolkit.automl.model.saved_model import Model
from toolkit.explain import ExplainRequest, explain_rows
from toolkit.explain.shap.expected_gradients import TOLERATED, expected_gradients
from toolkit.explain.shap.request import EXPECTED_GRADIENTS
from toolkit.project.criteria import Costs
from toolkit.project.data import Column
from toolkit.table import Features
from toolkit.table.images import images
from toolkit.table.predictor import Differentiable, Smooth

__all__ = ["compiled_once"]  # a fixture: what JAX has compiled is shared


# -- functions whose values are known -----------------------------------------------------


def smooth_of(function, slopes, columns, owners=None):
    """Return a function of the columns' numbers, (n, features) to (n,), as a smooth model."""

    def gradients(matrix):
        x = matrix.astype(np.float64)
        return function(x)[:, None], slopes(x)[:, None, :]

    return Smooth(
        columns,
        "value",
        np.arange(len(columns)) if owners is None else np.array(owners),
        lambda frame: frame[columns].to_numpy(dtype=np.float32),
        gradients,
    )


def tables(columns, rows=5, references=12, seed=0):
    rng = np.random.default_rng(seed)

    def made(count):
        return pd.DataFrame(
            rng.normal(size=(count, len(columns))).astype(np.float32), columns=columns
        )

    return made(rows), made(references)


def test_linear_function_gives_its_terms_and_a_column_that_is_not_used_nothing():
    columns, weights = ["a", "b", "c"], np.array([2.0, -1.0, 0.0])
    smooth = smooth_of(lambda x: x @ weights, lambda x: np.tile(weights, (len(x), 1)), columns)
    rows, background = tables(columns)
    found = expected_gradients(smooth, rows, background, tolerance=1e-6)
    wanted = (rows - background.mean()).to_numpy() * weights
    np.testing.assert_allclose(found.values[:, :, 0], wanted, atol=1e-6)
    assert not found.values[:, 2].any()
    assert not found.error[:, 2].any()
    assert found.error[:, 0].min() > 0


def test_product_is_divided_as_aumann_and_shapley_do():
    columns = ["a", "b"]
    smooth = smooth_of(lambda x: x[:, 0] * x[:, 1], lambda x: x[:, ::-1].copy(), columns)
    rows, background = tables(columns)
    found = expected_gradients(smooth, rows, background, tolerance=1e-6)
    x, r = rows.to_numpy()[:, None], background.to_numpy()[None]
    # Along r + t (x - r), the mean of the other column is halfway.
    wanted = ((x - r) * ((x + r) / 2)[:, :, ::-1]).mean(axis=1)
    np.testing.assert_allclose(found.values[:, :, 0], wanted, atol=1e-6)


def test_features_count_for_the_column_they_come_from():
    columns, weights = ["a", "b", "c"], np.array([2.0, -1.0, 3.0])
    rows, background = tables(columns)
    single, joint = (
        smooth_of(lambda x: x @ weights, lambda x: np.tile(weights, (len(x), 1)), columns, owners)
        for owners in ([0, 1, 2], [2, 0, 2])
    )
    one = expected_gradients(single, rows, background, tolerance=1e-6).values[:, :, 0]
    two = expected_gradients(joint, rows, background, tolerance=1e-6).values[:, :, 0]
    np.testing.assert_allclose(two[:, 2], one[:, 0] + one[:, 2], atol=1e-9)
    np.testing.assert_allclose(two[:, 0], one[:, 1], atol=1e-9)
    assert not two[:, 1].any()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), sharp=st.floats(0.1, 30), references=st.integers(1, 12))
def test_values_add_up_however_sharp_the_bend(seed, sharp, references):
    rng = np.random.default_rng(seed)
    columns = [f"c{i}" for i in range(4)]
    weights = rng.normal(size=4)

    def outputs(x):
        return np.tanh(sharp * (x @ weights)) + np.abs(x[:, 0] - 0.2)

    def slopes(x):
        found = sharp * (1 - np.tanh(sharp * (x @ weights)) ** 2)[:, None] * weights
        found[:, 0] += np.sign(x[:, 0] - 0.2)
        return found

    rows, background = tables(columns, references=references, seed=seed)
    smooth = smooth_of(outputs, slopes, columns)
    found = expected_gradients(smooth, rows, background, tolerance=1e-3, points=400)
    encoded = smooth.encode(rows).astype(np.float64)
    base = outputs(smooth.encode(background).astype(np.float64)).mean()
    missed = np.abs(found.values.sum(axis=1)[:, 0] + base - outputs(encoded)).max()
    assert missed < 1e-2
    # A row's values do not depend on the company it is explained in.
    alone = expected_gradients(smooth, rows.iloc[[3]], background, tolerance=1e-3, points=400)
    np.testing.assert_allclose(alone.values[0], found.values[3], atol=1e-12)


def test_what_lines_miss_is_the_additivity_error():
    columns = ["a", "b"]
    model = FunctionModel(lambda f: f["a"] * 2 + f["b"] ** 2, columns)
    rows, background = tables(columns)
    right = smooth_of(
        lambda x: 2 * x[:, 0] + x[:, 1] ** 2,
        lambda x: np.column_stack([np.full(len(x), 2.0), 2 * x[:, 1]]),
        columns,
    )
    found = explain_rows(ExplainRequest(model, rows, background, structure=right))
    assert found.feature_perturbation == EXPECTED_GRADIENTS
    assert found.additivity_error < found.tolerance
    wrong = smooth_of(lambda x: 2 * x[:, 0], lambda x: np.tile([2.0, 0.0], (len(x), 1)), columns)
    found = explain_rows(ExplainRequest(model, rows, background, structure=wrong))
    assert found.additivity_error > found.tolerance


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_calibration_keeps_to_the_chain_rule(classes):
    rng = np.random.default_rng(classes)
    weights = rng.normal(size=(5, max(1, classes - (classes == 2))))

    def scores(x):
        if classes == 1:
            return (x @ weights)[:, 0]
        if classes == 2:
            p = 1 / (1 + np.exp(-(x @ weights)[:, 0]))
            return np.column_stack([1 - p, p])
        odds = np.exp(x @ weights)
        return odds / odds.sum(axis=1, keepdims=True)

    def numeric(function, x):
        steps = np.eye(5) * 1e-5
        return np.stack([(function(x + s) - function(x - s)) / 2e-5 for s in steps], axis=-1)

    x = rng.normal(size=(7, 5))

    def explained(values):
        return values.reshape(len(values), -1)[:, -max(1, classes - (classes == 2)) :]

    own = numeric(lambda x: explained(scores(x)), x)
    for calibration in (
        Calibration(),
        Calibration("sigmoid", {"slope": 1.7, "intercept": -0.4, "temperature": 0.6}),
    ):
        outputs, slopes = calibrated(calibration, scores(x), own)
        np.testing.assert_allclose(outputs, explained(calibration.apply(scores(x))))
        wanted = numeric(lambda x, by=calibration: explained(by.apply(scores(x))), x)
        np.testing.assert_allclose(slopes, wanted, atol=1e-7)


# -- networks ---------------------------------------------------------------------------


def network(task, name, folder, calibration=None):
    """Fit and save the network of a task as a model."""
    candidate = ENGINE.fit(task, trial_of(task, name))
    candidate.save(folder / NATIVE)
    task.inputs.features.save(folder / FEATURES)
    facts = {
        "name": name, "engine": "autokeras", "family": "neural network",
        "task": task.facts.task, "classes": task.facts.classes, "columns": task.facts.columns,
        "threshold": 0.5 if task.facts.task == "binary" else None,
        "costs": Costs().model_dump(), "calibration": calibration or {"method": "none"},
    }  # fmt: skip
    return Model(folder, facts)


def wide_frame(rows=260, seed=0):
    """62 columns: numbers, some with gaps, a category with gaps, and a truth value."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({f"n{i}": rng.normal(size=rows) for i in range(60)})
    frame.loc[rng.random(rows) < 0.2, "n1"] = np.nan
    frame["kind <b>"] = pd.Series(rng.choice(["car", "house", "trip"], rows), dtype="str")
    frame.loc[rng.random(rows) < 0.1, "kind <b>"] = None
    frame["n60"] = rng.integers(0, 3, rows).astype("float64")
    score = frame["n0"] + frame["n1"].fillna(1) + (frame["kind <b>"] == "car") * 1.5
    return frame, np.where(score + rng.normal(0, 0.3, rows) > 0.8, "yes", "no")


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wide")
    frame, told = wide_frame()
    task = search_task(
        folder, frame=frame, target=(told == "yes").astype(np.int64), folds=2, trials=1, epochs=4,
        columns={n: "category" if n.startswith("kind") else "number" for n in frame},
    )  # fmt: skip
    platt = {"method": "sigmoid", "parameters": {"slope": 1.3, "intercept": 0.2}}
    return network(task, "autokeras_1", folder / "model", platt)


def stage_of(folder, **choices):
    frame, told = wide_frame()
    frame["y"] = told
    choices = {"rows": 6, "background": 12, "bootstrap": 60, "evaluations": 10_000} | choices
    return make_stage(folder, frame, "y", "binary", positive="yes", explain=choices)


def check_slopes(gradients, matrix, direction):
    """Outputs differ by what the slopes between add up to: networks have kinks everywhere."""
    direction = direction.astype(np.float32)
    ahead, behind = (gradients(matrix + side * direction)[0] for side in (1, -1))
    parts = (np.arange(100) + 0.5) / 50 - 1
    points = np.concatenate([matrix + part * direction for part in parts.astype(np.float32)])
    _, slopes = gradients(points)
    along = np.einsum("nkf,nf->nk", slopes, np.tile(direction, (len(parts), 1)))
    along = along.reshape(len(parts), len(matrix), -1)
    difference = ahead - behind
    assert np.abs(difference).max() > 1e-3
    size = np.abs(difference).max()
    np.testing.assert_allclose(2 * np.mean(along, axis=0) / size, difference / size, atol=0.01)


def test_gradients_of_a_network_are_its_slopes(wide):
    assert isinstance(wide, Differentiable)
    smooth = wide.as_smooth()
    assert isinstance(smooth, Smooth)
    frame, rng = wide_frame(20, seed=5)[0], np.random.default_rng(1)
    matrix = smooth.encode(frame)
    outputs, _ = smooth.gradients(matrix)
    np.testing.assert_allclose(outputs[:, 0], wide.predict(frame)[:, 1], atol=1e-6)
    names = [smooth.columns[owner] for owner in smooth.owners]
    assert names.count("n1") == 2  # the number, and whether it is missing
    assert names.count("kind <b>") == 4
    assert set(names) == set(frame.columns)
    check_slopes(smooth.gradients, matrix, rng.normal(size=matrix.shape) * 0.05)


def test_wide_table_gets_a_value_for_each_column(wide, tmp_path):
    stage = stage_of(tmp_path)
    found = explain.explain(stage, wide)
    assert found.feature_perturbation == EXPECTED_GRADIENTS
    assert found.method.startswith("No SHAP values: gradients of the network")
    assert found.called == "expected gradient"
    assert found.additivity_error <= found.additivity_tolerance == 1e-4 * TOLERATED
    assert not found.grouped
    assert found.permutations == 0
    names = [item.column for item in next(iter(found.importance.values()))]
    assert len(names) == 62
    assert set(names[:4]) & {"n0", "n1", "kind <b>"}
    assert any("set explain.gradients to never" in note for note in stage.notes)
    assert any(check.name == "Expected gradients" for check in found.checks)
    values = stage.read(Attributions).frame
    row = int(values["row"].iloc[0])
    again = explain.row_explainer(stage, wide, found)(row)
    wanted = values[values["row"] == row]
    assert list(again["column"]) == list(wanted["column"])
    np.testing.assert_allclose(again["shap"], wanted["shap"], atol=1e-6)


def test_never_groups_the_columns_of_a_wide_table(wide, tmp_path):
    stage = stage_of(tmp_path, gradients="never", rows=3, background=10, evaluations=3_000)
    found = explain.explain(stage, wide)
    assert found.feature_perturbation == "interventional"
    assert len(found.grouped) == 22


def test_lines_that_miss_are_given_up_and_that_is_said(wide, tmp_path):
    steep = Model(wide.folder, facts_of(wide, {"slope": 600.0, "intercept": 0.0}))
    stage = stage_of(tmp_path, gradients="always", rows=3, background=20, evaluations=2_000)
    found = explain.explain(stage, steep)
    assert found.feature_perturbation == "interventional"
    assert any("expected gradients, because they miss the output" in note for note in stage.notes)


def facts_of(model, parameters):
    return {
        "name": model.name, "engine": model.engine, "family": model.family, "task": model.task,
        "classes": model.classes, "threshold": model.threshold, "costs": model.costs.model_dump(),
        "columns": {n: column.model_dump(mode="json") for n, column in model.columns.items()},
        "calibration": {"method": "sigmoid", "parameters": parameters},
    }  # fmt: skip


@pytest.mark.slow
def test_networks_without_gradients_say_why(wide, tmp_path):
    rng = np.random.default_rng(1)
    income = rng.lognormal(3, 0.9, 120)
    frame = pd.DataFrame({"income": income, "debt": income * rng.lognormal(0, 0.3, 120)})
    risk = (frame["debt"] / frame["income"]).to_numpy()
    task = search_task(
        tmp_path / "ratio", "regression", frame=frame, target=risk, folds=2, trials=1, epochs=1
    )
    model = network(task, "autokeras_1", tmp_path / "ratio" / "model")
    assert "made of two" in model.as_smooth()
    steps = Model(wide.folder, facts_of(wide, {}) | {"calibration": {"method": "isotonic"}})
    assert "step function" in steps.as_smooth()
    from toolkit.automl.engines.autokeras.input_gradients import refusal
    from toolkit.automl.engines.autokeras.inputs import Encoder, TextEncoder
    from toolkit.automl.engines.autokeras.network import Networks

    assert "words" in refusal(Networks(Encoder([TextEncoder("what")]), None, [], 2))
    frame["y"] = risk
    stage = make_stage(
        tmp_path / "run", frame, "y", "regression",
        explain={"rows": 3, "background": 4, "bootstrap": 60, "gradients": "always"},
    )  # fmt: skip
    found = explain.explain(stage, model)
    assert found.feature_perturbation == "interventional"
    assert any("expected gradients, because it looks" in note for note in stage.notes)


def test_always_says_why_a_model_of_unknown_make_is_sampled(tmp_path):
    columns = ["a", "b"]
    frame, _ = tables(columns, rows=60)
    frame["y"] = frame["a"] * 3 + frame["b"]
    stage = make_stage(tmp_path, frame, "y", "regression", explain={"gradients": "always"})
    explain.explain(stage, FunctionModel(lambda f: f["a"] * 3 + f["b"], columns))
    assert any("Not used: expected gradients" in note for note in stage.notes)


def test_pixels_have_gradients_beside_a_table():
    import keras

    from toolkit.automl.engines.autokeras.input_gradients import Slopes
    from toolkit.automl.engines.autokeras.inputs import Encoder
    from toolkit.automl.engines.autokeras.layers import Convolution, Halving, Outputs
    from toolkit.automl.engines.autokeras.network import Fitted, Networks

    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 256, (30, 8, 8)).astype(np.uint8)
    cells = pd.Series([images.encode(each) for each in pixels], dtype=object)
    frame = pd.DataFrame({"picture": cells, "n": rng.normal(size=30)})
    columns = {"picture": Column(type="image"), "n": Column(type="number")}
    inputs = Inputs(frame, Features.fit(frame, columns, 1))
    described = {name: column.model_dump(mode="json") for name, column in columns.items()}
    encoder = Encoder.fit(inputs, described, ["image", "table"], 1)
    keras.utils.set_random_seed(1)
    picture, table = keras.Input((8, 8, 1), dtype="uint8"), keras.Input((1,))
    node = keras.layers.Rescaling(1 / 127.5, -1.0)(picture)
    node = Halving()(keras.layers.Activation("relu")(Convolution(4)(node)))
    node = keras.layers.Concatenate()([keras.layers.Flatten()(node), table])
    network = keras.Model([picture, table], Outputs(3)(node))
    fitted = Fitted([each.value for each in network.trainable_variables], [])
    networks = Networks(encoder, network, [fitted], 3)
    slopes = Slopes(networks)
    assert slopes.owners == ["picture"] * 64 + ["n"]
    matrix = slopes.encode(inputs)[:6]
    scores, gradients = slopes(matrix)
    np.testing.assert_allclose(scores, networks.score(inputs)[:6], atol=1e-6)
    assert gradients.shape == (6, 3, 65)
    np.testing.assert_allclose(gradients.sum(axis=1), 0, atol=1e-6)  # of probabilities
    direction = np.append(np.full(64, 4.0), 0.1)
    check_slopes(slopes, matrix, direction * rng.normal(size=matrix.shape))
