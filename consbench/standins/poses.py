"""Where an object stands, how it is turned, and what it wears."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from consbench.standins import textures
from consbench.standins.canvas import Look
from consbench.standins.colours import Blend, oklch, palette
from consbench.standins.kinds import Kind
from consbench.standins.shapes import Piece, fitted

# Extent of an object's longer side as a share of the image's longer side.
EXTENT = {"several": (0.28, 0.72), "single": (0.50, 1.0), "clutter": (0.16, 0.36)}
SMOOTH = frozenset({"glass", "dark", "lamp", "metal", "rubber", "skin", "red"})


class Posed(NamedTuple):
    """One object, turned and scaled, but not yet put anywhere.

    pieces      in pixels, the corner of their box at (0, 0)
    size        (width, height) of the box
    """

    kind: Kind
    pieces: list[Piece]
    size: tuple[float, float]
    ground: float


def posed(rng: np.random.Generator, kind: Kind, profile: str, horizon: float, frame: tuple[int, int]) -> Posed:
    """Draw one object of a kind and pose it for an image of `frame` (height, width).

    It is mirrored half of the time, stretched, sheared and turned a little, or at any angle if it
    lies. Before a horizon, what stands farther away is smaller.
    """
    height, width = frame
    pieces = fitted(kind.draw(rng))
    low, high = EXTENT[profile]
    extent = rng.uniform(low, high) * max(frame) * (kind.bulk if profile != "single" else 1.0)
    free = kind.stance == "lies" and not horizon and rng.random() < 0.6
    turn = rng.uniform(-np.pi, np.pi) if free else rng.normal(0, 0.05 if horizon else 0.15)
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    view = np.array([[mirror * rng.uniform(0.88, 1.12), rng.normal(0, 0.05)], [0.0, 1.0]])
    view = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ view
    points_N2 = np.concatenate([piece.outline_N2 for piece in pieces]) @ view.T
    points_N2 -= points_N2.min(axis=0)
    w, h = points_N2.max(axis=0)
    ground = rng.uniform(horizon + 0.05, 0.99)
    if horizon and profile != "single":
        extent *= 0.55 + 0.45 * (ground - horizon) / (1 - horizon)
    scale = extent / max(w, h)
    if profile == "single":
        scale = min(scale, 1.02 * width / w, 1.02 * height / h)
    ends = np.cumsum([len(piece.outline_N2) for piece in pieces])[:-1]
    outlines = np.split(points_N2 * scale, ends)
    moved = [piece._replace(outline_N2=outline) for piece, outline in zip(pieces, outlines, strict=True)]
    return Posed(kind, moved, (float(w * scale), float(h * scale)), float(ground))


def spot(
    rng: np.random.Generator, item: Posed, profile: str, horizon: float, frame: tuple[int, int]
) -> tuple[float, float]:
    """Choose where the corner (x, y) of an object's box goes. One in six reaches over the border."""
    height, width = frame
    w, h = item.size
    over = (0.15 if profile == "single" else 0.35) if rng.random() < 1 / 6 else 0.0
    x = _between(rng, -over * w, width - w + over * w)
    if not horizon:
        return x, _between(rng, -over * h, height - h + over * h)
    if item.kind.stance == "stands":
        # A single object is as large as it is near, whatever its ground was to be.
        ground = max(item.ground, min(0.98, h / height * 0.95)) if profile == "single" else item.ground
        return x, ground * height + over * h * 0.5 - h
    if item.kind.stance == "floats":
        return x, _between(rng, -over * h, max(horizon * height - 0.6 * h, 0.02 * height))
    return x, _between(rng, max(horizon * height - 0.3 * h, 0.0), height - h)


def dress(rng: np.random.Generator, kind: Kind, pieces: list[Piece], extent: float) -> Look:
    """Choose colours, pattern, relief and lines for one object whose long side is `extent` pixels."""
    blend: Blend = "contrasting" if (draw := rng.random()) < 0.55 else "shared" if draw < 0.85 else "patchwork"
    colours = palette(rng, kind.coat, blend)
    if blend == "patchwork":
        hue, chroma = rng.uniform(0, 360), rng.uniform(0.05, 0.16)
        own = {
            name: oklch(rng.uniform(0.4, 0.85), chroma, hue + float(rng.choice([0, 40, 80, 180, 220])))
            for name in sorted({p.parts[0] for p in pieces if p.parts})
        }
    else:
        own = {}
    pattern = str(
        rng.choice(["fur", "noise", "stripes", "dots", "none", "grain"] if kind.coat == "fur" else textures.NAMES)
    )
    strength = float(rng.uniform(0.05, 0.28))
    whole = blend == "shared" or rng.random() < 0.3
    paints = [piece.paint for piece in pieces]
    contrast = [
        0.03 if paint in SMOOTH else strength if whole or paint in ("base", "wood", "leaf", "bark") else strength * 0.4
        for paint in paints
    ]
    chosen = [
        own.get(p.parts[0], colours[p.paint])
        if p.parts and p.paint in ("base", "second", "accent")
        else colours[p.paint]
        for p in pieces
    ]
    shades = [colour * piece.tone for colour, piece in zip(chosen, pieces, strict=True)]
    ink = float(rng.uniform(0.3, 0.75)) if rng.random() < 0.22 else 0.0
    cell = max(3.0, extent * float(rng.uniform(0.03, 0.10)))
    return Look(shades, pattern, cell, float(rng.uniform(0, np.pi)), contrast, float(rng.uniform(0.15, 0.5)), ink)


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Uniform between two numbers in either order: what is too large for the image sticks out."""
    return float(rng.uniform(min(low, high), max(low, high)))
