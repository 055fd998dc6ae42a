"""Things of the house: mug, teapot, bottle, scissors, guitar; and a ball and a book, which have no parts."""

from __future__ import annotations

import math

import numpy as np

from consbench.standins.shapes import Outline, Piece, blob, box, ellipse, limb, polygon, ring, turned


def mug(rng: np.random.Generator) -> list[Piece]:
    """A mug: body with rim, inside and a printed label; handle."""
    u = rng.uniform
    wide, tall, taper, lip = u(0.26, 0.36), u(0.56, 0.8), u(0.75, 1.0), u(0.05, 0.09)
    reach = u(0.16, 0.24)
    pieces = [Piece(ring(wide * 0.9, -tall * 0.5, reach, u(0.06, 0.09), -1.5, 1.5), ("handle",))]
    side = polygon(
        [
            (-wide, -tall),
            (wide, -tall),
            (wide * taper, -0.05),
            (wide * taper * 0.7, 0.0),
            (-wide * taper * 0.7, 0.0),
            (-wide * taper, -0.05),
        ]
    )
    pieces.append(Piece(side, ("body",)))
    style = int(rng.integers(0, 3))
    if style == 1:
        pieces.append(Piece(box(-wide * 0.94, -tall * 0.62, wide * 0.94, -tall * 0.34), ("body", "band"), "second"))
    elif style == 2:
        pieces.append(Piece(ellipse(-0.02, -tall * 0.46, wide * 0.5), ("body", "label"), "accent"))
    pieces += [
        Piece(ellipse(0, -tall, wide, lip), ("body", "rim"), "base", 1.15),
        Piece(ellipse(0, -tall + 0.008, wide * 0.86, lip * 0.72), ("inside",), str(rng.choice(["dark", "bark"]))),
    ]
    return pieces


def teapot(rng: np.random.Generator) -> list[Piece]:
    """A teapot: body, lid with knob, spout, handle, foot."""
    u = rng.uniform
    wide, high, neck = u(0.34, 0.44), u(0.26, 0.38), u(0.14, 0.2)
    y = -high - 0.04
    spout_tip = (wide + u(0.22, 0.32), y - high * u(0.5, 0.9))
    pieces = [
        Piece(
            limb([(wide * 0.75, y + high * 0.3), (wide + 0.12, y - 0.02), spout_tip], [0.17, 0.11, 0.075]), ("spout",)
        )
    ]
    pieces.append(
        Piece(
            ring(-wide * 0.92, y - 0.02, u(0.17, 0.23), 0.075, 1.75, 4.5),
            ("handle",),
            str(rng.choice(["base", "second"])),
        )
    )
    pieces.append(Piece(box(-wide * 0.5, -0.10, wide * 0.5, 0.0, 0.03), ("foot",), "base", 0.8))
    pieces.append(Piece(ellipse(0, y, wide, high), ("body",)))
    if rng.random() < 0.6:
        pieces.append(
            Piece(
                limb([(-wide * 0.95, y + 0.02), (0, y + 0.08), (wide * 0.95, y + 0.02)], [0.05, 0.09, 0.05]),
                ("body", "band"),
                "accent",
            )
        )
    top = y - high * 0.86
    pieces.append(
        Piece(
            blob(
                [
                    (-neck * 1.2, top + 0.02),
                    (-neck * 0.7, top - 0.09),
                    (0, top - 0.12),
                    (neck * 0.7, top - 0.09),
                    (neck * 1.2, top + 0.02),
                    (0, top + 0.055),
                ]
            ),
            ("lid",),
            str(rng.choice(["base", "second"])),
            0.95,
        )
    )
    pieces.append(Piece(ellipse(0, top - 0.145, 0.055), ("lid", "knob"), "accent"))
    return pieces


def bottle(rng: np.random.Generator) -> list[Piece]:
    """A bottle: body with a label, shoulder into the neck, cap; some with a handle or a liquid's level."""
    u = rng.uniform
    wide, tall, neck, long = u(0.15, 0.25), u(0.5, 0.7), u(0.05, 0.09), u(0.14, 0.34)
    shoulder = u(0.06, 0.2)
    paint = str(rng.choice(["base", "glass", "leaf"]))
    collar = -tall - shoulder
    body = blob(
        [
            (-wide, -0.02),
            (-wide, -tall * 0.5),
            (-wide, -tall),
            (-neck * 1.1, collar),
            (neck * 1.1, collar),
            (wide, -tall),
            (wide, -tall * 0.5),
            (wide, -0.02),
            (0, 0.01),
        ]
    )
    pieces: list[Piece] = []
    if rng.random() < 0.25:
        pieces.append(Piece(ring(wide * 0.9, -tall * 0.62, 0.16, 0.06, -1.5, 1.5), ("handle",), paint))
    pieces += [
        Piece(box(-neck, collar - long, neck, collar + 0.05), ("neck",), paint, 0.95),
        Piece(body, ("body",), paint),
    ]
    if rng.random() < 0.75:
        low, up = -tall * u(0.15, 0.3), -tall * u(0.6, 0.8)
        pieces.append(Piece(box(-wide * 1.0, up, wide * 1.0, low), ("body", "label"), "pale"))
        pieces.append(
            Piece(
                ellipse(0, (low + up) / 2, wide * 0.45, min(wide * 0.45, (low - up) * 0.3)),
                ("body", "label", "emblem"),
                "accent",
            )
        )
    pieces.append(
        Piece(
            box(-neck * 1.3, collar - long - u(0.05, 0.1), neck * 1.3, collar - long + 0.03, 0.015), ("cap",), "accent"
        )
    )
    return pieces


def scissors(rng: np.random.Generator) -> list[Piece]:
    """Opened scissors: two blades, two handles with finger holes, a screw."""
    u = rng.uniform
    half, blade, shank, hole = u(0.10, 0.42), u(0.5, 0.7), u(0.24, 0.34), u(0.10, 0.15)
    pieces: list[Piece] = []
    for number, sense in ((1, 1.0), (2, -1.0)):
        turn = sense * half

        def put(outline_N2: Outline, turn: float = turn) -> Outline:
            return turned(outline_N2, turn)

        edge = polygon([(0.0, -0.045), (blade, 0.03 * sense), (blade * 0.95, 0.035 * sense), (0.0, 0.05)])
        pieces.append(Piece(put(edge), (f"blade_{number}",), "metal", 1.0 if number == 1 else 0.8))
        pieces.append(Piece(put(limb([(0.03, 0), (-shank * 0.8, 0.02 * sense)], [0.085, 0.06])), (f"handle_{number}",)))
        pieces.append(Piece(put(ring(-shank - hole * 0.75, 0.02 * sense, hole, 0.07)), (f"handle_{number}",)))
    pieces.append(Piece(ellipse(0, 0, 0.036), ("screw",), "dark", 1.6))
    return pieces


def guitar(rng: np.random.Generator) -> list[Piece]:
    """A guitar, upright: body with sound hole and bridge, neck with frets, head with pegs."""
    u = rng.uniform
    low, waist, up, deep = u(0.26, 0.33), u(0.15, 0.2), u(0.20, 0.25), u(0.62, 0.74)
    neck, slim, paint = u(0.5, 0.7), u(0.055, 0.075), str(rng.choice(["wood", "base", "second"]))
    top = -deep - neck
    body = blob(
        [
            (0, 0.0),
            (low, -deep * 0.2),
            (waist, -deep * 0.58),
            (up, -deep * 0.82),
            (0.08, -deep),
            (-0.08, -deep),
            (-up, -deep * 0.82),
            (-waist, -deep * 0.58),
            (-low, -deep * 0.2),
        ]
    )
    pieces = [Piece(body, ("body",), paint)]
    if rng.random() < 0.5:
        pieces.append(
            Piece(
                blob([(0.08, -deep * 0.5), (waist * 0.9, -deep * 0.45), (low * 0.7, -deep * 0.2), (0.1, -deep * 0.25)]),
                ("body", "guard"),
                "dark",
            )
        )
    pieces.append(Piece(ellipse(0, -deep * 0.58, 0.085), ("body", "hole"), "dark"))
    pieces.append(Piece(box(-0.10, -deep * 0.26, 0.10, -deep * 0.21), ("body", "bridge"), "dark"))
    pieces.append(Piece(box(-slim / 2, top, slim / 2, -deep * 0.7), ("neck",), "bark", 0.85))
    pieces += [
        Piece(box(-slim / 2, y, slim / 2, y + 0.012), ("neck",), "metal")
        for y in np.linspace(top + 0.05, -deep * 0.85, 7)
    ]
    for number in range(1, 7):
        side, y = (-1 if number % 2 else 1), top - 0.05 - 0.06 * ((number - 1) // 2)
        pieces.append(Piece(ellipse(side * slim * 1.05, y, 0.035, 0.022), ("head", f"peg_{number}"), "metal"))
    pieces.append(
        Piece(
            polygon(
                [
                    (-slim * 0.6, top + 0.02),
                    (-slim * 0.95, top - 0.2),
                    (slim * 0.95, top - 0.2),
                    (slim * 0.6, top + 0.02),
                ]
            ),
            ("head",),
            paint,
            0.8,
        )
    )
    return pieces


def ball(rng: np.random.Generator) -> list[Piece]:
    """A ball with stripes: an object without parts."""
    turn = rng.uniform(0, math.pi)
    stripes = [turned(limb([(-0.34, y), (0.0, y * 1.3), (0.34, y)], [0.05, 0.09, 0.05]), turn) for y in (-0.16, 0.16)]
    whole = [Piece(ellipse(0, 0, 0.4), ())]
    return whole + [Piece(stripe, (), "second") for stripe in stripes[: int(rng.integers(0, 3))]]


def book(rng: np.random.Generator) -> list[Piece]:
    """A lying or leaning book: an object without parts."""
    thick, wide = rng.uniform(0.08, 0.18), rng.uniform(0.5, 0.7)
    lean = rng.uniform(0.08, 0.3)
    return [
        Piece(polygon([(0, -thick), (lean, -thick - 0.2), (wide + lean, -thick - 0.2), (wide, -thick)]), ()),
        Piece(box(0, -thick, wide, 0), (), "pale", 0.9),
        Piece(box(0, -thick * 0.22, wide, 0.0), (), "base", 0.8),
        Piece(box(0, -thick, wide * 0.06, 0.0), (), "base", 0.8),
    ]
