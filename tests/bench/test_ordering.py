"""Orders of outputs: one stable permutation, absent outputs last."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from consbench.errors import UnknownName, UsageError
from consbench.ordering import ORDERS, parse_order, permutation

NAN = np.nan
tables = arrays(float, st.tuples(st.integers(0, 6), st.integers(1, 5)), elements=st.sampled_from([0.0, 1.0, 2.0, 7.5]))


@given(tables, tables, st.sampled_from(ORDERS))
def test_every_order_is_a_permutation(area: np.ndarray, score: np.ndarray, order: str) -> None:
    found = permutation(parse_order(order), area, area if order == "score" else np.full_like(area, NAN))

    assert (np.sort(found, axis=1) == np.arange(area.shape[1])).all()


@given(tables)
def test_area_order_is_a_stable_sort_from_the_largest(area: np.ndarray) -> None:
    for row, found in zip(area, permutation("area", area, np.full_like(area, NAN)), strict=True):
        assert sorted(range(len(row)), key=lambda k: (-row[k], k)) == found.tolist()


def test_absent_outputs_come_last_in_every_order() -> None:
    area, score = np.array([[5.0, NAN, 9.0]]), np.array([[0.2, NAN, 0.1]])

    assert permutation("native", area, score).tolist() == [[0, 2, 1]]
    assert permutation("area", area, score).tolist() == [[2, 0, 1]]
    assert permutation("score", area, score).tolist() == [[0, 2, 1]]


def test_empty_masks_stay_before_absent_ones() -> None:
    assert permutation("area", np.array([[NAN, 0.0]]), np.full((1, 2), NAN)).tolist() == [[1, 0]]


def test_score_order_needs_scores() -> None:
    with pytest.raises(UsageError, match="order 'score' needs a score for every output, and this model gave none"):
        permutation("score", np.ones((1, 2)), np.full((1, 2), NAN))


def test_an_unknown_order_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="no order is called 'areas'; did you mean 'area'"):
        parse_order("areas")
