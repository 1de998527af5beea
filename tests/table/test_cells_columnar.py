"""What a typed column or a pattern decides at once is what a look at every text decides."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.project.data import Column
from toolkit.table.cells import amounts, date_formats, dates, values
from toolkit.table.cells.decimal_marks import TableMarks
from toolkit.table.cells.notes import Notes
from toolkit.table.types import codes, infer, typed

whole = st.integers(-(2**63), 2**63 - 1) | st.sampled_from(
    [0, 1, 5, 999, 10**14, 10**15 - 1, 10**15, 20240131, 20231299, 99991231, 1700000000]
)
real = st.floats(width=64) | st.sampled_from([-0.0, 1e16, 1e-7, 2.0**53, 1e15, 20240131.0, 45000.5])
moment = st.datetimes(
    pd.Timestamp("1700-01-01").to_pydatetime(), pd.Timestamp("2200-01-01").to_pydatetime()
)
word = st.text(st.sampled_from("0019.,-+eEfinTRUaZ$€ '=é٣²\n/:"), max_size=7) | st.text(max_size=5)


def series_of(kind: str, cells: list[Any]) -> pd.Series:
    if kind in ("str", "object"):
        return pd.Series(cells, dtype=kind)
    if kind == "moment":
        return pd.Series(pd.to_datetime(pd.Series(cells, dtype="datetime64[us]")))
    if kind == "zone":
        return series_of("moment", cells).dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")
    if kind in ("Int64", "boolean"):
        return pd.Series(cells, dtype=kind)
    return pd.Series([np.nan if cell is None else cell for cell in cells], dtype=kind)


CELLS = {
    "float64": st.lists(real | st.none(), max_size=40),
    "int64": st.lists(whole, max_size=40),
    "Int64": st.lists(whole | st.none(), max_size=40),
    "bool": st.lists(st.booleans(), max_size=9),
    "boolean": st.lists(st.booleans() | st.none(), max_size=9),
    "moment": st.lists(moment | st.none(), max_size=20),
    "zone": st.lists(moment | st.none(), max_size=20),
    "str": st.lists(word | st.none(), max_size=30),
    "object": st.lists(word | st.none() | st.just(float("nan")), max_size=30),
    "mixed": st.lists(word | st.none() | st.booleans() | whole | real, max_size=30),
}


def by_cell(series: pd.Series, missing: list[str]) -> tuple[list[str], list[int]]:
    """Return distinct texts and codes, each cell looked at by itself."""
    places: dict[str, int] = {}
    codes = []
    for value in series.astype(object).tolist():
        text = None if value is pd.NA else values.cell_text(value)
        if text is not None:
            text = pa.array([text], pa.large_string())
            text = pc.utf8_trim_whitespace(text)[0].as_py()
            text = values._bare(text) if text[:1] in ("'", "=") else text
        if text is None or text == "" or text in missing:
            codes.append(-1)
        else:
            codes.append(places.setdefault(text, len(places)))
    return list(places), codes


@pytest.mark.parametrize("kind", CELLS)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_cells_are_those_of_each_cell_alone(kind: str, data: st.DataObject) -> None:
    cells = data.draw(CELLS[kind])
    series = series_of("object" if kind == "mixed" else kind, cells)
    for missing in (None, (), ["5", "None", "1e16", "True"]):
        found = values.cells(series, missing)
        spellings = list(values.MISSING if missing is None else missing)
        texts, codes = by_cell(series, spellings)
        assert found.texts == texts
        assert found.codes.tolist() == codes
        assert found.head(3) == texts[:3]
        assert found.words.to_pylist() == texts
        assert len(found) == len(texts)


@pytest.mark.parametrize("kind", ["float64", "int64", "Int64", "str"])
@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(["x", "code", "date", "id", "zip", "phone number"]))
def test_typed_values_are_what_their_texts_say(kind: str, data: st.DataObject, name: str) -> None:
    series = series_of(kind, data.draw(CELLS[kind]))
    found = values.cells(series)
    if not len(found):
        return
    plain = values.Cells(list(found.texts), found.codes, found.numeric)
    answers = []
    for cells in (found, plain):
        notes = Notes()
        column = infer._typed(name, series, cells, TableMarks(pd.DataFrame(), "."), notes)
        role = infer.role_of(name, column.type, cells, notes)
        answers.append((column, role, notes.checks, dict(notes.columns)))
    assert answers[0] == answers[1]


number = st.one_of(
    word, whole.map(str), real.map(str), st.sampled_from(["", " 7", "1e3 ", "-999", "'12", "NA"])
)


@settings(max_examples=200, deadline=None)
@given(st.lists(number | st.none(), max_size=12), st.sampled_from([None, ["-999"], ["7", "12"]]))
def test_numbers_of_a_table_are_those_of_its_rows(
    cells: list[str | None], missing: list[str] | None
) -> None:
    column = Column(type="number", missing=missing)
    at_once = typed.typed_column(pd.Series(cells, dtype="str"), column)
    alone = [typed.typed_column(pd.Series([cell], dtype="object"), column)[0] for cell in cells]
    np.testing.assert_array_equal(at_once.to_numpy(), np.array(alone, dtype="float64"))


@settings(max_examples=150, deadline=None)
@given(st.lists(word.filter(lambda text: text.strip()), min_size=1, max_size=12, unique=True))
def test_patterns_find_what_a_look_at_each_text_finds(texts: list[str]) -> None:
    found = values.Cells(texts, np.arange(len(texts)))
    zero = [text for text in found.held("^0[^.]") if codes._LEADING_ZERO.fullmatch(text)]
    assert zero == [text for text in texts if re.fullmatch(r"0\d+(\.\d+)?", text)]
    letters = found.held(codes._MAY_BE_LETTER)
    assert {t for t in texts if t.lower() != t.upper()} <= set(letters)
    for text, plain in zip(texts, found.like(codes._PLAIN), strict=True):
        if plain:
            assert codes._NUMBER.fullmatch(text)
            assert not codes._POWER.fullmatch(text)
    never = [text for text in texts if date_formats._NEVER.fullmatch(text)]
    assert never == [t for t in found.held("0000|9999") if date_formats._NEVER.fullmatch(t)]
    for text, none in zip(texts, amounts.no_amounts(found.words), strict=True):
        if none:
            assert amounts.amount(text) is None
            assert amounts.amount(text, ",") is None
            assert np.isnan(values.numbers([text])[0])
    if not found.like(values.RESPELLED).any():
        assert [values.label_text(text) for text in texts] == texts


def test_two_truths_keep_their_spelling() -> None:
    series = pd.Series([True, None, False], dtype="boolean")
    column = infer.infer_columns(pd.DataFrame({"a": series, "b": ["x", "y", "x"]}), "b")[0]["a"]
    assert typed.typed_column(series, column).tolist()[::2] == ["True", "False"]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.from_regex(r"\A[0-2]\d{3}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?)?(Z|[+-]\d\d)?\Z"),
        min_size=1,
        max_size=4,
    )
)
def test_bare_days_need_no_look_at_each_text(texts: list[str]) -> None:
    if dates.bare(texts):
        assert texts == [dates._first_day(text) for text in texts]
        assert texts == [dates.OFFSET.sub("", dates._CLOCK_WORD.sub("", t)) for t in texts]
        assert dates.common_zone(texts) is None
    for text in texts:
        assert amounts.amount(text) is None
