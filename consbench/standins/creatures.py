"""Animals: quadruped, bird, fish, snake, beetle. Each is drawn facing right."""

from __future__ import annotations

import math

import numpy as np

from consbench.standins.shapes import Outline, Piece, blob, curve, ellipse, limb, polygon


def quadruped(rng: np.random.Generator) -> list[Piece]:
    """A walking mammal: head with ears, eye and muzzle, neck, torso, four legs with feet, tail."""
    u = rng.uniform
    leg, deep, neck_up, neck_out = u(0.28, 0.62), u(0.30, 0.46), u(0.02, 0.34), u(0.08, 0.22)
    thick, head = u(0.07, 0.14), u(0.13, 0.20)
    back, belly = -leg - deep, -leg
    pieces: list[Piece] = []

    def add_leg(number: int, x: float, tone: float) -> None:
        swing, knee = u(-0.14, 0.14), u(-0.05, 0.05)
        ankle = (x + swing, -0.03)
        line = [(x, belly - deep * u(0.08, 0.35)), (x + knee, -leg * 0.5), ankle]
        name = f"leg_{number}"
        pieces.append(Piece(limb(line, [thick * 1.7, thick, thick * 0.75]), (name,), "base", tone))
        pieces.append(
            Piece(ellipse(ankle[0] + 0.025, -0.02, thick * 0.65, 0.045), (name, f"foot_{number}"), "dark", tone)
        )

    hip, shoulder = -0.40, 0.38
    add_leg(3, hip + u(0.05, 0.12), 0.72)
    add_leg(4, shoulder - u(0.05, 0.12), 0.72)
    tip = (hip - u(0.12, 0.38), back + u(-0.25, 0.30))
    tail = limb(
        [(hip - 0.08, back + 0.08), ((hip + tip[0]) / 2 - 0.06, (back + tip[1]) / 2 - u(0, 0.1)), tip],
        [0.07, 0.05, u(0.03, 0.11)],
    )
    pieces.append(Piece(tail, ("tail",), str(rng.choice(["base", "second"]))))
    sag = u(-0.03, 0.05)
    torso = blob(
        [
            (hip - 0.12, (back + belly) / 2),
            (hip, back + 0.01),
            (0.0, back + sag),
            (shoulder, back - 0.01),
            (shoulder + 0.13, (back + belly) / 2),
            (shoulder - 0.02, belly + 0.02),
            (0.0, belly + sag * 0.6),
            (hip + 0.02, belly - 0.02),
        ]
    )
    x, y = shoulder + 0.12 + neck_out, back - neck_up
    pieces.append(
        Piece(limb([(shoulder, back + deep * 0.4), (x - head * 0.35, y)], [deep * 0.75, head * 1.1]), ("neck",))
    )
    pieces.append(Piece(torso, ("torso",)))
    add_leg(1, hip, 1.0)
    add_leg(2, shoulder, 1.0)
    ear_long, ear_lean, droop = u(0.6, 1.5) * head, u(-0.5, 0.3), u(-0.05, 0.3)
    for number, shift, tone in ((2, 0.25, 0.75), (1, -0.25, 1.0)):
        root = (x + shift * head, y - head * 0.7)
        tip = (root[0] + ear_lean * ear_long - 0.02, root[1] - ear_long * 0.8)
        ear = blob([(root[0] - 0.045, root[1] + 0.03), tip, (root[0] + 0.05, root[1] + 0.03)])
        pieces.append(Piece(ear, ("head", f"ear_{number}"), "second", tone))
    pieces.append(Piece(ellipse(x, y, head * 1.05, head * 0.85, droop), ("head",)))
    muzzle = ellipse(x + head * 1.0, y + head * (0.25 + droop), head * u(0.45, 0.75), head * u(0.36, 0.5), droop)
    pieces.append(Piece(muzzle, ("head", "muzzle"), "second"))
    pieces.append(
        Piece(ellipse(x + head * 1.4, y + head * (0.15 + droop), head * 0.14), ("head", "muzzle", "nose"), "dark")
    )
    pieces.append(Piece(ellipse(x + head * 0.35, y - head * 0.22, head * 0.16), ("head", "eye"), "dark"))
    return pieces


def bird(rng: np.random.Generator) -> list[Piece]:
    """A standing bird: head with eye and beak, torso, wing, tail, two legs."""
    u = rng.uniform
    leg, tilt, round_ = u(0.15, 0.55), u(-0.5, 0.05), u(0.20, 0.30)
    head, neck = u(0.12, 0.17), u(0.0, 0.3)
    y = -leg - round_ * 0.85
    hx, hy = 0.36 * math.cos(tilt) + neck * 0.3, y + 0.36 * math.sin(tilt) - neck - 0.08
    pieces: list[Piece] = []
    for number, x, tone in ((2, 0.06, 0.75), (1, -0.04, 1.0)):
        line = [(x, y + round_ * 0.5), (x - 0.05, -leg * 0.5), (x, -0.02)]
        pieces.append(Piece(limb(line, [0.055, 0.035, 0.03]), (f"leg_{number}",), "warm", tone))
        pieces.append(
            Piece(
                limb([(x - 0.05, -0.015), (x + 0.11, -0.015)], [0.035, 0.02]),
                (f"leg_{number}", f"foot_{number}"),
                "warm",
                tone,
            )
        )
    back = (-0.38 * math.cos(tilt), y - 0.38 * math.sin(tilt))
    long, lift = u(0.25, 0.5), tilt - u(-0.35, 0.35)
    end = (back[0] - long * math.cos(lift), back[1] - long * math.sin(lift))
    fan = u(0.04, 0.13)
    tail = polygon(
        [
            (back[0] + 0.12, back[1] - 0.07),
            (end[0], end[1] - fan),
            (end[0] + 0.05, end[1]),
            (end[0], end[1] + fan),
            (back[0] + 0.12, back[1] + 0.08),
        ]
    )
    pieces.append(Piece(tail, ("tail",), "second"))
    if neck > 0.08:
        pieces.append(
            Piece(
                limb([(0.25 * math.cos(tilt), y + 0.2 * math.sin(tilt)), (hx, hy)], [round_ * 1.1, head * 1.1]),
                ("neck",),
            )
        )
    pieces.append(Piece(ellipse(0, y, 0.45, round_, tilt), ("torso",)))
    if rng.random() < 0.5:
        pieces.append(
            Piece(ellipse(0.14, y + round_ * 0.45 + 0.1 * tilt, 0.24, round_ * 0.48, tilt), ("torso",), "pale")
        )
    beak, open_ = u(0.10, 0.30), u(0.0, 0.05)
    pieces.append(
        Piece(
            polygon(
                [(hx + head * 0.6, hy - 0.05), (hx + head + beak, hy + u(-0.02, 0.06)), (hx + head * 0.6, hy + 0.06)]
            ),
            ("head", "beak"),
            "warm",
        )
    )
    if open_ > 0.02:
        pieces.append(
            Piece(
                polygon(
                    [
                        (hx + head * 0.6, hy + 0.03),
                        (hx + head + beak * 0.8, hy + 0.06 + open_),
                        (hx + head * 0.5, hy + 0.09),
                    ]
                ),
                ("head", "beak"),
                "warm",
                0.8,
            )
        )
    pieces.append(Piece(ellipse(hx, hy, head), ("head",), str(rng.choice(["base", "second"]))))
    pieces.append(Piece(ellipse(hx + head * 0.35, hy - head * 0.2, head * 0.26), ("head", "eye"), "pale"))
    pieces.append(Piece(ellipse(hx + head * 0.40, hy - head * 0.2, head * 0.15), ("head", "eye"), "dark"))
    raised = rng.random() < 0.3
    shoulder = (0.20 * math.cos(tilt), y + 0.2 * math.sin(tilt) - round_ * 0.3)
    tip = (-0.25, y - u(0.5, 0.8)) if raised else (-0.42 * math.cos(tilt), y - 0.42 * math.sin(tilt) + u(-0.04, 0.06))
    middle = ((shoulder[0] + tip[0]) / 2, (shoulder[1] + tip[1]) / 2)
    wing = blob(
        [
            shoulder,
            (middle[0] - 0.02, middle[1] - round_ * 0.4),
            tip,
            (middle[0] + (0.18 if raised else 0), middle[1] + round_ * 0.6),
        ]
    )
    pieces.append(Piece(wing, ("wing",), "second", 0.92))
    return pieces


def fish(rng: np.random.Generator) -> list[Piece]:
    """A swimming fish: head with eye and mouth, body, tail, dorsal, pectoral and belly fins."""
    u = rng.uniform
    deep, bend = u(0.17, 0.34), u(-0.06, 0.06)
    fork, spread, root = u(0.02, 0.14), u(0.16, 0.30), -0.42
    pieces = [
        Piece(
            blob(
                [
                    (root + 0.08, bend - 0.05),
                    (root - 0.26, bend * 2 - spread),
                    (root - 0.20 + fork, bend * 2),
                    (root - 0.26, bend * 2 + spread),
                    (root + 0.08, bend + 0.05),
                ]
            ),
            ("tail",),
            "second",
        ),
        Piece(
            blob(
                [
                    (0.2, -deep * 0.85),
                    (u(-0.1, 0.1), -deep - u(0.10, 0.24)),
                    (-0.32, -deep * 0.4 - 0.05),
                    (-0.15, -deep * 0.5),
                ]
            ),
            ("dorsal fin",),
            "second",
            0.95,
        ),
        Piece(
            blob([(0.0, deep * 0.8), (-0.16, deep + u(0.06, 0.16)), (-0.28, deep * 0.45)]),
            ("belly fin",),
            "second",
            0.85,
        ),
    ]
    body = [
        (0.5, 0.02),
        (0.34, -deep * 0.75),
        (0.08, -deep),
        (-0.25, -deep * 0.55 + bend),
        (root, bend - 0.06),
        (root, bend + 0.06),
        (-0.25, deep * 0.55 + bend),
        (0.08, deep),
        (0.34, deep * 0.7),
    ]
    pieces.append(Piece(blob(body), ("body",)))
    for stripe in range(int(rng.integers(0, 4))):
        x = 0.08 - 0.13 * stripe
        pieces.append(
            Piece(blob([(x, -deep * 0.85), (x + 0.05, 0), (x, deep * 0.85), (x - 0.02, 0)]), ("body",), "accent")
        )
    face = [
        (0.5, 0.02),
        (0.36, -deep * 0.70),
        (0.22, -deep * 0.86),
        (0.17, 0.0),
        (0.22, deep * 0.84),
        (0.36, deep * 0.66),
    ]
    pieces.append(Piece(blob(face), ("head",), str(rng.choice(["base", "second", "accent"]))))
    pieces.append(Piece(limb([(0.495, 0.06), (0.41, 0.075)], [0.03, 0.02]), ("head", "mouth"), "dark"))
    pieces.append(Piece(ellipse(0.35, -deep * 0.25, 0.062), ("head", "eye"), "pale"))
    pieces.append(Piece(ellipse(0.36, -deep * 0.25, 0.036), ("head", "eye"), "dark"))
    droop = u(0.02, 0.14)
    pieces.append(
        Piece(
            blob([(0.14, 0.03), (-0.10, droop), (-0.02, droop + 0.12), (0.10, 0.12)]), ("pectoral fin",), "second", 1.08
        )
    )
    return pieces


def snake(rng: np.random.Generator) -> list[Piece]:
    """A winding snake: head with eye and tongue, body, tail with or without a rattle."""
    u = rng.uniform
    waves, high, wide = int(rng.integers(2, 5)), u(0.08, 0.2), u(0.07, 0.13)
    steps = waves * 2 + 1
    line = [(-0.8 + 1.6 * i / steps, -0.15 + high * (-1) ** i * u(0.7, 1.15)) for i in range(steps + 1)]
    line.append((0.86, -0.18 - u(0.0, 0.3)))
    spine_N2 = curve(line)
    cut = len(spine_N2) // 4
    width_N = wide * np.interp(np.linspace(0, 1, len(spine_N2)), [0, 0.3, 0.8, 1], [0.15, 0.9, 1.0, 0.65])

    def strip(first: int, last: int, share: float = 1.0) -> Outline:
        return limb(
            [(float(x), float(y)) for x, y in spine_N2[first:last]], [float(w) * share for w in width_N[first:last]]
        )

    pieces = [Piece(strip(0, cut + 2), ("tail",), str(rng.choice(["base", "second"])))]
    if rng.random() < 0.4:
        pieces += [
            Piece(ellipse(line[0][0] - 0.03 * i, line[0][1], 0.035), ("tail", "rattle"), "warm", 1 - 0.1 * i)
            for i in range(3)
        ]
    pieces.append(Piece(strip(cut, len(spine_N2)), ("body",)))
    if rng.random() < 0.6:
        for i in range(cut + 2, len(spine_N2) - 3, 4):
            pieces.append(
                Piece(
                    ellipse(float(spine_N2[i, 0]), float(spine_N2[i, 1]), float(width_N[i]) * 0.32), ("body",), "accent"
                )
            )
    x, y = line[-1]
    tongue = u(0.06, 0.16)
    pieces.append(Piece(limb([(x + 0.1, y), (x + 0.16 + tongue, y + 0.02)], [0.022, 0.018]), ("head", "tongue"), "red"))
    pieces.append(
        Piece(
            ellipse(x + 0.06, y, wide * 1.15, wide * 0.72, u(-0.2, 0.3)), ("head",), str(rng.choice(["base", "second"]))
        )
    )
    pieces.append(Piece(ellipse(x + 0.09, y - wide * 0.25, wide * 0.20), ("head", "eye"), "pale"))
    pieces.append(Piece(ellipse(x + 0.10, y - wide * 0.25, wide * 0.11), ("head", "eye"), "dark"))
    return pieces


def beetle(rng: np.random.Generator) -> list[Piece]:
    """A beetle seen from above: head with eyes and antennae, thorax, two wing cases, six legs."""
    u = rng.uniform
    long, wide, thorax, head = u(0.34, 0.46), u(0.22, 0.34), u(0.15, 0.22), u(0.10, 0.15)
    pieces: list[Piece] = []
    for side in (-1, 1):
        for row in range(3):
            number = row * 2 + (1 if side < 0 else 2)
            root = (0.22 - 0.26 * row, side * wide * 0.7)
            reach = (root[0] + (0.16 - 0.16 * row) + u(-0.08, 0.08), side * (wide + u(0.12, 0.2)))
            foot = (reach[0] + (0.12 - 0.16 * row), side * (wide + u(0.24, 0.36)))
            pieces.append(Piece(limb([root, reach, foot], [0.07, 0.05, 0.025]), (f"leg_{number}",), "dark"))
    neck = long * 0.75 + thorax
    for number, side in ((1, -1), (2, 1)):
        start = (neck + head * 0.7, side * head * 0.5)
        line = [
            start,
            (start[0] + 0.12, start[1] + side * 0.06),
            (start[0] + u(0.18, 0.3), start[1] + side * u(0.1, 0.24)),
        ]
        pieces.append(Piece(limb(line, [0.035, 0.025, 0.03]), ("head", f"antenna_{number}"), "dark", 1.2))
    pieces.append(Piece(ellipse(neck, 0, head, head * 1.1), ("head",), "second"))
    pieces.append(Piece(ellipse(long * 0.8, 0, thorax, wide * 0.82), ("thorax",), "second", 1.1))
    for number, side in ((1, -1), (2, 1)):
        pieces.append(
            Piece(ellipse(neck + head * 0.25, side * head * 0.75, head * 0.34), ("head", f"eye_{number}"), "pale")
        )
        case = blob(
            [
                (long * 0.7, 0.004 * side),
                (long * 0.55, side * wide * 0.85),
                (-0.1, side * wide),
                (-long * 1.0, side * wide * 0.5),
                (-long * 1.15, 0.004 * side),
            ]
        )
        pieces.append(Piece(case, (f"wing_{number}",), "base", 1.0 if side < 0 else 0.88))
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(2, 5))):
            x, y, r = u(-long * 0.7, long * 0.35), u(0.3, 0.65) * wide, u(0.03, 0.06)
            pieces += [Piece(ellipse(x, s * y, r), (f"wing_{1 if s < 0 else 2}",), "accent") for s in (-1, 1)]
    return pieces
