"""Scenes: a backdrop, objects posed on it, a photograph taken of it, and what is annotated.

Image i of a stream is drawn from the seed sequence [seed, stream, i] alone: it depends neither on how
many images are made nor on the order in which they are made.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image as PILImage

from consbench.errors import UnknownName, UsageError
from consbench.standins.annotation import Placed, annotate
from consbench.standins.backdrops import backdrop
from consbench.standins.camera import photograph
from consbench.standins.canvas import NOBODY, Canvas, Light, Look, paint
from consbench.standins.colours import material
from consbench.standins.kinds import PLAIN_KINDS, Kind, Place, kinds
from consbench.standins.poses import Posed, dress, posed, spot
from consbench.standins.shapes import Piece, limb
from consbench.types import Image, Object, Sample

Box = tuple[float, float, float, float]  # x0, y0, x1, y1
Profile = Literal["several", "single", "clutter"]
PROFILES: tuple[Profile, ...] = ("several", "single", "clutter")


@dataclass(frozen=True, slots=True)
class Scene:
    """One drawn image with everything that is annotated in it.

    Attributes:
        jpeg: the image as the file that a data set holds; `image_HWC` is what a reader sees in it.
        objects: annotated objects with their parts, by the rules of the profile (see `scene`). Masks
            are of what is visible; objects never overlap, parts may.
    """

    height: int
    width: int
    jpeg: bytes
    objects: tuple[Object, ...]

    @property
    def image_HWC(self) -> Image:
        """The image, uint8 (H, W, 3), RGB."""
        return np.asarray(PILImage.open(io.BytesIO(self.jpeg)))

    def sample(self, image_id: str) -> Sample:
        """The scene as a sample of a data set in memory."""
        return Sample(image_id, self.height, self.width, self.objects, lambda: self.image_HWC)


def scene(profile: Profile, seed: int, index: int, *, size: int = 192, held_out: bool = False) -> Scene:
    """Draw image `index` of a stream; equal arguments give equal bytes.

    Profiles mirror the data sets of the evaluation:

    - "several" (Pascal Part): one to five objects. Like parts are numbered ("wheel_1"), parts do not
      always cover their object, boats, chairs and tables have no parts.
    - "single" (PartImageNet): one large object, which is the union of its parts; like parts share a name.
    - "clutter" (PACO): 6 to 14 small objects; like parts of an object are one mask; balls and books
      have no parts.

    Args:
        profile: which data set the scene is like.
        seed: names the stream, at least 0.
        index: the image's place in the stream, at least 0.
        size: the long side in pixels, at least 64.
        held_out: draw the stream for evaluation, which alone shows held-out kinds. The two streams of
            one seed have no image in common.

    Raises UnknownName for another profile, UsageError for numbers out of range.

    >>> drawn = scene("single", seed=0, index=0)
    >>> max(drawn.height, drawn.width), len(drawn.objects)
    (192, 1)
    """
    if profile not in PROFILES:
        raise UnknownName("profile", profile, PROFILES)
    if size < 64 or seed < 0 or index < 0:
        raise UsageError(
            f"a scene needs size >= 64, seed >= 0 and index >= 0; got size={size}, seed={seed}, index={index}"
        )
    stream = PROFILES.index(profile) + (len(PROFILES) if held_out else 0)
    rng = np.random.default_rng(np.random.SeedSequence([seed, stream, index]))
    height, width = _frame(rng, size)
    while True:
        drawn = _draw(rng, profile, height, width, kinds(held_out=held_out))
        if drawn is not None:
            return drawn


def _frame(rng: np.random.Generator, size: int) -> tuple[int, int]:
    short = round(size / float(rng.choice([1.0, 4 / 3, 4 / 3, 1.5, 1.5, 1.25, 16 / 9])) * rng.uniform(0.97, 1.0))
    return (size, short) if rng.random() < 0.4 else (short, size)


def _draw(rng: np.random.Generator, profile: Profile, height: int, width: int, pool: tuple[Kind, ...]) -> Scene | None:
    """One attempt; None if nothing with parts can be annotated in it."""
    chosen, where = _choose(rng, profile, pool)
    picture, horizon = backdrop(rng, where, height, width)
    canvas = Canvas.on(picture)
    turn = rng.uniform(-0.9, 0.9)
    light = Light(float(np.sin(turn)), -float(np.cos(turn)), rng.uniform(0.2, 0.5), rng.uniform(0.015, 0.06))
    items = [posed(rng, kind, profile, horizon, (height, width)) for kind in chosen]
    placed = _apart(rng, items, profile, horizon, (height, width))
    if horizon:
        # What stands lower in the picture is nearer; what floats is painted as if far away.
        placed.sort(key=lambda item: _box(item[1])[3] if item[0].stance != "floats" else 0.0)
    whole: list[int] = []
    for number, (kind, pieces) in enumerate(placed):
        look = dress(rng, kind, pieces, _extent(pieces))
        falls = _shadow(kind, where, horizon)
        whole.append(paint(canvas, pieces, look, light, number, rng, cast=falls))
    if rng.random() < (0.35 if where in ("outdoors", "underwater") else 0.0):
        _foreground(rng, canvas, light)
    objects = annotate(profile, canvas, placed, whole, rng)
    if not any(obj.parts for obj in objects):
        return None
    return Scene(height, width, photograph(rng, canvas.rgb_HWC), objects)


def _shadow(kind: Kind, where: Place, horizon: float) -> str:
    if kind.stance == "floats" or where == "underwater":
        return "none"
    return "ground" if horizon and kind.stance == "stands" else "near"


def _choose(rng: np.random.Generator, profile: Profile, pool: tuple[Kind, ...]) -> tuple[list[Kind], Place]:
    """Which kinds take part, and before what backdrop."""
    first = pool[int(rng.integers(len(pool)))]
    where: Place = "plain" if rng.random() < 0.2 else first.places[int(rng.integers(len(first.places)))]
    if profile == "single":
        return [first], where
    count = int(rng.choice([1, 2, 2, 3, 3, 4, 5])) if profile == "several" else int(rng.integers(6, 15))
    if profile == "clutter" and where in ("sea", "underwater"):
        where = "plain"
    extra = PLAIN_KINDS if profile == "clutter" else ()
    fitting = [kind for kind in (*pool, *extra) if where == "plain" or where in kind.places]
    return [first, *(fitting[int(i)] for i in rng.integers(len(fitting), size=count - 1))], where


def _apart(
    rng: np.random.Generator, items: Sequence[Posed], profile: Profile, horizon: float, frame: tuple[int, int]
) -> list[Placed]:
    """Put objects where none hides too much of another; a little occlusion is wanted."""
    limit = rng.uniform(0.05, 0.45) if profile == "several" else rng.uniform(0.05, 0.3)
    boxes: list[Box] = []
    placed: list[Placed] = []
    for item in items:
        best, best_score = (0.0, 0.0, 0.0, 0.0), np.inf
        for _ in range(10):
            x, y = spot(rng, item, profile, horizon, frame)
            box = (x, y, x + item.size[0], y + item.size[1])
            score = max((_shared(box, other) for other in boxes), default=0.0)
            if score < best_score:
                best, best_score = box, score
            if score <= limit:
                break
        boxes.append(best)
        placed.append(
            (item.kind, [piece._replace(outline_N2=piece.outline_N2 + np.array(best[:2])) for piece in item.pieces])
        )
    return placed


def _foreground(rng: np.random.Generator, canvas: Canvas, light: Light) -> None:
    """Blades of grass before everything: they hide, and belong to nobody."""
    height, width = canvas.owner_HW.shape
    blades, x = [], width * rng.uniform(0, 1)
    for _ in range(int(rng.integers(5, 16))):
        root, tall = x + width * rng.normal(0, 0.12), height * rng.uniform(0.08, 0.28)
        tip = (root + width * rng.uniform(-0.06, 0.06), height - tall)
        line = [(root, height + 2), ((root + tip[0]) / 2, height - tall * 0.6), tip]
        blades.append(Piece(limb(line, [width * 0.02, width * 0.014, 1.0]), ()))
    green = material(rng, "leaf")
    look = Look([green * rng.uniform(0.7, 1.15) for _ in blades], "none", 4.0, 0.0, [0.0] * len(blades), 0.3, 0.0)
    paint(canvas, blades, look, light, NOBODY, rng, cast="none")


def _box(pieces: Sequence[Piece]) -> Box:
    points_N2 = np.concatenate([piece.outline_N2 for piece in pieces])
    (x0, y0), (x1, y1) = points_N2.min(axis=0).tolist(), points_N2.max(axis=0).tolist()
    return x0, y0, x1, y1


def _extent(pieces: Sequence[Piece]) -> float:
    x0, y0, x1, y1 = _box(pieces)
    return max(x1 - x0, y1 - y0)


def _shared(a: Box, b: Box) -> float:
    """The area two boxes share, as part of the smaller one."""
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return max(across, 0.0) * max(down, 0.0) / smaller
