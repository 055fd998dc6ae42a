"""PartImageNet_Seg: the same classes as PartImageNet over other images, as PNGs of class numbers.

Source: github.com/TACJu/Compositor. A pixel of the part PNG is the number of a kind of part, a pixel
of the PNG in `<split>_whole` the number of an ImageNet class; the highest number is the background.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from consbench.datasets import images, layout
from consbench.datasets.lazy import LazyDataset
from consbench.errors import BadSample
from consbench.masks import Mask, encode
from consbench.types import Object, Part, Sample, Skip

NAME = "partimagenet-seg"
LAYOUT = """\
    ROOT/images/{split}/<name>.JPEG
    ROOT/annotations/{split}/<name>.png         numbers of part kinds, 40 for background
    ROOT/annotations/{split}_whole/<name>.png   numbers of classes, 158 for background; may be absent
    with {split} one of train, val, test    (PartImageNet_Seg.zip)"""
SPLITS = ("train", "val", "test")

PART_BACKGROUND, WHOLE_BACKGROUND = 40, 158

# The categories of the release, in the order of their numbers ("Tier" is the release's word for tyre).
PART_KINDS = {
    "Quadruped": ("Head", "Body", "Foot", "Tail"),
    "Biped": ("Head", "Body", "Hand", "Foot", "Tail"),
    "Fish": ("Head", "Body", "Fin", "Tail"),
    "Bird": ("Head", "Body", "Wing", "Foot", "Tail"),
    "Snake": ("Head", "Body"),
    "Reptile": ("Head", "Body", "Foot", "Tail"),
    "Car": ("Body", "Tier", "Side Mirror"),
    "Bicycle": ("Body", "Head", "Seat", "Tier"),
    "Boat": ("Body", "Sail"),
    "Aeroplane": ("Head", "Body", "Engine", "Wing", "Tail"),
    "Bottle": ("Mouth", "Body"),
}
KINDS = tuple((thing, f"{thing} {part}") for thing, parts in PART_KINDS.items() for part in parts)


def load(root: Path, split: str = "test", allow_missing: bool = False) -> LazyDataset:
    """Open the PNG variant. Ids are file names without ending, in alphabetical order.

    A part is all pixels of one kind (a PNG cannot tell one foot from another); its id is the kind's
    number, 0 to 39. The object (id 0) is the foreground of the `_whole` PNG where there is one, else
    the union of the parts; its category is the super-category that covers most pixels. Numbers that
    stand for nothing are left out, with a Skip.

    Args:
        root: the folder that holds `images/` and `annotations/`.
        split: "train", "val" or "test".
        allow_missing: go on with the images that have both files; absent ones are in `missing`.

    Raises UnknownName for another split, DataMissing where files are absent. The size of the splits
    was never published.
    """
    layout.check_split(NAME, split, SPLITS)
    base = layout.resolve_root(root, NAME, LAYOUT)
    pictures = layout.first_existing([base / "images" / split], f"images of the split '{split}'", LAYOUT)
    numbers = layout.first_existing([base / "annotations" / split], f"annotations of the split '{split}'", LAYOUT)
    have_picture = {Path(name).stem for name in layout.file_names(pictures, ".JPEG")}
    have_numbers = {Path(name).stem for name in layout.file_names(numbers, ".png")}
    missing = sorted(
        [f"{stem}.JPEG" for stem in have_numbers - have_picture]
        + [f"{stem}.png" for stem in have_picture - have_numbers]
    )
    ids = tuple(sorted(have_picture & have_numbers))
    layout.require_complete(f"{NAME} {split}", base, missing, len(ids), allow_missing=allow_missing)
    wholes = base / "annotations" / f"{split}_whole"
    have_whole = {Path(name).stem for name in layout.file_names(wholes, ".png")}
    files = {i: (numbers / f"{i}.png", wholes / f"{i}.png" if i in have_whole else None) for i in ids}
    return LazyDataset(
        name=NAME,
        split=split,
        ids=ids,
        read=partial(_read_sample, pictures, files),
        digests=partial(_digests, files),
        missing=tuple(missing),
    )


Files = dict[str, tuple[Path, Path | None]]


def _digests(files: Files, ids: Sequence[str]) -> list[str]:
    # Both files of an image in one word: without its `_whole` PNG an image has another object.
    return ["+".join(layout.sha256(path) if path else "-" for path in files[image_id]) for image_id in ids]


def _read_sample(pictures: Path, files: Files, image_id: str) -> Sample:
    path, whole = files[image_id]
    kinds_HW = images.read_indices(path)
    height, width = kinds_HW.shape
    values = [int(v) for v in np.unique(kinds_HW)]
    known = [v for v in values if 0 <= v < len(KINDS)]
    skipped = [
        Skip(f"pixels of value {v}", "the number stands for no kind of part")
        for v in values
        if v not in known and v != PART_BACKGROUND
    ]
    masks = encode(np.stack([kinds_HW == v for v in known])) if known else []
    parts = tuple(Part(v, KINDS[v][1], mask) for v, mask in zip(known, masks, strict=True))
    foreground_HW = np.isin(kinds_HW, known)
    if whole is not None:
        whole_HW = images.read_indices(whole)
        if whole_HW.shape != kinds_HW.shape:
            raise BadSample(f"{whole} has shape {whole_HW.shape} (height, width), {path} {kinds_HW.shape}")
        foreground_HW = whole_HW != WHOLE_BACKGROUND
    objects: list[Object] = []
    if not parts:
        skipped.append(Skip("image", "it has no part"))
    if foreground_HW.any():
        objects.append(Object(0, _category(parts), Mask.from_array(foreground_HW), parts))
    else:
        what = f"its object has no pixel in {whole}"
        skipped += [Skip(f"part {p.part_id} ({p.category})", what) for p in parts]
    read_image = partial(images.read_rgb, pictures / f"{image_id}.JPEG", height, width)
    return Sample(image_id, height, width, tuple(objects), read_image, tuple(skipped))


def _category(parts: Sequence[Part]) -> str:
    areas: dict[str, int] = {}
    for part in parts:
        thing = KINDS[part.part_id][0]
        areas[thing] = areas.get(thing, 0) + part.mask.area
    return max(areas, key=lambda thing: areas[thing]) if areas else "unknown"
