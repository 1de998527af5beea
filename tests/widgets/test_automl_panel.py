"""The panels of the search: what is clicked is saved, what happens is shown, stop is heard."""

from __future__ import annotations

import threading

import pytest
from support.pages import parse

from toolkit import automl, open_stage, widgets
from toolkit.artifacts import (
    Champion,
    Conformal,
    CurvePoint,
    DerivedColumn,
    EngineRun,
    Entry,
    FeatureMap,
    Holdout,
    Intake,
    Interval,
    Leaderboard,
    SearchSummary,
    Shuffled,
    TrialRun,
)
from toolkit.automl.search_state import LiveRow, SearchState
from toolkit.automl.trial_plan import PRESETS
from toolkit.project.file import ProjectFile

NASTY = "<script>alert(1)</script>"

YAML = """\
name: t
data: {source: t.csv}
columns:
  age: {type: number}
  "age: <b>in</b> years": {type: number}
  colour: {type: category}
  y: {type: category, role: target}
target: {column: y, task: binary, positive: "yes"}
"""


@pytest.fixture
def stage(tmp_path):
    (tmp_path / "project.yaml").write_text(YAML, encoding="utf-8")
    opened = open_stage("automl", tmp_path, "runs/a")
    yield opened
    opened.run.release()


def saved(stage):
    return ProjectFile(stage.file.path).project.automl


def state(**facts) -> SearchState:
    rows = [LiveRow("lightgbm_1", "lightgbm", "boosting", 0.91), LiveRow("b", "b", NASTY, None)]
    return SearchState(metric="roc_auc", rows=rows, **facts)


# -- what the search may do ------------------------------------------------------------


def test_a_preset_is_shown_in_numbers_and_what_is_chosen_wins(stage):
    panel = widgets.AutomlPanel(stage)
    assert str(PRESETS["balanced"].models) in panel._numbers.value
    panel.fields["automl.preset"].control.value = "thorough"
    panel.fields["automl.budget.models"].control.value = "7"
    assert saved(stage).preset == "thorough"
    assert saved(stage).budget.models == 7
    _, text = parse(panel._numbers.value)
    assert "thorough (chosen)" in text
    last = text[text.index("this search") :]
    assert last.split()[2:4] == ["7", str(PRESETS["thorough"].folds)]


def test_the_panel_says_how_long_it_will_take_with_what_is_chosen(stage):
    stage.write(Intake(source="a.csv", digest="d", table_digest="t", rows=50_000, columns=[]))
    expected = automl.forecast(stage)
    panel = widgets.AutomlPanel(stage, forecast=expected)
    balanced = expected()
    for shown in (panel._numbers.value, panel.static_html()):
        assert balanced.text() in parse(shown)[1]
    last = parse(panel._numbers.value)[1]
    last = last[last.index("this search") :].split()
    assert last[2:4] == [str(balanced.models), str(balanced.folds)]
    panel.fields["automl.preset"].control.value = "thorough"
    thorough = expected()
    assert thorough.search > balanced.search
    assert thorough.text() in parse(panel._numbers.value)[1]
    panel.fields["automl.budget.seconds"].control.value = "120"
    assert expected().search == 120
    assert expected().total > 120


def test_an_engine_that_is_missing_is_named(stage):
    panel = widgets.AutomlPanel(stage, {"catboost": NASTY})
    tags, text = parse(panel.static_html())
    assert "script" not in tags
    assert "left out: CatBoost" in text


def test_columns_are_picked_by_a_part_of_their_name(stage):
    panel = widgets.AutomlPanel(stage)
    picker = panel.excluded
    picker.search.value = "col"
    picker.add_button.click()
    assert saved(stage).constraints.exclude == ["colour"]
    picker.search.value = "colour"
    picker.add_button.click()
    assert saved(stage).constraints.exclude == ["colour"], "a column is named once"
    picker.search.value = "ag"
    picker.add_button.click()
    assert "2 columns match" in panel._status.value
    picker.search.value = "nothing like it"
    picker.add_button.click()
    assert "no column" in panel._status.value
    picker.buttons[0].click()
    assert saved(stage).constraints.exclude == []


def test_only_number_columns_have_a_direction(stage):
    panel = widgets.AutomlPanel(stage)
    assert "colour" not in panel.monotonic.search.options
    panel.monotonic.search.value = "age: <b>in</b> years"
    panel.monotonic.choice.value = "decreasing"
    panel.monotonic.add_button.click()
    assert saved(stage).constraints.monotonic == {"age: <b>in</b> years": "decreasing"}
    panel.monotonic.search.value = "age"
    panel.monotonic.choice.value = "increasing"
    panel.monotonic.add_button.click()
    assert len(saved(stage).constraints.monotonic) == 2
    panel.monotonic.buttons[0].click()
    assert saved(stage).constraints.monotonic == {"age": "increasing"}
    tags, text = parse(panel.static_html())
    assert "b" not in tags
    assert "age: increasing" in text


def test_fields_fit_the_task(tmp_path):
    text = YAML.replace('binary, positive: "yes"', "regression").replace(
        "colour: {type: category}", "photo: {type: image}"
    )
    (tmp_path / "project.yaml").write_text(text, encoding="utf-8")
    stage = open_stage("automl", tmp_path, "runs/a")
    panel = widgets.AutomlPanel(stage)
    assert "automl.augmentation" in panel.fields
    assert "automl.class_weights" not in panel.fields
    stage.run.release()


# -- while it runs ---------------------------------------------------------------------


def test_the_live_view_shows_everything_and_escapes_it(stage):
    live = widgets.LiveLeaderboard(stage)
    live.update(
        state(
            running=[f"fits {NASTY}"], done=2, planned=18, elapsed=31.0, seconds=120.0,
            failures=[f"h2o_gbm_1: {NASTY}"], timeline=[(3.0, "lightgbm_1", 0.91)],
        )
    )  # fmt: skip
    tags, text = parse(live.static_html())
    assert "script" not in tags
    assert {"progress", "img", "table"} <= tags
    for part in ("2 of 18 trials", "31 of 120 seconds", "lightgbm_1", "✖ h2o_gbm_1", "now: fits"):
        assert part in text
    assert live._curve.value.startswith("<figure")


def test_stop_is_heard_from_another_thread_and_forgotten_by_the_next_search(stage):
    live = widgets.LiveLeaderboard(stage)
    assert live.stop.disabled
    live.update(state(elapsed=1.0))
    assert not live.stop.disabled
    clicks = threading.Thread(target=live.stop.click)
    clicks.start()
    clicks.join()
    assert live.stopped()
    live.update(state(elapsed=2.0))
    assert live.stop.disabled
    assert live.stop.description == "Stopping"
    live.update(state(elapsed=3.0, ended="Somebody stopped it."))
    assert live.stopped()
    assert "Somebody stopped it." in live._said.value
    live.update(state(elapsed=0.1))
    assert not live.stopped()


def test_stop_does_not_outlive_a_search_that_failed(stage):
    live = widgets.LiveLeaderboard(stage)
    live.update(state(elapsed=9.0))
    live.stop.click()
    live.update(state(elapsed=0.2))  # the one before raised and never said that it ended
    assert not live.stopped()


# -- the champion ----------------------------------------------------------------------


def entry(name, score, **facts):
    interval = Interval(value=score, low=score - 0.01, high=score + 0.01)
    return Entry(name=name, engine=name.partition("_")[0], family="f", score=interval,
                 size_kib=3.0, **facts)  # fmt: skip


BOARD = Leaderboard(
    metric="roc_auc", greater_is_better=True, train_rows=90, scored_rows=80, folds=5,
    fold_method="in order of time",
    entries=[
        entry("ensemble", 0.9, members={"lightgbm_1": 0.7, "h2o_1": 0.3}),
        entry("lightgbm_1", 0.89, within_noise=True, complexity=1200.0, calibration_error=0.02),
        entry("h2o_1", 0.8, violates=["It takes 3 ms a row; 1 is allowed."]),
    ],
)  # fmt: skip
CHAMPION = Champion(
    name="ensemble", engine="ensemble", family="f", rule="best", reason="r", best="ensemble",
    model="m", calibration="none", calibration_scores={"none": 0.5}, threshold=0.3,
    threshold_curve=[CurvePoint(threshold=0.3, cost=1, precision=0.5, recall=1, flagged=0.4)],
    holdout=Holdout(metric="roc_auc", rows=10, score=Interval(value=0.85, low=0.8, high=0.88),
                  selection=0.9, optimism=0.05, explained=False),
    shuffled=Shuffled(metric="roc_auc", score=Interval(value=0.51), chance=0.5,
                      better_than_chance=False),
    conformal=Conformal(method="split", coverage=0.9, measured=Interval(value=0.91), size=1.2,
                        rows=80),
)  # fmt: skip


def test_a_limit_for_the_threshold_is_saved_as_the_project_writes_it(stage):
    panel = widgets.ChampionPanel(stage, BOARD, CHAMPION)
    panel.limit.value, panel.at.value = "recall >=", 0.75
    panel.hold.click()
    assert ProjectFile(stage.file.path).project.choice.threshold == "recall >= 0.75"
    panel.at.value = 1
    panel.hold.click()
    assert ProjectFile(stage.file.path).project.choice.threshold == "recall >= 1"
    panel.by_cost.click()
    assert ProjectFile(stage.file.path).project.choice.threshold == "cost"


def test_the_choice_says_what_speaks_for_and_against_a_model(stage):
    panel = widgets.ChampionPanel(stage, BOARD, CHAMPION)
    labels = [label for label, _ in panel.picker.options]
    assert labels[0] == "best (now ensemble)"
    assert labels[2].endswith("(not clearly worse than the first)")
    assert labels[3].endswith("(✖ violates a constraint)")
    _, text = parse(panel._figures.value)
    for part in ("lightgbm_1 70%", "10 holdout rows", "optimism of the selection +0.05", "91.0%"):
        assert part in text


def test_tables_say_what_was_tried_and_what_it_costs():
    search = SearchSummary(
        preset="quick", engines=[EngineRun(engine="h2o", version="1", models=1, seconds=2.0)],
        trials=[TrialRun(name="h2o_2", engine="h2o", family="GLM", round=1, status="failed",
                         reason=NASTY)],
        ended="The plan is done.", fit_seconds={"h2o_1": 2.0}, scoring_seconds={"h2o_1": 0.5},
        seconds=12.0, peak_mib=2048, reproducible=True, reproducible_reason="Counts.",
    )  # fmt: skip
    tags, text = parse(widgets.search_summary(BOARD, search))
    assert "script" not in tags
    for part in ("5 folds (in order of time)", "2.0 GiB", "The plan is done.", NASTY, "failed"):
        assert part in text
    _, text = parse(widgets.leaderboard_table(BOARD, search))
    for part in ("0.89 (0.88 to 0.9)", "500", "1,200", "✖ It takes 3 ms", "no clear difference"):
        assert part in text


def test_features_lead_back_to_their_columns():
    made = [
        DerivedColumn(name=f"{NASTY}: year", sources=[NASTY], kind="date", what="year"),
        DerivedColumn(name=f"{NASTY}: month", sources=[NASTY], kind="date", what="month"),
        DerivedColumn(name="age", sources=["age"], kind="number", what="as it is"),
    ]
    features = FeatureMap(columns=made, left_out=["empty"], notes=["Learnt from 9 rows."])
    tags, text = parse(widgets.feature_table(features))
    assert "script" not in tags
    for part in ("3 columns of 2", "year (year)", "empty", "Learnt from 9 rows."):
        assert part in text
    assert text.index("month") < text.index("as it is")
