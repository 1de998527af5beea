from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit import data, open_stage
from toolkit.data.rows import make_table
from toolkit.data.split.split import PARTS, TEST, TRAIN, UNUSED, VALIDATION, assign
from toolkit.errors import DataError
from toolkit.project.model import Project
from toolkit.table import row_hashes


def table(frame, *, task="binary", method="stratified", column=None, types=None, **shares):
    columns = {
        name: {"type": (types or {}).get(name, "category"), "role": "feature"}
        for name in frame.columns
    }
    columns["y"]["role"] = "target"
    for name, kind in (("id", "identifier"), ("when", "time")):
        if name in columns:
            columns[name]["role"] = kind
    project = Project(
        name="t",
        data={"source": "t.csv"},
        columns=columns,
        target={"column": "y", "task": task, "positive": "yes" if task == "binary" else None},
        split={"method": method, "column": column, **shares},
    )
    return make_table(project, frame)


def sizes(part):
    return [int((part == k).sum()) for k in range(4)]


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(1, 60), min_size=2, max_size=12),
    validation=st.floats(0.05, 0.45),
    test=st.floats(0.05, 0.45),
)
def test_stratified_keeps_every_class_in_train(counts, validation, test):
    labels = np.repeat([f"c{k}" for k in range(len(counts))], counts)
    frame = pd.DataFrame({"x": "a", "y": labels})
    made = table(frame, task="multiclass", validation=validation, test=test)
    part = assign(made).part
    for k, n in enumerate(counts):
        here = sizes(part[labels == f"c{k}"])
        assert sum(here) == n and here[UNUSED] == 0
        assert here[TRAIN] >= 1
        assert here[TEST] >= (n >= 2)
        assert here[VALIDATION] >= (n >= 3)
    # A class adds at most one row to a part for being small, and one for rounding.
    spare = 2 * len(counts)
    assert abs(sizes(part)[TEST] - test * len(labels)) <= spare
    assert abs(sizes(part)[VALIDATION] - validation * len(labels)) <= spare


@settings(max_examples=40, deadline=None)
@given(
    groups=st.lists(st.integers(1, 25), min_size=3, max_size=60),
    seed=st.integers(0, 1000),
)
def test_groups_stay_whole_and_no_part_is_empty(groups, seed):
    names = np.repeat([f"g{k}" for k in range(len(groups))], groups)
    y = np.random.default_rng(seed).choice(["yes", "no"], len(names))
    y[:2] = ["yes", "no"]
    frame = pd.DataFrame({"g": names, "y": y})
    part = assign(table(frame, method="group", column="g")).part
    assert pd.Series(part).groupby(names).nunique().max() == 1
    assert all(n > 0 for n in sizes(part)[:3])


def test_groups_come_near_the_shares_and_the_balance():
    rng = np.random.default_rng(0)
    names = np.repeat(np.arange(300), rng.integers(1, 12, 300)).astype(str)
    y = np.where(rng.random(len(names)) < 0.2, "yes", "no")
    made = table(pd.DataFrame({"g": names, "y": y}), method="group", column="g", validation=0.2)
    part = assign(made).part
    shares = np.array(sizes(part)[:3]) / len(names)
    np.testing.assert_allclose(shares, [0.6, 0.2, 0.2], atol=0.01)
    positive = [float((y[part == k] == "yes").mean()) for k in range(3)]
    np.testing.assert_allclose(positive, (y == "yes").mean(), atol=0.02)


@settings(max_examples=40, deadline=None)
@given(days=st.lists(st.integers(0, 30), min_size=12, max_size=200))
def test_time_never_goes_back_and_equal_times_stay_together(days):
    if len(set(days)) < 3:
        return
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")
    y = np.where(np.arange(len(days)) % 2 == 0, "yes", "no")
    frame = pd.DataFrame({"when": when, "y": y})
    made = table(frame, method="time", column="when", types={"when": "date"})
    part = assign(made).part
    at = pd.Series(days)
    assert at[part == TRAIN].max() < at[part == VALIDATION].min()
    assert at[part == VALIDATION].max() < at[part == TEST].min()


def test_rows_without_target_time_or_group():
    n = 60
    frame = pd.DataFrame(
        {
            "when": pd.date_range("2024-01-01", periods=n).astype("datetime64[us]"),
            "g": [f"g{i % 9}" for i in range(n)],
            "y": ["yes", "no"] * 30,
        }
    )
    frame.loc[:4, "y"] = None
    frame.loc[10:12, "when"] = pd.NaT
    frame.loc[20:22, "g"] = None
    types = {"when": "date"}
    by_time = assign(table(frame, method="time", column="when", types=types))
    assert sizes(by_time.part)[UNUSED] == 8
    assert {c.name for c in by_time.checks} == {"Rows without a target", "Rows without a time"}
    by_group = assign(table(frame, method="group", column="g", types=types))
    assert sizes(by_group.part)[UNUSED] == 5
    assert "Rows without a group" in {c.name for c in by_group.checks}


def test_a_column_that_cannot_order_rows_is_refused():
    frame = pd.DataFrame({"c": ["a", "b"] * 30, "y": ["yes", "no", "no"] * 20})
    with pytest.raises(DataError, match="no times"):
        assign(table(frame, method="time", column="c"))
    frame["c"] = 1.0
    with pytest.raises(DataError, match="different times"):
        assign(table(frame, method="time", column="c", types={"c": "number"}))


def leaks(frame, **kwargs):
    made = table(frame, **kwargs)
    summary = data.preview_split(made.project, frame)
    return {c.name: c for c in summary.checks}


def test_leak_check_counts_copies_identifiers_and_time():
    n = 300
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "x": np.tile(rng.normal(size=n // 3), 3),
            "id": [f"i{k % 40}" for k in range(n)],
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(n), unit="D"),
            "y": np.tile(np.where(rng.random(n // 3) < 0.5, "yes", "no"), 3),
        }
    )
    found = leaks(frame, types={"x": "number", "when": "date"}, duplicates="apart")
    assert found["Equal rows across parts"].severity == "warning"
    assert found["id across parts"].severity == "warning"
    assert found["Order in time"].severity == "warning"
    apart = leaks(frame, types={"x": "number", "when": "date"}, method="group", column="id")
    assert apart["id across parts"].severity == "ok"
    ordered = leaks(frame, types={"x": "number", "when": "date"}, method="time", column="when")
    assert ordered["Order in time"].severity == "ok"


@settings(max_examples=40, deadline=None)
@given(
    copies=st.lists(st.integers(1, 3), min_size=60, max_size=120),
    seed=st.integers(0, 1000),
    task=st.sampled_from(["binary", "regression"]),
    method=st.sampled_from(["stratified", "random"]),
)
def test_equal_rows_share_a_part(copies, seed, task, method):
    rng = np.random.default_rng(seed)
    x = rng.permutation(np.repeat(np.arange(len(copies), dtype=float), copies))
    y = rng.choice(["yes", "no"], len(x)) if task == "binary" else rng.normal(size=len(x))
    y[:2] = ["yes", "no"] if task == "binary" else [0.0, 1.0]
    types = {"x": "number", "y": "number" if task == "regression" else "category"}
    made = table(pd.DataFrame({"x": x, "y": y}), task=task, method=method, types=types)
    result = assign(made)
    assert pd.Series(result.part).groupby(x).nunique().max() == 1
    assert all(n > 0 for n in sizes(result.part)[:3])
    assert (max(copies) > 1) == ("Equal rows kept together" in {c.name for c in result.checks})
    assert abs(sizes(result.part)[TEST] / len(x) - 0.2) < 0.1


def test_coarse_columns_and_a_choice_leave_equal_rows_alone():
    rng = np.random.default_rng(0)
    coarse = pd.DataFrame({"x": rng.choice(["a", "b"], 400), "y": ["yes", "no"] * 200})
    fine = pd.DataFrame({"x": [f"v{i % 200}" for i in range(400)], "y": ["yes", "no"] * 200})
    names = {c.name for c in assign(table(coarse)).checks}
    assert "Equal rows kept together" not in names
    assert "Equal rows kept together" in {c.name for c in assign(table(fine)).checks}
    apart = assign(table(fine, duplicates="apart"))
    assert "Equal rows kept together" not in {c.name for c in apart.checks}


def test_no_leak_is_said_too():
    frame = pd.DataFrame({"x": np.arange(200.0), "y": ["yes", "no"] * 100})
    found = leaks(frame, types={"x": "number"})
    assert found["Equal rows across parts"].severity == "ok"


def test_preview_is_what_is_made(binary_project):
    file = binary_project(split__method="random")
    stage = open_stage("scoping", file.path)
    data.intake(stage)
    stage.finish()
    stage = open_stage("eda", file.path)
    preview = data.live_split(stage)
    assert preview(stage.project) == data.make_split(stage)
    from toolkit.artifacts import Split

    split = stage.run.read(Split).frame
    assert split["row"].tolist() == list(range(len(split)))
    assert set(split["part"]) <= set(PARTS)
    stage.finish()


def test_an_empty_part_is_an_error_with_a_remedy(binary_project):
    file = binary_project(split__column="branch", split__method="group")
    stage = open_stage("scoping", file.path)
    data.intake(stage)
    stage.finish()
    stage = open_stage("eda", file.path)
    with pytest.raises(DataError, match="no row for"):
        data.make_split(stage)
    stage.finish()


CELLS = {
    "number": st.sampled_from([0.0, -0.0, 1.5, -1.5, np.nan, 1e300]),
    "word": st.sampled_from(["a", "b", "", "ä", None]),
    "day": st.sampled_from([pd.Timestamp("2021-05-01"), pd.Timestamp("1969-12-31"), pd.NaT]),
    "flag": st.sampled_from(["true", "false", None]),
}


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(st.tuples(*CELLS.values()), min_size=1, max_size=40))
def test_rows_hash_alike_exactly_where_they_are_equal(rows):
    frame = pd.DataFrame(rows, columns=list(CELLS)).astype(
        {"number": "float64", "word": "str", "day": "datetime64[us]", "flag": "str"}
    )
    hashes = row_hashes(frame)
    keys = [tuple("gap" if pd.isna(cell) else cell for cell in row) for row in rows]
    assert [keys.index(key) for key in keys] == [hashes.tolist().index(h) for h in hashes]
    assert (row_hashes(frame, list(CELLS)[:2]) == row_hashes(frame[list(CELLS)[:2]])).all()
    assert len(set(row_hashes(frame, []))) == 1
