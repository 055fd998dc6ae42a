"""p-values of differences: what if the two models had changed places on some images?

The null hypothesis is that the two models are interchangeable on every image: swapping all their answers
to one image, sums and counts alike, gives another evaluation that was as likely. Under it the observed
difference is one draw among those of all 2^I swaps, whatever the numbers' distribution and however clicks
of one image hang together, and for ratios of sums as for means. The p-value is two-sided: the share of
swaps whose difference is at least as large, the observed one among them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from consbench.masks import FloatArray
from consbench.metrics.tally import Tally, finish
from consbench.statistics.resampling import CELLS_PER_BATCH, SEED

PERMUTATIONS = 9_999
TIED = 1e-9  # of the difference: sums of another order differ by less


def swap_p_values(
    pairs: Sequence[tuple[Tally, Tally]], *, permutations: int = PERMUTATIONS, seed: int = SEED
) -> list[float]:
    """Return the two-sided p-value of second minus first value of each pair; NaN where either is undefined.

    Where the images are so few that there are no more swaps than `permutations`, all are gone through and
    the p-value is exact; else so many are drawn, and it is at least 1 / (permutations + 1).

    Args:
        pairs: of tallies of the same images in the same order.
        permutations: how many swaps are drawn.
        seed: of the draws; the same seed gives the same p-values.

    >>> always_better = Tally(np.zeros(6), np.ones(6), np.zeros(6)), Tally(np.ones(6), np.ones(6), np.zeros(6))
    >>> swap_p_values([always_better])  # 2 of 2^6
    [0.03125]
    """
    if not pairs:
        return []
    # One product of matrices moves the sums and counts of all pairs; each pair takes its columns of it.
    moves = [np.column_stack([b.total_I - a.total_I, b.count_I - a.count_I]) for a, b in pairs]
    moves_IM, ends = np.concatenate(moves, axis=1), np.cumsum([move.shape[1] for move in moves])[:-1]
    images = len(moves_IM)

    def differences(swapped_RI: FloatArray) -> FloatArray:
        moved = np.split(swapped_RI @ moves_IM, ends, axis=1)
        return np.stack([_difference(a, b, moved_RS) for (a, b), moved_RS in zip(pairs, moved, strict=True)], axis=1)

    observed_M = np.abs(differences(np.zeros((1, images)))[0])
    exhaustive = _few_enough(images, permutations)
    as_large_M, swaps = np.zeros(len(pairs)), 0
    for swapped_RI in _all_swaps(images) if exhaustive else _drawn_swaps(images, permutations, seed):
        # A swap that leaves a number undefined is no evidence against the null: it counts as large.
        as_large_M += (~(np.abs(differences(swapped_RI)) < observed_M * (1 - TIED))).sum(axis=0)
        swaps += len(swapped_RI)
    if not exhaustive:
        as_large_M, swaps = as_large_M + 1, swaps + 1  # the observed one is among those that could have been
    return [
        math.nan if math.isnan(observed) else float(as_large / swaps)
        for observed, as_large in zip(observed_M, as_large_M, strict=True)
    ]


def smallest_p(images: int, permutations: int = PERMUTATIONS) -> float:
    """The smallest p-value that `swap_p_values` can give for so many images.

    >>> smallest_p(5), smallest_p(500, 9_999)
    (0.0625, 0.0001)
    """
    if _few_enough(images, permutations):
        return min(1.0, 2.0 ** (1 - images))
    return 1 / (permutations + 1)


def _difference(a: Tally, b: Tally, moved_RS: FloatArray) -> FloatArray:
    """Second minus first value after the sums in `moved_RS`, counts last, went from one to the other."""
    total_RS, count_R = moved_RS[:, :-1], moved_RS[:, -1]
    total_RS = total_RS.reshape(len(total_RS), *a.total_I.shape[1:])
    first_R = finish(a.form, a.total_I.sum(axis=0) + total_RS, a.count_I.sum() + count_R)
    second_R = finish(b.form, b.total_I.sum(axis=0) - total_RS, b.count_I.sum() - count_R)
    return second_R - first_R


def _few_enough(images: int, permutations: int) -> bool:
    return images < 63 and 2**images <= permutations + 1


def _all_swaps(images: int) -> Iterator[FloatArray]:
    yield ((np.arange(2**images)[:, None] >> np.arange(images)) & 1).astype(np.float64)


def _drawn_swaps(images: int, permutations: int, seed: int) -> Iterator[FloatArray]:
    random = np.random.default_rng([seed, 1])
    size = max(1, CELLS_PER_BATCH // images)
    for first in range(0, permutations, size):
        rows = min(size, permutations - first)
        bits = np.unpackbits(random.integers(0, 256, size=(rows, -(-images // 8)), dtype=np.uint8), axis=1)
        yield bits[:, :images].astype(np.float64)
