"""Pascal Part: objects of 20 classes with their parts, one `.mat` per image of VOC 2010.

Source: Chen et al., "Detect What You Can", CVPR 2014. Splits are VOC 2010's own lists.

The paper evaluates 4772 images of the 5105 of `val`. It does not say which; the images with at least
one object that is not a boat, chair, table or sofa (the four classes that were never given parts)
are exactly 4772, and 4653 of `train`, which are the sizes of an independent release too. That rule is
the subset `paper`. The class is the one in the `.mat`; VOC's own labels give another set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from consbench.datasets import images, layout, matfile
from consbench.datasets.base import Counts
from consbench.datasets.lazy import LazyDataset
from consbench.errors import BadSample, DataMissing, UnknownName
from consbench.masks import encode
from consbench.types import Object, Part, Sample, Skip

NAME = "pascal-part"
LAYOUT = """\
    ROOT/trainval/Annotations_Part/<id>.mat                          (trainval.tar.gz of Pascal Part)
    ROOT/VOCdevkit/VOC2010/ImageSets/Main/{train,val,trainval}.txt   (VOCtrainval_03-May-2010.tar)
    ROOT/VOCdevkit/VOC2010/JPEGImages/<id>.jpg"""

Subset = Literal["paper", "all"]
SPLITS = {"train": ("train",), "val": ("val",), "trainval": ("train", "val")}
CLASSES_WITHOUT_PARTS = frozenset({"boat", "chair", "table", "sofa"})  # `table` is VOC's diningtable

# Images: the lists of VOC 2010 and section 4.1 of the paper. Objects and parts of both splits: the
# totals of py-pascalpart (github.com/micco00x/py-pascalpart); objects of each split: Semantic PASCAL-Part.
EXPECTED = {
    ("train", "all"): Counts(4998, 12_371),
    ("val", "all"): Counts(5105, 12_600),
    ("trainval", "all"): Counts(10_103, 24_971, 181_770),
    ("train", "paper"): Counts(4653),
    ("val", "paper"): Counts(4772),
    ("trainval", "paper"): Counts(9425),
}

# A folder inside the dataset that a user may take for its root.
INNER_FOLDERS = frozenset({"trainval", "Annotations_Part", "VOCdevkit", "VOC2010"})


def load(root: Path, split: str = "val", subset: Subset = "paper", allow_missing: bool = False) -> LazyDataset:
    """Open Pascal Part. Ids are VOC's names ("2008_000008"), in the order of VOC's list.

    An object's id is its 0-based position in the file's `objects`, a part's id its position in
    `parts`; categories are the file's `class` and `part_name`. Empty masks are left out, with a Skip.
    Parts may overlap and nest; objects may overlap, as annotated.

    Args:
        root: the folder that holds `trainval/` and `VOCdevkit/`, or one of these.
        split: "train", "val" or "trainval", as listed by VOC 2010.
        subset: "paper" keeps images with an object of a class that has parts, "all" keeps every image.
        allow_missing: go on with the images that are complete; the absent files are in `missing`.

    Raises UnknownName for another split or subset, DataMissing where files are absent.
    """
    layout.check_split(NAME, split, SPLITS)
    if subset not in ("paper", "all"):
        raise UnknownName(f"subset of {NAME}", subset, ["paper", "all"])
    base = layout.resolve_root(root, NAME, LAYOUT)
    while base.name in INNER_FOLDERS and base.parent != base:
        base = base.parent
    annotations = layout.first_existing(
        [base / "trainval" / "Annotations_Part", base / "Annotations_Part"], "annotations of Pascal Part", LAYOUT
    )
    voc = [base / "VOCdevkit" / "VOC2010", base / "VOC2010", base]
    lists = [
        layout.first_existing([v / "ImageSets" / "Main" / f"{s}.txt" for v in voc], f"list of the split '{s}'", LAYOUT)
        for s in SPLITS[split]
    ]
    pictures = layout.first_existing([v / "JPEGImages" for v in voc], "images of VOC 2010", LAYOUT)

    listed = [image_id for path in lists for image_id in _read_list(path)]
    have_mat, have_jpg = layout.file_names(annotations, ".mat"), layout.file_names(pictures, ".jpg")
    kept, missing = [], []
    for image_id in listed:
        mat, jpg = f"{image_id}.mat", f"{image_id}.jpg"
        if subset == "paper" and mat in have_mat and not _may_have_parts(annotations / mat):
            continue
        absent = [name for name, there in ((mat, have_mat), (jpg, have_jpg)) if name not in there]
        missing += absent
        if not absent:
            kept.append(image_id)
    label = split if subset == "all" else f"{split}-{subset}"
    layout.require_complete(f"{NAME} {label}", base, missing, len(kept), allow_missing=allow_missing)
    return LazyDataset(
        name=NAME,
        split=label,
        ids=tuple(kept),
        read=partial(_read_sample, annotations, pictures),
        digests=partial(_digests, annotations),
        expected=EXPECTED[split, subset],
        missing=tuple(missing),
    )


def _read_list(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    # Lists of one class carry a second column (1, -1); the first one is the name.
    ids = [line.split()[0] for line in lines if line.strip()]
    if len(set(ids)) != len(ids):
        raise DataMissing(f"{path} names an image twice; it is not a list of VOC 2010")
    return ids


def _may_have_parts(path: Path) -> bool:
    """The rule of the paper's subset. A damaged file passes: it is named and counted when it is loaded."""
    try:
        return any(name not in CLASSES_WITHOUT_PARTS for name in matfile.object_classes(path))
    except (ValueError, OSError):
        try:
            return any(name not in CLASSES_WITHOUT_PARTS for name, _, _ in _objects(path))
        except BadSample:
            return True


def _digests(annotations: Path, ids: Sequence[str]) -> list[str]:
    return [layout.sha256(annotations / f"{image_id}.mat") for image_id in ids]


def _read_sample(annotations: Path, pictures: Path, image_id: str) -> Sample:
    path, picture = annotations / f"{image_id}.mat", pictures / f"{image_id}.jpg"
    objects: list[Object] = []
    skipped: list[Skip] = []
    size: tuple[int, int] | None = None
    for object_id, (category, mask_HW, parts) in enumerate(_objects(path)):
        size = size or mask_HW.shape
        for what, other_HW in (("its mask", mask_HW), *((f"part '{name}'", part_HW) for name, part_HW in parts)):
            if other_HW.shape != size:
                raise BadSample(
                    f"{path}: object {object_id} ({category}): {what} has shape {other_HW.shape}, "
                    f"other masks of the image {size} (height, width)"
                )
        kept, left_out = _encode_object(object_id, category, mask_HW, parts)
        objects += kept
        skipped += left_out
    height, width = size or images.read_size(picture)
    read_image = partial(images.read_rgb, picture, height, width)
    return Sample(image_id, height, width, tuple(objects), read_image, tuple(skipped))


_Mask = np.ndarray[tuple[int, int], np.dtype[np.bool_]]


def _encode_object(
    object_id: int, category: str, mask_HW: _Mask, parts: Sequence[tuple[str, _Mask]]
) -> tuple[list[Object], list[Skip]]:
    whole, *masks = encode(np.stack([mask_HW, *(part_HW for _, part_HW in parts)]))
    names = [f"part {part_id} ({name}) of object {object_id} ({category})" for part_id, (name, _) in enumerate(parts)]
    if not whole.area:
        orphans = [Skip(name, "the mask of its object is empty") for name in names]
        return [], [Skip(f"object {object_id} ({category})", "its mask is empty"), *orphans]
    found = [Part(i, name, mask) for i, ((name, _), mask) in enumerate(zip(parts, masks, strict=True)) if mask.area]
    empty = [Skip(name, "its mask is empty") for name, mask in zip(names, masks, strict=True) if not mask.area]
    return [Object(object_id, category, whole, tuple(found))], empty


def _objects(path: Path) -> Iterator[tuple[str, _Mask, list[tuple[str, _Mask]]]]:
    """Read (class, mask, [(part name, mask)]) of each object; BadSample names the file and the cause."""
    try:
        # Plain loadmat keeps every struct a 2-D array; the simplifying options turn one object, one
        # part and no part into three different things.
        annotation = loadmat(path, variable_names=["anno"])["anno"][0, 0]
        # `parts` has shape (0, 0), not (1, 0), where an object has none.
        found = [
            (_text(o["class"]), _mask(o["mask"]), [(_text(p["part_name"]), _mask(p["mask"])) for p in o["parts"].flat])
            for o in annotation["objects"].flat
        ]
    except BadSample:
        raise
    except Exception as error:  # scipy's reader fails in as many ways as a file can be damaged
        raise BadSample(
            f"{path} cannot be read as an annotation of Pascal Part: {type(error).__name__}: {error}"
        ) from error
    yield from found


def _text(value: NDArray[Any]) -> str:
    return str(value[0])


def _mask(value: NDArray[Any]) -> _Mask:
    if value.ndim != 2 or not value.size or value.dtype.kind not in "biuf":
        raise ValueError(f"a mask must be numbers (height, width); got {value.dtype} of shape {value.shape}")
    mask_HW: _Mask = value != 0
    return mask_HW
