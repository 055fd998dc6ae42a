"""Images with objects: EntitySeg and any COCO instance file; HQ-Seg44K is in `hq_seg44k`.

A source is a dataset of the bench whose objects have no parts yet, with the place of every picture.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from consbench.datasets import coco, layout
from consbench.datasets.base import Dataset
from consbench.datasets.coco import CocoFile, ImageEntry
from consbench.datasets.lazy import LazyDataset
from consbench.errors import UsageError
from consbench.types import Object, Sample, Skip

ENTITYSEG_LAYOUT = """\
    ROOT/{entity_01_11580,entity_02_11598,entity_03_10049}/…/<name>.jpg   (entityseg/images, or images_lr
                                                    for annotations of the reduced size, *_lr.json)
    --annotations FILE.json                         (once for each; train and val together are the paper's)"""
COCO_LAYOUT = """\
    ROOT/…/<file_name of the JSON>
    --annotations FILE.json"""
JUNK_FOLDERS = ("__MACOSX",)


@dataclass(frozen=True, slots=True)
class Source:
    """Objects to be cut into parts.

    Attributes:
        dataset: any dataset of the bench; parts that its objects have already are not looked at.
        root: the folder that `pictures` are relative to.
        pictures: image id -> place of the picture below `root`, with "/". May be empty for images that
            lie in no file; the labels can then be read only by who can draw them again.
    """

    dataset: Dataset
    root: Path
    pictures: Mapping[str, str]

    def describe(self) -> dict[str, Any]:
        """Name and split, for the record."""
        return {"name": self.dataset.name, "split": self.dataset.split}


def entityseg(root: Path, annotations: Sequence[Path], allow_missing: bool = False) -> Source:
    """Open EntitySeg: entities of high-resolution photographs, things and stuff alike.

    The paper counts 33,227 images: train and val of all three folders together, so several annotation
    files may be given. Ids are file names as the JSON writes them, without ending
    ("entity_01_11580/1007"), because numbers start again in every file. File names may be bare, and folders may
    have further levels, as in the archives. Who wants things without stuff gives the release's
    `entityseg_insseg` files.

    Args:
        root: the folder of the pictures that the annotations were made for: `images`, or `images_lr`.
        annotations: COCO JSON files, as released.
        allow_missing: go on with the images that are there.

    Raises DataMissing where files are absent, UsageError where a JSON is damaged, where a name fits
    several pictures, or where two files list one image.
    """
    return _open("entityseg", root, annotations, ENTITYSEG_LAYOUT, allow_missing)


def coco_instances(root: Path, annotations: Sequence[Path], allow_missing: bool = False) -> Source:
    """Open any COCO instance file, or several of different images. Ids as for `entityseg`.

    Annotations that name another one as their object (PACO's parts) are no objects and are passed over.
    Arguments and errors are those of `entityseg`.
    """
    return _open("coco", root, annotations, COCO_LAYOUT, allow_missing)


def _open(name: str, root: Path, annotations: Sequence[Path], wanted: str, allow_missing: bool) -> Source:
    base = layout.resolve_root(root, name, wanted)
    if not annotations:
        raise UsageError(f"{name} needs its annotations: give --annotations FILE.json. Wanted:\n{wanted}")
    datasets: list[LazyDataset] = []
    pictures: dict[str, str] = {}
    for path in annotations:
        file = coco.read(Path(path).expanduser())
        ids = [PurePosixPath(image.file_name).with_suffix("").as_posix() for image in file.images]
        found = find_pictures([image.file_name for image in file.images], base)
        datasets.append(
            coco.make_dataset(
                file,
                ids,
                found,
                build_objects,
                name=name,
                split=file.path.stem,
                root=base,
                expected=None,
                allow_missing=allow_missing,
            )
        )
        places = zip(ids, found, strict=True)
        pictures |= {image_id: place.relative_to(base).as_posix() for image_id, place in places if place}
    return Source(join(datasets), base, pictures)


def build_objects(file: CocoFile, image: ImageEntry) -> tuple[list[Object], list[Skip]]:
    """The objects of one image, without parts, in the order of the file, and what is left out."""
    objects: list[Object] = []
    skipped: list[Skip] = []
    for annotation in file.of_image(image):
        if annotation.object_id not in (None, annotation.annotation_id):
            continue
        category = file.categories[annotation.category_id].name
        what = f"object {annotation.annotation_id} ({category})"
        if annotation.crowd:
            skipped.append(Skip(what, "it marks a crowd region"))
            continue
        mask, reason, dropped = file.mask(annotation, image)
        skipped += [Skip(f"polygon of {what}", note) for note in dropped]
        if mask is None:
            skipped.append(Skip(what, reason))
        else:
            objects.append(Object(annotation.annotation_id, category, mask, ()))
    return objects, skipped


def find_pictures(names: Sequence[str], root: Path) -> list[Path | None]:
    """Find the pictures of file names, which may be bare or carry folders, at any depth below `root`.

    A picture fits a name if it has that file name and lies in the named folders, with any number of
    further ones between. What lies right in `root` or `root/images` needs no search.
    None where nothing fits. Raises UsageError where several pictures fit one name.
    """
    found = layout.locate([[name] for name in names], [root, root / "images"])
    if None not in found:
        return found
    wanted = {PurePosixPath(name).name for name, place in zip(names, found, strict=True) if place is None}
    by_name: dict[str, list[Path]] = {}
    for folder, files in _walk(root):
        for file in wanted.intersection(files):
            by_name.setdefault(file, []).append(folder / file)

    def search(name: str) -> Path | None:
        *folders, bare = PurePosixPath(name).parts
        fitting = [p for p in by_name.get(bare, []) if _lies_in(p.relative_to(root).parent.parts, folders)]
        if len(fitting) > 1:
            first, second = sorted(fitting)[:2]
            raise UsageError(
                f"'{name}' fits {len(fitting)} pictures below {root}, among them {first} and {second}. "
                "Give as --root the folder that the annotations were made for"
            )
        return fitting[0] if fitting else None

    return [place or search(name) for name, place in zip(names, found, strict=True)]


def _walk(root: Path) -> list[tuple[Path, list[str]]]:
    folders, seen = [], set()
    for where, below, files in os.walk(root, followlinks=True):
        real = os.path.realpath(where)  # links may lead in a circle
        below[:] = [] if real in seen else [f for f in below if f not in JUNK_FOLDERS and not f.startswith(".")]
        if real not in seen:
            folders.append((Path(where), files))
        seen.add(real)
    return folders


def _lies_in(place: Sequence[str], folders: Sequence[str]) -> bool:
    """Whether `folders` are among those of a place, in order.

    >>> _lies_in(("images", "entity_01", "images_merge"), ["entity_01"]), _lies_in(("a", "b"), ["b", "a"])
    (True, False)
    """
    rest = iter(place)
    return all(folder in rest for folder in folders)


def join(datasets: Sequence[LazyDataset]) -> LazyDataset:
    """One dataset of several of one name. Raises UsageError where two of them have an image of one id."""
    first, *others = datasets
    if not others:
        return first
    ids = [image_id for dataset in datasets for image_id in dataset.ids]
    twice = [image_id for image_id, count in Counter(ids).items() if count > 1]
    if twice:
        raise UsageError(
            f"{len(twice)} images are listed in more than one annotation file, for example '{twice[0]}'. "
            "Are two of the files the same? Else label them one by one, each into a file of its own"
        )
    owner = {image_id: dataset for dataset in datasets for image_id in dataset.ids}
    return LazyDataset(
        name=first.name,
        split="+".join(sorted(dataset.split for dataset in datasets)),
        ids=tuple(ids),
        read=partial(_read, owner),
        digests=partial(_digests, datasets),
        missing=tuple(name for dataset in datasets for name in dataset.missing),
        skipped=tuple(skip for dataset in datasets for skip in dataset.skipped),
    )


def _read(owner: Mapping[str, LazyDataset], image_id: str) -> Sample:
    return owner[image_id].load(image_id)


def _digests(datasets: Sequence[LazyDataset], ids: Sequence[str]) -> list[str]:
    return [digest for dataset in datasets for digest in dataset.digests(dataset.ids)]
