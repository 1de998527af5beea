from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit import data, metrics, open_stage
from toolkit.artifacts import ColumnProfile, Contract, Profile, Quality, Rows, Split, SplitSummary
from toolkit.data.correlation import correlation_ratio, cramers_v, spearman
from toolkit.data.leakage.association import associations
from toolkit.data.profile.column_profile import TargetColumns, of_numbers, profile_column
from toolkit.data.profile.drift import stability_index
from toolkit.data.profile.table_profile import duplicates
from toolkit.data.quality.values import plain_level, value_checks
from toolkit.data.rows import make_table, quantiles
from toolkit.errors import DataError, ProjectError
from toolkit.plots.eda import table as figures
from toolkit.project.model import Project


def project_of(frame, target, task, types=None, **columns):
    kinds = {"number": "f", "date": "M"}
    named = {}
    for name in frame.columns:
        kind = next((k for k, c in kinds.items() if frame[name].dtype.kind == c), "category")
        named[name] = {"type": (types or {}).get(name, kind), **columns.get(name, {})}
    named[target]["role"] = "target"
    positive = {"positive": "yes"} if task == "binary" else {}
    return Project(
        name="t",
        data={"source": "t.csv"},
        columns=named,
        target={"column": target, "task": task, **positive},
    )


def table_of(frame, target, task, types=None, **columns):
    return make_table(project_of(frame, target, task, types, **columns), frame)


def run_eda(project, **kwargs):
    # Scoping leaves these two out by itself; here they are to be found.
    file = project(columns__branch__role="feature", columns__empty__role="feature", **kwargs)
    stage = open_stage("scoping", file.path)
    data.intake(stage)
    stage.finish()
    return open_stage("eda", file.path)


def everything(stage):
    data.make_split(stage)
    data.profile(stage)
    data.quality(stage)
    data.contract(stage)
    data.baseline(stage)
    stage.finish()
    return stage


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(0)


# -- association ---------------------------------------------------------------------


def test_association_runs_from_noise_to_perfect():
    rng = np.random.default_rng(1)
    y = rng.random(2000) < 0.3
    frame = pd.DataFrame(
        {
            "noise": rng.normal(size=2000),
            "levels of noise": rng.choice(list("abcdefgh"), 2000),
            "weak": y + rng.normal(size=2000) * 2,
            "leak": np.where(y, 1.0, 0.0) + rng.random(2000) / 3,
            "leaking level": np.where(y, "in", "out"),
            "row number": np.array([f"id{i}" for i in range(2000)]),
            "y": np.where(y, "yes", "no"),
        }
    )
    table = table_of(frame, "y", "binary")
    found = associations(table, np.arange(2000))
    assert found["noise"] < 0.1 and found["levels of noise"] < 0.1 and found["row number"] < 0.05
    assert 0.1 < found["weak"] < 0.6
    assert found["leak"] > 0.98 and found["leaking level"] == 1
    assert "y" not in found


def test_association_with_several_classes_and_with_numbers():
    rng = np.random.default_rng(2)
    group = rng.integers(0, 3, 900)
    frame = pd.DataFrame(
        {"same": group.astype(float), "noise": rng.normal(size=900),
         "y": np.array(["a", "b", "c"])[group]}
    )  # fmt: skip
    found = associations(table_of(frame, "y", "multiclass"), np.arange(900))
    assert found["same"] == 1 and found["noise"] < 0.15
    x = rng.normal(size=900)
    frame = pd.DataFrame({"x": x, "bent": np.abs(x), "noise": rng.normal(size=900), "y": 3 * x})
    found = associations(table_of(frame, "y", "regression"), np.arange(900))
    assert found["x"] > 0.999 and found["bent"] < 0.2 and found["noise"] < 0.05


def test_words_of_a_text_count():
    rng = np.random.default_rng(3)
    y = rng.random(400) < 0.5
    said = np.where(y, "please cancel my plan number", "thanks for the good help on")
    frame = pd.DataFrame(
        {"text": [f"{s} {i}" for i, s in enumerate(said)], "y": np.where(y, "yes", "no")}
    )
    found = associations(table_of(frame, "y", "binary", {"text": "text"}), np.arange(400))
    assert found["text"] > 0.9


def test_missing_alone_can_leak():
    rng = np.random.default_rng(4)
    y = rng.random(500) < 0.4
    frame = pd.DataFrame(
        {"closing fee": np.where(y, rng.random(500), np.nan), "y": np.where(y, "yes", "no")}
    )
    stage_free = table_of(frame, "y", "binary")
    from toolkit.data.leakage.leakage import search

    found, _ = search(stage_free, np.arange(500), associations(stage_free, np.arange(500)), 0.95)
    assert found[0].column == "closing fee"
    assert "missing" in found[0].reason and found[0].score > 0.9


def test_parts_of_a_total_are_found():
    from toolkit.data.leakage.leakage import search

    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.integers(0, 100, (300, 4)).astype(float), columns=list("abcd"))
    frame["total"] = frame["a"] + frame["b"]
    table = table_of(frame, "total", "regression")
    found, _ = search(table, np.arange(300), associations(table, np.arange(300)), 0.95)
    assert {s.column for s in found} == {"a", "b"}
    assert "total = " in found[0].reason and found[0].score == 1
    frame["total"] = 2 * frame["a"] - frame["b"] + 0.5 * frame["c"] + 7
    table = table_of(frame, "total", "regression")
    found, _ = search(table, np.arange(300), associations(table, np.arange(300)), 0.95)
    assert {s.column for s in found} == {"a", "b", "c"}


def test_names_and_identifiers_and_dates_are_suspected():
    from toolkit.data.leakage.leakage import search

    rng = np.random.default_rng(6)
    n = 600
    y = np.sort(rng.random(n) < 0.5)
    moment = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D")
    frame = pd.DataFrame(
        {
            "churn_reason": np.where(y & (rng.random(n) < 0.6), "price", "none given"),
            "id": np.arange(n, dtype=float),
            "asked": moment,
            "paid": moment + pd.to_timedelta(rng.integers(-5, 30, n), unit="D"),
            "churn": np.where(y, "yes", "no"),
        }
    )
    table = table_of(frame, "churn", "binary", id={"role": "identifier"}, asked={"role": "time"})
    rows = np.arange(n)
    found = {s.column: s.reason for s in search(table, rows, associations(table, rows), 0.95)[0]}
    assert "name" in found["churn_reason"]
    assert "identifier" in found["id"]
    assert "lies after 'asked'" in found["paid"]


# -- pairs and drift -----------------------------------------------------------------


def test_pair_measures_agree_with_their_definitions(rng):
    from scipy import stats

    matrix = rng.normal(size=(300, 3))
    matrix[:, 1] += matrix[:, 0]
    expected = abs(stats.spearmanr(matrix).statistic)
    np.testing.assert_allclose(spearman(matrix), expected, atol=1e-12)
    a = rng.integers(0, 3, 5000)
    assert cramers_v(a, a) == pytest.approx(1)
    assert cramers_v(a, rng.integers(0, 5, 5000)) < 0.05
    assert cramers_v(a, np.zeros(5000, dtype=int)) == 0
    ratio = correlation_ratio(np.column_stack([a * 10.0, rng.normal(size=5000)]), a)
    assert ratio[0] == pytest.approx(1) and ratio[1] < 0.05


def test_holes_do_not_break_pairs(rng):
    matrix = rng.normal(size=(200, 3))
    matrix[rng.random((200, 3)) < 0.3] = np.nan
    matrix[:, 2] = np.nan
    found = spearman(matrix)
    assert np.isfinite(found).all() and found[0, 2] == 0
    codes = np.where(rng.random(200) < 0.2, -1, rng.integers(0, 4, 200))
    assert np.isfinite(correlation_ratio(matrix, codes)).all()
    assert cramers_v(codes, np.full(200, -1)) == 0


def test_stability_index_is_symmetric_and_zero_for_equal_shares():
    assert stability_index(np.array([50, 50]), np.array([500, 500])) == pytest.approx(0, abs=1e-3)
    a, b = np.array([10, 90]), np.array([60, 40])
    assert stability_index(a, b) == pytest.approx(stability_index(b, a))
    assert stability_index(a, b) > 0.25


# -- profile of a column ---------------------------------------------------------------


def profile_of(values):
    facts = of_numbers(np.array(values, dtype=float), False, None)
    return ColumnProfile(name="x", type="number", role="feature", protected=False, **facts)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40),
       st.lists(st.floats(0, 1), min_size=1, max_size=5))  # fmt: skip
def test_quantiles_of_sorted_numbers_are_those_of_numpy(values, shares):
    found = quantiles(np.sort(values), shares)
    np.testing.assert_allclose(found, np.quantile(values, shares), rtol=1e-12, atol=1e-9)


def test_one_odd_value_does_not_squeeze_the_histogram():
    facts = profile_of(np.r_[np.linspace(0, 1, 999), 1e9])
    assert sum(facts.histogram_counts) == 1000
    assert max(facts.histogram_counts) < 200
    assert facts.maximum == 1e9


@pytest.mark.parametrize(
    "values",
    [[], [np.nan] * 5, [3.0] * 5, [1e308, -1e308, 0.0], [1e300] * 4, [0.1, np.nan]],
)
def test_odd_columns_have_a_profile(values):
    facts = profile_of(values)
    assert facts.missing == int(np.isnan(np.array(values, dtype=float)).sum())
    assert sum(facts.histogram_counts) == len(values) - facts.missing
    assert json.loads(facts.model_dump_json())


def test_test_rows_stay_out_of_the_target_relation():
    frame = pd.DataFrame({"x": ["a"] * 100, "y": ["yes"] * 50 + ["no"] * 50})
    table = table_of(frame, "y", "binary")
    outcome = TargetColumns(table, np.arange(50))
    facts = profile_column(table, "x", outcome)
    assert facts.top == [("a", 100)]
    assert facts.target_by_bin == [1.0]


# -- quality ----------------------------------------------------------------------------


def test_value_checks_find_what_they_name():
    n = 400
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.05, 999.0, rng.integers(18, 90, n)),
            "visits": np.where(rng.random(n) < 0.05, -1.0, rng.integers(0, 40, n)),
            "gain": np.where(rng.random(n) < 0.8, 0.0, rng.random(n) * 4000),
            "answer": rng.choice(["Yes", "yes", "No"], n),
            "colour": rng.choice(["red", "unknown"], n),
            "note": rng.choice(["<b>x</b>", "y"], n),
            "name": rng.choice(["MÃ¼ller", "Meyer"], n),
            "since": pd.to_datetime(rng.choice(["1900-01-01", "2020-05-05", "2021-07-07"], n)),
            "until": pd.to_datetime(rng.choice(["2019-01-01", "2031-01-01"], n)),
            "y": rng.choice(["yes", "no"], n),
        }
    )
    table = table_of(frame, "y", "binary")
    columns = [profile_column(table, name, None) for name in table.project.columns]
    profile = Profile(rows=n, sampled=n, duplicates=0, columns=columns)
    checks = {c.name: c for c in value_checks(table, profile, pd.Timestamp("2026-01-01"))}
    assert checks["Placeholder numbers"].columns == ["age", "visits"]
    assert checks["Spellings of one level"].columns == ["answer"]
    assert checks["Words for missing"].columns == ["colour"]
    assert checks["Markup in values"].columns == ["note"]
    assert checks["Broken characters"].columns == ["name"]
    assert checks["Placeholder dates"].columns == ["since"]
    assert checks["Dates in the future"].columns == ["until"]
    assert all(check.remedy for check in checks.values())


def test_level_spellings():
    assert plain_level("Yes ") == plain_level("yes") == plain_level("ＹＥＳ")
    assert plain_level("New_York") == plain_level("new york")
    assert plain_level("a") != plain_level("b")


def test_duplicates_leave_identifiers_aside():
    frame = pd.DataFrame({"id": ["1", "2", "3"], "x": [1.0, 1.0, 2.0], "y": ["yes", "yes", "no"]})
    table = table_of(frame, "y", "binary", id={"role": "identifier"})
    assert duplicates(table) == 1


# -- the whole stage --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_whole_stage(kind, request):
    stage = everything(run_eda(request.getfixturevalue(f"{kind}_project")))
    run = stage.run
    profile, quality, summary = run.read(Profile), run.read(Quality), run.read(SplitSummary)
    assert len(profile.columns) == len(stage.project.columns)
    assert {c.severity for c in quality.checks} <= {"critical", "warning", "info"}
    order = [("critical", "warning", "info", "ok").index(c.severity) for c in quality.checks]
    assert order == sorted(order)
    found = {name for c in quality.checks for name in c.columns}
    assert {"branch", "empty"} <= found
    constant, linear = summary.baseline["constant"].value, summary.baseline["linear"].value
    better = metrics.get(summary.metric).greater_is_better
    assert (linear > constant) == better
    assert len(run.read(Split).frame) == profile.rows
    assert json.loads(run.read(Contract).schema_text)["columns"]


def test_two_runs_write_the_same_bytes(binary_project):
    first = everything(run_eda(binary_project, name="one")).run.folder
    second = everything(run_eda(binary_project, name="two")).run.folder
    for kind in (Split, SplitSummary, Profile, Quality, Contract):
        assert (first / kind.file).read_bytes() == (second / kind.file).read_bytes(), kind.file


def test_a_critical_check_can_stop_the_run_after_writing(binary_project):
    stage = run_eda(binary_project, eda__stop_at="critical")
    data.make_split(stage)
    data.profile(stage)
    with pytest.raises(DataError, match="critical data-quality check"):
        data.quality(stage)
    assert stage.run.has(Quality)
    stage.finish()


def test_figures_of_a_messy_table_escape_and_describe(binary_project):
    stage = everything(run_eda(binary_project))
    profile, quality = stage.run.read(Profile), stage.run.read(Quality)
    summary = stage.run.read(SplitSummary)
    plots = [
        figures.overview(profile), figures.missingness(profile), figures.associations(profile),
        figures.heatmap(profile), figures.split(summary), figures.drift(profile),
        figures.suspects(profile), figures.severities(quality), figures.baseline(summary),
        *(figures.column(profile, c.name) for c in profile.columns),
    ]  # fmt: skip
    for plot in plots:
        assert plot.alt and plot.title
        assert "<script>" not in plot.html() and "plan <b>" not in plot.html()


def test_figures_of_nothing():
    empty = Profile(rows=0, sampled=0, duplicates=0, columns=[])
    for draw in (figures.overview, figures.missingness, figures.associations, figures.heatmap,
                 figures.drift, figures.suspects):  # fmt: skip
        assert draw(empty).svg.startswith("<svg")


# -- contract -----------------------------------------------------------------------------


def test_contract_is_met_by_its_own_table_and_finds_changes(binary_project):
    stage = everything(run_eda(binary_project))
    contract, frame = stage.run.read(Contract), stage.run.read(Rows).frame
    assert [c.severity for c in data.check_contract(contract, frame)] == ["ok"]
    changed = frame.copy()
    changed["income"] = changed["income"] * 100
    changed.loc[3, "paperless"] = "perhaps"
    changed.loc[5, "sex"] = None
    changed["joined"] = changed["joined"] + pd.Timedelta(days=9000)
    changed["branch"] = 1.0
    found = data.check_contract(contract, changed.drop(columns="age"))
    by_column = {(c.severity, name) for c in found for name in c.columns}
    assert {
        ("warning", "income"), ("warning", "paperless"), ("critical", "sex"),
        ("warning", "joined"), ("critical", "age"), ("critical", "branch"),
    } <= by_column  # fmt: skip


def test_a_kept_contract_is_held_against_later_tables(binary_project):
    stage = everything(run_eda(binary_project))
    path = data.keep_contract(stage)
    kept = json.loads(path.read_text())
    text = kept["schema_text"].replace('"main"', '"other"')
    path.write_text(json.dumps({**kept, "schema_text": text}))
    stage = everything(open_stage("eda", stage.file.path))
    assert any("kept contract" in note and "branch" in note for note in stage.notes)
    path.write_text("{}")
    stage = open_stage("eda", stage.file.path)
    with pytest.raises(ProjectError, match="is not a contract"):
        data.contract(stage)
    stage.finish()
