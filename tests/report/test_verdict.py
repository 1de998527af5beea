"""The verdict: each rule speaks when its input is bad, alone, and the worst of them counts."""

from __future__ import annotations

import shutil

import pytest
from support.report_runs import CATEGORY, NASTY, NUMBER, make_run

from toolkit import artifacts as a
from toolkit import open_stage
from toolkit.artifacts import Check, Interval
from toolkit.pipeline.run_result import verdict_lines
from toolkit.project.file import ProjectFile
from toolkit.report.book import Book
from toolkit.report.verdict import RULES, judge
from toolkit.widgets.report.panel import verdict_html

BAD = {rule.name for rule in RULES if rule.verdict == "do not use"}
SPAN = Interval(value=0.5, low=0.44, high=0.57)


class Case:
    """A run that can be made worse."""

    def __init__(self, folder):
        self.folder = folder

    def change(self, kind, **fields):
        """Change fields of an artefact."""
        run = self.folder / "runs/one"
        kind.load(run).model_copy(update=fields).save(run)

    def inner(self, kind, field, place=None, **fields):
        """Change fields of a part of an artefact."""
        value = getattr(kind.load(self.folder / "runs/one"), field)
        if place is None:
            new = value.model_copy(update=fields)
        else:
            new = [*value]
            new[place] = value[place].model_copy(update=fields)
        self.change(kind, **{field: new})

    def remove(self, kind):
        """Remove an artefact."""
        (self.folder / "runs/one" / kind.file).unlink()

    def set(self, key, value):
        """Change a choice."""
        ProjectFile(self.folder).set(key, value)

    def judge(self, outdated=()):
        """Return the verdict, the block and the book."""
        stage = open_stage("report", self.folder, "runs/one")
        book = Book(stage)
        try:
            return *judge(book, list(outdated)), book
        finally:
            stage.run.release()


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A run against which nothing speaks."""
    case = Case(make_run(tmp_path_factory.mktemp("fit") / "p", "binary"))
    case.change(a.Profile, suspects=[])
    case.change(a.Quality, checks=[])
    case.inner(a.Evaluation, "fairness", 0, verdict="within")
    case.change(a.Robustness, checks=[])
    verdicts = a.FairnessDetail.load(case.folder / "runs/one").crossing_verdicts
    case.change(
        a.FairnessDetail,
        checks=[],
        crossing_verdicts=[each.model_copy(update={"verdict": "within"}) for each in verdicts],
    )
    return case


@pytest.fixture
def case(sound, tmp_path):
    shutil.copytree(sound.folder, tmp_path / "p", ignore=shutil.ignore_patterns(".lock"))
    return Case(tmp_path / "p")


def suspect(severity, resolved=""):
    made = a.Suspect(column=NUMBER, score=0.97, reason="", severity=severity, resolved=resolved)
    return lambda case: case.change(a.Profile, suspects=[made])


def constant(severity, rows=118):
    check = Check(name="Better than a constant guess", severity=severity, message="Compared.")
    return lambda case: case.change(a.Evaluation, checks=[check], rows=rows)


def test_rows(**confusion):
    cells = {name: {"good": n, NASTY: 0} for name, n in confusion.items()}
    cells = {"good": cells["good"], NASTY: cells["bad"]}
    return lambda case: case.change(a.Evaluation, confusion=cells)


test_rows.__test__ = False


def accepted(verdict):
    return lambda case: case.inner(a.Evaluation, "acceptance", 0, verdict=verdict)


def grouped(verdict, affected):
    def make(case):
        case.inner(a.Evaluation, "fairness", 0, verdict=verdict)
        case.set("fairness.people_affected", affected)

    return make


def unsaid(case):
    case.set("problem.question", " ")
    case.set("problem.decision", "")


def holdout(**fields):
    return lambda case: case.inner(a.Champion, "holdout", **fields)


CRITICAL = Check(name="Owner and reviewer", severity="critical", message="One and the same.")
WORSE = {
    "leak": suspect("critical"),
    "shuffled": lambda case: case.inner(a.Champion, "shuffled", better_than_chance=True),
    "worse": constant("critical"),
    "no-better": constant("warning"),
    "missed": accepted("missed"),
    "beyond": grouped("beyond", True),
    "no-champion": lambda case: case.remove(a.Champion),
    "not-tested": lambda case: case.remove(a.Evaluation),
    "absent-class": test_rows(good=118, bad=0),
    "undefined": lambda case: case.change(a.Evaluation, metrics={"log_loss": Interval(value=None)}),
    "few-rows": lambda case: case.change(a.Evaluation, rows=12),
    "few-of-a-class": test_rows(good=100, bad=18),
    "unclear": constant("warning", rows=12),
    "not-checked": lambda case: case.remove(a.Robustness),
    "critical": lambda case: case.change(a.Feasibility, checks=[CRITICAL]),
    "possible-leak": suspect("warning"),
    "optimism": holdout(optimism=0.3, explained=False),
    "overfit": lambda case: case.inner(a.Leaderboard, "entries", 1,
                                       score=Interval(value=0.3, low=0.25, high=0.35)),
    "few-holdout": holdout(rows=6, optimism=0.301, explained=False),
    "limit-undefined": accepted("cannot be judged"),
    "limit-unclear": accepted("unclear"),
    "easy-limit": lambda case: case.set("acceptance", [{"metric": "log_loss", "at_most": 0.7}]),
    "no-limit": lambda case: case.set("acceptance", []),
    "no-use": unsaid,
    "perhaps-beyond": grouped("beyond", None),
    "fairness-unclear": grouped("unclear", True),
    "fairness-undefined": grouped("cannot be judged", True),
    "fairness-not-asked": grouped("within", None),
    "constraint": lambda case: case.inner(a.Leaderboard, "entries", 1,
                                          violates=["Slower than 5 ms a row."]),
    "explanation": lambda case: case.change(a.Explanation, additivity_error=0.1),
}  # fmt: skip
ALSO = {
    "unclear": {"few-rows"},
    "perhaps-beyond": {"fairness-not-asked"},
    "no-champion": {"not-tested"},
}
"""What else speaks then."""


def test_nothing_against_it_is_fit_on_so_many_rows(case):
    verdict, block, book = case.judge()
    assert verdict.fit, verdict.findings
    assert (verdict.test_rows, verdict.positives) == (118, 49)
    assert block["status"] == "good"
    assert book.claims["derived:verdict/rules"].value == len(RULES)


@pytest.mark.parametrize("name", WORSE)
def test_each_rule_speaks_alone_and_decides(case, name):
    WORSE[name](case)
    verdict, block, book = case.judge()
    spoken = {each.rule for each in verdict.findings}
    assert name in spoken
    assert spoken - {name} <= ALSO.get(name, set()), verdict.findings
    assert verdict.word == ("do not use" if name in BAD else "not shown")
    assert block["status"] == ("bad" if name in BAD else "caution")
    (found,) = [each for each in verdict.findings if each.rule == name]
    assert found.sentence.endswith(".")
    assert "{" not in found.sentence
    assert "None" not in found.sentence
    assert name in {each.rule for each in verdict.deciding}
    text = " ".join(str(each) for each in block["findings"])
    assert all(f"{{'claim': '{claim}'}}" in text + str(block["rows"]) + str(block["more"])
               for claim in book.claims)  # fmt: skip


def test_every_rule_is_tried():
    assert set(WORSE) | {"outdated"} == {rule.name for rule in RULES}


def test_what_is_out_of_date_shows_nothing(case):
    verdict, _, _ = case.judge([("explain", "choices were changed after it ran"),
                                ("automl", "was not run")])  # fmt: skip
    assert [each.rule for each in verdict.findings] == ["outdated"]
    assert "Explanation" in verdict.findings[0].sentence
    assert "Model search" in verdict.findings[0].sentence


def test_the_worst_decides_and_a_leak_first(case):
    WORSE["no-limit"](case)
    WORSE["few-rows"](case)
    assert [each.rule for each in case.judge()[0].deciding] == ["few-rows", "no-limit"]
    WORSE["missed"](case)
    WORSE["leak"](case)
    verdict = case.judge()[0]
    assert verdict.word == "do not use"
    assert [each.rule for each in verdict.deciding] == ["leak", "missed"]
    assert NUMBER in verdict.deciding[0].sentence
    lines = verdict_lines(verdict)
    assert lines[0] == "verdict   do not use"
    assert lines[1].strip() == verdict.deciding[0].sentence


@pytest.mark.parametrize("answer", ["known before the outcome", "left out"])
def test_a_suspect_that_is_cleared_or_left_out_says_nothing(case, answer):
    suspect("critical", "" if answer == "left out" else answer)(case)
    if answer == "left out":
        case.set("automl.constraints.exclude", [NUMBER])
    assert case.judge()[0].fit


def test_groups_do_not_count_where_nobody_is_affected(case):
    grouped("beyond", False)(case)
    assert case.judge()[0].fit


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_other_tasks_are_judged_too(tmp_path, task):
    case = Case(make_run(tmp_path / "p", task))
    verdict, block, _ = case.judge()
    assert verdict.word == "do not use"
    assert verdict.positives is None
    assert verdict.test_rows == 118
    assert ("of the rarest class" in str(block["rows"])) == (task == "multiclass")


def test_an_empty_run_shows_nothing(tmp_path):
    from support.report_runs import make_project

    verdict, _, _ = Case(make_project(tmp_path / "p", "regression")).judge()
    assert verdict.word == "not shown"
    assert verdict.test_rows is None
    assert verdict.deciding[0].rule == "no-champion"


def test_the_panel_shows_what_decides_and_is_inert(case):
    WORSE["beyond"](case)
    case.inner(a.Evaluation, "fairness", 0, column=CATEGORY)
    page = verdict_html(case.judge()[0])
    assert "do not use" in page
    assert "118 test rows" in page
    assert NASTY not in page
    assert verdict_html(None) == ""
