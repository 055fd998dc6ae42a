"""What else is annotated around an object: the pixels of an answer that lie in other objects.

The kind of an error (a neighbour leaked in, several objects were merged) is visible only beside the whole
annotation of the image, which the record does not keep; so it is measured while the image is at hand.
Everything is counted in whole pixels, on run-length codes. Crowd regions and objects without parts are
annotated objects too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from consbench import masks
from consbench.masks import Mask
from consbench.types import Object, Sample


class Spill(NamedTuple):
    """What one mask holds of other objects: how many pixels, and how many objects by at least half."""

    area: int
    objects: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The annotated objects of one image, ready to be compared with masks.

    Attributes:
        everything: the union of all annotated objects; None where there is none.
        objects: the mask of every object by its id.
        shared: for every object, the pixels it shares with each other object, by that object's id.
    """

    everything: Mask | None
    objects: dict[int, Mask]
    shared: dict[int, dict[int, Mask]]

    @classmethod
    def of(cls, sample: Sample) -> Surroundings:
        """Gather the objects of a sample."""
        objects = {obj.object_id: obj.mask for obj in sample.objects}
        overlap_OO = masks.iou(list(objects.values()), list(objects.values())) > 0
        shared: dict[int, dict[int, Mask]] = {object_id: {} for object_id in objects}
        for (id_a, a), row in zip(objects.items(), overlap_OO, strict=True):
            for (id_b, b), overlap in zip(objects.items(), row, strict=True):
                if overlap and id_a != id_b:
                    shared[id_a][id_b] = masks.intersection(a, b)
        return cls(masks.union(list(objects.values())) if objects else None, objects, shared)

    def spill(self, obj: Object, answers: Sequence[Mask]) -> list[Spill]:
        """Measure masks that answer a click on `obj`: what each holds of the others, outside `obj`.

        Another object counts where at least half of its pixels are in the mask and outside `obj`.
        """
        if self.everything is None or not answers:
            return [Spill(0, 0) for _ in answers]
        others = [object_id for object_id in self.objects if object_id != obj.object_id]
        shared = self.shared[obj.object_id]
        inside_ME = masks.intersections(answers, [self.everything, obj.mask])
        inside_MO = masks.intersections(answers, [self.objects[o] for o in others])
        column = {object_id: index for index, object_id in enumerate(others)}
        twice_MS = masks.intersections(answers, list(shared.values()))
        inside_MO[:, [column[o] for o in shared]] -= twice_MS
        area_O = np.array([self.objects[o].area for o in others], dtype=np.int64)
        held_M = ((2 * inside_MO >= area_O) & (area_O > 0)).sum(axis=1)
        return [Spill(int(a), int(n)) for a, n in zip(inside_ME[:, 0] - inside_ME[:, 1], held_M, strict=True)]
