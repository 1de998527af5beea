from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from support.explain_runs import FunctionModel, make_stage

from toolkit import widgets
from toolkit.artifacts import Champion, ErrorsFound, Interval
from toolkit.errors import UsageError
from toolkit.evaluate import (
    Thresholds,
    conditions,
    errors,
    evaluate,
    slice_scores,
    thresholds,
    weakest,
)
from toolkit.plots.evaluate import errors as figures
from toolkit.project.criteria import Costs

NASTY = "<script>alert('x')</script>"
COLUMNS = ["p", "age", f"city {NASTY}", "self", "when", "flat", "many"]


def people(n=3_000, seed=0, *, classes=("no", "yes"), planted=0.8):
    """Rows whose labels are mostly flipped in one region: age of 60 and more, city Łódź."""
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "p": np.where(generator.random(n) < 0.5, 0.15, 0.85),
            "age": generator.integers(18, 90, n).astype(float),
            f"city {NASTY}": generator.choice(["Łódź", NASTY, "São Paulo"], n),
            "self": generator.choice(["a", "b"], n),
            "when": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(generator.integers(0, 700, n), "D"),
            "flat": 1.0,
            "many": [f"v{i % 400}" for i in range(n)],
        }
    )
    happened = generator.random(n) < frame["p"]
    region = inside(frame) & (generator.random(n) < planted)
    frame.loc[::13, "self"] = None
    frame.loc[5::17, "age"] = np.nan
    frame["y"] = np.where(happened ^ region, classes[-1], classes[0])
    return frame


def inside(frame):
    return (frame["age"] >= 60) & (frame[f"city {NASTY}"] == "Łódź")


def binary(classes=("no", "yes")):
    return FunctionModel(
        lambda f: np.column_stack([1 - f["p"], f["p"]]), COLUMNS, "binary", list(classes), 0.5
    )


def opened(folder, frame, task="binary", positive="yes", **more):
    return make_stage(folder, frame, "y", task, positive=positive, protected=("self",), **more)


def small(task, n=300, seed=1):
    """Rows and a model of a task, with nulls, dates and markup."""
    frame = people(n, seed)
    generator = np.random.default_rng(seed)
    names = ["a <b>", "b", NASTY]
    if task == "regression":
        frame["y"] = frame["p"] * 10 + generator.normal(size=n)
        model = FunctionModel(lambda f: f["p"] * 10, COLUMNS)
    elif task == "multiclass":
        frame["y"] = generator.choice(names, n)
        model = FunctionModel(
            lambda f: np.column_stack([f["p"] / 2, 1 - f["p"], f["p"] / 2]), COLUMNS, task, names
        )
    else:
        model = binary()
    return frame, model


# -- the tree --------------------------------------------------------------------------


def test_error_tree_finds_the_planted_region_and_measures_it_on_other_rows(tmp_path):
    stage = opened(tmp_path, people(9_000))
    found = errors(stage, binary())
    worst = max((n for n in found.tree if n.leaf), key=lambda n: n.loss.value)
    assert worst.worse and worst.p_value < 1e-3
    assert set(worst.columns) == {"age", f"city {NASTY}"}
    assert "= Łódź" in worst.where and "age above 59" in worst.where
    # Of the flipped share q, the mean loss is known: p is 0.15 or 0.85.
    wrong = 0.8 * 0.85 + 0.2 * 0.15
    truth = -wrong * np.log(0.15) - (1 - wrong) * np.log(0.85)
    assert worst.loss.low < truth < worst.loss.high
    assert found.loss == "mean log loss"
    leaves = [n for n in found.tree if n.leaf]
    assert sum(n.rows for n in leaves) == found.tree[0].rows
    assert found.tree[0].rows + found.tree[0].fitted_rows == found.rows == found.of_rows
    assert all(n.fitted_rows >= max(20, 0.02 * found.rows / 2) for n in leaves)
    assert max(n.depth for n in found.tree) <= 3
    assert found.checks[-1].severity == "warning"
    assert stage.read(ErrorsFound) == found


def test_a_tree_on_chance_alone_seldom_claims_anything(tmp_path):
    claims = 0
    for seed in range(12):
        frame = people(1_500, seed, planted=0.0)
        found = errors(opened(tmp_path / str(seed), frame, seed=seed), binary())
        claims += any(node.worse for node in found.tree)
    assert claims <= 3


# -- rows and ranges ---------------------------------------------------------------------


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_confusions_lead_to_rows_and_curves_cover_all_of_them(tmp_path, task):
    frame, model = small(task, 900)
    stage = opened(tmp_path, frame, task, "yes" if task == "binary" else None)
    found = errors(stage, model)
    assert model.calls == 1
    if task == "regression":
        assert found.confusions == []
        assert "residual" in found.measure
        assert found.loss == "root mean squared error"
        assert abs(found.overall.value) < 0.3
        assert found.mean_loss.value == pytest.approx(1.0, abs=0.2)
    else:
        assert 1 <= len(found.confusions) <= 12
    for each in found.confusions:
        assert each.actual != each.decided
        assert 1 <= len(each.examples) <= 10
        assert each.certainty == sorted(each.certainty, reverse=True)
        assert (frame.loc[each.examples, "y"] == each.actual).all()
        decided = model.decide(model.predict(frame.loc[each.examples]))
        assert set(decided) == {each.decided}
    kinds = [curve.kind for curve in found.curves]
    assert kinds[:2] == ["time", "prediction"]
    assert "flat" not in [curve.over for curve in found.curves]
    assert sum(part.rows for part in found.curves[0].parts) == found.rows
    plots = [figures.tree(found), *(figures.curve(found, c.over) for c in found.curves)]
    assert all("<script" not in p.svg and "<script" not in p.html() for p in plots)
    assert all(p.alt for p in plots)
    with pytest.raises(UsageError):
        figures.curve(found, "nothing")


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_ten_rows_are_too_few_for_a_tree_and_said_to_be(tmp_path, task):
    frame, model = small(task, 10)
    frame["y"] = frame["y"] if task == "regression" else ["no", "yes"] * 5
    stage = opened(tmp_path, frame, task, "yes" if task == "binary" else None)
    evaluate(stage, model)
    found = errors(stage, model)
    assert found.tree == []
    assert found.checks[0].message.startswith("No error tree was grown")
    assert "too few" in figures.tree(found).alt
    scores = slice_scores(stage, model)
    score = scores([("self", scores.parts["self"].names[0])])
    assert score.p_value is None


def test_equal_runs_write_equal_bytes(tmp_path):
    stage = opened(tmp_path, people(800))
    errors(stage, binary())
    first = (stage.run.folder / "errors.json").read_bytes()
    errors(stage, binary())
    assert (stage.run.folder / "errors.json").read_bytes() == first


# -- slices ------------------------------------------------------------------------------


def test_a_planted_slice_is_found_first(tmp_path):
    stage = opened(tmp_path, people(6_000))
    first = evaluate(stage, binary()).slices[0]
    assert set(first.columns) == {"age", f"city {NASTY}"}
    assert "= Łódź" in first.where and "age from " in first.where
    assert first.p_value < 1e-6


def test_no_slice_is_claimed_on_shuffled_losses_more_often_than_said():
    frame = people(2_000).drop(columns="y")
    parts = [conditions(frame[name]) for name in frame]
    loss = np.random.default_rng(0).exponential(size=len(frame))
    claims = 0
    for seed in range(20):
        shuffled = np.random.default_rng(seed).permutation(loss)
        claims += bool(weakest(parts, shuffled, lambda _: Interval(value=0.0)).slices)
    assert claims <= 3


def test_a_slice_by_hand_agrees_with_counting(tmp_path):
    stage = opened(tmp_path, people(3_000))
    evaluation = evaluate(stage, binary())
    scores = slice_scores(stage, binary())
    found = scores([(f"city {NASTY}", "= Łódź"), ("self", "= a")])
    part = scores.scored.part
    held = (part.frame[f"city {NASTY}"] == "Łódź") & (part.frame["self"] == "a")
    assert found.rows == held.sum()
    loss = scores.loss
    assert found.difference.value == pytest.approx(loss[held].mean() - loss[~held].mean())
    assert found.difference.low < found.difference.value < found.difference.high
    assert found.inside.value == pytest.approx(loss[held].mean(), rel=1e-3)
    assert [row[3] for row in found.worst] == sorted((r[3] for r in found.worst), reverse=True)
    assert {row[0] for row in found.worst} <= set(part.rows[held].tolist())
    everyone = scores([])
    assert everyone.where == "all rows" and everyone.outside.value is None
    whole = evaluation.metrics[evaluation.metric]
    assert everyone.inside.value == pytest.approx(whole.value)
    for where in ([("nothing", "= a")], [("self", "= zzz")]):
        with pytest.raises(UsageError):
            scores(where)


# -- panels ------------------------------------------------------------------------------


def safe(text):
    # In an attribute a < is harmless, and the label of a figure is one.
    return "<script" not in re.sub(r'"[^"]*"', '""', text)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_slice_panel_follows_clicks_and_stands_without_a_kernel(tmp_path, task):
    frame, model = small(task, 2_000)
    stage = opened(tmp_path, frame, task, "yes" if task == "binary" else None)
    evaluation, found = evaluate(stage, model), errors(stage, model)
    seen = []

    def view(row):
        seen.append(row)
        return [(NASTY, "text", NASTY)]

    panel = widgets.SlicePanel(stage, evaluation, found, slice_scores(stage, model), view_row=view)
    if task == "binary":
        assert panel.found.value == 0
        assert evaluation.slices[0].columns == [pair[0] for pair in panel.where()]
        assert f"{evaluation.slices[0].rows:,} of" in panel._slice.value
    panel.column.value = "age"
    panel.part.value = "missing"
    assert panel.found.value == -1
    assert panel.where()[0] == ("age", "missing")
    assert "age is missing" in panel._slice.value
    panel.column2.value = "self"
    assert [pair[0] for pair in panel.where()] == ["age", "self"]
    panel.column.value = panel.column2.value = ""
    assert "Choose one or two" in panel._slice.value
    panel.curve.value = found.curves[1].over
    if found.confusions:
        panel.pair.value = len(found.confusions) - 1
        panel.row.value = found.confusions[-1].examples[-1]
        assert seen[-1] == found.confusions[-1].examples[-1]
    for text in (panel.static_html(), panel._row.value, panel._pair.value, panel._slice.value):
        assert safe(text)
    assert "Error tree" in panel.static_html()
    assert "text/html" in panel._repr_mimebundle_()


def champion_of(curve=()):
    return Champion(
        name="m", engine="e", family="f", rule="best", reason="", best="m", model="x",
        calibration="none", threshold=0.5, threshold_rule="least cost",
        threshold_curve=list(curve),
    )  # fmt: skip


def curve_of(p, positive, costs):
    from toolkit.automl.decisions.threshold import by_cost

    return by_cost(p, positive, costs).curve


def test_threshold_effects_agree_with_counting(tmp_path):
    stage = opened(tmp_path, people(900), costs={"false_negative": 4, "true_positive": -1})
    evaluation = evaluate(stage, binary())
    effects = thresholds(stage)
    at = effects(0.5, stage.project.costs)
    assert (at.hits, at.wrong) == (
        evaluation.confusion["yes"]["yes"], evaluation.confusion["no"]["yes"])  # fmt: skip
    assert (at.missed, at.left) == (
        evaluation.confusion["yes"]["no"], evaluation.confusion["no"]["no"])  # fmt: skip
    assert at.cost == pytest.approx(evaluation.cost.value)
    everybody, nobody = effects(0.0, Costs()), effects(1.0, Costs())
    assert everybody.flagged == 1 and everybody.recall.value == 1
    assert nobody.flagged == 0 and nobody.precision.value is None


def test_other_costs_move_the_curve_as_a_new_one_would():
    generator = np.random.default_rng(0)
    p = generator.random(400)
    positive = generator.random(400) < p
    other = Costs(false_negative=7, false_positive=2, true_positive=-1, true_negative=0.5)
    effects = Thresholds("no", "yes", np.sort(p), np.zeros(401, dtype=np.int64))
    moved = effects.recost(curve_of(p, positive, Costs()), other)
    new = {point.threshold: point for point in curve_of(p, positive, other)}
    for point in moved:
        if point.threshold in new:
            assert point.cost == pytest.approx(new[point.threshold].cost)


def test_threshold_panel_saves_a_choice_and_stands_without_a_kernel(tmp_path):
    frame = people(900, classes=("no", NASTY))
    stage = opened(tmp_path, frame, positive=NASTY)
    model = binary(("no", NASTY))
    evaluate(stage, model)
    p = frame["p"].to_numpy()
    curve = curve_of(p, (frame["y"] == NASTY).to_numpy(), Costs())
    panel = widgets.ThresholdPanel(stage, champion_of(curve), thresholds(stage))
    before = panel._out.value
    panel.slider.value = 0.9
    assert panel._out.value != before
    panel.missed.value = 50.0
    panel.cheapest.click()
    assert panel.slider.value < 0.5
    panel.slider.value = 0.3
    panel.keep.click()
    assert stage.file.project.choice.threshold == 0.3
    panel.by_cost.click()
    assert stage.file.project.choice.threshold == "cost"
    assert stage.file.project.costs == Costs()
    text = panel.static_html()
    assert safe(text) and "out-of-fold" in text and "choice: threshold" in text.lower()


def test_threshold_panel_says_so_where_there_is_nothing_to_choose(tmp_path):
    frame, model = small("regression")
    stage = opened(tmp_path, frame, "regression", None)
    evaluate(stage, model)
    champion = champion_of().model_copy(update={"threshold": None})
    panel = widgets.ThresholdPanel(stage, champion, thresholds(stage))
    assert "two classes only" in panel.static_html()
