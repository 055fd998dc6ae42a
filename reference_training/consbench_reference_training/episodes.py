"""Episodes: an image, clicks on it, and the masks each click should be answered with.

Everything drawn at random comes from a generator seeded by the run's seed and the number of the episode
alone. So a run draws the same episodes on one process or on eight, with workers or without, and a run that
was interrupted goes on with the ones it would have had.

Axes beyond those of `consbench.types`: T targets of a click, S side of the square that targets are compared in.
Frame of clicks: (x, y) pixels of the network's input, whose top left pixel is (0, 0).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset as TorchDataset

from consbench.errors import BadSample, UsageError
from consbench.masks import BoolArray
from consbench.types import Object, Part, Sample
from consbench_adapters.promptable import Frame
from consbench_reference_training.config import Episodes, Recipe
from consbench_reference_training.sources import Progress, Split

_log = logging.getLogger(__name__)
_SUBSTITUTES = 16  # unreadable images in a row before the data is given up

LEVELS = ("whole", "part", "subpart")


class Episode(NamedTuple):
    """One image with N clicks and T targets for each.

    Attributes:
        name: "image/object", or the image: what an error message can point at.
        pixels_CHW: uint8 RGB, resized so that the longest side is the network's, not padded.
        clicks_N2: float32 (x, y) in the network's frame.
        targets_NTSS: float32 in [0, 1], the share of each cell that the target covers; the square is the
            padded input of the network.
        valid_NT: bool, False where a click has no such target.
    """

    name: str
    pixels_CHW: Tensor
    clicks_N2: Tensor
    targets_NTSS: Tensor
    valid_NT: Tensor


class Item(NamedTuple):
    """What an episode is made of: one object of one image, or, without `object_id`, one image."""

    source: int
    image_id: str
    object_id: int | None = None

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.image_id if self.object_id is None else f"{self.image_id}/{self.object_id}"


class EpisodeStream(TorchDataset[Episode]):
    """The n-th episode of a run, for any n; every epoch is a new order of all items.

    Args:
        splits: the data.
        items: what episodes are made of, see `find_items`.
        spec: which kind of episode.
        image_size: longest side of the network's input.
        target_size: side of the square that targets are compared in.
        seed: of order and clicks.
        fixed: item n is episode n, as validation wants it, instead of a new order every epoch.
    """

    def __init__(
        self,
        splits: Sequence[Split],
        items: Sequence[Item],
        spec: Episodes,
        *,
        image_size: int,
        target_size: int,
        seed: int,
        fixed: bool = False,
    ) -> None:
        self._datasets = [split.dataset for split in splits]
        self.items, self._spec, self._fixed = list(items), spec, fixed
        self._image_size, self._target_size, self._seed = image_size, target_size, seed
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.items)

    def item(self, number: int) -> Item:
        """What episode `number` is made of."""
        epoch, place = divmod(number, len(self.items))
        if self._fixed:
            return self.items[place]
        if self._order[0] != epoch:
            self._order = epoch, np.random.default_rng([self._seed, 1, epoch]).permutation(len(self.items))
        return self.items[int(self._order[1][place])]

    def __getitem__(self, number: int) -> Episode:
        """Draw an episode; one whose image cannot be read is replaced by the next that can."""
        for candidate in range(number, number + _SUBSTITUTES):
            item = self.item(candidate)
            # 2 and 3 keep the clicks of training apart from the order above and from those of validation.
            rng = np.random.default_rng([self._seed, 3 if self._fixed else 2, number])
            try:
                sample = self._datasets[item.source].load(item.image_id)
                return draw(sample, item, self._spec, rng, self._image_size, self._target_size)
            except BadSample as error:
                _log.warning("episode %s is left out: %s", item.name, error)
        raise UsageError(
            f"{_SUBSTITUTES} images in a row cannot be read, the last of them '{item.name}'; check the data"
        )


def find_items(
    splits: Sequence[Split], spec: Episodes, *, validation: bool = False, progress: Progress | None = None
) -> list[Item]:
    """List what episodes can be made of, in the order of the data; annotations are read, images are not.

    Left out are crowd regions, objects with an empty mask, and (for episodes of objects) objects with fewer
    non-empty parts than `spec.fewest_parts`.

    Raises UsageError where nothing is left.
    """
    items = []
    wanted = [
        (s, image_id) for s, half in enumerate(splits) for image_id in (half.validation if validation else half.train)
    ]
    for done, (source, image_id) in enumerate(wanted, 1):
        try:
            sample = splits[source].dataset.load(image_id)
        except BadSample as error:
            _log.warning("image %s is left out: %s", image_id, error)
            continue
        if spec.of == "object":
            objects = [obj for obj in usable_objects(sample) if len(usable_parts(obj)) >= spec.fewest_parts]
            items += [Item(source, image_id, obj.object_id) for obj in objects]
        elif usable_objects(sample):
            items.append(Item(source, image_id))
        if progress:
            progress(done, len(wanted))
    if not items:
        names = ", ".join(f"{half.dataset.name} ({half.dataset.split})" for half in splits)
        half = "validation" if validation else "training"
        lacking = f"object with {spec.fewest_parts} or more parts" if spec.of == "object" else "object with a mask"
        raise UsageError(f"the {half} half of {names} has no {lacking} in {len(wanted)} images: nothing can be learnt")
    return items


def usable_objects(sample: Sample) -> list[Object]:
    """The objects that may be clicked on: no crowd regions, none without pixels."""
    return [obj for obj in sample.objects if not obj.crowd and obj.mask.area]


def usable_parts(obj: Object) -> list[Part]:
    """The parts of an object that have pixels."""
    return [part for part in obj.parts if part.mask.area]


def draw(
    sample: Sample, item: Item, spec: Episodes, rng: np.random.Generator, image_size: int, target_size: int
) -> Episode:
    """Draw the clicks of one episode and make its tensors. Raises BadSample where the image cannot be read."""
    frame = Frame((sample.height, sample.width), image_size)
    pixels_HWC = frame.resize(sample.image())
    if item.object_id is None:
        chosen = _clicks_on_image(sample, spec.most_clicks, rng)
    else:
        obj = next(obj for obj in sample.objects if obj.object_id == item.object_id)
        chosen = _clicks_on_parts(obj, spec.most_clicks, rng)
    cover_MSS = coverage(np.stack(chosen.masks), target_size)
    return Episode(
        item.name,
        torch.from_numpy(pixels_HWC.copy()).permute(2, 0, 1),
        torch.from_numpy(frame.to_network(np.array(chosen.clicks, dtype=np.float64))).float(),
        cover_MSS[torch.tensor(chosen.targets).clamp(min=0)],
        torch.tensor(chosen.targets) >= 0,
    )


def coverage(masks_MHW: BoolArray, side: int) -> Tensor:
    """How much of each cell of a side × side grid over the padded square a mask covers: float32 (M, S, S).

    The image is padded at the right and at the bottom to a square, as SAM pads its input.
    """
    height, width = masks_MHW.shape[1:]
    longest = max(height, width)
    square = functional.pad(torch.from_numpy(masks_MHW).float(), (0, longest - width, 0, longest - height))
    return functional.interpolate(square[None], size=(side, side), mode="area")[0]


class _Chosen(NamedTuple):
    clicks: list[tuple[int, int]]
    targets: list[list[int]]  # for each click an index into `masks` for each target, -1 where there is none
    masks: list[BoolArray]


def _clicks_on_parts(obj: Object, most: int, rng: np.random.Generator) -> _Chosen:
    """A pixel of each part, each pixel equally likely; of more than `most` parts a random `most`."""
    parts = usable_parts(obj)
    kept = sorted(rng.permutation(len(parts))[:most].tolist())
    masks = [obj.mask.array(), *(parts[k].mask.array() for k in kept)]
    return _Chosen([_pixel(mask, rng) for mask in masks[1:]], [[0, n + 1] for n in range(len(kept))], masks)


def _clicks_on_image(sample: Sample, count: int, rng: np.random.Generator) -> _Chosen:
    """Random objects, a random part or the whole of each, a random pixel of that: what lies there is the target.

    Of the parts at the pixel the largest is the part, the smallest the subpart. Where there is one part only
    and it is in pieces (both ears, say), the piece at the pixel is the subpart.
    """
    objects = usable_objects(sample)
    clicks: list[tuple[int, int]] = []
    targets: list[list[int]] = []
    masks: list[BoolArray] = []
    first_of: dict[int, int] = {}
    pieces_of: dict[int, NDArray[np.int32] | None] = {}
    for place in rng.integers(len(objects), size=count).tolist():
        parts = usable_parts(objects[place])
        if place not in first_of:
            first_of[place] = len(masks)
            masks += [objects[place].mask.array(), *(part.mask.array() for part in parts)]
        whole = first_of[place]
        own = range(whole, whole + 1 + len(parts))
        # The whole counts as one more candidate, so that what no part covers is clicked on as well.
        x, y = _pixel(masks[own[int(rng.integers(len(own)))]], rng)
        here = sorted((k for k in own[1:] if masks[k][y, x]), key=lambda k: -int(masks[k].sum()))
        chain = [whole, here[0] if here else -1, here[-1] if len(here) > 1 else -1]
        if len(here) == 1:
            if here[0] not in pieces_of:
                pieces_of[here[0]] = _pieces(masks[here[0]])
            if (pieces_HW := pieces_of[here[0]]) is not None:
                chain[2] = len(masks)
                masks.append(pieces_HW == pieces_HW[y, x])
        clicks.append((x, y))
        targets.append(chain)
    return _Chosen(clicks, targets, masks)


def _pieces(mask_HW: BoolArray) -> NDArray[np.int32] | None:
    """The connected pieces of a mask by number; None where it is in one piece."""
    pieces_HW, count = ndimage.label(mask_HW)
    return pieces_HW if count > 1 else None


def _pixel(mask_HW: BoolArray, rng: np.random.Generator) -> tuple[int, int]:
    inside = np.flatnonzero(mask_HW)
    y, x = divmod(int(inside[rng.integers(len(inside))]), mask_HW.shape[1])
    return x, y


def streams(
    recipe: Recipe, splits: Sequence[Split], *, image_size: int, target_size: int, progress: Progress | None = None
) -> tuple[EpisodeStream, EpisodeStream, EpisodeStream | None]:
    """The streams of a run: to learn from, to validate on, and (where a recipe has one) for the dense phase."""

    def stream(items: Sequence[Item], spec: Episodes, *, fixed: bool = False) -> EpisodeStream:
        return EpisodeStream(
            splits, items, spec, image_size=image_size, target_size=target_size, seed=recipe.seed, fixed=fixed
        )

    spec = recipe.episodes
    train = stream(find_items(splits, spec, progress=progress), spec)
    most = recipe.run.validation_episodes or None
    validation = stream(find_items(splits, spec, validation=True)[:most], spec, fixed=True)
    if not recipe.dense.steps:
        return train, validation, None
    dense = Episodes(of="image", per_step=spec.per_step, most_clicks=recipe.dense.clicks)
    return train, validation, stream(find_items(splits, dense), dense)
