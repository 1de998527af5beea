from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from support.explain_runs import FunctionModel, make_stage

from toolkit import widgets
from toolkit.artifacts import Attributions, Champion, TestPredictions
from toolkit.artifacts.automl import CurvePoint
from toolkit.evaluate import evaluate
from toolkit.explain import explain, row_explainer
from toolkit.plots import evaluate as figures_of_evaluation
from toolkit.plots.explain import shap_values as figures

NASTY = "<script>alert('x')</script>"


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression"])
def finished(request, tmp_path_factory):
    """A stage after evaluation and explanation, with markup in names and values."""
    generator, n = np.random.default_rng(0), 400
    frame = pd.DataFrame(
        {
            "height $\\alpha$": generator.normal(size=n),
            f"plan {NASTY}": generator.choice(["a", NASTY, "żółć"], n),
            "group <b>": generator.choice(["u", "v & w"], n),
        }
    )
    frame.iloc[::7, 0] = np.nan
    task = request.param
    classes = {"binary": ["no", NASTY], "multiclass": ["a", "b", NASTY], "regression": []}[task]

    def score(f):
        x = f.iloc[:, 0].fillna(0) + (f.iloc[:, 1] == NASTY)
        p = 1 / (1 + np.exp(-x))
        if task == "multiclass":
            return np.column_stack([p / 2, p / 2, 1 - p])
        return np.column_stack([1 - p, p]) if classes else x

    scores = np.asarray(score(frame))
    if classes:
        frame["y"] = [classes[generator.choice(len(classes), p=p)] for p in scores]
    else:
        frame["y"] = scores + generator.normal(size=n)
    stage = make_stage(
        tmp_path_factory.mktemp(task), frame, "y", task,
        positive=NASTY if task == "binary" else None, protected=("group <b>",),
        acceptance=[{"metric": "rmse" if not classes else "log_loss", "at_most": 0.6}],
    )  # fmt: skip
    threshold = 0.5 if task == "binary" else None
    model = FunctionModel(score, list(frame.columns[:-1]), task, classes, threshold)
    return stage, model, evaluate(stage, model), explain(stage, model)


def panel_of(finished):
    stage, model, _, explanation = finished
    return widgets.ExplainPanel(
        stage,
        explanation,
        stage.read(Attributions),
        stage.read(TestPredictions),
        row_explainer(stage, model, explanation),
    )


def safe(text):
    # In an attribute a < is harmless, and the label of a figure is one.
    without = re.sub(r'"[^"]*"', '""', text)
    return "<script" not in without and "<b>" not in re.sub(r"<b>[^<]*</b>", "", without)


def all_figures(finished):
    stage, _, evaluation, explanation = finished
    frame, of = stage.read(Attributions), explanation.classes[-1]
    row = int(frame.frame["row"].iloc[0])
    champion = Champion(
        name="m", engine="e", family="f", rule="best", reason="", best="m", model="x",
        calibration="none", threshold=0.5,
        threshold_curve=[
            CurvePoint(threshold=t, cost=0.3, precision=None, recall=0.5, flagged=0.5)
            for t in (0.0, 0.5, 1.0)
        ],
    )  # fmt: skip
    yield figures_of_evaluation.metric_intervals(evaluation)
    yield figures_of_evaluation.confusion(evaluation)
    yield figures_of_evaluation.calibration(evaluation)
    yield figures_of_evaluation.cost(evaluation)
    yield figures_of_evaluation.cost(evaluation, champion, "EUR <b>")
    yield figures_of_evaluation.slices(evaluation)
    yield figures_of_evaluation.fairness(evaluation)
    yield figures_of_evaluation.groups(evaluation, "group <b>")
    yield figures.importance(explanation, of)
    yield figures.beeswarm(explanation, frame, of)
    yield figures.waterfall(explanation, frame, row, of)
    for item in explanation.importance[of]:
        yield figures.dependence(explanation, frame, item.column, of)


def test_figures_are_small_escaped_described_and_repeatable(finished):
    stage, _, _, explanation = finished
    frame = stage.read(Attributions)
    assert figures.beeswarm(explanation, frame) == figures.beeswarm(explanation, frame)
    for figure in all_figures(finished):
        assert len(figure.svg) < 400_000
        assert safe(figure.html())
        assert figure.title and figure.alt


def test_the_panel_follows_class_column_and_row(finished):
    panel = panel_of(finished)
    before = panel._dependence.value
    panel.column.value = panel.column.options[-1][1]
    assert panel._dependence.value != before
    row = panel.row.options[-1][1]
    panel.row.value = row
    assert f"Row {row}:" in panel._single.value
    if len(panel.of.options) > 1:
        overall = panel._overall.value
        panel.of.value = panel.of.options[-1][1]
        assert panel._overall.value != overall
        assert f"Row {row}:" in panel._single.value


def test_rows_are_offered_the_most_wrong_first(finished):
    stage, model, *_ = finished
    panel = panel_of(finished)
    frame = stage.read(TestPredictions).frame
    if model.classes:
        own = frame.apply(lambda line: line[f"p:{line['actual']}"], axis=1)
        wrong = (1 - own).to_numpy()
    else:
        wrong = (frame["predicted"] - frame["actual"]).abs().to_numpy()
    wrong = dict(zip(frame["row"], wrong, strict=True))
    offered = [wrong[row] for _, row in panel.row.options]
    assert offered == sorted(offered, reverse=True)


def test_any_test_row_can_be_asked_for_by_number(finished):
    stage, *_ = finished
    panel = panel_of(finished)
    explained = set(stage.read(Attributions).frame["row"])
    other = next(
        int(r) for r in stage.read(TestPredictions).frame["row"] if int(r) not in explained
    )
    panel.number.value = str(other)
    assert f"Row {other}:" in panel._single.value
    panel.number.value = "999999"
    assert "not a test row" in panel._status.value
    panel.number.value = "first"
    assert "whole number" in panel._status.value


def test_a_change_is_saved_and_is_the_value(finished):
    stage, *_ = finished
    panel = panel_of(finished)
    before = stage.project.explain.rows
    panel.fields["explain.rows"].control.value = before + 5
    assert panel.value.rows == stage.project.explain.rows == before + 5


def test_static_copies_are_escaped_and_hold_the_figures(finished):
    _, _, evaluation, explanation = finished
    bundle = panel_of(finished)._repr_mimebundle_()
    assert bundle["text/html"].count("<figure") >= 4
    shown = [
        bundle["text/html"],
        widgets.show_evaluation(evaluation),
        widgets.show_explanation(explanation),
    ]
    assert all(safe(text) for text in shown)
    assert "Additivity" in shown[2]
    assert "at most 0.6" in shown[1]
