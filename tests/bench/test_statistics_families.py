"""Families of tests: Holm's correction against closed testing, groups against all subsets."""

from __future__ import annotations

import math
from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consbench.statistics.families import alike_groups, holm, letters


def subsets(items: list[int]) -> list[tuple[int, ...]]:
    return list(chain.from_iterable(combinations(items, size) for size in range(1, len(items) + 1)))


@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), max_size=7))
def test_holm_is_closed_testing_with_bonferroni(p_values: list[float]) -> None:
    """A hypothesis falls when every set of hypotheses that holds it falls, each by Bonferroni."""
    tested = [i for i, p in enumerate(p_values) if not math.isnan(p)]
    slow = [
        max(min(1.0, len(s) * min(p_values[j] for j in s)) for s in subsets(tested) if i in s)
        if i in tested
        else math.nan
        for i in range(len(p_values))
    ]

    assert holm(p_values) == pytest.approx(slow, nan_ok=True)


names = st.integers(1, 6).map(lambda n: list("abcdef"[:n]))


@given(names, st.data())
def test_groups_are_the_largest_sets_without_a_pair_that_differs(labels: list[str], data: st.DataObject) -> None:
    pairs = [frozenset(p) for p in combinations(labels, 2)]
    apart = set(data.draw(st.lists(st.sampled_from(pairs), unique=True))) if pairs else set()
    alike = [
        set(s)
        for size in range(1, len(labels) + 1)
        for s in combinations(labels, size)
        if not any(frozenset(p) in apart for p in combinations(s, 2))
    ]
    largest = [s for s in alike if not any(s < other for other in alike)]
    groups = alike_groups(labels, apart)

    assert sorted(map(sorted, groups)) == sorted(map(sorted, largest))
    of = letters(labels, groups)
    for a, b in combinations(labels, 2):
        assert (frozenset((a, b)) in apart) == (not set(of[a]) & set(of[b]))


def test_groups_follow_the_order_of_the_names() -> None:
    assert alike_groups(["z", "y", "x"], [frozenset("zx")]) == [("z", "y"), ("y", "x")]
    assert alike_groups([], []) == []
