"""Counting what a dataset holds: images, objects, parts, their sizes, and what was left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from consbench.datasets.base import Counts, Dataset
from consbench.errors import BadSample
from consbench.types import Sample, Skip

Progress = Callable[[int, int], None]


class Omission(NamedTuple):
    """Something of a dataset that cannot be evaluated: in which image, what, and why."""

    image_id: str
    what: str
    reason: str

    @property
    def kind(self) -> str:
        """What sort of thing it is ("object", "part", "box", "polygon"): the first word of `what`."""
        return self.what.split(" ", 1)[0]


class Agreement(NamedTuple):
    """One published count beside the one found; `left_out` of those found cannot be evaluated."""

    noun: str
    expected: int | None
    found: int
    left_out: int

    @property
    def difference(self) -> int | None:
        """Found minus expected; None where nothing was published."""
        return None if self.expected is None else self.found - self.expected


@dataclass(frozen=True, slots=True, eq=False)
class Census:
    """What a dataset holds. Areas are in pixels; crowd regions count as objects but give no click.

    Attributes:
        images: how many could be read.
        clicks: how many parts give a click: every kept part of an object that is no crowd region.
        crowds: how many objects are crowd regions.
        objects_by_category: how many objects of each category.
        parts_by_category: how many parts of each kind, as (category of the object, of the part).
        parts_per_object: how many objects have 0, 1, 2 … parts.
        object_areas: of every object, int64 (objects,).
        part_areas: of every part, int64 (parts,).
        skipped: what the loader left out of readable images.
        unreadable: images whose annotation or, where asked for, pixels could not be read.
    """

    images: int
    clicks: int
    crowds: int
    objects_by_category: Mapping[str, int]
    parts_by_category: Mapping[tuple[str, str], int]
    parts_per_object: Mapping[int, int]
    object_areas: NDArray[np.int64]
    part_areas: NDArray[np.int64]
    skipped: tuple[Omission, ...]
    unreadable: tuple[Omission, ...]

    @property
    def objects(self) -> int:
        """How many objects were kept."""
        return len(self.object_areas)

    @property
    def parts(self) -> int:
        """How many parts were kept."""
        return len(self.part_areas)

    @property
    def objects_with_pairs(self) -> int:
        """How many objects have two parts or more; on the others consistency is undefined."""
        return sum(count for parts, count in self.parts_per_object.items() if parts >= 2)

    def compare(self, expected: Counts | None) -> list[Agreement]:
        """Set the published counts beside what the files hold, line by line.

        What the files annotate is counted, so objects and parts that were left out for an empty mask
        count as found: the question is whether the copy is the published one.
        """
        wanted = expected or Counts(None)
        left_out = Counter(omission.kind for omission in self.skipped)
        unreadable = len(self.unreadable)
        return [
            Agreement("images", wanted.images, self.images + unreadable, unreadable),
            Agreement("objects", wanted.objects, self.objects + left_out["object"], left_out["object"]),
            Agreement("parts", wanted.parts, self.parts + left_out["part"], left_out["part"]),
        ]


def take_census(dataset: Dataset, *, decode_images: bool = False, progress: Progress | None = None) -> Census:
    """Walk a dataset and count; unreadable images are noted and the walk goes on.

    Args:
        dataset: any dataset.
        decode_images: read the pixels of every image too, to find damaged files.
        progress: called with (done, total) before the first image and after each.
    """
    tally = _Tally()
    total = len(dataset.ids)
    if progress:
        progress(0, total)
    for done, image_id in enumerate(dataset.ids, start=1):
        try:
            sample = dataset.load(image_id)
            if decode_images:
                sample.image()
        except BadSample as error:
            tally.unreadable.append(Omission(image_id, "image", str(error)))
        else:
            tally.add(sample)
        if progress:
            progress(done, total)
    # Annotations that belong to no image are the dataset's own; not every dataset keeps such a list.
    strays: Sequence[Skip] = getattr(dataset, "skipped", ())
    tally.skipped += [Omission("", what, reason) for what, reason in strays]
    return tally.census()


class _Tally:
    """A census in the making."""

    def __init__(self) -> None:
        self.images = self.clicks = self.crowds = 0
        self.objects: Counter[str] = Counter()
        self.parts: Counter[tuple[str, str]] = Counter()
        self.parts_per_object: Counter[int] = Counter()
        self.object_areas: list[int] = []
        self.part_areas: list[int] = []
        self.skipped: list[Omission] = []
        self.unreadable: list[Omission] = []

    def add(self, sample: Sample) -> None:
        self.images += 1
        self.skipped += [Omission(sample.image_id, what, reason) for what, reason in sample.skipped]
        for obj in sample.objects:
            areas = [part.mask.area for part in obj.parts]
            object_area = obj.mask.area
            self.objects[obj.category] += 1
            self.parts.update((obj.category, part.category) for part in obj.parts)
            self.parts_per_object[len(areas)] += 1
            self.object_areas.append(object_area)
            self.part_areas += areas
            self.crowds += obj.crowd
            if object_area and not obj.crowd:
                self.clicks += sum(area > 0 for area in areas)

    def census(self) -> Census:
        return Census(
            images=self.images,
            clicks=self.clicks,
            crowds=self.crowds,
            objects_by_category=dict(self.objects.most_common()),
            parts_by_category=dict(self.parts.most_common()),
            parts_per_object=dict(sorted(self.parts_per_object.items())),
            object_areas=np.array(self.object_areas, dtype=np.int64),
            part_areas=np.array(self.part_areas, dtype=np.int64),
            skipped=tuple(self.skipped),
            unreadable=tuple(self.unreadable),
        )
