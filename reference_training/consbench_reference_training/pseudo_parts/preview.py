"""A sheet to look at, as the paper's Figure 3: image, object, regions and parts, one object a row."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from consbench.errors import BadSample, UsageError
from consbench.files import replacing
from consbench.types import Image, Object
from consbench_reference_training.pseudo_parts.algorithm import (
    FEWEST_PARTS,
    LabelledPart,
    LabelMap,
    Slivers,
    cut,
    paint,
)
from consbench_reference_training.pseudo_parts.proposers import RegionProposer
from consbench_reference_training.pseudo_parts.sources import Source

TITLES = ("image", "object", "regions", "parts")
CELL = (260, 200)  # width, height
GAP, LINE = 8, 20
FADED = 80  # of 255 levels of contrast; what is left of the picture around an object, which may itself be dark
TINT = 0.65  # how much of a region's colour covers the picture
GOLDEN_ANGLE = 0.381966  # of the circle of hues; neighbouring labels get hues far apart


class Example(NamedTuple):
    """One row of the sheet; `parts` may be fewer than two, then the object is discarded."""

    image_id: str
    image_HWC: Image
    labels_HW: LabelMap
    whole: Object
    parts: tuple[LabelledPart, ...]


def preview(path: Path, source: Source, proposer: RegionProposer, slivers: Slivers, rows: int = 6) -> int:
    """Draw the sheet of the first images into a PNG file and return its number of rows.

    An image shows its largest object; one whose objects are all discarded shows that too. Images that
    cannot be read are passed over. Raises UsageError where none is left.
    """
    examples: list[Example] = []
    for image_id in source.dataset.ids:
        if len(examples) == rows:
            break
        examples += _example(source, proposer, slivers, image_id)
    if not examples:
        raise UsageError(f"{source.dataset.name} has no readable image with an object, so there is nothing to show")
    with replacing(path) as temporary:
        draw(examples).save(temporary, format="PNG")
    return len(examples)


def _example(source: Source, proposer: RegionProposer, slivers: Slivers, image_id: str) -> Iterator[Example]:
    try:
        sample = source.dataset.load(image_id)
        objects = [whole for whole in sample.objects if not whole.crowd]
        if not objects:
            return
        image_HWC = sample.image()
    except BadSample:
        return
    labels_HW = paint(proposer.propose(image_HWC), sample.height, sample.width)
    cuts = [(whole, cut(whole.mask, labels_HW, slivers)[0]) for whole in objects]
    whole, parts = max(cuts, key=lambda one: (len(one[1]) >= FEWEST_PARTS, one[0].mask.area))
    yield Example(image_id, image_HWC, labels_HW, whole, parts)


def draw(examples: list[Example]) -> Pillow.Image:
    """The sheet: a line of titles, then for each example a caption and its four panels."""
    width, height = CELL
    step = LINE + height + GAP
    sheet = Pillow.new("RGB", (GAP + len(TITLES) * (width + GAP), LINE + GAP + len(examples) * step), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for column, title in enumerate(TITLES):
        pen.text((GAP + column * (width + GAP), 2), title, fill="black", font=font)
    for row, example in enumerate(examples):
        top = LINE + GAP + row * step
        fate = "" if len(example.parts) >= FEWEST_PARTS else ": discarded"
        what = f"{example.image_id}, object {example.whole.object_id} ({example.whole.category})"
        pen.text((GAP, top), f"{what}: {len(example.parts)} parts{fate}", fill="black", font=font)
        for column, panel in enumerate(panels(example)):
            sheet.paste(_fit(panel), (GAP + column * (width + GAP), top + LINE))
    return sheet


def panels(example: Example) -> list[Image]:
    """The four pictures of one example, each uint8 (H, W, 3)."""
    whole_HW = example.whole.mask.array()
    parts_HW = np.zeros_like(example.labels_HW)
    for part in example.parts:
        parts_HW[part.mask.array()] = part.label
    image_HWC = example.image_HWC
    faded_HWC = np.where(whole_HW[..., None], image_HWC, (255 - FADED + FADED * (image_HWC / 255)).astype(np.uint8))
    return [image_HWC, faded_HWC, tinted(image_HWC, example.labels_HW), tinted(faded_HWC, parts_HW)]


def tinted(image_HWC: Image, labels_HW: LabelMap) -> Image:
    """The picture under the colours of its labels; label 0 has none."""
    colours_L3 = _colours(int(labels_HW.max(initial=0)) + 1)
    mixed_HWC = (1 - TINT) * image_HWC + TINT * colours_L3[labels_HW]
    return np.where(labels_HW[..., None] > 0, mixed_HWC, image_HWC).astype(np.uint8)


def _colours(count: int) -> NDArray[np.float64]:
    hues = (label * GOLDEN_ANGLE % 1 for label in range(count))
    return np.array([colorsys.hsv_to_rgb(hue, 0.85, 1.0) for hue in hues]) * 255


def _fit(image_HWC: Image) -> Pillow.Image:
    picture = Pillow.fromarray(image_HWC)
    picture.thumbnail(CELL)
    return picture
