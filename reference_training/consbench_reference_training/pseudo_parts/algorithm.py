"""Algorithm 1: regions of an image are painted into one label map, and objects cut their parts out of it.

The paper leaves three things open; here they are decided:

- Regions overlap, a label map does not. They are painted from the largest to the smallest, so that of two
  nested regions both are seen. Of regions of equal area the one of the higher score ends on top, then the
  one that was proposed first.
- "num_parts(m_p) > 2" counts the background of the cut-out among its labels. It says what the text says:
  at least two parts.
- No part is too small. `Slivers` can leave out what a region merely spills over an object's outline; its
  pixels then belong to no part.

Axes: H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from consbench.errors import ContractError, UsageError
from consbench.masks import Mask, encode

LabelMap = NDArray[np.int32]

FEWEST_PARTS = 2


class Region(NamedTuple):
    """One region that was proposed on an image; a higher `score` is better, NaN is not allowed."""

    mask: Mask
    score: float = 0.0


class LabelledPart(NamedTuple):
    """A part of an object: the label of its region in the image's label map, and its mask."""

    label: int
    mask: Mask


@dataclass(frozen=True, slots=True)
class Slivers:
    """Which parts are too small to keep; the defaults, like the paper, keep all.

    Attributes:
        min_fraction: of the object's area, 0 to 1.
        min_pixels: at least 1.

    Raises UsageError where a number cannot be.
    """

    min_fraction: float = 0.0
    min_pixels: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.min_fraction < 1:
            raise UsageError(
                f"the smallest part is a fraction of its object, from 0 to below 1; got {self.min_fraction}"
            )
        if self.min_pixels < 1:
            raise UsageError(f"the smallest part has at least 1 pixel; got {self.min_pixels}")


def paint(regions: Sequence[Region], height: int, width: int) -> LabelMap:
    """Paint regions into one label map, int32 (H, W): the largest first, 0 where there is none.

    Labels count the regions in the order of painting from 1, so a later label is never a larger region.
    Raises ContractError where a mask is not `height` × `width`.

    >>> whole, left = Mask.from_array(np.ones((1, 3))), Mask.from_array(np.array([[1, 0, 0]]))
    >>> paint([Region(left), Region(whole)], 1, 3).tolist()
    [[2, 1, 1]]
    """
    for region in regions:
        if region.mask.shape != (height, width):
            raise ContractError(
                f"regions must be {height}×{width} (height × width), as the image; got {region.mask.shape}"
            )
    last_to_first = range(len(regions) - 1, -1, -1)
    order = sorted(last_to_first, key=lambda i: (-regions[i].mask.area, regions[i].score))  # stable: later ones below
    labels_HW = np.zeros((height, width), dtype=np.int32, order="F")  # as run-length codes run: down the columns
    for label, index in enumerate(order, start=1):
        mask = regions[index].mask
        box = _window(mask)
        labels_HW[box][mask.array()[box]] = label
    return labels_HW


def cut(whole: Mask, labels_HW: LabelMap, slivers: Slivers) -> tuple[tuple[LabelledPart, ...], int]:
    """Cut one object out of a label map: its parts in the order of their labels, and how many were slivers.

    A part is all pixels of one label inside the object, connected or not. Pixels of label 0 belong to none.
    An object may come back with fewer than `FEWEST_PARTS` parts; the caller discards it.

    >>> labels_HW = np.array([[0, 1, 1, 2]], dtype=np.int32)
    >>> parts, slivers = cut(Mask.from_array(np.array([[1, 1, 1, 1]])), labels_HW, Slivers(min_pixels=2))
    >>> [(part.label, part.mask.area) for part in parts], slivers
    ([(1, 2)], 1)
    """
    box = _window(whole)
    inside_hw = np.where(whole.array()[box], labels_HW[box], 0)
    pixels_L = np.bincount(inside_hw.ravel())
    pixels_L[:1] = 0
    smallest = max(slivers.min_pixels, slivers.min_fraction * whole.area)
    kept = np.flatnonzero(pixels_L >= smallest)
    parts = []
    for label in kept:
        part_HW = np.zeros(whole.shape, dtype=bool, order="F")
        part_HW[box] = inside_hw == label
        parts.append(LabelledPart(int(label), encode(part_HW[None])[0]))
    return tuple(parts), int(np.count_nonzero(pixels_L)) - len(parts)


def _window(mask: Mask) -> tuple[slice, slice]:
    x, y, width, height = mask.box
    return slice(y, y + height), slice(x, x + width)
