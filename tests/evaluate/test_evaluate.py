from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.explain_runs import FunctionModel, make_stage

from toolkit.artifacts import Evaluation, Interval, TestPredictions
from toolkit.errors import ModelError, ProjectError
from toolkit.evaluate import (
    compare,
    conditions,
    evaluate,
    fairness_statistic,
    group_rates,
    holm,
    weakest,
)

NASTY = "<script>alert(1)</script>"


def people(n=1_500, seed=0, *, unfair=False, equally_hard=False):
    """Rows with a known probability ``p``, which is what the model of the tests says."""
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "p": generator.random(n),
            "sex": generator.choice(["female", "male"], n),
            "age": generator.integers(18, 80, n).astype(float),
            "city": generator.choice(["Łódź", NASTY, "São Paulo"], n),
        }
    )
    frame.loc[::11, "age"] = np.nan
    if equally_hard:
        frame["p"] = np.where(frame["p"] < 0.5, 0.2, 0.8)
    truth = frame["p"].to_numpy().copy()
    if unfair:
        male = (frame["sex"] == "male").to_numpy()
        truth[male] = 1 - truth[male]
    frame["y"] = np.where(generator.random(n) < truth, "yes", "no")
    return frame


def fair_model(task="binary"):
    return FunctionModel(
        lambda f: np.column_stack([1 - f["p"], f["p"]]),
        ["p", "sex", "age", "city"],
        task,
        ["no", "yes"],
        0.5,
    )


def run(folder, frame, model, **more):
    task = model.task
    positive = "yes" if task == "binary" else None
    stage = make_stage(
        folder, frame, "y", task, positive=positive, protected=("sex", "age"), **more
    )
    return stage, evaluate(stage, model)


def test_binary_numbers_agree_with_the_predictions_written(tmp_path):
    from sklearn import metrics as sk

    stage, found = run(
        tmp_path,
        people(),
        fair_model(),
        costs={"false_negative": 4},
        acceptance=[
            {"metric": "roc_auc", "at_least": 0.6},
            {"metric": "roc_auc", "at_least": 0.99},
            {"metric": "log_loss", "at_most": 0.5},
        ],
    )
    assert stage.read(Evaluation) == found
    frame = stage.read(TestPredictions).frame
    assert list(frame) == ["row", "actual", "p:no", "p:yes", "predicted"]
    y, p, decided = frame["actual"] == "yes", frame["p:yes"], frame["predicted"] == "yes"
    assert found.rows == len(frame) == 300
    assert found.metrics["roc_auc"].value == pytest.approx(sk.roc_auc_score(y, p))
    assert found.metrics["log_loss"].value == pytest.approx(sk.log_loss(y, p))
    assert found.confusion["yes"]["no"] == int((y & ~decided).sum())
    cost = (4 * (y & ~decided) + (~y & decided)).mean()
    assert found.cost.value == pytest.approx(cost)
    assert found.cost.low < cost < found.cost.high
    assert found.constant["roc_auc"] == 0.5
    assert found.constant_cost == pytest.approx((~y).mean())  # flagging all is cheapest
    assert sum(b.rows for b in found.calibration) == 300
    assert [each.verdict for each in found.acceptance] == ["met", "missed", "unclear"]
    assert found.acceptance[0].limit == "at least 0.6"
    checks = {check.name: check.severity for check in found.checks}
    assert checks["Better than a constant guess"] == "ok"
    assert checks["Calibration"] == "ok"


def test_two_evaluations_are_equal_to_the_byte(tmp_path):
    stage, _ = run(tmp_path, people(), fair_model())
    names = ("evaluation.json", "test_predictions.parquet")
    first = [(stage.run.folder / name).read_bytes() for name in names]
    evaluate(stage, fair_model())
    assert [(stage.run.folder / name).read_bytes() for name in names] == first


def test_a_fair_model_has_no_weak_slice_and_an_unfair_one_has(tmp_path):
    _, fine = run(tmp_path / "a", people(equally_hard=True), fair_model())
    assert fine.slices == []
    _, bad = run(tmp_path / "b", people(unfair=True, equally_hard=True), fair_model())
    assert bad.slices[0].where == "sex = male"
    assert bad.slices[0].columns == ["sex"]
    assert bad.slices[0].p_value < 1e-3
    assert bad.slices[0].difference > 0.5
    assert bad.slices[0].score.value > bad.metrics["log_loss"].value


def test_weak_slices_are_claimed_by_chance_at_most_as_often_as_said():
    generator = np.random.default_rng(0)
    claims = 0
    for _ in range(60):
        columns = [pd.Series(generator.normal(size=400), name=f"x{i}") for i in range(5)]
        loss = generator.exponential(size=400)
        search = weakest([conditions(c) for c in columns], loss, lambda _: Interval(value=0.0))
        assert search.tested > 100
        claims += bool(search.slices)
    assert claims <= 7


def test_a_pair_of_conditions_is_found_where_neither_alone_explains_it():
    generator = np.random.default_rng(0)
    a = pd.Series(generator.choice(["x", "y", "z"], 3_000), name="a")
    b = pd.Series(generator.choice(["u", "v", "w"], 3_000), name="b")
    loss = generator.random(3_000) + 2 * ((a == "x") & (b == "v"))
    search = weakest([conditions(a), conditions(b)], loss.to_numpy(), lambda _: Interval(value=1))
    assert search.slices[0].where in ("a = x and b = v", "b = v and a = x")
    assert search.slices[0].rows == int(((a == "x") & (b == "v")).sum())


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p):
    p = np.array(p)
    adjusted = holm(p)
    assert (adjusted >= p - 1e-15).all() and (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
    assert adjusted.min() == pytest.approx(min(1, p.min() * len(p)))


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1.0, 2.0, np.nan, 3.0, 1e9] * 8, name="n"),
        pd.Series([0.0] * 36 + [1.0, 2.0, 3.0, 4.0, 5.0], name="n"),
        pd.Series([*pd.date_range("2020", periods=40), pd.NaT], name="d"),
        pd.Series(["a", None, NASTY, "missing"] * 10, name="c", dtype="str"),
        pd.Series([f"v{i}" for i in range(200)], name="many"),
        pd.Series([np.nan] * 10, name="empty"),
        pd.Series([5.0] * 10, name="constant"),
    ],
)
def test_conditions_divide_all_rows_and_read_as_words(values):
    part = conditions(values)
    assert (part.codes >= 0).all()
    assert len(part.names) == len(set(part.names))
    assert set(part.codes.tolist()) == set(range(len(part.names)))
    assert all(part.text(i).startswith(f"{values.name} ") for i in range(len(part.names)))
    missing = values.isna().to_numpy()
    if missing.any():
        assert (part.codes[missing] == len(part.names) - 1).all()
        assert part.names[-1] == "missing"


def test_fairness_equals_fairlearn():
    import fairlearn.metrics as fl

    generator = np.random.default_rng(0)
    groups = generator.integers(0, 3, 600)
    actual = generator.random(600) < 0.4
    decided = generator.random(600) < np.where(actual, 0.7, 0.2) + 0.05 * groups
    ones, error = np.ones(600), (actual != decided).astype(float)
    for name, theirs in (
        ("demographic_parity_difference", fl.demographic_parity_difference),
        ("equalized_odds_difference", fl.equalized_odds_difference),
        ("equal_opportunity_difference", fl.equal_opportunity_difference),
    ):
        ours = fairness_statistic(name, actual, decided, error, groups)(ones)
        assert ours == pytest.approx(theirs(actual, decided, sensitive_features=groups)), name
    frame = fl.MetricFrame(
        metrics={"precision": lambda a, d: a[d].mean(), "error": lambda a, d: (a != d).mean()},
        y_true=actual, y_pred=decided, sensitive_features=groups,
    )  # fmt: skip
    spread = frame.by_group.max() - frame.by_group.min()
    ours = fairness_statistic("predictive_parity_difference", actual, decided, error, groups)
    assert ours(ones) == pytest.approx(spread["precision"])
    ours = fairness_statistic("group_error_difference", actual, decided, error, groups)
    assert ours(ones) == pytest.approx(spread["error"])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_group_rates_lie_in_their_intervals(pairs):
    actual, decided = np.array(pairs).T
    for rate in group_rates(actual, decided).values():
        if rate.value is not None:
            assert 0 <= rate.low <= rate.value <= rate.high <= 1


def test_verdicts_on_groups_follow_the_interval_and_small_groups_are_not_judged(tmp_path):
    _, bad = run(
        tmp_path / "a",
        people(3_000, unfair=True),
        fair_model(),
        fairness={"errors_matter_most": "both"},
    )
    sex = next(v for v in bad.fairness if v.column == "sex")
    assert (sex.metric, sex.verdict) == ("equalized_odds_difference", "beyond")
    assert any(c.name == "Fairness" and c.severity == "critical" for c in bad.checks)
    _, wide = run(tmp_path / "b", people(6_000), fair_model(), fairness={"limit": 0.6})
    assert {v.verdict for v in wide.fairness} == {"within"}
    assert {v.reason for v in wide.fairness} == {""}
    _, few = run(tmp_path / "c", people(120), fair_model(), fairness={"minimum_group": 30})
    assert {v.verdict for v in few.fairness} == {"cannot be judged"}
    assert not any(group.judged for group in few.groups)
    ages = [group.group for group in wide.groups if group.column == "age"]
    assert ages[0].startswith("below ") and ages[-1] == "missing"
    assert sum(g.rows for g in wide.groups if g.column == "sex") == wide.rows


def test_equal_groups_are_seldom_called_beyond_the_limit():
    generator, alarms = np.random.default_rng(3), 0
    for _ in range(60):
        groups = generator.integers(0, 5, 500)
        actual = generator.random(500) < 0.3
        decided = generator.random(500) < np.where(actual, 0.7, 0.2)
        found = compare(
            "equal_opportunity_difference", actual, decided, actual * 1.0, groups,
            count=5, minimum=1, confidence=0.95,
        ).difference  # fmt: skip
        alarms += found.low > 0.1
    assert alarms <= 3


def test_multiclass_with_a_class_that_training_never_saw(tmp_path):
    generator = np.random.default_rng(0)
    frame = people(600)
    frame["y"] = generator.choice(["a", "b"], 600)
    frame.loc[generator.choice(600, 30, replace=False), "y"] = "new"
    model = FunctionModel(
        lambda f: np.column_stack([1 - f["p"], f["p"]]),
        frame.columns[:-1],
        "multiclass",
        ["a", "b"],
    )
    _, found = run(tmp_path, frame, model)
    assert set(found.confusion) == {"a", "b", "new"}
    assert sum(sum(row.values()) for row in found.confusion.values()) == found.rows
    assert any(check.name == "Unknown classes" for check in found.checks)
    assert found.fairness[0].metric == "group_error_difference"


def test_regression_has_errors_and_no_decisions(tmp_path):
    frame = people(800)
    frame["y"] = frame["p"] * 10 + np.where(frame["sex"] == "male", 3.0, 0.0)
    model = FunctionModel(lambda f: f["p"] * 10, frame.columns[:-1])
    _, found = run(tmp_path, frame, model)
    assert found.confusion == {} and found.calibration == [] and found.cost is None
    male = next(g for g in found.groups if g.group == "male")
    assert male.metrics["mean_error"].value == pytest.approx(-3)
    assert found.slices[0].where == "sex = male"
    assert next(v for v in found.fairness if v.column == "sex").verdict == "beyond"


def test_ten_test_rows_are_evaluated_with_a_warning(tmp_path):
    _, found = run(tmp_path, people(50), fair_model())
    assert found.rows == 10
    assert found.slices == []
    assert any(c.name == "Test rows" and c.severity == "warning" for c in found.checks)


def test_what_cannot_be_judged_is_refused(tmp_path):
    with pytest.raises(ProjectError, match=r"acceptance\[0\].metric.*roc_auc"):
        run(tmp_path / "a", people(60), fair_model(), acceptance=[{"metric": "rmse", "at_most": 1}])
    silent = fair_model()
    silent.function = lambda f: np.full((len(f), 2), np.nan)
    with pytest.raises(ModelError, match="no number"):
        run(tmp_path / "b", people(60), silent)
