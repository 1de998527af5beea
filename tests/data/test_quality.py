"""Values that stand for missing, columns of what may not exist, pairs on enough rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from toolkit import table
from toolkit.artifacts import Profile
from toolkit.data.leakage.association import associations
from toolkit.data.profile.column_profile import profile_column
from toolkit.data.profile.relations import relate
from toolkit.data.quality.columns import column_checks
from toolkit.data.rows import make_table
from toolkit.data.sentinels import sentinels
from toolkit.project.model import Project

RNG = np.random.default_rng(0)
N = 1000


def some(value, share, rest):
    return np.where(np.random.default_rng(1).random(N) < share, value, rest)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("pdays", some(-1, 0.8, RNG.integers(1, 400, N)), {-1}),
        ("pdays", some(999, 0.96, RNG.integers(0, 28, N)), {999}),
        ("visits", some(-1, 0.006, RNG.integers(0, 40, N)), {-1}),
        ("score", np.r_[[-9] * 20, [-8] * 12, RNG.integers(0, 80, N)], {-9, -8}),
        ("answer", np.r_[[99] * 30, [98] * 9, RNG.integers(0, 60, N)], {99, 98}),
        ("temperature", np.r_[[-99] * 40, RNG.normal(5, 9, N)], {-99}),
        ("insulin", np.r_[[0] * 400, 14 + RNG.gamma(2, 70, 450)], {0}),
        ("yr_renovated", np.r_[[0] * 950, RNG.integers(1934, 2015, 50)], {0}),
        ("balance", RNG.normal(900, 900, N).round(), set()),
        ("sentiment", RNG.integers(-1, 2, N), set()),
        ("goals", RNG.integers(-3, 9, N), set()),
        ("age", RNG.integers(17, 100, N), set()),
        ("capital_gain", some(0, 0.9, RNG.gamma(2, 900, N)), set()),
        ("pool_area", some(0, 0.95, RNG.integers(480, 800, N)), set()),
        ("short", [-1, -1, 3], set()),
    ],
)
def test_sentinels_at_any_share(name, values, expected):
    assert {value for value, _ in sentinels(np.array(values, dtype=float), name)} == expected


def test_sentinels_of_many_rows_are_counted():
    values = np.r_[np.full(300_000, -1.0), np.arange(20_000) % 50]
    assert sentinels(values) == [(-1.0, 300_000)]


def told(**columns):
    frame = pd.DataFrame(columns).astype("str")
    frame["y"] = (["a", "b"] * len(frame))[: len(frame)]
    found, _, checks = table.infer_columns(frame, "y")
    return found, checks


def test_namibia_is_kept_and_no_american_state_is_called_so():
    codes = ["DE", "FR", "NA", "ZA", "KE", "BW", "US", "NA"] * 20
    states = ["CA", "NY", "NA", "TX", "WA", "OR", "FL", "NA"] * 20
    found, checks = told(land=codes, state=states, continent=["EU", "AF", "NA", "AS"] * 40)
    assert "NA" not in found["land"].missing and "NA" not in found["continent"].missing
    assert found["state"].missing is None
    said = {c.columns[0]: c.message for c in checks if "NA" in c.message and len(c.columns) == 1}
    assert "25.0%" in said["land"] and "Namibia" in said["land"]
    assert "read as missing" in said["state"]


def test_words_read_as_missing_are_said_with_their_share():
    _, checks = told(job=["?", "cook", "smith", "clerk"] * 20, size=["NA", "3", "4", "5.5"] * 20)
    said = [c.message for c in checks if c.name == "Words read as missing"]
    assert said == [
        "'?' is read as missing in 'job' (20 cells, 25.0%).",
        "'NA' is read as missing in 'size' (20 cells, 25.0%).",
    ]
    _, checks = told(job=["not available", "cook", "smith", "clerk"] * 20)
    assert any("'not available'" in c.message and "25.0%" in c.message for c in checks)


def made(frame):
    columns = {
        name: {"type": "number" if frame[name].dtype.kind in "if" else "category",
               "role": "target" if name == "y" else "feature"}
        for name in frame
    }  # fmt: skip
    project = Project(name="t", data={"source": "t.csv"}, columns=columns,
                      target={"column": "y", "task": "regression"})  # fmt: skip
    return make_table(project, frame)


def test_what_does_not_exist_is_no_critical_fault():
    rng = np.random.default_rng(2)
    fires = rng.integers(0, 3, N).astype(float)
    frame = pd.DataFrame(
        {
            "PoolQC": np.where(rng.random(N) < 0.01, "Ex", None),
            "FireplaceQu": np.where(fires > 0, rng.choice(["no", "Gd"], N), None),
            "Fireplaces": fires,
            "lab": np.where(rng.random(N) < 0.03, rng.normal(size=N), np.nan),
            "nothing": np.full(N, np.nan),
            "y": rng.normal(size=N),
        }
    )
    frame.loc[fires == 0, "FireplaceQu"] = None
    table_ = made(frame)
    frame.loc[:599, "FireplaceQu"] = None
    table_.frame.loc[:599, "Fireplaces"] = 0.0
    columns = [profile_column(table_, name, None) for name in table_.project.columns]
    profile = Profile(rows=N, sampled=N, duplicates=0, columns=columns)
    checks = {c.name: c for c in column_checks(profile, table_)}
    absent = checks["Values of what may not exist"]
    assert absent.severity == "info" and set(absent.columns) == {"PoolQC", "FireplaceQu"}
    assert "just where Fireplaces is 0" in absent.message
    assert checks["Missing values"].columns == ["lab"]
    assert checks["Missing values"].severity == "warning"
    assert checks["Empty columns"].severity == "critical"


def test_pairs_need_rows_and_sentinels_are_aside():
    rng = np.random.default_rng(3)
    known = rng.random(N) < 0.2
    days = np.where(known, rng.integers(1, 400, N), -1).astype(float)
    frame = pd.DataFrame(
        {
            "pdays": days,
            "previous": np.where(known, rng.integers(1, 30, N), 0).astype(float),
            "rare": np.where(np.arange(N) < 13, 0.0, np.nan),
            "rarer": np.where(np.arange(N) < 13, 0.0, np.nan),
            "a": rng.normal(size=N),
            "y": rng.normal(size=N),
        }
    )
    frame.loc[4, ["rare", "rarer"]] = 7.0
    frame["twice"] = 2 * frame["a"] + 0.001 * rng.normal(size=N)
    table_ = made(frame)
    related = relate(table_, np.arange(N), associations(table_, np.arange(N)))
    place = {name: k for k, name in enumerate(related.names)}
    assert related.strength[place["pdays"], place["previous"]] < 0.3
    assert related.rows[place["pdays"], place["previous"]] == int(known.sum())
    assert related.strength[place["rare"], place["rarer"]] == 0
    assert related.strength[place["a"], place["twice"]] > 0.99
