"""PartImageNet's original release, in both of its layouts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consbench.datasets.partimagenet import load
from consbench.errors import BadSample, DataMissing, UnknownName, UsageError
from consbench.registry import Reference, build
from consbench.types import Skip

Make = Callable[..., Any]
CATEGORIES = [
    {"id": 0, "name": "Quadruped Head", "supercategory": "Quadruped"},
    {"id": 2, "name": "Quadruped Foot", "supercategory": "Quadruped"},
    {"id": 24, "name": "Car Body", "supercategory": ""},
]


def annotation(number: int, polygons: Any, *, category: int = 2, image: int = 0, **more: Any) -> dict[str, Any]:
    entry = {"id": number, "image_id": image, "category_id": category, "segmentation": polygons, "iscrowd": 0}
    return {**entry, "area": 4.0, "bbox": [0, 0, 2, 2], **more}


def content(annotations: list[dict[str, Any]], images: int = 1) -> dict[str, Any]:
    entries = [{"id": i, "file_name": f"n0210000{i}_{i + 7}.JPEG", "height": 6, "width": 8} for i in range(images)]
    return {"images": entries, "annotations": annotations, "categories": CATEGORIES}


@pytest.fixture
def write(tmp_path: Path, write_json: Make, write_image: Make) -> Make:
    def write_set(data: dict[str, Any], *, split: str = "test", layout: str = "flat") -> Path:
        root = tmp_path / f"pin-{layout}"
        folder = {"flat": root / split, "nested": root / "images" / split, "doubled": root / split / split}[layout]
        write_json(
            root / "annotations" / split / f"{split}.json" if layout == "nested" else root / f"{split}.json", data
        )
        for image in data["images"]:
            synset = image["file_name"].split("_")[0]
            write_image(folder / synset / image["file_name"], format="JPEG")
        return root

    return write_set


@pytest.mark.parametrize("layout", ["flat", "nested", "doubled"])
def test_object_is_the_union_of_its_parts(write: Make, square: Make, box: Make, layout: str) -> None:
    root = write(
        content([annotation(11, [square(0, 0, 2, 2)], category=0), annotation(12, [square(1, 1, 4, 3)])]), layout=layout
    )
    dataset = load(root)
    assert dataset.ids == ("n02100000_7",)
    sample = dataset.load("n02100000_7")
    (dog,) = sample.objects
    assert (dog.object_id, dog.category, dog.crowd) == (0, "Quadruped", False)
    assert [(p.part_id, p.category) for p in dog.parts] == [(11, "Quadruped Head"), (12, "Quadruped Foot")]
    np.testing.assert_array_equal(dog.mask.array(), box(0, 0, 2, 2) | box(1, 1, 4, 3))
    np.testing.assert_array_equal(dog.parts[1].mask.array(), box(1, 1, 4, 3))
    assert sample.image().shape == (6, 8, 3)


def test_two_annotations_of_one_kind_are_two_parts(write: Make, square: Make) -> None:
    root = write(content([annotation(5, [square(0, 0, 1, 1)]), annotation(6, [square(3, 3, 4, 4)])]))
    (dog,) = load(root).load("n02100000_7").objects
    assert [(p.part_id, p.category) for p in dog.parts] == [(5, "Quadruped Foot"), (6, "Quadruped Foot")]


def test_category_without_super_category_takes_the_first_word(write: Make, square: Make) -> None:
    (car,) = load(write(content([annotation(5, [square(0, 0, 1, 1)], category=24)]))).load("n02100000_7").objects
    assert car.category == "Car"


def test_unusable_annotations_are_left_out_and_said(write: Make, square: Make, box: Make) -> None:
    good = square(0, 0, 2, 2)
    root = write(
        content(
            [
                annotation(1, [good]),
                annotation(2, [[1, 1, 3, 3]]),
                annotation(3, [good], area=0),
                annotation(4, [square(5, 5, 7, 6)], iscrowd=1),
                annotation(5, []),
                annotation(6, [[1, 1], square(4, 4, 5, 5)]),
                annotation(7, [[1, 1, 1, 1, 1, 1]]),
            ]
        )
    )
    sample = load(root).load("n02100000_7")
    (dog,) = sample.objects
    assert [part.part_id for part in dog.parts] == [1, 6]
    np.testing.assert_array_equal(dog.mask.array(), box(0, 0, 2, 2) | box(4, 4, 5, 5))
    assert sample.skipped == (
        Skip("polygon of part 2 (Quadruped Foot)", "polygon 0 has 4 numbers, 6 make an area"),
        Skip("part 2 (Quadruped Foot)", "no polygon has 3 corners"),
        Skip("part 3 (Quadruped Foot)", "its area is given as 0"),
        Skip("part 4 (Quadruped Foot)", "it marks a crowd region"),
        Skip("part 5 (Quadruped Foot)", "it has no segmentation"),
        Skip("polygon of part 6 (Quadruped Foot)", "polygon 0 has 2 numbers, 6 make an area"),
        Skip("part 7 (Quadruped Foot)", "its mask is empty"),
    )


def test_images_without_a_usable_part_stay_in_the_set_without_an_object(write: Make, square: Make) -> None:
    root = write(content([annotation(1, [square(0, 0, 1, 1)], image=0, area=0)], images=2))
    dataset = load(root)
    assert len(dataset) == 2
    first, second = dataset
    assert first.objects == second.objects == ()
    assert first.skipped[-1] == Skip("object 0", "none of its parts can be used")
    assert second.skipped == (Skip("image", "it has no annotation"),)


def test_splits_whose_image_ids_start_again_do_not_mix(write: Make, square: Make) -> None:
    root = write(content([annotation(1, [square(0, 0, 1, 1)])]), split="val")
    other = content([annotation(1, [square(0, 0, 3, 3)])])
    other["images"][0]["file_name"] = "n02999999_1.JPEG"
    write(other, split="train")
    val, train = load(root, split="val"), load(root, split="train")
    assert (val.ids, train.ids) == (("n02100000_7",), ("n02999999_1",))
    assert val.load("n02100000_7").objects[0].mask.area == 1
    assert train.load("n02999999_1").objects[0].mask.area == 9


def test_macos_twins_are_no_images(write: Make, square: Make) -> None:
    root = write(content([annotation(1, [square(0, 0, 1, 1)])], images=2))
    (root / "test" / "n02100001" / "n02100001_8.JPEG").rename(root / "test" / "n02100001" / "._n02100001_8.JPEG")
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX" / "._test.json").write_bytes(b"\0\5\26\7")
    (root / "._test.json").write_bytes(b"\0\5\26\7")
    with pytest.raises(DataMissing, match=r"1 file is missing \(n02100001_8\.JPEG\); 1 of its images"):
        load(root)
    dataset = load(root, allow_missing=True)
    assert (dataset.ids, dataset.missing) == (("n02100000_7",), ("n02100001_8.JPEG",))


def test_file_names_with_their_folder_are_found_too(write: Make, square: Make) -> None:
    data = content([annotation(1, [square(0, 0, 1, 1)])])
    root = write(data)
    data["images"][0]["file_name"] = "n02100000/n02100000_7.JPEG"
    (root / "test.json").write_text(json.dumps(data))
    assert load(root).ids == ("n02100000_7",)


def test_unknown_split_and_absent_json_are_explained(write: Make) -> None:
    root = write(content([]))
    with pytest.raises(UnknownName, match=r"split of partimagenet is called 'tests'; did you mean 'test'"):
        build("dataset", Reference.parse(f"partimagenet,root={root},split=tests"))
    with pytest.raises(DataMissing, match=r"no annotations val\.json(?s:.*)ROOT/\{split\}/<synset>/<name>\.JPEG"):
        load(root, split="val")


def test_published_counts_are_those_of_the_paper(write: Make) -> None:
    assert load(write(content([]))).expected == (4598, None, None)


def test_fingerprint_follows_the_json(write: Make, square: Make) -> None:
    first = load(write(content([annotation(1, [square(0, 0, 1, 1)])])))
    before = first.fingerprint(first.ids)
    second = load(write(content([annotation(1, [square(0, 0, 1, 2)])])))
    assert second.ids == first.ids
    assert second.fingerprint(second.ids) != before


# The reader of COCO's JSON, seen from its first user.


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (annotation(1, "oops"), "annotation 1 of image n02100000_7.JPEG: a segmentation is a list of polygons"),
        (annotation(1, [[0, 0, 1, 1, 2, 2, 3]]), "annotation 1 of image n02100000_7.JPEG: polygon 0 has 7 numbers"),
        (annotation(1, [], category=99), "has the category 99, which the file does not define"),
        ({"id": "x", "image_id": 0, "category_id": 0}, "annotation x of image .* is malformed"),
        ({"image_id": 0}, "annotation . of image .* is malformed.*it has .'image_id'"),
        (annotation(8, []), "several annotations with the id 8"),
    ],
)
def test_damaged_annotation_is_an_error_of_its_image_only(write: Make, square: Make, broken: Any, says: str) -> None:
    annotations = [annotation(8, [square(0, 0, 1, 1)]), annotation(9, [square(0, 0, 1, 1)], image=1), broken]
    dataset = load(write(content(annotations, images=2)))
    assert dataset.load("n02100001_8").objects
    with pytest.raises(BadSample, match=rf"test\.json: .*{says}"):
        dataset.load("n02100000_7")


def test_annotations_of_no_image_are_kept_for_the_record(write: Make, square: Make) -> None:
    dataset = load(write(content([annotation(1, [square(0, 0, 1, 1)], image=77)])))
    assert dataset.skipped == (Skip("annotations of image 77", "the file lists no such image (1 annotations)"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"images": [', r"test\.json is no valid JSON \(Expecting value.*cut short"),
        ("\xff\xfe", r"test\.json is no valid JSON"),
        ("[]", r"test\.json is no COCO annotation file: expected the lists images, annotations, categories; got list"),
        ('{"images": []}', r"got \['images'\]"),
        ('{"images": [{"id": 1}], "annotations": [], "categories": []}', "image number 0 lacks"),
        (
            '{"images": [{"id": 1, "file_name": "a", "height": 0, "width": 4}], "annotations": [], "categories": []}',
            "image a has no proper size: 4×0",
        ),
        (
            '{"images": [{"id": "1", "file_name": "a", "height": 1, "width": 4}], "annotations": [], "categories": []}',
            "image number 0 has the id '1'",
        ),
        ('{"images": [], "annotations": [3], "categories": []}', "an annotation names no image: 3"),
        ('{"images": [], "annotations": [], "categories": [{"id": 3}]}', "a category needs an id and a name"),
    ],
)
def test_damaged_json_is_refused_at_once(write: Make, text: str, says: str) -> None:
    root = write(content([]))
    (root / "test.json").write_text(text, encoding="latin-1")
    with pytest.raises(UsageError, match=says):
        load(root)


def test_one_id_for_two_images_is_refused(write: Make) -> None:
    data = content([], images=2)
    root = write(data)
    data["images"][1]["id"] = 0
    (root / "test.json").write_text(json.dumps(data))
    with pytest.raises(UsageError, match="gives one id to several images: 2 images, 1 ids"):
        load(root)
    data["images"][1] = {**data["images"][0], "id": 5}
    (root / "test.json").write_text(json.dumps(data))
    with pytest.raises(UsageError, match="lists the image 'n02100000_7' more than once"):
        load(root)
