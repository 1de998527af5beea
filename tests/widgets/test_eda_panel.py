from __future__ import annotations

import pytest

from toolkit import data, open_stage, widgets


@pytest.fixture
def panel(binary_project):
    file = binary_project(columns__empty__role="feature")
    stage = open_stage("scoping", file.path)
    data.intake(stage)
    stage.finish()
    stage = open_stage("eda", file.path)
    split = data.make_split(stage)
    profile, quality = data.profile(stage), data.quality(stage)
    data.contract(stage)
    live = data.live_split(stage)
    yield widgets.EdaPanel(stage, profile, quality, split, live=live, keep=data.keep_contract)
    stage.finish()


def test_a_column_is_found_seen_and_set(panel):
    explorer = panel.explorer
    explorer.search.value = "plan"
    assert explorer.choice.value == "plan <b>"
    assert "<figure" in explorer._picture.value and "<script>" not in explorer._picture.value
    explorer.role.value = "ignore"
    explorer.protected.value = True
    column = panel.stage.file.reload().columns["plan <b>"]
    assert (column.role, column.protected) == ("ignore", True)
    assert "Run this notebook again" in panel._stale.value
    explorer.search.value = "no such column"
    assert "No column" in explorer._picture.value


def test_split_is_previewed_and_a_bad_one_refused(panel):
    panel.fields["split.test"].control.value = 0.4
    assert panel.stage.project.split.test == 0.4
    assert "as it would be" in panel._split_view.value
    panel.fields["split.method"].control.value = "group"
    assert panel.stage.project.split.method == "stratified"  # a group needs its column
    panel.fields["split.method"].control.value = "time"
    assert panel.stage.project.split.method == "time"  # the order of the file will do
    panel.fields["split.column"].control.value = "joined"
    assert panel.stage.project.split.method == "time"
    assert "Order in time" in panel._split_view.value
    panel.fields["split.column"].control.value = "sex"
    assert "no times" in panel._split_view.value


def test_ignore_and_use_again(panel):
    button = panel.ignore_buttons["empty"][0]
    button.click()
    assert panel.stage.file.reload().columns["empty"].role == "ignore"
    assert button.description == "Use empty"
    button.click()
    assert panel.value["columns"]["empty"].role == "feature"


def test_the_contract_is_kept(panel):
    panel.keep_button.click()
    assert (panel.stage.file.decisions / "contract.json").is_file()


def test_a_reader_without_a_kernel_sees_the_checks(panel):
    text = panel._repr_mimebundle_()["text/html"]
    assert "Missing values" in text and "empty" in text
    assert "<script>" not in text and "<b>" not in text
