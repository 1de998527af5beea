"""Global effects: known answers for effects, interactions, importances and the small tree."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pandas as pd
import pytest
from support.explain_runs import FunctionModel, make_stage, sklearn_model

from toolkit import widgets
from toolkit.artifacts import Attributions, GlobalEffects
from toolkit.errors import DataError, UsageError
from toolkit.explain import explain, global_effects
from toolkit.explain.effects.interactions import interactions
from toolkit.explain.effects.permutation_importance import spearman, stability
from toolkit.explain.effects.sampled_rows import SampledRows
from toolkit.plots.explain import effects as figures
from toolkit.plots.explain.column_dependence import dependence_with
from toolkit.plots.explain.surrogate import tree

NASTY = "<script>alert('x')</script>"
BUDGET = 230_000


def table_of(n, seed=0):
    generator = np.random.default_rng(seed)
    return pd.DataFrame({f"x{i}": generator.normal(size=n) for i in range(5)})


def seen(folder, frame, function, task="regression", classes=(), **more):
    """Return effects of a function, its stage, model and explanation."""
    threshold = 0.5 if task == "binary" else None
    model = FunctionModel(function, list(frame.columns.drop("y")), task, classes, threshold)
    stage = make_stage(
        folder, frame, "y", task, positive=classes[1] if task == "binary" else None, **more
    )
    explanation = explain(stage, model)
    model.calls = model.rows = 0
    return global_effects(stage, model, explanation), stage, model, explanation


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    frame = table_of(1000)
    frame["y"] = 3 * frame["x0"] - 2 * frame["x1"] + 0.5 * frame["x2"]
    return seen(
        tmp_path_factory.mktemp("linear"), frame,
        lambda f: 3 * f["x0"] - 2 * f["x1"] + 0.5 * f["x2"],
    )  # fmt: skip


def effect_of(effects, column):
    return next(each for each in effects.effects if each.column == column)


def pair_of(effects, a, b):
    return next(p for p in effects.interactions.pairs if {p.first, p.second} == {a, b})


# -- effects -------------------------------------------------------------------------


@pytest.mark.parametrize(("column", "slope"), [("x0", 3), ("x1", -2), ("x2", 0.5), ("x3", 0)])
def test_slopes_are_the_coefficients(linear, column, slope):
    found = effect_of(linear[0], column)
    curve = found.curves["value"]
    for line in (curve.pdp, curve.ale, *curve.ice):
        assert np.diff(line) == pytest.approx(slope * np.diff(found.grid), abs=1e-4)
    # Every row moves alike: only where the rows lie is left to chance, and that is counted.
    assert np.ptp(np.subtract(curve.ale_high, curve.ale_low)) < 1e-6 + 0.2 * abs(slope)


def test_curves_are_centred_over_the_rows(linear):
    effects, stage, _, _ = linear
    found = effect_of(effects, "x0")
    curve = found.curves["value"]
    counts = np.asarray(found.counts)
    middle = (np.asarray(curve.ale)[1:] + np.asarray(curve.ale)[:-1]) / 2
    assert counts @ middle / counts.sum() == pytest.approx(0, abs=1e-5)
    assert counts.sum() == effects.rows == effects.of_rows
    assert stage.read(GlobalEffects) == effects


def test_budget_is_kept_and_rows_are_scored_in_few_calls(linear, tmp_path):
    effects, _, model, _ = linear
    assert model.rows == effects.evaluations <= BUDGET
    assert model.calls <= 8
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(40_000, 12))).add_prefix("c")
    frame["y"] = frame["c0"] * frame["c1"]
    for preset, rows in (("thorough", 20_000), ("balanced", 5_000)):
        effects, _, model, _ = seen(
            tmp_path / preset, frame, lambda f: f["c0"] * f["c1"] + f["c2"] * f["c3"],
            automl={"preset": preset},
        )  # fmt: skip
        assert model.rows == effects.evaluations <= BUDGET
        assert (effects.rows, effects.of_rows) == (rows, 24_000)


def test_where_columns_go_together_mixtures_are_flagged(tmp_path):
    """Apley and Zhu (2020): PDP extrapolates over correlated columns, ALE does not."""
    generator = np.random.default_rng(3)
    a = generator.uniform(size=1500)
    frame = pd.DataFrame({"a": a, "b": a + generator.normal(0, 0.02, 1500),
                          "c": generator.uniform(size=1500)})  # fmt: skip
    frame["y"] = frame["a"]

    def model(f):  # equals a wherever there are rows, and something else where there are none
        return np.where(np.abs(f["a"] - f["b"]) < 0.2, f["a"], 20 * f["b"]) + f["c"]

    effects, *_ = seen(tmp_path, frame, model)
    found = effect_of(effects, "a")
    curve = found.curves["value"]
    assert np.diff(curve.ale) == pytest.approx(np.diff(found.grid), abs=0.01)
    slope = np.polyfit(found.grid, curve.pdp, 1)[0]
    assert abs(slope - 1) > 1
    assert found.related[0] == "b"
    assert np.mean(found.outside) > 0.5
    assert max(effect_of(effects, "c").outside) < figures.FLAGGED
    assert "a" in next(c for c in effects.checks if "out of distribution" in c.name).columns
    assert "outside the data" in figures.effect(effects, "a").alt


def test_effects_of_categories_and_dates(tmp_path):
    generator = np.random.default_rng(4)
    n = 900
    frame = pd.DataFrame(
        {
            "level": generator.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2]),
            "when": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(generator.integers(0, 700, n), unit="D"),
        }
    )
    frame["y"] = generator.normal(size=n)
    height = {"a": 0.0, "b": 4.0, "c": 1.0}

    def model(f):
        days = (f["when"] - pd.Timestamp("2024-01-01")) / pd.Timedelta(days=1)
        return f["level"].map(height).astype(float).to_numpy() + 0.01 * days.to_numpy()

    effects, _, _, _ = seen(tmp_path, frame, model)
    found = effect_of(effects, "level")
    for line in (found.curves["value"].pdp, found.curves["value"].ale):
        by = dict(zip(found.levels, line, strict=True))
        assert by["b"] - by["a"] == pytest.approx(4, abs=1e-4)
        assert by["c"] - by["a"] == pytest.approx(1, abs=1e-4)
    counts = np.asarray(found.counts)
    assert counts @ found.curves["value"].ale == pytest.approx(0, abs=1e-2)
    found = effect_of(effects, "when")
    assert found.kind == "date"
    assert np.datetime64(int(found.grid[0]), "D") == np.datetime64("2024-01-01")
    assert np.diff(found.curves["value"].ale) == pytest.approx(0.01 * np.diff(found.grid), abs=1e-4)


# -- interactions --------------------------------------------------------------------


def test_a_sum_has_no_interactions(linear):
    effects = linear[0]
    for pair in effects.interactions.pairs:
        assert pair.size.value == 0
        assert pair.h.value in (0, None)
    assert effects.interactions.strongest == {}
    negligible = pair_of(effects, "x3", "x4")
    assert negligible.h.value is None


def test_a_product_is_found_and_named(tmp_path):
    frame = table_of(800, seed=5)
    frame["y"] = frame["x0"] * frame["x1"] + frame["x2"]
    effects, stage, _, explanation = seen(tmp_path, frame, lambda f: f["x0"] * f["x1"] + f["x2"])
    best = effects.interactions.pairs[0]
    assert {best.first, best.second} == {"x0", "x1"}
    assert best.h.low > 0.7
    # The size of a product of two standard normal columns is 1.
    assert best.size.low < 1 < best.size.high
    assert effects.interactions.strongest == {"x0": "x1", "x1": "x0"}
    plot = dependence_with(explanation, stage.read(Attributions), "x0", "x1")
    assert "x1" in plot.alt
    with pytest.raises(UsageError, match="was not explained"):
        dependence_with(explanation, stage.read(Attributions), "x0", "nothing")


def test_partial_interaction_has_the_share_that_theory_gives():
    """For a·b + s·(a + b) of independent standard normals, H² is 1 / (1 + 2s²)."""
    frame = table_of(4000, seed=6)
    model = FunctionModel(lambda f: f["x0"] * f["x1"] + f["x0"] + f["x1"], list(frame.columns))
    kinds = dict.fromkeys(frame.columns, "number")
    scores = model.predict(frame)[:, None]
    found = interactions(SampledRows(model, frame, kinds, scores, len(frame), 7), ["x0", "x1"])
    h = found.pairs[0].h
    assert h.low < sqrt(1 / 3) < h.high
    assert h.high - h.low < 0.6


# -- importances ---------------------------------------------------------------------


def test_permutation_importance_is_what_theory_gives(linear):
    effects, *_ = linear
    found = {each.column: each for each in effects.permutation.columns}
    assert effects.permutation.metric == "rmse"
    # Without noise the RMSE after shuffling is the coefficient times the standard deviation of
    # the difference of two draws.
    for column, slope in (("x0", 3), ("x1", 2), ("x2", 0.5)):
        loss = found[column].loss
        assert loss.low < slope * sqrt(2) < loss.high
        assert loss.value == pytest.approx(slope * sqrt(2), rel=0.2)
    for column in ("x3", "x4"):
        assert (found[column].loss.value, found[column].loss.high) == (0, 0)
    assert [found[f"x{i}"].rank for i in range(3)] == [1, 2, 3]
    assert effects.permutation.agreement > 0.8
    assert not any(each.why for each in effects.permutation.columns)


def test_a_column_that_moves_the_output_and_does_not_help_is_pointed_out(tmp_path):
    frame = table_of(900, seed=8)
    frame["y"] = 2 * frame["x1"] + frame["x2"]
    effects, *_ = seen(tmp_path, frame, lambda f: 2 * f["x1"] + f["x2"] + 9 * np.sin(40 * f["x0"]))
    first = effects.permutation.columns[0]
    assert (first.column, first.shap_rank) == ("x0", 1)
    assert first.rank > 2
    assert "not clear" in first.why
    check = next(c for c in effects.checks if c.name == "SHAP and permutation importance")
    assert "x0" in check.columns


def test_rank_correlation():
    assert spearman([1, 2, 3, 4], [10, 20, 30, 40]) == pytest.approx(1)
    assert spearman([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert spearman([1, 2], [1, 2]) is None
    assert spearman([1, 1, 1], [1, 2, 3]) is None


def test_ranks_are_firm_where_columns_differ_and_not_where_they_do_not():
    generator = np.random.default_rng(1)
    size = {"big": 9.0, "one": 1.0, "two": 1.0, "three": 1.0, "none": 0.0}
    frame = pd.DataFrame(
        [
            {"row": row, "class": "value", "column": name, "shap": scale * generator.normal()}
            for row in range(40)
            for name, scale in size.items()
        ]
    )
    found = {each.column: each for each in stability(frame, list(size), 7)}
    assert (found["big"].kept, found["big"].low, found["big"].high) == (1, 1, 1)
    assert found["none"].kept == 1
    assert found["none"].top3 == 0
    for name in ("one", "two", "three"):
        assert found[name].kept < 0.95
        assert found[name].low < found[name].high
    assert sum(found[name].top3 for name in size) == pytest.approx(3)
    assert stability(frame[frame["row"] == 0], list(size), 7) == []


# -- the small tree ------------------------------------------------------------------


def test_a_tree_of_two_levels_is_found_whole(tmp_path):
    generator = np.random.default_rng(2)
    frame = table_of(1200, seed=9).round()
    frame["kind"] = generator.choice(["a", f"b {NASTY}", "c"], 1200)
    frame["y"] = generator.choice(["no", "yes"], 1200)

    def model(f):
        inner = np.where(f["x0"] <= 0.5, np.where(f["kind"] == f"b {NASTY}", 0.9, 0.3),
                         np.where(f["x1"] <= -0.2, 0.1, 0.6))  # fmt: skip
        return np.column_stack([1 - inner, inner])

    effects, *_ = seen(tmp_path, frame, model, "binary", ["no", "yes"])
    found = effects.surrogate
    assert found.r2 == pytest.approx(1)
    assert found.agreement == 1
    rules = "\n".join(found.rules)
    assert f"kind is b {NASTY}" in rules
    assert "x0 ≤ 0.5" in rules
    assert sorted({round(n.values["yes"], 2) for n in found.nodes if n.yes < 0}) == [
        0.1, 0.3, 0.6, 0.9]  # fmt: skip
    assert sum(node.rows for node in found.nodes if node.yes < 0) == found.rows
    assert tree(effects).svg


def test_a_tree_that_is_not_the_model_is_said_to_be_none(tmp_path):
    frame = table_of(900, seed=10)
    frame["y"] = frame["x0"]
    effects, *_ = seen(tmp_path, frame, lambda f: np.sin(6 * f["x0"]) * np.sin(6 * f["x1"]))
    assert effects.surrogate.r2 < 0.7
    check = next(c for c in effects.checks if c.name == "Surrogate tree")
    assert check.severity == "warning"
    assert "fidelity too low" in tree(effects).title


# -- messy tables --------------------------------------------------------------------


def messy(n, seed=0):
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "height <b>$\\alpha$</b>": generator.normal(size=n),
            f"plan {NASTY}": generator.choice(["a", NASTY, "żółć"], n),
            "constant": 1.0,
            "empty": np.full(n, np.nan),
            "city": [f"city {i}" for i in generator.integers(0, 200, n)],
            "when": pd.Timestamp("2020-02-01")
            + pd.to_timedelta(generator.integers(0, 900, n), unit="D"),
            "few": generator.choice([0.0, 1.0, np.inf], n),
        }
    )
    frame.iloc[::7, 0] = np.nan
    frame.iloc[::5, 1] = None
    frame.loc[frame.index[::6], "when"] = pd.NaT
    return frame


def score(f):
    value = f.iloc[:, 0].fillna(0).to_numpy() + (f.iloc[:, 1] == NASTY).to_numpy()
    return value + f["when"].dt.year.fillna(2021).to_numpy() - 2021


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("rows", [300, 12])
def test_messy_tables_degrade_in_words(tmp_path, task, rows):
    frame = messy(rows)
    classes = {"binary": ["no", NASTY], "multiclass": [f"k{i}" for i in range(20)],
               "regression": []}[task]  # fmt: skip

    def model(f):
        if task == "regression":
            return score(f)
        p = 1 / (1 + np.exp(-score(f)))
        if task == "binary":
            return np.column_stack([1 - p, p])
        rest = np.repeat(((1 - p) / 19)[:, None], 19, axis=1)
        return np.column_stack([p, rest])

    generator = np.random.default_rng(2)
    frame["y"] = generator.choice(classes, rows) if classes else score(frame)
    effects, stage, model, explanation = seen(tmp_path, frame, model, task, classes)
    assert model.rows == effects.evaluations
    assert len(effects.outputs) == (3 if task == "multiclass" else 1)
    assert "constant" not in {each.column for each in effects.effects}
    for each in effects.effects:
        assert len(each.outside) == len(each.grid) + len(each.levels)
    assert figures.effect(effects, effects.effects[0].column, effects.outputs[-1]).svg
    panel = widgets.EffectsPanel(stage, effects, explanation, stage.read(Attributions))
    panel.column.value = effects.effects[-1].column
    shown = panel.static_html()
    assert NASTY not in shown
    assert "Surrogate tree" in shown
    again = global_effects(stage, model, explanation)
    assert again.model_dump() == effects.model_dump()


def test_panel_follows_its_dropdowns(tmp_path):
    frame = table_of(300, seed=12)
    frame["y"] = np.random.default_rng(0).choice(["a", "b", "c"], 300)

    def model(f):
        p = 1 / (1 + np.exp(-f["x0"] * f["x1"]))
        return np.column_stack([p / 2, p / 2, 1 - p])

    effects, stage, _, explanation = seen(tmp_path, frame, model, "multiclass", ["a", "b", "c"])
    panel = widgets.EffectsPanel(stage, effects, explanation, stage.read(Attributions))
    before = panel._column.value
    panel.of.value = "c"
    assert panel._column.value != before
    panel.column.value = "x4"
    assert "interacts with no other" in panel._column.value
    assert "text/html" in panel._repr_mimebundle_()


def test_wrong_names_are_refused(linear):
    effects = linear[0]
    with pytest.raises(UsageError, match="no effect"):
        figures.effect(effects, "nothing")
    with pytest.raises(UsageError, match="no effects"):
        figures.effect(effects, "x0", "class")


def test_no_test_rows_is_said_so(tmp_path):
    from toolkit.artifacts import Split

    frame = table_of(60)
    frame["y"] = frame["x0"]
    _, stage, model, explanation = seen(tmp_path, frame, lambda f: f["x0"])
    stage.run.write(Split(pd.DataFrame({"row": range(60), "part": ["train"] * 60})))
    with pytest.raises(DataError, match="0 test rows"):
        global_effects(stage, model, explanation)


def test_a_fitted_model_gives_its_picture(tmp_path):
    from sklearn.ensemble import HistGradientBoostingClassifier

    generator = np.random.default_rng(0)
    frame = messy(500, seed=3).drop(columns=["empty", "few"])
    frame["y"] = np.where(score(frame) + generator.normal(size=500) > 0, "yes", "no")
    stage = make_stage(tmp_path, frame, "y", "binary", positive="yes")
    model = sklearn_model(stage, HistGradientBoostingClassifier(max_iter=30))
    effects = global_effects(stage, model, explain(stage, model))
    assert effects.output == "probability of the class yes"
    leading = effects.permutation.columns[0]
    assert leading.loss.low > 0
    for plot in (figures.interactions(effects), figures.importances(effects), tree(effects)):
        assert plot.svg
        assert plot.alt


def test_a_wide_table_keeps_to_what_was_ranked(tmp_path):
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(400, 150))).add_prefix("c")
    frame["y"] = frame["c3"]
    effects, _, model, explanation = seen(tmp_path, frame, lambda f: f["c3"] + f["c7"] * f["c3"])
    assert explanation.grouped
    assert model.rows == effects.evaluations <= BUDGET
    assert not {each.column for each in effects.permutation.columns} & set(explanation.grouped)
    assert effects.interactions.strongest["c3"] == "c7"
    assert any(c.name == "Columns taken together" for c in effects.checks)
