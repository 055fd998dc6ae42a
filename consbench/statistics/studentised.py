"""The studentised bootstrap for sums over counts: the error of each resample in its own standard errors.

A resample that happens to hold few events has a small error and a small spread; divided, it says what the
skewness of the data does to an interval, which the spread of the resamples alone does not. The standard
error is the linearised one of a ratio: the root of Σ (residual / count)².

Where two or three images hold all the events, too many resamples hold none to say where an interval ends. That
end of a share is then Wilson's (1927), for as many independent trials as would have the share's standard error.
In simulations of 20 and 60 images with events in 3 to 10 % of them these intervals cover the truth in 92 to 100 %,
and are 7 to 28 points wide where the open ones had 28 to 100. Differences were not covered as well by the like
(Newcombe), so an open end of theirs is the end of the range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from consbench.masks import BoolArray, FloatArray
from consbench.metrics.tally import Tally
from consbench.statistics.resampling import Interval, draws, witnesses

NEGLIGIBLE = 1e-12  # of a sum or a variance: what rounding leaves where there is nothing


def of_values(tallies: Sequence[Tally], resamples: int, level: float, seed: int) -> list[Interval]:
    """Intervals of tallies of one form each, percent or geometric; within 0 to 100 where values are shares.

    Geometric means are resampled as means of logarithms.
    """
    sides = _Sides.of(tallies)
    ends = _ends(sides.spread, sides.images, resamples, level, seed)
    found = []
    for tally, mean, (low, high) in zip(tallies, sides.mean_M.tolist(), ends, strict=True):
        limits = _range(tally)
        instead = _wilson(tally, mean, level) if limits.high == 100 and math.inf in (-low, high) else limits
        found.append(_within(Interval(_shown(tally, mean + low), _shown(tally, mean + high)), limits, instead))
    return found


def of_differences(pairs: Sequence[tuple[Tally, Tally]], resamples: int, level: float, seed: int) -> list[Interval]:
    """Intervals of second minus first value, both of one form, percent or geometric."""
    both = _Pairs.of(pairs)
    ends = _ends(both.spread, both.first.images, resamples, level, seed)
    found = []
    for (first, second), (low, high) in zip(pairs, ends, strict=True):
        (bottom_1, top_1), (bottom_2, top_2) = _range(first), _range(second)
        difference = second.value - first.value
        found.append(Interval(max(difference + low, bottom_2 - top_1), min(difference + high, top_2 - bottom_1)))
    return found


class _Resampled(NamedTuple):
    """Means of resamples: their counts, how far they are from the observed mean, the variance of each."""

    count_RM: FloatArray
    shift_RM: FloatArray
    variance_RM: FloatArray


class _Spread(NamedTuple):
    """A number in each resample, and the variance that the resample itself gives it."""

    value_RM: FloatArray
    variance_RM: FloatArray


@dataclass(frozen=True)
class _Sides:
    """M tallies of the same images as columns; residuals rather than totals, so that little cancels."""

    count_IM: FloatArray
    residual_IM: FloatArray
    mean_M: FloatArray
    geometric_M: BoolArray

    @classmethod
    def of(cls, tallies: Sequence[Tally]) -> _Sides:
        total_IM = np.stack([t.total_I for t in tallies], axis=1)
        count_IM = np.stack([t.count_I for t in tallies], axis=1).astype(np.float64)
        mean_M = total_IM.sum(axis=0) / count_IM.sum(axis=0)
        residual_IM = total_IM - mean_M * count_IM
        residual_IM[np.abs(residual_IM) <= NEGLIGIBLE * np.abs(total_IM)] = 0.0
        return cls(count_IM, residual_IM, mean_M, np.array([t.form == "geometric" for t in tallies]))

    @property
    def images(self) -> int:
        return len(self.count_IM)

    def resample(self, weights_RI: FloatArray) -> _Resampled:
        count_RM = weights_RI @ self.count_IM
        shift_RM = (weights_RI @ self.residual_IM) / np.where(count_RM > 0, count_RM, np.nan)
        found = _Resampled(count_RM, shift_RM, np.zeros(0))
        return found._replace(variance_RM=_covariance(weights_RI, (self, found), (self, found)))

    def spread(self, weights_RI: FloatArray) -> _Spread:
        _, shift_RM, variance_RM = self.resample(weights_RI)
        return _Spread(shift_RM, variance_RM)

    def shown(self, shift_RM: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The values that tables show, and their derivative by the mean."""
        mean_RM = self.mean_M + shift_RM
        value_RM = np.where(self.geometric_M, np.exp(np.where(self.geometric_M, mean_RM, 0.0)), 100 * mean_RM)
        return value_RM, np.where(self.geometric_M, value_RM, 100.0)


@dataclass(frozen=True)
class _Pairs:
    """M pairs of tallies of the same images."""

    first: _Sides
    second: _Sides

    @classmethod
    def of(cls, pairs: Sequence[tuple[Tally, Tally]]) -> _Pairs:
        return cls(_Sides.of([first for first, _ in pairs]), _Sides.of([second for _, second in pairs]))

    def spread(self, weights_RI: FloatArray) -> _Spread:
        first, second = self.first.resample(weights_RI), self.second.resample(weights_RI)
        value_1_RM, slope_1_RM = self.first.shown(first.shift_RM)
        value_2_RM, slope_2_RM = self.second.shown(second.shift_RM)
        own_RM = slope_1_RM**2 * first.variance_RM + slope_2_RM**2 * second.variance_RM
        shared_RM = slope_1_RM * slope_2_RM * _covariance(weights_RI, (self.first, first), (self.second, second))
        variance_RM = own_RM - 2 * shared_RM
        return _Spread(value_2_RM - value_1_RM, np.where(variance_RM > NEGLIGIBLE * own_RM, variance_RM, 0.0))


def _covariance(weights_RI: FloatArray, one: tuple[_Sides, _Resampled], other: tuple[_Sides, _Resampled]) -> FloatArray:
    """Covariance of two means in each resample: weighted products of residuals from the resample's own mean."""
    (a, found_a), (b, found_b) = one, other
    products_RM = (
        weights_RI @ (a.residual_IM * b.residual_IM)
        - found_b.shift_RM * (weights_RI @ (a.residual_IM * b.count_IM))
        - found_a.shift_RM * (weights_RI @ (a.count_IM * b.residual_IM))
        + found_a.shift_RM * found_b.shift_RM * (weights_RI @ (a.count_IM * b.count_IM))
    )
    defined_RM = (found_a.count_RM > 0) & (found_b.count_RM > 0)
    covariance_RM: FloatArray = products_RM / np.where(defined_RM, found_a.count_RM * found_b.count_RM, np.nan)
    return covariance_RM


def _ends(
    spread: Callable[[FloatArray], _Spread], images: int, resamples: int, level: float, seed: int
) -> list[tuple[float, float]]:
    """Distances of both ends from the observed values.

    A resample whose images are all alike has no spread to divide by: unless it hits the observed value, its
    error counts as infinite. Resamples in which nothing is defined are left out.
    """
    value_1M, variance_1M = spread(np.ones((1, images)))
    drawn = [spread(weights_RI) for weights_RI in draws(images, resamples, seed)]
    off_RM = np.concatenate([value_RM for value_RM, _ in drawn]) - value_1M
    variance_RM = np.concatenate([variance_RM for _, variance_RM in drawn])
    alike_RM = variance_RM <= NEGLIGIBLE * variance_1M
    hit_RM = alike_RM & (off_RM**2 <= NEGLIGIBLE * variance_1M)
    with np.errstate(divide="ignore", invalid="ignore"):
        t_RM = off_RM / np.sqrt(np.where(alike_RM, 0.0, variance_RM))
    t_RM[hit_RM] = 0.0
    t_RM.sort(axis=0)  # NaN, where nothing is defined, comes last
    found = []
    for t_R, variance in zip(t_RM.T, variance_1M[0].tolist(), strict=True):
        defined = len(t_R) - int(np.isnan(t_R).sum())
        tail = math.floor((defined + 1) * (1 - level) / 2 + 1e-9)  # so many of n + 1 gaps lie beyond each end
        if variance <= 0:
            found.append((0.0, 0.0))
        elif tail < 1:
            found.append((math.nan, math.nan))
        else:
            error = math.sqrt(variance)
            found.append((-float(t_R[defined - tail]) * error, -float(t_R[tail - 1]) * error))
    return found


def _shown(tally: Tally, mean: float) -> float:
    if tally.form == "geometric":
        return math.exp(min(mean, 700.0)) if mean < math.inf else math.inf
    return 100 * mean


def _within(ends: Interval, limits: Interval, instead: Interval) -> Interval:
    """Ends within limits; an end that no resample bounds is taken from `instead`."""
    low = instead.low if math.isinf(ends.low) else max(ends.low, limits.low)
    high = instead.high if math.isinf(ends.high) else min(ends.high, limits.high)
    return Interval(low, high)


def _wilson(tally: Tally, share: float, level: float) -> Interval:
    """Wilson's interval, in percent, of a share that varies between images."""
    from scipy.special import stdtrit  # start-up that only this needs

    clicks = float(tally.count_I.sum())
    variance = float(((tally.total_I - share * tally.count_I) ** 2).sum()) / clicks**2
    trials = min(share * (1 - share) / variance, clicks)
    t2 = float(stdtrit(witnesses(tally) - 1, (1 + level) / 2)) ** 2 / trials
    centre, reach = share + t2 / 2, math.sqrt(t2 * (share * (1 - share) + t2 / 4))
    return Interval(100 * (centre - reach) / (1 + t2), 100 * (centre + reach) / (1 + t2))


def _range(tally: Tally) -> Interval:
    """Where the value can lie: a mean of shares within 0 to 100, a ratio above 0, anything else anywhere."""
    if tally.form == "geometric":
        return Interval(0.0, math.inf)
    slack_I = 1e-9 * tally.count_I
    shares = bool(((tally.total_I >= -slack_I) & (tally.total_I <= tally.count_I + slack_I)).all())
    return Interval(0.0, 100.0) if shares else Interval(-math.inf, math.inf)
