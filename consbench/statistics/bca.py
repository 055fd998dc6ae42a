"""Bias-corrected and accelerated intervals (Efron 1987), for numbers that are no mean.

Entropy and calibration errors of a resample are biased the way those of the data are, once more: the
percentiles of the resamples are moved by how far their median is from the observed value, and by how the
standard error changes with the value, which leaving out each image tells.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from consbench.masks import FloatArray
from consbench.metrics.tally import Tally
from consbench.statistics.resampling import NO_INTERVAL, Interval, draws, each_left_out

_NORMAL = NormalDist()


def of_values(tallies: Sequence[Tally], resamples: int, level: float, seed: int) -> list[Interval]:
    """Intervals of tallies of any form."""
    batches = draws(_images(tallies), resamples, seed)
    drawn = zip(*([tally.resampled(weights_RI) for tally in tallies] for weights_RI in batches), strict=True)
    return [
        interval(tally.value, np.concatenate(values), each_left_out(tally), level)
        for tally, values in zip(tallies, drawn, strict=True)
    ]


def of_differences(pairs: Sequence[tuple[Tally, Tally]], resamples: int, level: float, seed: int) -> list[Interval]:
    """Intervals of second minus first value, of any form."""
    batches = draws(_images([first for first, _ in pairs]), resamples, seed)
    drawn = zip(*([b.resampled(w) - a.resampled(w) for a, b in pairs] for w in batches), strict=True)
    return [
        interval(b.value - a.value, np.concatenate(values), each_left_out(b) - each_left_out(a), level)
        for (a, b), values in zip(pairs, drawn, strict=True)
    ]


def interval(value: float, drawn_R: FloatArray, left_out_I: FloatArray, level: float) -> Interval:
    """The interval of one number.

    Args:
        value: as observed.
        drawn_R: in the resamples; those in which it is undefined (NaN) are left out.
        left_out_I: without each image in turn.
        level: how often the interval shall hold the true value.

    Returns no interval where the value or most of its resamples are undefined.
    """
    drawn_R = np.sort(drawn_R[~np.isnan(drawn_R)])
    if math.isnan(value) or len(drawn_R) < 2 / (1 - level) - 1:
        return NO_INTERVAL
    if drawn_R[0] == drawn_R[-1]:
        return Interval(value, value)
    below = (np.sum(drawn_R < value) + np.sum(drawn_R <= value)) / 2
    bias = _NORMAL.inv_cdf(float(np.clip(below / len(drawn_R), 1 / len(drawn_R), 1 - 1 / len(drawn_R))))
    influence_I = np.nanmean(left_out_I) - left_out_I[~np.isnan(left_out_I)]
    spread = float((influence_I**2).sum())
    acceleration = float((influence_I**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    ends = []
    for side in (-1, 1):
        off = bias + side * _NORMAL.inv_cdf((1 + level) / 2)
        share = _NORMAL.cdf(bias + off / max(1 - acceleration * off, 1e-6))
        ends.append(float(np.quantile(drawn_R, share, method="weibull")))
    return Interval(*ends)


def _images(tallies: Sequence[Tally]) -> int:
    return len(tallies[0].count_I)
