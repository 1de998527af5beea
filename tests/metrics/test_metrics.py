from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit import metrics
from toolkit.errors import ProjectError, UsageError
from toolkit.metrics import Context
from toolkit.project.criteria import Costs, Fairness, MetricSettings
from toolkit.project.data import Column, Data
from toolkit.project.model import Project, Target

BINARY = Context("binary", ["no", "yes"], threshold=0.5)
THREE = Context("multiclass", ["a", "b", "c"])
NUMBERS = Context("regression")


def binary_rows(n=400, seed=0, decimals=2):
    generator = np.random.default_rng(seed)
    p = generator.random(n).round(decimals)  # ties
    actual = np.where(generator.random(n) < p, "yes", "no")
    return actual, np.column_stack([1 - p, p])


def three_rows(n=500, seed=0):
    generator = np.random.default_rng(seed)
    scores = generator.dirichlet([1, 2, 0.5], n)
    actual = np.array(["a", "b", "c"])[[generator.choice(3, p=row) for row in scores]]
    return actual, scores


def project(task="binary", metric=None, costs=None, fairness=None, protected=True):
    return Project(
        name="p",
        data=Data(source="t.csv"),
        columns={
            "y": Column(type="category", role="target"),
            "sex": Column(type="category", protected=protected),
        },
        target=Target(column="y", task=task, positive="yes" if task == "binary" else None),
        metric=MetricSettings(**(metric or {})),
        costs=Costs(**(costs or {})),
        fairness=Fairness(**(fairness or {})),
    )


def test_binary_metrics_equal_scikit_learn():
    from sklearn import metrics as sk

    actual, scores = binary_rows()
    y, p = actual == "yes", scores[:, 1]
    decided = p >= 0.5
    expected = {
        "roc_auc": sk.roc_auc_score(y, p),
        "average_precision": sk.average_precision_score(y, p),
        "log_loss": sk.log_loss(y, np.clip(p, 1e-15, 1 - 1e-15)),
        "brier": sk.brier_score_loss(y, p),
        "f1": sk.f1_score(y, decided),
        "balanced_accuracy": sk.balanced_accuracy_score(y, decided),
        "accuracy": sk.accuracy_score(y, decided),
        "expected_cost": np.mean(y != decided),
    }
    assert list(expected) == metrics.for_task("binary")
    for name, value in expected.items():
        assert metrics.get(name)(actual, scores, BINARY) == pytest.approx(value, rel=1e-9), name


def test_multiclass_metrics_equal_scikit_learn():
    from sklearn import metrics as sk

    actual, scores = three_rows()
    decided = np.array(["a", "b", "c"])[scores.argmax(axis=1)]
    expected = {
        "log_loss": sk.log_loss(actual, scores),
        "brier": np.mean(((scores - (actual[:, None] == ["a", "b", "c"])) ** 2).sum(axis=1)),
        "accuracy": sk.accuracy_score(actual, decided),
        "balanced_accuracy": sk.balanced_accuracy_score(actual, decided),
        "f1_macro": sk.f1_score(actual, decided, average="macro"),
        "roc_auc_ovr": sk.roc_auc_score(actual, scores, multi_class="ovr"),
        "expected_cost": np.mean(actual != decided),
    }
    assert list(expected) == metrics.for_task("multiclass")
    for name, value in expected.items():
        assert metrics.get(name)(actual, scores, THREE) == pytest.approx(value, rel=1e-6), name


def test_regression_metrics_equal_scikit_learn():
    from sklearn import metrics as sk

    generator = np.random.default_rng(0)
    for n in (300, 301):
        actual = generator.normal(size=n)
        guess = actual + generator.normal(size=n)
        expected = {
            "rmse": sk.root_mean_squared_error(actual, guess),
            "mae": sk.mean_absolute_error(actual, guess),
            "r2": sk.r2_score(actual, guess),
            "median_absolute_error": sk.median_absolute_error(actual, guess),
        }
        assert list(expected) == metrics.for_task("regression")
        for name, value in expected.items():
            assert metrics.get(name)(actual, guess, NUMBERS) == pytest.approx(value), name


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    weights=st.lists(st.integers(0, 3), min_size=30, max_size=30),
    task=st.sampled_from(["binary", "multiclass", "regression"]),
)
def test_a_weight_counts_as_that_many_copies_of_the_row(seed, weights, task):
    context = {"binary": BINARY, "multiclass": THREE, "regression": NUMBERS}[task]
    if task == "binary":
        actual, scores = binary_rows(30, seed, decimals=1)
    elif task == "multiclass":
        actual, scores = three_rows(30, seed)
    else:
        actual, scores = np.random.default_rng(seed).normal(size=(2, 30)).round(1)
    if not sum(weights):
        weights = [1] * 30
    copies = np.repeat(np.arange(30), weights)
    for name in metrics.for_task(task):
        metric = metrics.get(name)
        weighted = metric.statistic(actual, scores, context)(np.array(weights, dtype=float))
        plain = metric(actual[copies], scores[copies], context)
        assert weighted == (None if plain is None else pytest.approx(plain, abs=1e-12)), name


def test_one_class_leaves_ranking_undefined_and_errors_defined():
    scores = np.array([[0.2, 0.8], [0.6, 0.4]])
    for label in ("no", "yes"):
        actual = np.array([label, label])
        for name in ("roc_auc", "average_precision", "balanced_accuracy"):
            assert metrics.get(name)(actual, scores, BINARY) is None
        assert metrics.get("accuracy")(actual, scores, BINARY) == 0.5
        assert metrics.get("log_loss")(actual, scores, BINARY) > 0
    assert metrics.get("f1")(np.array(["no", "no"]), scores, BINARY) is None
    assert metrics.get("r2")(np.ones(2), np.array([0.0, 1.0]), NUMBERS) is None


def test_a_class_without_rows_and_a_label_without_class_do_no_harm():
    actual, scores = three_rows(60)
    absent = actual != "c"
    for name in metrics.for_task("multiclass"):
        assert metrics.get(name)(actual[absent], scores[absent], THREE) is not None
    unseen = actual.astype(object)
    unseen[:5] = "new"
    for name in metrics.for_task("multiclass"):
        value = metrics.get(name)(unseen, scores, THREE)
        assert value is not None and np.isfinite(value), name
    assert metrics.get("accuracy")(np.array(["new"]), scores[:1], THREE) == 0


def test_no_rows_give_no_value():
    for name in metrics.for_task("binary"):
        metric = metrics.get(name)
        assert metric(np.array([]), np.empty((0, 2)), BINARY) is None
        assert metrics.bootstrap(metric, [], np.empty((0, 2)), BINARY).value is None


def test_an_unknown_metric_is_refused():
    with pytest.raises(UsageError, match="roc_auc"):
        metrics.get("auc_roc")


def test_bootstrap_covers_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(1)
    metric, hits = metrics.get("mae"), 0
    truth = np.sqrt(2 / np.pi)  # mean absolute value of a standard normal
    for trial in range(200):
        errors = generator.normal(size=150)
        found = metrics.bootstrap(
            metric, errors, np.zeros(150), NUMBERS, resampling=metrics.Resampling(200, 0.9, trial)
        )
        hits += found.low <= truth <= found.high
    assert 0.83 <= hits / 200 <= 0.96


def test_bootstrap_repeats_and_widens_with_confidence():
    actual, scores = binary_rows()
    metric = metrics.get("roc_auc")
    narrow = metrics.bootstrap(
        metric, actual, scores, BINARY, resampling=metrics.Resampling(confidence=0.8)
    )
    again = metrics.bootstrap(
        metric, actual, scores, BINARY, resampling=metrics.Resampling(confidence=0.8)
    )
    wide = metrics.bootstrap(
        metric, actual, scores, BINARY, resampling=metrics.Resampling(confidence=0.99)
    )
    assert narrow == again
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_many_rows_take_the_bounded_way_and_agree(monkeypatch):
    from toolkit.metrics import resampling

    actual, scores = binary_rows(5_000)
    metric = metrics.get("log_loss")
    exact = metrics.bootstrap(metric, actual, scores, BINARY, resampling=metrics.Resampling(1_000))
    monkeypatch.setattr(resampling, "_ROW_BUDGET", 5_000 * 200)
    bounded = metrics.bootstrap(
        metric, actual, scores, BINARY, resampling=metrics.Resampling(1_000)
    )
    assert bounded.value == exact.value
    width = exact.high - exact.low
    assert abs(bounded.low - exact.low) < 0.15 * width
    assert abs(bounded.high - exact.high) < 0.15 * width


def test_a_rare_class_gives_a_value_without_an_unfounded_interval():
    actual = np.array(["no"] * 50 + ["yes"])
    p = np.linspace(0, 1, 51)
    found = metrics.bootstrap(metrics.get("roc_auc"), actual, p, BINARY)
    assert found.value == 1
    alone = metrics.bootstrap(metrics.get("roc_auc"), actual[:50], p[:50], BINARY)
    assert (alone.value, alone.low) == (None, None)


def test_paired_difference_is_narrower_than_its_parts():
    actual, scores = binary_rows(800)
    worse = np.clip(scores + np.array([[-0.02, 0.02]]), 0.001, 0.999)
    metric = metrics.get("log_loss")
    difference = metrics.paired_difference(metric, actual, worse, scores, BINARY)
    single = metrics.bootstrap(metric, actual, scores, BINARY)
    assert difference.value == pytest.approx(
        metric(actual, worse, BINARY) - metric(actual, scores, BINARY)
    )
    assert difference.high - difference.low < (single.high - single.low) / 2
    same = metrics.paired_difference(metric, actual, scores, scores, BINARY)
    assert (same.low, same.value, same.high) == (0, 0, 0)


@given(
    fp=st.floats(0, 10), fn=st.floats(0, 10), tp=st.floats(-5, 0), tn=st.floats(-5, 0),
    p=st.floats(0, 1),
)  # fmt: skip
def test_the_cost_threshold_takes_the_cheaper_decision(fp, fn, tp, tn, p):
    costs = Costs(false_positive=fp, false_negative=fn, true_positive=tp, true_negative=tn)
    threshold = metrics.cost_threshold(costs)
    act, leave = p * tp + (1 - p) * fp, p * fn + (1 - p) * tn
    assert 0 <= threshold <= 1
    assert min(act, leave) == pytest.approx(act if p >= threshold else leave, abs=1e-9)


def test_costs_that_reward_errors_are_refused():
    with pytest.raises(ProjectError, match="costs"):
        metrics.cost_threshold(
            Costs(false_positive=0, false_negative=0, true_positive=1, true_negative=1)
        )


def test_decisions_follow_threshold_costs_and_probability():
    p = np.array([[0.7, 0.3], [0.5, 0.5], [0.2, 0.8]])
    assert metrics.decide(p, BINARY).tolist() == ["no", "yes", "yes"]
    cheap = Context("binary", ["no", "yes"], costs=Costs(false_negative=9))
    assert metrics.decide(p, cheap).tolist() == ["yes", "yes", "yes"]
    scores = np.array([[0.5, 0.3, 0.2]])
    assert metrics.decide(scores, THREE).tolist() == ["a"]
    dear = Context("multiclass", ["a", "b", "c"], costs=Costs(matrix={"c": {"a": 9, "b": 9}}))
    assert metrics.decide(scores, dear).tolist() == ["c"]
    assert metrics.get("expected_cost")(np.array(["c"]), np.eye(3)[:1], dear) == 9
    assert metrics.decide([1.5], NUMBERS).tolist() == [1.5]


def test_constant_scores_are_shares_mean_or_median():
    guess = metrics.constant_scores(np.array(["yes", "no", "no", "no"]), 2, BINARY)
    assert guess.tolist() == [[0.75, 0.25]] * 2
    values = [0.0, 1.0, 8.0, np.nan]
    assert metrics.constant_scores(values, 2, NUMBERS).tolist() == [3, 3]
    assert metrics.constant_scores(values, 1, NUMBERS, metric="mae").tolist() == [1]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=30),
    st.floats(0, 1),
    st.lists(st.integers(0, 9), min_size=9, max_size=9),
    st.booleans(),
)
def test_the_constant_guess_is_the_best_constant_decision_of_each_metric(codes, cut, costs, two):
    classes = ["a", "b"] if two else ["a", "b", "c"]
    codes = np.minimum(codes, len(classes) - 1)
    actual = np.array(classes, dtype=object)[codes]
    if two:
        given = Costs(false_positive=costs[0], false_negative=costs[1])
        context = Context("binary", classes, cut, given)
    else:
        cells = {a: {b: float(costs[3 * i + j]) for j, b in enumerate(classes) if i != j}
                 for i, a in enumerate(classes)}  # fmt: skip
        context = Context("multiclass", classes, None, Costs(matrix=cells))
    plain = Context("multiclass", classes, None)
    names = ["expected_cost", "accuracy", "balanced_accuracy", *(["f1"] if two else ["f1_macro"])]
    for name in names:
        metric, cost = metrics.get(name), name == "expected_cost"
        best = []
        for k in range(len(classes)):
            if cost:
                best.append(metrics.cost_matrix(context)[codes, k].mean())
            elif two:
                score = np.tile(np.where(np.arange(2) == k, 2.0, -1.0), (len(actual), 1))
                best.append(metric(actual, score, context))
            else:
                best.append(metric(actual, np.eye(len(classes))[[k] * len(actual)], plain))
        guess = metrics.constant_scores(actual, len(actual), context, metric=name)
        found = metric(actual, guess, context)
        known = [each for each in best if each is not None]
        if not known:
            assert found is None
        elif cost or two:
            assert found == pytest.approx(min(known) if cost else max(known)), name


def test_calibration_is_near_zero_for_true_probabilities_and_large_for_wrong_ones():
    actual, scores = binary_rows(20_000, decimals=6)
    happened, p = actual == "yes", scores[:, 1]
    assert metrics.calibration_error(happened, p) < 0.02
    assert metrics.calibration_error(happened, np.full(len(p), 0.9)) == pytest.approx(
        0.9 - happened.mean()
    )
    bins = metrics.calibration_bins(happened, p, 10)
    assert sum(item.rows for item in bins) == len(p)
    assert all(1_900 <= item.rows <= 2_100 for item in bins)
    assert all(item.low <= item.observed <= item.high for item in bins)
    predicted = [item.predicted for item in bins]
    assert predicted == sorted(predicted)


def test_equal_probabilities_share_a_bin():
    bins = metrics.calibration_bins([1, 0, 0, 1], [0.5] * 4, 10)
    assert [(item.rows, item.observed) for item in bins] == [(4, 0.5)]
    assert metrics.calibration_bins([], [], 10) == []


@pytest.mark.parametrize(
    ("task", "answers", "costs", "name"),
    [
        ("binary", {}, {}, "log_loss"),
        ("binary", {"ranking_matters": True}, {}, "roc_auc"),
        ("binary", {"probability_used": False}, {}, "accuracy"),
        ("binary", {"probability_used": False}, {"false_negative": 5}, "expected_cost"),
        ("binary", {"name": "f1"}, {}, "f1"),
        ("multiclass", {"ranking_matters": True}, {}, "roc_auc_ovr"),
        ("multiclass", {"probability_used": False}, {"matrix": {"a": {"b": 3}}}, "expected_cost"),
        ("regression", {}, {}, "rmse"),
        ("regression", {"large_errors_worse": False}, {}, "mae"),
    ],
)
def test_the_wizard_follows_use_and_costs(task, answers, costs, name):
    found, reason = metrics.resolve(project(task, answers, costs))
    assert found == name
    assert reason.endswith(".")


def test_a_metric_of_another_task_is_refused_with_the_allowed_ones():
    with pytest.raises(ProjectError, match=r"metric\.name.*rmse, mae"):
        metrics.resolve(project("regression", {"name": "roc_auc"}))
    with pytest.raises(ProjectError, match=r"fairness\.metric.*group_error_difference"):
        metrics.resolve_fairness(
            project("regression", fairness={"metric": "equalized_odds_difference"})
        )


@pytest.mark.parametrize(
    ("task", "answers", "name"),
    [
        ("binary", {"people_affected": False}, "none"),
        ("binary", {"label_trusted": False}, "demographic_parity_difference"),
        ("binary", {"errors_matter_most": "missed"}, "equal_opportunity_difference"),
        ("binary", {"errors_matter_most": "wrongly_flagged"}, "predictive_parity_difference"),
        ("binary", {"errors_matter_most": "both"}, "equalized_odds_difference"),
        ("binary", {"outcome_is_benefit": True}, "equal_opportunity_difference"),
        ("binary", {}, "equalized_odds_difference"),
        ("multiclass", {"people_affected": True}, "group_error_difference"),
        ("regression", {}, "group_error_difference"),
    ],
)
def test_the_questionnaire_leads_to_a_fairness_metric(task, answers, name):
    found, reason = metrics.resolve_fairness(project(task, fairness=answers))
    assert found == name
    assert reason.endswith(".")


def test_without_protected_columns_nothing_is_compared():
    assert metrics.resolve_fairness(project(protected=False))[0] == "none"


@given(st.integers(1, 100_000), st.data())
def test_wilson_holds_the_share(rows, data):
    successes = data.draw(st.integers(0, rows) | st.sampled_from([0, rows]))
    low, high = metrics.wilson(successes, rows)
    assert 0 <= low <= successes / rows <= high <= 1


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "f1"])
@pytest.mark.parametrize("weighted", [False, True])
def test_several_models_on_common_resamples_are_judged_as_one_by_one(name, weighted):
    actual, scores = binary_rows()
    others = {
        "a": scores,
        "b": np.clip(scores + np.array([-0.1, 0.1]), 0.001, 0.999),
        "c": scores[:, ::-1],
    }
    weights = np.random.default_rng(3).uniform(0.1, 3, len(actual)) if weighted else None
    metric = metrics.get(name)
    options = {"resampling": metrics.Resampling(60, seed=5), "weights": weights}
    found = metrics.joint(metric, actual, others, BINARY, **options)
    for model, own in others.items():
        assert found.interval(model) == metrics.bootstrap(metric, actual, own, BINARY, **options)
    one_by_one = metrics.paired_difference(
        metric, actual, others["a"], others["b"], BINARY, **options
    )
    assert found.difference("a", "b") == one_by_one
    assert metrics.joint(metric, [], {"a": np.empty((0, 2))}, BINARY).interval("a").value is None


def test_the_best_of_equal_models_has_selection_bias_only_and_a_better_one_has_not():
    """Forty coins: the best looks good on the rows that chose it, and is worth .5 on others."""
    generator = np.random.default_rng(1)
    actual = np.where(generator.random(300) < 0.5, "yes", "no")
    coins = {f"coin_{n}": generator.random(300) for n in range(40)}
    given = {name: np.column_stack([1 - p, p]) for name, p in coins.items()}
    metric = metrics.get("roc_auc")
    options = {"resampling": metrics.Resampling(200, seed=3)}
    found = metrics.joint(metric, actual, given, BINARY, contenders=list(given), **options)
    best = max(found.values, key=lambda name: found.values[name])
    assert found.values[best] > 0.55
    selection_bias = found.beside_winner(best).value
    assert found.values[best] - selection_bias == pytest.approx(0.5, abs=0.03)

    knows = np.clip((actual == "yes") * 0.3 + generator.random(300) * 0.7, 0, 1)
    both = given | {"knows": np.column_stack([1 - knows, knows])}
    beside = metrics.joint(metric, actual, both, BINARY, contenders=list(given), **options)
    assert beside.beside_winner(best) == found.beside_winner(best)
    assert beside.beside_winner("knows").low > 0
    inside = metrics.joint(metric, actual, both, BINARY, contenders=list(both), **options)
    assert inside.beside_winner("knows").value == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("rows", [1, 2, 5, 8, 40])
@pytest.mark.parametrize("name", ["r2", "rmse", "mae"])
def test_equal_models_have_no_selection_bias_on_however_few_rows(rows, name):
    generator = np.random.default_rng(rows)
    actual = generator.lognormal(0, 1, rows)
    same = dict.fromkeys("abc", actual + generator.normal(size=rows))
    weights = np.r_[np.ones(min(rows, 10)), np.zeros(max(0, rows - 10))]
    found = metrics.joint(
        metrics.get(name), actual, same, NUMBERS, weights=weights, contenders=list(same)
    )
    assert found.beside_winner("a").value in (None, 0)


def test_codes_stand_for_labels():
    actual, scores = three_rows()
    codes = metrics.class_codes(actual, THREE.classes)
    for name in metrics.for_task("multiclass"):
        metric = metrics.get(name)
        assert metric(codes, scores, THREE) == metric(actual, scores, THREE), name


@settings(max_examples=30, deadline=None)
@given(weights=st.lists(st.integers(1, 3), min_size=30, max_size=30), seed=st.integers(0, 1000))
def test_weights_in_calls_constants_and_calibration_count_like_copies(weights, seed):
    actual, scores = binary_rows(30, seed, decimals=1)
    counted, copies = np.array(weights, float), np.repeat(np.arange(30), weights)
    for name in metrics.for_task("binary"):
        weighted = metrics.get(name)(actual, scores, BINARY, counted)
        plain = metrics.get(name)(actual[copies], scores[copies], BINARY)
        assert weighted == (None if plain is None else pytest.approx(plain, abs=1e-12)), name
    np.testing.assert_allclose(
        metrics.constant_scores(actual, 1, BINARY, weights=counted),
        metrics.constant_scores(actual[copies], 1, BINARY),
    )
    for metric in ("rmse", "mae"):
        values = scores[:, 1]
        np.testing.assert_allclose(
            metrics.constant_scores(values, 1, NUMBERS, metric=metric, weights=counted),
            metrics.constant_scores(values[copies], 1, NUMBERS, metric=metric),
        )
    # One bin: the edges of several are quantiles of rows.
    happened, p = actual == "yes", scores[:, 1]
    assert metrics.calibration_error(happened, p, 1, weights=counted) == pytest.approx(
        metrics.calibration_error(happened[copies], p[copies], 1)
    )
    (weighted,) = metrics.calibration_bins(happened, p, 1, weights=counted)
    (plain,) = metrics.calibration_bins(happened[copies], p[copies], 1)
    assert weighted.observed == pytest.approx(plain.observed)
    assert weighted.high - weighted.low >= plain.high - plain.low - 1e-9
    assert weighted.low <= weighted.observed <= weighted.high


def holds(found) -> bool:
    """Whether an interval holds its own estimate."""
    if found.low is None or found.high is None:
        return found.low is found.high
    return found.value is not None and found.low <= found.value <= found.high


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 40), st.integers(0, 10_000), st.sampled_from([0.5, 1.0, 8.0]),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_no_interval_excludes_its_own_estimate(rows, seed, skew, weighted, blocked):
    from toolkit.evaluate.errors.error_tree import mean_interval as node_interval
    from toolkit.evaluate.fairness.group_rates import compare, group_rates, mean_interval

    rng = np.random.default_rng(seed)
    actual, scores = binary_rows(rows, seed, decimals=1)
    counted = rng.random(rows) ** skew + 1e-3 if weighted else None
    blocks = rng.integers(0, 5, rows) if blocked else None
    numbers = rng.random(rows) ** skew * 1e6
    quick = metrics.Resampling(60, seed=seed)
    for task, context, y, p in (
        ("binary", BINARY, actual, scores), ("regression", NUMBERS, numbers, numbers[::-1].copy()),
    ):  # fmt: skip
        for name in metrics.for_task(task):
            metric = metrics.get(name)
            drawn = dataclasses.replace(quick, blocks=blocks)
            assert holds(
                metrics.bootstrap(metric, y, p, context, resampling=drawn, weights=counted)
            ), name
            given = {"a": p, "b": p[::-1], "c": np.full_like(p, 0.5)}
            assert holds(
                metrics.paired_difference(metric, y, p, p[::-1], context, resampling=quick)
            ), name
            joint = metrics.joint(
                metric, y, given, context, resampling=quick, contenders=["a", "b"]
            )
            assert holds(joint.interval("a")) and holds(joint.difference("a", "c")), name
            assert holds(joint.beside_winner("c")), name
    decided, groups = rng.random(rows) < 0.1, rng.integers(0, 3, rows)
    assert all(map(holds, group_rates(actual == "yes", decided).values()))
    assert holds(mean_interval(numbers, 0.95, float(numbers.var()), counted))
    assert holds(node_interval(numbers, quick, root=True))
    for name in ("equalized_odds_difference", "group_error_difference"):
        made = compare(name, actual == "yes", decided, numbers, groups, count=3, minimum=1,
                       confidence=0.95, shares=name != "group_error_difference")  # fmt: skip
        assert holds(made.difference), name


def test_rows_of_one_block_are_drawn_together():
    blocks = np.repeat(np.arange(20), 5)
    for drawn in metrics.resamples(100, 30, 3, blocks):
        assert all(len(set(drawn[blocks == k])) == 1 for k in range(20))
    values = np.repeat(np.random.default_rng(0).normal(size=20), 5)
    alone = metrics.bootstrap(metrics.get("mae"), values, np.zeros(100), NUMBERS)
    together = metrics.Resampling(blocks=blocks)
    whole = metrics.bootstrap(
        metrics.get("mae"), values, np.zeros(100), NUMBERS, resampling=together
    )
    assert whole.high - whole.low > 1.5 * (alone.high - alone.low)


def test_the_area_s_projection_agrees_with_drawing_it_again():
    from toolkit.metrics.resampling import draws, on_resamples

    actual, scores = binary_rows(400, 3, decimals=2)
    statistic = metrics.get("roc_auc").statistic(actual, scores, BINARY)
    weights = next(iter(draws(400, 1_000, 7)))
    exact = np.array([statistic(each) for each in weights])
    found = on_resamples(statistic, weights)
    ends = [0.025, 0.5, 0.975]
    apart = np.quantile(found, ends) - np.quantile(exact, ends)
    assert np.abs(apart).max() < 0.15 * exact.std()
    assert found.std() == pytest.approx(exact.std(), rel=0.04)
