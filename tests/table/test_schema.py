"""A saved model scores rows of any reader as it scores the source itself."""

from __future__ import annotations

import io
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import toolkit
from toolkit import automl, data, metrics, table
from toolkit.errors import DataError, ModelError, UnusualRowsWarning
from toolkit.table.cells import values


def searched(folder: Path, source: Path, target: str) -> tuple[toolkit.ProjectFile, Path]:
    """Make a project of a file, search one baseline, and return it and the champion's folder."""
    file = toolkit.new(source, target, folder / "project")
    file.set("automl.engines", ["baseline"])
    file.set("automl.budget.models", 2)
    file.set("explain.bootstrap", 50)
    for name, work in {
        "scoping": [data.intake],
        "eda": [data.make_split],
        "automl": [automl.search, automl.choose],
    }.items():
        stage = toolkit.open_stage(name, file.folder, "runs/r")
        for each in work:
            each(stage)
        stage.finish()
    return file, file.folder / "runs" / "r" / "models" / "champion"


# -- reading ---------------------------------------------------------------------------

CODES = {
    "padded codes": ["001", "010", "500"],
    "codes of several lengths": ["007", "12", "4711"],
    "long ids with gaps": ["834500000000000117", "112233445566778899", None],
    "postcodes with gaps": ["01067", "10115", None],
    "versions": ["2.10", "2.20", "3.0.1"],
    "decimals": ["2.10", "2.20", "0.50"],
    "exponents": ["4E5", "7E2", "1E10"],
    "phone prefixes": ["+49", "+33", "+44"],
    "words and digits": ["A1", "02", "3"],
    "signed": ["-05", "-10", "07"],
    "blanks around": ["007", "012", "030"],
    "lower truth": ["true", "false", "maybe"],
}


def frame_of(cells: list, rows: int = 60) -> pd.DataFrame:
    numbers = np.random.default_rng(3).normal(size=rows).round(3)
    return pd.DataFrame({"code": [cells[i % len(cells)] for i in range(rows)], "n": numbers})


def schema_of(frame: pd.DataFrame, columns: dict) -> table.InputSchema:
    return table.InputSchema.learn(frame, columns, np.arange(len(frame)))


def read_by(reader: str, source: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Return rows as a reader gives them; where it must guess types, from the same text."""
    import sqlite3

    path = folder / "t.csv"
    source.to_csv(path, index=False)
    plain = pd.read_csv(path)
    if reader == "csv":
        return plain
    if reader == "csv, pyarrow types":
        return pd.read_csv(path, dtype_backend="pyarrow")
    if reader == "csv in nullable types":
        return pd.read_csv(path, dtype_backend="numpy_nullable")
    if reader == "parquet":
        plain.to_parquet(folder / "t.parquet")
        return pd.read_parquet(folder / "t.parquet")
    if reader == "excel":
        source.to_excel(folder / "t.xlsx", index=False)
        return pd.read_excel(folder / "t.xlsx")
    if reader == "sql":
        with sqlite3.connect(folder / "t.db") as connection:
            plain.to_sql("t", connection, index=False, if_exists="replace")
            return pd.read_sql("select * from t", connection)
    if reader == "polars-like":
        import pyarrow as pa

        return table.as_frame(pa.Table.from_pandas(plain), list(source.columns))
    if reader == "json":
        import io

        return pd.read_json(io.StringIO(plain.to_json(orient="split")), orient="split")
    assert reader == "dicts"
    return table.as_frame(plain.to_dict("records"), list(source.columns))


READERS = [
    "csv", "csv, pyarrow types", "csv in nullable types", "parquet", "excel", "sql", "polars-like",
    "json", "dicts",
]  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("cells", CODES.values(), ids=CODES)
def test_codes_are_spelled_as_in_the_source(tmp_path: Path, cells: list, reader: str) -> None:
    source = frame_of(cells)
    columns = {"code": table_column("category"), "n": table_column("number")}
    typed = table.conform(source, columns)
    received = read_by(reader, source, tmp_path)
    if reader == "json" and cells == CODES["long ids with gaps"]:
        return  # JSON as pandas writes it keeps ten digits: nothing can bring the others back
    restored = schema_of(typed, columns).restore(table.pick(received, columns))
    pd.testing.assert_frame_equal(table.conform(restored, columns), typed)


def table_column(kind: str, **facts: object):
    from toolkit.project.data import Column

    return Column(type=kind, **facts)


LOGICAL = {
    "yes and no": ["yes", "no"],
    "one and zero": ["1", "0"],
    "true and false": ["true", "false"],
    "capitals": ["Y", "N"],
    "with gaps": ["t", "f", None],
    "in German": ["ja", "nein"],
}


@pytest.mark.parametrize("given", ["bool", "boolean with gaps", "int", "float", "object", "words"])
@pytest.mark.parametrize("cells", LOGICAL.values(), ids=LOGICAL)
def test_truth_is_one_however_it_is_said(cells: list, given: str) -> None:
    source = frame_of(cells)
    columns = {"code": table_column("boolean"), "n": table_column("number")}
    typed = table.conform(source, columns)
    said = [
        None if cell is None else cell in ("yes", "1", "true", "Y", "t", "ja") for cell in cells
    ]
    gaps = None in said
    if given in ("bool", "int") and gaps:
        given = "boolean with gaps"
    truth = pd.Series([said[i % len(said)] for i in range(len(source))], dtype=object)
    types = {"bool": "bool", "boolean with gaps": "boolean", "int": "int64", "float": "float64",
             "object": object, "words": object}  # fmt: skip
    received = truth.map({True: "TRUE", False: "FALSE"}) if given == "words" else truth
    received = source.assign(code=received.astype(types[given]))
    restored = schema_of(typed, columns).restore(received)
    pd.testing.assert_frame_equal(table.conform(restored, columns), typed)


DATES = {
    "day first": ("%d/%m/%Y", ["03/04/2021", "28/02/2022", None]),
    "digits": ("%Y%m%d", ["20210403", "20220228", None]),
    "digits that lose a zero": ("%d%m%Y", ["03042021", "28022022", "01012020"]),
    "short digits": ("%y%m%d", ["010203", "991231", None]),
    "ISO": (None, ["2021-04-03", "2022-02-28"]),
    "with times": (None, ["2021-04-03T10:20:30", "2022-02-28T00:00:00"]),
    "months in words": ("%d %b %Y", ["03 Apr 2021", "28 Feb 2022"]),
}


@pytest.mark.parametrize("given", ["csv", "timestamps", "dates", "excel", "milliseconds"])
@pytest.mark.parametrize("case", DATES.values(), ids=DATES)
def test_dates_are_the_same_days(tmp_path: Path, case: tuple, given: str) -> None:
    layout, cells = case
    source = frame_of(cells)
    columns = {"code": table_column("date", format=layout), "n": table_column("number")}
    typed = table.conform(source, columns)
    if given == "csv":
        received = read_by("csv", source, tmp_path)
    elif given == "dates":
        days = [None if pd.isna(t) else t.to_pydatetime() for t in typed["code"]]
        received = source.assign(code=pd.Series(days, dtype=object))
    elif given == "milliseconds":
        if layout and set(layout) <= set("%dmyY"):
            return  # digits are digits
        received = source.assign(code=typed["code"].astype("datetime64[ms]").astype("int64"))
    else:
        received = source.assign(code=typed["code"])
        if given == "excel":
            received.to_excel(tmp_path / "t.xlsx", index=False)
            received = pd.read_excel(tmp_path / "t.xlsx")
    restored = schema_of(typed, columns).restore(received)
    pd.testing.assert_frame_equal(table.conform(restored, columns), typed)


UNKNOWABLE = {
    "two spellings of one number": ("category", ["01", "1", "2"], [1, 2]),
    "decimals with and without a zero": ("category", ["1.1", "1.10"], [1.1, 1.1]),
    "a new code among codes of several lengths": ("category", ["007", "12"], [7, 99]),
    "neighbouring long ids": (
        "category",
        ["900000000000000001", "900000000000000002"],
        [9e17, 9e17],
    ),
    "a long id that lost digits": ("category", ["900000000000000001", "a"], [1.5e17, 9e17]),
    "dates for words": ("category", ["May-5", "Jun-6"], list(pd.to_datetime(["2020-05-05"] * 2))),
    "signs of one number": ("category", ["+5", "5"], [5, 5]),
}


@pytest.mark.parametrize("case", UNKNOWABLE.values(), ids=UNKNOWABLE)
def test_what_cannot_be_known_is_refused(case: tuple) -> None:
    kind, cells, received = case
    columns = {"code": table_column(kind)}
    typed = table.conform(frame_of(cells)[["code"]], columns)
    with pytest.raises(DataError, match=r"column 'code': .*dtype=\{'code': str\}"):
        schema_of(typed, columns).restore(pd.DataFrame({"code": received}))


def test_thousands_read_as_decimals_are_refused() -> None:
    columns = {"code": table_column("number", decimal=",")}
    typed = table.conform(pd.DataFrame({"code": ["100", "161", "1.025", "12.500"]}), columns)
    assert typed["code"].tolist() == [100, 161, 1025, 12500]
    schema = schema_of(typed, columns)
    with pytest.raises(DataError, match=r"1\.025 is no whole number.*thousands='\.'"):
        schema.restore(pd.DataFrame({"code": [100, 1.025]}))
    right = schema.restore(pd.DataFrame({"code": [100.0, 1025.0]}))
    assert table.conform(right, columns)["code"].tolist() == [100, 1025]


def test_a_level_that_readers_take_for_missing() -> None:
    words = [text for text in values.MISSING if text != "None"]
    columns = {"code": table_column("category", missing=words)}
    whole = table.conform(frame_of(["None", "brick", "stone"])[["code"]], columns)
    assert whole["code"].tolist()[:3] == ["None", "brick", "stone"]
    schema = schema_of(whole, columns)
    read = pd.DataFrame({"code": [np.nan, "brick"]})
    assert schema.restore(read)["code"].tolist() == ["None", "brick"]
    told = pd.DataFrame({"code": ["None", np.nan]})  # who kept the word kept the gap too
    assert schema.restore(told)["code"].isna().tolist() == [False, True]
    gaps = table.conform(frame_of(["None", "brick", None])[["code"]], columns)
    with pytest.raises(DataError, match=r"1 missing cells may be 'None' or a gap.*keep_default_na"):
        schema_of(gaps, columns).restore(read)


TEXTS = st.one_of(
    st.from_regex(r"\A0{0,2}[0-9]{1,4}\Z"),
    st.from_regex(r"\A[+-]?[0-9]{1,3}(\.[0-9]{1,3})?([eE][0-9]{1,2})?\Z"),
    st.from_regex(r"\A[0-9]{16,19}\Z"),
    st.sampled_from(["A1", "true", "FALSE", "inf", "1e400", "0x1F", "1_000", "1,5", "Infinity"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(TEXTS, st.none()), min_size=2, max_size=8))
def test_pandas_reading_scores_as_the_source_or_is_refused(cells: list) -> None:
    source = pd.DataFrame({"code": pd.Series(cells, dtype=object), "n": range(len(cells))})
    columns = {"code": table_column("category"), "n": table_column("number")}
    typed = table.conform(source, columns)
    received = pd.read_csv(io.StringIO(source.to_csv(index=False)))
    try:
        restored = schema_of(typed, columns).restore(received)
    except DataError:
        return
    pd.testing.assert_frame_equal(table.conform(restored, columns), typed)


# -- a saved model ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A table whose header, codes, ids, dates and target readers convert; and its champion."""
    folder = tmp_path_factory.mktemp("saved")
    generator = np.random.default_rng(5)
    rows = 500
    office = generator.choice(["002", "020", "200", "015"], rows)
    paid = generator.choice(["yes", "no"], rows)
    odds = (office == "002") * 2.0 + (office == "200") * 1.5 + (paid == "yes") - 1.7
    frame = pd.DataFrame(
        {
            "office": office,
            " paid": paid,
            "opened ": generator.choice(["01/02/2020", "17/03/2021", "30/11/2022"], rows),
            "amount": generator.normal(100, 20, rows).round(2),
            "late": (odds + generator.logistic(size=rows) * 0.3 > 0).astype(int),
        }
    )
    frame.loc[::50, "amount"] = np.nan
    frame.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv", searched(folder, folder / "t.csv", "late")[1]


def test_pandas_rows_score_as_the_source_and_labels_compare(saved) -> None:
    path, folder = saved
    model = toolkit.load_model(folder)
    source = pd.read_csv(path, dtype=str, keep_default_na=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is unusual about the table itself
        scores = model.predict(source)
        read = pd.read_csv(path)
        np.testing.assert_array_equal(model.predict(read), scores)
    decided = model.decide(scores)
    assert (decided == read["late"]).mean() > 0.85
    assert decided.dtype == np.int64
    assert (model.labels(source["late"]) == model.labels(read["late"])).all()
    assert (model.labels(pd.Series(["0", "1", "2"])) == [0, 1, None]).all()


@pytest.mark.parametrize("word", ["None", "NA", "null", "n/a", "nan", "NULL"])
def test_a_class_that_readers_take_for_missing(saved, word: str) -> None:
    model = toolkit.load_model(saved[1])
    model.classes = ["mild", word]
    text = f"y\nmild\n{word}\nother\n"
    assert model.labels(pd.read_csv(io.StringIO(text))["y"]).tolist() == ["mild", word, None]
    kept = pd.Series([word, None, "mild"])  # who kept the word kept the gap too
    assert model.labels(kept).tolist() == [word, None, "mild"]


def test_rows_in_many_forms(saved) -> None:
    path, folder = saved
    model = toolkit.load_model(folder)
    read = pd.read_csv(path)
    expected = model.predict(read)
    one = read.iloc[7]
    import pyarrow as pa

    row = read.iloc[[7]]
    forms = [one, one.to_dict(), row, [one.to_dict()], [one], row.to_dict("list"),
             pa.Table.from_pandas(row), row.to_records()]  # fmt: skip
    for form in forms:
        np.testing.assert_array_equal(model.predict(form), expected[[7]])
    assert model.predict(read.iloc[:0]).shape == (0, 2)
    for form in (read.to_numpy(), str(path), [1, 2], [], 3, None):
        with pytest.raises(DataError, match=r"has no column names; expected a DataFrame"):
            model.predict(form)
    with pytest.raises(DataError, match=r"the column 'paid' is not there.*Did you mean"):
        model.predict(read.rename(columns={" paid": "payd"}))


def test_names_that_a_header_wraps_or_pads_are_found() -> None:
    columns = {"late fee": table_column("number"), "x": table_column("number")}
    rows = pd.DataFrame({" x": [1], "late\nfee ": [2]})
    assert table.conform(table.pick(rows, columns), columns).to_dict("list") == {
        "late fee": [2.0], "x": [1.0],
    }  # fmt: skip


def test_unusual_rows_are_told_refused_or_returned(saved) -> None:
    path, folder = saved
    model = toolkit.load_model(folder)
    odd = pd.read_csv(path).assign(office=777, amount=lambda f: f["amount"] * 100)
    with pytest.warns(
        UnusualRowsWarning, match=r"'office' in 100%: unseen level \('777'\)"
    ) as told:
        scores = model.predict(odd)
    assert "'amount' in 98%: outside" in str(told[0].message)
    assert told[0].filename == __file__
    with pytest.raises(DataError, match="unlike the training rows: 'office'"):
        model.predict(odd, unusual="error")
    again, found = model.predict(odd, unusual="return")
    np.testing.assert_array_equal(again, scores)
    assert found["column"].tolist() == ["office", "amount"]
    assert found["rows"].tolist() == [500, 490]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(odd, unusual="ignore")
    broken = pd.read_csv(path).assign(amount="n.n.").assign(**{" paid": None})
    table = model.unusual_rows(broken)
    assert set(table["finding"]) == {"not readable as number", "missing, though it never was"}
    with pytest.raises(DataError, match="'maybe' is no way"):
        model.predict(odd, unusual="maybe")


def test_a_model_of_an_earlier_version_says_what_it_cannot(saved, tmp_path: Path) -> None:
    path, folder = saved
    shutil.copytree(folder, tmp_path / "old")
    (tmp_path / "old" / "input_schema.json").unlink()
    with pytest.warns(UnusualRowsWarning, match="kept no input schema"):
        old = toolkit.load_model(tmp_path / "old")
    source = pd.read_csv(path, dtype=str, keep_default_na=False)
    np.testing.assert_array_equal(old.predict(source), toolkit.load_model(folder).predict(source))
    with pytest.raises(ModelError, match=r"Run 04_automl\.ipynb again"):
        old.unusual_rows(source)


@pytest.mark.parametrize(
    ("classes", "kind", "values"),
    [
        (["0", "1"], "i", [0, 1]),
        (["1", "2", "10"], "i", [1, 2, 10]),
        (["-1", "1"], "i", [-1, 1]),
        (["False", "True"], "b", [False, True]),
        (["0.5", "1.5"], "f", [0.5, 1.5]),
        (["no", "yes"], "O", ["no", "yes"]),
        (["01", "02"], "O", ["01", "02"]),
        (["1", "unknown"], "O", ["1", "unknown"]),
        (["1e5", "2e5"], "O", ["1e5", "2e5"]),
        (["inf", "nan"], "O", ["inf", "nan"]),
    ],
)
def test_labels_have_the_type_of_the_column(classes: list, kind: str, values: list) -> None:
    found = metrics.label_values(classes)
    assert found.dtype.kind == kind
    assert found.tolist() == values


@pytest.mark.parametrize(
    ("kind", "facts", "cells", "received", "expected"),
    [
        ("date", {}, ["2021-04-03", None], "date32[day][pyarrow]", "2021-04-03"),
        ("category", {}, ["2021-04-03", "new"], "date32[day][pyarrow]", "2021-04-03"),
        ("category", {}, ["0306406152", "0140449132"], "float32", "0306406152"),
        ("category", {}, ["16777217", "20000000"], "float32", "16777217"),
        ("category", {}, ["2.1", "0.3"], "float32", "2.1"),
        ("category", {}, ["2.1", "0.3"], "float[pyarrow]", "2.1"),
        ("category", {}, ["900000000000000000", "a"], "float64", "900000000000000000"),
    ],
)
def test_types_that_lose_digits_or_hold_days(
    kind: str, facts: dict, cells: list, received: str, expected: str
) -> None:
    columns = {"code": table_column(kind, **facts)}
    schema = schema_of(table.conform(frame_of(cells)[["code"]], columns), columns)
    cell = pd.Timestamp(expected).date() if "date" in received else float(expected)
    given = pd.DataFrame({"code": pd.Series([cell]).astype(received)})
    found = table.conform(schema.restore(given), columns)["code"]
    assert found[0] == (pd.Timestamp(expected) if kind == "date" else expected)


def test_single_precision_seconds_are_refused() -> None:
    columns = {"code": table_column("date", format="unix")}
    schema = schema_of(table.conform(frame_of(["1590000000", "1500000000"])[["code"]], columns),
                       columns)  # fmt: skip
    with pytest.raises(DataError, match="single precision, which has lost digits"):
        schema.restore(pd.DataFrame({"code": np.array([1.59e9], dtype="float32")}))


def test_milliseconds_of_a_zone_are_its_local_time() -> None:
    columns = {"code": table_column("date", timezone="Europe/Rome")}
    cells = ["2021-07-03T00:30:00+02:00", "2022-01-05T00:00:00+01:00"]
    typed = table.conform(frame_of(cells)[["code"]], columns)
    instants = [pd.Timestamp(cells[i % 2]).value // 10**6 for i in range(len(typed))]
    restored = schema_of(typed, columns).restore(pd.DataFrame({"code": instants}))
    assert typed["code"][0] == pd.Timestamp("2021-07-03 00:30")
    pd.testing.assert_frame_equal(table.conform(restored, columns), typed)


def test_two_columns_of_one_name(saved) -> None:
    path, folder = saved
    model = toolkit.load_model(folder)
    read = pd.read_csv(path)
    twice = pd.concat([read, read[["office"]]], axis=1)
    np.testing.assert_array_equal(model.predict(twice), model.predict(read))
    with pytest.raises(DataError, match="two columns are called 'office', and their cells differ"):
        model.predict(pd.concat([read, read[["office"]] + 1], axis=1))


@pytest.mark.parametrize(
    "rows",
    [
        {"a": {0: 1}, "b": {0: 2}},
        {"a": [1, 2], "b": [1]},
        {"a": [1, 2], "b": 3},
        {"a": pd.Series([1, 2]), "b": (1, 2, 3)},
        {"a": np.array([1, 2]), "b": "x"},
        {"a": [], "b": [1]},
    ],
)
def test_dicts_that_are_no_rows(rows: dict) -> None:
    with pytest.raises(DataError, match=r"^rows: .*expected one cell for each column, or one list"):
        table.as_frame(rows, ["a", "b"])


def test_new_levels_are_expected_where_nearly_every_row_has_its_own(saved) -> None:
    model = toolkit.load_model(saved[1])
    tickets = pd.DataFrame({"code": [f"T{i // 2 if i < 40 else i}" for i in range(100)]})
    columns = {"code": table_column("category")}
    schema = schema_of(tickets, columns)
    assert schema.schemas["code"].rare == 0.6

    def told(share: float, rows: int = 200) -> bool:
        frame = pd.DataFrame({"code": ["T1"] * rows})
        frame.loc[: round(share * rows) - 1, "code"] = "new"
        found = schema.unusual(frame, frame)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model._tell(found, rows, "warn")
        return bool(caught)

    assert [told(share) for share in (0.55, 0.6, 0.65, 0.9, 1.0)] == [False] * 3 + [True] * 2
    assert not told(1.0, rows=1)  # one new ticket says nothing
