"""Intervals: do they hold what they promise, and are they what they say they are?"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from consbench.errors import UsageError
from consbench.metrics import Tally
from consbench.statistics import bca
from consbench.statistics.intervals import detectable_difference, difference_intervals, intervals
from consbench.statistics.permutation import swap_p_values
from consbench.statistics.resampling import draws, each_left_out

REPLICATIONS = 1000


class World(NamedTuple):
    """Data sets of images whose clicks share an image effect, and the number they are drawn around.

    Axes: I images, R replications. `squares_IR` are sums of squares, which only a naive interval wants.
    """

    truth: float
    total_IR: np.ndarray
    squares_IR: np.ndarray
    count_IR: np.ndarray

    @property
    def tallies(self) -> list[Tally]:
        nothing_I = np.zeros(len(self.count_IR))
        return [Tally(t, c, nothing_I) for t, c in zip(self.total_IR.T, self.count_IR.T, strict=True)]


def world(level: float, images: int, seed: int, *, events: bool = False) -> World:
    """Images of 1 to 12 clicks; the more clicks, the lower their mean; values are shares, or events of 0 and 1."""
    draw = np.random.default_rng(seed)
    sizes = np.array([1, 2, 3, 5, 8, 12])
    chance = np.array([0.25, 0.25, 0.2, 0.15, 0.1, 0.05])
    mean_of_size = level * (1.1 - 0.03 * sizes)
    truth = 100 * float((chance * sizes * mean_of_size).sum() / (chance * sizes).sum())
    kind_IR = draw.choice(len(sizes), size=(images, REPLICATIONS), p=chance)
    mean_IR = mean_of_size[kind_IR]
    effect_IR = draw.beta(3 * mean_IR, 3 * (1 - mean_IR))  # what the clicks of an image have in common
    values_IRC = (
        draw.binomial(1, effect_IR[..., None], size=(*effect_IR.shape, sizes[-1])).astype(float)
        if events
        else draw.beta(8 * effect_IR[..., None] + 0.01, 8 * (1 - effect_IR[..., None]) + 0.01, (*effect_IR.shape, 12))
    )
    if not events:  # the 0.01 that keep the beta distribution proper move its mean
        values_IRC = values_IRC + (effect_IR - (8 * effect_IR + 0.01) / 8.02)[..., None]
    values_IRC[np.arange(sizes[-1]) >= sizes[kind_IR][..., None]] = 0.0
    return World(truth, values_IRC.sum(axis=-1), (values_IRC**2).sum(axis=-1), sizes[kind_IR].astype(float))


def coverage(found: list[tuple[float, float]], truth: float) -> float:
    return float(np.mean([low <= truth <= high for low, high in found]))


@pytest.mark.parametrize(
    ("level", "images", "events"), [(0.6, 60, False), (0.3, 60, True), (0.1, 100, True)], ids=["IoU", "CVR", "rare CVR"]
)
def test_95_percent_intervals_hold_the_truth_and_those_of_independent_clicks_do_not(
    level: float, images: int, events: bool
) -> None:
    made = world(level, images, seed=12, events=events)
    clustered = coverage(intervals(made.tallies), made.truth)

    clicks_R = made.count_IR.sum(axis=0)
    mean_R = made.total_IR.sum(axis=0) / clicks_R
    error_R = np.sqrt((made.squares_IR.sum(axis=0) / clicks_R - mean_R**2) / clicks_R)
    naive_R = 100 * (mean_R - 1.96 * error_R), 100 * (mean_R + 1.96 * error_R)
    naive = coverage(list(zip(*naive_R, strict=True)), made.truth)

    assert 0.93 <= clustered <= 0.97
    assert naive < 0.90


def paired_world(effect: float, images: int, seed: int) -> list[tuple[Tally, Tally]]:
    """Two models on the same images: a common image effect, their own noise, and a difference of `effect` points."""
    draw = np.random.default_rng(seed)
    shape = (images, REPLICATIONS)
    count_IR = draw.choice([1.0, 2.0, 4.0, 8.0], size=shape, p=[0.3, 0.3, 0.3, 0.1])
    hard_IR = draw.normal(0.0, 0.15, shape)
    pairs = []
    means = [0.5 + hard_IR + draw.normal(0.0, 0.05, shape) + shift for shift in (0.0, effect / 100)]
    nothing_I = np.zeros(images)
    for r in range(REPLICATIONS):
        first, second = (Tally(m[:, r] * count_IR[:, r], count_IR[:, r], nothing_I) for m in means)
        pairs.append((first, second))
    return pairs


def test_intervals_of_differences_hold_the_true_difference() -> None:
    assert 0.93 <= coverage(difference_intervals(paired_world(2.0, 80, seed=3)), 2.0) <= 0.97


def test_intervals_of_differences_are_narrower_than_those_of_two_unrelated_runs() -> None:
    pairs = paired_world(2.0, 50, seed=1)[:50]
    strangers = [(pairs[i][0], pairs[i - 1][1]) for i in range(len(pairs))]
    width = [np.mean([high - low for low, high in difference_intervals(p)]) for p in (pairs, strangers)]

    assert width[0] < 0.6 * width[1]


def test_the_detectable_difference_is_found_in_80_percent_of_trials() -> None:
    effect = float(np.mean([detectable_difference(*pair) for pair in paired_world(0.0, 50, seed=2)]))
    p_values = swap_p_values(paired_world(effect, 50, seed=3), permutations=999)

    assert 0.76 <= np.mean(np.array(p_values) <= 0.05) <= 0.84


def slow_interval(tally: Tally, resamples: int, level: float, seed: int) -> tuple[float, float]:
    """The studentised bootstrap image by image, without a matrix."""

    def ratio_and_error(images: list[int]) -> tuple[float, float]:
        total, count = (sum(float(a[i]) for i in images) for a in (tally.total_I, tally.count_I))
        ratio = total / count
        squares = sum((float(tally.total_I[i]) - ratio * float(tally.count_I[i])) ** 2 for i in images)
        return ratio, math.sqrt(squares) / count

    everything = list(range(len(tally.count_I)))
    ratio, error = ratio_and_error(everything)
    t_values = []
    for weights_I in np.concatenate(list(draws(len(everything), resamples, seed))).astype(int):
        drawn, drawn_error = ratio_and_error([i for i in everything for _ in range(weights_I[i])])
        t_values.append((drawn - ratio) / drawn_error)
    t_values.sort()
    tail = int((resamples + 1) * (1 - level) / 2 + 1e-9)
    ends = 100 * (ratio - t_values[-tail] * error), 100 * (ratio - t_values[tail - 1] * error)
    return max(ends[0], 0.0), min(ends[1], 100.0)


@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.integers(1, 9)), min_size=6, max_size=15, unique=True))
@settings(max_examples=25, deadline=None)
def test_an_interval_is_that_of_the_slow_bootstrap(images: list[tuple[float, int]]) -> None:
    count_I = np.array([float(count) for _, count in images])
    tally = Tally(np.array([share for share, _ in images]) * count_I, count_I, np.zeros(len(images)))
    wobble = np.random.default_rng(len(images)).random(len(images)) * 1e-3  # no resample of images all alike
    tally = Tally(tally.total_I + wobble, count_I + 0.01, tally.undefined_I)

    assert intervals([tally], resamples=199, level=0.9, seed=5)[0] == pytest.approx(
        slow_interval(tally, 199, 0.9, 5), rel=1e-5, abs=1e-5
    )


def tally_of(values: list[float]) -> Tally:
    return Tally(np.array(values), np.ones(len(values)), np.zeros(len(values)))


SOME = tally_of([0.2, 0.5, 0.9, 0.4, 0.7, 0.3, 0.8])
LOGS = Tally(np.log([0.5, 2.0, 3.0, 1.0, 0.8, 1.7, 2.2]), np.ones(7), np.zeros(7), "geometric")


def test_a_seed_is_a_promise() -> None:
    assert intervals([SOME], seed=3) == intervals([SOME], seed=3)
    assert intervals([SOME], seed=3) != intervals([SOME], seed=4)


def test_an_interval_does_not_depend_on_what_else_is_asked() -> None:
    rare = tally_of([0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0])

    assert intervals([rare, SOME, LOGS])[1] == intervals([SOME])[0]
    assert difference_intervals([(rare, SOME), (SOME, rare)])[1] == difference_intervals([(SOME, rare)])[0]


def test_an_interval_surrounds_its_number_and_stays_in_range() -> None:
    almost_all = tally_of([1.0] * 9 + [0.0])
    (low, high), (low_ratio, high_ratio) = intervals([almost_all])[0], intervals([LOGS])[0]

    assert 0 <= low < 90 < high == 100
    assert 0 < low_ratio < LOGS.value < high_ratio


def test_an_end_that_no_resample_bounds_is_wilsons() -> None:
    two_of_many = tally_of([1.0, 1.0] + [0.0] * 1998)  # one resample in seven holds neither

    low, high = intervals([two_of_many])[0]
    wilson = stats.binomtest(2, 2000).proportion_ci(method="wilson")

    assert low > 0
    assert high == pytest.approx(100 * wilson.high, rel=5e-3)  # Student's quantile there is a thousandth larger


def test_a_few_rare_events_leave_a_narrow_interval_that_covers() -> None:
    random, held, widths, trials = np.random.default_rng(3), 0, [], 200
    truth, images = 100 * 0.05 * 0.6, 60
    for _ in range(trials):
        clicks_I = random.integers(2, 16, images)
        events_I = random.binomial(clicks_I, np.where(random.random(images) < 0.05, 0.6, 0.0))
        (found,) = intervals([Tally(events_I.astype(float), clicks_I.astype(float), np.zeros(images))], resamples=400)
        if events_I.any():
            low, high = found if not math.isnan(found.low) else (0.0, 100.0)
            held += low <= truth <= high
            widths.append(high - low)

    assert 0.9 <= held / len(widths) <= 1.0
    assert np.mean(widths) < 20


def test_a_higher_level_gives_a_wider_interval() -> None:
    (low_80, high_80), (low_99, high_99) = (intervals([SOME], level=level)[0] for level in (0.8, 0.99))

    assert low_99 < low_80 < SOME.value < high_80 < high_99


@pytest.mark.parametrize(
    "tally",
    [
        tally_of([0.5]),
        Tally(np.array([0.5, 0.0, 0.0]), np.array([1, 0, 0]), np.array([0, 1, 1])),
        Tally(np.zeros(3), np.zeros(3), np.ones(3)),
        Tally(np.array([[1.0, 2.0]]), np.array([3]), np.array([0]), "entropy"),
    ],
    ids=["one image", "one image that counts", "none that counts", "one image, no mean"],
)
def test_what_fewer_than_two_images_say_has_no_interval(tally: Tally) -> None:
    assert np.isnan(intervals([tally])[0]).all()
    assert np.isnan(difference_intervals([(tally, tally)])[0]).all()
    assert math.isnan(detectable_difference(tally, tally))


@given(st.floats(0.001, 1), st.lists(st.integers(1, 30), min_size=2, max_size=20))
@settings(max_examples=40, deadline=None)
def test_images_that_are_all_alike_give_a_point(share: float, counts: list[int]) -> None:
    alike = Tally(share * np.array(counts), np.array(counts), np.zeros(len(counts)))

    assert intervals([alike], resamples=99)[0] == pytest.approx((100 * share, 100 * share))


def test_a_model_does_not_differ_from_itself() -> None:
    assert difference_intervals([(SOME, SOME)])[0] == (0.0, 0.0)
    assert math.isnan(detectable_difference(SOME, SOME))


def test_resamples_in_which_nothing_is_defined_are_left_out() -> None:
    few = Tally(np.array([0.2, 0.9, 0.4, 0.0, 0.0, 0.0]), np.array([1, 1, 1, 0, 0, 0]), np.zeros(6))
    low, high = intervals([few])[0]

    assert low < few.value < high


def test_no_resamples_no_intervals() -> None:
    assert np.isnan(intervals([SOME], resamples=0)[0]).all()
    assert intervals([]) == difference_intervals([]) == []


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"level": 95.0}, r"level of an interval lies between 0 and 1, as 0.95 does; got 95"),
        ({"resamples": 20}, r"95 % interval need at least 39 resamples; got 20. 0 leaves intervals out"),
        ({"resamples": -1}, r"need at least 39 resamples; got -1"),
        ({"resamples": 100, "level": 0.99}, r"99 % interval need at least 199 resamples; got 100"),
    ],
)
def test_impossible_intervals_are_refused(given_: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        intervals([SOME], **given_)  # type: ignore[arg-type]


def test_bca_is_scipys() -> None:
    values = np.random.default_rng(4).lognormal(size=40)
    tally = tally_of(list(values))
    scipys = stats.bootstrap((values,), np.mean, n_resamples=29_999, method="BCa", random_state=1)
    ours = bca.interval(tally.value, 100 * scipys.bootstrap_distribution, each_left_out(tally), 0.95)

    assert ours == pytest.approx(tuple(100 * end for end in scipys.confidence_interval), rel=1e-3)


def test_forms_that_are_no_mean_have_an_interval_around_their_number() -> None:
    draw = np.random.default_rng(0)
    counts_IS = draw.multinomial(6, [0.7, 0.2, 0.1], size=40).astype(float)
    first = Tally(counts_IS, counts_IS.sum(axis=1), np.zeros(40), "entropy")
    even_IS = draw.multinomial(6, [1 / 3] * 3, size=40).astype(float)
    second = Tally(even_IS, even_IS.sum(axis=1), np.zeros(40), "entropy")
    (low, high), (low_2, high_2) = intervals([first])[0], difference_intervals([(first, second)])[0]

    assert low < first.value < high
    assert 0 < low_2 < second.value - first.value < high_2
