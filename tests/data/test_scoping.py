"""Feasibility: what a constant guess scores, what the test can show, graded checks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit import open_stage
from toolkit.artifacts import Feasibility, Rows
from toolkit.data import feasibility, feasibility_of, intake, live_feasibility, preview_split
from toolkit.data.scoping.feasibility import groups_of
from toolkit.errors import DataError
from toolkit.plots import scoping as figures
from toolkit.project.model import Project


def project_of(task: str, positive: str | None = None, **sections: object) -> Project:
    kind = "number" if task == "regression" else "category"
    return Project.model_validate(
        {
            "name": "t",
            "data": {"source": "t.csv"},
            "columns": {"x": {"type": "number"}, "sex": {"type": "category", "protected": True},
                        "y": {"type": kind, "role": "target"}},
            "target": {"column": "y", "task": task, "positive": positive},
            **sections,
        }
    )  # fmt: skip


def labels(**counts: int) -> pd.Series:
    return pd.Series([label for label, n in counts.items() for _ in range(n)], dtype="str")


def names_of(found: Feasibility, severity: str) -> set[str]:
    return {check.name for check in found.checks if check.severity == severity}


def test_each_task_is_judged(binary_project, multiclass_project, regression_project) -> None:
    for make in (binary_project, multiclass_project, regression_project):
        stage = open_stage("scoping", make(f"p{id(make)}").path)
        table = intake(stage)
        found = feasibility(stage)
        assert stage.run.read(Feasibility) == found
        assert found.rows == table.rows
        made = preview_split(stage.project, stage.run.read(Rows).frame)
        parts = {part.part: part.rows for part in made.parts}
        assert found.test_rows == parts["test"]  # the number that every later page shows
        assert found.metric in found.constant
        assert found.detectable is not None
        assert 0 < found.detectable < 1
        live, column = live_feasibility(stage)(stage.project)
        assert live == found
        plots = figures.overview(live, stage.project, column)
        assert all("<svg" in plot.svg and plot.alt for plot in plots)
        stage.finish()


def test_positive_class_comes_first_and_costs_give_the_threshold() -> None:
    project = project_of("binary", "yes", costs={"false_positive": 1, "false_negative": 4})
    found = feasibility_of(project, labels(no=700, yes=300))
    assert list(found.classes.items()) == [("yes", 300), ("no", 700)]
    assert found.cost_threshold == pytest.approx(0.2)
    assert found.constant["brier"] == pytest.approx(0.21)
    # The best constant of each metric: the majority is right more often, "yes" costs less.
    assert found.constant["accuracy"] == pytest.approx(0.7)
    assert found.constant["balanced_accuracy"] == pytest.approx(0.5)
    assert found.constant["f1"] == pytest.approx(2 * 300 / (1000 + 300))
    assert found.constant["expected_cost"] == pytest.approx(0.7)


def test_constant_scores_of_numbers() -> None:
    values = pd.Series([0.0] * 60 + [10.0] * 30 + [np.nan] * 10)
    found = feasibility_of(project_of("regression"), values)
    assert found.rows == 90
    assert found.constant["r2"] == pytest.approx(0)
    assert found.constant["rmse"] == pytest.approx(np.std(values.dropna()))
    assert found.constant["mae"] == pytest.approx(10 / 3)
    assert found.constant["median_absolute_error"] == 0
    assert "Rows without a target" in names_of(found, "info")


@settings(max_examples=25, deadline=None)
@given(st.integers(60, 5000), st.integers(60, 5000), st.integers(2, 20))
def test_more_rows_show_smaller_differences(a: int, b: int, factor: int) -> None:
    few = feasibility_of(project_of("binary", "a"), labels(a=a, b=b))
    many = feasibility_of(project_of("binary", "a"), labels(a=a * factor, b=b * factor))
    assert many.detectable < few.detectable


def test_detectable_difference_is_found_at_the_stated_power() -> None:
    # Two models of equal error rates but for the difference, over many imagined tests.
    found = feasibility_of(project_of("binary", "a"), labels(a=1500, b=3500))
    n, d = found.test_rows, found.detectable
    error = 0.3
    discordant = error * (1 - error)
    rng = np.random.default_rng(0)
    wins = rng.binomial(n, (discordant + d) / 2, 4000)
    losses = rng.binomial(n, (discordant - d) / 2, 4000)
    power = np.mean(np.abs(wins - losses) / np.sqrt(wins + losses) > 1.959964)
    assert 0.75 < power < 0.9


def test_checks_are_graded() -> None:
    same = {"owner": "Ann", "reviewer": "ann ", "risk_tier": "high"}
    found = feasibility_of(
        project_of("binary", "yes", governance=same,
                   acceptance=[{"metric": "accuracy", "at_least": 0.5}, {"metric": "r2"}]),
        labels(yes=9, no=3000),
        {"sex": {"f": 1500, "m": 1500, "x": 9}},
    )  # fmt: skip
    assert {"Owner and reviewer", "Test rows of the rarest class", "Acceptance metric"} <= names_of(
        found, "critical"
    )
    assert {"Imbalance", "People affected", "Acceptance limit"} <= names_of(found, "warning")
    assert "Small groups" in names_of(found, "info")
    order = ["critical", "warning", "info", "ok"]
    grades = [order.index(check.severity) for check in found.checks]
    assert grades == sorted(grades)


def test_a_finished_plan_has_no_warning() -> None:
    words = dict.fromkeys(
        ("question", "business_goal", "decision", "decision_maker", "users", "affected",
         "out_of_scope", "unit", "prediction_time", "constraints"), "said")  # fmt: skip
    project = project_of(
        "binary",
        "yes",
        problem=words,
        governance={"owner": "Ann", "reviewer": "Bo", "risk_tier": "low"},
        fairness={"people_affected": True},
        acceptance=[{"metric": "log_loss", "at_most": 0.4}],
        costs={"false_negative": 3},
    )
    found = feasibility_of(project, labels(yes=4000, no=6000), {"sex": {"f": 5000, "m": 5000}})
    assert {check.severity for check in found.checks} == {"ok"}


def test_a_target_that_cannot_be_predicted() -> None:
    with pytest.raises(DataError, match="positive class"):
        feasibility_of(project_of("binary", "maybe"), labels(yes=50, no=50))
    with pytest.raises(DataError, match="two for the task binary"):
        feasibility_of(project_of("binary", "yes"), labels(yes=50, no=50, other=50))


def test_figures_survive_awkward_classes() -> None:
    tally = {f"<b>class {i}</b> $x$ {'long ' * 12}": 200 - i for i in range(40)}
    series = pd.Series([label for label, n in tally.items() for _ in range(n)], dtype="str")
    found = feasibility_of(project_of("multiclass"), series)
    plot = figures.class_balance(found, "<script>")
    assert "<script>" not in plot.html()
    assert "<b>class" not in plot.html()
    constant = pd.Series([5.0] * 99 + [6.0])
    assert "100 values" in figures.target_distribution(constant, "y").alt


def test_the_positive_class_is_marked_also_once_saved(tmp_path: Path) -> None:
    found = feasibility_of(project_of("binary", "yes"), labels(no=70, yes=30))
    found.save(tmp_path)
    saved = Feasibility.load(tmp_path)
    for each in (found, saved):  # a file sorts its keys: no, yes
        svg = figures.class_balance(each).svg
        assert "yes (positive)" in svg
        assert "no (positive)" not in svg


@pytest.mark.parametrize(
    ("metric", "smallest", "said"),
    [
        ("demographic_parity_difference", {"f": 500, "m": 1000}, ""),
        ("group_error_difference", {"f": 500, "m": 1000}, ""),
        ("predictive_parity_difference", {"f": 500, "m": 1000}, ""),
        ("equal_opportunity_difference", {"f": 20, "m": 800}, "30 positives in the test rows"),
        ("equalized_odds_difference", {"f": 20, "m": 200}, "30 positives or negatives in the"),
        ("none", {"f": 500, "m": 1000}, ""),
    ],
)
def test_groups_are_counted_by_the_rows_that_fairness_is_over(metric, smallest, said) -> None:
    project = project_of("binary", "yes", fairness={"metric": metric, "people_affected": True})
    frame = pd.DataFrame(
        {
            "sex": ["f"] * 500 + ["m"] * 1000 + ["x"] * 3,
            "y": ["yes"] * 20 + ["no"] * 480 + ["yes"] * 800 + ["no"] * 200 + [None] * 3,
        }
    )
    groups = groups_of(project, frame)
    assert groups == {"sex": smallest}
    checks = feasibility_of(project, frame["y"], groups).checks
    small = [check.message for check in checks if check.name == "Small groups"]
    assert len(small) == bool(said) and all(said in message for message in small)
    assert all("'f'" in message and "'m'" not in message for message in small)
