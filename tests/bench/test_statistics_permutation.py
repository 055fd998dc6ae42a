"""p-values of swapped models: exact where they can be, right on average where they are drawn."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consbench.metrics import Tally
from consbench.statistics.permutation import smallest_p, swap_p_values

REPLICATIONS = 1000


def tally_of(totals: list[float], counts: list[float] | None = None) -> Tally:
    return Tally(np.array(totals), np.array(counts or [1.0] * len(totals)), np.zeros(len(totals)))


def slow_p(first: Tally, second: Tally) -> float:
    """Every way to swap, spelled out."""
    large, observed = 0, abs(second.value - first.value)
    swaps = list(product([False, True], repeat=len(first.count_I)))
    for swap in swaps:
        totals = [(b, a) if s else (a, b) for a, b, s in zip(first.total_I, second.total_I, swap, strict=True)]
        counts = [(b, a) if s else (a, b) for a, b, s in zip(first.count_I, second.count_I, swap, strict=True)]
        one, other = (tally_of([t[k] for t in totals], [c[k] for c in counts]) for k in (0, 1))
        large += abs(other.value - one.value) >= observed - 1e-9
    return large / len(swaps)


image = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 3), st.integers(1, 3))


@given(st.lists(image, min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_with_few_images_every_swap_is_gone_through(images: list[tuple[int, int, int, int]]) -> None:
    total_1, total_2, count_1, count_2 = (list(map(float, column)) for column in zip(*images, strict=True))
    first, second = tally_of(total_1, count_1), tally_of(total_2, count_2)

    assert swap_p_values([(first, second)]) == [pytest.approx(slow_p(first, second))]


def test_drawn_swaps_come_near_the_exact_value() -> None:
    draw = np.random.default_rng(3)
    first, second = tally_of(list(draw.random(12))), tally_of(list(draw.random(12) + 0.15))
    (exact,), (drawn,) = (swap_p_values([(first, second)], permutations=n) for n in (4095, 4094))

    assert exact != drawn
    assert drawn == pytest.approx(exact, abs=0.03)


def paired_world(effect: float, images: int, seed: int) -> list[tuple[Tally, Tally]]:
    """Two models on the same images of 1 to 8 clicks, with a common image effect, skewed as IoUs are."""
    draw = np.random.default_rng(seed)
    shape = (images, REPLICATIONS)
    count_IR = draw.choice([1.0, 2.0, 4.0, 8.0], size=shape, p=[0.3, 0.3, 0.3, 0.1])
    easy_IR = draw.beta(4.0, 1.5, shape)
    means = [0.9 * easy_IR * draw.beta(12, 1.5, shape) + shift for shift in (0.0, effect / 100)]
    columns = [(m * count_IR).T for m in means]
    return [
        (tally_of(list(a), list(c)), tally_of(list(b), list(c))) for a, b, c in zip(*columns, count_IR.T, strict=True)
    ]


def test_equal_models_are_told_apart_in_5_percent_of_trials() -> None:
    p_values = np.array(swap_p_values(paired_world(0.0, 40, seed=7), permutations=999))

    assert 0.03 <= np.mean(p_values <= 0.05) <= 0.07
    assert 0.15 <= np.mean(p_values <= 0.2) <= 0.25


def unpaired_p(first: Tally, second: Tally) -> float:
    """Two runs as if they were of different images: both ratios with their own standard errors."""
    means, errors = [], []
    for tally in (first, second):
        mean = tally.total_I.sum() / tally.count_I.sum()
        means.append(mean)
        errors.append(np.sqrt(((tally.total_I - mean * tally.count_I) ** 2).sum()) / tally.count_I.sum())
    return math.erfc(abs(means[1] - means[0]) / math.hypot(*errors) / math.sqrt(2))


def test_the_paired_test_finds_more_than_an_unpaired_one() -> None:
    pairs = paired_world(4.0, 40, seed=8)
    paired = np.mean(np.array(swap_p_values(pairs, permutations=999)) <= 0.05)
    unpaired = np.mean([unpaired_p(*pair) <= 0.05 for pair in pairs])

    assert paired > unpaired + 0.3


def test_a_model_does_not_differ_from_itself() -> None:
    tally = tally_of(list(np.random.default_rng(0).random(50)))

    assert swap_p_values([(tally, tally)]) == [1.0]


def test_undefined_numbers_have_no_p_value_and_leave_the_others_theirs() -> None:
    tally, other = tally_of([0.1, 0.5, 0.3]), tally_of([0.6, 0.7, 0.8])
    nothing = Tally(np.zeros(3), np.zeros(3), np.ones(3))
    nan, p = swap_p_values([(tally, nothing), (tally, other)])

    assert math.isnan(nan)
    assert p == 0.25
    assert swap_p_values([]) == []


def test_forms_with_several_sums_are_swapped_whole() -> None:
    one = Tally(np.array([[4.0, 0.0]] * 8), np.full(8, 4.0), np.zeros(8), "entropy")
    two = Tally(np.array([[2.0, 2.0]] * 8), np.full(8, 4.0), np.zeros(8), "entropy")

    assert swap_p_values([(one, two)]) == [2 / 2**8]


def test_a_seed_is_a_promise() -> None:
    draw = np.random.default_rng(3)
    pair = tally_of(list(draw.random(30))), tally_of(list(draw.random(30) + 0.1))
    p, same, other = (swap_p_values([pair], permutations=500, seed=seed) for seed in (1, 1, 2))

    assert p == same != other


@pytest.mark.parametrize(("images", "p"), [(1, 1.0), (5, 0.0625), (13, 2 / 8192), (14, 1e-4), (9000, 1e-4)])
def test_the_smallest_p_value_is_reached_where_one_model_is_better_on_every_image(images: int, p: float) -> None:
    pair = tally_of([0.1] * images), tally_of([0.6] * images)

    assert smallest_p(images) == pytest.approx(p)
    if images < 100:
        assert swap_p_values([pair])[0] == pytest.approx(p, abs=3e-4)
