"""Plants: flower, tree, cactus."""

from __future__ import annotations

import math

import numpy as np

from consbench.standins.shapes import Piece, blob, ellipse, limb, polygon


def flower(rng: np.random.Generator) -> list[Piece]:
    """A flower: petals around a centre, stem, leaves; some in a pot with a rim."""
    u = rng.uniform
    tall, lean, count, reach = u(0.6, 1.0), u(-0.14, 0.14), int(rng.integers(5, 10)), u(0.22, 0.32)
    top = (lean, -tall)
    pieces = [Piece(limb([(0, 0), (lean * 0.2, -tall * 0.5), top], [0.055, 0.045, 0.04]), ("stem",), "leaf", 0.85)]
    for number in range(1, int(rng.integers(1, 4)) + 1):
        side = -1 if number % 2 else 1
        y = -tall * u(0.2, 0.55)
        tip = (side * u(0.22, 0.36), y - u(0.0, 0.22))
        pieces.append(
            Piece(
                blob(
                    [
                        (0.01 * side, y + 0.03),
                        (tip[0] * 0.5, (y + tip[1]) / 2 - 0.09),
                        tip,
                        (tip[0] * 0.5, (y + tip[1]) / 2 + 0.07),
                    ]
                ),
                (f"leaf_{number}",),
                "leaf",
                u(0.85, 1.15),
            )
        )
    if rng.random() < 0.5:
        wide, high = u(0.16, 0.24), u(0.24, 0.34)
        pieces.append(
            Piece(
                polygon([(-wide, -high), (wide, -high), (wide * 0.72, 0.06), (-wide * 0.72, 0.06)]),
                ("pot",),
                str(rng.choice(["clay", "second"])),
            )
        )
        pieces.append(
            Piece(
                polygon(
                    [
                        (-wide * 1.12, -high - 0.07),
                        (wide * 1.12, -high - 0.07),
                        (wide * 1.12, -high),
                        (-wide * 1.12, -high),
                    ]
                ),
                ("pot", "rim"),
                "clay",
                1.1,
            )
        )
    start, slim = u(0, 2 * math.pi), u(0.75, 1.1) * math.pi / count
    for i in range(count):
        turn = start + 2 * math.pi * i / count
        middle = (top[0] + reach * 0.58 * math.cos(turn), top[1] + reach * 0.58 * math.sin(turn))
        pieces.append(
            Piece(
                ellipse(*middle, reach * 0.46, reach * 0.62 * slim, turn),
                (f"petal_{i + 1}",),
                "base",
                1.0 if i % 2 else 0.9,
            )
        )
    pieces.append(Piece(ellipse(*top, reach * u(0.24, 0.38)), ("centre",), "warm"))
    return pieces


def tree(rng: np.random.Generator) -> list[Piece]:
    """A tree: trunk with branches, and a crown that is round, conical or a palm's; some bear fruit."""
    u = rng.uniform
    tall, thick, style = u(0.4, 0.62), u(0.09, 0.15), int(rng.integers(0, 3))
    bend = u(-0.1, 0.1)
    pieces: list[Piece] = []
    if style == 2:
        tall, bend = tall * 1.5, bend * 2.5
        pieces.append(
            Piece(
                limb([(0, 0), (bend * 0.3, -tall * 0.5), (bend, -tall)], [thick, thick * 0.7, thick * 0.6]),
                ("trunk",),
                "bark",
            )
        )
        for i in range(int(rng.integers(6, 9))):
            turn = math.pi * (1.15 - i * 0.19) + u(-0.1, 0.1)
            long, fall = u(0.36, 0.5), u(0.1, 0.3)
            tip = (bend + long * math.cos(turn), -tall - long * math.sin(turn) * 0.5 + fall)
            middle = (bend + long * 0.55 * math.cos(turn), -tall - long * 0.45 * math.sin(turn) - 0.1)
            pieces.append(
                Piece(
                    limb([(bend, -tall), middle, tip], [0.05, 0.12, 0.015]),
                    ("crown", f"frond_{i + 1}"),
                    "leaf",
                    u(0.8, 1.15),
                )
            )
        return pieces
    pieces.append(
        Piece(
            limb([(0, 0), (bend * 0.4, -tall * 0.6), (bend, -tall - 0.1)], [thick * 1.3, thick, thick * 0.7]),
            ("trunk",),
            "bark",
        )
    )
    if style == 1:
        levels, wide = int(rng.integers(2, 5)), u(0.26, 0.4)
        for i in range(levels):
            y, half = -tall * 0.55 - i * 0.24, wide * (1 - 0.24 * i)
            pieces.append(
                Piece(
                    polygon([(bend - half, y), (bend, y - 0.46), (bend + half, y), (bend, y + 0.035)]),
                    ("crown",),
                    "leaf",
                    0.85 + 0.1 * i,
                )
            )
        return pieces
    if rng.random() < 0.6:
        for number, side in ((1, -1), (2, 1)):
            end = (bend + side * u(0.22, 0.34), -tall * u(0.85, 1.1))
            pieces.append(
                Piece(
                    limb([(bend * 0.6, -tall * 0.55), end], [thick * 0.5, thick * 0.35]),
                    (f"branch_{number}",),
                    "bark",
                    0.9,
                )
            )
    wide, high = u(0.3, 0.42), u(0.26, 0.4)
    knots = int(rng.integers(8, 12))
    middle = (bend, -tall - high * 0.7)
    outline = [
        (middle[0] + wide * r * math.cos(a), middle[1] + high * r * math.sin(a))
        for a, r in zip(np.linspace(0, 2 * math.pi, knots, endpoint=False), rng.uniform(0.85, 1.12, knots), strict=True)
    ]
    pieces.append(Piece(blob(outline), ("crown",), "leaf"))
    pieces += [
        Piece(
            ellipse(middle[0] + u(-0.6, 0.6) * wide, middle[1] + u(-0.6, 0.5) * high, u(0.08, 0.13)),
            ("crown",),
            "leaf",
            u(1.06, 1.2),
        )
        for _ in range(3)
    ]
    if rng.random() < 0.5:
        for i in range(int(rng.integers(2, 6))):
            turn, far = u(0, 2 * math.pi), u(0.2, 0.75)
            place = (middle[0] + wide * far * math.cos(turn), middle[1] + high * far * math.sin(turn))
            pieces.append(Piece(ellipse(*place, 0.045), ("crown", f"fruit_{i + 1}"), "red"))
    return pieces


def cactus(rng: np.random.Generator) -> list[Piece]:
    """A potted cactus: ribbed stem, arms, blossom, pot with a rim."""
    u = rng.uniform
    tall, wide, pot, high = u(0.5, 0.85), u(0.18, 0.28), u(0.17, 0.25), u(0.2, 0.3)
    pieces: list[Piece] = []
    for number, side in enumerate(rng.permutation([-1, 1])[: int(rng.integers(1, 3))], 1):
        y, out, up = -high - tall * u(0.25, 0.5), side * (wide / 2 + u(0.10, 0.18)), u(0.14, 0.3)
        pieces.append(
            Piece(
                limb([(0, y), (out * 0.8, y + 0.01), (out, y - 0.06), (out, y - up)], [wide * 0.5] * 4),
                (f"arm_{number}",),
                "leaf",
                0.9,
            )
        )
    pieces.append(
        Piece(
            limb(
                [(0, -high + 0.05), (u(-0.03, 0.03), -high - tall / 2), (u(-0.05, 0.05), -high - tall + wide / 2)],
                [wide * 0.9, wide, wide * 0.85],
            ),
            ("stem",),
            "leaf",
        )
    )
    pieces += [
        Piece(limb([(x * wide, -high), (x * wide, -high - tall * 0.85)], [0.014, 0.014]), ("stem",), "leaf", 0.75)
        for x in (-0.25, 0.0, 0.25)
    ]
    if rng.random() < 0.7:
        y = -high - tall - 0.02
        pieces += [
            Piece(
                ellipse(0.055 * math.cos(a), y + 0.045 * math.sin(a), 0.055, 0.035, a),
                ("blossom",),
                "accent",
                0.9 + 0.08 * i,
            )
            for i, a in enumerate(np.linspace(0.4, 5.6, 5))
        ]
    pieces.append(
        Piece(
            polygon([(-pot, -high), (pot, -high), (pot * 0.72, 0.0), (-pot * 0.72, 0.0)]),
            ("pot",),
            str(rng.choice(["clay", "second"])),
        )
    )
    pieces.append(
        Piece(
            polygon(
                [
                    (-pot * 1.13, -high - 0.065),
                    (pot * 1.13, -high - 0.065),
                    (pot * 1.13, -high + 0.01),
                    (-pot * 1.13, -high + 0.01),
                ]
            ),
            ("pot", "rim"),
            "clay",
            1.12,
        )
    )
    return pieces
