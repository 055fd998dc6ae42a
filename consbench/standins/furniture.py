"""Furniture: chair, table, bed, lamp."""

from __future__ import annotations

import numpy as np

from consbench.standins.shapes import Piece, blob, box, ellipse, limb, polygon


def chair(rng: np.random.Generator) -> list[Piece]:
    """A chair: back with or without bars, seat, four legs; some with armrests."""
    u = rng.uniform
    wide, depth, seat, tall, leg = u(0.36, 0.5), u(0.14, 0.26), u(0.36, 0.5), u(0.42, 0.66), u(0.045, 0.075)
    shift = depth * u(0.3, 0.7)
    paint = str(rng.choice(["wood", "base"]))
    pieces: list[Piece] = []
    for number, x in ((3, shift), (4, shift + wide - leg)):
        pieces.append(Piece(box(x, -seat - depth * 0.4, x + leg, -depth * 0.5), (f"leg_{number}",), paint, 0.7))
    top, rail = -seat - depth * 0.5 - tall, seat + depth * 0.5
    if rng.random() < 0.5:
        pieces += [
            Piece(box(x, top, x + leg, -rail + 0.04), ("back",), paint, 0.95) for x in (shift, shift + wide - leg)
        ]
        bars = int(rng.integers(2, 4))
        pieces += [
            Piece(box(shift, y, shift + wide, y + 0.08, 0.02), ("back", f"bar_{i + 1}"), paint, 1.0)
            for i, y in enumerate(np.linspace(top + 0.03, -rail - 0.16, bars))
        ]
    else:
        pieces.append(
            Piece(
                box(shift, top, shift + wide, -rail + 0.03, u(0.0, 0.16)),
                ("back",),
                str(rng.choice([paint, "second"])),
                0.95,
            )
        )
    for number, x in ((1, 0.0), (2, wide - leg)):
        pieces.append(Piece(box(x, -seat + 0.03, x + leg, 0.0), (f"leg_{number}",), paint))
    pieces.append(
        Piece(
            polygon([(-0.02, -seat), (shift, -rail), (shift + wide, -rail), (wide + 0.02, -seat)]),
            ("seat",),
            str(rng.choice([paint, "second"])),
        )
    )
    pieces.append(Piece(box(-0.02, -seat, wide + 0.02, -seat + 0.06), ("seat",), paint, 0.85))
    if rng.random() < 0.35:
        for number, x, lean, tone in ((1, 0.0, 0.0, 1.0), (2, wide - leg, 0.0, 0.9)):
            line = [(x + leg / 2, -seat), (x + leg / 2 + lean, -seat - 0.17), (x + shift + leg / 2, -rail - 0.17)]
            pieces.append(Piece(limb(line, [leg * 0.8] * 3), (f"arm_{number}",), paint, tone))
    return pieces


def table(rng: np.random.Generator) -> list[Piece]:
    """A table: top with its edge, two or four legs or a column with a foot; some with a drawer and knob."""
    u = rng.uniform
    wide, depth, tall, leg = u(0.7, 1.2), u(0.12, 0.3), u(0.42, 0.62), u(0.05, 0.09)
    paint = str(rng.choice(["wood", "wood", "base", "pale"]))
    pieces: list[Piece] = []
    round_ = rng.random() < 0.35
    if round_:
        x = wide / 2
        pieces += [
            Piece(ellipse(x, -0.05, wide * 0.24, 0.06), ("foot",), paint, 0.85),
            Piece(box(x - leg * 0.8, -tall, x + leg * 0.8, -0.04), ("column",), paint, 0.9),
        ]
        pieces += [
            Piece(ellipse(x, -tall + 0.045, wide * 0.52, depth * 0.6), ("top",), paint, 0.75),
            Piece(ellipse(x, -tall, wide * 0.52, depth * 0.6), ("top",), paint),
        ]
        return pieces
    lean = depth * u(0.3, 0.8)
    pieces += [
        Piece(box(x, -tall - depth * 0.8, x + leg, -depth * 0.6), (f"leg_{n}",), paint, 0.65)
        for n, x in ((3, lean + 0.03), (4, wide + lean - leg - 0.03))
    ]
    pieces += [
        Piece(
            polygon([(x, -tall + 0.02), (x + leg, -tall + 0.02), (x + leg * 0.8, 0.0), (x + leg * 0.2, 0.0)]),
            (f"leg_{n}",),
            paint,
            0.95,
        )
        for n, x in ((1, 0.03), (2, wide - leg - 0.03))
    ]
    if rng.random() < 0.6:
        x0, x1 = wide * u(0.12, 0.3), wide * u(0.6, 0.88)
        pieces.append(Piece(box(x0, -tall, x1, -tall + 0.17), ("drawer",), str(rng.choice([paint, "second"])), 0.88))
        pieces.append(Piece(ellipse((x0 + x1) / 2, -tall + 0.11, 0.03), ("drawer", "knob"), "metal"))
    pieces.append(
        Piece(
            polygon([(-0.03, -tall), (lean, -tall - depth), (wide + lean, -tall - depth), (wide + 0.03, -tall)]),
            ("top",),
            paint,
            1.08,
        )
    )
    pieces.append(Piece(box(-0.03, -tall, wide + 0.03, -tall + 0.05), ("top", "edge"), paint, 0.85))
    return pieces


def bed(rng: np.random.Generator) -> list[Piece]:
    """A bed from the side: headboard, footboard, mattress, blanket, pillow, legs."""
    u = rng.uniform
    high, thick, head, foot = u(0.16, 0.24), u(0.10, 0.15), u(0.42, 0.62), u(0.26, 0.4)
    rise = u(0.10, 0.2)
    pieces = [Piece(box(-0.74, -head - rise * 0.5, -0.66, 0.0, 0.03), ("headboard",), "wood", 0.9)]
    pieces += [Piece(box(x, -high, x + 0.06, 0.0), (f"leg_{n}",), "wood", 0.75) for n, x in ((1, -0.64), (2, 0.56))]
    pieces.append(Piece(box(-0.70, -high - 0.03, 0.70, -high + 0.07), ("frame",), "wood"))
    top = -high - thick
    pieces.append(
        Piece(polygon([(-0.68, top), (-0.60, top - rise), (0.66, top - rise), (0.68, top)]), ("mattress",), "pale", 1.0)
    )
    pieces.append(Piece(box(-0.68, top, 0.68, -high, 0.03), ("mattress",), "pale", 0.85))
    edge = u(-0.25, 0.0)
    blanket = blob(
        [
            (edge, top - rise - 0.02),
            (0.62, top - rise - 0.03),
            (0.69, top),
            (0.68, -high + u(0.02, 0.10)),
            (0.3, -high + u(0.0, 0.08)),
            (edge + 0.04, -high + 0.02),
            (edge - 0.02, top),
        ]
    )
    pieces.append(Piece(blanket, ("blanket",), "base"))
    pieces.append(
        Piece(
            blob(
                [
                    (-0.63, top - rise * 0.4),
                    (-0.58, top - rise - 0.10),
                    (-0.36, top - rise - 0.08),
                    (-0.30, top - rise * 0.3),
                    (-0.45, top - 0.01),
                ]
            ),
            ("pillow",),
            "second",
            1.1,
        )
    )
    pieces.append(Piece(box(0.66, -foot, 0.74, 0.0, 0.03), ("footboard",), "wood"))
    return pieces


def lamp(rng: np.random.Generator) -> list[Piece]:
    """A standing or table lamp: shade, bulb, pole, base; some with a cord."""
    u = rng.uniform
    tall, wide, high, flare = u(0.45, 1.3), u(0.2, 0.34), u(0.24, 0.38), u(0.35, 0.95)
    bend = u(-0.25, 0.25) if rng.random() < 0.3 else 0.0
    pieces: list[Piece] = []
    if rng.random() < 0.5:
        side = float(rng.choice([-1, 1]))
        pieces.append(
            Piece(limb([(0, -0.02), (side * 0.25, -0.01), (side * u(0.35, 0.5), -0.08)], [0.02] * 3), ("cord",), "dark")
        )
    pieces.append(
        Piece(
            limb([(0, -0.04), (bend * 0.3, -tall * 0.5), (bend, -tall - 0.06)], [0.05, 0.04, 0.04]), ("pole",), "metal"
        )
    )
    if rng.random() < 0.4:
        pieces.append(Piece(ellipse(bend * 0.2, -tall * 0.35, 0.09, 0.12), ("pole",), "second"))
    pieces.append(
        Piece(blob([(-wide * 0.75, -0.03), (0, -0.10), (wide * 0.75, -0.03), (0, 0.02)]), ("base",), "metal", 0.85)
    )
    pieces.append(Piece(ellipse(bend, -tall, 0.07, 0.085), ("bulb",), "lamp", 1.1))
    pieces.append(
        Piece(
            polygon(
                [
                    (bend - wide, -tall),
                    (bend - wide * flare, -tall - high),
                    (bend + wide * flare, -tall - high),
                    (bend + wide, -tall),
                ]
            ),
            ("shade",),
        )
    )
    if rng.random() < 0.6:
        pieces.append(
            Piece(
                polygon(
                    [
                        (bend - wide, -tall),
                        (bend - wide * 0.95, -tall - high * 0.12),
                        (bend + wide * 0.95, -tall - high * 0.12),
                        (bend + wide, -tall),
                    ]
                ),
                ("shade", "trim"),
                "accent",
            )
        )
    return pieces
