"""One row: reasons, counterfactuals, similar rows, what if; panel and figures."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.explain_runs import FunctionModel, make_stage

from toolkit import explain, widgets
from toolkit.artifacts import Attributions, Explanation, RowReports
from toolkit.errors import DataError, ProjectError, UsageError
from toolkit.plots.explain import rows as plots
from toolkit.project.model import Project

NASTY = "<script>alert('x')</script>"
CLASSES = {"binary": ["ok", NASTY], "multiclass": ["ok", "so-so", NASTY], "regression": []}


def table(rows: int, seed: int) -> pd.DataFrame:
    """Numbers, whole numbers, categories, holes, a protected and a constant column."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": np.round(rng.lognormal(3, 0.6, rows), 2),
            "age": rng.integers(18, 80, rows).astype(float),
            f"plan {NASTY}": rng.choice(["basic", "premium", NASTY], rows),
            "owner": rng.choice(["true", "false"], rows),
            "sex": rng.choice(["f", "m"], rows),
            "constant": "same",
            "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), "D"),
        }
    )
    frame.loc[frame.index % 9 == 4, "income"] = np.nan
    frame.loc[frame.index % 11 == 5, f"plan {NASTY}"] = None
    return frame


TYPES = {"income": "number", "age": "number", "since": "date"}


def project_of(frame: pd.DataFrame, task: str = "binary", **more) -> Project:
    columns = {
        name: {"type": TYPES.get(name, "category"), "protected": name == "sex"} for name in frame
    }
    columns["y"] = {"type": "category", "role": "target"}
    target = {"column": "y", "task": task, "positive": NASTY if task == "binary" else None}
    return Project.model_validate(
        {"name": "t", "data": {"source": "t.csv"}, "columns": columns, "target": target, **more}
    )


def scoring(weights, task="binary"):
    """Return a model's function: a sigmoid of a weighted sum of every kind of column."""

    def score(frame: pd.DataFrame) -> np.ndarray:
        income = frame["income"].astype(float).fillna(20).to_numpy()
        x = (
            weights[0] * (income - 20) / 10
            + weights[1] * (frame["age"].to_numpy(dtype=float) - 48) / 20
            + weights[2] * (frame[f"plan {NASTY}"].astype(object) == NASTY).to_numpy()
            + weights[3] * (frame["owner"] == "true").to_numpy()
            + weights[4] * (frame["sex"] == "f").to_numpy()
        )
        if task == "regression":
            return x
        p = 1 / (1 + np.exp(-x))
        if task == "multiclass":
            return np.column_stack([1 - p, 0.3 * p, 0.7 * p])
        return np.column_stack([1 - p, p])

    return score


def model_of(frame, weights=(-1.0, 0.8, 1.0, 0.5, 0.7), task="binary"):
    threshold = 0.5 if task == "binary" else None
    return FunctionModel(scoring(weights, task), list(frame), task, CLASSES[task], threshold)


def search(project, model, frame, rows, wanted="ok"):
    """Search counterfactuals of some rows, and return the limits beside them."""
    ways = explain.limits(project, frame, project.columns)
    outputs = explain.CountedModel(model)
    known = explain.known_rows(frame, project.columns, outputs, 3)
    goals = [explain.Goal(model, wanted)] * len(rows)
    chosen = frame.iloc[rows].reset_index(drop=True)
    return explain.counterfactuals(project, chosen, goals, ways, known, outputs), ways, chosen


def applied(frame, row, found):
    changed = frame.iloc[[row]].reset_index(drop=True)
    for each in found.changes:
        changed[each.column] = pd.Series([each.after], dtype=changed[each.column].dtype)
    return changed


# -- counterfactuals -------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 99),
    weights=st.lists(st.floats(-2, 2), min_size=5, max_size=5),
    age=st.sampled_from(["increase", "decrease", "fixed", "free"]),
    plan=st.sampled_from(["fixed", "free"]),
    span=st.sampled_from([None, "5 to 25.5", "12 to 60"]),
    most=st.integers(1, 4),
)
def test_every_counterfactual_keeps_to_the_limits_and_holds(
    *, seed, weights, age, plan, span, most
):
    frame = table(150, seed)
    project = project_of(
        frame,
        recourse={
            "change": {"age": age, f"plan {NASTY}": plan},
            "ranges": {"income": span} if span else {},
            "most_changes": most,
        },
    )
    model = model_of(frame, weights)
    adverse = np.flatnonzero(model.predict(frame)[:, 1] >= 0.5)[:3]
    found, ways, rows = search(project, model, frame, adverse)
    low, high = map(float, span.split(" to ")) if span else (frame["income"].min(),
                                                            frame["income"].max())  # fmt: skip
    seen = set(frame[f"plan {NASTY}"].dropna())
    for place, one in enumerate(found):
        assert bool(one.counterfactuals) != bool(one.blocked)
        for each in one.counterfactuals:
            names = [change.column for change in each.changes]
            assert 1 <= len(set(names)) == len(names) <= most
            assert not {"sex", "since", "constant"} & set(names)
            for change in each.changes:
                assert ways[change.column].rule != "fixed"
                if change.column == "age":
                    assert change.after == round(change.after)
                    assert frame["age"].min() <= change.after <= frame["age"].max()
                    assert age != "increase" or change.after > change.before
                    assert age != "decrease" or change.after < change.before
                if change.column == "income":
                    assert low <= change.after <= high
                if change.column == f"plan {NASTY}":
                    assert change.after in seen
            again = model.predict(applied(rows, place, each))
            assert model.decide(again)[0] == "ok" == each.decision
            assert each.score == pytest.approx(again[0, 1])
            assert each.size == pytest.approx(sum(change.size for change in each.changes), abs=1e-4)
            assert 0 <= each.plausibility <= 1


def test_counterfactuals_are_few_small_and_different():
    frame = table(300, 1)
    model = model_of(frame, (-1.0, 0.0, 2.0, 2.0, 0.0))
    adverse = np.flatnonzero(model.predict(frame)[:, 1] >= 0.5)[:8]
    found, _, rows = search(project_of(frame), model, frame, adverse)
    for place, one in enumerate(found):
        # The same columns come again only where a category gets another value.
        sets = [
            frozenset((c.column, c.after if isinstance(c.after, str) else "") for c in each.changes)
            for each in one.counterfactuals
        ]
        assert len(set(sets)) == len(sets)
        for each in one.counterfactuals:
            for change in each.changes:
                # No change is idle: without it, the decision stays as it was.
                rest = [c for c in each.changes if c is not change]
                less = applied(rows, place, each.model_copy(update={"changes": rest}))
                assert not rest or model.decide(model.predict(less))[0] != "ok"
                if change.column == "age":
                    pytest.fail("age does not move this model")


def test_counterfactuals_do_not_depend_on_other_rows_or_on_chance():
    frame = table(200, 2)
    model, project = model_of(frame), project_of(frame)
    adverse = np.flatnonzero(model.predict(frame)[:, 1] >= 0.5)[:4]
    together = search(project, model, frame, adverse)[0]
    assert together == search(project, model, frame, adverse)[0]
    assert together == search(project, model, frame, adverse[::-1])[0][::-1]


def test_rarer_than_allowed_is_not_offered():
    frame = table(300, 3)
    model = model_of(frame, (-1.0, 0.8, 1.0, 0.5, 0.0))
    adverse = np.flatnonzero(model.predict(frame)[:, 1] >= 0.5)[:6]
    for least in (0.0, 0.3, 0.6):
        project = project_of(frame, recourse={"plausibility": least})
        found, _, rows = search(project, model, frame, adverse)
        known = explain.known_rows(frame, project.columns, explain.CountedModel(model), 3)
        own = known.density.plausibility(rows)
        for place, one in enumerate(found):
            for each in one.counterfactuals:
                assert each.plausibility >= min(least, own[place]) - 1e-6


def test_a_row_without_a_way_out_says_what_blocks():
    frame = table(200, 4)
    model = model_of(frame, (0.0, 3.0, 0.0, 0.0, 0.0))
    old = np.flatnonzero(frame["age"] > 60)[:2]
    fixed = project_of(frame, recourse={"change": {"age": "increase"}})
    found, _, _ = search(fixed, model, frame, old)
    assert all(not one.counterfactuals for one in found)
    assert all("age (increase only)" in one.blocked for one in found)
    everything = dict.fromkeys(["income", "age", f"plan {NASTY}", "owner"], "fixed")
    found, _, _ = search(project_of(frame, recourse={"change": everything}), model, frame, old)
    assert {one.blocked for one in found} == {"Every column is fixed."}


def test_protected_levers_are_named():
    frame = table(200, 4)
    model = FunctionModel(scoring((0, 0, 0, 0, 0)), list(frame), "binary", CLASSES["binary"], 0.5)
    model.function = lambda f: np.column_stack([f["sex"] == "m", f["sex"] == "f"]).astype(float)
    found, _, _ = search(project_of(frame), model, frame, np.flatnonzero(frame["sex"] == "f")[:1])
    assert "Limits in the way: sex (protected)." in found[0].blocked


@pytest.mark.parametrize(
    ("recourse", "where"),
    [
        ({"change": {"agee": "fixed"}}, "recourse.change.agee"),
        ({"change": {"y": "increase"}}, "recourse.change.y"),
        ({"change": {"owner": "increase"}}, "recourse.change.owner"),
        ({"change": {"since": "free"}}, "recourse.change.since"),
        ({"ranges": {"income": "9 to 1"}}, "recourse.ranges.income"),
    ],
)
def test_limits_that_cannot_be_meant_are_refused(recourse, where):
    frame = table(20, 0)
    project = project_of(frame, recourse=recourse)
    with pytest.raises(ProjectError) as error:
        explain.limits(project, frame, project.columns)
    assert error.value.where == where


def test_no_model_call_is_small():
    frame = table(200, 5)
    model = model_of(frame)
    search(project_of(frame), model, frame, np.arange(10))
    assert model.calls <= 12
    assert model.rows <= 200_000


# -- similar rows ----------------------------------------------------------------------


def brute(a, b, frame, columns, weights):
    total = 0.0
    for name, weight in weights.items():
        x, y = a[name], b[name]
        if pd.isna(x) or pd.isna(y):
            part = float(pd.isna(x) != pd.isna(y))
        elif columns[name].type in ("number", "date"):
            known = frame[name].dropna()
            span = known.quantile(0.95) - known.quantile(0.05) or known.max() - known.min()
            part = min(1.0, abs((x - y) / span)) if span else float(x != y)
        else:
            part = float(x != y)
        total += weight * part
    return total / sum(weights.values())


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 999),
    rows=st.integers(6, 40),
    weights=st.lists(st.floats(0.1, 3), min_size=7, max_size=7),
)
def test_distances_equal_gower_s_written_out(seed, rows, weights):
    frame = table(rows, seed)
    columns = project_of(frame).columns
    given_ = dict(zip(frame, weights, strict=True))
    other = table(4, seed + 1)
    gower = explain.Gower(frame, columns, given_)
    found = gower.distances(other)
    for i in range(len(other)):
        for j in range(rows):
            right = brute(other.iloc[i], frame.iloc[j], frame, columns, given_)
            assert found[i, j] == pytest.approx(right, abs=2e-5)
    positions, distances = gower.nearest(other, 5)
    assert np.allclose(distances, np.sort(found, axis=1)[:, :5])
    assert (np.take_along_axis(found, positions, axis=1) == distances).all()


# -- reasons ---------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(st.floats(-1, 1), st.floats(0, 0.5), st.sampled_from(["a", None, NASTY])),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([1, -1]),
    st.integers(1, 6),
)
def test_reasons_are_ordered_and_beyond_two_standard_errors(lines, sign, most):
    columns = {f"c{i}": {"type": "category"} for i in range(len(lines))}
    columns["c0"]["protected"] = True
    project = Project.model_validate(
        {"name": "t", "data": {"source": "t.csv"},
         "columns": columns | {"y": {"type": "category", "role": "target"}},
         "target": {"column": "y", "task": "multiclass"},
         "recourse": {"most_reasons": most, "reasons": {"c1": "One is {value} {0}"}}}
    )  # fmt: skip
    frame = pd.DataFrame(
        [
            {"class": name, "column": f"c{i}", "value": value, "shap": shap * scale,
             "standard_error": error}
            for name, scale in (("k", 1.0), ("other", 7.0))
            for i, (shap, error, value) in enumerate(lines)
        ]
    )  # fmt: skip
    reasons, doubtful = explain.reason_codes(frame, project, output="k", sign=sign)
    against = [
        abs(shap) for shap, error, _ in lines
        if shap * sign > 1e-9 and abs(shap) >= 2 * error
    ]  # fmt: skip
    assert [abs(r.shap) for r in reasons] == sorted(against, reverse=True)[:most]
    pushed = sum(shap * sign > 0 for shap, _, _ in lines)
    assert len(against) + doubtful == pushed
    for reason in reasons:
        assert reason.shap * sign > 0
        assert abs(reason.shap) >= 2 * reason.standard_error
        assert reason.protected == (reason.column == "c0")
        shown = "missing" if reason.value is None else reason.value
        assert shown in reason.text
        assert reason.column != "c1" or reason.text == f"One is {shown} {{0}}"


# -- the artefact, the panel, the figures ------------------------------------------------


def finished_stage(folder, task, rows=260, **more):
    more = {"fairness": {"outcome_is_benefit": False}, **more}
    frame = table(rows, 7)
    model = model_of(frame, task=task)
    scores = np.asarray(model.predict(frame))
    labels = scores if task == "regression" else np.array(CLASSES[task])[scores.argmax(axis=1)]
    stage = make_stage(
        folder, frame.assign(y=labels), "y", task,
        positive=NASTY if task == "binary" else None, protected=("sex",), **more,
    )  # fmt: skip
    return stage, model, explain.explain(stage, model)


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression"])
def reported(request, tmp_path_factory):
    wanted = {"multiclass": "ok", "regression": "-9 to 0"}.get(request.param, "")
    stage, model, explanation = finished_stage(
        tmp_path_factory.mktemp(request.param),
        request.param,
        recourse={"wanted": wanted, "reasons": {"age": "Age {value} <i>counts</i>"}},
    )
    return stage, model, explanation, explain.row_reports(stage, model, explanation)


def test_reports_are_of_explained_adverse_rows_nearest_first(reported):
    stage, model, explanation, reports = reported
    assert stage.read(RowReports) == reports
    explained = set(stage.read(Attributions).frame["row"])
    assert {each.row for each in reports.reports} <= explained
    assert 0 < len(reports.reports) == min(10, reports.adverse_rows)
    if model.task != "regression":
        assert all(each.decision != each.wanted == "ok" for each in reports.reports)
    scores = [each.score for each in reports.reports]
    assert scores == sorted(scores, reverse=model.task == "multiclass")
    assert any(each.counterfactuals for each in reports.reports)
    assert all(len(each.similar) == 5 for each in reports.reports)
    assert reports.fixed["sex"] == "protected"
    assert explain.row_reports(stage, model, explanation) == reports


def test_reasons_come_from_the_attributions(reported):
    stage, model, _, reports = reported
    lines = stage.read(Attributions).frame.set_index(["row", "class", "column"])["shap"]
    output = {"binary": NASTY, "multiclass": "ok", "regression": "value"}[model.task]
    for report in reports.reports:
        sign = -1 if model.task == "multiclass" else 1
        if model.task == "regression":
            sign = 1 if report.score > 0 else -1  # above or below the wanted range, -9 to 0
        for reason in report.reasons:
            assert reason.shap == lines[report.row, output, reason.column]
            assert reason.shap * sign > 0
    flagged = {r.column for s in reports.reports for r in s.reasons if r.protected}
    named = {c for check in reports.checks for c in check.columns if "reasons" in check.name}
    assert flagged == named


def test_whose_benefit_it_is_decides_what_is_adverse(tmp_path):
    stage, model, explanation = finished_stage(
        tmp_path, "binary", fairness={"outcome_is_benefit": True}
    )
    reports = explain.row_reports(stage, model, explanation)
    assert {each.wanted for each in reports.reports} == {NASTY}
    assert all(reason.shap < 0 for each in reports.reports for reason in each.reasons)
    assert "benefit" in reports.adverse


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_nothing_is_adverse_that_nobody_called_so(tmp_path, task):
    stage, model, explanation = finished_stage(
        tmp_path, task, rows=60, fairness={"outcome_is_benefit": None}
    )
    reports = explain.row_reports(stage, model, explanation)
    assert not reports.wanted_known and not reports.reports and not reports.adverse_rows
    assert "left out" in reports.adverse and "recourse.wanted" in reports.checks[0].remedy


def test_two_classes_may_name_the_wanted_one(tmp_path):
    stage, model, explanation = finished_stage(
        tmp_path, "binary", fairness={"outcome_is_benefit": None}, recourse={"wanted": NASTY}
    )
    reports = explain.row_reports(stage, model, explanation)
    assert {each.wanted for each in reports.reports} == {NASTY}
    assert all(reason.shap < 0 for each in reports.reports for reason in each.reasons)


def test_below_a_wanted_range_reasons_are_what_pulled_down(tmp_path):
    stage, model, explanation = finished_stage(
        tmp_path, "regression", rows=120, recourse={"wanted": "0.5 to 1"}
    )
    reports = explain.row_reports(stage, model, explanation).reports
    assert {each.score < 0.5 for each in reports} == {True, False}
    for each in reports:
        assert all((reason.shap > 0) == (each.score > 1) for reason in each.reasons)
        assert all(0.5 <= way.score <= 1 for way in each.counterfactuals)


def test_columns_that_the_model_does_not_get_are_left_alone(tmp_path):
    stage, model, explanation = finished_stage(tmp_path, "binary", rows=80)
    del model.columns["owner"]
    reports = explain.row_reports(stage, model, explanation)
    assert reports.fixed["owner"] == "the model does not get it"
    assert "owner" not in explain.what_if(stage, model).kinds


def test_tiny_and_messy_tables(tmp_path):
    frame = table(12, 8).assign(empty=np.nan, note=[f"text {i}" for i in range(12)])
    frame["photo"] = [b"\x89PNG" + bytes([i]) for i in range(12)]
    frame["y"] = ["ok", NASTY] * 6
    model = model_of(frame.drop(columns="y"))
    stage = make_stage(tmp_path, frame, "y", "binary", positive=NASTY)
    explanation = Explanation(
        method="", output="", classes=[NASTY], base={NASTY: 0.5}, rows=1, background=2,
        permutations=0, evaluations=0, additivity_error=0, additivity_tolerance=1,
        importance={NASTY: []},
    )  # fmt: skip
    lines = pd.DataFrame(
        [{"row": row, "class": NASTY, "column": "age", "value": None, "number": np.nan,
          "shap": 0.1, "standard_error": np.nan} for row in range(12)]
    )  # fmt: skip
    stage.write(Attributions(lines))
    reports = explain.row_reports(stage, model, explanation)
    assert "empty" in reports.fixed
    assert all(each.reasons[0].text.startswith("age is missing") for each in reports.reports)


def test_what_if_predicts_what_the_model_does(reported):
    stage, model, _, reports = reported
    ask = explain.what_if(stage, model)
    row = reports.reports[0].row
    cells = ask.cells(row)
    as_it_is = ask({}, row)
    kept = {name: text for name, text in cells.items() if name != "since"}
    assert ask(kept, row) == as_it_is
    if model.task != "regression":
        assert as_it_is.decision == reports.reports[0].decision
    moved = ask({"age": "71", f"plan {NASTY}": None, "income": ""}, row)
    assert moved != as_it_is
    assert sum(moved.probabilities.values()) == pytest.approx(
        1 if model.task != "regression" else 0
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"age": "old"}, "expected a number"),
        ({"age": "inf"}, "expected a number"),
        ({f"plan {NASTY}": "premum"}, "such as premium"),
        ({"since": "yesterday-ish"}, "expected a date"),
        ({"agee": 3}, "Did you mean 'age'?"),
    ],
)
def test_what_if_refuses_what_does_not_fit(reported, values, words):
    stage, model, _, reports = reported
    ask = explain.what_if(stage, model)
    with pytest.raises(DataError) as error:
        ask(values, reports.reports[0].row)
    assert words in error.value.line()
    with pytest.raises(DataError, match="is not a test row"):
        ask({}, -1)


def safe(text: str) -> bool:
    without = re.sub(r'"[^"]*"', '""', text)
    return "<script" not in without and "<i>counts" not in without


def test_panel_shows_rows_and_answers(reported):
    stage, model, explanation, reports = reported
    panel = widgets.RowPanel(stage, reports, explanation, explain.what_if(stage, model))
    assert panel.row.value == reports.reports[0].row
    # The page's own bold words stand between escaped names.
    assert safe(panel._report.value)
    assert safe(panel.static_html())
    before = panel.answer.value
    assert "as it is" in before
    panel.inputs["age"].value = "79"
    assert "1 changed" in panel.answer.value
    assert safe(panel.answer.value)
    panel.inputs["age"].value = "<b>old</b>"
    assert "toolkit-error" in panel.answer.value
    assert "<b>old" not in panel.answer.value
    for each in reports.reports[1:4]:
        panel.row.value = each.row
        assert "as it is" in panel.answer.value
    assert set(panel.inputs) <= set(panel._what_if.kinds)
    assert "recourse.wanted" in panel.fields
    if model.task == "multiclass":
        offered = [value for _, value in panel.fields["recourse.wanted"].control.options]
        assert offered == ["", *explanation.classes]


def test_panel_edits_the_limits(tmp_path):
    stage, model, explanation = finished_stage(tmp_path, "binary", rows=80)
    reports = explain.row_reports(stage, model, explanation)
    panel = widgets.RowPanel(stage, reports, explanation)
    panel.change.search.value, panel.change.choice.value = "age", "increase"
    panel.change.add_button.click()
    panel.ranges.column.value, panel.ranges.text.value = "income", "nonsense"
    panel.ranges.add_button.click()
    assert "Not saved" in panel._status.value
    panel.ranges.text.value = "5 to 50.5"
    panel.ranges.add_button.click()
    panel.reasons.column.value, panel.reasons.text.value = "age", "Years: {value}"
    panel.reasons.add_button.click()
    assert panel.value.change == {"age": "increase"}
    assert panel.value.ranges == {"income": "5 to 50.5"}
    assert panel.value.reasons == {"age": "Years: {value}"}
    panel.reasons.buttons[0].click()
    assert panel.value.reasons == {}
    assert not panel.inputs


def test_panel_without_any_row(reported):
    stage, model, explanation, reports = reported
    none = reports.model_copy(update={"reports": []})
    panel = widgets.RowPanel(stage, none, explanation, explain.what_if(stage, model))
    assert "None of the explained rows" in panel._report.value
    assert "Never changed" in widgets.show_rows(none)


def test_figures_say_their_numbers(reported):
    reports = reported[-1]
    for report in reports.reports:
        plot = plots.counterfactuals(reports, report.row)
        assert f"Row {report.row}" in plot.alt
        assert all(f"{each.score:.4g}" in plot.alt for each in report.counterfactuals)
        assert f"nearest to row {report.row}" in plots.similar(reports, report.row).alt
    with pytest.raises(UsageError):
        plots.similar(reports, -5)
