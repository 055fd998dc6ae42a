"""People, drawn from the front."""

from __future__ import annotations

import math

import numpy as np

from consbench.standins.shapes import Outline, Piece, blob, ellipse, limb, polygon


def person(rng: np.random.Generator) -> list[Piece]:
    """A clothed person: head with hair, eyes and mouth, torso, two arms with hands, two legs with feet."""
    u = rng.uniform
    leg, torso, broad, head = u(0.42, 0.56), u(0.32, 0.42), u(0.13, 0.18), u(0.10, 0.14)
    hip, neck = -leg, -leg - torso
    pieces: list[Piece] = []

    def add_leg(number: int, side: float) -> None:
        foot = (side * (0.08 + u(-0.02, 0.16)), -0.03)
        knee = (side * 0.07 + (foot[0] - side * 0.07) * 0.5 + u(-0.05, 0.05), hip * 0.5)
        pieces.append(
            Piece(
                limb([(side * 0.075, hip - 0.03), knee, foot], [0.15, 0.12, 0.09]), (f"leg_{number}",), "second", 0.95
            )
        )
        pieces.append(
            Piece(ellipse(foot[0] + 0.03 * side, -0.025, 0.08, 0.042), (f"leg_{number}", f"foot_{number}"), "dark")
        )

    def add_arm(number: int, side: float) -> None:
        raise_ = u(-0.35, 2.6) if rng.random() < 0.5 else u(-0.2, 0.5)
        bend = raise_ + u(0.0, 0.9) * float(rng.choice([-1, 1]))
        shoulder = (side * broad * 0.9, neck + 0.06)
        elbow = (shoulder[0] + side * 0.18 * math.sin(raise_ + 0.2), shoulder[1] + 0.18 * math.cos(raise_ + 0.2))
        hand = (elbow[0] + side * 0.17 * math.sin(bend + 0.2), elbow[1] + 0.17 * math.cos(bend + 0.2))
        pieces.append(Piece(limb([shoulder, elbow, hand], [0.105, 0.085, 0.07]), (f"arm_{number}",), "base", 0.9))
        pieces.append(Piece(ellipse(*hand, 0.05), (f"arm_{number}", f"hand_{number}"), "skin"))

    add_leg(1, -1.0)
    add_leg(2, 1.0)
    add_arm(1, -1.0)
    pieces.append(Piece(limb([(0, neck + 0.06), (0, neck - 0.06)], [0.09, 0.085]), ("neck",), "skin", 0.9))
    hem = broad * (u(1.3, 1.9) if rng.random() < 0.3 else 0.95)
    pieces.append(
        Piece(
            blob(
                [
                    (-broad, neck + 0.03),
                    (0, neck - 0.01),
                    (broad, neck + 0.03),
                    (broad * 0.85, hip - 0.15),
                    (hem, hip + 0.05),
                    (0, hip + 0.07),
                    (-hem, hip + 0.05),
                    (-broad * 0.85, hip - 0.15),
                ]
            ),
            ("torso",),
        )
    )
    if rng.random() < 0.4:
        pieces.append(Piece(_belt(hip, broad), ("torso", "belt"), "dark"))
    add_arm(2, 1.0)
    y = neck - 0.05 - head
    if rng.random() < 0.5:
        pieces.append(
            Piece(ellipse(0, y + head * 0.1, head * 1.12, head * u(1.1, 1.8)), ("head", "hair"), "hair", 0.85)
        )
    pieces.append(Piece(ellipse(0, y, head * 0.86, head), ("head",), "skin"))
    if rng.random() < 0.35:
        pieces.append(
            Piece(
                polygon(
                    [
                        (-head, y - head * 0.45),
                        (-head * 0.7, y - head * 1.3),
                        (head * 0.7, y - head * 1.3),
                        (head, y - head * 0.45),
                    ]
                ),
                ("head", "hat"),
                "accent",
            )
        )
        pieces.append(
            Piece(
                limb([(-head * 1.3, y - head * 0.45), (head * 1.3, y - head * 0.45)], [0.04, 0.04]),
                ("head", "hat"),
                "accent",
                0.85,
            )
        )
    else:
        pieces.append(
            Piece(
                blob(
                    [
                        (-head * 0.95, y - head * 0.05),
                        (-head * 0.7, y - head * 0.95),
                        (0, y - head * 1.2),
                        (head * 0.7, y - head * 0.95),
                        (head * 0.95, y - head * 0.05),
                        (head * u(-0.4, 0.5), y - head * 0.6),
                    ]
                ),
                ("head", "hair"),
                "hair",
            )
        )
    for number, side in ((1, -1), (2, 1)):
        pieces.append(
            Piece(ellipse(side * head * 0.34, y + head * 0.02, head * 0.12), ("head", f"eye_{number}"), "dark")
        )
    pieces.append(
        Piece(ellipse(0, y + head * 0.5, head * u(0.2, 0.36), head * u(0.06, 0.14)), ("head", "mouth"), "red")
    )
    return pieces


def _belt(hip: float, broad: float) -> Outline:
    """A belt around a person's waist."""
    return limb([(-broad * 0.88, hip - 0.1), (broad * 0.88, hip - 0.1)], [0.05, 0.05])
