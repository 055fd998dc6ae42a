"""Masks as polygons that rasterise back to exactly the same pixels.

A polygon runs along the edges between pixels, in the frame of COCO files, where pixel (x, y) is the
square from (x, y) to (x + 1, y + 1). Polygons of one mask may touch but never overlap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, find_objects, label

from consbench.masks import BoolArray


def polygons(mask_HW: BoolArray) -> list[list[float]]:
    """Trace a mask: [x0, y0, x1, y1, …] for every polygon; none for an empty mask.

    A polygon cannot have a hole, so a region with holes is cut in two at a column through one.

    >>> polygons(np.ones((1, 2), dtype=bool))
    [[0.0, 0.0, 2.0, 0.0, 2.0, 1.0, 0.0, 1.0]]
    """
    regions_HW, _ = label(mask_HW)
    found: list[list[float]] = []
    for number, (rows, columns) in enumerate(find_objects(regions_HW), 1):
        corner_xy = np.array([columns.start, rows.start])
        outlines = _region(regions_HW[rows, columns] == number)
        found += [(np.reshape(outline, (-1, 2)) + corner_xy).ravel().tolist() for outline in outlines]
    return found


def _region(region_HW: BoolArray) -> list[list[float]]:
    holes_HW = binary_fill_holes(region_HW) & ~region_HW
    if not holes_HW.any():
        return [_trace(region_HW)]
    column = int(np.flatnonzero(holes_HW.any(axis=0))[0])
    left_HW = region_HW.copy()
    left_HW[:, column + 1 :] = False
    return polygons(left_HW) + polygons(region_HW & ~left_HW)


def _trace(region_HW: BoolArray) -> list[float]:
    """The outline of one region without holes, clockwise as seen, corners only."""
    padded = np.pad(region_HW, 1)
    inside, outside_above = padded[1:-1, 1:-1], ~padded[:-2, 1:-1]
    outside_below, outside_left, outside_right = ~padded[2:, 1:-1], ~padded[1:-1, :-2], ~padded[1:-1, 2:]
    follows: dict[tuple[int, int], tuple[int, int]] = {}
    # Every edge has the region on its right; in a region without holes each corner starts one edge.
    for y, x in _places(inside & outside_above):
        follows[x, y] = (x + 1, y)
    for y, x in _places(inside & outside_right):
        follows[x + 1, y] = (x + 1, y + 1)
    for y, x in _places(inside & outside_below):
        follows[x + 1, y + 1] = (x, y + 1)
    for y, x in _places(inside & outside_left):
        follows[x, y + 1] = (x, y)
    start = min(follows, key=lambda corner: (corner[1], corner[0]))
    path, corner = [start], follows[start]
    while corner != start:
        path.append(corner)
        corner = follows[corner]
    assert len(path) == len(follows), "a region without holes has one outline"
    corners_N2 = np.array(path)
    turns = (np.roll(corners_N2, -1, axis=0) - 2 * corners_N2 + np.roll(corners_N2, 1, axis=0)).any(axis=1)
    return [float(value) for value in corners_N2[turns].ravel()]


def _places(mask_HW: NDArray[np.bool_]) -> list[list[int]]:
    places: list[list[int]] = np.argwhere(mask_HW).tolist()
    return places
