"""Images drawn anew, and each image left out: what the data set would say if it were another one like it.

Every metric is sums over images and one division, so a resample is a vector of how often each image was
drawn, and all numbers of all resamples are one product of matrices.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from consbench.errors import UsageError
from consbench.masks import BoolArray, FloatArray
from consbench.metrics.tally import Tally, finish

RESAMPLES = 2000
LEVEL = 0.95
SEED = 0
CELLS_PER_BATCH = 1 << 22  # resamples × images held at once: 32 MiB


class Interval(NamedTuple):
    """The ends of an interval, in the unit of the number; both NaN where there is none."""

    low: float
    high: float


NO_INTERVAL = Interval(math.nan, math.nan)


def draws(images: int, resamples: int, seed: int) -> Iterator[FloatArray]:
    """Yield float64 (R, I) batches: how often each image is in each resample; every row sums to I.

    >>> sum(int(batch.sum()) for batch in draws(images=7, resamples=5, seed=0))
    35
    """
    random = np.random.default_rng([seed, 0])
    size = max(1, CELLS_PER_BATCH // max(images, 1))
    for first in range(0, resamples, size):
        rows = min(size, resamples - first)
        drawn_RI = random.integers(0, images, size=(rows, images))
        drawn_RI += images * np.arange(rows)[:, None]
        counts = np.bincount(drawn_RI.ravel(), minlength=rows * images)
        yield counts.reshape(rows, images).astype(np.float64)


def each_left_out(tally: Tally) -> FloatArray:
    """The metric without each image in turn, float64 (I,); NaN where nothing is left.

    >>> each_left_out(Tally(np.array([0.0, 1.0, 1.0]), np.ones(3), np.zeros(3))).tolist()
    [100.0, 50.0, 50.0]
    """
    return finish(tally.form, tally.total_I.sum(axis=0) - tally.total_I, tally.count_I.sum() - tally.count_I)


def restricted(tally: Tally, keep_I: BoolArray) -> Tally:
    """The tally of some of its images.

    >>> restricted(Tally(np.array([0.0, 1.0]), np.ones(2), np.zeros(2)), np.array([False, True])).value
    100.0
    """
    return Tally(tally.total_I[keep_I], tally.count_I[keep_I], tally.undefined_I[keep_I], tally.form)


def witnesses(tally: Tally) -> int:
    """How many images say anything about the number."""
    return int((tally.count_I > 0).sum())


def refuse_impossible(resamples: int, level: float) -> None:
    """Raise UsageError for a level outside (0, 1), or too few resamples to find an interval's ends."""
    if not 0 < level < 1:
        raise UsageError(f"the level of an interval lies between 0 and 1, as 0.95 does; got {level:g}")
    least = math.ceil(2 / (1 - level) - 1e-9) - 1
    if resamples < 0 or 0 < resamples < least:
        raise UsageError(
            f"the ends of a {100 * level:g} % interval need at least {least} resamples; got {resamples}. "
            "0 leaves intervals out"
        )
