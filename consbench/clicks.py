"""Where the user clicks: an object and one of its parts -> one pixel of the image.

The protocol's click is the centre of the part; the other strategies exist to ask how much the answer
depends on that choice. A strategy is a value with a name that parses back, and everything random in it
is derived from its seed and the ids, never from a shared generator. Clicks that follow from no rule come
one by one, in a list; `Listed` is the name of one.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from consbench.errors import UnknownName, UsageError
from consbench.masks import BoolArray, Mask
from consbench.types import Click, Object, Part

Kind = Literal["part-centre", "object-centre", "part-centroid", "random", "jitter"]
LISTED = "listed:"
_NAME = re.compile(r"(?P<kind>[a-z-]+)(?:@(?P<radius>\d+(?:\.\d+)?))?(?:#(?P<seed>\d+))?")


@dataclass(frozen=True, slots=True)
class ClickStrategy:
    """How a click is chosen for one part of one object.

    part-centre     the pixel of the part farthest from everything outside it, see `centre`
    object-centre   the same of the whole object: one click, whatever the part
    part-centroid   the pixel of the part nearest to its centroid
    random#SEED     a pixel of the part, each equally likely
    jitter@R#SEED   a pixel of the part at most R pixels from its centre, each equally likely

    >>> ClickStrategy.parse("jitter@5#7")
    ClickStrategy(kind='jitter', radius=5.0, seed=7)
    >>> str(ClickStrategy.parse("jitter@5#7")), str(ClickStrategy())
    ('jitter@5#7', 'part-centre')
    """

    kind: Kind = "part-centre"
    radius: float = 0.0
    seed: int = 0

    @classmethod
    def parse(cls, text: str) -> ClickStrategy:
        """Parse a name; raises UnknownName or UsageError where it is none."""
        if text.startswith(LISTED):
            raise UsageError(f"'{text}' names a list of clicks, which no name holds: give the file with --clicks FILE")
        match = _NAME.fullmatch(text)
        kind = match["kind"] if match else text.split("@")[0].split("#")[0]
        if kind not in get_args(Kind):
            raise UnknownName("click strategy", kind, get_args(Kind))
        if match is None:
            raise UsageError(
                f"'{text}' is not a click strategy; the forms are part-centre, random#SEED and jitter@RADIUS#SEED"
            )
        if (match["radius"] is not None) != (kind == "jitter"):
            raise UsageError(f"'{text}': a radius belongs to jitter and to nothing else, as in jitter@5#0")
        if match["seed"] is not None and kind not in ("random", "jitter"):
            raise UsageError(f"'{text}': {kind} draws nothing, so it takes no seed")
        return cls(kind, float(match["radius"] or 0), int(match["seed"] or 0))  # type: ignore[arg-type]

    def __str__(self) -> str:
        if self.kind == "random":
            return f"random#{self.seed}"
        return f"jitter@{self.radius:g}#{self.seed}" if self.kind == "jitter" else self.kind

    def click(self, image_id: str, obj: Object, part: Part) -> Click:
        """Return the click for a part with a non-empty mask."""
        match self.kind:
            case "part-centre":
                return centre(part.mask)
            case "object-centre":
                return centre(obj.mask)
            case "part-centroid":
                return centroid_inside(part.mask)
            case "random":
                candidates = part.mask.array()
            case "jitter":
                candidates = part.mask.array() & _disc(part.mask.shape, centre(part.mask), self.radius)
        draw = np.random.default_rng(_seed(self.seed, image_id, obj.object_id, part.part_id))
        y, x = np.argwhere(candidates)[draw.integers(int(candidates.sum()))].tolist()
        return Click(x, y)


@dataclass(frozen=True, slots=True)
class Listed:
    """Clicks that were given one by one: the name of a `consbench.clicklist.ClickList`, not the list itself.

    >>> str(Listed("0123456789abcdef"))
    'listed:0123456789abcdef'

    Attributes:
        digest: of the list, see `ClickList.digest`.
    """

    digest: str

    def __str__(self) -> str:
        return f"{LISTED}{self.digest}"


def parse_clicks(text: str) -> ClickStrategy | Listed:
    """Parse what `str` made of a strategy or of a list's name; raises UnknownName or UsageError as `ClickStrategy`.

    >>> parse_clicks("listed:0123456789abcdef"), parse_clicks("random#7").seed
    (Listed(digest='0123456789abcdef'), 7)
    """
    return Listed(text.removeprefix(LISTED)) if text.startswith(LISTED) else ClickStrategy.parse(text)


def centre(mask: Mask) -> Click:
    """Return the pixel at the maximum of the exact Euclidean distance transform of a non-empty mask.

    The mask is padded with one pixel of background, so the image border counts as an edge. Distances
    are compared as squared integers, so ties are true ties; the first in row-major order (smallest y,
    then smallest x) wins. Evaluation protocol of the SAM paper, section 7.1, made exact.

    >>> ring = np.ones((5, 5), bool); ring[1:4, 1:4] = False
    >>> centre(Mask.from_array(ring))
    Click(x=0, y=0)
    """
    left, top, width, height = _box(mask)
    # The nearest outside pixel of a pixel inside lies within one pixel of the box, so the box is enough.
    inside = np.pad(mask.array()[top : top + height, left : left + width], 1)
    squared = squared_distance(inside)
    y, x = divmod(int(squared.argmax()), inside.shape[1])
    return Click(left + x - 1, top + y - 1)


def squared_distance(inside_HW: BoolArray) -> NDArray[np.int64]:
    """Squared Euclidean distance in pixels of every inside pixel to the nearest outside one: int64 (H, W)."""
    from scipy import ndimage  # half a second of start-up that only a run needs

    nearest_2HW = ndimage.distance_transform_edt(inside_HW, return_distances=False, return_indices=True)
    offset_2HW = nearest_2HW.astype(np.int64) - np.indices(inside_HW.shape)
    squared: NDArray[np.int64] = (offset_2HW**2).sum(axis=0)
    return squared


def centroid_inside(mask: Mask) -> Click:
    """Return the pixel of a non-empty mask that is nearest to its centroid; ties: first in row-major order."""
    left, top, width, height = _box(mask)
    yx_M2 = np.argwhere(mask.array()[top : top + height, left : left + width])
    # Scaled by the number of pixels, the centroid is an integer, and the comparison exact.
    offset_M2 = yx_M2 * len(yx_M2) - yx_M2.sum(axis=0)
    y, x = yx_M2[int((offset_M2.astype(object) ** 2).sum(axis=1).argmin())].tolist()
    return Click(left + x, top + y)


def _box(mask: Mask) -> tuple[int, int, int, int]:
    box = mask.box
    if box[2] == 0:
        raise ValueError("an empty mask has no pixel to click on")
    return box


def _disc(shape: tuple[int, int], middle: Click, radius: float) -> BoolArray:
    y_HW, x_HW = np.indices(shape)
    disc: BoolArray = (x_HW - middle.x) ** 2 + (y_HW - middle.y) ** 2 <= radius**2
    return disc


def _seed(seed: int, image_id: str, object_id: int, part_id: int) -> int:
    text = f"{seed}\t{image_id}\t{object_id}\t{part_id}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
