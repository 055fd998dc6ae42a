"""Outlines: the few curves that every drawn object is made of.

An outline is a closed polygon, float64 (N, 2), as (x, y) in the frame of one object: x right, y down,
the ground at y = 0, so that what stands has negative y. Units are free; a drawing is scaled as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Outline = NDArray[np.float64]
Points = Sequence[tuple[float, float]]


class Piece(NamedTuple):
    """One painted outline of a drawing; later pieces hide earlier ones.

    outline_N2  where it is
    parts       the parts its visible pixels belong to, outermost first: ("head", "eye"). Names of
                several like parts end in a number: "wheel_1"
    paint       the role of its colour: "base", "second", "accent" or a material of `colours`
    tone        brightness against that colour; what lies on the far side is darker
    """

    outline_N2: Outline
    parts: tuple[str, ...]
    paint: str = "base"
    tone: float = 1.0


def polygon(points: Points) -> Outline:
    """Straight edges through the points."""
    return np.asarray(points, dtype=np.float64)


def box(x0: float, y0: float, x1: float, y1: float, round_by: float = 0.0) -> Outline:
    """An upright rectangle; corners are rounded with the radius `round_by`, at most half a side.

    >>> box(0, 0, 2, 1).tolist()
    [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]]
    """
    x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    radius = min(round_by, (x1 - x0) / 2, (y1 - y0) / 2)
    if radius <= 0:
        return polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    corners = [
        (x0 + radius, y0 + radius),
        (x1 - radius, y0 + radius),
        (x1 - radius, y1 - radius),
        (x0 + radius, y1 - radius),
    ]
    turns = np.linspace(0, np.pi / 2, 6)
    return np.concatenate(
        [
            np.stack([cx + radius * np.cos(start + turns), cy + radius * np.sin(start + turns)], axis=1)
            for (cx, cy), start in zip(corners, np.pi * np.array([1.0, 1.5, 0.0, 0.5]), strict=True)
        ]
    )


def ellipse(x: float, y: float, rx: float, ry: float | None = None, tilt: float = 0.0) -> Outline:
    """An ellipse of half axes `rx` and `ry` (a circle without `ry`), turned by `tilt` radians."""
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    points_N2 = np.stack([rx * np.cos(turn), (rx if ry is None else ry) * np.sin(turn)], axis=1)
    return np.asarray(turned(points_N2, tilt) + np.array((x, y)), dtype=np.float64)


def blob(points: Points) -> Outline:
    """A closed smooth curve through the points (Catmull-Rom)."""
    knots_N2 = polygon(points)
    return _spline(np.roll(knots_N2, 1, axis=0), knots_N2, np.roll(knots_N2, -1, axis=0), np.roll(knots_N2, -2, axis=0))


def limb(points: Points, widths: Sequence[float]) -> Outline:
    """A strip along a smooth line through the points, `widths[i]` wide at point i, with round ends."""
    line_N2 = curve(points)
    width_N = np.interp(np.linspace(0, 1, len(line_N2)), np.linspace(0, 1, len(widths)), widths) / 2
    step_N2 = np.asarray(np.gradient(line_N2, axis=0))
    step_N2 /= np.maximum(np.linalg.norm(step_N2, axis=1, keepdims=True), 1e-9)
    normal_N2 = np.stack([-step_N2[:, 1], step_N2[:, 0]], axis=1) * width_N[:, None]
    turn = np.linspace(-np.pi / 2, np.pi / 2, 7)[1:-1]

    def cap(end: int, sense: float) -> Outline:
        along, across = sense * step_N2[end] * width_N[end], sense * normal_N2[end]
        round_N2: Outline = line_N2[end] + np.cos(turn)[:, None] * along - np.sin(turn)[:, None] * across
        return round_N2

    return np.concatenate([line_N2 + normal_N2, cap(-1, 1.0), (line_N2 - normal_N2)[::-1], cap(0, -1.0)])


def curve(points: Points) -> Outline:
    """An open smooth line through the points, with six steps between neighbours."""
    knots_N2 = polygon(points)
    if len(knots_N2) == 2:
        return np.linspace(knots_N2[0], knots_N2[1], 4)
    first, last = 2 * knots_N2[0] - knots_N2[1], 2 * knots_N2[-1] - knots_N2[-2]
    before, after = np.vstack([first, knots_N2[:-2]]), np.vstack([knots_N2[2:], last])
    return np.vstack([_spline(before, knots_N2[:-1], knots_N2[1:], after), knots_N2[-1:]])


def ring(x: float, y: float, radius: float, width: float, start: float = 0.0, stop: float = 2 * np.pi) -> Outline:
    """A bent strip around (x, y) between two angles in radians, clockwise from the right.

    A full turn leaves a hair's gap, because an outline is one closed line.
    """
    turn = np.linspace(start, stop, max(6, int(abs(stop - start) * 6)))
    spoke_N2 = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    strip_N2 = np.concatenate([spoke_N2 * (radius + width / 2), spoke_N2[::-1] * (radius - width / 2)])
    return np.asarray(strip_N2 + np.array((x, y)), dtype=np.float64)


def turned(outline_N2: Outline, angle: float, about: tuple[float, float] = (0.0, 0.0)) -> Outline:
    """The outline turned clockwise (as seen, y down) by `angle` radians about a point."""
    cos, sin = np.cos(angle), np.sin(angle)
    rotation: Outline = (outline_N2 - about) @ np.array([[cos, sin], [-sin, cos]]) + about
    return rotation


def fitted(pieces: Sequence[Piece]) -> list[Piece]:
    """The drawing moved and scaled so that its box is centred on (0, 0) and its long side is 1."""
    points_N2 = np.concatenate([piece.outline_N2 for piece in pieces])
    low, high = points_N2.min(axis=0), points_N2.max(axis=0)
    return [piece._replace(outline_N2=(piece.outline_N2 - (low + high) / 2) / (high - low).max()) for piece in pieces]


def _spline(p0: Outline, p1: Outline, p2: Outline, p3: Outline, steps: int = 6) -> Outline:
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    a, b, c, d = (p[:, None, :] for p in (p0, p1, p2, p3))
    points = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.asarray(points.reshape(-1, 2), dtype=np.float64)
