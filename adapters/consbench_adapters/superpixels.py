"""From an image to a few hundred connected regions of like colour. numpy and scipy only.

Three steps: average the image down to a grid of blocks, give each block its colour in CIELAB, and
merge neighbouring blocks into regions, each region with the neighbour that costs least, in rounds
(Borůvka's algorithm on the region adjacency graph, as in Wei et al., "Superpixel Hierarchy", 2018).
Regions are connected by construction, and there is nothing to draw at random.

Axes: h, w rows and columns of the grid · R regions · E pairs of adjacent regions, the lower id first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from consbench.types import Image

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_LAB_STEPS = 16
"""Colours are rounded to 1/16 of a CIELAB unit: sums of them are then exact in any order, and the
last bit of a platform's cube root is rounded away before it could decide which pair merges first."""


class Grid(NamedTuple):
    """Where the pixels of an image went: `row_H[y]`, `column_W[x]` is the block of pixel (x, y)."""

    row_H: IntArray
    column_W: IntArray


class Regions(NamedTuple):
    """A partition of a grid into connected regions.

    labels_hw   region of each block
    area_R      blocks in each region
    mean_R3     mean CIELAB colour of each region
    pair_E2     adjacent regions, each pair once, the lower id first, in ascending order
    border_E    how many pairs of adjacent blocks lie on the border between the two
    contrast_E  sum over those pairs of blocks of their distance in colour
    """

    labels_hw: IntArray
    area_R: IntArray
    mean_R3: FloatArray
    pair_E2: IntArray
    border_E: IntArray
    contrast_E: FloatArray


def shrink(image_HWC: Image, long_side: int) -> tuple[FloatArray, Grid]:
    """Average an image over blocks of pixels, so that its longer side is at most `long_side` blocks.

    Returns the mean colours (h, w, C) in 0..255 and the grid. An image that fits is not changed.

    >>> blocks, grid = shrink(np.arange(12, dtype=np.uint8).reshape(2, 6, 1), long_side=3)
    >>> blocks[..., 0].tolist(), grid.column_W.tolist()
    ([[3.5, 5.5, 7.5]], [0, 0, 1, 1, 2, 2])
    """
    height, width = image_HWC.shape[:2]
    shrinkage = max(height, width, long_side) / long_side
    rows, columns = (max(1, round(side / shrinkage)) for side in (height, width))
    first_row, first_column = np.arange(rows) * height // rows, np.arange(columns) * width // columns
    sums = np.add.reduceat(image_HWC, first_row, axis=0, dtype=np.int64)
    sums = np.add.reduceat(sums, first_column, axis=1)
    row_H = np.repeat(np.arange(rows), np.diff(first_row, append=height))
    column_W = np.repeat(np.arange(columns), np.diff(first_column, append=width))
    pixels_hw = np.outer(np.bincount(row_H), np.bincount(column_W))
    return sums / pixels_hw[..., None], Grid(row_H, column_W)


def lab(rgb_hw3: FloatArray) -> FloatArray:
    """CIELAB colours (D65) of sRGB colours in 0..255, rounded to 1/16.

    >>> lab(np.array([[[255.0, 255.0, 255.0], [255.0, 0.0, 0.0]]])).round().tolist()
    [[[100.0, 0.0, 0.0], [53.0, 80.0, 67.0]]]
    """
    value = rgb_hw3 / 255
    red, green, blue = np.moveaxis(np.where(value > 0.04045, ((value + 0.055) / 1.055) ** 2.4, value / 12.92), -1, 0)
    # IEC 61966-2-1, each row divided by the white point, so that white is exactly (1, 1, 1)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.0890
    fx, fy, fz = (np.where(v > 216 / 24389, np.cbrt(v), (24389 / 27 * v + 16) / 116) for v in (x, y, z))
    colours = np.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], axis=-1)
    rounded: FloatArray = np.round(colours * _LAB_STEPS) / _LAB_STEPS + 0.0
    return rounded


def merge_to(lab_hw3: FloatArray, count: int) -> Regions:
    """Merge the blocks of a grid into `count` connected regions (or as many as there are blocks).

    A merge costs what Ward's criterion says: the growth of the squared colour error it causes. So
    small regions go first, and no region is left over for being odd by a block or two.
    """
    h, w = lab_hw3.shape[:2]
    block_hw = np.arange(h * w).reshape(h, w)
    across = np.stack([block_hw[:, :-1].ravel(), block_hw[:, 1:].ravel()], axis=1)
    down = np.stack([block_hw[:-1].ravel(), block_hw[1:].ravel()], axis=1)
    touching_E2 = np.concatenate([across, down])

    colour_B3 = lab_hw3.reshape(-1, 3)
    labels_B = np.arange(h * w)
    area_R, sum_R3, pair_E2 = np.ones(h * w, dtype=np.int64), colour_B3, touching_E2
    while len(area_R) > count:
        chosen_E2 = _cheapest_neighbours(area_R, sum_R3, pair_E2, at_most=len(area_R) - count)
        regions, merged_R = _components(len(area_R), chosen_E2)
        sum_R3 = _sum_rows(merged_R, sum_R3, regions)
        area_R = np.bincount(merged_R, area_R, regions).astype(np.int64)
        labels_B = merged_R[labels_B]
        pair_E2 = _distinct(merged_R[pair_E2], regions)

    regions = len(area_R)
    step_E = np.sqrt(((colour_B3[touching_E2[:, 0]] - colour_B3[touching_E2[:, 1]]) ** 2).sum(axis=1))
    sides_E2 = np.sort(labels_B[touching_E2], axis=1)
    on_border = sides_E2[:, 0] != sides_E2[:, 1]
    keys, which = np.unique(sides_E2[on_border] @ np.array([regions, 1]), return_inverse=True)
    return Regions(
        labels_hw=labels_B.reshape(h, w),
        area_R=area_R,
        mean_R3=sum_R3 / area_R[:, None],
        pair_E2=np.stack([keys // regions, keys % regions], axis=1),
        border_E=np.bincount(which, minlength=len(keys)),
        contrast_E=np.bincount(which, step_E[on_border], len(keys)).astype(np.float64),
    )


def _cheapest_neighbours(area_R: IntArray, sum_R3: FloatArray, pair_E2: IntArray, at_most: int) -> IntArray:
    """The pair that is cheapest to merge for one of its regions, for every region; never a cycle.

    Equal costs are told apart by the pair's place in the list, which makes the order total: that is
    what rules out cycles, and so each pair takes away exactly one region.
    """
    one, other = pair_E2.T
    mean_R3 = sum_R3 / area_R[:, None]
    distance_E = ((mean_R3[one] - mean_R3[other]) ** 2).sum(axis=1)
    cost_E = distance_E * (area_R[one] * area_R[other] / (area_R[one] + area_R[other]))
    by_cost = np.argsort(cost_E, kind="stable")
    rank_E = np.arange(len(by_cost))
    cheapest_R = np.empty(len(area_R), dtype=np.int64)
    # dearest first: where a region comes again, what is written last stays
    cheapest_R[pair_E2[by_cost[::-1]].ravel()] = np.repeat(rank_E[::-1], 2)
    chosen: IntArray = pair_E2[by_cost[np.unique(cheapest_R)[:at_most]]]
    return chosen


def _components(nodes: int, pair_E2: IntArray) -> tuple[int, IntArray]:
    graph = coo_array((np.ones(len(pair_E2), dtype=bool), tuple(pair_E2.T)), shape=(nodes, nodes))
    count, label_R = connected_components(graph, directed=False)
    return int(count), label_R.astype(np.int64)


def _sum_rows(group_R: IntArray, value_RC: FloatArray, groups: int) -> FloatArray:
    return np.stack([np.bincount(group_R, column, groups) for column in value_RC.T], axis=1)


def _distinct(pair_E2: IntArray, regions: int) -> IntArray:
    pair_E2 = np.sort(pair_E2[pair_E2[:, 0] != pair_E2[:, 1]], axis=1)
    keys = np.unique(pair_E2 @ np.array([regions, 1]))
    return np.stack([keys // regions, keys % regions], axis=1)
