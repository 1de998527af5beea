"""Exact Shapley values of trees: against brute force, laws that hold, and other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.forest_cases import by_definition, case

from toolkit.forests import Forest, TreeNodes, batching, expected, margins, shapley_values

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(params=["tables", "walks"], scope="module")
def method(request):
    """Shallow trees are looked up and deep ones walked: here each way for all of them."""
    before = batching.MOST_TABLED, batching._WALKED
    batching.MOST_TABLED = 12 if request.param == "tables" else 0
    batching._WALKED = 1.0  # tables wherever there are some
    yield request.param
    batching.MOST_TABLED, batching._WALKED = before


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, interventional=st.booleans())
def test_values_are_those_of_all_coalitions(method, seed, interventional):
    drawn = case(seed)
    background = drawn.background if interventional else None
    found = shapley_values(drawn.forest, drawn.rows, background)
    wanted = [by_definition(drawn, row, interventional=interventional) for row in drawn.rows]
    np.testing.assert_allclose(found, np.stack(wanted), atol=1e-10)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS)
def test_a_column_made_of_two_pays_both(seed):
    drawn = case(seed, paired=True, depth=4)
    found = shapley_values(
        drawn.forest, drawn.matrix(drawn.rows), drawn.matrix(drawn.background), mixed=drawn.mixed()
    )
    wanted = [by_definition(drawn, row, interventional=True) for row in drawn.rows]
    np.testing.assert_allclose(found, np.stack(wanted), atol=1e-10)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, interventional=st.booleans())
def test_values_add_up_and_whoever_is_in_no_split_gets_nothing(method, seed, interventional):
    drawn = case(seed)
    forest, background = drawn.forest, drawn.background if interventional else None
    found = shapley_values(forest, drawn.rows, background, threads=2)
    total = found.sum(axis=1) + expected(forest, background)
    np.testing.assert_allclose(total, margins(forest, drawn.rows), atol=1e-10)
    used = set(forest.source[forest.column[forest.column >= 0]])
    idle = [n for n in range(len(forest.features)) if n not in used]
    assert not found[:, idle].any()


def stump(column, threshold, low, high):
    return TreeNodes(
        np.array([column, -1, -1]), np.array([threshold, 0.0, 0.0]), np.array([1, -1, -1]),
        np.array([2, -1, -1]), np.zeros(3, bool), np.array([4.0, 2.0, 2.0]),
        np.array([0.0, low, high]),
    )  # fmt: skip


def test_an_additive_forest_pays_each_column_its_own_term():
    forest = Forest.build([stump(0, 0.0, 1.0, 5.0), stump(1, 0.0, -2.0, 2.0)], [10.0], ["a", "b"])
    rows = np.array([[1.0, -1.0], [-1.0, 1.0]])
    found = shapley_values(forest, rows, np.array([[1.0, 1.0], [-1.0, -1.0]]))
    np.testing.assert_allclose(found[:, :, 0], [[2.0, -2.0], [-2.0, 2.0]], atol=1e-12)
    assert expected(forest, rows) == pytest.approx([13.0])


def test_columns_with_the_same_part_in_a_product_get_the_same():
    both = TreeNodes(
        np.array([0, -1, 1, -1, -1]), np.array([0.5, 0, 0.5, 0, 0]), np.array([1, -1, 3, -1, -1]),
        np.array([2, -1, 4, -1, -1]), np.zeros(5, bool), np.array([4.0, 2.0, 2.0, 1.0, 1.0]),
        np.array([0.0, 0.0, 0.0, 0.0, 8.0]),
    )  # fmt: skip
    forest = Forest.build([both], [0.0], ["a", "b"])
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    for background in (corners, None):
        found = shapley_values(forest, np.ones((1, 2)), background)
        np.testing.assert_allclose(found[0, :, 0], [3.0, 3.0], atol=1e-12)


def test_a_deep_forest_gives_the_same_by_tables_and_by_walks(monkeypatch):
    drawn = case(11, depth=9)
    rows = np.tile(drawn.rows, (40, 1))
    count = len(drawn.background)
    parts = [np.arange(start, count, 3) for start in range(3)]
    monkeypatch.setattr(batching, "_WALKED", 1.0)
    by_table = shapley_values(drawn.forest, rows, drawn.background, parts=parts)
    shares = np.array([len(part) for part in parts]) / count
    np.testing.assert_allclose(
        np.einsum("g,gnpk->npk", shares, by_table),
        shapley_values(drawn.forest, rows, drawn.background),
        atol=1e-10,
    )
    for name, value in (("_CELLS", 10), ("MOST_TABLED", 0)):
        monkeypatch.setattr(batching, name, value)  # one part after the other; by walks
        found = shapley_values(drawn.forest, rows, drawn.background, parts=parts)
        np.testing.assert_allclose(found, by_table, atol=1e-10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"left": [9, -1, -1]}, "leads nowhere"),
        ({"left": [0, -1, -1]}, "round in a circle"),
        ({"column": [7, -1, -1]}, "not there"),
    ],
)
def test_a_tree_that_is_none_is_refused(change, message):
    tree = stump(0, 0.0, 1.0, 2.0)
    for name, value in change.items():
        setattr(tree, name, np.array(value))
    with pytest.raises(ValueError, match=message):
        Forest.build([tree], [0.0], ["a"])


def test_what_does_not_fit_is_refused():
    forest = Forest.build([stump(0, 0.0, 1.0, 2.0)], [0.0], ["a"])
    with pytest.raises(ValueError, match="takes 1 columns"):
        shapley_values(forest, np.zeros((2, 3)))
    with pytest.raises(ValueError, match="no rows"):
        shapley_values(forest, np.zeros((2, 1)), np.zeros((0, 1)))
    paired = Forest.build([stump(0, 0.0, 1.0, 2.0)], [0.0], ["a", "b"], [0], [1])
    with pytest.raises(ValueError, match="mixed"):
        shapley_values(paired, np.zeros((2, 1)), np.zeros((2, 1)))
