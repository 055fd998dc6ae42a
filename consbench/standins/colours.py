"""Colours that go together: a palette of paint roles for each object and for each backdrop.

Colours are chosen in OKLCH (lightness, chroma, hue), where equal steps look equal, and handed out as
sRGB, float64 in [0, 1]. The conversion is Björn Ottosson's "A perceptual color space for image
processing" (2020).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.float64]
Blend = Literal["contrasting", "shared", "patchwork"]

# Ranges of lightness, chroma and hue in degrees; a material looks like itself on every object.
MATERIALS: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "pale": ((0.84, 0.96), (0.0, 0.05), (40, 280)),
    "dark": ((0.20, 0.32), (0.0, 0.03), (0, 360)),
    "warm": ((0.66, 0.84), (0.11, 0.17), (45, 95)),
    "red": ((0.50, 0.62), (0.15, 0.21), (18, 34)),
    "lamp": ((0.88, 0.96), (0.05, 0.13), (85, 105)),
    "skin": ((0.50, 0.84), (0.05, 0.09), (42, 66)),
    "hair": ((0.24, 0.72), (0.02, 0.10), (40, 85)),
    "glass": ((0.58, 0.84), (0.03, 0.08), (200, 245)),
    "wood": ((0.46, 0.72), (0.05, 0.10), (52, 76)),
    "leaf": ((0.44, 0.68), (0.09, 0.16), (118, 152)),
    "bark": ((0.32, 0.48), (0.03, 0.07), (45, 75)),
    "clay": ((0.50, 0.66), (0.08, 0.13), (35, 52)),
    "metal": ((0.62, 0.82), (0.0, 0.02), (200, 280)),
    "rubber": ((0.22, 0.30), (0.0, 0.02), (200, 300)),
}


def oklch(lightness: float, chroma: float, hue_degrees: float) -> Colour:
    """One colour as sRGB, clipped to what a screen shows.

    >>> oklch(1.0, 0.0, 0.0).round(3).tolist(), oklch(0.0, 0.0, 0.0).round(3).tolist()
    ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0])
    """
    a, b = chroma * math.cos(math.radians(hue_degrees)), chroma * math.sin(math.radians(hue_degrees))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    return np.array([_encoded(min(max(light, 0.0), 1.0)) for light in (red, green, blue)])


def _encoded(light: float) -> float:
    """The transfer curve of sRGB (IEC 61966-2-1)."""
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def material(rng: np.random.Generator, name: str) -> Colour:
    """A colour of one of `MATERIALS`."""
    return oklch(*(rng.uniform(low, high) for low, high in MATERIALS[name]))


def palette(rng: np.random.Generator, coat: str, blend: Blend) -> dict[str, Colour]:
    """Colours for "base", "second" and "accent", which agree with one another, and for every material.

    Under the blend "shared" the three nearly coincide, and the materials lean towards them, so that
    parts can be told apart by shape only.
    """
    colours = {name: material(rng, name) for name in MATERIALS}
    if coat == "fur" and rng.random() < 0.7:
        hue, chroma, light = rng.uniform(35, 95), rng.uniform(0.01, 0.11), rng.uniform(0.34, 0.88)
    else:
        hue, chroma, light = rng.uniform(0, 360), rng.uniform(0.04, 0.17), rng.uniform(0.40, 0.80)
    base = oklch(light, chroma, hue)
    if blend == "shared":
        colours |= {
            name: colour * 0.3 + base * 0.7 for name, colour in colours.items() if name not in ("dark", "glass", "red")
        }
        near = (oklch(light + rng.uniform(-0.05, 0.05), chroma, hue + rng.uniform(-10, 10)) for _ in range(2))
        return colours | dict(zip(("base", "second", "accent"), (base, *near), strict=True))
    step = float(rng.choice([30.0, -30.0, 150.0, 180.0, 210.0]))
    second = oklch(
        float(np.clip(light + rng.choice([-0.2, 0.18]), 0.28, 0.92)),
        chroma * rng.uniform(0.5, 1.0),
        hue + step * rng.uniform(0.8, 1.2),
    )
    accent = oklch(rng.uniform(0.5, 0.85), rng.uniform(0.1, 0.18), hue + 180 + rng.uniform(-50, 50))
    return colours | {"base": base, "second": second, "accent": accent}
