"""HQ-Seg44K: the seven sets HQ-SAM is trained on, one mask of one salient object for each picture.

Source of the layout: train/README.md of github.com/SysCV/sam-hq. Its four validation sets are not part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np

from consbench.datasets import images, layout
from consbench.datasets.base import Counts
from consbench.datasets.lazy import LazyDataset
from consbench.errors import DataMissing, UnknownName
from consbench.masks import BoolArray, Mask
from consbench.types import Object, Sample, Skip
from consbench_reference_training.pseudo_parts.sources import Source

NAME = "hq-seg44k"
LAYOUT = """\
    ROOT/DIS5K/DIS-TR/{im,gt}/                                                (DIS5K.zip)
    ROOT/thin_object_detection/ThinObject5K/{images_train,masks_train}/       (thin_object_detection.zip)
    ROOT/cascade_psp/{fss_all,DUTS-TR,DUTS-TE,ecssd,MSRA_10K}/                (cascade_psp.zip)
    with pictures <name>.jpg and masks <name>.png; the last five have both in one folder"""


class Set(NamedTuple):
    """One of the sets: the folders of its archive, its pictures and masks in them, and how many it has."""

    archive: str
    pictures: str
    masks: str
    images: int


SETS: Mapping[str, Set] = {
    "DIS5K-TR": Set("DIS5K", "DIS-TR/im", "DIS-TR/gt", 3000),
    "ThinObject5K-TR": Set("thin_object_detection", "ThinObject5K/images_train", "ThinObject5K/masks_train", 4748),
    "FSS": Set("cascade_psp", "fss_all", "fss_all", 10_000),
    "DUTS-TR": Set("cascade_psp", "DUTS-TR", "DUTS-TR", 10_553),
    "DUTS-TE": Set("cascade_psp", "DUTS-TE", "DUTS-TE", 5019),
    "ECSSD": Set("cascade_psp", "ecssd", "ecssd", 1000),
    "MSRA10K": Set("cascade_psp", "MSRA_10K", "MSRA_10K", 10_000),
}

# Users of HQ-SAM's training data reported these to its authors; masks that somebody merely doubts stay.
KNOWN_BAD: Mapping[str, str] = {"MSRA10K/97915": "its mask is known to show another object"}


class Pair(NamedTuple):
    """A picture and its mask."""

    picture: Path
    mask: Path


def hq_seg44k(root: Path, sets: Sequence[str] = tuple(SETS), allow_missing: bool = False) -> Source:
    """Open HQ-Seg44K. Ids are "<set>/<name>"; each image has one object, id 0, category "object".

    A mask has one channel, or three of which the first counts. Its white is 1 where no value is above
    1, else 255; a pixel belongs to the object above half of white, so soft edges are cut in the middle and
    faint noise alone makes no object. Images without an object, and those known to be wrong, come with a Skip.

    Args:
        root: the folder of the unpacked archives.
        sets: names among `SETS`; all seven are the paper's 44,320 images.
        allow_missing: go on with the complete pairs; names of absent files are in `missing`.

    Raises UnknownName for another set, DataMissing where files are absent.
    """
    for name in sets:
        if name not in SETS:
            raise UnknownName(f"set of {NAME}", name, SETS)
    base = layout.resolve_root(root, NAME, LAYOUT)
    pairs: dict[str, Pair] = {}
    missing: list[str] = []
    for name in dict.fromkeys(sets):
        found, absent = _pairs(base, name)
        if not found and not absent and not allow_missing:
            raise DataMissing(f"found no set {name} of {NAME} under {base}. Wanted:\n{LAYOUT}")
        pairs |= found
        missing += absent if found or absent else [SETS[name].pictures]
    layout.require_complete(NAME, base, missing, len(pairs), allow_missing=allow_missing)
    complete = len(dict.fromkeys(sets)) == len(SETS)
    dataset = LazyDataset(
        name=NAME,
        split="train" if complete else "+".join(sorted(set(sets))),
        ids=tuple(sorted(pairs)),
        read=partial(_read_sample, pairs),
        digests=partial(_digests, pairs),
        expected=Counts(sum(SETS[name].images for name in dict.fromkeys(sets))),
        missing=tuple(missing),
    )
    return Source(dataset, base, {i: pair.picture.relative_to(base).as_posix() for i, pair in pairs.items()})


def _pairs(base: Path, name: str) -> tuple[dict[str, Pair], list[str]]:
    """The complete pairs of one set by id, and the names of absent files."""
    one = SETS[name]
    places = [base / one.archive, base, base / one.archive / one.archive]
    inside = next((place for place in places if (place / one.pictures).is_dir()), places[0])
    pictures = _by_stem(inside / one.pictures, (".jpg", ".jpeg"))
    masks = _by_stem(inside / one.masks, (".png",))
    pairs = {f"{name}/{stem}": Pair(pictures[stem], masks[stem]) for stem in pictures.keys() & masks.keys()}
    absent = [f"{one.masks}/{stem}.png" for stem in pictures.keys() - masks.keys()]
    absent += [f"{one.pictures}/{stem}.jpg" for stem in masks.keys() - pictures.keys()]
    return pairs, sorted(absent)


def _by_stem(folder: Path, endings: Sequence[str]) -> dict[str, Path]:
    names = (PurePath(name) for name in sorted(layout.file_names(folder)))
    return {name.stem: folder / name for name in names if name.suffix.lower() in endings}


def _read_sample(pairs: Mapping[str, Pair], image_id: str) -> Sample:
    picture, file = pairs[image_id]
    height, width = images.read_size(file)
    read_image = partial(images.read_rgb, picture, height, width)
    if image_id in KNOWN_BAD:
        return Sample(image_id, height, width, (), read_image, (Skip("object 0", KNOWN_BAD[image_id]),))
    mask = Mask.from_array(binarise(images.read_rgb(file, height, width)[:, :, 0]))
    if not mask.area:
        return Sample(image_id, height, width, (), read_image, (Skip("object 0", "its mask is empty"),))
    return Sample(image_id, height, width, (Object(0, "object", mask, ()),), read_image)


def binarise(values_HW: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> BoolArray:
    """The pixels above half of white, bool (H, W); white is 1 where no value is above 1, else 255.

    >>> binarise(np.array([[0, 1]], np.uint8)).tolist(), binarise(np.array([[3, 127, 128]], np.uint8)).tolist()
    ([[False, True]], [[False, False, True]])
    """
    white = 1 if values_HW.max(initial=0) <= 1 else 255
    above: BoolArray = values_HW > white / 2
    return above


def _digests(pairs: Mapping[str, Pair], ids: Sequence[str]) -> list[str]:
    return [layout.sha256(pairs[image_id].mask) for image_id in ids]
