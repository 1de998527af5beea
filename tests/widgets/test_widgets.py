"""Panels edit the project file, and leave something readable behind."""

from __future__ import annotations

import datetime
import json

import pytest
from ipywidgets import HTML
from support.pages import parse

from toolkit import open_stage
from toolkit.errors import UsageError
from toolkit.project import schema
from toolkit.project.file import ProjectFile
from toolkit.project.model import Project
from toolkit.widgets.kit import form
from toolkit.widgets.kit.panel import KeyCatcher, Panel, checks_html

NASTY = "<script>alert(1)</script> ü & 'x'"

YAML = """\
# chosen by hand
name: t
data: {source: t.csv}
columns:
  "<b>age": {type: number}   # years
  group: {type: category, protected: true}
  y: {type: category, role: target}
target: {column: y, task: binary, positive: "yes"}
"""


@pytest.fixture
def stage(tmp_path):
    (tmp_path / "project.yaml").write_text(YAML, encoding="utf-8")
    opened = open_stage("scoping", tmp_path, "runs/a")
    yield opened
    opened.run.release()


def panel_of(stage, *keys, **options):
    panel = Panel(stage, "A panel", sorted({key.partition(".")[0] for key in keys}))
    panel.show(*[panel.field(key, **options) for key in keys])
    return panel


def on_disk(stage) -> Project:
    return ProjectFile(stage.file.path).project


def text_of(stage) -> str:
    return stage.file.path.read_text(encoding="utf-8")


LEAVES = [k for k, _ in schema.fields() if k not in ("columns", "acceptance", "costs.matrix")]


@pytest.mark.parametrize("key", LEAVES)
def test_every_key_has_an_input_that_shows_its_value_and_gives_it_back(stage, key):
    panel = panel_of(stage, key)
    field = panel.fields[key]
    before = text_of(stage)
    assert field.value == panel._current(key)
    assert field.control.description or field.control.children
    field.show(panel._current(key))
    assert text_of(stage) == before, "showing a value must not write it"


def test_unknown_key_is_named(stage):
    with pytest.raises(UsageError, match=r"split\.metod"):
        panel_of(stage, "split.metod")


@pytest.mark.parametrize(
    ("key", "typed", "saved"),
    [
        ("problem.question", NASTY, NASTY),
        ("costs.false_negative", 5.5, 5.5),
        ("fairness.people_affected", False, False),
        ("fairness.minimum_group", 12, 12),
        ("governance.risk_tier", "high", "high"),
        ("governance.review_date", datetime.date(2030, 1, 2), datetime.date(2030, 1, 2)),
        ("automl.engines", ["h2o"], ["h2o"]),
        ("automl.exclude", "DeepLearning, GLM", ["DeepLearning", "GLM"]),
        ("automl.budget.seconds", "90", 90.0),
        ("choice.threshold", "0.3", 0.3),
        ("metric.name", "roc_auc", "roc_auc"),
    ],
)
def test_a_typed_value_is_saved_with_its_author(stage, key, typed, saved):
    panel = panel_of(stage, key)
    panel.fields[key].control.value = typed
    assert panel._current(key) == saved
    assert ProjectFile(stage.file.path).project == stage.project
    assert "# chosen by hand" in text_of(stage)
    assert "# years" in text_of(stage)
    assert "Saved to project.yaml" in panel._status.value
    assert stage.file.sources()[key].kind == "person"


def test_a_value_that_does_not_fit_changes_nothing_and_stays_typed(stage):
    panel = panel_of(stage, "split.validation", "split.test")
    before = text_of(stage)
    panel.fields["split.validation"].control.value = 0.9
    field = panel.fields["split.validation"]
    assert text_of(stage) == before
    assert "less than 0.5" in field.error
    assert "Not saved" in panel._status.value
    assert field.control.value == 0.9
    panel.fields["split.test"].control.value = 0.3
    assert (on_disk(stage).split.test, field.control.value) == (0.3, 0.9)
    field.control.value = 0.25
    assert on_disk(stage).split.validation == 0.25
    assert field.error == ""


def test_values_that_are_only_valid_together_are_saved_in_either_order(stage):
    panel = panel_of(stage, "choice.champion", "choice.reason")
    panel.fields["choice.champion"].control.value = "h2o_gbm_1"
    assert on_disk(stage).choice.champion == "best"
    assert "needs a `reason`" in panel.fields["choice.champion"].error
    panel.fields["choice.reason"].control.value = "Simpler, and as good."
    assert on_disk(stage).choice.champion == "h2o_gbm_1"
    assert panel.fields["choice.champion"].error == ""


def test_an_edit_made_elsewhere_is_kept_and_shown(stage):
    panel = panel_of(stage, "problem.question", "governance.owner")
    other = ProjectFile(stage.file.path)
    other.set("governance.owner", "Ana")
    panel.fields["problem.question"].control.value = "Will they pay?"
    assert on_disk(stage).governance.owner == "Ana"
    assert panel.fields["governance.owner"].control.value == "Ana"
    assert panel.value["governance"].owner == "Ana"


def test_a_file_broken_elsewhere_is_not_overwritten(stage):
    panel = panel_of(stage, "problem.question")
    stage.file.path.write_text(YAML + "splitt: {}\n", encoding="utf-8")
    panel.fields["problem.question"].control.value = "Will they pay?"
    assert text_of(stage) == YAML + "splitt: {}\n"
    assert "Not saved" in panel._status.value


def test_a_parameter_wins_and_the_panel_says_so(tmp_path):
    (tmp_path / "project.yaml").write_text(YAML, encoding="utf-8")
    stage = open_stage("scoping", tmp_path, "runs/a", ["split.test=0.4"])
    panel = panel_of(stage, "split.test")
    panel.fields["split.test"].control.value = 0.3
    assert "parameter of this run wins" in panel._status.value
    assert panel.value.test == 0.4
    stage.run.release()


def test_the_copy_for_later_readers_holds_every_field_and_is_escaped(stage):
    stage.file.set("problem.question", NASTY)
    panel = panel_of(stage, "problem.question", "split.test")
    bundle = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    tags, text = parse(bundle["text/html"])
    assert "script" not in tags
    assert NASTY in text
    assert "Split: test" in text
    assert "default" in text
    assert "person (" in text


def test_settings_are_folded_below_the_findings_until_the_button_is_pressed(stage):
    panel = Panel(stage, "A panel", ["costs"])
    panel.static = lambda: "<p>found</p>"
    finding, field = HTML("found"), panel.field("costs.unit")
    panel.show(finding, settings=[field])
    shown = list(panel.children)
    assert shown.index(finding) < shown.index(panel.settings)
    (inputs,) = [box for box in panel.settings.children if field in getattr(box, "children", ())]
    assert inputs.layout.display == "none"
    panel.settings.button.value = True
    assert inputs.layout.display == ""
    page = panel.static_html()
    assert (
        page.index("found") < page.index("<details><summary>Settings") < page.index("Costs: unit")
    )


def test_checks_are_shown_with_a_word_for_their_severity():
    from toolkit.artifacts import Check

    tags, text = parse(checks_html([Check(name=NASTY, severity="critical", message="<b>m</b>")]))
    assert "critical" in text
    assert "script" not in tags
    assert "b" not in tags


def test_keys_arrive_once_each_and_in_order_however_they_are_bundled():
    keys: list[str] = []
    catcher = KeyCatcher(keys.append, "a accept")
    for typed in ("a", "aab", "aa", "aar", "aau", "d"):
        catcher.value = typed
    assert keys == ["a", "a", "b", "r", "u", "d"]


def test_words():
    assert form.words("false_positive") == "False positive"
    assert form.words("h2o") == "H2O"
    assert form.shown([]) == "not set"
    assert form.shown({"a": True, "b": 0.25}) == "a: yes, b: 0.25"


def test_the_log_has_a_line_for_each_saved_choice_and_none_for_a_refused_one(stage):
    panel = panel_of(stage, "split.validation")
    panel.fields["split.validation"].control.value = 0.9
    panel.fields["split.validation"].control.value = 0.3
    lines = (stage.file.decisions / "choices.jsonl").read_text().splitlines()
    assert [json.loads(line)["new"] for line in lines] == [0.3]


def test_dollars_in_a_table_are_no_formula() -> None:
    from toolkit.artifacts import Intake
    from toolkit.artifacts.scoping import ColumnFacts
    from toolkit.widgets.kit.static import columns_table

    facts = ColumnFacts(name="fee", type="category", role="feature", protected=False, missing=0,
                        distinct=2, examples=["$90", "$161"])  # fmt: skip
    intake = Intake(source="t.csv", digest="", table_digest="", rows=2, columns=[facts], checks=[])
    shown = columns_table(intake)._repr_html_()
    assert shown.startswith('<div class="mathjax_ignore')
    assert "$90, $161" in shown
