"""Folds: every row once, classes even, groups whole, and time only forwards."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.automl.folds import NEVER, make_folds
from toolkit.errors import DataError

COUNT = st.integers(2, 6)
SEED = st.integers(0, 2**31 - 1)


@given(st.lists(st.integers(0, 2), min_size=2, max_size=80), COUNT, SEED)
def test_every_row_is_held_out_once_and_classes_are_even(codes, count, seed):
    codes = np.array(codes)
    folds = make_folds(count, seed, rows=len(codes), codes=codes)
    held = np.concatenate([held for _, held in folds.pairs()])
    assert sorted(held) == list(range(len(codes)))
    for label in range(3):
        sizes = [int((codes[held] == label).sum()) for _, held in folds.pairs()]
        assert max(sizes) - min(sizes) <= 1
    for learnt, held in folds.pairs():
        assert not set(learnt) & set(held)
        assert len(learnt) + len(held) == len(codes)


@given(st.lists(st.integers(0, 12), min_size=4, max_size=120), COUNT, SEED)
def test_groups_stay_whole_and_no_fold_is_empty(groups, count, seed):
    groups = np.array(groups)
    if len(set(groups.tolist())) < 2:
        with pytest.raises(DataError):
            make_folds(count, seed, rows=len(groups), groups=groups)
        return
    folds = make_folds(count, seed, rows=len(groups), groups=groups)
    assert (folds.fold != NEVER).all()
    assert pd.Series(folds.fold).groupby(groups).nunique().max() == 1
    assert all(len(held) and len(learnt) for learnt, held in folds.pairs())


@given(st.lists(st.integers(0, 30), min_size=3, max_size=120), COUNT)
def test_a_fold_in_time_learns_from_earlier_moments_only(times, count):
    times = np.array(times, dtype=float)
    if len(set(times.tolist())) < 2:
        with pytest.raises(DataError):
            make_folds(count, 1, rows=len(times), times=times)
        return
    folds = make_folds(count, 1, rows=len(times), times=times)
    assert folds.ordered
    assert 1 <= folds.count <= count
    for learnt, held in folds.pairs():
        assert len(learnt) and len(held)
        assert times[learnt].max() < times[held].min()


@settings(max_examples=20)
@given(SEED)
def test_the_same_seed_gives_the_same_folds(seed):
    codes = np.arange(60) % 3
    groups = np.arange(60) // 2
    one, two = (make_folds(4, seed, rows=60, codes=codes, groups=groups) for _ in range(2))
    assert (one.fold == two.fold).all()
