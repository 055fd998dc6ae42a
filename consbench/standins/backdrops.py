"""Backdrops: what lies behind the objects, with regions of stuff (hills, clouds, rugs) that nobody annotates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from consbench.standins import textures
from consbench.standins.colours import Colour, material, oklch
from consbench.standins.kinds import Place
from consbench.standins.shapes import Outline, blob, ellipse, polygon

Picture = NDArray[np.float32]


def backdrop(rng: np.random.Generator, place: Place, height: int, width: int) -> tuple[Picture, float]:
    """Paint a backdrop, float32 (H, W, 3) sRGB in [0, 1].

    Returns it with the height of the horizon as a share of H from the top: 0 where there is none, so
    that things may lie anywhere.
    """
    if place == "surface":
        return _flat(rng, height, width, _muted(rng), str(rng.choice(textures.FLOORS))), 0.0
    if place == "plain":
        picture = _gradient(_muted(rng), _muted(rng), height, width)
        if rng.random() < 0.7:
            pattern = textures.field(
                rng,
                str(rng.choice(textures.NAMES)),
                height,
                width,
                width * rng.uniform(0.03, 0.12),
                rng.uniform(0, np.pi),
            )
            picture *= 1 + rng.uniform(0.03, 0.14) * pattern[..., None]
        return _stuff(rng, picture, 0.0) if rng.random() < 0.5 else picture, 0.0
    if place == "underwater":
        hue = rng.uniform(185, 255)
        picture = _gradient(
            oklch(rng.uniform(0.6, 0.85), 0.09, hue), oklch(rng.uniform(0.25, 0.5), 0.09, hue + 15), height, width
        )
        rays = textures.noise(rng, height, width, width * 0.5) + textures.noise(rng, height, width, width * 0.06) * 0.4
        picture *= 1 + 0.15 * rays[..., None]
        sand = _land(rng, height, width, rng.uniform(0.78, 0.95), 0.05)
        _lay(
            picture,
            sand,
            oklch(rng.uniform(0.5, 0.75), 0.05, 90),
            textures.field(rng, "speckle", height, width, 3) * 0.1,
        )
        for _ in range(int(rng.integers(0, 4))):
            _lay(picture, _weed(rng, height, width), oklch(rng.uniform(0.35, 0.55), 0.09, rng.uniform(120, 170)))
        return picture, 0.0
    return _standing(rng, place, height, width)


def _standing(rng: np.random.Generator, place: Place, height: int, width: int) -> tuple[Picture, float]:
    horizon = rng.uniform(0.3, 0.62)
    line = int(horizon * height)
    if place == "indoors":
        picture = _gradient(_muted(rng, 0.6), _muted(rng, 0.6), height, width)
        wall = textures.field(
            rng,
            str(rng.choice(["none", "stripes", "dots", "bricks", "noise"])),
            height,
            width,
            width * rng.uniform(0.025, 0.08),
        )
        picture *= 1 + rng.uniform(0.03, 0.1) * wall[..., None]
        if rng.random() < 0.5:
            _window(rng, picture, line)
        floor, pattern = (
            material(rng, "wood") if rng.random() < 0.6 else _muted(rng),
            str(rng.choice(["planks", "tiles", "grain", "noise"])),
        )
        picture[line:] = _flat(rng, height - line, width, floor, pattern)
        picture[max(0, line - 3) : line] *= rng.uniform(0.7, 0.9)
        if rng.random() < 0.5:
            rug = ellipse(
                width * rng.uniform(0.3, 0.7),
                height * rng.uniform(horizon + 0.15, 0.95),
                width * rng.uniform(0.2, 0.4),
                height * rng.uniform(0.06, 0.14),
            )
            _lay(picture, rug, _muted(rng), textures.field(rng, "stripes", height, width, width * 0.04) * 0.12)
        return picture, horizon
    evening = rng.random() < 0.2
    zenith = oklch(rng.uniform(0.5, 0.8), rng.uniform(0.03, 0.11), rng.uniform(225, 260))
    low = (
        oklch(rng.uniform(0.75, 0.9), 0.08, rng.uniform(40, 90))
        if evening
        else oklch(rng.uniform(0.85, 0.96), 0.03, rng.uniform(200, 250))
    )
    picture = _gradient(zenith, low, height, width, horizon)
    cloud = np.clip(
        textures.clouds(rng, height, width, width * rng.uniform(0.15, 0.3)) * 1.6 - rng.uniform(0.0, 0.6), 0, 0.8
    )[..., None]
    picture += (np.float32(0.97) - picture) * cloud.astype(np.float32)
    if place == "outdoors":
        for step in range(int(rng.integers(0, 3))):
            hill = _land(rng, height, width, horizon - 0.10 + 0.06 * step, 0.10)
            _lay(
                picture,
                hill,
                oklch(rng.uniform(0.5, 0.75), 0.05, rng.uniform(110, 250)),
                textures.clouds(rng, height, width, width * 0.1) * 0.06,
            )
    ground = oklch(rng.uniform(0.4, 0.65), 0.07, rng.uniform(195, 240)) if place == "sea" else _ground(rng)
    texture = (
        textures.noise(rng, height - line, width, 3.0, 5.0 if place == "sea" else 1.5) * 0.10
        + textures.clouds(rng, height - line, width, width * 0.15) * 0.10
    )
    depth = np.linspace(1.12, 0.86, height - line, dtype=np.float32)[:, None]
    picture[line:] = ground * (depth * (1 + texture))[..., None]
    if place == "outdoors" and rng.random() < 0.4:
        x, lean = width * rng.uniform(0.2, 0.8), width * rng.uniform(-0.5, 0.5)
        road = polygon(
            [
                (x - width * 0.03, line),
                (x + width * 0.03, line),
                (x + lean + width * 0.3, height),
                (x + lean - width * 0.3, height),
            ]
        )
        _lay(picture, road, oklch(rng.uniform(0.45, 0.75), 0.02, 80), textures.noise(rng, height, width, 2.0) * 0.06)
    return _stuff(rng, picture, horizon) if place == "outdoors" else picture, horizon


def _stuff(rng: np.random.Generator, picture: Picture, horizon: float) -> Picture:
    """Bushes, puddles, stones: blobs without edges that mean anything."""
    height, width = picture.shape[:2]
    for _ in range(int(rng.integers(0, 4))):
        x, y, r = width * rng.uniform(0, 1), height * rng.uniform(horizon, 1), width * rng.uniform(0.05, 0.18)
        turns = np.linspace(0, 2 * np.pi, 9, endpoint=False)
        far = r * rng.uniform(0.7, 1.2, 9)
        outline = blob([(x + f * np.cos(t), y + 0.5 * f * np.sin(t)) for t, f in zip(turns, far, strict=True)])
        colour = _ground(rng) if horizon else _muted(rng)
        _lay(picture, outline, colour, textures.clouds(rng, height, width, 8.0) * 0.15)
    return picture


def _ground(rng: np.random.Generator) -> Colour:
    style = int(rng.integers(0, 4))
    if style < 2:
        return oklch(rng.uniform(0.45, 0.7), rng.uniform(0.06, 0.12), rng.uniform(105, 145))
    return oklch(rng.uniform(0.55, 0.85), rng.uniform(0.01, 0.07), rng.uniform(60, 100))


def _muted(rng: np.random.Generator, darkest: float = 0.42) -> Colour:
    return oklch(rng.uniform(darkest, 0.94), rng.uniform(0.0, 0.09), rng.uniform(0, 360))


def _flat(rng: np.random.Generator, height: int, width: int, colour: Colour, pattern: str) -> Picture:
    field = textures.field(
        rng, pattern, height, width, width * rng.uniform(0.03, 0.09), rng.choice([0.0, 0.0, rng.uniform(-0.6, 0.6)])
    )
    field = field * rng.uniform(0.06, 0.2) + textures.clouds(rng, height, width, width * 0.4) * 0.08
    return (colour * (1 + field)[..., None]).astype(np.float32)


def _gradient(top: Colour, bottom: Colour, height: int, width: int, until: float = 1.0) -> Picture:
    share_H = np.clip(np.linspace(0, 1 / until, height), 0, 1)[:, None, None]
    return np.broadcast_to(top * (1 - share_H) + bottom * share_H, (height, width, 3)).astype(np.float32)


def _land(rng: np.random.Generator, height: int, width: int, level: float, swing: float) -> Outline:
    x = np.linspace(-0.1, 1.1, 9) * width
    y = (level + swing * rng.uniform(-1, 1, 9)) * height
    smooth = np.interp(np.linspace(0, 8, 60), np.arange(9), y)
    smooth = np.convolve(np.pad(smooth, 4, mode="edge"), np.ones(9) / 9, mode="valid")
    return np.concatenate(
        [
            np.stack([np.interp(np.linspace(0, 8, 60), np.arange(9), x), smooth], axis=1),
            [[width * 1.1, height * 1.1], [-width * 0.1, height * 1.1]],
        ]
    )


def _weed(rng: np.random.Generator, height: int, width: int) -> Outline:
    x, tall, wave = width * rng.uniform(0, 1), height * rng.uniform(0.2, 0.5), width * rng.uniform(0.02, 0.05)
    t = np.linspace(0, 1, 14)
    middle = x + wave * np.sin(t * rng.uniform(5, 9))
    half = width * 0.012 * (1 - t) + 1.0
    y = height * 1.02 - tall * t
    return np.concatenate([np.stack([middle - half, y], axis=1), np.stack([middle + half, y], axis=1)[::-1]])


def _window(rng: np.random.Generator, picture: Picture, line: int) -> None:
    height, width = picture.shape[:2]
    w, h = width * rng.uniform(0.15, 0.3), line * rng.uniform(0.4, 0.6)
    x, y = width * rng.uniform(0.05, 0.7), line * rng.uniform(0.1, 0.25)
    frame = material(rng, "pale") if rng.random() < 0.6 else material(rng, "wood")
    _lay(picture, polygon([(x - 4, y - 4), (x + w + 4, y - 4), (x + w + 4, y + h + 4), (x - 4, y + h + 4)]), frame)
    sight = oklch(rng.uniform(0.75, 0.92), 0.04, rng.uniform(180, 260)) if rng.random() < 0.6 else _muted(rng)
    _lay(
        picture,
        polygon([(x, y), (x + w, y), (x + w, y + h), (x, y + h)]),
        sight,
        textures.clouds(rng, height, width, w / 2) * 0.12,
    )


def _lay(picture: Picture, outline_N2: Outline, colour: Colour, field_HW: textures.Field | None = None) -> None:
    """Fill one outline with a colour, in place, with smooth edges."""
    height, width = picture.shape[:2]
    fine = Image.new("L", (width * 2, height * 2))
    ImageDraw.Draw(fine).polygon([(float(x) * 2, float(y) * 2) for x, y in outline_N2], fill=255)
    alpha = (np.asarray(fine.reduce(2), dtype=np.float32) / 255)[..., None]
    paint = colour if field_HW is None else colour * (1 + field_HW[..., None])
    picture += alpha * (paint.astype(np.float32) - picture)
