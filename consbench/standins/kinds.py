"""The kinds of object there are: how each is drawn, where it is found, which are kept for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from consbench.standins import buildings, creatures, furniture, household, people, plants, vehicles
from consbench.standins.shapes import Piece

Place = Literal["outdoors", "indoors", "sea", "underwater", "surface", "plain"]
Stance = Literal["stands", "floats", "lies"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object.

    Attributes:
        name: the category of its objects.
        draw: returns its pieces, posed and proportioned at random, from the generator it is given.
        places: the backdrops it belongs to; every kind may also stand before a plain one.
        stance: "stands" on a ground line, "floats" above it, or "lies" at any angle on a surface.
        coat: "fur" for the muted colours of animals, "paint" for anything.
        loose: parts that the `several` profile leaves unannotated, so that parts do not cover the object.
        bulk: its extent against that of other kinds in the same scene.
        held_out: whether it is drawn only in evaluation scenes, never in training ones.
    """

    name: str
    draw: Callable[[np.random.Generator], list[Piece]]
    places: tuple[Place, ...]
    stance: Stance = "stands"
    coat: Literal["fur", "paint"] = "paint"
    loose: frozenset[str] = frozenset()
    bulk: float = 1.0
    held_out: bool = False


KINDS = (
    Kind("quadruped", creatures.quadruped, ("outdoors",), coat="fur"),
    Kind("bird", creatures.bird, ("outdoors", "sea"), coat="fur", bulk=0.85),
    Kind("fish", creatures.fish, ("underwater", "surface"), "lies"),
    Kind("snake", creatures.snake, ("outdoors", "surface", "underwater"), "lies", coat="fur", bulk=1.15),
    Kind("person", people.person, ("outdoors", "indoors")),
    Kind("beetle", creatures.beetle, ("surface",), "lies", held_out=True, bulk=0.85),
    Kind("car", vehicles.car, ("outdoors",), loose=frozenset({"body"})),
    Kind("truck", vehicles.truck, ("outdoors",), loose=frozenset({"chassis"}), bulk=1.1),
    Kind("bicycle", vehicles.bicycle, ("outdoors", "indoors"), loose=frozenset({"frame"})),
    Kind("boat", vehicles.boat, ("sea",)),
    Kind("aeroplane", vehicles.aeroplane, ("outdoors", "sea"), "floats", held_out=True),
    Kind("chair", furniture.chair, ("indoors",), bulk=0.9),
    Kind("table", furniture.table, ("indoors",)),
    Kind("bed", furniture.bed, ("indoors",), loose=frozenset({"frame"})),
    Kind("lamp", furniture.lamp, ("indoors",), held_out=True),
    Kind("flower", plants.flower, ("outdoors", "indoors"), bulk=0.85),
    Kind("tree", plants.tree, ("outdoors",), bulk=1.15),
    Kind("cactus", plants.cactus, ("indoors", "outdoors"), held_out=True),
    Kind("mug", household.mug, ("indoors", "surface"), bulk=0.65),
    Kind("teapot", household.teapot, ("indoors",), bulk=0.8),
    Kind("bottle", household.bottle, ("indoors", "surface"), bulk=0.8),
    Kind("scissors", household.scissors, ("surface",), "lies", bulk=0.9),
    Kind("guitar", household.guitar, ("indoors", "surface"), held_out=True),
    Kind("house", buildings.house, ("outdoors",), loose=frozenset({"wall"}), bulk=1.1),
    Kind("tower", buildings.tower, ("outdoors", "sea"), loose=frozenset({"shaft"}), bulk=1.1),
)
"""All kinds with parts, in the order that gives their category ids: append, never insert."""

PLAIN_KINDS = (
    Kind("ball", household.ball, ("outdoors", "indoors", "surface"), "lies", bulk=0.5),
    Kind("book", household.book, ("indoors", "surface"), bulk=0.7),
)
"""Kinds without parts, annotated only in the `clutter` profile, as PACO's balls and napkins are."""

PARTLESS_IN_SEVERAL = frozenset({"boat", "chair", "table"})
"""Kinds whose parts the `several` profile never annotates; Pascal Part has none for the same classes."""


def kinds(*, held_out: bool) -> tuple[Kind, ...]:
    """The kinds with parts that training scenes draw from; with `held_out`, those of evaluation scenes: all.

    >>> len(kinds(held_out=False)), len(kinds(held_out=True))
    (20, 25)
    """
    return tuple(kind for kind in KINDS if held_out or not kind.held_out)
