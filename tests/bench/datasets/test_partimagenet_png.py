"""PartImageNet_Seg: parts and objects as PNGs of class numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from consbench.datasets.partimagenet import load_seg
from consbench.datasets.partimagenet_png import KINDS
from consbench.errors import BadSample, DataMissing, UnknownName
from consbench.types import Skip

Make = Callable[..., Any]


@pytest.fixture
def write(tmp_path: Path, write_image: Make) -> Make:
    def write_one(stem: str, numbers_HW: np.ndarray, whole_HW: np.ndarray | None = None) -> Path:
        root = tmp_path / "seg"
        for folder, values_HW in (("test", numbers_HW), ("test_whole", whole_HW)):
            if values_HW is not None:
                path = root / "annotations" / folder / f"{stem}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(values_HW.astype(np.uint8)).save(path)
        write_image(root / "images" / "test" / f"{stem}.JPEG", format="JPEG")
        return root

    return write_one


@pytest.fixture(name="numbers_HW")
def make_numbers(box: Make) -> np.ndarray:
    """A dog's head (0) and two feet (2) that are one part, on background (40)."""
    values = np.full((6, 8), 40)
    values[box(0, 0, 3, 3)] = 0
    values[box(4, 4, 5, 6) | box(6, 4, 7, 6)] = 2
    return values


def test_a_part_is_all_pixels_of_its_kind_and_the_object_their_union(write: Make, numbers_HW: np.ndarray) -> None:
    sample = load_seg(write("n1_1", numbers_HW)).load("n1_1")
    (dog,) = sample.objects
    assert (dog.object_id, dog.category) == (0, "Quadruped")
    assert [(p.part_id, p.category, p.mask.area) for p in dog.parts] == [
        (0, "Quadruped Head", 9),
        (2, "Quadruped Foot", 4),
    ]
    np.testing.assert_array_equal(dog.mask.array(), numbers_HW != 40)
    assert sample.image().shape == (6, 8, 3)


def test_background_is_the_number_40_even_where_it_is_rare(write: Make) -> None:
    numbers_HW = np.full((6, 8), 18)
    numbers_HW[0, 0] = 40
    (snake,) = load_seg(write("n1_1", numbers_HW)).load("n1_1").objects
    assert (snake.category, snake.mask.area) == ("Snake", 47)


def test_object_comes_from_the_whole_png_where_there_is_one(write: Make, numbers_HW: np.ndarray, box: Make) -> None:
    whole_HW = np.where(box(0, 0, 8, 5), 17, 158)
    (dog,) = load_seg(write("n1_1", numbers_HW, whole_HW)).load("n1_1").objects
    np.testing.assert_array_equal(dog.mask.array(), box(0, 0, 8, 5))
    assert len(dog.parts) == 2


def test_empty_whole_leaves_its_parts_out(write: Make, numbers_HW: np.ndarray) -> None:
    sample = load_seg(write("n1_1", numbers_HW, np.full((6, 8), 158))).load("n1_1")
    assert sample.objects == ()
    assert [skip.what for skip in sample.skipped] == ["part 0 (Quadruped Head)", "part 2 (Quadruped Foot)"]


def test_foreign_numbers_are_left_out_and_said(write: Make, numbers_HW: np.ndarray) -> None:
    numbers_HW[5, 0] = 255
    sample = load_seg(write("n1_1", numbers_HW)).load("n1_1")
    assert sample.skipped == (Skip("pixels of value 255", "the number stands for no kind of part"),)
    assert not sample.objects[0].mask.array()[5, 0]


def test_image_of_background_has_no_object(write: Make) -> None:
    sample = load_seg(write("n1_1", np.full((6, 8), 40))).load("n1_1")
    assert (sample.objects, sample.skipped) == ((), (Skip("image", "it has no part"),))


def test_kinds_are_numbered_as_published() -> None:
    known = {0: "Quadruped Head", 24: "Car Body", 27: "Bicycle Body", 28: "Bicycle Head", 38: "Bottle Mouth"}
    assert {number: KINDS[number][1] for number in known} == known
    assert (len(KINDS), KINDS[35][1], KINDS[36][1], KINDS[39][1]) == (
        40,
        "Aeroplane Engine",
        "Aeroplane Wing",
        "Bottle Body",
    )


def test_files_without_their_other_half_are_missing(write: Make, numbers_HW: np.ndarray) -> None:
    root = write("n1_1", numbers_HW)
    for stem in ("n1_2", "n1_3"):
        write(stem, numbers_HW)
    (root / "images" / "test" / "n1_2.JPEG").rename(root / "images" / "test" / "._n1_2.JPEG")
    (root / "annotations" / "test" / "n1_3.png").unlink()
    with pytest.raises(DataMissing, match=r"2 files are missing \(n1_2\.JPEG, n1_3\.png\)"):
        load_seg(root)
    dataset = load_seg(root, allow_missing=True)
    assert (dataset.ids, dataset.missing, dataset.expected) == (("n1_1",), ("n1_2.JPEG", "n1_3.png"), None)


def test_unknown_split_and_absent_folders_are_explained(write: Make, numbers_HW: np.ndarray) -> None:
    root = write("n1_1", numbers_HW)
    with pytest.raises(UnknownName, match="split of partimagenet-seg is called 'tset'; did you mean 'test'"):
        load_seg(root, split="tset")
    with pytest.raises(DataMissing, match=r"found no images of the split 'val'(?s:.*)40 for background"):
        load_seg(root, split="val")


def test_damaged_pngs_are_errors_of_their_image(write: Make, numbers_HW: np.ndarray) -> None:
    root = write("n1_1", numbers_HW, np.full((3, 3), 1))
    with pytest.raises(BadSample, match=r"test_whole/n1_1\.png has shape \(3, 3\) \(height, width\)"):
        load_seg(root).load("n1_1")
    (root / "annotations" / "test" / "n1_1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(BadSample, match=r"test/n1_1\.png cannot be read as an image"):
        load_seg(root).load("n1_1")


def test_fingerprint_follows_both_pngs(write: Make, numbers_HW: np.ndarray) -> None:
    seen = set()
    for whole_HW in (None, np.full((6, 8), 3), np.full((6, 8), 4)):
        dataset = load_seg(write("n1_1", numbers_HW, whole_HW))
        seen.add(dataset.fingerprint(dataset.ids))
    numbers_HW[0, 0] = 40
    dataset = load_seg(write("n1_1", numbers_HW))
    seen.add(dataset.fingerprint(dataset.ids))
    assert len(seen) == 4
