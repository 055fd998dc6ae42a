"""The on-disk layouts of Pascal Part, PartImageNet (original release) and PACO-LVIS.

Each writer puts scenes below a folder as the genuine release lays its files out, field by field, so
that the loaders in `consbench.datasets` read them unchanged. Names of categories are our own kinds.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

from consbench.masks import Mask
from consbench.standins.kinds import KINDS, PLAIN_KINDS
from consbench.standins.polygons import polygons
from consbench.standins.scenes import Scene
from consbench.types import Object

NUMBERS = {kind.name: number for number, kind in enumerate((*KINDS, *PLAIN_KINDS), 1)}
_FEDERATED = (
    "neg_category_ids",
    "not_exhaustive_category_ids",
    "neg_category_ids_attrs",
    "not_exhaustive_category_ids_attrs",
)
_MAT_HEADER = b"MATLAB 5.0 MAT-file, a drawn stand-in for Pascal Part".ljust(116)


def pascal_part(folder: Path, scenes: Iterable[Scene], split: str) -> None:
    """Write `trainval/Annotations_Part/<id>.mat` and `VOCdevkit/VOC2010/…`, ids "2026_000001" and on.

    Both lists of VOC are written; the one of the other split is empty.
    """
    annotations = folder / "trainval" / "Annotations_Part"
    voc = folder / "VOCdevkit" / "VOC2010"
    for place in (annotations, voc / "JPEGImages", voc / "ImageSets" / "Main"):
        place.mkdir(parents=True)
    ids = []
    for number, drawn in enumerate(scenes, 1):
        image_id = f"2026_{number:06d}"
        ids.append(image_id)
        (voc / "JPEGImages" / f"{image_id}.jpg").write_bytes(drawn.jpeg)
        (annotations / f"{image_id}.mat").write_bytes(_mat(image_id, drawn.objects))
    for name in ("train", "val"):
        listed = ids if name == split else []
        (voc / "ImageSets" / "Main" / f"{name}.txt").write_text("".join(f"{i}\n" for i in listed), encoding="ascii")


def _mat(image_id: str, objects: Iterable[Object]) -> bytes:
    """One annotation file: nested 1×N structs, (0, 0) for an object without parts."""
    rows = [
        {
            "class": obj.category,
            "class_ind": np.array([[NUMBERS[obj.category]]], dtype=np.uint8),
            "mask": obj.mask.array().astype(np.uint8),
            "parts": _struct(
                [{"part_name": p.category, "mask": p.mask.array().astype(np.uint8)} for p in obj.parts],
                ("part_name", "mask"),
            ),
        }
        for obj in objects
    ]
    annotation = _struct(
        [{"imname": image_id, "objects": _struct(rows, ("class", "class_ind", "mask", "parts"))}], ("imname", "objects")
    )
    file = io.BytesIO()
    savemat(file, {"anno": annotation}, do_compression=True)
    # scipy writes the hour of writing into the free text at the head; equal scenes give equal files.
    return _MAT_HEADER + file.getvalue()[len(_MAT_HEADER) :]


def _struct(rows: list[dict[str, Any]], fields: tuple[str, ...]) -> NDArray[Any]:
    """A 1×N MATLAB struct array; 0×0 without rows."""
    struct = np.empty((1, len(rows)) if rows else (0, 0), dtype=[(name, object) for name in fields])
    for place, row in enumerate(rows):
        for name in fields:
            struct[0, place][name] = row[name]
    return struct


def partimagenet(folder: Path, scenes: Iterable[Scene], split: str) -> None:
    """Write `<split>.json` (COCO, parts only, as polygons) and `<split>/<synset>/<synset>_<n>.JPEG`.

    Synsets begin with n99, which WordNet does not use. A category is "Car Wheel" of the
    supercategory "Car". As in the release, `file_name` is bare and ids begin with 0.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    category_ids: dict[tuple[str, str], int] = {}
    for number, drawn in enumerate(scenes):
        (shown,) = drawn.objects
        synset = f"n99{NUMBERS[shown.category]:06d}"
        name = f"{synset}_{number}.JPEG"
        place = folder / split / synset
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(drawn.jpeg)
        images.append({"id": number, "file_name": name, "width": drawn.width, "height": drawn.height})
        annotations += [
            {
                "id": len(annotations) + i,
                "image_id": number,
                "category_id": category_ids.setdefault((shown.category, part.category), len(category_ids)),
                "segmentation": polygons(part.mask.array()),
                "area": part.mask.area,
                "bbox": list(part.mask.box),
                "iscrowd": 0,
            }
            for i, part in enumerate(shown.parts)
        ]
    categories = [
        {"id": i, "name": f"{kind} {part}".title(), "supercategory": kind.title()}
        for (kind, part), i in category_ids.items()
    ]
    _write_json(folder / f"{split}.json", {"images": images, "annotations": annotations, "categories": categories})


def paco(folder: Path, scenes: Iterable[Scene], split: str) -> None:
    """Write `annotations/paco_lvis_v1_<split>.json` and images in `train2017` and `val2017`.

    Objects are polygons, parts compressed run-length codes; `obj_ann_id` of an object is its own id,
    of a part its object's. There is no `iscrowd`.
    """
    for name in ("annotations", "train2017", "val2017"):
        (folder / name).mkdir(parents=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    part_ids: dict[str, int] = {}
    for number, drawn in enumerate(scenes, 1):
        file_name = f"{'train2017' if number % 3 else 'val2017'}/{number:012d}.jpg"
        (folder / file_name).write_bytes(drawn.jpeg)
        images.append(
            {
                "id": number,
                "file_name": file_name,
                "width": drawn.width,
                "height": drawn.height,
                "license": 0,
                "coco_url": "",
            }
            | {key: [] for key in _FEDERATED}
        )
        for obj in drawn.objects:
            owner = len(annotations) + 1
            annotations.append(
                _paco_annotation(owner, owner, number, NUMBERS[obj.category], obj.mask, polygons(obj.mask.array()))
            )
            for part in obj.parts:
                category_id = part_ids.setdefault(f"{obj.category}:{part.category}", 2000 + len(part_ids))
                code = {"size": list(part.mask.shape), "counts": part.mask.counts.decode("ascii")}
                annotations.append(_paco_annotation(len(annotations) + 1, owner, number, category_id, part.mask, code))
    categories = [{"id": i, "name": name, "synset": name, "supercategory": "OBJECT"} for name, i in NUMBERS.items()]
    categories += [
        {"id": i, "name": name, "synset": name.partition(":")[2], "supercategory": "PART"}
        for name, i in part_ids.items()
    ]
    common = sorted({name.partition(":")[2] for name in part_ids})
    content = {"images": images, "annotations": annotations, "categories": categories}
    content["part_categories"] = [{"id": i, "name": name} for i, name in enumerate(common)]
    extra: dict[str, Any] = {"attributes": [], "attr_type_to_attr_idxs": {}} | (
        {"queries": []} if split == "test" else {}
    )
    _write_json(folder / "annotations" / f"paco_lvis_v1_{split}.json", content | extra)


def _paco_annotation(
    own_id: int, owner: int, image_id: int, category_id: int, mask: Mask, segmentation: object
) -> dict[str, Any]:
    unknown = dict.fromkeys(("unknown_color", "unknown_pattern_marking", "unknown_material", "unknown_transparency"), 0)
    return {
        "id": own_id,
        "image_id": image_id,
        "category_id": category_id,
        "obj_ann_id": owner,
        "segmentation": segmentation,
        "area": mask.area,
        "bbox": list(mask.box),
        "attribute_ids": [],
        "dom_color_ids": [],
    } | unknown


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
