"""Reading, typing and featurising, cell by cell and whole."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tables import binary_frame, messy_frame

from toolkit import open_stage, table
from toolkit.artifacts import LabelPatch, Rows, Split
from toolkit.data import intake
from toolkit.errors import DataError
from toolkit.project.data import Column, Data
from toolkit.project.model import Target

CELLS = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-(10**20), 10**20),
    st.booleans(),
    st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)).map(str),
    st.sampled_from(
        [
            "1,234.5",
            "12 %",
            " NA ",
            "?",
            "None",
            "TRUE",
            "1.0",
            "007",
            "€ 5",
            "-0",
            '="05"',
            "'-5",
            "''5",
            "12 kg",
            "1.2k",
            "(3,5 €)",
            "5-",
            "12*",
            "31.12.40",
            "3 mai 2021",
            "2021Q3",
            "43831",
            "2000-01-01T23:30:00Z",
            "1609459200",
        ]
    ),
)
COLUMNS = st.builds(
    Column,
    type=st.sampled_from(["number", "category", "boolean", "date", "text"]),
    missing=st.sampled_from([None, [], ["-1", "x"], ["2000-01-01"]]),
    decimal=st.sampled_from([None, ".", ","]),
    unit=st.sampled_from([None, "kg", "%", "EUR"]),
    multiples=st.booleans(),
    format=st.sampled_from(
        [None, "%d/%m/%Y", "%Y-%m-%d", "%d.%m.%y | %d %b %Y", "%Y-%m-%d | excel", "unix"]
    ),
    latest_year=st.sampled_from([None, 2026]),
    timezone=st.sampled_from([None, "Europe/Berlin"]),
)


def columns_of(frame: pd.DataFrame, target: str = "churn") -> dict[str, Column]:
    columns, _, _ = table.infer_columns(frame, target)
    return {name: column for name, column in columns.items() if column.role == "feature"}


@settings(max_examples=150, deadline=None)
@given(st.lists(CELLS, max_size=8), COLUMNS)
def test_conform_is_idempotent_and_looks_at_each_row_alone(cells: list, column: Column) -> None:
    raw = pd.DataFrame({"x": pd.Series(cells, dtype=object)})
    once = table.conform(raw, {"x": column})
    pd.testing.assert_frame_equal(table.conform(once, {"x": column}), once)
    assert table.table_digest(once) == table.table_digest(table.conform(once, {"x": column}))
    for row in range(len(raw)):
        alone = table.conform(raw.iloc[[row]], {"x": column})
        pd.testing.assert_series_equal(
            alone["x"], once["x"].iloc[[row]].reset_index(drop=True), check_index_type=False
        )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=15).filter(lambda t: "\0" not in t), min_size=1, max_size=6))
def test_any_text_survives_the_csv(tmp_path_factory: pytest.TempPathFactory, texts: list) -> None:
    folder = tmp_path_factory.mktemp("csv")
    texts = [t.encode("utf-8", "ignore").decode().replace("\r", " ") for t in texts]
    frame = pd.DataFrame({"t": texts, "n": range(len(texts))})
    frame.to_csv(folder / "t.csv", index=False)
    raw = table.read_source(Data(source="t.csv", delimiter=",", encoding="utf-8"), folder).frame
    assert raw["n"].tolist() == [str(i) for i in range(len(texts))]
    assert raw["t"].fillna("").str.strip().tolist() == [t.strip() for t in texts]


def test_rows_read_by_pandas_are_typed_like_the_source(tmp_path: Path) -> None:
    frame = binary_frame().assign(flag=lambda f: f["age"] > 40, code=range(240))
    frame.to_csv(tmp_path / "t.csv", index=False)
    raw = table.read_source(table.detect(tmp_path / "t.csv"), tmp_path).frame
    columns = columns_of(raw)
    ours = table.conform(raw, columns)
    theirs = table.conform(pd.read_csv(tmp_path / "t.csv"), columns)
    pd.testing.assert_frame_equal(ours, theirs)
    one = pd.read_csv(tmp_path / "t.csv").sample(frac=1, axis=1, random_state=1).iloc[[7]]
    pd.testing.assert_frame_equal(
        table.conform(one, columns), ours.iloc[[7]].reset_index(drop=True)
    )


def test_a_missing_column_names_the_nearest() -> None:
    frame = pd.DataFrame({"income": [1.0], "agee": [2.0]})
    with pytest.raises(DataError, match=r"'age'.*Did you mean 'agee'"):
        table.conform(frame, {"income": Column(type="number"), "age": Column(type="number")})


def test_conform_takes_what_pandas_can_hold() -> None:
    moments = pd.date_range("2024-01-01", periods=3, tz="Europe/Berlin")
    frame = pd.DataFrame(
        {
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "bools": pd.array([True, None, False], dtype="boolean"),
            "levels": pd.Categorical([3, None, 1]),
            "moments": moments,
            "decimals": [1.5, "2,000", None],
            "infinite": [np.inf, -np.inf, 1.0],
        },
        index=[5, 5, 9],
    )
    typed = table.conform(
        frame,
        {
            "nullable": Column(type="number"),
            "bools": Column(type="boolean"),
            "levels": Column(type="category"),
            "moments": Column(type="date"),
            "decimals": Column(type="number"),
            "infinite": Column(type="number"),
        },
    )
    assert list(typed.index) == [0, 1, 2]
    assert typed["nullable"].tolist()[::2] == [1.0, 3.0]
    assert typed["bools"].tolist()[::2] == ["True", "False"]
    assert typed["levels"].tolist()[::2] == ["3", "1"]
    assert typed["moments"].dtype == "datetime64[us]"
    assert typed["decimals"].tolist()[:2] == [1.5, 2000.0]
    assert typed["infinite"].isna().sum() == 2


@pytest.mark.parametrize(
    ("name", "cells", "expected"),
    [
        ("customerId", [f"{i}" for i in range(100, 200)], ("category", "identifier")),
        ("package", [f"{i % 4}.5" for i in range(100)], ("number", "feature")),
        ("zip", [f"{i % 30:05d}" for i in range(100)], ("category", "feature")),
        ("phone_number", [f"{5550000 + i % 40}" for i in range(100)], ("category", "identifier")),
        ("signup", [f"{i % 28 + 1:02d}/11/2023" for i in range(100)], ("date", "feature")),
        ("when", [f"2023-11-{i % 28 + 1:02d} 10:0{i % 10}" for i in range(100)],
         ("date", "feature")),
        ("day", [f"202311{i % 28 + 1:02d}" for i in range(100)], ("date", "feature")),
        ("year", [f"{1990 + i % 30}" for i in range(100)], ("number", "feature")),
        ("is_member", ["t" if i % 2 else "f" for i in range(100)], ("boolean", "feature")),
        ("comment", [f"the order number {i} came late" for i in range(100)], ("text", "feature")),
        ("token", [f"ab{i}x" for i in range(100)], ("category", "identifier")),
        ("price", [f"€ {i}.50" for i in range(100)], ("number", "feature")),
        ("measure", [f"{i}" if i % 9 else "n/k" for i in range(100)], ("category", "feature")),
        ("measure", [f"{i}" if i % 25 else "unknown" for i in range(100)], ("number", "feature")),
        ("split", ["train" if i % 3 else "test" for i in range(100)], ("category", "ignore")),
        ("row", [f"{i}" for i in range(100)], ("category", "identifier")),
        ("nothing", [None] * 100, ("category", "ignore")),
    ],
)  # fmt: skip
def test_inference(name: str, cells: list, expected: tuple[str, str]) -> None:
    frame = pd.DataFrame(
        {name: pd.Series(cells, dtype="str"), "n": [str(i % 7) for i in range(100)],
         "y": [str(i % 2) for i in range(100)]}
    )  # fmt: skip
    columns, _, checks = table.infer_columns(frame, "y")
    assert (columns[name].type, columns[name].role) == expected
    assert any(name in check.columns for check in checks), "every inference is said"


@pytest.mark.parametrize(
    ("name", "protected"),
    [
        ("age", True), ("Age", True), ("customer_age", True), ("person age", True),
        ("package", False), ("image", False), ("wage", False), ("house_age", False),
        ("MaritalStatus", True), ("native-country", True), ("SeniorCitizen", True), ("race", True),
        ("trace", False), ("Geschlecht", True), ("État civil", True), ("sexe", True),
        ("sextant", False), ("foreign_worker", True), ("isPregnant", True), ("DOB", True),
    ],
)  # fmt: skip
def test_protected_by_words(name: str, protected: bool) -> None:
    frame = pd.DataFrame(
        {name: [f"{i % 9 + 20}" for i in range(60)], "y": ["ab"[i % 2] for i in range(60)]}
    )
    columns, _, _ = table.infer_columns(frame, "y")
    assert columns[name].protected is protected


@pytest.mark.parametrize(
    ("labels", "task", "positive"),
    [
        (["0", "1", "0"], "binary", "1"),
        (["0.0", "1.0", "0.0"], "binary", "1"),
        (["good", "bad", "good"], "binary", "bad"),
        (["Yes", "No", "Yes"], "binary", "Yes"),
        (["a", "b", "a"], "binary", "b"),
        (["TRUE", "FALSE", "FALSE"], "binary", "True"),
        (["3", "4", "5", "6"], "multiclass", None),
        (["red", "green", "blue"], "multiclass", None),
        ([f"{i}.5" for i in range(30)], "regression", None),
        ([f"{i * 37}" for i in range(60)], "regression", None),
        ([f"{i:,}" for i in range(10000, 10060)], "regression", None),
    ],
)
def test_task(labels: list[str], task: str, positive: str | None) -> None:
    n = 240
    frame = pd.DataFrame(
        {"x": [str(i % 7) for i in range(n)], "y": [labels[i % len(labels)] for i in range(n)]}
    )
    columns, target, _ = table.infer_columns(frame, "y")
    assert (target.task, target.positive) == (task, positive)
    values = table.target_values(table.conform(frame, columns)["y"], target)
    assert (values.dtype == float) == (task == "regression")
    assert not pd.isna(values).any()


def test_ambiguous_dates_are_said_and_can_be_turned_round() -> None:
    frame = pd.DataFrame(
        {"seen": [f"0{i % 9 + 1}/0{i % 7 + 1}/2023" for i in range(60)],
         "y": ["ab"[i % 2] for i in range(60)]}
    )  # fmt: skip
    columns, _, checks = table.infer_columns(frame, "y")
    warning = next(check for check in checks if check.name == "Day or month first")
    assert "%m/%d/%Y" in warning.remedy
    first = table.conform(frame, columns)["seen"][1]
    other = columns["seen"].model_copy(update={"format": "%m/%d/%Y"})
    second = table.conform(frame, {"seen": other})["seen"][1]
    assert (first.day, first.month) == (second.month, second.day)


def test_design_is_stateless_and_traces_its_origin() -> None:
    raw = messy_frame().assign(churn="a")
    raw.loc[::2, "churn"] = "b"
    columns = columns_of(raw)
    typed = table.conform(raw, columns)
    whole, origin = table.design(typed, columns)
    assert set(origin) == set(whole.columns)
    assert set(origin.values()) == set(columns)
    part, _ = table.design(typed.iloc[3:5], columns)
    pd.testing.assert_frame_equal(part, whole.iloc[3:5])
    none, _ = table.design(typed.iloc[:0], columns)
    assert list(none.columns) == list(whole.columns)
    for name in whole.columns:
        assert pd.api.types.is_numeric_dtype(whole[name]) or whole[name].dtype == "str"


def test_derived_names_never_collide() -> None:
    columns = {
        "when": Column(type="date", format="%Y-%m-%d"),
        "when.year": Column(type="number"),
    }
    frame = pd.DataFrame({"when": ["2020-05-01"], "when.year": [7.0]})
    made, origin = table.design(table.conform(frame, columns), columns)
    assert made["when.year"].tolist() == [7.0]
    assert origin["when.year"] == "when.year"
    assert sum(source == "when" for source in origin.values()) == 5


def test_preprocessor_survives_gaps_and_the_unseen() -> None:
    train = pd.DataFrame(
        {
            "n": [1.0, np.nan, 3.0] * 20,
            "void": [np.nan] * 60,
            "c": pd.Series(["a", "b", None] * 20, dtype="str"),
            "empty": pd.Series([None] * 60, dtype="str"),
        }
    )
    fitted = table.make_preprocessor(train).fit(train)
    other = pd.DataFrame(
        {
            "c": pd.Series(["never seen", None], dtype="str"),
            "empty": pd.Series(["x", None], dtype="str"),
            "void": [1.0, np.nan],
            "n": [np.nan, 9.0],
        }
    )
    matrix = fitted.transform(other)
    assert matrix.dtype == np.float32
    assert matrix.shape == (2, len(fitted.get_feature_names_out()))
    assert np.isfinite(matrix).all()


def test_parts_and_the_label_patch(binary_project) -> None:
    file = binary_project()
    stage = open_stage("scoping", file.path)
    intake(stage)
    frame = stage.read(Rows).frame
    part = np.array(["train", "validation", "test"])[np.arange(len(frame)) % 3]
    stage.run.write(Split(pd.DataFrame({"row": np.arange(len(frame)), "part": part})))
    patch = {"row": [0, 1, 2, 3], "action": ["relabel", "drop", "relabel", "accept"],
             "label": ["flipped", None, "flipped", None]}  # fmt: skip
    stage.run.write(LabelPatch(pd.DataFrame(patch)))
    train = table.load_part(stage, "train")
    assert train.rows[0] == 0
    assert train.target[0] == "flipped"
    assert "customer_id" not in train.frame
    assert list(train.frame) == list(train.columns)
    both = table.load_part(stage, "train", "validation")
    assert 1 not in both.rows
    test = table.load_part(stage, "test")
    assert test.rows[0] == 2
    assert test.target[0] != "flipped", "test rows stay as they were recorded"
    file.set("labels.apply", False)
    stage.file.reload()
    assert 1 in table.load_part(stage, "validation").rows
    stage.finish()


def test_reading_twice_gives_the_same_bytes(binary_project) -> None:
    folders = []
    for name in ("a", "b"):
        stage = open_stage("scoping", binary_project(name).path)
        intake(stage)
        stage.finish()
        folders.append(stage.run.folder)
    assert (folders[0] / "table.parquet").read_bytes() == (
        folders[1] / "table.parquet"
    ).read_bytes()
    assert (folders[0] / "intake.json").read_bytes() == (folders[1] / "intake.json").read_bytes()


def test_missing_spellings_of_the_table_reach_the_model(binary_project) -> None:
    file = binary_project()
    file.set("data.missing", ["premium", "-999"])
    columns = table.effective_columns(file.project)
    typed = table.conform(
        pd.DataFrame({"plan <b>": ["premium", "?", "básico"], "age": [-999.0, 2.0, 3.0]}),
        {name: columns[name] for name in ("plan <b>", "age")},
    )
    assert typed["plan <b>"].isna().tolist() == [True, True, False]
    assert typed["age"].isna().tolist() == [True, False, False]


def test_regression_target_with_labels_as_text() -> None:
    target = Target(column="y", task="regression")
    values = table.target_values(pd.Series(["1.5", None, "x"], dtype="str"), target)
    assert values[0] == 1.5
    assert np.isnan(values[1:]).all()
