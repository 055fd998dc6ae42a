"""What is annotated in a painted scene: visible objects and parts, as each data set has them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from consbench.masks import encode
from consbench.standins.canvas import Canvas
from consbench.standins.kinds import PARTLESS_IN_SEVERAL, Kind
from consbench.standins.shapes import Piece
from consbench.types import Object, Part

Placed = tuple[Kind, list[Piece]]

SMALLEST_PART = 4  # pixels; what is smaller in a picture of this size is a trace, not a part
SMALLEST_OBJECT = 40
LEAST_VISIBLE = 0.15  # share of an object's pixels that must be seen for it to be annotated


def annotate(
    profile: str, canvas: Canvas, placed: Sequence[Placed], whole: Sequence[int], rng: np.random.Generator
) -> tuple[Object, ...]:
    """Annotate what is visible of each placed object, by the rules of the profile (see `scenes.scene`).

    Args:
        profile: "several", "single" or "clutter".
        canvas: the painted scene; object i of `placed` owns its pixels under the number i.
        placed: every object's kind and pieces, in the order they were painted.
        whole: how many pixels each object had before others hid it.
        rng: decides which objects of "several" have no parts, as some of every class have none in
            Pascal Part.

    Objects that are almost hidden, and traces of parts, are left out.
    """
    bare = rng.random(len(placed)) < (0.06 if profile == "several" else 0.0)
    found: list[tuple[Kind, list[str], list[NDArray[np.bool_]]]] = []
    for number, (kind, pieces) in enumerate(placed):
        mine_HW = canvas.owner_HW == number
        area = int(mine_HW.sum())
        if area < max(SMALLEST_OBJECT, LEAST_VISIBLE * whole[number]):
            continue
        # The number after the last stands for what is not this object's, and belongs to no part.
        piece_HW = np.where(mine_HW, canvas.piece_HW, len(pieces))
        names: list[str] = []
        masks: list[NDArray[np.bool_]] = []
        partless = profile == "several" and (kind.name in PARTLESS_IN_SEVERAL or bool(bare[number]))
        for name, members in _parts(pieces, profile, kind).items() if not partless else ():
            belongs = np.zeros(len(pieces) + 1, dtype=np.bool_)
            belongs[members] = True
            part_HW = belongs[piece_HW]
            if int(part_HW.sum()) >= SMALLEST_PART:
                names.append(name)
                masks.append(part_HW)
        if profile == "single":
            if not masks:
                continue
            mine_HW = np.logical_or.reduce(masks)
        found.append((kind, names, [mine_HW, *masks]))
    if not found:
        return ()
    codes = iter(encode(np.stack([mask for _, _, masks in found for mask in masks])))
    objects = []
    for number, (kind, names, _) in enumerate(found):
        whole_mask = next(codes)
        categories = [_common(name) for name in names] if profile == "single" else names
        parts = tuple(Part(part_id, category, next(codes)) for part_id, category in enumerate(categories))
        objects.append(Object(number, kind.name, whole_mask, parts))
    return tuple(objects)


def _parts(pieces: Sequence[Piece], profile: str, kind: Kind) -> dict[str, list[int]]:
    """The numbers of the pieces that make up each annotated part."""
    members: dict[str, list[int]] = {}
    for number, piece in enumerate(pieces):
        for name in piece.parts:
            if not (profile == "several" and name in kind.loose):
                members.setdefault(_common(name) if profile == "clutter" else name, []).append(number)
    return members


def _common(name: str) -> str:
    """The name that like parts share: "wheel" of "wheel_2"."""
    return re.sub(r"_\d+$", "", name)
