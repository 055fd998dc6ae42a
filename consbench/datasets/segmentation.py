"""COCO's codes of a mask -> `Mask`: polygons, run lengths as a list, run lengths as compressed text.

The codes come from files that people made and cut, and pycocotools trusts what it is given: a box of
four numbers where a polygon was meant, an outline that leaves the image by miles, run lengths that
cover more pixels than there are. Each is caught here, before pycocotools sees it.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from typing import Any, NamedTuple

from pycocotools import mask as coco

from consbench.masks import Mask

POLYGON_NUMBERS = 6  # three corners; two make no area, and pycocotools takes four numbers for a box
LONGEST_NUMBER_BITS = 35  # of a run in compressed text; longer ones overflow in other readers


class Decoded(NamedTuple):
    """A mask, or None and why there is none; and what was wrong with single polygons."""

    mask: Mask | None
    reason: str = ""
    dropped: tuple[str, ...] = ()


def decode(segmentation: Any, height: int, width: int) -> Decoded:
    """Make a mask of `height` × `width` pixels of polygons or run lengths.

    Polygons of fewer than 6 numbers are left out and named in `dropped`. Run lengths may be a list of
    counts or COCO's compressed text. Raises ValueError where the code is damaged or of another size.

    >>> decode([[0, 0, 2, 0, 2, 2, 0, 2]], 4, 4).mask.area
    4
    >>> decode([[1, 1, 3, 3]], 4, 4).reason
    'no polygon has 3 corners'
    >>> decode({"size": [2, 2], "counts": [1, 3]}, 2, 2).mask.area
    3
    """
    if segmentation is None or segmentation == []:
        return Decoded(None, "it has no segmentation")
    if isinstance(segmentation, dict):
        mask = _decode_runs(segmentation, height, width)
        dropped: tuple[str, ...] = ()
    else:
        polygons, dropped = _sound_polygons(segmentation, height, width)
        if not polygons:
            return Decoded(None, "no polygon has 3 corners", dropped)
        merged = coco.merge(coco.frPyObjects(polygons, height, width))
        mask = Mask(height, width, merged["counts"])
    return Decoded(mask, "", dropped) if mask.area else Decoded(None, "its mask is empty", dropped)


def _sound_polygons(polygons: Any, height: int, width: int) -> tuple[list[list[float]], tuple[str, ...]]:
    sound, dropped = [], []
    if not isinstance(polygons, list):
        raise ValueError(f"a segmentation is a list of polygons or run lengths; got {type(polygons).__name__}")
    for position, polygon in enumerate(polygons):
        if not isinstance(polygon, array):  # `_slim` packs what is a list of numbers
            try:
                polygon = array("d", polygon)
            except (TypeError, OverflowError):
                raise ValueError(f"polygon {position} is no list of numbers") from None
        if len(polygon) < POLYGON_NUMBERS:
            dropped.append(f"polygon {position} has {len(polygon)} numbers, {POLYGON_NUMBERS} make an area")
            continue
        if len(polygon) % 2:
            raise ValueError(f"polygon {position} has {len(polygon)} numbers; x and y come in pairs")
        reach = 2 * max(height, width)  # drawing an outline takes memory in proportion to its length
        if not all(math.isfinite(v) and -reach <= v <= reach for v in polygon):
            raise ValueError(f"polygon {position} reaches far out of the image of {width}×{height} pixels")
        sound.append(polygon.tolist())
    return sound, tuple(dropped)


def _decode_runs(code: Mapping[str, Any], height: int, width: int) -> Mask:
    size, counts = code.get("size"), code.get("counts")
    if size != [height, width]:
        raise ValueError(f"its mask has size {size}, the image {[height, width]} (height, width)")
    if isinstance(counts, str):
        runs = run_lengths(counts)
        packed = counts.encode("ascii")
    elif isinstance(counts, list) and all(type(run) is int for run in counts):
        runs = counts
        packed = b""
    else:
        raise ValueError("run lengths must be a list of whole numbers or COCO's compressed text")
    # pycocotools trusts the counts and would write beyond the mask.
    if min(runs, default=0) < 0:
        raise ValueError(f"its run lengths hold a negative one, {min(runs)}")
    if sum(runs) != height * width:
        raise ValueError(f"its run lengths cover {sum(runs)} pixels, the image has {height * width}")
    if not packed:
        packed = coco.frPyObjects({"size": size, "counts": runs}, height, width)["counts"]
    return Mask(height, width, packed)


def run_lengths(counts: str) -> list[int]:
    """Unpack COCO's compressed run lengths: 5 bits per character, differences to the run before last.

    Raises ValueError where a character is foreign or the text ends within a number.

    >>> run_lengths("13")
    [1, 3]
    """
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise ValueError(f"its compressed run lengths hold the foreign character {character!r}")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            if shift >= LONGEST_NUMBER_BITS:
                raise ValueError("its compressed run lengths hold a number without end")
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    if shift:
        raise ValueError("its compressed run lengths end within a number")
    return runs
