"""The nouns: what a dataset holds and what a click is.

Legend of axes, used as suffixes of array names everywhere:
    N clicks · K outputs of the model · H rows (y, down) · W columns (x, right) · C colour channels
    (R, G, B) · P pairs of clicks

Frame: every coordinate is (x, y) = (column, row), an integer pixel index in the original image, whose
top left pixel is (0, 0). Adapters convert to what their model wants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from consbench.errors import BadSample
from consbench.masks import Mask

Image = NDArray[np.uint8]


class Click(NamedTuple):
    """One positive click at pixel (x, y) of the original image."""

    x: int
    y: int


class Skip(NamedTuple):
    """Something a loader left out on purpose: what it was, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Part:
    """One annotated part of an object. `part_id` is unique within its object."""

    part_id: int
    category: str
    mask: Mask


@dataclass(frozen=True, slots=True)
class Object:
    """One annotated object with its parts. `object_id` is unique within its image."""

    object_id: int
    category: str
    mask: Mask
    parts: tuple[Part, ...]
    crowd: bool = False

    def __post_init__(self) -> None:
        ids = [part.part_id for part in self.parts]
        if len(set(ids)) != len(ids):
            raise ValueError(f"object {self.object_id}: part ids must differ; got {ids}")


@dataclass(frozen=True, slots=True)
class Sample:
    """One image with its annotated objects; pixels are read when `image()` is called.

    Attributes:
        image_id: unique within the dataset; names the sample in every record.
        height, width: size in pixels of the frame that masks and clicks live in.
        objects: the annotated objects, in the order of the annotation.
        read_image: returns the image, uint8 (H, W, 3), RGB; raises BadSample where it cannot.
        skipped: annotations the loader left out, and why.
    """

    image_id: str
    height: int
    width: int
    objects: tuple[Object, ...]
    read_image: Callable[[], Image] = field(repr=False, compare=False)
    skipped: tuple[Skip, ...] = ()

    def __post_init__(self) -> None:
        ids = [obj.object_id for obj in self.objects]
        if len(set(ids)) != len(ids):
            raise ValueError(f"image {self.image_id}: object ids must differ; got {ids}")
        for obj in self.objects:
            for mask in (obj.mask, *(part.mask for part in obj.parts)):
                if mask.shape != (self.height, self.width):
                    raise BadSample(
                        f"image {self.image_id}: a mask of object {obj.object_id} is {mask.shape[0]}×"
                        f"{mask.shape[1]} (height × width), the image {self.height}×{self.width}"
                    )

    def image(self) -> Image:
        """Read the image: uint8 (H, W, 3), RGB. Raises BadSample if it is unreadable or of another size."""
        image_HWC = self.read_image()
        wanted = (self.height, self.width, 3)
        if image_HWC.dtype != np.uint8 or image_HWC.shape != wanted:
            raise BadSample(
                f"image {self.image_id}: expected uint8 of shape {wanted} (H, W, RGB); "
                f"got {image_HWC.dtype} of shape {image_HWC.shape}"
            )
        return image_HWC
