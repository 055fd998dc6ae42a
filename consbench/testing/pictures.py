"""The two pictures a model is examined with: small, not square, with blobs that a click can tell apart.

Axes as in `consbench.types`; every click is (x, y) in pixels of its picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from consbench.masks import BoolArray, Mask
from consbench.types import Click, Image, Object, Part, Sample

BLOB_RADIUS = 9


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn image with coloured discs ("blobs"), and the same as an annotated sample.

    Attributes:
        name: for messages, with its size ("landscape 128×96", width × height).
        image_HWC: uint8 RGB.
        clicks: the centres of the blobs.
        sample: each blob is an object with a core and a rim, the ground one with a left and a right half,
            so that every pixel belongs to exactly one part.
    """

    name: str
    image_HWC: Image
    clicks: tuple[Click, ...]
    sample: Sample

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.image_HWC.shape[0], self.image_HWC.shape[1]

    @property
    def corners(self) -> tuple[Click, ...]:
        """The four corner pixels, as clicks."""
        height, width = self.size
        return Click(0, 0), Click(width - 1, 0), Click(0, height - 1), Click(width - 1, height - 1)


def landscape() -> Picture:
    """96×128 (height × width), six blobs in pairs that mirror each other in the diagonal x = y.

    Where a model reads (y, x), a click on one blob of a pair lands on the other.
    """
    pairs = [(76, 18), (80, 50), (46, 14)]
    return _draw("landscape", 96, 128, [Click(*xy) for pair in pairs for xy in (pair, pair[::-1])], seed=1)


def portrait() -> Picture:
    """131×97 (height × width), both odd, with blobs where the landscape has none."""
    return _draw("portrait", 131, 97, [Click(30, 24), Click(66, 70), Click(24, 108)], seed=2)


def _draw(kind: str, height: int, width: int, clicks: Sequence[Click], seed: int) -> Picture:
    rng = np.random.default_rng(seed)
    y_HW, x_HW = np.mgrid[:height, :width]
    ground_HW1 = (60 + 40 * y_HW / height + 30 * x_HW / width)[..., None]
    image_HWC = ground_HW1 + np.array([0, 12, 25]) * (seed % 2 - 0.5) + rng.normal(0, 2, (height, width, 3))
    colours_C = [(230, 40, 40), (40, 220, 60), (50, 70, 240), (240, 220, 40), (230, 60, 230), (40, 220, 230)]
    objects = []
    ground_HW = np.ones((height, width), bool)
    for number, ((x, y), colour_C) in enumerate(zip(clicks, colours_C, strict=False), start=1):
        squares_HW = (x_HW - x) ** 2 + (y_HW - y) ** 2
        blob_HW, core_HW = squares_HW <= BLOB_RADIUS**2, squares_HW <= (BLOB_RADIUS // 2) ** 2
        image_HWC[blob_HW] = np.array(colour_C) + rng.normal(0, 2, (int(blob_HW.sum()), 3))
        image_HWC[core_HW] -= 25
        ground_HW &= ~blob_HW
        objects.append(_object(number, "blob", blob_HW, core_HW, blob_HW & ~core_HW))
    left_HW = x_HW < width // 2
    objects.append(_object(len(objects) + 1, "ground", ground_HW, ground_HW & left_HW, ground_HW & ~left_HW))
    image_HWC = image_HWC.clip(0, 255).astype(np.uint8)
    sample = Sample(kind, height, width, tuple(objects), image_HWC.copy)
    return Picture(f"{kind} {width}×{height}", image_HWC, tuple(clicks), sample)


def _object(object_id: int, category: str, mask_HW: BoolArray, *parts_HW: BoolArray) -> Object:
    parts = (Part(n, f"part {n}", Mask.from_array(part_HW)) for n, part_HW in enumerate(parts_HW, start=1))
    return Object(object_id, category, Mask.from_array(mask_HW), tuple(parts))
