"""Leaks of the target are found whatever their form, and clean tables are left in peace."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from toolkit import data, open_stage, table
from toolkit.artifacts import Profile, Suspect
from toolkit.data.leakage.association import associations
from toolkit.data.leakage.leakage import search
from toolkit.data.leakage.outcome_names import hint_of
from toolkit.data.rows import make_table
from toolkit.errors import ProjectError
from toolkit.plots.eda import table as figures
from toolkit.project.data import Column
from toolkit.project.model import Project

N = 1_000
CLASSES = np.array(["a", "b", "c"])


def clean_table(task, seed=0, n=N):
    """Return a table in which nothing leaks: a strong column, weaker ones, and noise."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"area": rng.normal(size=n), "rooms": rng.integers(1, 6, n).astype(float),
         "quarter": rng.choice(list("uvwxyz"), n), "noise": rng.normal(size=n),
         "garden": rng.choice(["yes", "no"], n)}
    )  # fmt: skip
    signal = frame["area"] + 0.3 * (frame["rooms"] - 3) + 0.4 * (frame["garden"] == "yes")
    if task == "regression":
        frame["y"] = 2 * frame["area"] + signal * 0.2 + rng.normal(size=n) * 0.9
    elif task == "binary":
        frame["y"] = np.where(signal + rng.normal(size=n) * 0.8 > 1, "yes", "no")
    else:
        cut = np.quantile(signal, [0.3, 0.7])
        frame["y"] = CLASSES[np.searchsorted(cut, signal + rng.normal(size=n) * 0.6)]
    return frame, rng


def searched(frame, task, **columns):
    named = {
        name: Column(type="number" if frame[name].dtype.kind == "f" else "category")
        for name in frame
    }
    named |= columns
    named["y"] = named["y"].model_copy(update={"role": "target"})
    positive = {"positive": "yes"} if task == "binary" else {}
    project = Project(name="t", data={"source": "t.csv"}, columns=named,
                      target={"column": "y", "task": task, **positive})  # fmt: skip
    made = make_table(project, frame)
    rows = np.arange(len(frame))
    return search(made, rows, associations(made, rows), 0.95)


def changed(values, share, rng):
    """Return values of which a share is put in another's place."""
    some = rng.random(len(values)) < share
    return np.where(some, rng.permutation(values), values)


def _flags(y, share, rng):
    return (y == y[0]) ^ (rng.random(len(y)) < share)


CLASS_LEAKS = {
    "recoded": lambda y, s, rng: np.char.add("code ", changed(y, s, rng).astype(str)),
    "scaled": lambda y, s, rng: np.unique(changed(y, s, rng), return_inverse=True)[1] * 3.3 + 7.0,
    "finer": lambda y, s, rng: np.char.add(
        changed(y, s, rng).astype(str), rng.integers(0, 6, len(y)).astype(str)
    ),
    "with noise": lambda y, s, rng: (
        5.0 * np.unique(changed(y, s, rng), return_inverse=True)[1] + rng.normal(size=len(y)) / 2
    ),
    "missing": lambda y, s, rng: np.where(_flags(y, s, rng), rng.random(len(y)), np.nan),
    "one class": lambda y, s, rng: np.where(_flags(y, s, rng), "in", "out"),
}
NUMBER_LEAKS = {
    "shifted": lambda y, s, rng: changed(y, s, rng) * -3.1 + 7,
    "with noise": lambda y, s, rng: y + rng.normal(size=len(y)) * s * y.std(),
    "bent": lambda y, s, rng: np.exp(changed(y, s, rng) / 3),
    "five bins": lambda y, s, rng: np.char.add(
        "bin ", changed(pd.qcut(y, 5, labels=False), s, rng).astype(str)
    ),
    "two bins": lambda y, s, rng: np.where((y > np.median(y)) ^ (rng.random(len(y)) < s), "h", "l"),
    "missing": lambda y, s, rng: np.where(
        (y > np.quantile(y, 0.7)) ^ (rng.random(len(y)) < s), rng.random(len(y)), np.nan
    ),
}


@pytest.mark.parametrize("share", [0.0, 0.03, 0.1])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_planted_leak_is_found_in_any_form(task, share):
    frame, rng = clean_table(task)
    y = frame["y"].to_numpy(dtype=float if task == "regression" else object)
    for form, make in (NUMBER_LEAKS if task == "regression" else CLASS_LEAKS).items():
        found, _ = searched(frame.assign(planted=make(y, share, rng)), task)
        critical = [s.column for s in found if s.severity == "critical"]
        assert critical == ["planted"], (form, [(s.column, s.severity, s.reason) for s in found])


def test_a_measurement_that_sets_one_kind_of_many_apart_is_no_critical_leak():
    rng = np.random.default_rng(4)
    kind = rng.choice(list("abcdef"), 4 * N, p=[0.3, 0.25, 0.2, 0.1, 0.05, 0.1])
    place = np.searchsorted(list("abcdef"), kind)
    frame = pd.DataFrame({f"size {k}": rng.normal(size=(6, 1))[place, 0] + rng.normal(size=4 * N)
                          for k in range(4)})  # fmt: skip
    far = frame.assign(area=frame["size 0"] + 30 * (kind == "f"), y=kind)
    found, _ = searched(far, "multiclass")
    assert [(s.column, s.severity) for s in found] == [("area", "warning")]
    assert "only for classes of fewer than half of the rows" in found[0].reason
    all_of_them, _ = searched(far.assign(area=5.0 * place + rng.normal(size=4 * N) / 4),
                              "multiclass")  # fmt: skip
    assert [(s.column, s.severity) for s in all_of_them] == [("area", "critical")]


@pytest.mark.parametrize("share", [0.0, 0.03, 0.1])
def test_two_columns_that_leak_together_are_found(share):
    frame, rng = clean_table("regression")
    part = frame["y"] * rng.random(N)
    found, _ = searched(
        frame.assign(first=changed(part, share, rng), second=frame["y"] - part), "regression"
    )
    assert {s.column for s in found if s.severity == "critical"} == {"first", "second"}
    frame, rng = clean_table("binary")
    mask = rng.random(N) < 0.5
    flipped = (frame["y"] == "yes") ^ mask ^ (rng.random(N) < share)
    found, _ = searched(
        frame.assign(first=np.where(mask, "k", "l"), second=np.where(flipped, "m", "n")), "binary"
    )
    assert {s.column for s in found if s.severity == "critical"} == {"first", "second"}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_clean_tables_are_not_accused_and_the_search_says_how_far_it_looked(task, seed):
    frame, _ = clean_table(task, seed)
    found, looked = searched(frame, task)
    assert not found
    assert (looked.columns, looked.rows, looked.strongest) == (5, N, "area")
    assert 0.3 < looked.strength < looked.unsuspected + 0.1 < 1.1
    for words in ("5 columns", "'area'", f"{N:,} rows", "would not be seen"):
        assert words in looked.text


def test_a_strong_column_that_others_bear_out_is_not_accused():
    rng = np.random.default_rng(3)
    size = rng.normal(size=N)
    frame = pd.DataFrame({f"measure {k}": size + rng.normal(size=N) for k in range(8)})
    frame["gauge"] = size + rng.normal(size=N) / 3
    frame["y"] = np.where(size > 0, "yes", "no")
    found, _ = searched(frame, "binary")
    assert not found


def test_a_column_known_before_is_resolved_and_one_known_after_is_not_used():
    frame, rng = clean_table("binary")
    frame["copy"] = np.where(changed(frame["y"].to_numpy(), 0.03, rng) == "yes", "in", "out")
    before, _ = searched(frame, "binary", copy=Column(type="category", known="before"))
    assert before[0].column == "copy" and "project.yaml" in before[0].resolved
    after, looked = searched(frame, "binary", copy=Column(type="category", known="after"))
    assert not after and looked.columns == 5


@pytest.mark.parametrize(
    ("name", "target", "early"),
    [
        ("is_recid", "two_year_recid", False), ("duration", "y", False),
        ("arr_time", "arr_delay", False), ("recovered_amount", "default", False),
        ("last_payment", "loss", False), ("closed_at", "won", False), ("boat", "survived", False),
        ("days_to_death", "vital_status", False), ("time", "DEATH_EVENT", False),
        ("Kündigungsgrund", "churn", False), ("date_de_clôture", "litige", False),
        ("previous_cancellations", "is_canceled", True), ("dep_delay", "arr_delay", True),
    ],
)  # fmt: skip
def test_names_that_speak_of_the_outcome(name, target, early):
    hint = hint_of(name, target)
    assert hint is not None and hint.early == early


@pytest.mark.parametrize(
    ("name", "target"),
    [("tenure", "Churn"), ("TotalCharges", "Churn"), ("marital_status", "income"),
     ("housing_median_age", "median_house_value"), ("temp", "cnt"), ("Pclass", "Survived"),
     ("credit_history", "class"), ("occupation", "income"), ("hours_per_week", "income")],
)  # fmt: skip
def test_names_that_do_not(name, target):
    assert hint_of(name, target) is None


def test_a_telling_name_needs_worth_to_be_critical():
    frame, rng = clean_table("binary")
    y = (frame["y"] == "yes").to_numpy()
    frame["duration"] = y * 2.0 + rng.normal(size=N)
    found, _ = searched(frame, "binary")
    assert [(s.column, s.severity) for s in found] == [("duration", "critical")]
    assert "duration" in found[0].reason and "quick model" in found[0].reason
    weak, _ = searched(frame.assign(duration=y * 0.3 + rng.normal(size=N)), "binary")
    assert not weak


# -- in a project ------------------------------------------------------------------------


@pytest.fixture
def leaky(binary_project):
    """Return a project of which one column agrees with the target but for 3 % of the rows."""
    file = binary_project()
    source = file.folder / file.project.data.source
    frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    flip = np.random.default_rng(0).random(len(frame)) < 0.03
    frame["exit_form"] = np.where((frame["churn"] == "yes") ^ flip, "sent", "none")
    frame.to_csv(file.folder / "leaky.csv", index=False)
    file.update({("columns", "exit_form", "type"): "category", "data.source": "leaky.csv"})
    return file


def test_known_after_keeps_a_column_from_models_and_not_from_the_file(leaky):
    file = leaky
    stage = open_stage("scoping", file.path)
    data.intake(stage)
    asked = data.feasibility(stage)
    assert asked.strongest[0].column == "exit_form"
    assert any(c.name == "Known only afterwards?" and c.severity == "warning" for c in asked.checks)
    stage.finish()
    stage = open_stage("eda", file.path)
    data.make_split(stage)
    profile = data.profile(stage)
    assert [s.column for s in profile.unresolved] == ["exit_form"]
    assert "best: exit_form ⚠ may leak" in figures.associations(profile).alt
    assert table.leak_suspects(stage) == ["exit_form"]
    assert "exit_form" in table.load_part(stage, "train").frame
    # An answer given since counts at once.
    file.update({("columns", "exit_form", "known"): "before"})
    stage = open_stage("eda", file.path)
    assert table.leak_suspects(stage) == []
    file.update({("columns", "exit_form", "known"): "after"})
    stage = open_stage("eda", file.path)
    assert "exit_form" not in table.load_part(stage, "train").frame
    assert file.project.columns["exit_form"].role == "feature"
    assert "exit_form" not in file.project.features()
    with pytest.raises(ProjectError, match="sometimes"):
        file.update({("columns", "exit_form", "known"): "sometimes"})


def test_answers_change_nothing_but_what_they_are_about():
    suspects = [Suspect(column=n, score=1, reason="x", severity="critical") for n in "ab"]
    column = {"type": "number", "protected": False, "missing": 0, "distinct": 9}
    profile = Profile(
        rows=9, sampled=9, duplicates=0,
        columns=[
            {"name": "a", "role": "feature", **column}, {"name": "b", "role": "ignore", **column}
        ],
        suspects=[*suspects, Suspect(column="a", score=1, reason="x", resolved="asked")],
    )  # fmt: skip
    assert [s.column for s in profile.unresolved] == ["a"]
