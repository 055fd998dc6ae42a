"""Patterns: scalar fields, float32 (H, W) in about [-1, 1], that brighten and darken a colour."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.float32]
NAMES = ("none", "noise", "speckle", "stripes", "checks", "dots", "grain", "fur")
FLOORS = ("noise", "speckle", "tiles", "planks", "stripes", "grain", "bricks")


def noise(rng: np.random.Generator, height: int, width: int, cell: float, stretch: float = 1.0) -> Field:
    """Smooth noise whose features are about `cell` pixels wide, and `stretch` times as long along x."""
    rows, columns = int(height / cell) + 3, int(width / (cell * stretch)) + 3
    coarse = Image.fromarray(rng.standard_normal((rows, columns), dtype=np.float32))
    fine_HW = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)
    return np.asarray(fine_HW * 0.6, dtype=np.float32)


def clouds(rng: np.random.Generator, height: int, width: int, cell: float) -> Field:
    """Noise of three scales together, as of clouds or worn paint."""
    octaves = ((0.6, 1.0), (0.3, 2.5), (0.15, 6.0))
    layers = [np.float32(weight) * noise(rng, height, width, cell / finer) for weight, finer in octaves]
    return np.asarray(np.sum(layers, axis=0), dtype=np.float32)


def field(rng: np.random.Generator, name: str, height: int, width: int, cell: float, angle: float = 0.0) -> Field:
    """One pattern of `NAMES` or `FLOORS` over (H, W), with features of about `cell` pixels, turned by `angle`."""
    return np.asarray(_field(rng, name, height, width, max(cell, 2.0), angle), dtype=np.float32)


def _field(rng: np.random.Generator, name: str, height: int, width: int, cell: float, angle: float) -> Any:
    if name == "noise":
        return clouds(rng, height, width, cell * 2)
    if name == "speckle":
        return noise(rng, height, width, 1.5)
    if name == "none":
        return np.zeros((height, width), dtype=np.float32)
    y_H1, x_1W = np.ogrid[0:height, 0:width]
    u = ((x_1W * np.cos(angle) + y_H1 * np.sin(angle)) / cell + rng.uniform(0, 9)).astype(np.float32)
    v = ((y_H1 * np.cos(angle) - x_1W * np.sin(angle)) / cell + rng.uniform(0, 9)).astype(np.float32)
    if name == "stripes":
        return np.tanh(3 * np.sin(np.pi * u))
    if name == "checks":
        return np.tanh(4 * np.sin(np.pi * u) * np.sin(np.pi * v))
    if name == "dots":
        return np.tanh(6 * (0.32 - np.hypot(u % 1.6 - 0.8, v % 1.6 - 0.8))) * 0.9
    if name == "grain":
        return (
            np.sin(4 * (u + 0.9 * noise(rng, height, width, cell * 2, 3.0))) * 0.6
            + noise(rng, height, width, 1.5, 6.0) * 0.4
        )
    if name == "fur":
        return noise(rng, height, width, 1.4, 4.0) * 0.9 + noise(rng, height, width, cell * 1.5) * 0.5
    if name == "tiles":
        return _joints(u % 2, v % 2, 2.0, 2.0, cell) + _each(rng, u // 2, v // 2) * 0.4
    if name == "planks":
        row = v // 1.5
        along = (u + row * 2.7) % 7
        return (
            _joints(along, v % 1.5, 7.0, 1.5, cell)
            + _each(rng, (u + row * 2.7) // 7, row) * 0.6
            + noise(rng, height, width, 1.5, 8.0) * 0.3
        )
    if name == "bricks":
        row = v // 1.2
        shifted = u + (row % 2) * 1.2
        return _joints(shifted % 2.4, v % 1.2, 2.4, 1.2, cell) + _each(rng, shifted // 2.4, row) * 0.5
    raise ValueError(f"no pattern is called '{name}'; there are {', '.join(sorted({*NAMES, *FLOORS}))}")


def _joints(u: Field, v: Field, period_u: float, period_v: float, cell: float) -> Field:
    """Minus one along the borders of cells, zero inside; about a pixel wide."""
    edge = np.minimum(np.minimum(u, period_u - u), np.minimum(v, period_v - v)) * cell
    return np.asarray(-np.clip(1.3 - edge, 0, 1), dtype=np.float32)


def _each(rng: np.random.Generator, u: Field, v: Field) -> Field:
    """One random level for every cell, looked up in a small table."""
    table = rng.uniform(-1, 1, 97).astype(np.float32)
    levels: Field = table[(u.astype(np.int64) * 7 + v.astype(np.int64) * 31) % 97]
    return levels
