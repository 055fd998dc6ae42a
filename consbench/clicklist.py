"""Clicks given one by one, in place of a rule that finds them: what another tool, or a person, clicked.

A list belongs to the annotations it was made on, and says itself which parts are clicked, how often and
where; a run of it asks these clicks and no others. `consbench.exchange` reads and writes lists as JSON.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from consbench.clicks import Listed
from consbench.datasets.base import Dataset
from consbench.errors import BadSample, UsageError
from consbench.measure import Question
from consbench.protocol import Protocol
from consbench.types import Click, Sample


class ListedClick(NamedTuple):
    """One click on a part: the first one (number 0), which every headline number is over, or an extra one."""

    object_id: int
    part_id: int
    number: int
    click: Click


@dataclass(frozen=True, slots=True)
class ImageClicks:
    """The clicks on one image of `height` × `width` pixels; coordinates as everywhere, see `consbench.types`.

    Raises UsageError for a click outside the image, for two clicks of one number on a part, and for a part
    whose clicks are not numbered 0, 1, 2, ….

    >>> ImageClicks("a", 40, 64, (ListedClick(0, 1, 0, Click(64, 3)),))
    Traceback (most recent call last):
    consbench.errors.UsageError: image a, object 0, part 1, click 0: (64, 3) lies outside the image, whose x goes
    from 0 to 63 and whose y from 0 to 39
    """

    image_id: str
    height: int
    width: int
    clicks: tuple[ListedClick, ...]

    def __post_init__(self) -> None:
        numbers: dict[tuple[int, int], list[int]] = {}
        for object_id, part_id, number, (x, y) in self.clicks:
            if not (0 <= x < self.width and 0 <= y < self.height):
                raise UsageError(
                    f"{self._about(object_id, part_id)}, click {number}: ({x}, {y}) lies outside the image, whose x "
                    f"goes from 0 to {self.width - 1} and whose y from 0 to {self.height - 1}"
                )
            numbers.setdefault((object_id, part_id), []).append(number)
        for (object_id, part_id), found in numbers.items():
            if sorted(found) != list(range(len(found))):
                raise UsageError(
                    f"{self._about(object_id, part_id)}: the clicks on a part are numbered 0, 1, 2, …, each once; "
                    f"got {', '.join(map(str, sorted(found)))}"
                )

    def questions(self, sample: Sample) -> list[Question]:
        """What the model is asked about this image, in the order in which a rule would ask it.

        Raises UsageError where the image has another size, and where a clicked part or its object is absent,
        empty or a crowd region.
        """
        if (sample.height, sample.width) != (self.height, self.width):
            raise UsageError(
                f"image {self.image_id} has {sample.height}×{sample.width} pixels (height × width), and the clicks are "
                f"of one of {self.height}×{self.width}: scale x and y to the image of the dataset"
            )
        self._refuse_strangers(sample)
        at = {(object_id, part_id, number): click for object_id, part_id, number, click in self.clicks}
        return [
            Question((obj, part), number, at[key])
            for number in sorted({listed.number for listed in self.clicks})
            for obj in sample.objects
            for part in obj.parts
            if (key := (obj.object_id, part.part_id, number)) in at
        ]

    def _refuse_strangers(self, sample: Sample) -> None:
        objects = {obj.object_id: obj for obj in sample.objects}
        for object_id, part_id in dict.fromkeys((c.object_id, c.part_id) for c in self.clicks):
            if object_id not in objects:
                known = ", ".join(map(str, objects)) or "none"
                raise UsageError(f"image {self.image_id} has no object {object_id}; its objects are: {known}")
            obj = objects[object_id]
            if part_id not in (ids := [part.part_id for part in obj.parts]):
                known = ", ".join(map(str, ids)) or "none"
                raise UsageError(f"{self._about(object_id, part_id)}: the object has no such part; it has: {known}")
            if part_id not in [part.part_id for part in Protocol().eligible_parts(obj)]:
                why = "the object is a crowd region" if obj.crowd else "it has no pixel, or its object has none"
                raise UsageError(f"{self._about(object_id, part_id)} is not clicked: {why}. Take it off the list")

    def _about(self, object_id: int, part_id: int) -> str:
        return f"image {self.image_id}, object {object_id}, part {part_id}"


@dataclass(frozen=True)
class ClickList:
    """Clicks on the images of one dataset.

    Attributes:
        dataset, split, fingerprint: of the annotations that the ids are of; the fingerprint is over `ids`.
        images: the clicks, image by image.
        unclicked: further images of the run, on which nothing is clicked.
        origin: id of the protocol that the clicks were first asked under; empty where there was none.

    Raises UsageError where there is no click, or an image is there twice.
    """

    dataset: str
    split: str
    fingerprint: str
    images: Sequence[ImageClicks]
    unclicked: Sequence[str] = ()
    origin: str = ""

    def __post_init__(self) -> None:
        if len(self) == 0:
            raise UsageError("the list holds no click")
        twice = next((image_id for image_id, times in Counter(self.ids).items() if times > 1), None)
        if twice is not None:
            raise UsageError(f"image {twice} is in the list more than once; give all its clicks together")

    def __len__(self) -> int:
        return sum(len(image.clicks) for image in self.images)

    @property
    def ids(self) -> list[str]:
        """The ids of all images of a run of this list."""
        return [*(image.image_id for image in self.images), *self.unclicked]

    @cached_property
    def digest(self) -> str:
        """The first 16 hex digits of the SHA-256 of the fingerprint and of every click, whatever their order."""
        rows = sorted(
            (image.image_id, c.object_id, c.part_id, c.number, *c.click) for image in self.images for c in image.clicks
        )
        return hashlib.sha256(json.dumps([self.fingerprint, rows]).encode()).hexdigest()[:16]

    @property
    def protocol(self) -> Protocol:
        """The protocol of a run of this list; its id is that of runs of the same clicks, and of no others."""
        return Protocol(click=Listed(self.digest))

    def questions(self, sample: Sample) -> list[Question]:
        """What the model is asked about one image, as `ImageClicks.questions`; nothing where none is clicked."""
        image = self._by_image.get(sample.image_id)
        return image.questions(sample) if image else []

    def refuse_other_dataset(self, dataset: Dataset) -> None:
        """Raise UsageError unless `dataset` is, by its name and split, the one the clicks are of."""
        if (dataset.name, dataset.split) != (self.dataset, self.split):
            raise UsageError(
                f"the clicks are of {self.dataset} ({self.split}), and {dataset.name} ({dataset.split}) was asked for: "
                "a list is for the dataset and split it was made on"
            )

    def refuse_other_annotations(self, fingerprint: str) -> None:
        """Raise UsageError unless `fingerprint`, of the dataset's annotations of `ids`, is the list's own."""
        if fingerprint != self.fingerprint:
            raise UsageError(
                f"the clicks are of other annotations of {self.dataset} ({self.split}): the fingerprint is "
                f"{fingerprint[:12]}… here and {self.fingerprint[:12]}… in the list. Open the dataset with the files "
                "and options it was made with, or make the list anew"
            )

    def refuse_unknown_parts(self, dataset: Dataset) -> None:
        """Raise as `ImageClicks.questions` for the first image whose annotation does not have what is clicked."""
        for image in self.images:
            try:
                sample = dataset.load(image.image_id)
            except BadSample:  # the run names it and skips it, as without a list
                continue
            image.questions(sample)

    @cached_property
    def _by_image(self) -> dict[str, ImageClicks]:
        return {image.image_id: image for image in self.images}
