"""COCO's JSON: images, categories and annotations in one file, masks as polygons or run lengths.

Reading is made for files of hundreds of megabytes: each annotation is slimmed while the parser meets
it, polygons stay packed numbers, and only loading an image makes masks of them. What is wrong with one
annotation is said when its image is loaded; what is wrong with the file is said at once.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from consbench.datasets.base import Counts
from consbench.datasets.images import read_rgb
from consbench.datasets.layout import require_complete
from consbench.datasets.lazy import LazyDataset
from consbench.datasets.segmentation import Decoded, decode
from consbench.errors import BadSample, UsageError
from consbench.types import Object, Sample, Skip


class Annotation(NamedTuple):
    """One annotation of an image.

    segmentation   polygons as packed arrays (x, y, x, y, …), a run-length dictionary, or None
    area           as the file gives it, None where it does not
    object_id      PACO's `obj_ann_id`: the annotation of the object this belongs to
    """

    annotation_id: int
    image_id: int
    category_id: int
    segmentation: Any
    area: float | None
    crowd: bool
    object_id: int | None


class ImageEntry(NamedTuple):
    """One image: the id and name the file gives it, and the size of its masks in pixels."""

    image_id: int
    file_name: str
    height: int
    width: int


class Category(NamedTuple):
    """One category, with the category above it ("" where the file names none)."""

    name: str
    supercategory: str


@dataclass(frozen=True, slots=True)
class CocoFile:
    """One annotation file in memory.

    Attributes:
        path: where it was read from, for messages.
        sha256: of its bytes, hex.
        images: in the order of the file.
        categories: by id.
        annotations: by image id, in the order of the file; a dictionary among them is one that lacks
            what every annotation needs.
    """

    path: Path
    sha256: str
    images: tuple[ImageEntry, ...]
    categories: Mapping[int, Category]
    annotations: Mapping[int, Sequence[Annotation | dict[str, Any]]]

    def of_image(self, image: ImageEntry) -> list[Annotation]:
        """The annotations of one image. Raises BadSample where one is malformed or an id comes twice."""
        found = self.annotations.get(image.image_id, ())
        for annotation in found:
            if isinstance(annotation, dict):
                raise BadSample(
                    f"{self.path}: annotation {annotation.get('id', '?')} of image {image.file_name} is malformed: "
                    f"it needs whole numbers 'id' and 'category_id'; it has {sorted(annotation)}"
                )
            if annotation.category_id not in self.categories:
                raise BadSample(
                    f"{self.path}: annotation {annotation.annotation_id} of image {image.file_name} has the category "
                    f"{annotation.category_id}, which the file does not define"
                )
        ids = [annotation.annotation_id for annotation in found if isinstance(annotation, Annotation)]
        if len(set(ids)) != len(ids):
            twice = sorted({i for i in ids if ids.count(i) > 1})
            raise BadSample(f"{self.path}: image {image.file_name} has several annotations with the id {twice[0]}")
        return [annotation for annotation in found if isinstance(annotation, Annotation)]

    def mask(self, annotation: Annotation, image: ImageEntry) -> Decoded:
        """Decode one annotation's mask. Raises BadSample that names file, image and cause."""
        try:
            return decode(annotation.segmentation, image.height, image.width)
        except ValueError as error:
            raise BadSample(
                f"{self.path}: annotation {annotation.annotation_id} of image {image.file_name}: {error}"
            ) from error


def read(path: Path) -> CocoFile:
    """Read a COCO annotation file. Raises UsageError where it is damaged or of another form."""
    try:
        raw = path.read_bytes()
        digest = hashlib.sha256(raw).hexdigest()
        text = raw.decode("utf-8-sig")
        del raw  # files have hundreds of megabytes; one copy is enough
        content = json.loads(text, object_hook=_slim)
        del text
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # JSON's and UTF-8's decoding errors
        raise UsageError(
            f"{path} is no valid JSON ({error}); was the copy cut short? Fetch or unpack it again"
        ) from error
    wanted = ("images", "annotations", "categories")
    if not isinstance(content, dict) or any(not isinstance(content.get(key), list) for key in wanted):
        came = sorted(content) if isinstance(content, dict) else type(content).__name__
        raise UsageError(f"{path} is no COCO annotation file: expected the lists {', '.join(wanted)}; got {came}")
    images = tuple(_image(path, position, entry) for position, entry in enumerate(content["images"]))
    ids = {image.image_id for image in images}
    if len(ids) != len(images):
        raise UsageError(f"{path} gives one id to several images: {len(images)} images, {len(ids)} ids")
    by_image: dict[int, list[Annotation | dict[str, Any]]] = {}
    for entry in content["annotations"]:
        owner = entry.image_id if isinstance(entry, Annotation) else _owner(path, entry)
        by_image.setdefault(owner, []).append(entry)
    categories = dict(_category(path, entry) for entry in content["categories"])
    return CocoFile(path, digest, images, categories, by_image)


Build = Callable[[CocoFile, ImageEntry], tuple[list[Object], list[Skip]]]


def make_dataset(
    file: CocoFile,
    image_ids: Sequence[str],
    pictures: Sequence[Path | None],
    build: Build,
    *,
    name: str,
    split: str,
    root: Path,
    expected: Counts | None,
    allow_missing: bool,
) -> LazyDataset:
    """The dataset of one annotation file.

    Args:
        file: the annotations.
        image_ids: what each image is called in records, in the order of the file.
        pictures: where each image lies, None where it is absent.
        build: makes the objects of one image, and says what it left out.
        name: of the dataset.
        split: of the dataset.
        root: where it was opened, for messages.
        expected: the published counts.
        allow_missing: go on without the absent images.

    Raises DataMissing where images are absent, UsageError where two images have one id.
    """
    places = {
        image_id: (image, picture)
        for image_id, image, picture in zip(image_ids, file.images, pictures, strict=True)
        if picture is not None
    }
    if len(set(image_ids)) != len(image_ids):
        twice = next(image_id for image_id, count in Counter(image_ids).items() if count > 1)
        raise UsageError(f"{file.path} lists the image '{twice}' more than once")
    missing = [image.file_name for image, picture in zip(file.images, pictures, strict=True) if picture is None]
    require_complete(f"{name} {split}", root, missing, len(places), allow_missing=allow_missing)
    known = {image.image_id for image in file.images}
    strays = [
        Skip(f"annotations of image {owner}", f"the file lists no such image ({len(found)} annotations)")
        for owner, found in file.annotations.items()
        if owner not in known
    ]
    return LazyDataset(
        name=name,
        split=split,
        ids=tuple(places),
        read=partial(_read_sample, file, places, build),
        digests=partial(_digests, file),
        expected=expected,
        missing=tuple(missing),
        skipped=tuple(strays),
    )


def _read_sample(file: CocoFile, places: Mapping[str, tuple[ImageEntry, Path]], build: Build, image_id: str) -> Sample:
    image, picture = places[image_id]
    objects, skipped = build(file, image)
    read_image = partial(read_rgb, picture, image.height, image.width)
    return Sample(image_id, image.height, image.width, tuple(objects), read_image, tuple(skipped))


def _digests(file: CocoFile, ids: Sequence[str]) -> list[str]:
    return [file.sha256]


def _slim(entry: dict[str, Any]) -> Any:
    """Keep of an annotation what a loader needs, while the parser goes on; leave other things alone."""
    if "image_id" not in entry or "category_id" not in entry:
        return entry
    number, image, category = entry.get("id"), entry["image_id"], entry["category_id"]
    owner = entry.get("obj_ann_id")
    if not (_whole(number) and _whole(image) and _whole(category) and (owner is None or _whole(owner))):
        return entry
    area = entry.get("area")
    return Annotation(
        number,
        image,
        category,
        _pack(entry.get("segmentation")),
        float(area) if isinstance(area, int | float) else None,
        bool(entry.get("iscrowd", 0)),
        owner,
    )


def _whole(value: object) -> TypeGuard[int]:
    return type(value) is int


def _pack(segmentation: Any) -> Any:
    if not isinstance(segmentation, list):
        return segmentation
    try:
        return [array("d", polygon) for polygon in segmentation]
    except (TypeError, OverflowError):
        return segmentation  # no list of numbers: `decode` says so when the image is loaded


def _image(path: Path, position: int, entry: Any) -> ImageEntry:
    try:
        image = ImageEntry(entry["id"], entry["file_name"], entry["height"], entry["width"])
    except (KeyError, TypeError) as error:
        raise UsageError(f"{path}: image number {position} lacks id, file_name, height or width") from error
    if not _whole(image.image_id) or not isinstance(image.file_name, str):
        raise UsageError(f"{path}: image number {position} has the id {image.image_id!r}, file {image.file_name!r}")
    if not all(_whole(length) and length > 0 for length in (image.height, image.width)):
        raise UsageError(f"{path}: image {image.file_name} has no proper size: {image.width!r}×{image.height!r}")
    return image


def _category(path: Path, entry: Any) -> tuple[int, Category]:
    try:
        return int(entry["id"]), Category(str(entry["name"]), str(entry.get("supercategory") or ""))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path}: a category needs an id and a name; got {entry!r}") from error


def _owner(path: Path, entry: Any) -> int:
    owner = entry.get("image_id") if isinstance(entry, dict) else None
    if not _whole(owner):
        raise UsageError(f"{path}: an annotation names no image: {str(entry)[:100]}")
    return owner
