"""Buildings: house, tower."""

from __future__ import annotations

import numpy as np

from consbench.standins.shapes import Piece, box, ellipse, polygon


def house(rng: np.random.Generator) -> list[Piece]:
    """A house: wall, roof, door with knob, windows, chimney."""
    u = rng.uniform
    wide, tall, roof, eave = u(0.42, 0.6), u(0.4, 0.62), u(0.26, 0.46), u(0.04, 0.1)
    paint = str(rng.choice(["base", "pale", "clay"]))
    pieces: list[Piece] = []
    if rng.random() < 0.7:
        x = float(rng.choice([-1, 1])) * wide * u(0.45, 0.6)
        pieces.append(
            Piece(box(x - 0.07, -tall - roof * u(0.85, 1.05), x + 0.07, -tall - 0.05), ("chimney",), "clay", 0.9)
        )
    pieces.append(Piece(box(-wide, -tall, wide, 0.0), ("wall",), paint))
    ridge = u(0.0, 0.7) * wide if rng.random() < 0.6 else 0.0
    pieces.append(
        Piece(
            polygon(
                [
                    (-wide - eave, -tall + 0.03),
                    (-ridge, -tall - roof),
                    (ridge, -tall - roof),
                    (wide + eave, -tall + 0.03),
                ]
            ),
            ("roof",),
            "second",
        )
    )
    slot = float(rng.choice([-0.5, 0.0, 0.5])) * wide
    high = tall * u(0.5, 0.66)
    pieces.append(
        Piece(box(slot - 0.10, -high, slot + 0.10, 0.0), ("wall", "door"), str(rng.choice(["wood", "accent"])))
    )
    pieces.append(Piece(ellipse(slot + 0.06, -high * 0.45, 0.02), ("wall", "door", "knob"), "lamp"))
    if rng.random() < 0.4:
        pieces.append(
            Piece(box(slot - 0.06, -high + 0.04, slot + 0.06, -high * 0.62), ("wall", "door", "pane"), "glass")
        )
    number = 0
    for x in (-0.62 * wide, 0.0, 0.62 * wide):
        if abs(x - slot) > 0.24:
            number += 1
            pieces.append(
                Piece(box(x - 0.115, -tall * 0.78, x + 0.115, -tall * 0.36), ("wall", f"window_{number}"), "pale", 1.1)
            )
            pieces.append(
                Piece(
                    box(x - 0.09, -tall * 0.74, x + 0.09, -tall * 0.40),
                    ("wall", f"window_{number}", f"pane_{number}"),
                    "glass",
                )
            )
            pieces.append(
                Piece(box(x - 0.012, -tall * 0.74, x + 0.012, -tall * 0.40), ("wall", f"window_{number}"), "pale", 1.1)
            )
    if roof > 0.36 and rng.random() < 0.5:
        pieces.append(Piece(ellipse(0, -tall - roof * 0.42, 0.075), ("roof", "skylight"), "glass"))
    return pieces


def tower(rng: np.random.Generator) -> list[Piece]:
    """A tower: shaft with windows and a door, gallery, and a roof with a flag or battlements."""
    u = rng.uniform
    tall, low, up = u(0.8, 1.2), u(0.17, 0.26), u(0.8, 1.0)
    top = -tall
    half = low * up
    paint = str(rng.choice(["base", "pale", "clay"]))
    pieces: list[Piece] = []
    peaked = rng.random() < 0.6
    if peaked:
        high = u(0.24, 0.45)
        pieces.append(Piece(box(-0.01, top - 0.08 - high - 0.2, 0.012, top - high), ("flag",), "dark"))
        pieces.append(
            Piece(
                polygon([(0.0, top - high - 0.28), (u(0.14, 0.2), top - high - 0.225), (0.0, top - high - 0.165)]),
                ("flag",),
                "accent",
            )
        )
        pieces.append(
            Piece(
                polygon([(-half * 1.45, top - 0.05), (0, top - 0.08 - high), (half * 1.45, top - 0.05)]),
                ("roof",),
                "second",
            )
        )
    else:
        for i, x in enumerate(np.linspace(-half * 1.1, half * 1.1, 4)):
            pieces.append(
                Piece(
                    box(x - half * 0.22, top - 0.16, x + half * 0.22, top - 0.03), (f"battlement_{i + 1}",), paint, 0.95
                )
            )
    pieces.append(Piece(polygon([(-low, 0), (-half, top), (half, top), (low, 0)]), ("shaft",), paint))
    if rng.random() < 0.5:
        for i in range(3):
            a, b = i / 3 + 0.05, i / 3 + 0.19
            wa, wb = low + (half - low) * a, low + (half - low) * b
            pieces.append(
                Piece(
                    polygon([(-wa, -tall * a), (-wb, -tall * b), (wb, -tall * b), (wa, -tall * a)]),
                    ("shaft",),
                    "second",
                    1.05,
                )
            )
    pieces.append(
        Piece(
            box(-half * 1.32, top - 0.06, half * 1.32, top + 0.05, 0.01),
            ("gallery",),
            str(rng.choice([paint, "second"])),
            0.82,
        )
    )
    for i, y in enumerate(np.linspace(top + 0.2, -0.42, int(rng.integers(2, 4)))):
        x = u(-0.3, 0.3) * half
        pieces.append(
            Piece(box(x - 0.045, y - 0.06, x + 0.045, y + 0.06, 0.04), ("shaft", f"window_{i + 1}"), "glass", 0.8)
        )
    pieces.append(Piece(box(-0.075, -0.24, 0.075, 0.0, 0.07), ("shaft", "door"), "wood"))
    return pieces
