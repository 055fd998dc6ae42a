"""Vehicles: car, truck, bicycle, boat, aeroplane. Each is drawn from the side, heading right."""

from __future__ import annotations

import math

import numpy as np

from consbench.standins.shapes import Outline, Piece, blob, box, ellipse, limb, polygon, ring


def _wheel(number: int, x: float, radius: float, spokes: int = 0) -> list[Piece]:
    name = f"wheel_{number}"
    pieces = [
        Piece(ellipse(x, -radius, radius), (name,), "rubber"),
        Piece(ellipse(x, -radius, radius * 0.62), (name, f"rim_{number}"), "metal"),
    ]
    for i in range(spokes):
        turn = 2 * math.pi * i / spokes + 0.3
        end = (x + radius * 0.5 * math.cos(turn), -radius + radius * 0.5 * math.sin(turn))
        pieces.append(Piece(limb([(x, -radius), end], [radius * 0.16] * 2), (name, f"rim_{number}"), "metal", 0.7))
    return pieces


def car(rng: np.random.Generator) -> list[Piece]:
    """A car: body with windows, door with handle, lights and bumper; two wheels with rims."""
    u = rng.uniform
    wheel, low, belt, roof = u(0.11, 0.16), 0.10, u(0.26, 0.34), u(0.17, 0.26)
    sill, waist = -low, -low - belt
    top = waist - roof
    front, back, rake, rear = u(0.20, 0.36), u(-0.52, -0.25), u(0.10, 0.22), u(0.03, 0.16)
    body = blob(
        [
            (-0.70, sill),
            (-0.72, waist + 0.10),
            (-0.66, waist + 0.02),
            (-0.3, waist),
            (0.3, waist),
            (0.64, waist + u(0.04, 0.10)),
            (0.72, waist + 0.16),
            (0.72, sill),
            (0.4, sill + 0.01),
            (-0.4, sill + 0.01),
        ]
    )
    cabin = polygon(
        [
            (back - rear, waist + 0.05),
            (back, top + 0.02),
            (back + 0.04, top),
            (front - 0.04, top),
            (front, top + 0.02),
            (front + rake, waist + 0.05),
        ]
    )
    pieces = [Piece(cabin, ("body", "roof"), str(rng.choice(["base", "base", "second"]))), Piece(body, ("body",))]
    post, margin = (back + front) / 2 + u(-0.05, 0.05), 0.04
    left = polygon(
        [
            (back - rear * 0.6 + margin, waist + 0.005),
            (back + margin, top + margin),
            (post - 0.02, top + margin),
            (post - 0.02, waist + 0.005),
        ]
    )
    right = polygon(
        [
            (post + 0.02, waist + 0.005),
            (post + 0.02, top + margin),
            (front - margin, top + margin),
            (front + rake * 0.75 - margin, waist + 0.005),
        ]
    )
    pieces += [Piece(left, ("body", "window_1"), "glass"), Piece(right, ("body", "window_2"), "glass", 1.08)]
    door = box(post - 0.01, waist + 0.02, front + 0.03, sill - 0.03, 0.04)
    pieces.append(Piece(door, ("body", "door"), "base", u(0.82, 1.12)))
    pieces.append(
        Piece(box(post + 0.03, waist + 0.07, post + 0.10, waist + 0.095, 0.01), ("body", "door", "handle"), "metal")
    )
    if rng.random() < 0.5:
        pieces.append(Piece(box(-0.71, sill - 0.07, 0.71, sill - 0.045), ("body",), "accent"))
    pieces.append(Piece(ellipse(0.66, waist + 0.14, 0.05, 0.04), ("body", "light_1"), "lamp"))
    pieces.append(Piece(box(-0.73, waist + 0.10, -0.67, waist + 0.17, 0.02), ("body", "light_2"), "red"))
    pieces.append(Piece(box(0.60, sill - 0.035, 0.76, sill + 0.03, 0.03), ("body", "bumper"), "metal", 0.8))
    for number, x in ((1, -0.42), (2, 0.42)):
        pieces.append(Piece(ellipse(x, -wheel, wheel * 1.15), ("body",), "dark"))
        pieces += _wheel(number, x, wheel, 5)
    return pieces


def truck(rng: np.random.Generator) -> list[Piece]:
    """A lorry: cab with window, door and light; a cargo box, bed or tank; two or three wheels."""
    u = rng.uniform
    wheel, floor, cab, tall = u(0.10, 0.14), -0.17, u(0.30, 0.40), u(0.40, 0.58)
    x0, x1 = 0.72 - cab, 0.72
    cab_top, slope = floor - tall * u(0.75, 1.0), u(0.02, 0.14)
    pieces = [Piece(box(-0.78, floor - 0.04, 0.7, floor + 0.06), ("chassis",), "dark")]
    style = int(rng.integers(0, 3))
    end = x0 - 0.03
    if style == 0:
        pieces.append(Piece(box(-0.8, floor - tall, end, floor - 0.02, 0.02), ("cargo",), "second"))
        for i in range(int(rng.integers(0, 5))):
            x = -0.7 + 0.2 * i
            if x < end - 0.05:
                pieces.append(Piece(box(x, floor - tall + 0.03, x + 0.02, floor - 0.05), ("cargo",), "second", 0.85))
    elif style == 1:
        load = [
            (-0.74, floor - 0.1),
            (-0.6, floor - tall * 0.6),
            (-0.3, floor - tall * u(0.6, 0.9)),
            (0.1, floor - tall * 0.55),
            (end - 0.03, floor - 0.1),
        ]
        pieces += [
            Piece(blob(load), ("cargo", "load"), "bark"),
            Piece(box(-0.8, floor - tall * 0.42, end, floor - 0.02), ("cargo",), "second"),
        ]
    else:
        pieces.append(Piece(box(-0.8, floor - tall * 0.8, end, floor - 0.02, tall * 0.4), ("cargo",), "metal"))
        pieces.append(Piece(box(-0.62, floor - tall * 0.8, -0.58, floor - 0.02), ("cargo",), "metal", 0.75))
    outline = polygon(
        [
            (x0, floor + 0.03),
            (x0, cab_top),
            (x1 - slope - 0.06, cab_top),
            (x1 - 0.02, floor - tall * 0.42),
            (x1, floor - tall * 0.3),
            (x1, floor + 0.03),
        ]
    )
    pieces.append(Piece(outline, ("cab",)))
    glass = polygon(
        [
            (x0 + 0.09, floor - tall * 0.42),
            (x0 + 0.09, cab_top + 0.05),
            (x1 - slope - 0.09, cab_top + 0.05),
            (x1 - 0.06, floor - tall * 0.42),
        ]
    )
    pieces.append(Piece(glass, ("cab", "window"), "glass"))
    pieces.append(
        Piece(box(x0 + 0.08, floor - tall * 0.38, x0 + 0.22, floor - 0.01, 0.02), ("cab", "door"), "base", 0.85)
    )
    pieces.append(
        Piece(box(x1 - 0.06, floor - tall * 0.24, x1 + 0.005, floor - tall * 0.12, 0.02), ("cab", "light"), "lamp")
    )
    places = [x1 - 0.17, -0.56] + ([-0.56 + wheel * 2.25] if rng.random() < 0.5 else [])
    for number, x in enumerate(places, 1):
        pieces += _wheel(number, x, wheel)
    return pieces


def bicycle(rng: np.random.Generator) -> list[Piece]:
    """A bicycle: two spoked wheels, frame, fork, saddle, handlebar, pedal crank; some with a basket."""
    u = rng.uniform
    radius, apart, tube = u(0.26, 0.32), u(0.54, 0.62), u(0.035, 0.05)
    rear, front = (-apart / 2 - 0.06, -radius), (apart / 2 + 0.06, -radius)
    crank, seat, head = (
        (-0.05, -radius * 0.92),
        (-0.14, -radius - u(0.24, 0.32)),
        (apart / 2 - 0.06, -radius - u(0.26, 0.34)),
    )
    pieces: list[Piece] = []
    for number, (x, y) in ((1, rear), (2, front)):
        name = f"wheel_{number}"
        for i in range(5):
            turn = math.pi * i / 5 + 0.2
            dx, dy = radius * math.cos(turn), radius * math.sin(turn)
            pieces.append(Piece(limb([(x - dx, y - dy), (x + dx, y + dy)], [0.014, 0.014]), (name,), "metal"))
        pieces += [
            Piece(ring(x, y, radius - 0.025, 0.055), (name,), "rubber"),
            Piece(ellipse(x, y, 0.035), (name,), "metal"),
        ]

    def tubes(
        lines: list[tuple[tuple[float, float], tuple[float, float]]], part: str, paint: str, width: float
    ) -> None:
        pieces.extend(Piece(limb(line, [width, width]), (part,), paint) for line in lines)

    tubes([(front, head)], "fork", "base", tube * 0.9)
    neck = (head[0] - 0.015, head[1] + 0.07)
    tubes(
        [
            (rear, crank),
            (rear, (seat[0] + 0.02, seat[1] + 0.08)),
            (crank, seat),
            (crank, neck),
            ((seat[0] + 0.02, seat[1] + 0.07), neck),
        ],
        "frame",
        "base",
        tube,
    )
    top = (head[0] + 0.02 - 0.04, head[1] - 0.12)
    pieces.append(
        Piece(
            limb(
                [head, (head[0] - 0.02, head[1] - 0.08), top, (top[0] + u(-0.12, 0.12), top[1] + u(-0.05, 0.08))],
                [0.03, 0.03, 0.04],
            ),
            ("handlebar",),
            "dark",
        )
    )
    pieces.append(Piece(limb([seat, (seat[0] - 0.012, seat[1] - 0.06)], [0.03, 0.03]), ("saddle",), "metal"))
    pieces.append(
        Piece(
            blob(
                [
                    (seat[0] - 0.12, seat[1] - 0.10),
                    (seat[0] + 0.11, seat[1] - 0.07),
                    (seat[0] - 0.02, seat[1] - 0.04),
                    (seat[0] - 0.11, seat[1] - 0.04),
                ]
            ),
            ("saddle",),
            "dark",
        )
    )
    turn = u(0, 2 * math.pi)
    pedal = (crank[0] + 0.13 * math.cos(turn), crank[1] + 0.13 * math.sin(turn))
    pieces += [
        Piece(ellipse(*crank, 0.06), ("pedal",), "metal"),
        Piece(limb([crank, pedal], [0.03, 0.03]), ("pedal",), "metal", 0.7),
    ]
    pieces.append(Piece(box(pedal[0] - 0.05, pedal[1] - 0.015, pedal[0] + 0.05, pedal[1] + 0.02), ("pedal",), "dark"))
    if rng.random() < 0.4:
        x, y = head[0] + 0.03, head[1] - 0.10
        basket = polygon([(x, y), (x + 0.24, y), (x + 0.20, y + 0.17), (x + 0.03, y + 0.17)])
        pieces.append(Piece(basket, ("basket",), "wood"))
    return pieces


def boat(rng: np.random.Generator) -> list[Piece]:
    """A boat: a hull, and either mast with sails and flag or a cabin with windows and a funnel."""
    u = rng.uniform
    deep, bow, stern = u(0.16, 0.24), u(0.10, 0.25), u(0.03, 0.14)
    hull = blob(
        [
            (-0.68, -deep),
            (0.0, -deep + 0.03),
            (0.66 + bow * 0.4, -deep - 0.05),
            (0.5, -0.04),
            (0.3, 0.0),
            (-0.4, 0.0),
            (-0.68 + stern, -0.06),
        ]
    )
    pieces: list[Piece] = []
    if rng.random() < 0.6:
        mast, tall = u(-0.1, 0.15), u(0.8, 1.2)
        top = -deep - tall
        pieces.append(Piece(limb([(mast, -deep + 0.05), (mast, top)], [0.05, 0.035]), ("mast",), "wood"))
        belly = u(0.02, 0.14)
        main = blob(
            [
                (mast - 0.03, -deep - 0.12),
                (mast - 0.03, top + 0.08),
                (mast - 0.25 - belly, (top - deep) / 2),
                (mast - u(0.4, 0.56), -deep - 0.10),
            ]
        )
        pieces.append(Piece(main, ("sail_1",), "pale"))
        if rng.random() < 0.7:
            jib = polygon([(mast + 0.04, -deep - 0.10), (mast + 0.04, top + 0.16), (0.62, -deep - 0.10)])
            pieces.append(Piece(jib, ("sail_2",), str(rng.choice(["pale", "accent"])), 0.95))
        pieces.append(Piece(polygon([(mast, top), (mast + 0.17, top + 0.05), (mast, top + 0.10)]), ("flag",), "accent"))
    else:
        left, right, tall = u(-0.5, -0.3), u(0.1, 0.3), u(0.2, 0.32)
        roof = -deep - tall
        funnel = u(left + 0.05, right - 0.18)
        pieces.append(Piece(box(funnel, roof - u(0.14, 0.26), funnel + 0.13, roof + 0.02), ("funnel",), "accent"))
        pieces.append(Piece(box(left, roof, right, -deep + 0.06, 0.02), ("cabin",), "pale"))
        count = int(rng.integers(2, 4))
        for i in range(count):
            x = left + (right - left) * (i + 0.5) / count
            pieces.append(
                Piece(box(x - 0.055, roof + 0.05, x + 0.055, roof + 0.15, 0.03), ("cabin", f"window_{i + 1}"), "glass")
            )
    pieces.append(Piece(hull, ("hull",)))
    if rng.random() < 0.6:
        stripe = limb([(-0.64, -deep + 0.055), (0.0, -deep + 0.08), (0.62, -deep + 0.015)], [0.045, 0.045])
        pieces.append(Piece(stripe, ("hull",), "second"))
    return pieces


def aeroplane(rng: np.random.Generator) -> list[Piece]:
    """An aeroplane in flight: body with cockpit and windows, two wings, engine, tail fin and tailplane."""
    u = rng.uniform
    deep, sweep, long = u(0.08, 0.12), u(0.12, 0.36), u(0.30, 0.52)
    pieces = [Piece(_wing(0.06, -deep * 0.3, sweep, -long * u(0.5, 0.8), 0.20), ("wing_2",), "second", 0.75)]
    fin_top = -deep - u(0.18, 0.28)
    body = blob(
        [
            (0.72, 0.03),
            (0.58, -deep * 0.75),
            (0.3, -deep),
            (-0.3, -deep),
            (-0.72, -deep * 0.75),
            (-0.74, -deep * 0.45),
            (-0.3, deep * 0.9),
            (0.3, deep),
            (0.6, deep * 0.75),
        ]
    )
    pieces.append(
        Piece(
            polygon([(-0.44, -deep * 0.8), (-0.66, fin_top), (-0.78, fin_top), (-0.72, -deep * 0.6)]),
            ("tail", "fin"),
            str(rng.choice(["second", "accent"])),
        )
    )
    pieces.append(Piece(body, ("body",)))
    if rng.random() < 0.5:
        pieces.append(
            Piece(limb([(-0.7, -deep * 0.4), (0.0, 0.02), (0.66, 0.04)], [0.03, 0.045, 0.03]), ("body",), "accent")
        )
    cockpit = polygon([(0.52, -deep * 0.72), (0.62, -deep * 0.45), (0.60, -deep * 0.05), (0.47, -deep * 0.15)])
    pieces.append(Piece(cockpit, ("body", "cockpit"), "glass"))
    pieces += [
        Piece(ellipse(x, -deep * 0.35, 0.022, 0.028), ("body", f"window_{i + 1}"), "glass")
        for i, x in enumerate(np.arange(-0.35, 0.42, u(0.11, 0.16)))
    ]
    pieces.append(
        Piece(
            polygon([(-0.52, -deep * 0.35), (-0.80, 0.06), (-0.88, 0.05), (-0.70, -deep * 0.5)]),
            ("tail", "tailplane"),
            "second",
        )
    )
    pieces.append(Piece(_wing(0.10, deep * 0.35, sweep, long, 0.24), ("wing_1",), "second"))
    x, y = 0.05 - sweep * 0.35, deep * 0.35 + long * 0.35
    pieces.append(Piece(box(x - 0.02, y, x + 0.20, y + 0.10, 0.05), ("engine_1",), "metal"))
    pieces.append(Piece(ellipse(x + 0.185, y + 0.05, 0.02, 0.042), ("engine_1",), "dark"))
    return pieces


def _wing(x: float, y: float, sweep: float, reach: float, chord: float) -> Outline:
    return polygon(
        [
            (x + chord / 2, y),
            (x - sweep + chord * 0.2, y + reach),
            (x - sweep - chord * 0.2, y + reach),
            (x - chord / 2, y),
        ]
    )
