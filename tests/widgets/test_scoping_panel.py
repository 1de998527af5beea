"""The panel of 01_scoping: what is clicked is in the file, and the figures follow."""

from __future__ import annotations

import pytest

from toolkit import data, open_stage
from toolkit.project.file import ProjectFile
from toolkit.widgets import ScopingPanel, columns_table


@pytest.fixture
def panel_for(request):
    def make(file):
        stage = open_stage("scoping", file.path, "runs/a")
        request.addfinalizer(stage.run.release)
        intake, feasibility = data.intake(stage), data.feasibility(stage)
        return ScopingPanel(stage, intake, feasibility, data.live_feasibility(stage))

    return make


def test_costs_move_threshold_and_figure(binary_project, panel_for):
    panel = panel_for(binary_project())
    before = panel._findings.value
    panel.fields["costs.false_negative"].control.value = 9
    assert panel.feasibility.cost_threshold == pytest.approx(0.1)
    assert panel.value["costs"].false_negative == 9
    assert panel._findings.value != before


def test_answers_lead_to_metrics_with_reasons(binary_project, panel_for):
    panel = panel_for(binary_project())
    panel.fields["metric.ranking_matters"].control.value = True
    assert panel.feasibility.metric == "roc_auc"
    assert panel.feasibility.metric_reason in panel._findings.value
    panel.fields["fairness.people_affected"].control.value = False
    assert panel.feasibility.fairness_metric == "none"


def test_limits_and_protected_columns_are_added_and_removed(binary_project, panel_for):
    file = binary_project()
    panel = panel_for(file)
    panel._limit_metric.value, panel._limit_value.value = "log_loss", 0.6
    panel.limits.add_button.click()
    assert [(a.metric, a.at_most) for a in file.reload().acceptance] == [("log_loss", 0.6)]
    panel.limits.buttons[0].click()
    assert file.reload().acceptance == []

    before = file.reload().protected()
    panel._protect.value = "plan <b>"
    panel.protected.add_button.click()
    assert set(file.reload().protected()) == {*before, "plan <b>"}
    assert "plan <b>" not in panel.static_html()
    assert "plan &lt;b&gt;" in panel.static_html()
    for _ in file.project.protected():
        panel.protected.buttons[0].click()
    assert file.reload().protected() == []


def test_another_target_takes_its_role_along_and_asks_for_a_new_run(binary_project, panel_for):
    file = binary_project()
    panel = panel_for(file)
    panel.fields["target.column"].control.value = "income"
    project = file.reload()
    assert (project.target.column, project.target.task) == ("income", "regression")
    assert project.columns["churn"].role == "feature"
    assert "run this notebook again" in panel._findings.value


def test_a_cost_table_for_several_classes(multiclass_project, panel_for):
    file = multiclass_project()
    panel = panel_for(file)
    cells = [
        w for w in panel.tabs.children[3].children[0].children if hasattr(w, "continuous_update")
    ]
    assert [c.value for c in cells] == [0, 1, 1, 1, 0, 1, 1, 1, 0]
    cells[1].value = 4
    ((actual, costs),) = file.reload().costs.matrix.items()
    assert list(costs.values()) == [4]
    assert actual in panel.feasibility.classes


def test_regression_offers_what_fits(regression_project, panel_for):
    panel = panel_for(regression_project())
    assert "metric.probability_used" not in panel.fields
    panel.fields["metric.large_errors_worse"].control.value = False
    assert panel.feasibility.metric == "mae"
    assert "Distribution of spend" in panel._findings.value


def test_what_is_still_to_be_said_is_counted_on_the_tabs(binary_project, panel_for):
    panel = panel_for(binary_project())
    titles = [panel.tabs.get_title(i) for i in range(len(panel.tabs.children))]
    assert any(title.startswith("Problem (") for title in titles)
    for name in ("problem.question", "governance.owner"):
        panel.fields[name].control.value = "said"
    assert "problem.question" not in panel._open()


def test_clicked_and_written_by_hand_are_the_same_project(binary_project, panel_for):
    clicked = binary_project("clicked")
    panel = panel_for(clicked)
    panel.fields["costs.false_negative"].control.value = 5
    panel.fields["governance.owner"].control.value = "Ana"
    written = binary_project("written")
    written.update({"costs.false_negative": 5, "governance.owner": "Ana", "name": "clicked"})
    assert ProjectFile(clicked.path).digest() == ProjectFile(written.path).digest()


def test_the_table_of_columns_is_escaped(binary_project):
    file = binary_project()
    stage = open_stage("scoping", file.path, "runs/b")
    text = columns_table(data.intake(stage))._repr_html_()
    stage.run.release()
    assert "plan &lt;b&gt;" in text
    assert "<script" not in text
