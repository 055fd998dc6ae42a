"""Masks as run-length codes: encoding, decoding, areas and exact IoU.

A mask stays encoded from the file it was read from to the record it ends in; it becomes an array
only where pixels are needed. The code is COCO's compressed run-length code, made and read by
pycocotools, so a record can be opened by any COCO tool.

Axes: N masks, H rows (y, down), W columns (x, right).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Mask:
    """One binary mask of `height` × `width` pixels, as COCO's compressed run-length code.

    >>> mask = Mask.from_array(np.eye(3, dtype=bool))
    >>> mask.area, mask.shape
    (3, (3, 3))
    >>> bool((mask.array() == np.eye(3, dtype=bool)).all())
    True
    """

    height: int
    width: int
    counts: bytes

    @classmethod
    def from_array(cls, mask_HW: NDArray[Any]) -> Mask:
        """Encode one array; every non-zero pixel belongs to the mask."""
        if mask_HW.ndim != 2:
            raise ValueError(f"a mask has 2 axes (H, W); got shape {mask_HW.shape}")
        return encode(mask_HW[None] != 0)[0]

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    @property
    def area(self) -> int:
        """How many pixels belong to the mask."""
        return int(coco.area(self.coco()))

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The tight box as (x, y, width, height) in pixels; all zero for an empty mask."""
        x, y, width, height = (int(v) for v in coco.toBbox(self.coco()))
        return x, y, width, height

    def array(self) -> BoolArray:
        """Decode to a bool array of shape (H, W)."""
        runs = _run_lengths(self.counts)
        inside = np.arange(len(runs)) % 2 == 1
        array: BoolArray = np.repeat(inside, runs).reshape(self.width, self.height).T
        return array

    def coco(self) -> dict[str, Any]:
        """The dictionary that pycocotools works on: `size` (height, width) and `counts` (bytes)."""
        return {"size": [self.height, self.width], "counts": self.counts}


def _run_lengths(counts: bytes) -> NDArray[np.int64]:
    """The lengths of the runs of a compressed code, background first, column by column.

    pycocotools decodes by a way that numpy 2 has announced to close, and that turns a Ctrl-C into another
    error; the format is small. A number is little-endian groups of 5 bits, bit 5 marking that more follow, bit
    4 of the last group being the sign; from the fourth number on, it is the difference to the one two before.
    """
    groups = np.frombuffer(counts, np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero((groups & 0x20) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(len(groups)) - np.repeat(starts, ends - starts + 1)
    runs = np.add.reduceat((groups & 0x1F) << (5 * place), starts)
    runs -= np.where(groups[ends] & 0x10, 1 << (5 * (place[ends] + 1)), 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs


def encode(masks_NHW: NDArray[Any]) -> list[Mask]:
    """Encode a stack of bool masks (N, H, W). Raises ValueError for any other type or number of axes.

    >>> [m.area for m in encode(np.ones((2, 4, 5), dtype=bool))]
    [20, 20]
    """
    if masks_NHW.ndim != 3 or masks_NHW.dtype != np.bool_:
        raise ValueError(f"masks must be bool with 3 axes (N, H, W); got {masks_NHW.dtype} of shape {masks_NHW.shape}")
    n, height, width = masks_NHW.shape
    if n == 0:
        return []
    # pycocotools wants (H, W, N) in Fortran order, which is (N, W, H) in C order, seen from behind.
    stack = np.ascontiguousarray(masks_NHW.transpose(0, 2, 1)).view(np.uint8).transpose(2, 1, 0)
    return [Mask(height, width, code["counts"]) for code in coco.encode(stack)]


def union(masks: Sequence[Mask]) -> Mask:
    """The union of one or more masks of equal size. Raises ValueError where there are none or sizes differ."""
    shapes = {m.shape for m in masks}
    if len(shapes) != 1:
        raise ValueError(f"a union needs one or more masks of one size; got sizes {sorted(shapes)}")
    merged = coco.merge([m.coco() for m in masks], intersect=False)
    return Mask(masks[0].height, masks[0].width, merged["counts"])


def iou(a: Sequence[Mask], b: Sequence[Mask]) -> FloatArray:
    """IoU of every mask of `a` with every mask of `b`: float64 (A, B), exact integer ratios.

    Two empty masks have IoU 0, so that an empty answer can never look good or consistent.
    Raises ValueError where sizes differ.

    >>> full, none = encode(np.stack([np.ones((2, 2), bool), np.zeros((2, 2), bool)]))
    >>> iou([full, none], [full, none]).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    shapes = {m.shape for m in (*a, *b)}
    if len(shapes) > 1:
        raise ValueError(f"masks of different sizes cannot be compared: {sorted(shapes)}")
    if not a or not b:
        return np.zeros((len(a), len(b)))
    codes_a, codes_b = [m.coco() for m in a], [m.coco() for m in b]
    return np.asarray(coco.iou(codes_a, codes_b, [False] * len(b)), dtype=np.float64)


def intersections(a: Sequence[Mask], b: Sequence[Mask]) -> IntArray:
    """How many pixels every mask of `a` shares with every mask of `b`: int64 (A, B).

    >>> full, row = encode(np.stack([np.ones((2, 3), bool), np.eye(2, 3) > 0]))
    >>> intersections([full, row], [full, row]).tolist()
    [[6, 2], [2, 2]]
    """
    if not a or not b:
        return np.zeros((len(a), len(b)), np.int64)
    # Against a crowd region, pycocotools divides the intersection by the area of the first mask alone.
    share_AB = np.asarray(coco.iou([m.coco() for m in a], [m.coco() for m in b], [True] * len(b)), np.float64)
    area_A = np.array([m.area for m in a], np.float64)
    return np.rint(share_AB * area_A[:, None]).astype(np.int64)


def intersection(a: Mask, b: Mask) -> Mask:
    """The pixels that two masks of equal size share."""
    merged = coco.merge([a.coco(), b.coco()], intersect=True)
    return Mask(a.height, a.width, merged["counts"])
