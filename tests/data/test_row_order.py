"""The order of the rows: hidden time, parts of one date, a split by the order of the file."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from toolkit.data.profile.drift import by_the_calendar, drift
from toolkit.data.rows import make_table
from toolkit.data.split.row_order import find_order, order_checks
from toolkit.data.split.split import TEST, TRAIN, assign
from toolkit.project.data import Column
from toolkit.project.model import Project, SplitSettings
from toolkit.table.types import date_parts


def columns_of(frame, **roles):
    return {
        name: Column(
            type="number" if frame[name].dtype.kind in "if" else "category",
            role=roles.get(name, "target" if name == "y" else "feature"),
        )
        for name in frame
    }


def said(frame, **roles):
    columns = columns_of(frame, **roles)
    order = find_order(len(frame), columns, "y", lambda rows, names: frame.iloc[rows][names])
    return {c.name: c for c in order_checks(order, columns, "y", SplitSettings(method="random"))}


def walk(n, rng, keep=0.95):
    values = np.zeros(n)
    for i in range(1, n):
        values[i] = keep * values[i - 1] + rng.normal()
    return values


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_hidden_time_is_found_and_shuffling_hides_it(rng):
    frame = pd.DataFrame({"x": rng.normal(size=2000), "y": walk(2000, rng)})
    found = said(frame)["Neighbouring rows are alike"]
    assert found.severity == "warning" and found.columns == ["y"]
    assert "leave split.column out" in found.remedy
    assert said(frame.sample(frac=1, random_state=0).reset_index(drop=True)) == {}
    classes = frame.assign(y=np.where(frame["y"] > 0, "yes", "no"))
    assert "Neighbouring rows are alike" in said(classes)


def test_sources_one_after_the_other_are_not_time(rng):
    level = np.repeat([0.0, 5.0, 2.0], 700)
    frame = pd.DataFrame({"source": np.repeat(["a", "b", "c"], 700),
                          "y": level + rng.normal(size=2100)})  # fmt: skip
    assert said(frame) == {}


def test_sorted_files_are_called_sorted(rng):
    x = np.sort(rng.normal(size=1500))
    frame = pd.DataFrame({"x": x, "y": x + 0.1 * rng.normal(size=1500)})
    assert set(said(frame)) == {"The file is sorted"}


def test_rows_of_one_person_side_by_side_are_not_time(rng):
    person = np.repeat(np.arange(400), 5)
    frame = pd.DataFrame({"person": person.astype(str), "y": rng.normal(size=400)[person]})
    assert said(frame, person="group") == {}


def test_parts_of_one_date():
    days = pd.date_range("2020-01-01", periods=900, freq="D")
    frame = pd.DataFrame(
        {"arrival_date_year": days.year, "arrival_date_month": days.month_name(),
         "arrival_date_day_of_month": days.day, "year_built": 1950 + np.arange(900) % 60,
         "y": np.random.default_rng(0).normal(size=900)}
    )  # fmt: skip
    found = said(frame)["Rows are in order of time"]
    assert found.columns == list(frame.columns[:3])
    mixed = frame.sample(frac=1, random_state=0).reset_index(drop=True)
    assert set(said(mixed)) == {"Parts of one date"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("yr", "year"), ("MoSold", "month"), ("day_of_week", "weekday"), ("hr", "hour"),
     ("Jahr", "year"), ("order_month", "month"), ("YearBuilt", None), ("birth_year", None),
     ("years", None), ("tenure_months", None), ("card_exp_month", None), ("model_year", None),
     ("std", None), ("price_per_day", None)],
)  # fmt: skip
def test_names_of_calendar_parts(name, expected):
    found = date_parts.unit(name)
    assert (found[0] if found else None) == expected


def by_time(frame, column=None):
    columns = columns_of(frame)
    return make_table(
        Project(name="t", data={"source": "t.csv"}, columns=columns,
                target={"column": "y", "task": "regression"},
                split={"method": "time", "column": column}),
        frame,
    )  # fmt: skip


def test_time_without_a_column_is_the_order_of_the_file(rng):
    frame = pd.DataFrame({"month": np.arange(600) // 50 % 12 + 1.0, "y": rng.normal(size=600)})
    table = by_time(frame)
    made = assign(table)
    assert made.rows(TRAIN).max() < made.rows(TEST).min()
    assert "Order of the rows" in {c.name for c in made.checks}
    assert by_the_calendar(table, "split") == ["month"]
    drifted = drift(table, made.rows(TRAIN), made.rows(TEST))
    assert {item.column for item in drifted} == {"y"}
    assert {item.axis for item in drifted} == {"split", "time"}
