"""Sums and counts: resampling is what computing on the resampled images gives; misuse is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consbench import Run
from consbench.errors import RecordUnreadable
from consbench.metrics import Answers, Tally, extended, headline
from consbench.metrics.tally import WIDE
from consbench.metrics.unpack import find_rows, group, padded, square
from consbench.records import read_table


def test_resampled_values_are_those_of_tallies_made_of_the_drawn_images(noise_run: Run) -> None:
    answers = noise_run.answers()
    images = len(answers.image_ids)
    drawn_BI = np.random.default_rng(0).integers(0, images, (7, images))
    weight_BI = np.stack([np.bincount(drawn, minlength=images) for drawn in drawn_BI])
    forms = set()
    for metric in [*headline(), *extended()]:
        tally = metric.tally(answers)
        forms.add(tally.form)
        again = [
            Tally(tally.total_I[drawn], tally.count_I[drawn], tally.undefined_I[drawn], tally.form).value
            for drawn in drawn_BI
        ]
        assert tally.resampled(weight_BI) == pytest.approx(again, abs=1e-7, nan_ok=True), metric
        assert tally.resampled(np.ones((1, images)))[0] == pytest.approx(tally.value, abs=1e-7, nan_ok=True)
    assert {"percent", "geometric", *WIDE} == forms


@pytest.mark.parametrize(
    ("total", "form", "message"),
    [
        (np.zeros(2), "entropy", r"an? entropy tally of 2 images has sums of 2 axes.* got shape \(2,\)"),
        (np.zeros((2, 3)), "percent", r"a percent tally of 2 images has sums of 1 axes.* got shape \(2, 3\)"),
        (np.zeros(3), "percent", r"of 2 images .* got shape \(3,\)"),
        (np.zeros(2), "median", "a tally's form is one of percent, geometric, .* got 'median'"),
    ],
)
def test_sums_that_do_not_suit_the_form_are_refused(total: np.ndarray, form: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Tally(total, np.ones(2), np.zeros(2), form)


def test_tables_of_two_runs_are_refused(noise_run: Run) -> None:
    clicks, pairs = (read_table(noise_run.path, name) for name in ("clicks", "pairs"))
    few = clicks.slice(0, 4)

    with pytest.raises(RecordUnreadable, match="compares clicks that are not answered in clicks"):
        Answers.from_tables(few, pairs, "native")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2)), max_size=20))
def test_groups_and_their_rows_are_those_of_a_dictionary(rows: list[tuple[int, int]]) -> None:
    columns = [np.array([row[c] for row in rows], np.int64) for c in (0, 1)]
    keys, row_of = group(*columns)
    distinct = sorted(set(rows))

    assert [tuple(key) for key in keys.tolist()] == distinct
    assert [distinct[r] for r in row_of] == rows
    wanted = [np.arange(-1, 4), np.zeros(5, np.int64)]
    known = [np.array([key[c] for key in distinct], np.int64) for c in (0, 1)]
    place = {key: n for n, key in enumerate(distinct)}
    assert find_rows(known, wanted).tolist() == [place.get((a, 0), -1) for a in range(-1, 4)]


def test_lists_of_a_slice_are_padded_from_the_slice() -> None:
    column = pa.chunked_array([pa.array([[9.0], [1.0, None], None, [2.0]])]).slice(1)

    assert np.array_equal(padded(column, 2), [[1, np.nan], [np.nan, np.nan], [2, np.nan]], equal_nan=True)


def test_a_comparison_of_another_length_is_refused() -> None:
    column = pa.chunked_array([pa.array([[1.0, 2.0, 3.0]])])

    with pytest.raises(ValueError, match="row 0 holds 3 values where 2 × 2 outputs are compared"):
        square(column, np.array([2]), np.array([2]), 2)
