"""PACO: parts and attributes of 75 common objects, over COCO images (PACO-LVIS) and EGO4D frames.

Source: Ramanathan et al., "PACO", CVPR 2023. The paper evaluates 9443 images, which is the split the
release calls test (its val has 2410); "validation" is what LVIS calls the images of that split.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from consbench.datasets import coco, layout
from consbench.datasets.base import Counts
from consbench.datasets.coco import Annotation, CocoFile, ImageEntry
from consbench.datasets.lazy import LazyDataset
from consbench.masks import Mask
from consbench.types import Object, Part, Skip

LAYOUT_LVIS = """\
    ROOT/annotations/paco_lvis_v1_{split}.json   (paco_lvis_v1.zip; directly in ROOT will do)
    ROOT/{train2017,val2017}/<name>.jpg          (COCO 2017; in ROOT/images or ROOT/coco will do)
    with {split} one of train, val, test; each split has images of both COCO folders"""
LAYOUT_EGO4D = """\
    ROOT/annotations/paco_ego4d_v1_{split}.json  (paco_ego4d_v1.zip; directly in ROOT will do)
    ROOT/<file_name of the JSON>                 (ego4d --datasets paco_frames; in ROOT/images,
                                                  ROOT/paco_frames or ROOT/v1/paco_frames will do)
    with {split} one of train, val, test"""

# docs/PACO_DATASET.md of github.com/facebookresearch/paco; objects and parts count segments, not boxes.
EXPECTED_LVIS = {
    "train": Counts(45_790, 217_117, 395_071),
    "val": Counts(2410, 10_794, 20_945),
    "test": Counts(9443, 45_861, 86_041),
}
EXPECTED_EGO4D = {
    "train": Counts(15_667, 29_462, 81_528),
    "val": Counts(825, 1522, 4240),
    "test": Counts(9892, 19_565, 53_580),
}


def load(root: Path, split: str = "test", allow_missing: bool = False) -> LazyDataset:
    """Open PACO-LVIS. Ids are the JSON's image ids as text ("563746").

    They are COCO's own ids, unique over `train2017` and `val2017`, and what other records of these
    images are keyed by; a file's name is the same number with zeros in front.

    An annotation is an object where its `obj_ann_id` is its own id, else a part of the object with
    that id; ids of objects and parts are annotation ids. A part's category is what follows the colon
    of its name: "wheel" of "car_(automobile):wheel". Parts of one name on one object were merged by
    the release, so a part may have several pieces, and it may reach beyond its object's mask.

    Left out, with a Skip: boxes without a mask, empty masks, parts of objects that are left out.

    Args:
        root: the folder of annotations and images; see the error message of an empty one for layouts.
        split: "train", "val" or "test".
        allow_missing: go on with the images that are there; the absent ones are in `missing`.

    Raises UnknownName for another split, DataMissing where files are absent, UsageError where the
    JSON is damaged.
    """
    bases = ("", "images", "coco", "coco/images")
    return _open("paco", "paco_lvis_v1", root, split, EXPECTED_LVIS, LAYOUT_LVIS, bases, allow_missing)


def load_ego4d(root: Path, split: str = "test", allow_missing: bool = False) -> LazyDataset:
    """Open PACO-EGO4D: like `load`, over frames of EGO4D. About a tenth of its boxes have no mask."""
    bases = ("", "images", "paco_frames", "v1/paco_frames")
    return _open("paco-ego4d", "paco_ego4d_v1", root, split, EXPECTED_EGO4D, LAYOUT_EGO4D, bases, allow_missing)


def _open(
    name: str,
    prefix: str,
    root: Path,
    split: str,
    expected: dict[str, Counts],
    wanted: str,
    bases: Sequence[str],
    allow_missing: bool,
) -> LazyDataset:
    layout.check_split(name, split, expected)
    base = layout.resolve_root(root, name, wanted)
    json_name = f"{prefix}_{split}.json"
    folders = [base / "annotations", base, base / "annotations" / prefix, base / prefix]
    path = layout.first_existing([folder / json_name for folder in folders], f"annotations {json_name}", wanted)
    file = coco.read(path)
    pictures = layout.locate([_places(image.file_name) for image in file.images], [base / b for b in bases])
    return coco.make_dataset(
        file,
        [str(image.image_id) for image in file.images],
        pictures,
        build_objects,
        name=name,
        split=split,
        root=base,
        expected=expected[split],
        allow_missing=allow_missing,
    )


def _places(file_name: str) -> list[str]:
    """Where an image may lie: as the JSON says, or by its bare name in one of COCO's two folders."""
    bare = PurePosixPath(file_name).name
    return list(dict.fromkeys([file_name, f"train2017/{bare}", f"val2017/{bare}", bare]))


def build_objects(file: CocoFile, image: ImageEntry) -> tuple[list[Object], list[Skip]]:
    """The objects of one image with their parts, in the order of the file, and what is left out."""
    annotations = file.of_image(image)
    parts_of: dict[int | None, list[Annotation]] = {}
    for annotation in annotations:
        if annotation.annotation_id != annotation.object_id:
            parts_of.setdefault(annotation.object_id, []).append(annotation)
    objects: list[Object] = []
    skipped = [] if annotations else [Skip("image", "it has no annotation")]
    for annotation in annotations:
        if annotation.annotation_id != annotation.object_id:
            continue
        members = parts_of.pop(annotation.object_id, [])
        category = file.categories[annotation.category_id].name
        whole, notes = _mask(file, image, annotation, f"object {annotation.annotation_id} ({category})")
        skipped += notes
        if whole is None:
            skipped += _orphans(file, members, f"its object {annotation.annotation_id} has no mask")
            continue
        parts: list[Part] = []
        for member in members:
            name = file.categories[member.category_id].name
            mask, notes = _mask(file, image, member, f"part {member.annotation_id} ({name})")
            skipped += notes
            if mask is not None:
                parts.append(Part(member.annotation_id, name.partition(":")[2] or name, mask))
        objects.append(Object(annotation.annotation_id, category, whole, tuple(parts), annotation.crowd))
    for owner, members in parts_of.items():
        reason = "it names no object" if owner is None else f"its object {owner} is not annotated on this image"
        skipped += _orphans(file, members, reason)
    return objects, skipped


def _mask(file: CocoFile, image: ImageEntry, annotation: Annotation, what: str) -> tuple[Mask | None, list[Skip]]:
    mask, reason, dropped = file.mask(annotation, image)
    notes = [Skip(f"polygon of {what}", note) for note in dropped]
    if mask is None:
        # The published counts are of segments: a box that never had one is not an object left out.
        notes.append(Skip(what if annotation.segmentation else f"box of {what}", reason))
    return mask, notes


def _orphans(file: CocoFile, members: Sequence[Annotation], reason: str) -> list[Skip]:
    return [
        Skip(
            f"{'part' if m.segmentation else 'box of part'} {m.annotation_id} ({file.categories[m.category_id].name})",
            reason,
        )
        for m in members
    ]
