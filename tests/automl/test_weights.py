"""The role `weight`: who may have it, what it must hold, and where it goes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import toolkit
from toolkit import data, evaluate, open_stage, table, widgets
from toolkit.errors import DataError, ProjectError


@pytest.fixture
def weighted(tmp_path):
    """Make a project whose column ``w`` has the given values and the role weight."""

    def make(values=None):
        rng = np.random.default_rng(0)
        frame = pd.DataFrame({"a": rng.normal(size=200), "w": np.arange(200) % 5 + 0.5})
        frame["y"] = np.where(frame["a"] + rng.normal(size=200) > 0, "yes", "no")
        if values is not None:
            frame["w"] = values
        frame.to_csv(tmp_path / "t.csv", index=False)
        file = toolkit.new(tmp_path / "t.csv", "y", tmp_path / "p")
        file.set("columns.w.role", "weight", by="test")
        return file

    return make


def test_weights_go_with_their_rows_and_reach_no_model(weighted):
    file = weighted()
    stage = open_stage("scoping", file.path)
    intake = data.intake(stage)
    assert "weight" in widgets.columns_table(intake)
    stage.finish()
    stage = open_stage("eda", file.path)
    data.make_split(stage)
    profile = data.profile(stage)
    assert not any(suspect.column == "w" for suspect in profile.suspects)
    part = table.load_part(stage, "train", "validation")
    assert list(part.frame.columns) == ["a"] and "w" not in part.columns
    np.testing.assert_array_equal(part.weights, part.rows % 5 + 0.5)
    assert '"w"' not in data.contract(stage).schema_text
    stage.finish()


class Sign:
    """Says yes where ``a`` is positive."""

    task, classes, threshold, name = "binary", ["no", "yes"], 0.5, "sign"

    def __init__(self, columns):
        self.columns = columns

    def predict(self, frame):
        p = np.where(table.conform(frame, self.columns)["a"] > 0, 0.8, 0.2)
        return np.column_stack([1 - p, p])

    def decide(self, scores):
        return np.where(scores[:, 1] >= 0.5, "yes", "no").astype(object)


def test_scores_on_the_test_rows_are_weighted(weighted):
    file = weighted()
    file.set("explain.bootstrap", 50, by="test")
    stage = open_stage("scoping", file.path)
    data.intake(stage)
    stage.finish()
    stage = open_stage("eda", file.path)
    data.make_split(stage)
    stage.finish()
    stage = open_stage("explain", file.path)
    part = table.load_part(stage, "test")
    found = evaluate.evaluate(stage, Sign(part.columns))
    right = np.where(part.frame["a"] > 0, "yes", "no") == part.target
    accuracy = found.metrics["accuracy"]
    assert accuracy.value == pytest.approx(np.average(right, weights=part.weights))
    assert accuracy.low <= accuracy.value <= accuracy.high
    assert "Weighted rows" in {check.name for check in found.checks}
    stage.finish()


def test_without_a_weight_there_is_none(binary_project):
    file = binary_project()
    stage = open_stage("scoping", file.path)
    data.intake(stage)
    stage.finish()
    stage = open_stage("eda", file.path)
    data.make_split(stage)
    assert table.load_part(stage, "train").weights is None
    stage.fail(KeyboardInterrupt())


@pytest.mark.parametrize(
    ("bad", "problem"),
    [(None, "missing in 1 rows"), (-1.0, "negative in 1 rows"), (0.0, "zero in every row")],
)
def test_weights_that_cannot_be_used(weighted, bad, problem):
    values = np.arange(200) % 5 + 0.5
    if bad == 0:
        values[:] = 0
        values[0] = 1e-9  # a constant column would be ignored
    else:
        values[17] = np.nan if bad is None else bad
    file = weighted(values)
    if bad == 0:
        with pytest.raises(DataError, match=problem):
            table.check_weights(np.zeros(5), "w")
        return
    stage = open_stage("scoping", file.path)
    with pytest.raises(DataError, match=problem):
        data.intake(stage)
    stage.fail(KeyboardInterrupt())


def test_one_column_of_numbers_only(weighted):
    file = weighted()
    with pytest.raises(ProjectError, match="weight must be a number"):
        file.set("columns.w.type", "category", by="test")
    with pytest.raises(ProjectError, match="more than one"):
        file.set("columns.a.role", "weight", by="test")


def test_the_scoping_panel_gives_the_role(weighted):
    file = weighted()
    file.set("columns.w.role", "feature", by="test")
    stage = open_stage("scoping", file.path)
    intake = data.intake(stage)
    panel = widgets.ScopingPanel(
        stage, intake, data.feasibility(stage), data.live_feasibility(stage)
    )
    panel.weight.choice.value = "w"
    assert stage.project.weight() == "w"
    panel.weight.choice.value = None
    assert stage.project.columns["w"].role == "feature"
    stage.fail(KeyboardInterrupt())
