"""Pascal Part, on files written in the structure of the genuine ones."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat, savemat

from consbench.datasets.pascal_part import load
from consbench.errors import BadSample, DataMissing, UnknownName
from consbench.registry import Reference, build
from consbench.types import Skip

Write = Callable[..., Any]


@pytest.fixture
def root(write_pascal: Write, box: Write) -> Path:
    whole = box(0, 0, 8, 6)
    return write_pascal(
        {
            "2008_000002": [
                (
                    "dog",
                    box(0, 0, 5, 6),
                    [("head", box(0, 0, 3, 3)), ("leye", box(1, 1, 2, 2)), ("tail", box(0, 0, 0, 0))],
                ),
                ("table", whole, []),
                ("person", box(0, 0, 0, 0), [("hair", box(0, 0, 1, 1))]),
            ],
            "2008_000003": [("table", whole, []), ("sofa", box(0, 0, 2, 2), [])],
            "2008_000007": [("chair", whole, []), ("tvmonitor", box(2, 2, 6, 5), [("screen", box(3, 3, 5, 4))])],
            "2008_000009": [("cow", whole, [])],
        }
    )


def test_objects_parts_and_masks_are_those_of_the_file(root: Path, box: Write) -> None:
    sample = load(root).load("2008_000002")
    assert (sample.height, sample.width) == (6, 8)
    dog, table = sample.objects
    assert (dog.object_id, dog.category) == (0, "dog")
    assert [(p.part_id, p.category) for p in dog.parts] == [(0, "head"), (1, "leye")]
    np.testing.assert_array_equal(dog.mask.array(), box(0, 0, 5, 6))
    np.testing.assert_array_equal(dog.parts[0].mask.array(), box(0, 0, 3, 3))
    np.testing.assert_array_equal(dog.parts[1].mask.array(), box(1, 1, 2, 2))
    assert (table.object_id, table.category, table.parts) == (1, "table", ())
    assert sample.image().shape == (6, 8, 3)


def test_empty_masks_are_left_out_and_said(root: Path) -> None:
    assert load(root).load("2008_000002").skipped == (
        Skip("part 2 (tail) of object 0 (dog)", "its mask is empty"),
        Skip("object 2 (person)", "its mask is empty"),
        Skip("part 0 (hair) of object 2 (person)", "the mask of its object is empty"),
    )


def test_one_object_with_one_part_is_read_like_many(root: Path) -> None:
    (dog,) = load(root, split="train").load("2007_000001").objects
    assert [part.category for part in dog.parts] == ["head"]


def test_paper_subset_leaves_out_images_of_classes_without_parts_only(root: Path) -> None:
    """`table` is the name in the files; a part-less object of another class keeps its image."""
    assert load(root).ids == ("2008_000002", "2008_000007", "2008_000009")
    assert load(root, subset="all").ids == ("2008_000002", "2008_000003", "2008_000007", "2008_000009")


def test_splits_and_subsets_name_themselves_and_their_published_counts(root: Path) -> None:
    assert (load(root).split, load(root).expected) == ("val-paper", (4772, None, None))
    assert load(root, subset="all").split == "val"
    both = load(root, split="trainval", subset="all")
    assert both.ids[0] == "2007_000001"
    assert both.expected == (10_103, 24_971, 181_770)


def test_options_arrive_as_text_from_the_command_line(root: Path) -> None:
    reference = Reference.parse(f"pascal-part,root={root},split=train,subset=all,allow-missing=yes")
    assert build("dataset", reference).ids == ("2007_000001",)


@pytest.mark.parametrize("inner", ["trainval", "trainval/Annotations_Part", "VOCdevkit", "VOCdevkit/VOC2010"])
def test_inner_folders_are_taken_for_the_root(root: Path, inner: str) -> None:
    assert load(root / inner).ids == load(root).ids


def test_a_flat_layout_is_read_too(root: Path) -> None:
    shutil.move(root / "trainval" / "Annotations_Part", root / "Annotations_Part")
    for name in ("ImageSets", "JPEGImages"):
        shutil.move(root / "VOCdevkit" / "VOC2010" / name, root / name)
    assert len(load(root)) == 3


def test_unknown_split_and_subset_are_answered_with_the_nearest(root: Path) -> None:
    with pytest.raises(UnknownName, match=r"no split of pascal-part is called 'valid'; did you mean 'val'\?"):
        load(root, split="valid")
    with pytest.raises(UnknownName, match="no subset of pascal-part is called 'papers'; did you mean 'paper'"):
        load(root, subset="papers")  # type: ignore[arg-type]


def test_unknown_image_names_near_ones(root: Path) -> None:
    with pytest.raises(UnknownName, match=r"no image of pascal-part val-paper is called '2008_000001'.*2008_000002"):
        load(root).load("2008_000001")


def test_absent_root_and_absent_folders_print_the_layout(tmp_path: Path, root: Path) -> None:
    with pytest.raises(DataMissing, match=r"there is no folder .*nowhere(?s:.*)ROOT/trainval/Annotations_Part"):
        load(tmp_path / "nowhere")
    shutil.rmtree(root / "trainval")
    with pytest.raises(DataMissing, match=r"found no annotations of Pascal Part(?s:.*)VOCdevkit/VOC2010/JPEGImages"):
        load(root)


def test_absent_list_is_named(root: Path) -> None:
    (root / "VOCdevkit" / "VOC2010" / "ImageSets" / "Main" / "val.txt").unlink()
    with pytest.raises(DataMissing, match=r"found no list of the split 'val'(?s:.*)Main/val\.txt"):
        load(root)


def test_incomplete_copy_is_refused_with_count_and_names(root: Path) -> None:
    (root / "VOCdevkit" / "VOC2010" / "JPEGImages" / "2008_000007.jpg").unlink()
    (root / "trainval" / "Annotations_Part" / "2008_000009.mat").unlink()
    with pytest.raises(
        DataMissing,
        match=r"2 files are missing \(2008_000007\.jpg, 2008_000009\.mat\); 1 of its images.*--allow-missing",
    ):
        load(root)
    dataset = load(root, allow_missing=True)
    assert dataset.ids == ("2008_000002",)
    assert dataset.missing == ("2008_000007.jpg", "2008_000009.mat")


def test_image_outside_the_subset_is_not_missed(root: Path) -> None:
    (root / "VOCdevkit" / "VOC2010" / "JPEGImages" / "2008_000003.jpg").unlink()
    assert len(load(root)) == 3


def test_copy_without_one_complete_image_is_refused_even_if_missing_is_allowed(root: Path) -> None:
    shutil.rmtree(root / "VOCdevkit" / "VOC2010" / "JPEGImages")
    (root / "VOCdevkit" / "VOC2010" / "JPEGImages").mkdir()
    with pytest.raises(DataMissing, match="has no complete image: 3 files are missing"):
        load(root, allow_missing=True)


def test_twins_by_macos_are_no_files_of_the_dataset(root: Path) -> None:
    annotations = root / "trainval" / "Annotations_Part"
    (annotations / "2008_000007.mat").rename(annotations / "._2008_000007.mat")
    assert load(root, allow_missing=True).missing == ("2008_000007.mat",)


@pytest.mark.parametrize("content", [b"", b"<html>", b"MATLAB 5.0 MAT-file" + b" " * 200])
def test_damaged_annotation_is_an_error_of_its_image_only(root: Path, content: bytes) -> None:
    """The paper's rule needs the file; where it cannot be read the image stays, to be named and counted."""
    (root / "trainval" / "Annotations_Part" / "2008_000003.mat").write_bytes(content)
    dataset = load(root)
    assert dataset.ids == ("2008_000002", "2008_000003", "2008_000007", "2008_000009")
    with pytest.raises(BadSample, match=r"2008_000003\.mat cannot be read as an annotation of Pascal Part: \w+: "):
        dataset.load("2008_000003")
    assert dataset.load("2008_000002").objects


def test_cut_annotation_is_an_error_of_its_image(root: Path) -> None:
    path = root / "trainval" / "Annotations_Part" / "2008_000002.mat"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BadSample, match=r"2008_000002\.mat cannot be read"):
        load(root).load("2008_000002")


def test_annotation_of_another_structure_is_an_error_of_its_image(root: Path) -> None:
    savemat(root / "trainval" / "Annotations_Part" / "2008_000002.mat", {"anno": {"imname": "x"}})
    with pytest.raises(BadSample, match=r"2008_000002\.mat.*objects"):
        load(root).load("2008_000002")


def test_file_that_the_quick_look_cannot_follow_is_read_whole_for_the_rule(root: Path) -> None:
    """A second variable before `anno` is beyond the quick look at class names, not beyond scipy."""
    annotations = root / "trainval" / "Annotations_Part"
    for image_id in ("2008_000003", "2008_000007"):
        content = loadmat(annotations / f"{image_id}.mat")["anno"]
        savemat(annotations / f"{image_id}.mat", {"a_note": np.eye(2), "anno": content})
    assert load(root).ids == ("2008_000002", "2008_000007", "2008_000009")


def test_masks_of_different_sizes_are_refused_by_name(root: Path, write_mat: Write, box: Write) -> None:
    path = root / "trainval" / "Annotations_Part" / "2008_000002.mat"
    write_mat(path, [("dog", box(0, 0, 8, 6), [("head", box(0, 0, 1, 1, height=5))])])
    with pytest.raises(BadSample, match=r"000002\.mat: object 0 \(dog\): part 'head' has shape \(5, 8\).*\(6, 8\)"):
        load(root).load("2008_000002")


def test_image_without_objects_has_the_size_of_its_file(root: Path, write_mat: Write) -> None:
    write_mat(root / "trainval" / "Annotations_Part" / "2008_000003.mat", [])
    sample = load(root, subset="all").load("2008_000003")
    assert (sample.objects, sample.height, sample.width) == ((), 6, 8)


def test_image_of_another_size_than_its_masks_is_refused_when_its_pixels_are_read(
    root: Path, write_image: Write
) -> None:
    write_image(root / "VOCdevkit" / "VOC2010" / "JPEGImages" / "2008_000002.jpg", 3, 4)
    sample = load(root).load("2008_000002")
    with pytest.raises(BadSample, match=r"2008_000002\.jpg is 4×3 pixels.*made for 8×6"):
        sample.image()


def test_grayscale_image_is_read_as_rgb(root: Path) -> None:
    Image.new("L", (8, 6), 7).save(root / "VOCdevkit" / "VOC2010" / "JPEGImages" / "2008_000002.jpg")
    assert (load(root).load("2008_000002").image() == 7).all()


def test_fingerprint_follows_ids_and_annotations_but_not_their_order(root: Path, write_mat: Write, box: Write) -> None:
    dataset = load(root)
    first = dataset.fingerprint(dataset.ids)
    assert dataset.fingerprint(dataset.ids[::-1]) == first
    assert dataset.fingerprint(dataset.ids[:2]) != first
    write_mat(root / "trainval" / "Annotations_Part" / "2008_000009.mat", [("cow", box(0, 0, 7, 6), [])])
    assert load(root).fingerprint(dataset.ids) != first


def test_iteration_gives_every_sample_in_order(root: Path) -> None:
    dataset = load(root)
    assert [sample.image_id for sample in dataset] == list(dataset.ids)
    assert len(dataset) == 3


def test_a_dataset_can_be_renamed(root: Path) -> None:
    renamed = replace(load(root), name="mine", expected=None)
    assert (renamed.name, renamed.expected, len(renamed)) == ("mine", None, 3)
    assert renamed.load("2008_000002").objects


def test_a_dataset_travels_to_another_process(root: Path) -> None:
    dataset = load(root)
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.ids == dataset.ids
    assert copy.load("2008_000002") == dataset.load("2008_000002")
    assert copy.load("2008_000002").image().shape == (6, 8, 3)
