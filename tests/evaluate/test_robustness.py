from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.explain_runs import FunctionModel, make_stage

from toolkit import widgets
from toolkit.artifacts import Robustness
from toolkit.errors import ModelError
from toolkit.evaluate import evaluate, robustness
from toolkit.evaluate.robustness.perturbations import gappy, noisy, shuffled, without
from toolkit.evaluate.robustness.robustness import BUDGET
from toolkit.plots.evaluate import robustness as figures

NASTY = "<script>alert('x')</script>"


def rows(n=1_000, seed=0):
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "x": generator.normal(size=n),
            "self": generator.normal(size=n),
            f"city {NASTY}": generator.choice(["Łódź", NASTY, "São Paulo"], n),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(n), "D"),
            "whole": generator.integers(0, 9, n),
            "flat": 1.0,
        }
    )
    frame.loc[3::19, f"city {NASTY}"] = None
    frame.loc[5::17, "self"] = np.nan
    return frame


def linear(f):
    return f["x"].fillna(0).to_numpy() * 2


def logistic(f):
    p = 1 / (1 + np.exp(-linear(f)))
    return np.column_stack([1 - p, p])


def run(folder, task="regression", n=1_000, function=None, **more):
    generator, frame = np.random.default_rng(1), rows(n)
    columns = list(frame)
    if task == "regression":
        frame["y"] = linear(frame) + generator.normal(size=n)
        model = FunctionModel(function or linear, columns)
    elif task == "binary":
        frame["y"] = np.where(generator.random(n) < logistic(frame)[:, 1], "yes", "no")
        model = FunctionModel(function or logistic, columns, task, ["no", "yes"], 0.5)
    else:
        frame["y"] = generator.choice(["a", "b", NASTY], n)

        def three(f):
            p = logistic(f)
            return np.column_stack([p[:, 0], p[:, 1] / 2, p[:, 1] / 2])

        model = FunctionModel(function or three, columns, task, ["a", "b", NASTY])
    stage = make_stage(folder, frame, "y", task, positive="yes" if task == "binary" else None,
                       **more)  # fmt: skip
    return stage, model


def test_a_column_that_is_ignored_does_no_harm_at_all_and_no_noise_changes_nothing(tmp_path):
    stage, model = run(tmp_path, "binary")
    found = robustness(stage, model)
    assert found.noise[0].strength == 0
    assert found.noise[0].score.value == found.baseline.value
    assert found.noise[0].changed == 0
    harms = {each.column: each.harm for each in found.missing}
    assert found.missing[0].column == "x" and harms["x"].low > 0
    for name, harm in harms.items():
        if name != "x":
            assert (harm.value, harm.low, harm.high) == (0, 0, 0), name
    assert {e.harm.value for e in found.unseen} == {0.0}
    scores = [dose.score.value for dose in found.noise]
    assert scores == sorted(scores)  # log loss: more noise, more loss
    gaps = [dose.score.value for dose in found.blanks]
    assert gaps[0] < gaps[-1]
    assert {e.column for e in found.shifts} == {"x", "self", "whole"}
    assert found.shifts[0].column == "x"
    changes = {(e.column, e.setting): e.change for e in found.extremes}
    assert changes["x", "above"] > changes["x", "highest"] > 0 > changes["x", "lowest"]
    assert changes["whole", "above"] == 0
    assert ("flat", "above") not in changes
    assert stage.read(Robustness) == found


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("n", [10, 11_000])
def test_the_budget_is_kept_and_every_task_and_size_is_shown(tmp_path, task, n):
    stage, model = run(tmp_path, task, n)
    found = robustness(stage, model)
    assert model.rows == found.evaluations <= round(BUDGET * stage.project.automl.effort) < BUDGET
    assert model.calls <= 15
    assert found.rows <= 2_000
    plots = [figures.doses, figures.missing, figures.shifts, figures.outside]
    for plot in (draw(found) for draw in plots):
        assert plot.alt and "<script" not in plot.svg
    text = widgets.show_robustness(found)
    assert "<script" not in text
    if n == 10:
        assert found.checks[0].severity == "warning"


def test_a_wide_table_costs_no_more(tmp_path):
    n, generator = 3_000, np.random.default_rng(0)
    frame = pd.DataFrame({f"x{i}": generator.normal(size=n) for i in range(150)})
    frame["y"] = frame["x3"] + generator.normal(size=n)
    model = FunctionModel(lambda f: f["x3"].fillna(0), list(frame.columns[:-1]))
    found = robustness(make_stage(tmp_path, frame, "y", "regression"), model)
    assert model.rows <= BUDGET
    assert found.left_out == 90
    assert found.missing[0].column == "x3"
    assert any(check.name == "Columns left out" for check in found.checks)


def test_values_that_the_model_refuses_are_reported_with_the_column(tmp_path):
    city = f"city {NASTY}"

    def strict(f):
        if f[city].astype(object).isin(["(a value never seen)"]).any():
            raise ValueError("found unknown categories")
        if f["x"].isna().any():
            raise ModelError("x is missing")
        return linear(f)

    stage, model = run(tmp_path, function=strict)
    found = robustness(stage, model)
    assert {(each.column, each.what) for each in found.failures} == {
        (city, "a value never seen"),
        ("x", "all values missing"),
        ("", "cells missing at random"),
    }
    critical = [check for check in found.checks if check.severity == "critical"]
    assert sorted(check.columns for check in critical) == [[], [city], ["x"]]
    assert any("found unknown categories" in check.message for check in critical)
    assert {each.column for each in found.missing} == set(model.columns) - {"x"}
    assert found.unseen == []
    assert model.rows <= BUDGET


def test_a_bug_of_the_model_is_not_hidden(tmp_path):
    def broken(f):
        if f["x"].isna().any():
            raise ZeroDivisionError("a bug")
        return linear(f)

    stage, model = run(tmp_path, function=broken)
    with pytest.raises(ZeroDivisionError):
        robustness(stage, model)


def test_certainty_outside_the_data_is_called_what_it_is(tmp_path):
    stage, model = run(tmp_path / "a", "binary")
    sure = {each.made: each for each in robustness(stage, model).outside}
    scaled = next(each for made, each in sure.items() if "multiplied" in made)
    assert scaled.verdict == "overconfident" and scaled.share.low > 0.05
    permuted = next(each for made, each in sure.items() if "permuted" in made)
    assert permuted.verdict == "cautious"

    def careful(f):
        p = np.where(np.abs(linear(f)) > 6, 0.5, logistic(f)[:, 1])
        return np.column_stack([1 - p, p])

    stage, model = run(tmp_path / "b", "binary", function=careful)
    found = robustness(stage, model)
    assert {each.verdict for each in found.outside} == {"cautious"}
    assert [c.severity for c in found.checks if c.name == "Out of distribution"] == ["ok", "ok"]
    stage, model = run(tmp_path / "c")
    found = robustness(stage, model)
    scaled = next(each for each in found.outside if "multiplied" in each.made)
    assert scaled.verdict == "overconfident"  # a line goes on for ever
    assert max(each.outside for each in found.extremes) == 1


def test_a_model_that_is_not_the_same_twice_is_noticed(tmp_path):
    generator = np.random.default_rng(0)
    stage, model = run(tmp_path, function=lambda f: linear(f) + generator.normal(size=len(f)))
    names = [check.name for check in robustness(stage, model).checks]
    assert "Repeated scoring" in names


def test_equal_runs_write_equal_bytes(tmp_path):
    stage, model = run(tmp_path, "binary")
    evaluate(stage, model)
    robustness(stage, model)
    first = (stage.run.folder / "robustness.json").read_bytes()
    robustness(stage, model)
    assert (stage.run.folder / "robustness.json").read_bytes() == first


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(0, 9), st.floats(0, 1))
def test_perturbed_rows_keep_their_shape_and_types(n, seed, share):
    frame = rows(60).iloc[:n].reset_index(drop=True)
    frame["note"] = pd.Series(["a text"] * n, dtype="str")
    kinds = {"x": "number", "self": "number", f"city {NASTY}": "category", "when": "date",
             "note": "text"}  # fmt: skip
    held = gappy(frame, kinds, share, [seed])
    same = noisy(frame, {"x": 1.0, "self": 2.0}, 0.0, [seed])
    pd.testing.assert_frame_equal(same, frame)
    moved = shuffled(frame, [seed])
    for changed in (held, moved):
        assert list(changed.dtypes.drop("whole")) == list(frame.dtypes.drop("whole"))
        assert len(changed) == n
    for name in frame:
        left = moved[name].astype(object).where(moved[name].notna(), "").map(str)
        right = frame[name].astype(object).where(frame[name].notna(), "").map(str)
        assert sorted(left) == sorted(right)
    assert without(frame, "when", "date")["when"].isna().all()
    assert (without(frame, "note", "text")["note"] == "").all()
    assert frame["note"].eq("a text").all()
