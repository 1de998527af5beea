"""What cells mean: marks, units, codes, words, dates; each example with its right value."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from toolkit import table
from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.project.data import Column, Data
from toolkit.project.model import Project, Target

ROWS = 144


class Read(NamedTuple):
    """What became of a column."""

    column: Column
    values: list[Any]
    checks: list[Check]
    target: Target

    @property
    def warnings(self) -> set[str]:
        return {check.name for check in self.checks if check.severity == "warning"}


def read(
    folder: Path,
    cells: list[str],
    name: str = "x",
    *,
    delimiter: str = ",",
    beside: dict[str, list[str]] | None = None,
    predicted: bool = False,
) -> Read:
    """Write a CSV, and read one of its columns as `toolkit new` and a run do."""
    columns = {name: cells, **(beside or {}), "colour": ["r", "g", "b", "r", "g"], "y": ["a", "b"]}
    lines = [[made[row % len(made)] for made in columns.values()] for row in range(ROWS)]
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=delimiter).writerows([list(columns), *lines])
    data = table.detect(folder / "t.csv")
    return typed(table.read_source(data, folder).frame, name, len(cells), data, predicted)


def read_frame(series: pd.Series, name: str = "x") -> Read:
    """Read a column that its source has typed."""
    frame = pd.DataFrame({name: series})
    frame["colour"], frame["y"] = (
        ["r", "g", "b"] * (len(frame) // 3),
        ["a", "b"] * (len(frame) // 2),
    )
    return typed(frame, name, 6, Data(source="t.parquet", format="parquet"), False)


def typed(frame: pd.DataFrame, name: str, shown: int, data: Data, predicted: bool) -> Read:
    columns, target, checks = table.infer_columns(
        frame,
        name if predicted else "y",
        decimal=data.decimal or ".",
        delimiter=data.delimiter,
    )
    project = Project(name="t", data=data, columns=columns, target=target)
    effective = table.effective_columns(project)
    whole = table.conform(frame[[name]], {name: effective[name]})
    for row in range(shown):
        alone = table.conform(frame[[name]].iloc[[row]], {name: effective[name]})[name]
        pd.testing.assert_series_equal(
            alone, whole[name].iloc[[row]].reset_index(drop=True), check_index_type=False
        )
    values = [None if pd.isna(value) else value for value in whole[name].head(shown)]
    said = [check for check in checks if name in check.columns]
    return Read(columns[name], values, said, target)


# -- thousands and decimals ----------------------------------------------------------------

COMMAS = {"price": ["0,5", "12,25"]}
POINTS = {"price": ["0.5", "12.25"]}
MARKS = [
    (";", ["140", "725", "2.310", "18.004"], None, [140, 725, 2310, 18004], False),
    (";", ["980", "3.115.200", "12.400"], None, [980, 3115200, 12400], False),
    (";", ["2,375", "8,125", "3,250"], None, [2.375, 8.125, 3.25], True),
    (";", ["2,375", "8,125", "3,250"], COMMAS, [2.375, 8.125, 3.25], False),
    (";", ["2,375", "8,125", "3,250"], POINTS, [2375, 8125, 3250], False),
    (";", ["4.500", "7.250", "6.125"], COMMAS, [4500, 7250, 6125], False),
    (";", ["4.500", "7.250", "6.125"], POINTS, [4.5, 7.25, 6.125], False),
    (";", ["3", "8", "2.640", "5"], None, [3, 8, 2.64, 5], False),
    (";", ["0.125", "4.500"], None, [0.125, 4.5], False),
    (";", ["1.5", "4.125", "12"], None, [1.5, 4.125, 12], False),
    (",", ["310", "2.310", "18.004"], None, [310, 2310, 18004], True),
    (",", ["310", "2,310", "18,004"], None, [310, 2310, 18004], False),
    (",", ["3", "7", "5,310"], None, [3, 7, 5310], False),
    (",", ["3.310", "7.125", "5.310"], None, [3.31, 7.125, 5.31], False),
    (",", ["44.120.071", "2.004.000"], None, [44120071, 2004000], False),
    (",", ["7,5", "2,25", "11"], None, [7.5, 2.25, 11], False),
    ("\t", ["1 204,50", "999,00"], None, [1204.5, 999], False),
    ("\t", ["2,375", "8,125", "3,250"], None, [2375, 8125, 3250], True),
    ("\t", ["2,375", "8,125", "3,250"], POINTS, [2375, 8125, 3250], False),
    ("|", ["610", "2.375", "18.125"], None, [610, 2375, 18125], True),
    (";", ["2,5e3", "1,25e2"], None, [2500, 125], False),
]  # fmt: skip


@pytest.mark.parametrize("example", MARKS)
def test_thousands_and_decimals(tmp_path: Path, example: tuple[Any, ...]) -> None:
    delimiter, cells, beside, expected, open_ = example
    found = read(tmp_path, cells, delimiter=delimiter, beside=beside)
    assert found.column.type == "number"
    assert found.values == pytest.approx(expected)
    assert ("Thousands or decimals" in found.warnings) is open_


STEPS = range(1, 61)
TARGETS = [
    (";", [*(f"{100 + i}" for i in STEPS), "2.310"], [101, 2310]),
    (";", [f"{i},125" for i in STEPS], [1.125, 60.125]),
    (";", [f"{i}.125,5" for i in STEPS], [1125.5, 60125.5]),
    (",", [*(f"{100 + i}" for i in STEPS), "2,310"], [101, 2310]),
    (",", [f"{i}.125" for i in STEPS], [1.125, 60.125]),
    (",", [f"{i}.125.000" for i in STEPS], [1125000, 60125000]),
    (",", [f"{i}.5-" for i in STEPS], [-1.5, -60.5]),
    (",", [f"${i}.5k" for i in STEPS], [1500, 60500]),
    (",", [f"{i}.5 kg" for i in STEPS], [1.5, 60.5]),
]


@pytest.mark.parametrize(("delimiter", "cells", "ends"), TARGETS)
def test_numbers_that_are_predicted(
    tmp_path: Path, delimiter: str, cells: list[str], ends: list[float]
) -> None:
    found = read(tmp_path, cells, delimiter=delimiter, predicted=True)
    assert found.target.task == "regression"
    assert [found.values[0], found.values[-1]] == ends


def test_an_open_mark_names_both_readings_and_the_key(tmp_path: Path) -> None:
    found = read(tmp_path, ["6.250", "9.125"], delimiter=";")
    said = next(check for check in found.checks if check.name == "Thousands or decimals")
    assert "6250" in said.message
    assert "6.25" in said.message
    assert "columns.x.decimal" in said.remedy


def test_two_decimal_marks_are_said(tmp_path: Path) -> None:
    found = read(tmp_path, ["2,5", "3.5", "4,75", "8.25"])
    assert found.column.type == "category"
    assert "Two decimal marks" in found.warnings


# -- amounts ----------------------------------------------------------------------------

AMOUNTS = [
    (["18.40-", "7.00", "120.10-"], [-18.4, 7, -120.1]),
    (["($2,310.75)", "$40.00", "$(12.50)"], [-2310.75, 40, -12.5]),
    (["(310.50 €)", "12.00 €"], [-310.5, 12]),
    (["'-18.25", "'40.5", "7.5"], [-18.25, 40.5, 7.5]),
    (['="12.5"', '="3.25"', "8.5"], [12.5, 3.25, 8.5]),
    (["2.4k", "1.1M", "730"], [2400, 1100000, 730]),
    (["4.5 Mio", "120 Tsd", "1 Mrd"], [4500000, 120000, 1e9]),
    (["$2bn", "$450m", "$0"], [2e9, 4.5e8, 0]),
    (["7.5*", "3.25†", "2,100.5 (r)", "4 [b]", "6.5"], [7.5, 3.25, 2100.5, 4, 6.5]),
    (["7.5 kg", "12 kg", "0.4 kg"], [7.5, 12, 0.4]),
    (["1 month", "18 months", "6 months"], [1, 18, 6]),
    (["6.5 °C", "−3 °C", "11 °C"], [6.5, -3, 11]),
    (["4\u202f310", "12\u202f008", "870"], [4310, 12008, 870]),
    (["4'310.5", "12’008.25", "870.0"], [4310.5, 12008.25, 870]),
    (["４２", "７．５", "１０"], [42, 7.5, 10]),
    (["٤٢", "٧٫٥", "١٠"], [42, 7.5, 10]),
    (["−4.5", "3.25", "+2.0"], [-4.5, 3.25, 2]),
    (["18 %", "7.5%", "0%"], [18, 7.5, 0]),
    (["12,34,567.5", "3,21,000.25"], [1234567.5, 321000.25]),
]


@pytest.mark.parametrize(("cells", "expected"), AMOUNTS)
def test_amounts(tmp_path: Path, cells: list[str], expected: list[float]) -> None:
    found = read(tmp_path, cells)
    assert found.column.type == "number"
    assert found.values == pytest.approx(expected)
    assert not found.warnings


SEVERAL = [
    ["$310", "210 EUR", "$45", "18 EUR"],
    ["£12.50", "€9.00", "£8.10", "€7"],
    ["73%", "0.41", "12%", "0.07"],
    ["7 kg", "450 g", "2 kg", "90 g"],
    ["12 km", "900 m", "3 km", "250 m"],
    ["90 min", "2 h", "45 min", "1 h"],
    ["6.5 mg", "12 µg", "3 mg", "80 µg"],
    ["70 °F", "21 °C", "65 °F", "18 °C"],
]


@pytest.mark.parametrize("cells", SEVERAL)
def test_units_are_never_mixed(tmp_path: Path, cells: list[str]) -> None:
    found = read(tmp_path, cells)
    assert found.column.type == "category"
    assert found.values == cells
    assert "Several units" in found.warnings


MIXED = [("${}", "{} EUR"), ("{}%", "0.{}"), ("{} kg", "{} g"), ("{} km", "{} m"),
         ("£{}", "€{}"), ("{} h", "{} min")]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), MIXED)
def test_mixed_units_are_no_target(tmp_path: Path, first: str, second: str) -> None:
    cells = [(second if i % 2 else first).format(i) for i in range(11, 71)]
    with pytest.raises(DataError, match=r"target 'x'.*more than one unit.*Bring them to one unit"):
        read(tmp_path, cells, predicted=True)


def test_a_rare_unit_is_missing_and_said(tmp_path: Path) -> None:
    found = read(tmp_path, [f"{i + 0.5} kg" for i in range(71)] + ["300 g"])
    assert (found.column.type, found.column.unit) == ("number", "kg")
    assert found.values[-1] is None
    assert "Several units" in found.warnings
    later = table.conform(pd.DataFrame({"x": ["4 kg", "4 lb", "4"]}), {"x": found.column})["x"]
    assert later.tolist()[0] == 4
    assert math.isnan(later[1]), "a unit that the training rows had not"


ENDLESS = [
    ["inf"], ["-inf"], ["Infinity"], ["-Infinity", "INF"], ["1e999"], ["∞", "inf"],
]  # fmt: skip


@pytest.mark.parametrize("odd", ENDLESS)
@pytest.mark.parametrize("predicted", [False, True], ids=["feature", "target"])
def test_infinite_numbers_are_missing(tmp_path: Path, odd: list[str], predicted: bool) -> None:
    cells = [str(i + 0.25) for i in range(8)] + odd
    found = read(tmp_path, cells, predicted=predicted)
    assert found.column.type == "number"
    assert found.values[:8] == [i + 0.25 for i in range(8)]
    assert found.values[8:] == [None] * len(odd)
    assert "Infinite numbers" in found.warnings


# -- whole numbers with a gap -----------------------------------------------------------------

GAPS = [
    ("zip", [10435, 80331, 4109]),
    ("visit_date", [20190214, 20210730, 20201105]),
    ("flag", [0, 1, 1]),
    ("branch_code", [12, 7, 530]),
    ("year", [1988, 2004, 2015]),
    ("icd9", [250, 401, 428]),
    ("timestamp", [1_600_000_000, 1_650_000_000, 1_612_345_678]),
    ("rooms", [3, 4, 7]),
]


@pytest.mark.parametrize(("name", "numbers"), GAPS)
@pytest.mark.parametrize("kind", ["float64", "Int64", "object"])
def test_a_gap_does_not_change_the_type(name: str, numbers: list[int], kind: str) -> None:
    whole = read_frame(pd.Series(numbers * 48), name)
    gap: list[int | None] = [*numbers, numbers[0], None, numbers[2]]
    found = read_frame(pd.Series(gap * 24, dtype=kind), name)
    assert (found.column.type, found.column.format) == (whole.column.type, whole.column.format)
    assert found.values[:3] == whole.values[:3]
    assert found.values[4] is None


def test_a_row_counter_with_a_gap_is_one() -> None:
    numbers = pd.Series([float(i) if i % 11 else None for i in range(1, 145)])
    assert read_frame(numbers).column.role == "identifier"


# -- codes ---------------------------------------------------------------------------------

DIAGNOSES = [str(200 + 7 * i) for i in range(90)] + ["410.71", "38.9"]
CODES = [
    ("first", [*DIAGNOSES, "V27", "V30", "E849", "V58.1"]),
    ("item", ["4E7", "2B1", "3A9", "118", "207"]),
    ("item", ["7E2", "1E5", "512", "340", "118"]),
    ("item", ["J0897", "99203", "G0439", "80053", "36416"]),
    ("place", ["EC2A", "10437", "75011", "SE10"]),
    ("flight", ["LX38", "417", "BA7", "1022", "AF66"]),
    ("group", ["047", "871", "470", "291"]),
    ("tariff", ["0402.10", "8517.13", "6403.99"]),
    ("naics_code", ["541330", "722513", "22"]),
    ("hs_code", ["8517.13", "6403.99", "9018.90"]),
    ("phone", ["555 010 442", "555 010 993", "555 204 118"]),
    ("app_version", ["2.9", "2.10", "2.1"]),
    ("host", ["10.0.0.7", "192.168.4.21"]),
    ("flat", [*map(str, range(1, 90)), "12a", "14b", "7c", "3d"]),
]


@pytest.mark.parametrize(("name", "cells"), CODES)
def test_codes_are_no_numbers(tmp_path: Path, name: str, cells: list[str]) -> None:
    found = read(tmp_path, cells, name)
    assert found.column.type == "category"
    assert found.values == cells
    assert found.checks, "it is said"


DIRT = [
    [*(str(i * 1.5) for i in range(70)), "12O.5"],
    [*(str(i * 37) for i in range(70)), "abc"],
    [*(str(i * 37) for i in range(70)), "n/k"],
    [*(str(i * 37) for i in range(70)), "1l1"],
    [*(str(i * 37) for i in range(70)), "#error"],
    [*(f"{i}.25" for i in range(70)), "see note", "tbc"],
]


@pytest.mark.parametrize("cells", DIRT)
def test_dirt_does_not_make_a_code(tmp_path: Path, cells: list[str]) -> None:
    found = read(tmp_path, cells)
    assert found.column.type == "number"
    assert found.values[-1] is None
    assert found.warnings == {"Cells that are no numbers"}


def test_columns_named_alike_get_one_type(tmp_path: Path) -> None:
    plain = [str(310 + i % 40) for i in range(ROWS)]
    lettered = [*plain[:130], *["V17", "V22", "E81", "V64"] * 3]
    for name, other in (("proc_1", "proc_2"), ("s1", "s2"), ("reason 2", "reason 1")):
        found = read(tmp_path, plain, name, beside={other: lettered})
        assert found.column.type == "category"
        assert any(check.name == "Columns named alike" for check in found.checks)
    found = read(tmp_path, [f"{i}.5" for i in range(50)], "v1", beside={"v2": ["red", "blue"]})
    assert found.column.type == "number"


# -- words that are an answer -----------------------------------------------------------------

ANSWERS = [
    ("cover", ["None", "Stone", "Brick"], "None", set()),
    ("garage", ["None", "None", "None", "Attached"], "None", set()),
    ("defect", ["None", "", "", "Crack", "Dent"], "None", {"Words that may mean missing"}),
    ("country", ["NA", "BW", "ZA", "AO", "ZM", "DE"], "NA", set()),
    ("continent", ["NA", "SA", "EU", "AS", "AF", "OC"], "NA", set()),
    ("extra", ["N/A", "Roof", "Towbar"], "N/A", {"Words that may mean missing"}),
]


@pytest.mark.parametrize(("name", "cells", "word", "warned"), ANSWERS)
def test_words_that_are_an_answer(
    tmp_path: Path, name: str, cells: list[str], word: str, warned: set[str]
) -> None:
    found = read(tmp_path, cells, name)
    assert found.values[0] == word
    assert found.column.missing is not None
    assert word not in found.column.missing
    assert found.warnings == warned
    assert any("missing" in check.remedy for check in found.checks)


GAP_WORDS = [
    (["NA", "red", "blue"], {"size": ["NA", "1.5", "2"]}),
    (["None", "1.5", "2"], None),
    (["NA", "TRUE", "FALSE"], None),
    (["NA", "4", "8"], None),
    (["None", "2021-04-01", "2021-05-01"], None),
    (["nan", "red", "blue"], None),
    (["None", "0412", "0937"], None),
]


@pytest.mark.parametrize(("cells", "beside"), GAP_WORDS)
def test_words_that_mean_missing(
    tmp_path: Path, cells: list[str], beside: dict[str, list[str]] | None
) -> None:
    found = read(tmp_path, cells, beside=beside)
    assert found.values[0] is None
    assert not found.warnings


@pytest.mark.parametrize(
    "cells",
    [
        ["None", "yes", "no"], ["N/A", "on", "off"], ["n/a", "Y", "N"], ["None", "True", "False"],
        ["N/A", "ja", "nein"], ["None", "t", "f"],
    ],
)  # fmt: skip
def test_a_third_answer_beside_two_is_never_lost_in_silence(
    tmp_path: Path, cells: list[str]
) -> None:
    found = read(tmp_path, cells)
    assert found.column.type == "boolean"
    assert found.values[0] is None
    assert found.warnings == {"Words that may mean missing"}


# -- dates -----------------------------------------------------------------------------------


def days(*texts: str) -> list[Any]:
    return [None if not text else pd.Timestamp(text) for text in texts]


DATES = [
    ("seen", ["2023-03-26T00:00:00+01:00", "2023-07-01T00:00:00+02:00"],
     days("2023-03-26", "2023-07-01"), set()),
    ("seen", ["2023-03-26 22:30:00Z", "2023-07-01 08:00:00Z"],
     days("2023-03-26 22:30", "2023-07-01 08:00"), set()),
    ("dob", ["17/09/44", "30/11/98", "02/03/07"], days("1944-09-17", "1998-11-30", "2007-03-02"),
     set()),
    ("Geburtstag", ["17.09.31", "30.11.98"], days("1931-09-17", "1998-11-30"), set()),
    ("date_of_birth", ["29/02/60", "28/02/51"], days("1960-02-29", "1951-02-28"), set()),
    ("opened", ["17/09/19", "30/11/21"], days("2019-09-17", "2021-11-30"), set()),
    ("built", ["17/09/58", "30/11/61"], days("1958-09-17", "1961-11-30"), {"Years of two digits"}),
    ("seen", ["2022-05-30", "05/30/2022", "2022-06-14", "06/14/2022"],
     days("2022-05-30", "2022-05-30", "2022-06-14", "2022-06-14"),
     {"Dates written in several ways"}),
    ("seen", ["2022-05-30", "30.05.2022", "14 Jun 2022"],
     days("2022-05-30", "2022-05-30", "2022-06-14"), {"Dates written in several ways"}),
    ("order_date", ["44197", "44228"], days("2021-01-01", "2021-02-01"), set()),
    ("order_date", ["44197.5", "44228.25"], days("2021-01-01 12:00", "2021-02-01 06:00"), set()),
    ("created_at", ["1609459200", "1612137600"], days("2021-01-01", "2021-02-01"), set()),
    ("created_at", ["1609459200000", "1612137600000"], days("2021-01-01", "2021-02-01"), set()),
    ("left", ["0000-00-00", "2021-04-09", "2022-01-31"], days("", "2021-04-09", "2022-01-31"),
     {"Dates that mean none"}),
    ("valid_to", ["9999-12-31", "2021-04-09", "2022-01-31"], days("", "2021-04-09", "2022-01-31"),
     {"Dates that mean none"}),
    ("seen", ["9. Mai 2021", "24. Dezember 2020"], days("2021-05-09", "2020-12-24"), set()),
    ("seen", ["9 février 2021", "14 août 2020"], days("2021-02-09", "2020-08-14"), set()),
    ("seen", ["9 de abril de 2021", "1 de enero de 2020"], days("2021-04-09", "2020-01-01"), set()),
    ("seen", ["9 grudnia 2021", "1 maja 2020"], days("2021-12-09", "2020-05-01"), set()),
    ("period", ["2021Q2", "2020Q4"], days("2021-04-01", "2020-10-01"), set()),
    ("period", ["Q3 2021", "Q1 2020"], days("2021-07-01", "2020-01-01"), set()),
    ("week", ["2021-W01", "2020-W53"], days("2021-01-04", "2020-12-28"), set()),
    ("signed", ["1648-10-24", "2290-05-01"], days("1648-10-24", "2290-05-01"), set()),
    ("signed", ["24/10/1648", "31/05/2290"], days("1648-10-24", "2290-05-31"), set()),
]  # fmt: skip


@pytest.mark.parametrize(("name", "cells", "expected", "warned"), DATES)
def test_dates(
    tmp_path: Path, name: str, cells: list[str], expected: list[Any], warned: set[str]
) -> None:
    found = read(tmp_path, cells, name)
    assert found.column.type == "date"
    assert found.values == expected
    assert found.warnings - {"Rows have dates"} == warned


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"])
def test_moments_keep_their_local_day(zone: str) -> None:
    moments = pd.Series(pd.date_range("2023-03-20", periods=12, tz=zone))
    found = read_frame(moments, "seen")
    assert found.values == days(*(f"2023-03-{20 + i}" for i in range(6)))
    assert (found.column.timezone, found.column.format) == (zone, "%Y-%m-%d")
    assert any(check.name == "Time zone" for check in found.checks)
    # The same moments, told in another zone, are the same local days.
    later = table.conform(
        pd.DataFrame({"seen": moments.dt.tz_convert("UTC")}), {"seen": found.column}
    )
    assert later["seen"].head(6).tolist() == found.values


def test_midnights_elsewhere_are_said_and_can_be_set_right() -> None:
    local = pd.Series(pd.date_range("2023-03-20", periods=12, tz="Europe/Berlin"))
    moments = local.dt.tz_convert("UTC")
    found = read_frame(moments, "seen")
    assert "Time zone" in found.warnings
    column = found.column.model_copy(update={"timezone": "Europe/Berlin"})
    fixed = table.conform(pd.DataFrame({"seen": moments}), {"seen": column})["seen"]
    assert fixed.tolist() == local.dt.tz_localize(None).tolist()


@pytest.mark.parametrize(
    ("offset", "zone"),
    [("+02:00", "UTC+02:00"), ("-0530", "UTC-05:30"), ("+00:00", "UTC"), ("Z", "UTC"), ("", None)],
)
def test_one_offset_in_all_cells_is_the_columns_zone(offset: str, zone: str | None) -> None:
    texts = [f"2021-0{1 + i % 9}-1{i % 7}T2{i % 4}:3{i % 10}:00{offset}" for i in range(60)]
    raw = pd.DataFrame({"seen_at": texts, "y": ["a", "b"] * 30})
    columns, _, _ = table.infer_columns(raw, "y")
    column = {"seen_at": columns["seen_at"]}
    assert columns["seen_at"].timezone == zone
    typed = table.conform(raw, column)
    if offset:  # the same moments as another reader gives them
        utc = pd.DataFrame({"seen_at": pd.to_datetime(pd.Series(texts), utc=True)})
        pd.testing.assert_frame_equal(table.conform(utc, column), typed)


def test_texts_with_offsets_can_be_brought_to_one_zone() -> None:
    column = Column(type="date", timezone="Europe/Berlin")
    frame = pd.DataFrame({"t": ["2023-01-09T23:30:00Z", "2023-07-09T23:30:00Z", "2023-07-09"]})
    moments = table.conform(frame, {"t": column})["t"].tolist()
    assert moments == days("2023-01-10 00:30", "2023-07-10 01:30", "2023-07-09")


def test_a_moment_that_means_none_is_missing_in_typed_columns() -> None:
    moments = pd.Series(pd.to_datetime(["9999-12-31", "2021-04-09"] * 6).astype("datetime64[us]"))
    found = read_frame(moments, "valid_to")
    assert found.values[:2] == days("", "2021-04-09")
    assert "Dates that mean none" in found.warnings


UNDATED = [
    ("date", ["24.12", "06.01", "31.10"], "Times or days alone"),
    ("start", ["07:45", "18:20", "23:59"], "Times or days alone"),
    ("took", ["0:07:45", "1:18:20"], "Times or days alone"),
    ("seen", ["30/05/2022", "05/30/2022", "14/06/2022", "06/14/2022"], "Day and month mixed"),
]


@pytest.mark.parametrize(("name", "cells", "warning"), UNDATED)
def test_what_is_no_date_stays_as_it_is(
    tmp_path: Path, name: str, cells: list[str], warning: str
) -> None:
    found = read(tmp_path, cells, name)
    assert found.column.type == "category"
    assert found.values == cells
    assert found.warnings == {warning}


def test_a_placeholder_date_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, ["1900-01-01", "2021-04-09", "2022-01-31"], "seen")
    assert "Dates that may mean missing" in found.warnings


# -- columns that leave the model -------------------------------------------------------------

LEAVING = [
    ("patient_id", [str(50_000 + 37 * i) for i in range(ROWS)], "warning"),
    ("account", [f"0{50_000 + 37 * i}" for i in range(ROWS)], "warning"),
    ("measure_id", [str(1.5 + i) for i in range(ROWS)], None),
    ("id", [str(i) for i in range(1, ROWS + 1)], "info"),
    ("token", [f"ab{i}x" for i in range(ROWS)], "info"),
    ("serial", [f"{10**16 + i}" for i in range(ROWS)], "warning"),
]


@pytest.mark.parametrize(("name", "cells", "severity"), LEAVING)
def test_numbers_that_leave_the_model_are_a_warning(
    tmp_path: Path, name: str, cells: list[str], severity: str | None
) -> None:
    found = read(tmp_path, cells, name)
    said = [check for check in found.checks if check.name == "Identifier"]
    assert [check.severity for check in said] == ([severity] if severity else [])
    if severity == "warning":
        assert f"columns.{name}.role" in said[0].remedy


def test_a_clean_table_has_no_warning(tmp_path: Path) -> None:
    generator = np.random.default_rng(7)
    n = 300
    pd.DataFrame(
        {
            "age": generator.integers(18, 90, n),
            "income": generator.normal(40_000, 9_000, n).round(2),
            "ratio": generator.random(n).round(3),
            "density": (1 + generator.random(n)).round(3),
            "plan": generator.choice(["basic", "plus"], n),
            "city": generator.choice(["Oslo", "Bergen", "Tromsø"], n),
            "population": [f"{value:,}" for value in generator.integers(100, 90_000, n)],
            "y": generator.choice(["yes", "no"], n),
        }
    ).to_csv(tmp_path / "t.csv", index=False)
    data = table.detect(tmp_path / "t.csv")
    frame = table.read_source(data, tmp_path).frame
    columns, _, checks = table.infer_columns(frame, "y", decimal=data.decimal or ".")
    assert not [check for check in checks if check.severity == "warning"]
    assert table.conform(frame, columns)["population"].between(100, 90_000).all()


# -- said, or read right -------------------------------------------------------------------


@pytest.mark.parametrize(
    "cells",
    [
        ["41.3 b", "39.8", "40.1", "12.7"], ["61.0 B", "66.9", "48.4", "85.2"],
        ["108 b", "112", "99", "120"], ["2.6b", "3.1", "4.4", "2.9"],
        ["55.5 b", "54.1 e", "57.3", "50.2"], ["0.8 k", "0.7", "0.9", "1.1"],
    ],
)  # fmt: skip
def test_a_flag_behind_a_number_does_not_multiply(tmp_path: Path, cells: list[str]) -> None:
    found = read(tmp_path, cells)
    assert not found.column.multiples
    assert found.column.type == "category"


@pytest.mark.parametrize(
    "cells", [["1.6k", "940", "811"], ["2.2M", "890k", "1.1M"], ["$3.1B", "$75M"], ["1.5k", "700"]]
)
def test_multiples_still_multiply(tmp_path: Path, cells: list[str]) -> None:
    found = read(tmp_path, cells)
    assert found.column.multiples
    assert max(found.values) >= 1500


@pytest.mark.parametrize(
    "spelling", ["1.#INF", "-1.#INF", "1.#INF00", "-1.#INF00", "1.#inf", "+1.#INF"]
)
@pytest.mark.parametrize("predicted", [False, True])
def test_infinities_of_c_are_missing(tmp_path: Path, spelling: str, predicted: bool) -> None:
    cells = [spelling, *(f"{k * 0.37 + 2:.2f}" for k in range(40))]
    found = read(tmp_path, cells, predicted=predicted)
    assert found.column.type == "number"
    assert found.values[:2] == [None, 2]
    assert "Infinite numbers" in found.warnings


MANY = range(3, 40)


@pytest.mark.parametrize(
    "cells",
    [
        [f"{k}.40 {'CR' if k % 3 else 'DR'}" for k in MANY],
        [f"{k}.40{' CR' if k % 3 else ''}" for k in MANY],
        [f"{k} {'min' if k % 3 else 'episodes'}" for k in MANY],
        [f"{k} {'bps' if k % 3 else '%'}" for k in MANY],
        [f"{k} {'C' if k % 3 else 'F'}" for k in MANY],
        [f"{k} {'L' if k % 3 else 'Cr'}" for k in MANY],
        [f"{k} {'nights' if k % 3 else 'stays'}" for k in MANY],
    ],
)  # fmt: skip
def test_numbers_that_words_tell_apart_are_never_mixed(tmp_path: Path, cells: list[str]) -> None:
    found = read(tmp_path, cells)
    assert found.column.type == "category"
    assert found.warnings == {"Several units"}


@pytest.mark.parametrize(
    "cells",
    [
        [f"{'~' if k % 3 == 0 else ''}{k}" for k in MANY],
        [f"{'<' if k % 4 == 0 else ''}{k}" for k in MANY],
        [f"{k}" if k % 3 else "below limit" for k in MANY],
        [f"{k}.5" if k % 2 else "trace" for k in MANY],
        [f"{k}{' p' if k % 5 == 0 else ''}" for k in MANY],
        [*map(str, MANY), *["never asked"] * 50],
    ],
)
def test_many_numbers_beside_words_are_said(tmp_path: Path, cells: list[str]) -> None:
    found = read(tmp_path, cells)
    assert found.column.type == "category"
    assert found.warnings == {"Numbers beside words"}


@pytest.mark.parametrize(
    "cells",
    [
        ["1st", "2nd", "3rd", "4th"], ["2 rooms", "3 rooms", "1 studio"], ["0", "1", "2", "3+"],
        ["A4", "320i", "911", "Golf"], ["4-4-2", "4-3-3", "3-5-2"], ["38", "40", "42", "XL"],
        ["1 star", "3 stars", "5 stars"], ["10 to 20", "20 to 30"],
    ],
)  # fmt: skip
def test_plain_levels_with_digits_raise_no_alarm(tmp_path: Path, cells: list[str]) -> None:
    assert not read(tmp_path, cells).warnings


def test_all_numbers_with_a_plus_do_not_leave_in_silence(tmp_path: Path) -> None:
    found = read(tmp_path, [f"{k * 1730 + 9:,}+" for k in range(ROWS)])
    assert found.column.role == "identifier"
    assert "Identifier" in found.warnings


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("diag", None), ("DIAG_3", None), ("admission_diag", None), ("diagnosis", None),
        ("primary_cause", "secondary_cause"), ("cause_main", "cause_other"),
        ("First Reason", "Second Reason"), ("tertiary-reason", "primary-reason"),
    ],
)  # fmt: skip
def test_codes_by_name_or_by_a_sister_of_another_rank(
    tmp_path: Path, name: str, beside: str | None
) -> None:
    sister = {beside: ["571.2", "070.1", "E812", "V30"]} if beside else None
    found = read(tmp_path, ["571.2", "070.1", "070.1", "571.2"][: 4 if beside else 2], name,
                 beside=sister)  # fmt: skip
    assert found.column.type == "category"
    assert found.values[0] == "571.2"


@pytest.mark.parametrize(
    "texts",
    [
        ["2022-11-05 21:40:00 CET", "2022-06-25 08:15:00 CEST"],
        ["11/05/2022 21:40 EST", "06/25/2022 08:15 EDT"],
        ["05.11.2022 21:40 Uhr", "25.06.2022 08:15 Uhr"],
        ["05.11.2022, 21:40", "25.06.2022, 08:15"], ["11/5/2022 9:40PM", "6/25/2022 8:15AM"],
        ["05/Nov/2022:21:40:00 +0000", "25/Jun/2022:08:15:00 +0000"],
        ["Sat Nov 05 21:40:00 +0000 2022", "Sat Jun 25 08:15:00 +0000 2022"],
        ["Sat Nov  5 21:40:00 2022", "Sat Jun 25 08:15:00 2022"],
        ["20221105214000", "20220625081500"], ["202211052140", "202206250815"],
    ],
)  # fmt: skip
def test_moments_in_more_ways(tmp_path: Path, texts: list[str]) -> None:
    found = read(tmp_path, texts, "created_at")
    assert found.column.type == "date"
    assert found.values == days("2022-11-05 21:40", "2022-06-25 08:15")
    assert found.warnings <= {"Rows have dates"}


@pytest.mark.parametrize(
    "texts",
    [
        ["Saturday, November 5, 2022", "Monday, June 27, 2022"], ["Nov 5 2022", "Jun 27 2022"],
        ["November 5 2022", "June 27 2022"], ["05/Nov/22", "27/Jun/22"],
        ["2022-Nov-05", "2022-Jun-27"], ["05NOV2022", "27JUN2022"],
        ["2022年11月5日", "2022年6月27日"], ["2022년 11월 5일", "2022년 6월 27일"],
        ["5 kasım 2022", "27 Haziran 2022"], ["5 ноября 2022", "27 июня 2022"],
    ],
)  # fmt: skip
def test_days_in_more_ways(tmp_path: Path, texts: list[str]) -> None:
    found = read(tmp_path, texts, "datum")
    assert found.values == days("2022-11-05", "2022-06-27")
    assert found.warnings <= {"Rows have dates"}


@pytest.mark.parametrize(
    ("name", "cells", "said"),
    [
        ("seen", ["2566-03-01", "2567-11-30"], "Dates of another calendar, or of none"),
        ("seen", ["1402/03/01", "1403/11/30"], "Dates of another calendar, or of none"),
        ("valid_to", ["2022-03-01", "2022-04-17", "2999-12-31"],
         "Dates of another calendar, or of none"),
        ("made", ["2022-03-01T08:00:00", "2022-04-17T09:00:00", "0001-01-01T00:00:00"],
         "Dates that may mean missing"),
        ("joined", ["Mar-14", "Nov-09", "Jan-21"], "Month and year, or month and day"),
        ("order date", ["111/03/01", "112/11/30"], "Dates that are not understood"),
    ],
)  # fmt: skip
def test_doubtful_dates_are_said(tmp_path: Path, name: str, cells: list[str], said: str) -> None:
    assert read(tmp_path, cells, name).warnings - {"Rows have dates"} == {said}


def test_digits_that_are_all_days_need_no_name(tmp_path: Path) -> None:
    cells = [f"2021{month:02d}{day:02d}" for month in range(1, 13) for day in (7, 28)]
    assert read(tmp_path, cells).values[:2] == days("2021-01-07", "2021-01-28")
    assert read(tmp_path, [*cells, "20211301"]).column.type == "number"
    assert read(tmp_path, cells, "batch_no").column.type == "category"
    with pytest.raises(DataError, match="holds dates"):
        read(tmp_path, cells, predicted=True)


@pytest.mark.parametrize(
    ("text", "layout", "utc"),
    [
        ("11/05/2022 21:40 +01:00", "%m/%d/%Y %H:%M", "2022-11-05 20:40"),
        ("05.11.2022 21:40:00 CET", "%d.%m.%Y %H:%M:%S", "2022-11-05 20:40"),
        ("2022-06-25 08:15:00 EDT", None, "2022-06-25 12:15"),
        ("2022-06-25T08:15:00-05:30", None, "2022-06-25 13:45"),
        ("2022-06-25 08:15:00Z", None, "2022-06-25 08:15"),
        ("2022-06-25 08:15:00", None, "2022-06-25 08:15"),
        ("2022-06-25 08:15:00 IST", None, ""),  # of India, Israel or Ireland
    ],
)
def test_offsets_count_in_every_layout(text: str, layout: str | None, utc: str) -> None:
    column = Column(type="date", format=layout, timezone="UTC")
    frame = table.conform(pd.DataFrame({"x": pd.Series([text], dtype="str")}), {"x": column})
    assert frame["x"].isna().all() if not utc else frame["x"].tolist() == days(utc)
