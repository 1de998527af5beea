"""Intersections of protected columns, and what fairness would cost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.explain_runs import FunctionModel, make_stage

from toolkit.artifacts import (
    Evaluation,
    FairnessDetail,
    FairnessVerdict,
    Interval,
    Profile,
    Rows,
    Split,
    Suspect,
    TestPredictions,
)
from toolkit.errors import ProjectError
from toolkit.evaluate import (
    compare,
    conditions,
    decide_by_group,
    evaluate,
    fairness_detail,
    group_thresholds,
)
from toolkit.evaluate.fairness.group_verdict import remark
from toolkit.evaluate.fairness.groups import compare_groups
from toolkit.evaluate.scores.scored_rows import score_part
from toolkit.plots.evaluate import group_results as group_plots
from toolkit.project.file import ProjectFile
from toolkit.table import load_part
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


def fair_model(task="binary", classes=("no", "yes"), function=None):
    function = function or (lambda f: np.column_stack([1 - f["p"], f["p"]]))
    threshold = 0.5 if task == "binary" else None
    return FunctionModel(function, ["p", "sex", "race", "age"], task, classes, threshold)


PARITY = {"metric": "demographic_parity_difference"}


def run(folder, frame=None, model=None, *, fairness=PARITY, protected=("sex", "race"), **more):
    frame, model = people() if frame is None else frame, model or fair_model()
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
    assert any(check.name == "Small intersections" for check in detail.checks)


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
    assert methods == {"thresholds", "surrogate", "reweighting", "reductions"}
    assert detail.fit_rows == 300 and detail.surrogate_rows == detail.surrogate_of == 900


def test_the_names_of_version_0_1_are_read(made):
    _, detail = made
    old = detail.model_dump(mode="json")
    for name in ("surrogate", "surrogate_rows", "surrogate_of"):
        old[name.replace("surrogate", "stand_in")] = old.pop(name)
    for point in old["curve"]:
        if point["method"] == "surrogate":
            point |= {"method": "stand-in", "name": point["name"].replace("surrogate", "stand-in")}
    assert FairnessDetail.model_validate(old) == detail


def test_two_runs_are_equal_to_the_byte(made, tmp_path):
    stage, _ = made
    other, _ = run(tmp_path)
    name = FairnessDetail.file
    assert (stage.run.folder / name).read_bytes() == (other.run.folder / name).read_bytes()


# -- groups with few rows that count ---------------------------------------------------


def judged(folder, counts, *, metric, limit=0.4, minimum=30, copies=1, more=None):
    """Evaluate test rows of which each group holds (hits, misses, false alarms, rest)."""
    lines = [
        {"g": group, "y": y, "p": p}
        for group, cells in counts.items()
        for (y, p), n in zip(
            (("yes", 0.9), ("yes", 0.1), ("no", 0.9), ("no", 0.1)), cells, strict=True
        )
        for _ in range(n * copies)
    ]
    frame = pd.DataFrame(lines)
    whole = pd.concat([frame] * 3, ignore_index=True)
    model = FunctionModel(
        lambda f: np.column_stack([1 - f["p"], f["p"]]), ["g", "p"], "binary", ["no", "yes"], 0.5
    )
    stage = make_stage(
        folder, whole, "y", "binary", positive="yes", protected=("g",),
        fairness={"metric": metric, "limit": limit, "minimum_group": minimum, **(more or {})},
    )  # fmt: skip
    part = np.repeat(["train", "validation", "test"], len(frame))
    stage.run.write(Split(pd.DataFrame({"row": np.arange(len(whole)), "part": part})))
    return stage, evaluate(stage, model), model


TPR, FPR = "equal_opportunity_difference", "equalized_odds_difference"
PRECISION, SELECTED = "predictive_parity_difference", "demographic_parity_difference"
FINE = (60, 20, 10, 80)


@pytest.mark.parametrize(
    ("metric", "group", "lacks", "needs"),
    [
        (TPR, (0, 1, 9, 61), "71 rows, 1 positive", "30 positives"),
        (TPR, (0, 0, 9, 61), "70 rows, no positives", "30 positives"),
        (TPR, (20, 9, 9, 61), "99 rows, 29 positives", "30 positives"),
        (FPR, (40, 30, 1, 1), "72 rows, 2 negatives", "30 positives and negatives"),
        (FPR, (2, 2, 1, 1), "6 rows, 4 positives, 2 negatives", "30 positives and negatives"),
        (PRECISION, (0, 40, 0, 60), "100 rows, no flagged rows", "30 flagged rows"),
        (PRECISION, (1, 40, 0, 60), "101 rows, 1 flagged row", "30 flagged rows"),
        (SELECTED, (3, 3, 3, 3), "12 rows", "30 rows"),
        ("group_error_difference", (2, 2, 1, 0), "5 rows", "30 rows"),
    ],
)
def test_a_group_counts_by_the_rows_that_the_rate_is_over(tmp_path, metric, group, lacks, needs):
    counts = {"A": FINE, "B": FINE, "C": group}
    stage, found, model = judged(tmp_path, counts, metric=metric)
    (verdict,) = found.fairness
    assert verdict.compared == ["A", "B"] and verdict.not_compared == [f"C: {lacks}"]
    said = f"C: {lacks}: too few to compare (at least {needs})"
    assert said in verdict.reason
    checks = {check.name: check for check in found.checks}
    assert checks["Small groups"].message == f"g {said}."
    assert said in checks["Fairness"].message
    assert {group.group: group.judged for group in found.groups} == {
        "A": True, "B": True, "C": False,
    }  # fmt: skip
    # Two equal groups, and a third one: no clean pass unless that one is next to nobody.
    small = sum(group) < 0.05 * (2 * sum(FINE) + sum(group))
    assert verdict.verdict == ("within" if small else "unclear")
    assert checks["Fairness"].severity == ("ok" if small else "warning")
    assert verdict.difference.value == 0 and verdict.difference.high < 0.4
    point = fairness_detail(stage, model).curve[0]
    assert (point.difference, point.verdict) == (verdict.difference, verdict.verdict)
    assert [each.judged for each in point.groups] == [group.judged for group in found.groups]
    page = FairnessPanel(stage, found, stage.read(FairnessDetail)).static_html()
    assert said in page and "too few rows" in page
    assert "C" in group_plots.groups(found, "g").alt


@pytest.mark.parametrize(
    ("metric", "counts", "said"),
    [
        (TPR, {"A": (0, 0, 9, 61), "B": (0, 0, 40, 61)}, "no positives in any group"),
        (FPR, {"A": (50, 9, 0, 0), "B": (40, 61, 0, 0)}, "no negatives in any group"),
        (PRECISION, {"A": (0, 60, 0, 60), "B": (0, 50, 0, 90)}, "no flagged rows in any group"),
        (PRECISION, {"A": FINE, "B": (0, 50, 0, 90)}, "Only one group can be compared"),
        (SELECTED, {"A": FINE}, "Only one group can be compared"),
        (SELECTED, {"A": FINE, "B": (2, 2, 2, 2)}, "Only one group can be compared"),
        (TPR, {"A": (9, 2, 60, 60), "B": (8, 2, 60, 60)}, "No group can be compared"),
    ],
)
def test_what_is_undefined_is_not_met(tmp_path, metric, counts, said):
    stage, found, model = judged(tmp_path, counts, metric=metric, limit=1)
    (verdict,) = found.fairness
    assert (verdict.verdict, verdict.difference.value) == ("cannot be judged", None)
    assert said in verdict.reason
    check = next(check for check in found.checks if check.name == "Fairness")
    assert check.severity == "warning" and said in check.message
    assert {point.verdict for point in fairness_detail(stage, model).curve} == {"cannot be judged"}


@pytest.mark.parametrize("flagged", [True, False])
def test_everybody_or_nobody_flagged_is_parity(tmp_path, flagged):
    counts = {"A": (50, 0, 50, 0), "B": (40, 0, 80, 0)}
    if not flagged:
        counts = {group: (0, yes, 0, no) for group, (yes, _, no, _) in counts.items()}
    _, found, _ = judged(tmp_path, counts, metric=SELECTED)
    (verdict,) = found.fairness
    assert (verdict.verdict, verdict.reason, verdict.difference.value) == ("within", "", 0)
    assert 0 < verdict.difference.high < 0.1


@pytest.mark.parametrize(
    "counts",
    [
        {"A": (1, 0, 0, 0), "B": (0, 1, 0, 0)},
        {"A": (1, 0, 0, 1), "B": (2, 0, 0, 2), "C": (9, 0, 1, 9)},
        {"A": (0, 1, 1, 0), "B": (300, 0, 0, 300)},
        {"A": (12, 0, 0, 5), "B": (0, 12, 5, 0)},
        {"A": (1, 1, 1, 1), "B": (5, 1, 0, 9), "C": (7, 7, 7, 7), "D": (1, 0, 3, 0)},
        {f"g{i}": (i, 2, 20 - i, 3) for i in range(20)},
    ],
)
def test_an_interval_holds_its_value_and_what_is_possible(tmp_path, counts):
    for place, metric in enumerate((TPR, FPR, PRECISION, SELECTED, "group_error_difference")):
        _, found, _ = judged(tmp_path / str(place), counts, metric=metric, minimum=1)
        (verdict,) = found.fairness
        known = verdict.difference
        if known.value is not None:
            assert 0 <= known.low <= known.value <= known.high <= 1
            assert known.high > known.low
        for group in found.groups:
            for name in ("selection_rate", "true_positive_rate", "precision"):
                rate = group.metrics[name]
                if rate.value is not None:
                    assert 0 <= rate.low <= rate.value <= rate.high <= 1 and rate.low < rate.high
                assert (group.base[name] == 0) == (rate.value is None)


def test_the_interval_of_a_difference_is_newcombe_s():
    # Newcombe (1998), table II, case (a): 56 of 70 against 48 of 80, method 10.
    decided = np.r_[np.arange(70) < 56, np.arange(80) < 48]
    everyone = np.ones(150, dtype=bool)
    found = compare(SELECTED, everyone, decided, np.zeros(150), np.repeat([0, 1], [70, 80]),
                    count=2, minimum=1, confidence=0.95).difference  # fmt: skip
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize(("rows", "share"), [(8, 0.5), (20, 0.1), (40, 0.9), (200, 0.3)])
def test_intervals_of_differences_cover_as_often_as_said(rows, share):
    generator, missed = np.random.default_rng(rows), 0
    groups = np.repeat([0, 1, 2], rows)
    truth = np.array([share, share, min(share + 0.1, 1.0)])
    for _ in range(200):
        decided = generator.random(3 * rows) < truth[groups]
        found = compare(SELECTED, decided, decided, np.zeros(3 * rows), groups,
                        count=3, minimum=1, confidence=0.95).difference  # fmt: skip
        missed += not found.low <= truth.max() - truth.min() <= found.high
    assert missed <= 20


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
@pytest.mark.parametrize(
    ("errors", "verdict"),
    [
        ({"a": [1.0] * 60, "b": [1.0] * 60}, "within"),
        ({"a": [1.0] * 60, "b": [3.0] * 60}, "beyond"),
        ({"a": [0.0] * 60, "b": [0.0] * 60}, "within"),
        ({"a": [1.0, 2.0] * 30, "b": [9.0] * 3}, "cannot be judged"),
        ({"a": [1.0, 2.0] * 30, "b": [0.0, 4.0] * 20}, "unclear"),
        ({"a": [1.7e308] * 40, "b": [-1.7e308] * 40}, "within"),
        ({"a": [1e300] * 40, "b": [0.5, 1.5] * 30}, "beyond"),
    ],
)
def test_errors_of_numbers_are_compared_on_few_rows(tmp_path, errors, verdict):
    frame = pd.DataFrame([{"g": g, "y": y} for g, all_ in errors.items() for y in all_])
    whole = pd.concat([frame] * 3, ignore_index=True)
    stage = make_stage(tmp_path, whole, "y", "regression", protected=("g",))
    part = np.repeat(["train", "validation", "test"], len(frame))
    stage.run.write(Split(pd.DataFrame({"row": np.arange(len(whole)), "part": part})))
    found = evaluate(stage, FunctionModel(lambda f: np.zeros(len(f)), ["g"]))
    (said,) = found.fairness
    assert said.verdict == verdict
    every = [said.difference, *(i for group in found.groups for i in group.metrics.values())]
    for each in every:
        assert each.value is None or np.isfinite(each.value)
        assert each.low is None or each.low <= each.value <= each.high


def test_levels_with_enough_rows_are_no_others(tmp_path):
    counts = {f"v{i:02}": (12, 8, 4, 16) for i in range(18)} | {f"w{i}": (1,) * 4 for i in range(9)}
    _, found, _ = judged(tmp_path, counts, metric=SELECTED)
    names = [group.group for group in found.groups]
    assert sorted(names) == [*(["other (9 values)"]), *(f"v{i:02}" for i in range(18))]
    assert len(found.fairness[0].compared) == 19


def test_a_group_without_people_s_names_quotes_what_may_identify(tmp_path):
    stage, found, _ = judged(tmp_path, {"A": FINE, "B": FINE, "Ann Lee": (0, 1, 9, 61)}, metric=TPR)
    assert "Ann Lee: 71 rows" in found.fairness[0].reason
    stage.file.set("columns.g.role", "identifier")
    _, verdicts, _ = compare_groups(
        stage.project,
        score_part(stage, FunctionModel(lambda f: np.column_stack([1 - f["p"], f["p"]]), ["p"],
                                        "binary", ["no", "yes"], 0.5), load_part(stage, "test")),
        {"g": stage.read(Rows).frame["g"].iloc[load_part(stage, "test").rows]},
    )  # fmt: skip
    assert "'Ann Lee': 71 rows" in verdicts[0].reason


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
    several = fair_model("multiclass", ("a", "b", "c"), lambda f: np.full((len(f), 3), 1 / 3))
    frame["y"] = np.random.default_rng(0).choice(["a", "b", "c"], 400)
    _, detail = run(tmp_path / "a", frame, several, fairness={}, protected=("sex", "age"))
    assert detail.curve == [] and "several classes" in detail.no_curve
    assert detail.no_curve.endswith("there is no single threshold.")
    assert {"log_loss", "accuracy"} <= set(detail.crossings[0].metrics)
    assert detail.crossings[0].groups[1].startswith(("below", "from"))
    frame["y"] = frame["p"] + frame["age"]
    number = fair_model("regression", (), lambda f: f["p"])
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
    assert {each.verdict for each in few.curve} == {"cannot be judged"}
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
    assert {each.verdict for each in race} == {"cannot be judged"}


def test_predictive_parity_has_no_reduction_and_says_so(tmp_path):
    fairness = {"metric": "predictive_parity_difference"}
    _, detail = run(tmp_path, people(600), fairness=fairness, protected=("sex",))
    assert {each.method for each in detail.curve} == {"thresholds", "surrogate", "reweighting"}
    assert any("No reduction was tried" in check.message for check in detail.checks)


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


def test_nothing_is_judged_beside_a_leak(tmp_path):
    stage, found, model = judged(tmp_path, {"A": FINE, "B": FINE}, metric=TPR)
    assert found.fairness[0].verdict == "within"
    leak = Suspect(column="p", score=1, reason="a copy", severity="critical")
    facts = {"name": "p", "type": "number", "role": "feature", "protected": False}
    profile = Profile(
        rows=9, sampled=9, duplicates=0, suspects=[leak],
        columns=[{**facts, "missing": 0, "distinct": 9}],
    )  # fmt: skip
    stage.run.write(profile)
    (verdict,) = evaluate(stage, model).fairness
    assert verdict.verdict == "cannot be judged"
    assert "beside a leak: p is suspected" in verdict.reason
    assert remark(verdict).severity != "ok" and "01_scoping" in remark(verdict).remedy


@pytest.mark.parametrize(
    ("left_out", "words"),
    [
        (["b: 59 rows, 22 positives"], "fairness.minimum_group"),
        (["b: 62 rows, no positives", "a: 58 rows, 26 positives"], "fairness.minimum_group"),
        (["a: 63 rows, no flagged rows", "no: 9 rows, no flagged rows"], "metric over all rows"),
        (["b: 62 rows, no positives"], "metric over all rows"),
        (["no vote: 40 rows, 2 positives"], "fairness.minimum_group"),
        ([], "One group alone"),
    ],
)
def test_the_remedy_of_a_verdict_that_cannot_be_given_fits_its_cause(left_out, words):
    verdict = FairnessVerdict(
        column="sex",
        metric="equal_opportunity_difference", difference=Interval(value=None), limit=0.1,
        verdict="cannot be judged", compared=[], not_compared=left_out, reason="No group.",
    )  # fmt: skip
    assert words in remark(verdict).remedy
