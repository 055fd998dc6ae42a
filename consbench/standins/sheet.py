"""Contact sheets: images beside their parts and objects in colours, for looking."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from consbench.standins.colours import oklch
from consbench.types import Sample

Pixels = NDArray[np.uint8]


def contact_sheet(
    samples: Sequence[Sample], *, columns: int = 8, cell: int = 192, overlays: bool = True
) -> Image.Image:
    """Lay out samples in rows: each image, and below it (with `overlays`) its parts and its objects.

    Every image is fitted into a square of `cell` pixels. Nested parts cover what they are nested in.
    """
    views = 3 if overlays else 1
    rows = -(-len(samples) // columns)
    sheet = Image.new("RGB", (columns * cell, rows * views * cell), "white")
    for place, sample in enumerate(samples):
        row, column = divmod(place, columns)
        image_HWC = sample.image()
        parts = [part.mask.array() for obj in sample.objects for part in obj.parts]
        tiles = [image_HWC, _tinted(image_HWC, parts), _tinted(image_HWC, [obj.mask.array() for obj in sample.objects])]
        for view, tile_HWC in enumerate(tiles[:views]):
            tile = Image.fromarray(tile_HWC)
            tile.thumbnail((cell - 2, cell - 2))
            sheet.paste(tile, (column * cell, (row * views + view) * cell))
    return sheet


def _tinted(image_HWC: Pixels, masks: Sequence[NDArray[np.bool_]]) -> Pixels:
    """The image darkened, with every mask in a colour of its own, the largest first."""
    tinted_HWC = image_HWC * 0.35
    for number, mask_HW in enumerate(sorted(masks, key=lambda mask_HW: -int(mask_HW.sum()))):
        # Hues a golden angle apart differ for as many masks as there are.
        tinted_HWC[mask_HW] = (
            image_HWC[mask_HW] * 0.3 + oklch(0.55 + 0.3 * (number % 3) / 2, 0.15, number * 137.5) * 178
        )
    return np.asarray(tinted_HWC.clip(0, 255), dtype=np.uint8)
