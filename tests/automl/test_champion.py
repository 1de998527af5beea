"""What happens once trials are done: blends, leaderboard, champion, promises, second looks."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.search_tasks import search_task

import toolkit
from toolkit import automl, data, metrics, open_stage
from toolkit.artifacts import Entry, Interval, Leaderboard, OutOfFoldPredictions, SearchSummary
from toolkit.automl import leaderboard
from toolkit.automl.blend import blend, objectives
from toolkit.automl.blend.greedy_weights import greedy
from toolkit.automl.checks import constraints, shuffled_labels
from toolkit.automl.checks.reproduction import reproduce
from toolkit.automl.decisions import calibration, conformal, error_scale, threshold
from toolkit.automl.engines.base import Trial
from toolkit.automl.folds import Folds, make_folds
from toolkit.automl.scoring_rows import ScoringRows
from toolkit.cli import main
from toolkit.errors import ModelError, ProjectError
from toolkit.labels.events import Replay
from toolkit.project.criteria import Costs
from toolkit.project.file import ProjectFile
from toolkit.run.folder import Run
from toolkit.table import load_part

CONTEXTS = {
    "binary": metrics.Context("binary", ["no", "yes"]),
    "multiclass": metrics.Context("multiclass", ["a", "b", "c"]),
    "regression": metrics.Context("regression"),
}


def scoring(*known):
    return ScoringRows(*known, seed=1)


def library(task, rows=300, models=5, seed=0):
    """Targets, and out-of-fold scores of models that each know something of them."""
    rng = np.random.default_rng(seed)
    if task == "regression":
        target = rng.normal(size=rows)
        return target, {
            f"m{i}": target + rng.normal(size=rows) * (0.5 + 0.1 * i) for i in range(models)
        }
    k = 2 if task == "binary" else 3
    target = rng.integers(0, k, rows)
    oof = {}
    for i in range(models):
        margins = rng.normal(size=(rows, k))
        margins[np.arange(rows), target] += 1.5 - 0.15 * i
        powers = np.exp(margins)
        oof[f"m{i}"] = powers / powers.sum(axis=1, keepdims=True)
    return target, oof


# -- blends --------------------------------------------------------------------------


@pytest.mark.parametrize("task", list(CONTEXTS))
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_of_blends_are_the_metrics(task, weighted):
    target, oof = library(task, rows=500)
    weights = np.random.default_rng(1).uniform(0.2, 2, 500) if weighted else None
    blend = objectives.combine(list(oof.values()), [0.5, 0.2, 0.1, 0.1, 0.1], "linear")
    for name in metrics.for_task(task):
        if objectives.surrogate(name) != name:
            continue
        metric = metrics.get(name)
        expected = metric(target, blend, CONTEXTS[task], weights)
        for space in objectives.SPACES if task != "regression" else ["linear"]:
            given = objectives.parts(blend, target, name, space)
            found = objectives.loss(name, space, target, weights)(given)
            if name == "rmse":
                found = np.sqrt(found)
            if metric.greater_is_better:
                found = 1 - found
            assert found == pytest.approx(expected, abs=2e-4), (name, space)


@given(
    task=st.sampled_from(list(CONTEXTS)),
    seed=st.integers(0, 10_000),
    models=st.integers(2, 14),
    data=st.data(),
)
@settings(max_examples=40, deadline=None)
def test_a_blend_is_never_worse_than_the_best_model_on_the_rows_it_is_chosen_on(
    task, seed, models, data
):
    metric = data.draw(st.sampled_from(metrics.for_task(task)))
    target, oof = library(task, 120, models, seed)
    name = objectives.surrogate(metric)
    spaces = objectives.SPACES if task != "regression" else ("linear",)
    for space in spaces:
        parts = np.stack([objectives.parts(s, target, name, space) for s in oof.values()])
        loss = objectives.loss(name, space, target, None)
        weights, single = greedy(parts, loss, 30)
        assert single == pytest.approx(min(loss(part) for part in parts))
        assert loss(np.einsum("m,mcn->cn", weights, parts)) <= single + 1e-5
        assert weights.sum() == pytest.approx(1)
        assert (weights > 0).sum() <= 8 and weights[weights > 0].min() >= 0.02


def test_equal_models_make_no_blend():
    target, oof = library("binary", models=1)
    same = dict.fromkeys(("a", "b", "c"), oof["m0"])
    folds = make_folds(3, 0, rows=300, codes=target)
    found = blend.select(same, scoring(target, None, folds, "log_loss", CONTEXTS["binary"]))
    assert found.weights == {"a": 1.0}


def test_a_model_that_remembers_one_fold_gains_nothing_there():
    target, oof = library("binary", 600, 3)
    folds = make_folds(5, 0, rows=600, codes=target)
    # It has seen fold 2, and knows nothing of the others.
    knows = np.full((600, 2), 0.5)
    inside = folds.fold == 2
    knows[inside] = np.eye(2)[target[inside]] * 0.98 + 0.01
    rows = scoring(target, None, folds, "log_loss", CONTEXTS["binary"])
    loss = metrics.get("log_loss")
    for bagged in (False, True):
        plain = blend.select(oof, rows, bagged=bagged)
        planted = blend.select(oof | {"spy": knows}, rows, bagged=bagged)
        if plain.space == planted.space and not bagged:
            np.testing.assert_array_equal(planted.oof[inside], plain.oof[inside])
        value = loss(target[inside], planted.oof[inside], CONTEXTS["binary"])
        assert value > 0.9 * loss(target[inside], plain.oof[inside], CONTEXTS["binary"]), bagged


def test_in_order_of_time_weights_come_from_earlier_folds():
    target, oof = library("regression", 500, 4)
    folds = make_folds(4, 0, rows=500, times=np.arange(500.0))
    rows = scoring(target, None, folds, "rmse", CONTEXTS["regression"])
    whole = blend.select(oof, rows)
    never = folds.fold < 0
    assert np.isnan(whole.oof[never]).all() and np.isfinite(whole.oof[~never]).all()
    last = folds.fold == 3
    other = {name: np.where(last, -scores, scores) for name, scores in oof.items()}
    changed = blend.select(other, rows)
    middle = (folds.fold == 1) | (folds.fold == 2)
    np.testing.assert_array_equal(changed.oof[middle], whole.oof[middle])
    alone = Folds(np.where(folds.fold >= 0, 0, -1), True, "one")
    assert np.isfinite(blend.select(oof, replace(rows, folds=alone)).oof[~never]).all()


def test_blends_of_many_rows_say_on_how_many_they_were_chosen():
    target, oof = library("regression", 120_000, 2)
    folds = make_folds(2, 0, rows=120_000)
    found = blend.select(oof, scoring(target, None, folds, "mae", CONTEXTS["regression"]))
    assert "100,000 of 120,000 out-of-fold rows" in found.note
    assert found.oof.shape == target.shape and np.isfinite(found.oof).all()
    again = blend.select(oof, scoring(target, None, folds, "mae", CONTEXTS["regression"]))
    np.testing.assert_array_equal(found.oof, again.oof)
    assert found.weights == again.weights


def test_on_few_rows_every_family_that_keeps_up_has_a_part():
    """Many settings of one family crowd out nothing where rows cannot tell them apart."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 200)

    def model(shared=0.0):
        p = np.clip(0.4 + 0.2 * target + shared + rng.normal(0, 0.2, 200), 0.01, 0.99)
        return np.column_stack([1 - p, p])

    common = rng.normal(0, 0.2, 200)
    oof = {f"many_{n}": model(common) for n in range(20)} | {n: model() for n in ("one", "two")}
    families = {name: "many" for name in oof if name.startswith("many")}
    worse = {"outlier": oof["one"][:, ::-1].copy()}
    folds = make_folds(5, 0, rows=200, codes=target)
    rows = scoring(target, None, folds, "roc_auc", CONTEXTS["binary"])
    found = blend.select(oof | worse, rows, families=families)
    assert set(found.weights) >= {"one", "two"}
    assert any(name in families for name in found.weights)
    assert "outlier" not in found.weights
    assert len(found.weights) <= 16 and sum(found.weights.values()) == pytest.approx(1)
    again = blend.select(oof | worse, rows, families=families)
    assert again.weights == found.weights
    quick = blend.select(oof | worse, rows, bagged=False)
    assert len(quick.weights) <= 8


def test_weights_of_a_blend_do_not_hang_on_where_a_number_begins():
    target, oof = library("regression", 400)
    folds = make_folds(4, 0, rows=400)
    rows = scoring(target, None, folds, "rmse", CONTEXTS["regression"])
    near = blend.select(oof, rows)
    far = blend.select(
        {name: scores + 1.7e9 for name, scores in oof.items()},
        replace(rows, target=target + 1.7e9),
    )
    assert far.weights == pytest.approx(near.weights)
    np.testing.assert_allclose(far.oof - 1.7e9, near.oof, atol=1e-5)


@pytest.mark.parametrize("task", list(CONTEXTS))
def test_rows_that_count_for_nothing_stop_no_blend(task):
    target, oof = library(task, 60)
    codes = None if task == "regression" else target
    folds = make_folds(3, 0, rows=60, codes=codes)
    for metric in {objectives.surrogate(name) for name in metrics.for_task(task)}:
        for counted in (folds.fold == 0, np.arange(60) < 2, np.zeros(60)):
            found = blend.select(
                oof,
                scoring(target, np.asarray(counted, float), folds, metric, CONTEXTS[task]),
            )
            assert sum(found.weights.values()) == pytest.approx(1)
            assert np.isfinite(found.oof).all()


def test_two_moments_and_one_scored_row_make_a_blend():
    target, oof = library("regression", 20)
    folds = Folds(np.r_[np.full(19, -1), 0].astype(np.int16), True, "two moments")
    found = blend.select(oof, scoring(target, None, folds, "rmse", CONTEXTS["regression"]))
    assert np.isfinite(found.oof[-1]) and sum(found.weights.values()) == pytest.approx(1)


@pytest.mark.parametrize("metric", ["log_loss", "roc_auc"])
def test_gain_is_positive_where_a_blend_got_better(metric):
    target, oof = library("binary", 800, 3)
    folds = make_folds(3, 0, rows=800, codes=target)
    rows = scoring(target, None, folds, metric, CONTEXTS["binary"])
    few = blend.select({"m2": oof["m2"]}, rows)
    more = blend.select(oof, rows)
    found = blend.gain(few, more, rows, resamples=100)
    assert found.low > 0 and found.low < found.value < found.high
    assert blend.gain(more, few, rows, resamples=100).value == -found.value


@given(
    task=st.sampled_from(list(CONTEXTS)), rows=st.integers(4, 14), seed=st.integers(0, 999),
    data=st.data(),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_few_rows_and_certain_models_do_no_harm(task, rows, seed, data):
    metric = data.draw(st.sampled_from(metrics.for_task(task)))
    target, oof = library(task, rows, 3, seed)
    if task != "regression":
        oof["sure"] = np.eye(oof["m0"].shape[1])[np.roll(target, 1)]  # and often wrong
    oof["flat"] = np.full_like(oof["m0"], 1 / max(oof["m0"].ndim * 2 - 2, 1))
    folds = make_folds(2, 0, rows=rows)
    found = blend.select(oof, scoring(target, None, folds, metric, CONTEXTS[task]))
    assert np.isfinite(found.oof).all() and sum(found.weights.values()) == pytest.approx(1)
    if task == "regression":
        design = pd.DataFrame(index=range(rows))
        learnt = conformal.learn_intervals(found.oof, target, design, folds.fold, 0.9, seed=1)
        # The row at the quantile itself may fall out by rounding.
        held = conformal.measure(learnt, found.oof, target, design).measured.value
        assert held >= 0.9 - 1 / rows - 1e-9
    else:
        learnt = conformal.learn_sets(found.oof, target, 0.9)
        assert learnt.included(found.oof).any(axis=1).all()


def test_geometric_means_are_probabilities():
    _, oof = library("multiclass")
    blend = objectives.combine(list(oof.values())[:2], [3, 1], "log")
    np.testing.assert_allclose(blend.sum(axis=1), 1)
    np.testing.assert_allclose(objectives.combine([oof["m0"]], [1], "log"), oof["m0"], atol=1e-6)


# -- promises ------------------------------------------------------------------------


class Given:
    """For MAPIE: a model whose rows are its predictions."""

    def __init__(self, classes=0):
        self.classes_ = np.arange(classes)
        self.fitted_ = True

    def fit(self, X, y):
        return self

    def predict(self, X):
        X = np.asarray(X)
        return X[:, 0] if not len(self.classes_) else X.argmax(axis=1)

    def predict_proba(self, X):
        return np.asarray(X)

    def get_params(self, deep=True):
        return {"classes": len(self.classes_)}

    def __sklearn_is_fitted__(self):
        return True


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("rows", [57, 400])
def test_quantiles_and_sets_are_those_of_mapie(coverage, rows):
    from mapie.classification import SplitConformalClassifier
    from mapie.regression import SplitConformalRegressor
    from sklearn.base import ClassifierMixin, RegressorMixin

    target, oof = library("regression", rows, 1)
    values = oof["m0"]
    kind = type("Regressor", (Given, RegressorMixin), {})
    theirs = SplitConformalRegressor(kind(), confidence_level=coverage, prefit=True)
    theirs.conformalize(values[:, None], target)
    _, bounds = theirs.predict_interval(np.array([[0.0], [2.0]]))
    ours = conformal.ConformalFit(
        "", coverage, conformal.quantile(np.abs(target - values), coverage), rows
    )
    np.testing.assert_allclose(
        bounds[:, :, 0], ours.interval(np.array([0.0, 2.0]), pd.DataFrame(index=range(2)))
    )

    codes, oof = library("multiclass", rows, 1)
    kind = type("Classifier", (Given, ClassifierMixin), {})
    sets = SplitConformalClassifier(
        kind(3), confidence_level=coverage, conformity_score="lac", prefit=True
    )
    sets.conformalize(oof["m0"], codes)
    _, inside = sets.predict_set(oof["m0"])
    mine = conformal.learn_sets(oof["m0"], codes, coverage).included(oof["m0"])
    likeliest = np.eye(3, dtype=bool)[oof["m0"].argmax(axis=1)]
    np.testing.assert_array_equal(inside[:, :, 0] | likeliest, mine)


def uneven(seed, coverage):
    """Errors that grow with column b: values, targets, columns, and what half of them taught."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=(2500, 2))
    values = 3 * x[:, 0]
    actual = values + rng.standard_t(4, 2500) * (0.1 + 2 * x[:, 1])
    design = pd.DataFrame(x, columns=["a", "b"])
    half = slice(0, 1250)
    learnt = conformal.learn_intervals(
        values[half], actual[half], design[half], np.arange(1250) % 5, coverage, seed=seed
    )
    return values, actual, design, learnt


@given(seed=st.integers(0, 1000), coverage=st.sampled_from([0.8, 0.9, 0.95]))
@settings(max_examples=15, deadline=None)
def test_intervals_hold_the_truth_as_often_as_promised(seed, coverage):
    values, actual, design, learnt = uneven(seed, coverage)
    stored = conformal.ConformalFit(**json.loads(json.dumps(learnt.facts())))
    seen = conformal.measure(stored, values[1250:], actual[1250:], design[1250:])
    # Twice the binomial error, of the rows learnt from and of those measured.
    assert abs(seen.measured.value - coverage) < 4 * np.sqrt(coverage * (1 - coverage) / 625)


def test_intervals_are_wide_where_errors_are_large():
    values, _, design, learnt = uneven(0, 0.9)
    widths = np.diff(learnt.interval(values[1250:], design[1250:]), axis=1)[:, 0]
    assert learnt.scale["kind"] == "columns"
    assert np.corrcoef(widths, design["b"][1250:])[0, 1] > 0.5


@given(seed=st.integers(0, 1000), k=st.sampled_from(["binary", "multiclass"]))
@settings(max_examples=15, deadline=None)
def test_sets_hold_the_truth_as_often_as_promised_and_are_never_empty(seed, k):
    codes, oof = library(k, 3000, 1, seed)
    p = oof["m0"]
    learnt = conformal.learn_sets(p[:1500], codes[:1500], 0.9)
    seen = conformal.measure(learnt, p[1500:], codes[1500:], pd.DataFrame(index=range(1500)))
    assert seen.measured.value > 0.9 - 4 * np.sqrt(0.09 / 750)
    assert learnt.included(p).any(axis=1).all()
    assert seen.size >= 1


@given(st.lists(st.integers(1, 4), min_size=10, max_size=40), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_a_weighted_row_counts_like_copies_but_for_the_one_that_is_added(weights, seed):
    scores = np.random.default_rng(seed).random(len(weights))
    weights = np.array(weights)
    found = conformal.quantile(scores, 0.8, weights)
    at, below = weights[scores <= found].sum(), weights[scores < found].sum()
    wanted = 0.8 * (weights.sum() + weights.mean())
    assert below < wanted + 1e-9
    assert at >= wanted - 1e-9 or found == scores.max()


def test_the_forest_as_plain_numbers_predicts_as_it_did():
    from sklearn.ensemble import RandomForestRegressor

    rng = np.random.default_rng(0)
    design = pd.DataFrame({"a": rng.normal(size=900), "b": rng.normal(size=900), "c": ["x"] * 900})
    design.loc[rng.random(900) < 0.2, "a"] = np.nan
    values = rng.normal(size=900)
    errors = np.abs(rng.normal(size=900)) * (1 + design["b"].abs() + design["a"].isna())
    scale = error_scale.fit("columns", values, errors, design, seed=3)
    assert scale["columns"] == ["a", "b"]
    matrix = np.column_stack([values, design[["a", "b"]]]).astype(np.float32)
    forest = RandomForestRegressor(
        20, max_leaf_nodes=32, min_samples_leaf=50, max_features=0.5, random_state=3
    ).fit(matrix, errors)
    stored = json.loads(json.dumps(scale))
    np.testing.assert_allclose(error_scale.predict(stored, values, design), forest.predict(matrix))
    unseen = design.assign(b=np.nan)
    unseen_matrix = np.column_stack([values, unseen[["a", "b"]]]).astype(np.float32)
    np.testing.assert_allclose(
        error_scale.predict(stored, values, unseen), forest.predict(unseen_matrix)
    )


# -- calibration and threshold -------------------------------------------------------


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_weighs_rows(task, method):
    codes, oof = library(task, 400, 1)
    weights = np.random.default_rng(2).integers(1, 4, 400)
    copies = np.repeat(np.arange(400), weights)
    weighted = calibration.fit(method, oof["m0"], codes, weights.astype(float))
    copied = calibration.fit(method, oof["m0"][copies], codes[copies])
    difference = weighted.apply(oof["m0"]) - copied.apply(oof["m0"])
    # Sigmoid's targets and the steps' edges know the number of rows.
    assert np.abs(difference).max() < 0.01


def test_a_step_function_has_to_be_better_than_chance_explains():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, 600)
    codes = (rng.uniform(size=600) < p).astype(int)
    scores = np.column_stack([1 - p, p])
    plain = {m: calibration.cross_fitted(m, scores, codes, 1) for m in calibration.METHODS}
    assert calibration.simplest(plain, codes) == "none"
    assert calibration.simplest(plain, codes, rng.uniform(0.5, 2, 600)) == "none"
    sure = np.column_stack([1 - p**3, p**3])
    plain = {m: calibration.cross_fitted(m, sure, codes, 1) for m in calibration.METHODS}
    assert calibration.simplest(plain, codes) == "sigmoid"


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 20), st.booleans(), st.integers(1, 3)), min_size=1, max_size=50
    ),
    name=st.sampled_from(["precision", "recall", "flagged"]),
    sign=st.sampled_from([">=", "<="]),
    limit=st.sampled_from(["0.2", "0.5", "0.9", "1"]),
)
@settings(max_examples=150, deadline=None)
def test_a_limit_is_kept_at_the_least_cost_or_said_to_be_out_of_reach(rows, name, sign, limit):
    p = np.array([score / 20 for score, *_ in rows])
    positive = np.array([happened for _, happened, _ in rows])
    weights = np.array([weight for *_, weight in rows], dtype=float)
    costs = Costs(false_positive=1, false_negative=3)
    chosen = threshold.by_rule(f"{name} {sign} {limit}", p, positive, costs, weights)

    def at(cut):
        act = p >= cut
        hits, flagged = weights[act & positive].sum(), weights[act].sum()
        total = weights[positive].sum()
        value = {
            "precision": hits / flagged if flagged else np.nan,
            "recall": hits / total if total else np.nan,
            "flagged": flagged / weights.sum(),
        }[name]
        wrong, missed = weights[act & ~positive].sum(), weights[~act & positive].sum()
        kept = value >= float(limit) - 1e-9 if sign == ">=" else value <= float(limit) + 1e-9
        return bool(kept), (wrong + 3 * missed) / weights.sum()

    kept, cost = at(chosen.threshold)
    others = [at(cut) for cut in {0.0, 1.0, *p, *(p + 1e-9)} if cut <= 1]
    possible = [cost for good, cost in others if good]
    assert kept is not bool(chosen.missed)
    assert bool(possible) is kept
    if kept:
        assert cost <= min(possible) + 1e-9
    assert 0 <= chosen.threshold <= 1


def test_a_precision_of_few_rows_is_not_trusted():
    p = np.r_[np.full(3, 0.99), np.linspace(0.5, 0.6, 200)]
    positive = np.r_[np.ones(3, bool), np.arange(200) % 2 == 0]
    chosen = threshold.by_rule("precision >= 0.9", p, positive, Costs())
    assert "3 flagged rows" in chosen.weak and not chosen.missed


# -- constraints, sanity -------------------------------------------------------------


def a_stage(file):
    return open_stage("automl", file.path, "runs/a")


def a_model(task, score, engine="lightgbm"):
    members = {"one": 0.5, "two": 0.5} if engine == "ensemble" else {}
    return SimpleNamespace(engine=engine, score=score, members=members)


def test_constraints_are_looked_at_not_taken_on_trust(binary_project, tmp_path):
    file = binary_project(
        automl__constraints={
            "milliseconds": 1.0,
            "interpretable": True,
            "monotonic": {"age": "increasing"},
            "force": ["income"],
        }
    )
    task = search_task(tmp_path, "binary")

    def rising(inputs):
        age = inputs.typed["age"].fillna(50).to_numpy()
        p = 1 / (1 + np.exp(-(age - 50) / 20 - np.log(inputs.typed["income"].to_numpy()) / 9))
        return np.column_stack([1 - p, p])

    def bent(inputs):
        p = np.abs(inputs.typed["age"].fillna(50).to_numpy() - 50) / 100
        return np.column_stack([1 - p, p])

    models = {
        "good": a_model(task, rising),
        "bent": a_model(task, bent),
        "slow": a_model(task, rising, "ensemble"),
    }
    found = constraints.violations(
        a_stage(file), task, models, {"good": 1.1, "bent": 0.1, "slow": 2.0}
    )
    assert found["good"] == []
    assert len(found["bent"]) == 2
    assert "age" in found["bent"][0] and "other way" in found["bent"][0]
    assert "income" in found["bent"][1] and "not used" in found["bent"][1]
    assert len(found["slow"]) == 2
    assert "longer than 1 ms" in found["slow"][0] and "not interpretable" in found["slow"][1]


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_a_model_that_sees_the_rows_held_out_is_caught(binary_project, tmp_path, kind):
    file = binary_project()
    stage = a_stage(file)
    stage.file.set("metric.name", "auto")
    task = search_task(tmp_path, kind, rows=400)
    if kind != "binary":
        stage = SimpleNamespace(
            project=stage.project.model_copy(
                update={"target": stage.project.target.model_copy(update={"task": kind})}
            ),
            progress=stage.progress,
        )
    trial = Trial("spy_1", "spy", "spy", 1)

    def plain(small, _):
        oof = small.empty_oof()
        for learn, held in small.folds.pairs():
            if kind == "regression":
                oof[held] = small.target[learn].mean()
            else:
                k = len(small.facts.classes)
                oof[held] = np.bincount(small.target[learn], minlength=k) / len(learn)
        return oof

    def leaky(small, given):
        oof = plain(small, given)
        if kind == "regression":
            return oof + 0.3 * (small.target - oof)
        return 0.8 * oof + 0.2 * np.eye(oof.shape[1])[small.target]

    found, checks = shuffled_labels.shuffled(stage, task, trial, plain)
    assert not found.better_than_chance and checks[0].severity == "ok"
    found, checks = shuffled_labels.shuffled(stage, task, trial, leaky)
    assert found.better_than_chance and checks[0].severity == "critical"
    assert "held out" in checks[0].remedy


def test_shuffled_labels_keep_rows_folds_and_weights_together(tmp_path):
    task = search_task(tmp_path, "binary", rows=300, weighted=True)
    small = shuffled_labels.permuted(task)
    assert sorted(small.target) == sorted(task.target)
    assert not np.array_equal(small.target, task.target)
    np.testing.assert_array_equal(small.folds.fold, task.folds.fold)
    pairs = sorted(zip(task.target, task.weights, strict=True))
    assert sorted(zip(small.target, small.weights, strict=True)) == pairs
    assert small.digest == shuffled_labels.permuted(task).digest != task.digest


def test_an_ensemble_is_stood_in_for_by_its_heaviest_quick_member():
    trials = {
        name: Trial(name, "x", "x", 1, cost=cost)
        for name, cost in (("net", 20.0), ("trees", 1.0), ("line", 0.2))
    }
    weights = {"net": 0.6, "trees": 0.3, "line": 0.1}
    assert shuffled_labels.quick_member(weights, trials).name == "trees"
    assert shuffled_labels.quick_member({"net": 1.0}, trials).name == "net"
    assert shuffled_labels.quick_member({"gone": 1.0}, trials) is None


# -- leaderboard ---------------------------------------------------------------------


def entry(name, value, engine="h2o", **facts):
    return Entry(
        name=name, engine=engine, family="x", score=Interval(value=value), size_kib=1, **facts
    )


def test_the_front_holds_what_nothing_beats_in_both():
    board = Leaderboard(
        metric="log_loss", greater_is_better=False, train_rows=9, scored_rows=9, folds=3,
        fold_method="x",
        entries=[
            entry("best", 0.1), entry("slower", 0.2), entry("quick", 0.3),
            entry("worse", 0.4), entry("quickest", 0.5), entry("barred", 0.05, violates=["no"]),
        ],
    )  # fmt: skip
    seconds = {"best": 5, "slower": 6, "quick": 2, "worse": 3, "quickest": 1, "barred": 0.1}
    search = SearchSummary(
        preset="quick", engines=[], scoring_seconds=seconds, reproducible=True,
        reproducible_reason="",
    )  # fmt: skip
    assert leaderboard.pareto(board, search) == ["quickest", "quick", "best"]


# -- a whole run ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory, table_dir):
    """A small search with simple models, its champion chosen; and the project file."""
    folder = tmp_path_factory.mktemp("choice")
    file = toolkit.new(table_dir / "binary.csv", "churn", folder / "p")
    for key, value in {
        "automl.engines": ["baseline", "forest"],
        "automl.folds": 3,
        "automl.budget.models": 3,
        "explain.bootstrap": 100,
        "tracking.enabled": False,
        "choice.ensemble": "always",
    }.items():
        file.set(key, value, by="test")
    file = ProjectFile(file.path)
    stage = open_stage("scoping", file.path, "runs/a")
    data.intake(stage)
    stage.finish()
    stage = open_stage("eda", file.path, "runs/a")
    data.make_split(stage)
    stage.finish()
    stage = open_stage("automl", file.path, "runs/a")
    board, found = automl.search(stage)
    champion = automl.choose(stage)
    stage.finish()
    return SimpleNamespace(
        file=file, board=board, search=found, champion=champion, run=stage.run.folder
    )


def again(finished, **choices):
    """The stage once more, on a copy of the choices."""
    stage = open_stage(
        "automl", finished.file.path, "runs/a", [f"{k}={v}" for k, v in choices.items()]
    )
    stage.run.release()
    return stage


def test_the_ensemble_is_a_model_like_any_other(finished):
    board, champion = finished.board, finished.champion
    blend = next(e for e in board.entries if e.engine == "ensemble")
    assert champion.name == blend.name and champion.rule == "best"
    assert sum(blend.members.values()) == pytest.approx(1)
    model = automl.load_model(finished.run / champion.model)
    stage = again(finished)
    part = load_part(stage, "validation")
    members = {
        name: automl.load_model(finished.run / "models" / name).raw(part.frame)
        for name in blend.members
    }
    space = json.loads((model.folder / "native" / "ensemble.json").read_text())["space"]
    expected = objectives.combine(list(members.values()), list(blend.members.values()), space)
    np.testing.assert_allclose(model.raw(part.frame), expected, atol=1e-12)
    assert blend.complexity == sum(e.complexity for e in board.entries if e.name in blend.members)


def test_leaderboard_and_champion_say_how_sure_they_are(finished):
    board, champion = finished.board, finished.champion
    frame = again(finished).run.read(OutOfFoldPredictions).frame
    assert board.scored_rows == (frame["fold"] >= 0).sum()
    for item in board.entries:
        assert item.score.low < item.score.value < item.score.high
        assert 0 <= item.calibration_error < 1
    holdout = champion.holdout
    assert holdout.optimism == pytest.approx(holdout.score.value - holdout.selection)  # a loss
    assert holdout.optimism_low < holdout.optimism < holdout.optimism_high
    # Both scores have their own uncertainty: more than the holdout's alone.
    assert holdout.optimism_high - holdout.optimism_low > holdout.score.high - holdout.score.low
    assert board.winner.name == next(e.name for e in board.entries if e.engine != "ensemble")
    assert board.winner.selection_bias >= 0
    assert holdout.selection_bias == (
        board.winner.selection_bias if champion.name == board.winner.name else None
    )
    assert champion.conformal.measured.low <= champion.conformal.measured.value
    assert champion.shuffled is not None and not champion.shuffled.better_than_chance
    names = {check.name for check in champion.checks}
    assert {"Selection against unseen rows", "Coverage on unseen rows", "Shuffled labels"} <= names
    model = automl.load_champion(again(finished))
    sets = model.prediction_set(load_part(again(finished), "validation").frame.head(20))
    assert all(inside and set(inside) <= {"no", "yes"} for inside in sets)
    with pytest.raises(ModelError, match="prediction_set"):
        model.interval(load_part(again(finished), "validation").frame)
    with pytest.raises(ModelError, match="only the champion"):
        automl.load_model(finished.run / "models" / "baseline_linear").prediction_set(
            load_part(again(finished), "validation").frame
        )


def test_the_champion_follows_rule_or_person(finished):
    from toolkit.automl.champion_choice import pick

    board = finished.board
    singles = [e for e in board.entries if e.engine != "ensemble"]
    never = pick(again(finished, **{"choice.ensemble": "never"}), board)
    assert never.entry == singles[0] and "single models" in never.reason
    auto = pick(again(finished, **{"choice.ensemble": "auto"}), board)
    assert ("not clearly better" in auto.reason) is (auto.entry.engine != "ensemble")
    gain = board.winner.ensemble_gain
    # What is shown adds up: the leaderboard's two scores, the selection bias, and the gain.
    score = {e.name: e.score.value for e in board.entries}
    shown = score[board.winner.name] - score["ensemble"]  # a loss
    assert gain.value == pytest.approx(shown + board.winner.selection_bias)
    first = board.entries[0]
    alone = next(e for e in board.entries if e.name == board.winner.name)
    if first.engine == "ensemble":
        assert alone.within_noise is (gain.low <= 0)
    assert (auto.entry.engine == "ensemble") is (gain.low > 0)
    clear = board.winner.model_copy(
        update={"ensemble_gain": gain.model_copy(update={"value": 0.2, "low": 0.1, "high": 0.3})}
    )
    sure = pick(again(finished, **{"choice.ensemble": "auto"}),
                board.model_copy(update={"winner": clear}))  # fmt: skip
    assert sure.entry.engine == "ensemble" and "beyond sampling error" in sure.reason
    barred = [e.model_copy(update={"violates": ["It is too slow."]}) for e in board.entries]
    kept = [*barred[:-1], board.entries[-1]]
    only = pick(again(finished), board.model_copy(update={"entries": kept}))
    assert only.entry == board.entries[-1] and "break a constraint" in only.reason
    with pytest.raises(ProjectError, match="keeps to the constraints"):
        pick(again(finished), board.model_copy(update={"entries": barred}))
    by_hand = again(finished, **{"choice.champion": barred[0].name, "choice.reason": "needed"})
    found = pick(by_hand, board.model_copy(update={"entries": barred}))
    assert found.rule == "by hand" and found.checks[0].severity == "warning"
    with pytest.raises(ProjectError, match=r"choice\.champion"):
        pick(again(finished, **{"choice.champion": "x", "choice.reason": "y"}), board)


def test_the_champion_can_be_had_again_and_what_is_in_the_way_is_named(finished, capsys):
    # As after a label review in which nobody changed a label.
    Run(finished.run).write(Replay().patch())
    before = sorted(path.name for path in finished.run.rglob("*"))
    said = []
    found = reproduce(finished.run, said.append)
    assert found.grade == "exact" and found.difference == 0, found.lines()
    assert all(part.same_files for part in found.parts)
    assert {part.name for part in found.parts} == set(
        next(e for e in finished.board.entries if e.engine == "ensemble").members
    )
    assert any("fitted" in text for text in said)
    assert sorted(path.name for path in finished.run.rglob("*")) == before
    with pytest.raises(SystemExit) as ended:
        main(["reproduce", str(finished.run.parent)])
    assert ended.value.code == 2
    assert "neither a run nor a project" in capsys.readouterr().err
    worse = dataclasses.replace(found, grade="not reproducible", causes=["Deep nets: x."])
    assert "cause: Deep nets" in "\n".join(worse.lines())
