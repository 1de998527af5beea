"""How numbers are written: nothing is shown as what it is not."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit import formats
from toolkit.artifacts import Claim, Interval
from toolkit.plots.style import tick_texts
from toolkit.report import formats as of_claims

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1430.6, "1,431"), (0.00131, "0.00131"), (12345678.9, "12,345,679"), (0.5, "0.5"),
        (2.7e-15, "2.7 × 10⁻¹⁵"), (-3e-5, "-0.00003"), (0.0, "0"), (None, "undefined"),
        (math.inf, "undefined"), (1e20, "1 × 10²⁰"), (99.97, "100"), (-0.0, "0"),
    ],
)  # fmt: skip
def test_numbers_have_no_programmers_notation(value, text):
    assert formats.number(value) == text


@given(FINITE, st.integers(1, 8))
def test_a_number_reads_back_within_its_digits(value, digits):
    text = formats.number(value, digits)
    assert "e" not in text and "E" not in text
    if "×" not in text:
        shown = float(text.replace(",", ""))
        assert shown == pytest.approx(value, rel=0.51 * 10 ** (1 - digits), abs=1e-300)


@given(st.floats(0, 1))
def test_a_share_is_none_or_all_only_if_it_is(value):
    for text in (formats.share(value), formats.percent(value)):
        assert (text in ("0%", "0.0%")) == (value == 0)
        assert (text in ("100%", "100.0%")) == (value == 1)


@given(FINITE.filter(lambda x: 1e-3 < abs(x) < 1e9), st.floats(-1e-6, 1e-6))
def test_a_number_is_never_shown_equal_to_the_limit_that_it_is_judged_by(limit, shift):
    value = limit * (1 + shift)
    shown = formats.interval(value, limit=limit).replace(",", "")
    if abs(value - limit) > 1e-7 * abs(limit):
        written = float(shown)
        assert written != limit and (written < limit) == (value < limit)


def test_a_limit_is_shown_with_the_digits_that_its_verdict_needs():
    claim = Claim(id="x", value=0.69962, low=0.65, high=0.74, limit=0.7, unit="score",
                  source="evaluation.json", pointer="/x", recipe="acceptance")  # fmt: skip
    assert of_claims.main(claim) == "0.6996"
    touching = claim.model_copy(update={"value": 0.72, "low": 0.70004})
    assert of_claims.interval(touching).startswith("0.70004")


def test_an_interval_without_width_says_so_and_a_narrow_one_has_digits():
    assert formats.interval(1.0, 1.0, 1.0) == f"1 ({formats.SAME})"
    narrow = Interval(value=0.99997, low=0.99991, high=0.99999).text()
    assert narrow == "0.99997 (0.99991 to 0.99999)"


@given(st.lists(st.floats(-1e12, 1e12), min_size=2, max_size=9, unique=True))
def test_ticks_have_one_unit_and_no_powers_of_ten(places):
    texts = tick_texts(sorted(places))
    assert len(texts) == len(places)
    assert not any("e" in text or "−" in text for text in texts)


def test_ticks_of_large_numbers_are_short():
    assert tick_texts([0, 250_000, 500_000]) == ["0", "250,000", "500,000"]
    assert tick_texts([0, 2e6, 4e6]) == ["0 M", "2 M", "4 M"]
    assert tick_texts([0.7, 0.75, 0.8]) == ["0.70", "0.75", "0.80"]


def test_values_that_few_rows_share_are_not_shown():
    import pandas as pd

    from toolkit.project.data import Column
    from toolkit.project.model import Project
    from toolkit.report.privacy import HIDDEN, RARE, Values

    rows = pd.DataFrame({
        "city": ["Paris"] * 9 + ["Obermeier-Lindqvist"], "note": ["see Anna"] * 10,
        "name": [f"Person {i} Svensson" for i in range(10)], "y": ["no"] * 9 + ["yes"],
    })  # fmt: skip
    columns = {"city": Column(type="category"), "note": Column(type="text"),
               "name": Column(type="category", role="identifier"),
               "y": Column(type="category", role="target")}  # fmt: skip
    project = Project.model_validate(
        {"name": "p", "data": {"source": "x.csv"}, "columns": columns,
         "target": {"column": "y", "task": "binary", "positive": "yes"}}
    )  # fmt: skip
    values = Values.of(project, rows)
    assert values.hidden == {"note", "name"}
    text = "'city' spells 'Paris' as 'Obermeier-Lindqvis' and 'Unseen Name'; 'yes', '?' and '12'"
    assert values.finding(text, ["city"], project.columns) == (
        f"'city' spells 'Paris' as {HIDDEN} and {HIDDEN}; 'yes', '?' and '12'"
    )
    told = values.finding("'note' holds 'Paris'", ["note"], project.columns)
    assert told == f"'note' holds {HIDDEN}"
    swept = values.sweep({
        "type": "table",
        "rows": [["Person 3 Svensson", "city = Obermeier-Lindqvist and y = yes", "yes"]],
    })  # fmt: skip
    assert swept["rows"] == [[RARE, f"city = {RARE} and y = yes", "yes"]]
    said = {"type": "quote", "text": "Person 3 Svensson"}
    assert values.sweep(said) == said
