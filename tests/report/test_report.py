"""The report: numbers with sources, gaps in sight, a page that does nothing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.report_runs import ANSWERED, NASTY, SECRET, make_project, make_run

from toolkit import artifacts as a
from toolkit import canonical, open_stage, paths
from toolkit.artifacts import ReportData
from toolkit.project.completeness import questions
from toolkit.project.file import ProjectFile
from toolkit.report import claims, render, write_report
from toolkit.report.book import pointer, resolve
from toolkit.report.claims import every_artifact
from toolkit.report.formats import number
from toolkit.report.recipes import RECIPES, name
from toolkit.report.verdict.inputs import AREAS, against_constant

TASKS = ("binary", "multiclass", "regression")
SECTIONS = [
    "summary", "problem", "data", "labels", "models", "champion", "results", "errors",
    "robustness", "explanation", "texts_images", "effects", "rows", "fairness", "limitations",
    "governance",
]  # fmt: skip


def write(folder: Path) -> tuple[ReportData, str]:
    stage = open_stage("report", folder, "runs/one")
    report = write_report(stage)
    stage.finish()
    return report, (folder / "runs/one/report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=TASKS)
def made(request, tmp_path_factory):
    folder = make_run(tmp_path_factory.mktemp(request.param) / "p", request.param)
    return folder, *write(folder)


@pytest.fixture(scope="module")
def unanswered(tmp_path_factory):
    folder = make_run(tmp_path_factory.mktemp("open") / "p", "binary", answered=False)
    return folder, *write(folder)


class Page(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, key, value or "") for key, value in attrs]

    def handle_data(self, data):
        self.text.append(data)


def test_each_finding_counts_once(made):
    folder, report, _ = made
    run = folder / "runs/one"
    kinds = {kind for kind in every_artifact() if "checks" in getattr(kind, "model_fields", ())}
    kinds -= {a.Intake, a.SplitSummary}  # what these found is in the quality checks
    assert kinds == {kind for area in AREAS.values() for kind in area}
    for word, severity in (("critical", "critical"), ("warnings", "warning")):
        count = {kind: sum(c.severity == severity for c in kind.load(run).checks) for kind in kinds}
        assert report.claims[f"derived:data/{word}"].value == count[a.Quality]
        assert report.claims[f"derived:data/{word}"].source == a.Quality.file
        shown = sum(report.claims[f"derived:{area}/{word}"].value for area in AREAS)
        assert shown == sum(count.values())


# -- the page ------------------------------------------------------------------------


def test_page_holds_no_script_and_asks_for_nothing(made):
    _, _, html = made
    page = Page(html)
    assert not {"script", "iframe", "object", "embed", "link", "form", "b-cm"} & set(page.tags)
    for tag, key, value in page.attributes:
        assert not key.startswith("on"), (tag, key)
        if key in ("src", "href", "xlink:href", "action", "data", "srcset"):
            assert value.startswith("#") or (
                tag == "image" and value.startswith("data:image/png")
            ), (tag, key, value)
        if key != "content":
            assert not re.search(r"url\((?!#)", value), (tag, key, value)
    assert "@import" not in html
    assert "url(http" not in html
    policy = [v for _, k, v in page.attributes if k == "content" and "default-src" in v]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    assert len(html.encode()) < 2_000_000


def test_nasty_names_are_shown_and_stay_inert(made):
    _, _, html = made
    assert NASTY not in html
    page = Page(html)
    assert any(NASTY in text for text in page.text)
    # Tags in names would be tags of the page.
    assert "i" not in page.tags


def test_page_is_accessible_in_its_bones(made):
    _, report, html = made
    page = Page(html)
    assert ("html", "lang", "en") in page.attributes
    assert {"header", "nav", "main", "footer"} <= set(page.tags)
    ids = [value for _, key, value in page.attributes if key == "id"]
    assert len(ids) == len(set(ids))
    assert {f"#{section['id']}" for section in report.sections} <= {
        value for tag, key, value in page.attributes if (tag, key) == ("a", "href")
    }
    shown = [each for s in report.sections for each in s["blocks"]] + report.times["figures"]
    figures = sum(each["type"] == "figure" for each in shown)
    labels = [v for t, k, v in page.attributes if (t, k) == ("div", "aria-label")]
    assert page.tags.count("figure") == figures > 3
    assert all(labels)
    assert page.tags.count("h1") == 1


def test_no_value_of_an_identifier_or_a_text_is_anywhere(made):
    folder, _, html = made
    assert SECRET not in html
    assert SECRET not in (folder / "runs/one/report.json").read_text(encoding="utf-8")
    assert "/home/somebody" not in html


@pytest.mark.parametrize("made", ["binary", "regression"], indirect=True)
def test_page_comes_from_report_json_alone(made, tmp_path):
    folder, _, html = made
    code = (
        "import sys; from pathlib import Path\n"
        "from toolkit.artifacts import ReportData; from toolkit.report import render\n"
        "report = ReportData.load(Path(sys.argv[1]))\n"
        "Path(sys.argv[2]).write_text(render(report), encoding='utf-8', newline='\\n')\n"
    )
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (moved / "report.json").write_bytes((folder / "runs/one/report.json").read_bytes())
    other = tmp_path / "other.html"
    subprocess.run([sys.executable, "-c", code, str(moved), str(other)], check=True, cwd=moved)
    assert other.read_text(encoding="utf-8") == html


def test_footer_names_the_digest_of_report_json(made):
    folder, _, html = made
    assert canonical.digest_file(folder / "runs/one/report.json") in html


# -- the numbers ---------------------------------------------------------------------


def test_every_claim_is_what_its_source_says(made):
    folder, report, _ = made
    assert len(report.claims) > 80
    for key, claim in report.claims.items():
        assert key == claim.id
        assert name(claim.recipe) in RECIPES, claim.recipe
        if claim.id.startswith("derived:"):
            continue
        held = json.loads((folder / "runs/one" / claim.source).read_text(encoding="utf-8"))
        path = [part.replace("~1", "/").replace("~0", "~") for part in claim.pointer.split("/")]
        for part in path[1:]:
            held = held[int(part)] if isinstance(held, list) else held[part]
        if isinstance(held, dict):
            assert (claim.value, claim.low, claim.high) == (
                held["value"], held["low"], held["high"])  # fmt: skip
        else:
            assert claim.value == held


def test_blocks_only_name_claims_that_exist_and_all_are_used(made):
    _, report, _ = made
    used: set[str] = set()

    def walk(value):
        if isinstance(value, dict):
            if set(value) == {"claim"}:
                used.add(value["claim"])
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(report.sections)
    assert used == set(report.claims)


def test_sections_in_order_and_complete(made):
    _, report, html = made
    assert [section["id"] for section in report.sections] == SECTIONS
    for section in report.sections:
        assert section["blocks"]
        assert f'<section id="{section["id"]}"' in html


def test_equal_runs_differ_in_times_only(made, tmp_path):
    folder, report, _ = made
    task = report.provenance["project"].split()[1]
    other, _ = write(make_run(tmp_path / "somewhere else", task))
    without = {"exclude": {"times"}}
    assert other.model_dump(**without) == report.model_dump(**without)
    assert other.times["run_created"]
    text = json.dumps(report.model_dump(**without))
    assert str(folder) not in text
    assert not re.search(r"20\d\d-\d\d-\d\dT", text)


def test_report_stage_records_what_it_read(made):
    folder, _, _ = made
    record = json.loads((folder / "runs/one/run.json").read_text())["stages"]["report"]
    read = {kind.file for kind in every_artifact()}
    assert read <= set(record["inputs"])
    assert set(record["outputs"]) == {"report.json", "report.html"}


def test_every_type_of_artifact_is_read():
    files = {kind.file for kind in every_artifact()}
    kinds = [getattr(a, each) for each in a.__all__]
    stages = set(paths.STAGES[:-1])
    assert files == {k.file for k in kinds if getattr(k, "stage", None) in stages}


# -- example rows --------------------------------------------------------------------


def test_example_rows_are_distinct_and_add_up(made):
    _, report, _ = made
    blocks = next(s for s in report.sections if s["id"] == "explanation")["blocks"]
    rows = [b for b in blocks if b["type"] == "figure" and b["plot"] == "explain.waterfall"]
    assert len({row["title"].rpartition("row ")[2] for row in rows}) == len(rows) == 3
    for row in rows:
        data = row["data"]
        number, name = data["arguments"]["row"], data["arguments"]["of"]
        total = data["fields"]["base"][name] + sum(line["shap"] for line in data["lines"])
        assert report.claims[f"derived:prediction/{number}/{name}"].value == pytest.approx(total)
        shown = {line["column"]: line["value"] for line in data["lines"]}
        assert shown["note"] == "[not shown]"
    # `boat` is in two rows of the table only: it could point at a person.
    assert "boat" not in json.dumps(rows)
    assert "[rare category]" in json.dumps(rows)


# -- gaps ----------------------------------------------------------------------------


def test_a_project_that_says_nothing_shows_it(unanswered):
    _, report, html = unanswered
    keys = [gap.key for gap in report.gaps]
    assert {
        "problem.question",
        "governance.risk_tier",
        "governance.owner",
        "fairness.people_affected",
        "report.statement",
        "labels.review",
    } <= set(keys)
    assert report.completeness < 0.2
    assert "not stated" in html
    assert "The owner has not made a closing statement" in html


def test_answered_project_is_complete(made):
    _, report, _ = made
    assert report.completeness == 1
    assert not [gap for gap in report.gaps if gap.required]


def test_labels_nobody_reviewed_are_called_so(tmp_path):
    report, html = write(make_run(tmp_path / "p", "multiclass"))
    assert report.claims["label_review.json#/reviewed"].value == 0
    assert "No person reviewed the labels" in html
    assert "no person reviewed them" in html


@pytest.mark.parametrize("made", ["binary"], indirect=True)
@pytest.mark.parametrize("stage", paths.STAGES[:-1])
def test_missing_artifacts_are_gaps(tmp_path, made, stage):
    source, _, _ = made
    folder = tmp_path / "p"
    shutil.copytree(source, folder)
    kinds = [kind for kind in every_artifact() if kind.stage == stage]
    for kind in kinds:
        (folder / "runs/one" / kind.file).unlink()
    report, html = write(folder)
    missing = {each["file"] for each in report.provenance["artifacts"] if each["digest"] is None}
    assert missing == {kind.file for kind in kinds}
    assert [section["id"] for section in report.sections] == SECTIONS
    assert "files changed after it ran" in html
    assert f"Run {paths.notebook_name(stage)}" in html or "is not there" in html


def test_an_empty_run_still_gives_a_report(tmp_path):
    make_project(tmp_path / "p", "binary")
    report, html = write(tmp_path / "p")
    assert [section["id"] for section in report.sections] == SECTIONS
    assert "was not run" in html
    assert "Run 04_automl.ipynb" in html


def test_changed_choices_make_results_out_of_date(tmp_path):
    folder = make_run(tmp_path / "p", "binary")
    ProjectFile(folder).set("costs.false_negative", 9)
    _, html = write(folder)
    assert "choices were changed after it ran" in html


@pytest.mark.parametrize(
    ("severity", "word"), [("ok", "better"), ("warning", "unclear"), ("critical", "worse")]
)
def test_summary_agrees_with_the_evaluation(severity, word):
    check = a.Check(name="Better than a constant guess", severity=severity, message="Compared.")
    score = a.Interval(value=0.5, low=0.4, high=0.7)
    found = a.Evaluation(rows=9, metric="log_loss", metrics={"log_loss": score},
                         constant={"log_loss": 0.6}, checks=[check])  # fmt: skip
    assert against_constant(found) == word
    alone = {"confusion": {"no": {"no": 9, "yes": 0}, "yes": {"no": 0, "yes": 0}}}
    assert against_constant(found.model_copy(update=alone)) == "unknown"


def boxes(report):
    """Return the summary's boxes by label, each as status, word and text."""
    blocks = next(s for s in report.sections if s["id"] == "summary")["blocks"]
    items = next(b for b in blocks if b["type"] == "boxes")["items"]
    assert blocks[0]["type"] == "verdict"
    return {box["label"]: (box["status"], box["word"], str(box["lines"])) for box in items}


def test_no_box_is_green_where_nothing_was_shown(tmp_path):
    folder = make_run(tmp_path / "p", "binary")
    run = folder / "runs/one"
    tested, champion = a.Evaluation.load(run), a.Champion.load(run)
    undefined = tested.acceptance[0].model_copy(update={"verdict": "cannot be judged"})
    tested.model_copy(update={
        "confusion": {"good": {"good": 118, NASTY: 0}, NASTY: {"good": 0, NASTY: 0}},
        "acceptance": [undefined],
        "fairness": [tested.fairness[0].model_copy(update={"verdict": "cannot be judged"})],
    }).save(run)  # fmt: skip
    holdout = champion.holdout.model_copy(update={"rows": 6, "optimism": 0.301, "explained": False})
    shuffled = champion.shuffled.model_copy(update={"model": "lightgbm_3"})
    champion.model_copy(update={"holdout": holdout, "shuffled": shuffled}).save(run)
    report, _ = write(folder)
    shown = boxes(report)
    for label in ("Model on test rows", "Acceptance", "Fairness", "Validity of the search"):
        assert shown[label][:2] == ("caution", "cannot be judged"), label
    assert "Shuffled labels, lightgbm_3" in shown["Validity of the search"][2]
    assert report.verdict.word == "do not use"  # the crossings
    assert "absent-class" in {each.rule for each in report.verdict.findings}


@pytest.mark.parametrize(("rows", "status"), [(118, "bad"), (40, "caution")])
def test_a_search_that_learnt_nothing_is_not_called_valid(tmp_path, rows, status):
    folder = make_run(tmp_path / "p", "binary")
    check = a.Check(name="Better than a constant guess", severity="warning", message="No.")
    tested = a.Evaluation.load(folder / "runs/one")
    tested.model_copy(update={"checks": [check], "rows": rows}).save(folder / "runs/one")
    found = boxes(write(folder)[0])
    assert found["Validity of the search"][0] == status
    assert found["Model on test rows"][0] == status
    assert "better" in found["Model on test rows"][1]


def test_clicks_appear_with_person_and_time(tmp_path):
    folder = make_run(tmp_path / "p", "binary")
    ProjectFile(folder).set("governance.notes", "Look at <b>Table 3</b>", by="Cleo")
    report, html = write(folder)
    choice = next(c for c in report.provenance["choices"] if c["key"] == "governance.notes")
    assert (choice["kind"], choice["by"]) == ("person", "Cleo")
    assert "Look at &lt;b&gt;Table 3&lt;/b&gt;" in html


# -- completeness --------------------------------------------------------------------


def _asked(tmp_path, tier, task="binary", **changes):
    folder = make_project(tmp_path / tier, task, **{**ANSWERED, **changes})
    file = ProjectFile(folder)
    file.set("governance.risk_tier", tier)
    return questions(file.project, file.sources(), labels_reviewed=False)


def test_more_risk_asks_for_more(tmp_path):
    required = {
        tier: {each.key for each in _asked(tmp_path, tier) if each.required}
        for tier in ("low", "medium", "high", "unrated")
    }
    assert required["low"] < required["medium"] < required["high"]
    assert required["unrated"] == required["high"]
    assert "labels.review" in required["high"] - required["medium"]


def test_the_owner_cannot_review(tmp_path):
    governance = {"owner": "Ana", "reviewer": " ana "}
    asked = {each.key: each for each in _asked(tmp_path, "medium", governance=governance)}
    assert not asked["governance.reviewer"].answered


def test_default_costs_are_no_answer(tmp_path):
    folder = make_project(tmp_path / "p", "multiclass", **ANSWERED)
    file = ProjectFile(folder)
    asked = questions(file.project, file.sources(), labels_reviewed=True)
    assert not next(each for each in asked if each.key == "costs.matrix").answered


# -- small things --------------------------------------------------------------------


@given(st.lists(st.text() | st.integers(0, 9), max_size=4))
def test_a_pointer_leads_back(path):
    value = 7
    for part in reversed(path):
        value = {part: value} if isinstance(part, str) else [None] * part + [value]
    assert resolve(value, path) == 7
    parts = pointer(*path).split("/")[1:]
    assert [p.replace("~1", "/").replace("~0", "~") for p in parts] == [str(p) for p in path]


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_numbers_are_written_close_to_what_they_are(value):
    text = number(value)
    digits, _, power = text.replace(",", "").partition(" × 10")
    power = power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or "0"
    assert float(f"{digits}e{power}") == pytest.approx(value, rel=0.06, abs=1e-40)


def test_missing_numbers_are_words():
    assert number(None) == "not available"
    assert number(0.1234, "share") == "12.3%"
    assert number(1234567, "count") == "1,234,567"
    assert number(0.0000004, "p") == "below 0.001"


def test_values_of_a_report_survive_the_file(made):
    folder, report, _ = made
    again = ReportData.load(folder / "runs/one")
    assert again == report
    assert render(again) == render(report)


def test_claims_of_a_wide_table_stay_small(tmp_path):
    folder = make_run(tmp_path / "p", "binary")
    run = folder / "runs/one"
    profile = a.Profile.load(run)
    many = [
        a.ColumnProfile(name=f"column {i}", type="number", role="feature", protected=False,
                        missing=0, distinct=9, association=i / 5000)
        for i in range(5000)
    ]  # fmt: skip
    profile.model_copy(update={"columns": many}).save(run)
    frame = a.Attributions.load(run).frame
    wide = pd.concat([frame.assign(column=f"column {i}") for i in range(300)])
    a.Attributions(wide).save(run)
    _, html = write(folder)
    assert len(html.encode()) < 2_000_000
    assert "columns with a weaker association are not shown" in html


def test_collecting_twice_gives_the_same(made):
    folder, _, _ = made
    stage = open_stage("report", folder, "runs/one")
    first, second = claims(stage), claims(stage)
    stage.finish()
    assert first.model_dump(exclude={"times"}) == second.model_dump(exclude={"times"})
