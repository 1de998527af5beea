"""Crossings of protected columns, and what fairness would cost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from explain_runs import FunctionModel, make_stage
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.artifacts import Evaluation, FairnessDetail, TestPredictions
from toolkit.errors import ProjectError
from toolkit.evaluate import (
    conditions,
    decide_by_group,
    evaluate,
    fairness_detail,
    group_thresholds,
)
from toolkit.project.file import ProjectFile
from toolkit.widgets import FairnessPanel

NASTY = "<script>alert(1)</script>"


def people(n=1_500, seed=0):
    """Rows with a probability ``p`` that is higher for men."""
    generator = np.random.default_rng(seed)
    sex = generator.choice(["female", "male"], n)
    frame = pd.DataFrame(
        {
            "p": np.clip(generator.random(n) * 0.7 + 0.25 * (sex == "male"), 0, 1),
            "sex": sex,
            "race": generator.choice(["a", NASTY, "rare"], n, p=[0.6, 0.37, 0.03]),
            "age": generator.integers(18, 80, n).astype(float),
        }
    )
    frame["y"] = np.where(generator.random(n) < frame["p"], "yes", "no")
    return frame


def honest(task="binary", classes=("no", "yes"), function=None):
    function = function or (lambda f: np.column_stack([1 - f["p"], f["p"]]))
    threshold = 0.5 if task == "binary" else None
    return FunctionModel(function, ["p", "sex", "race", "age"], task, classes, threshold)


PARITY = {"metric": "demographic_parity_difference"}


def run(folder, frame=None, model=None, *, fairness=PARITY, protected=("sex", "race"), **more):
    frame, model = people() if frame is None else frame, model or honest()
    positive = "yes" if model.task == "binary" else None
    stage = make_stage(folder, frame, "y", model.task, positive=positive, protected=protected,
                       fairness=fairness, **more)  # fmt: skip
    evaluate(stage, model)
    return stage, fairness_detail(stage, model)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return run(tmp_path_factory.mktemp("fair"))


def test_rates_of_groups_and_crossings_are_fairlearn_s(made):
    import fairlearn.metrics as fl

    stage, detail = made
    frame = stage.read(TestPredictions).frame
    table = people().loc[frame["row"]].reset_index(drop=True)
    actual, decided = frame["actual"] == "yes", frame["predicted"] == "yes"
    rates = {
        "selection_rate": fl.selection_rate,
        "true_positive_rate": fl.true_positive_rate,
        "false_positive_rate": fl.false_positive_rate,
    }
    both = fl.MetricFrame(metrics=rates, y_true=actual, y_pred=decided,
                          sensitive_features=table[["sex", "race"]])  # fmt: skip
    assert sum(each.rows for each in detail.crossings) == len(frame)
    assert [each.rows for each in detail.crossings] == sorted(
        (each.rows for each in detail.crossings), reverse=True
    )
    for each in detail.crossings:
        for rate in rates:
            theirs = both.by_group.loc[tuple(each.groups), rate]
            ours = each.metrics[rate]
            if ours.value is None:
                continue  # fairlearn says 0 where no row counts
            assert ours.value == pytest.approx(theirs)
            assert ours.low <= ours.value <= ours.high
    evaluation = stage.read(Evaluation)
    for column in ("sex", "race"):
        one = fl.MetricFrame(metrics=rates, y_true=actual, y_pred=decided,
                             sensitive_features=table[column])  # fmt: skip
        for group in (each for each in evaluation.groups if each.column == column):
            for rate in rates:
                assert group.metrics[rate].value == pytest.approx(one.by_group[rate][group.group])


def test_small_crossings_are_shown_and_not_judged(made):
    _, detail = made
    rare = [each for each in detail.crossings if "rare" in each.groups]
    assert rare and not any(each.judged for each in rare)
    assert detail.crossing_verdicts[0].column == "sex × race"
    judged = [each for each in detail.crossings if each.judged]
    selected = [each.metrics["selection_rate"].value for each in judged]
    assert detail.crossing_verdicts[0].difference.value == pytest.approx(
        max(selected) - min(selected)
    )
    assert any(check.name == "Small crossings" for check in detail.checks)


def test_strength_0_is_the_champion_itself(made):
    stage, detail = made
    evaluation = stage.read(Evaluation)
    verdict = next(each for each in evaluation.fairness if each.column == "sex")
    point = next(each for each in detail.curve if each.name == "thresholds sex 0")
    assert point.changed == 0
    assert point.difference == verdict.difference and point.verdict == verdict.verdict
    assert point.cost.value == pytest.approx(evaluation.cost.value)
    assert point.accuracy.value == pytest.approx(evaluation.metrics["accuracy"].value)
    for change in (point.difference_change, point.accuracy_change, point.cost_change):
        assert (change.value, change.low, change.high) == (0, 0, 0)


def test_thresholds_bring_sexes_together_on_the_test_rows(made):
    _, detail = made
    path = [p for p in detail.curve if p.column == "sex" and p.method == "thresholds"]
    assert [p.strength for p in path] == [0, 0.25, 0.5, 0.75, 1]
    differences = [p.difference.value for p in path]
    assert differences[0] > 0.25
    assert differences[-1] < 0.15
    assert path[-1].difference_change.high < 0
    assert path[-1].thresholds["male"] > 0.5 > path[-1].thresholds["female"]
    methods = {p.method for p in detail.curve if p.column == "sex"}
    assert methods == {"thresholds", "stand-in", "reweighting", "reductions"}
    assert detail.fit_rows == 300 and detail.stand_in_rows == detail.stand_in_of == 900


def test_two_runs_are_equal_to_the_byte(made, tmp_path):
    stage, _ = made
    other, _ = run(tmp_path)
    name = FairnessDetail.file
    assert (stage.run.folder / name).read_bytes() == (other.run.folder / name).read_bytes()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.05, 0.95), st.integers(2, 4))
def test_full_strength_is_parity_on_the_fitting_rows(seed, threshold, count):
    generator = np.random.default_rng(seed)
    groups = generator.integers(0, count, 200)
    scores = np.clip(generator.random(200) - 0.1 * groups, 0, 1) + 1e-9 * np.arange(200)
    actual = generator.random(200) < scores
    for metric, counted in (
        ("demographic_parity_difference", np.ones(200, dtype=bool)),
        ("equal_opportunity_difference", actual),
    ):
        found = group_thresholds(metric, scores, actual, groups, threshold=threshold, strength=1)
        decided = decide_by_group(
            scores, groups.astype(str), {str(g): t for g, t in found.items()}, threshold
        )
        wanted = (scores >= threshold)[counted].mean() if counted.any() else 0
        for group in range(count):
            mine = counted & (groups == group)
            if mine.any():
                assert abs(decided[mine].mean() - wanted) <= 1 / mine.sum() + 1e-12
        same = group_thresholds(metric, scores, actual, groups, threshold=threshold, strength=0)
        assert set(same.values()) == {threshold}


def test_a_group_without_a_threshold_of_its_own_falls_back():
    decided = decide_by_group([0.4, 0.4, 0.4], ["a", "b", NASTY], {"a": 0.4, "b": 0.5}, 0.3)
    assert decided.tolist() == [True, False, True]
    assert decide_by_group([], [], {}, 0.5).tolist() == []


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1.0, 2.0, np.nan, 3.0, 1e9, 7.0, 8.0] * 8, name="n"),
        pd.Series([0.0, 1.0] * 9, name="n"),
        pd.Series([*pd.date_range("2020", periods=40), pd.NaT], name="d"),
        pd.Series(["a", None, NASTY, "missing"] * 10, name="c", dtype="str"),
        pd.Series([f"v{i}" for i in range(40)], name="many"),
        pd.Series([np.nan] * 10, name="empty"),
    ],
)
def test_other_rows_are_put_into_the_same_parts(values):
    part = conditions(values)
    again = conditions(values.iloc[::-2].rename(values.name), like=values)
    assert again.names == part.names
    assert (again.codes == part.codes[::-2]).all()
    assert len(set(part.labels())) == len(part.names)


def test_the_choice_needs_a_reason_and_a_point_that_is_there(tmp_path):
    with pytest.raises(ProjectError, match="mitigation_reason"):
        run(tmp_path / "a", fairness={**PARITY, "mitigation": "thresholds sex 1"})
    with pytest.raises(
        ProjectError, match=r"expected none, thresholds sex 0, thresholds sex 0\.25"
    ):
        run(
            tmp_path / "b",
            fairness={**PARITY, "mitigation": "thresholds sex 2", "mitigation_reason": "x"},
        )


@pytest.mark.parametrize("name", ["thresholds sex 1", "reweighting sex 1"])
def test_the_choice_is_written_with_its_thresholds(tmp_path, name):
    choice = {"mitigation": name, "mitigation_reason": "Cheap."}
    stage, detail = run(tmp_path, people(600), fairness={**PARITY, **choice})
    chosen = stage.read(FairnessDetail).mitigation
    point = next(each for each in detail.curve if each.name == name)
    assert (chosen.name, chosen.reason, chosen.thresholds) == (name, "Cheap.", point.thresholds)
    assert chosen.applies == name.startswith("thresholds") == bool(chosen.thresholds)


def test_classes_and_numbers_have_crossings_and_no_mitigation(tmp_path):
    frame = people(400)
    several = honest("multiclass", ("a", "b", "c"), lambda f: np.full((len(f), 3), 1 / 3))
    frame["y"] = np.random.default_rng(0).choice(["a", "b", "c"], 400)
    _, detail = run(tmp_path / "a", frame, several, fairness={}, protected=("sex", "age"))
    assert detail.curve == [] and "several classes" in detail.no_curve
    assert {"log_loss", "accuracy"} <= set(detail.crossings[0].metrics)
    assert detail.crossings[0].groups[1].startswith(("below", "from"))
    frame["y"] = frame["p"] + frame["age"]
    number = honest("regression", (), lambda f: f["p"])
    stage, detail = run(tmp_path / "b", frame, number, fairness={})
    assert detail.curve == [] and "a number is predicted" in detail.no_curve
    assert "mae" in detail.crossings[0].metrics
    panel = FairnessPanel(stage, stage.read(Evaluation), detail)
    assert "a number is predicted" in panel.static_html()


def test_few_rows_and_no_protected_columns_degrade(tmp_path):
    _, none = run(tmp_path / "a", people(200), protected=(), fairness={})
    assert none.crossings == none.curve == [] and "No column is marked" in none.no_curve
    _, few = run(tmp_path / "b", people(20))
    assert not any(each.judged for each in few.crossings)
    assert {each.verdict for each in few.curve} == {"not judged"}
    assert {each.name for each in few.curve} >= {"thresholds sex 0", "thresholds race 0"}
    assert any(check.name == "Thresholds by group" for check in few.checks)


def test_weights_count_in_cost_and_constant_columns_do_no_harm(tmp_path):
    frame = people(300)
    frame["race"] = "one"
    frame["age"] = np.nan
    _, detail = run(tmp_path, frame, fairness={"metric": "none"})
    assert not detail.metric_asked and detail.metric == "demographic_parity_difference"
    assert detail.crossing_verdicts == []
    race = [each for each in detail.curve if each.column == "race"]
    assert {each.verdict for each in race} == {"not judged"}


def test_predictive_parity_has_no_reduction_and_says_so(tmp_path):
    fairness = {"metric": "predictive_parity_difference"}
    _, detail = run(tmp_path, people(600), fairness=fairness, protected=("sex",))
    assert {each.method for each in detail.curve} == {"thresholds", "stand-in", "reweighting"}
    assert any("No reduction is tried" in check.message for check in detail.checks)


def test_panel_saves_a_point_with_its_reason_only(made, tmp_path):
    stage, detail = run(tmp_path, people(600))
    panel = FairnessPanel(stage, stage.read(Evaluation), detail)
    panel.point.value = "thresholds sex 1"
    assert ProjectFile(tmp_path).project.fairness.mitigation == "none"
    assert "needs a reason" in panel._status.value
    assert "Against no mitigation" in panel.static()
    panel.reason.value = f"Cheap. {NASTY}"
    saved = ProjectFile(tmp_path).project.fairness
    assert (saved.mitigation, saved.mitigation_reason) == ("thresholds sex 1", f"Cheap. {NASTY}")
    page = panel.static_html()
    assert NASTY not in page and "thresholds sex 1" in page
    assert page.count("<figure") == 1 + 2 + 1 + 2
    panel.point.value = "reductions sex 1"
    assert "needs a new search" in panel.static()
    panel.point.value = "none"
    assert ProjectFile(tmp_path).project.fairness.mitigation == "none"
