"""PartImageNet: one object per image with its parts, from 158 classes of ImageNet.

Source: He et al., "PartImageNet", ECCV 2022. `load` reads the original release (`PartImageNet_OOD`:
24,095 images, COCO JSON), the one the paper evaluates: its test split has the paper's 4598 images.
`load_seg` reads `PartImageNet_Seg`, the same classes over other images, as PNGs of class numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from consbench.datasets import coco, layout, partimagenet_png
from consbench.datasets.base import Counts
from consbench.datasets.coco import Annotation, CocoFile, ImageEntry
from consbench.datasets.lazy import LazyDataset
from consbench.masks import union
from consbench.types import Object, Part, Skip

NAME = "partimagenet"
LAYOUT = """\
    ROOT/{split}.json               and ROOT/{split}/<synset>/<name>.JPEG, or
    ROOT/annotations/{split}/{split}.json and ROOT/images/{split}/<synset>/<name>.JPEG
    with {split} one of train, val, test    (PartImageNet_OOD.zip and the archives in it, unpacked)"""

# Sizes of the splits: README of github.com/TACJu/PartImageNet. Parts were never published by split.
EXPECTED = {"train": Counts(16_540), "val": Counts(2957), "test": Counts(4598)}


def load(root: Path, split: str = "test", allow_missing: bool = False) -> LazyDataset:
    """Open the original release. Ids are file names without ending ("n04252225_8354").

    The release annotates parts only: the object of an image (id 0) is the union of its parts, its
    category their common super-category. A part is one annotation, its id the annotation's: that is
    what an annotator outlined. Four feet are four parts, each with its own centre, where merging by
    kind would give one part whose centre lies in one of the feet.

    Left out, with a Skip: annotations of area 0, without a usable polygon, with an empty mask, or of
    a crowd. The image ids in the JSON start again in each split, so they name nothing here.

    Args:
        root: the unpacked release, in either of its two layouts.
        split: "train", "val" or "test"; the splits have different classes.
        allow_missing: go on with the images that are there; the absent ones are in `missing`.

    Raises UnknownName for another split, DataMissing where files are absent, UsageError where the
    JSON is damaged.
    """
    layout.check_split(NAME, split, EXPECTED)
    base = layout.resolve_root(root, NAME, LAYOUT)
    annotations = [base, base / "annotations" / split, base / "annotations", base / split]
    path = layout.first_existing(
        [folder / f"{split}.json" for folder in annotations], f"annotations {split}.json", LAYOUT
    )
    file = coco.read(path)
    folders = [base / split, base / "images" / split, base / split / split, base / "images", base]
    pictures = layout.locate([_places(image.file_name) for image in file.images], folders)
    return coco.make_dataset(
        file,
        [PurePosixPath(image.file_name).stem for image in file.images],
        pictures,
        build_object,
        name=NAME,
        split=split,
        root=base,
        expected=EXPECTED[split],
        allow_missing=allow_missing,
    )


def load_seg(root: Path, split: str = "test", allow_missing: bool = False) -> LazyDataset:
    """Open the PNG variant `PartImageNet_Seg`; see `consbench.datasets.partimagenet_png.load`."""
    return partimagenet_png.load(root, split, allow_missing)


def _places(file_name: str) -> Sequence[str]:
    """Where an image may lie. Names in the JSON are bare, its folder is the synset they begin with.

    >>> _places("n04252225_8354.JPEG")
    ['n04252225/n04252225_8354.JPEG', 'n04252225_8354.JPEG']
    """
    bare = PurePosixPath(file_name).name
    given = [file_name] if bare != file_name else []
    return [*given, f"{bare.split('_')[0]}/{bare}", bare]


def build_object(file: CocoFile, image: ImageEntry) -> tuple[list[Object], list[Skip]]:
    """The object of one image: the union of the parts that can be used, or none and why."""
    annotations = file.of_image(image)
    if not annotations:
        return [], [Skip("image", "it has no annotation")]
    parts: list[Part] = []
    skipped: list[Skip] = []
    for annotation in annotations:
        part, notes = _build_part(file, image, annotation)
        parts += [part] if part else []
        skipped += notes
    if not parts:
        return [], [*skipped, Skip("object 0", "none of its parts can be used")]
    kinds = {a.annotation_id: file.categories[a.category_id] for a in annotations}
    # most_common keeps the order of the file among equals.
    category = Counter(kinds[p.part_id].supercategory or p.category.split()[0] for p in parts).most_common(1)[0][0]
    return [Object(0, category, union([part.mask for part in parts]), tuple(parts))], skipped


def _build_part(file: CocoFile, image: ImageEntry, annotation: Annotation) -> tuple[Part | None, list[Skip]]:
    category = file.categories[annotation.category_id].name
    what = f"part {annotation.annotation_id} ({category})"
    if annotation.crowd:
        return None, [Skip(what, "it marks a crowd region")]
    if annotation.area == 0:
        return None, [Skip(what, "its area is given as 0")]
    mask, reason, dropped = file.mask(annotation, image)
    notes = [Skip(f"polygon of {what}", note) for note in dropped]
    if mask is None:
        return None, [*notes, Skip(what, reason)]
    return Part(annotation.annotation_id, category, mask), notes
