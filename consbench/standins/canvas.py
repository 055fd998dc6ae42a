"""Painting pieces on a picture, while keeping, for every pixel, whose it is and of which piece.

Edges are drawn three times as fine and averaged. A pixel belongs to the piece at its centre: the
middle one of the nine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import gaussian_filter

from consbench.standins import textures
from consbench.standins.colours import Colour
from consbench.standins.shapes import Piece

FINE = 3
NOBODY = -1


@dataclass(slots=True)
class Canvas:
    """A picture in the making.

    rgb_HWC     float32, sRGB in [0, 1]
    owner_HW    int16, the number of the object a pixel shows, or -1
    piece_HW    int16, the number of that object's piece
    """

    rgb_HWC: NDArray[np.float32]
    owner_HW: NDArray[np.int16]
    piece_HW: NDArray[np.int16]

    @classmethod
    def on(cls, backdrop_HWC: NDArray[np.float32]) -> Canvas:
        """A canvas on which nothing but the backdrop is seen."""
        size = backdrop_HWC.shape[:2]
        return cls(backdrop_HWC, np.full(size, NOBODY, np.int16), np.zeros(size, np.int16))


@dataclass(frozen=True, slots=True)
class Look:
    """How the pieces of one object are painted.

    Attributes:
        colours: one sRGB colour for every piece.
        pattern, pattern_cell, pattern_angle: a pattern of `textures`, its pixels, its direction.
        contrast: how strong the pattern is, for every piece.
        relief: how round the object looks, 0 for flat.
        ink: how dark the lines around pieces are, 0 for none.
    """

    colours: Sequence[Colour]
    pattern: str
    pattern_cell: float
    pattern_angle: float
    contrast: Sequence[float]
    relief: float
    ink: float


@dataclass(frozen=True, slots=True)
class Light:
    """Where light comes from (unit vector in the image, y down), and how dark and soft shadows are."""

    x: float
    y: float
    shadow: float
    softness: float


def paint(
    canvas: Canvas,
    pieces: Sequence[Piece],
    look: Look,
    light: Light,
    owner: int,
    rng: np.random.Generator,
    *,
    cast: str,
) -> int:
    """Paint one object over what is there; return how many pixels it has before others hide it.

    `pieces` are in pixels. `cast` is "ground" for a shadow that lies on the ground behind the object,
    "near" for one close to it, "none" for none. Pixels of `owner` -1 belong to nobody.
    """
    height, width = canvas.owner_HW.shape
    points_N2 = np.concatenate([piece.outline_N2 for piece in pieces])
    x0, y0 = np.maximum(np.floor(points_N2.min(axis=0)).astype(int) - 1, 0)
    x1, y1 = np.minimum(np.ceil(points_N2.max(axis=0)).astype(int) + 2, (width, height))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return 0
    fine = Image.new("L", (int(x1 - x0) * FINE, int(y1 - y0) * FINE))
    draw = ImageDraw.Draw(fine)
    for number, piece in enumerate(pieces, 1):
        # Whole fine pixels: rounding here keeps the masks the same whatever the last bit of a sine is.
        corners = np.floor((piece.outline_N2 - (x0, y0)) * FINE + 0.5).astype(int)
        draw.polygon([(int(x), int(y)) for x, y in corners], fill=number)
    number_HW = np.asarray(fine)[1::FINE, 1::FINE]
    cover = fine.point([0] + [255] * 255).reduce(FINE)
    fine_colours = fine.copy()
    levels = (np.stack([np.zeros(3), *look.colours]).clip(0, 1) * 255).round().astype(np.uint8)
    fine_colours.putpalette(levels.tobytes())
    rgb_HWC = np.asarray(fine_colours.convert("RGB").reduce(FINE), dtype=np.float32) / 255
    alpha_HW = np.asarray(np.asarray(cover) / 255, dtype=np.float32)

    if cast != "none":
        _shadow(canvas, cover, (int(x0), int(y0)), light, cast)
    lit_HW = _lighting(number_HW, alpha_HW, look, light, rng)
    if look.ink > 0:
        lit_HW *= 1 - look.ink * _lines(np.asarray(fine))
    window = np.s_[int(y0) : int(y1), int(x0) : int(x1)]
    # Dark edge colours come weighted by cover already, because the palette's first colour is black.
    canvas.rgb_HWC[window] = rgb_HWC * lit_HW[..., None] + canvas.rgb_HWC[window] * (1 - alpha_HW[..., None])
    mine_HW = number_HW > 0
    canvas.owner_HW[window][mine_HW] = owner
    canvas.piece_HW[window][mine_HW] = number_HW[mine_HW].astype(np.int16) - 1
    return int(mine_HW.sum())


def _lighting(
    number_HW: NDArray[np.uint8], alpha_HW: NDArray[np.float32], look: Look, light: Light, rng: np.random.Generator
) -> NDArray[np.float32]:
    height, width = alpha_HW.shape
    contrast = np.array([0.0, *look.contrast], dtype=np.float32)
    pattern_HW = textures.field(rng, look.pattern, height, width, look.pattern_cell, look.pattern_angle)
    lit_HW = np.asarray(1 + contrast[number_HW] * pattern_HW, dtype=np.float32)
    if look.relief > 0:
        sigma = max(1.5, 0.05 * max(height, width))
        round_HW = gaussian_filter(alpha_HW, sigma, mode="constant", truncate=2.5) * sigma * 1.6
        steps_HW = gaussian_filter(number_HW.astype(np.float32), 0.9, mode="nearest", truncate=2.5) * 0.035
        slope_y, slope_x = np.gradient(round_HW + np.minimum(steps_HW, 1.0))
        facing_HW = np.clip(-(slope_x * light.x + slope_y * light.y), -0.8, 0.8)
        lit_HW += (look.relief * facing_HW).astype(np.float32)
    return lit_HW


def _lines(fine_HW: NDArray[np.uint8]) -> NDArray[np.float32]:
    edge_HW = np.zeros(fine_HW.shape, dtype=np.uint8)
    edge_HW[1:] |= fine_HW[1:] != fine_HW[:-1]
    edge_HW[:, 1:] |= fine_HW[:, 1:] != fine_HW[:, :-1]
    edge_HW[1:] |= edge_HW[:-1]
    edge_HW[:, 1:] |= edge_HW[:, :-1]
    return np.asarray(np.asarray(Image.fromarray(edge_HW * 255).reduce(FINE)) / 255, dtype=np.float32)


def _shadow(canvas: Canvas, cover: Image.Image, corner: tuple[int, int], light: Light, cast: str) -> None:
    """Darken, around an object that is about to be painted, what its shadow falls on."""
    height, width = canvas.owner_HW.shape
    across, down = cover.size
    reach = max(cover.size)
    blur = max(1.0, light.softness * reach)
    margin = int(blur * 2.5) + 2
    drop, slide, lean = 0.06 * reach, light.x * 0.05 * reach, light.x * 0.8 * down if cast == "ground" else 0.0
    left, right = corner[0] - margin - max(lean, slide, 0), corner[0] + across + margin - min(lean, slide, 0)
    x0, x1 = max(0, int(left)), min(width, int(right) + 1)
    y0, y1 = max(0, corner[1] - margin), min(height, corner[1] + down + margin + int(drop))
    # From a pixel of the window to the pixel of `cover` whose shadow falls there.
    to_x, to_y = x0 - corner[0], y0 - corner[1]
    if cast == "ground":
        # The figure leans away from the light and is laid flat about its lowest line.
        base, flat = down - 2, 0.28
        skew = light.x * 0.8 / flat
        coefficients = (1.0, -skew, to_x + skew * (base - to_y), 0.0, 1 / flat, base + (to_y - base) / flat)
    else:
        coefficients = (1.0, 0.0, to_x + slide, 0.0, 1.0, to_y - drop)
    shadow = cover.transform((x1 - x0, y1 - y0), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    shadow = shadow.filter(ImageFilter.GaussianBlur(blur))
    canvas.rgb_HWC[y0:y1, x0:x1] *= (1 - light.shadow / 255 * np.asarray(shadow, dtype=np.float32))[..., None]
