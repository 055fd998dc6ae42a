"""PACO: objects and their parts, linked by `obj_ann_id`, in every form a mask may have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consbench.datasets.paco import load, load_ego4d
from consbench.errors import BadSample, DataMissing, UnknownName
from consbench.masks import Mask
from consbench.types import Skip

Make = Callable[..., Any]
CATEGORIES = [
    {"id": 23, "name": "car_(automobile)", "supercategory": "OBJECT"},
    {"id": 24, "name": "ball", "supercategory": "OBJECT"},
    {"id": 2000, "name": "car_(automobile):wheel", "supercategory": "PART"},
]


def compressed(mask_HW: np.ndarray) -> dict[str, Any]:
    return {"size": list(mask_HW.shape), "counts": Mask.from_array(mask_HW).counts.decode()}


def uncompressed(mask_HW: np.ndarray) -> dict[str, Any]:
    flat = mask_HW.T.ravel().astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat, [2]])))
    return {"size": list(mask_HW.shape), "counts": np.diff(np.concatenate([[0], edges])).tolist()}


def thing(number: int, segmentation: Any, *, category: int = 23, image: int = 563746) -> dict[str, Any]:
    return {
        "id": number,
        "obj_ann_id": number,
        "image_id": image,
        "category_id": category,
        "segmentation": segmentation,
        "bbox": [0, 0, 2, 2],
        "attribute_ids": [1, 2],
    }


def part(number: int, owner: int, segmentation: Any, *, image: int = 563746) -> dict[str, Any]:
    return {**thing(number, segmentation, category=2000, image=image), "obj_ann_id": owner}


IMAGES = [
    {"id": 563746, "file_name": "train2017/000000563746.jpg", "height": 6, "width": 8},
    {"id": 139, "file_name": "val2017/000000000139.jpg", "height": 6, "width": 8},
]


@pytest.fixture
def write(tmp_path: Path, write_json: Make, write_image: Make) -> Make:
    def write_set(annotations: list[Any], *, under: str = "", json_under: str = "annotations") -> Path:
        root = tmp_path / "paco"
        content = {"images": IMAGES, "annotations": annotations, "categories": CATEGORIES, "queries": []}
        write_json(root / json_under / "paco_lvis_v1_test.json", content)
        for image in IMAGES:
            write_image(root / under / image["file_name"])
        return root

    return write_set


def test_objects_and_parts_are_linked_whatever_their_order(write: Make, square: Make, box: Make) -> None:
    root = write(
        [
            part(7, 9, compressed(box(0, 0, 1, 1))),
            thing(3, [square(5, 0, 8, 3)], category=24),
            thing(9, [square(0, 0, 4, 4)]),
            part(8, 9, uncompressed(box(2, 2, 6, 3) | box(0, 5, 1, 6))),
        ]
    )
    sample = load(root).load("563746")
    ball, car = sample.objects
    assert (ball.object_id, ball.category, ball.parts) == (3, "ball", ())
    assert (car.object_id, car.category) == (9, "car_(automobile)")
    assert [(p.part_id, p.category) for p in car.parts] == [(7, "wheel"), (8, "wheel")]
    np.testing.assert_array_equal(car.mask.array(), box(0, 0, 4, 4))
    np.testing.assert_array_equal(car.parts[0].mask.array(), box(0, 0, 1, 1))
    np.testing.assert_array_equal(car.parts[1].mask.array(), box(2, 2, 6, 3) | box(0, 5, 1, 6))
    assert sample.skipped == ()
    assert sample.image().shape == (6, 8, 3)


@pytest.mark.parametrize("nothing", [[], None])
def test_boxes_without_a_mask_are_left_out_with_their_parts(write: Make, square: Make, box: Make, nothing: Any) -> None:
    root = write(
        [
            thing(1, nothing),
            part(2, 1, compressed(box(0, 0, 1, 1))),
            part(3, 1, nothing),
            thing(4, [square(0, 0, 1, 1)]),
            part(5, 4, nothing),
        ]
    )
    sample = load(root).load("563746")
    assert [(o.object_id, o.parts) for o in sample.objects] == [(4, ())]
    assert sample.skipped == (
        Skip("box of object 1 (car_(automobile))", "it has no segmentation"),
        Skip("part 2 (car_(automobile):wheel)", "its object 1 has no mask"),
        Skip("box of part 3 (car_(automobile):wheel)", "its object 1 has no mask"),
        Skip("box of part 5 (car_(automobile):wheel)", "it has no segmentation"),
    )


def test_empty_masks_and_parts_of_absent_objects_are_left_out(write: Make, square: Make, box: Make) -> None:
    root = write(
        [
            thing(1, [[2, 2, 3, 3]]),
            thing(4, [square(0, 0, 1, 1)]),
            part(5, 4, compressed(box(0, 0, 0, 0))),
            part(6, 99, compressed(box(0, 0, 1, 1))),
            thing(7, [square(0, 0, 1, 1)], image=139),
            part(8, 7, compressed(box(0, 0, 1, 1))),
            {**part(10, 0, compressed(box(0, 0, 1, 1))), "obj_ann_id": None},
        ]
    )
    sample = load(root).load("563746")
    assert [(o.object_id, o.parts) for o in sample.objects] == [(4, ())]
    assert sample.skipped == (
        Skip("polygon of object 1 (car_(automobile))", "polygon 0 has 4 numbers, 6 make an area"),
        Skip("object 1 (car_(automobile))", "no polygon has 3 corners"),
        Skip("part 5 (car_(automobile):wheel)", "its mask is empty"),
        Skip("part 6 (car_(automobile):wheel)", "its object 99 is not annotated on this image"),
        Skip("part 8 (car_(automobile):wheel)", "its object 7 is not annotated on this image"),
        Skip("part 10 (car_(automobile):wheel)", "it names no object"),
    )


def test_crowd_regions_are_kept_and_marked(write: Make, square: Make) -> None:
    root = write([{**thing(1, [square(0, 0, 1, 1)]), "iscrowd": 1}, thing(2, [square(0, 0, 1, 1)])])
    assert [o.crowd for o in load(root).load("563746").objects] == [True, False]


def test_ids_are_those_of_the_json_in_its_order_and_images_lie_in_both_folders(write: Make) -> None:
    dataset = load(write([]))
    assert dataset.ids == ("563746", "139")
    assert dataset.expected == (9443, 45_861, 86_041)
    for sample in dataset:
        assert sample.image().shape == (6, 8, 3)
        assert sample.skipped == (Skip("image", "it has no annotation"),)


@pytest.mark.parametrize("under", ["images", "coco", "coco/images"])
def test_images_may_lie_deeper_and_the_json_in_the_root(write: Make, under: str) -> None:
    assert len(load(write([], under=under, json_under=""))) == 2


def test_image_in_the_other_folder_of_coco_is_found(write: Make) -> None:
    root = write([])
    (root / "val2017" / "000000000139.jpg").rename(root / "train2017" / "000000000139.jpg")
    assert len(load(root)) == 2


def test_absent_images_are_refused_or_recorded(write: Make) -> None:
    root = write([])
    (root / "val2017" / "000000000139.jpg").unlink()
    with pytest.raises(DataMissing, match=r"1 file is missing \(val2017/000000000139\.jpg\); 1 of its images"):
        load(root)
    dataset = load(root, allow_missing=True)
    assert (dataset.ids, dataset.missing) == (("563746",), ("val2017/000000000139.jpg",))


def test_unknown_split_and_absent_json_are_explained(write: Make) -> None:
    root = write([])
    with pytest.raises(UnknownName, match="split of paco is called 'valid'; did you mean 'val'"):
        load(root, split="valid")
    with pytest.raises(DataMissing, match=r"no annotations paco_lvis_v1_val\.json(?s:.*)both COCO folders"):
        load(root, split="val")


def test_mask_of_another_size_is_an_error_of_its_image(write: Make, square: Make, box: Make) -> None:
    root = write(
        [
            thing(1, [square(0, 0, 1, 1)]),
            part(2, 1, compressed(box(0, 0, 1, 1, height=8, width=6))),
            thing(3, [square(0, 0, 1, 1)], image=139),
        ]
    )
    dataset = load(root)
    with pytest.raises(
        BadSample, match=r"annotation 2 of image train2017/000000563746\.jpg: its mask has size \[8, 6\]"
    ):
        dataset.load("563746")
    assert dataset.load("139").objects


def test_fingerprint_of_one_id_differs_from_that_of_two(write: Make) -> None:
    dataset = load(write([]))
    assert dataset.fingerprint(dataset.ids[:1]) != dataset.fingerprint(dataset.ids)


@pytest.mark.parametrize("under", ["", "images", "paco_frames", "v1/paco_frames"])
def test_ego4d_frames_are_read_alike(
    tmp_path: Path, write_json: Make, write_image: Make, square: Make, under: str
) -> None:
    image = {"id": 5, "file_name": "abc_000012.jpeg", "height": 6, "width": 8}
    annotations = [thing(1, [square(0, 0, 2, 2)], image=5), thing(2, [], image=5)]
    content = {"images": [image], "annotations": annotations, "categories": CATEGORIES}
    write_json(tmp_path / "annotations" / "paco_ego4d_v1_val.json", content)
    write_image(tmp_path / under / "abc_000012.jpeg")
    dataset = load_ego4d(tmp_path, split="val")
    assert (dataset.name, dataset.expected) == ("paco-ego4d", (825, 1522, 4240))
    assert len(dataset.load("5").objects) == 1
