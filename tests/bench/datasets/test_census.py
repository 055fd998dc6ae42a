"""Counting a dataset, and the command that sets the counts beside the published ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from consbench.cli.data import data
from consbench.datasets import Counts, SampleList
from consbench.datasets.census import Agreement, Omission, take_census
from consbench.datasets.pascal_part import load
from consbench.errors import DataMissing, UnknownName
from consbench.masks import Mask
from consbench.types import Object, Part, Sample, Skip

Make = Callable[..., Any]


@pytest.fixture
def root(write_pascal: Make, box: Make) -> Path:
    whole, nothing = box(0, 0, 8, 6), box(0, 0, 0, 0)
    head, eye = ("head", box(0, 0, 3, 3)), ("leye", box(1, 1, 2, 2))
    return write_pascal(
        {
            "2008_000002": [("dog", whole, [head, eye, ("tail", nothing)]), ("person", nothing, [("hair", eye[1])])],
            "2008_000003": [("dog", box(0, 0, 5, 6), [head]), ("table", whole, [])],
            "2008_000007": [("cow", whole, [])],
        }
    )


def test_census_counts_what_is_kept(root: Path) -> None:
    census = take_census(load(root))
    assert (census.images, census.objects, census.parts, census.clicks, census.crowds) == (3, 4, 3, 3, 0)
    assert census.objects_by_category == {"dog": 2, "table": 1, "cow": 1}
    assert census.parts_by_category == {("dog", "head"): 2, ("dog", "leye"): 1}
    assert census.parts_per_object == {0: 2, 1: 1, 2: 1}
    assert census.objects_with_pairs == 1
    assert sorted(census.object_areas) == [30, 48, 48, 48]
    assert sorted(census.part_areas) == [1, 9, 9]


def test_census_compares_what_is_annotated_kept_or_not(root: Path) -> None:
    census = take_census(load(root))
    assert census.skipped[0] == Omission("2008_000002", "part 2 (tail) of object 0 (dog)", "its mask is empty")
    assert census.compare(Counts(3, 4, None)) == [
        Agreement("images", 3, 3, 0),
        Agreement("objects", 4, 5, 1),
        Agreement("parts", None, 5, 2),
    ]
    assert [line.difference for line in census.compare(Counts(3, 4, None))] == [0, 1, None]
    assert [line.difference for line in census.compare(None)] == [None, None, None]


def test_damaged_annotations_are_noted_and_the_walk_goes_on(root: Path) -> None:
    (root / "trainval" / "Annotations_Part" / "2008_000003.mat").write_bytes(b"")
    seen: list[tuple[int, int]] = []
    census = take_census(load(root), progress=lambda done, total: seen.append((done, total)))
    assert census.images == 2
    (omission,) = census.unreadable
    assert omission.image_id == "2008_000003"
    assert "cannot be read as an annotation" in omission.reason
    assert census.compare(Counts(3))[0] == Agreement("images", 3, 3, 1)
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_damaged_images_are_found_only_where_pixels_are_read(root: Path) -> None:
    (root / "VOCdevkit" / "VOC2010" / "JPEGImages" / "2008_000003.jpg").write_bytes(b"\xff\xd8")
    assert take_census(load(root)).unreadable == ()
    (omission,) = take_census(load(root), decode_images=True).unreadable
    assert "2008_000003.jpg cannot be read as an image" in omission.reason


def test_crowd_regions_and_empty_masks_give_no_click() -> None:
    full, empty = Mask.from_array(np.ones((2, 2))), Mask.from_array(np.zeros((2, 2)))
    objects = (
        Object(0, "a", full, (Part(0, "p", full), Part(1, "q", empty))),
        Object(1, "a", full, (Part(0, "p", full),), crowd=True),
        Object(2, "a", empty, (Part(0, "p", full),)),
    )
    sample = Sample("one", 2, 2, objects, lambda: np.zeros((2, 2, 3), dtype=np.uint8))
    census = take_census(SampleList([sample]))
    assert (census.objects, census.parts, census.clicks, census.crowds) == (3, 4, 1, 1)


def test_annotations_of_no_image_are_part_of_the_census(root: Path) -> None:
    dataset = replace(load(root), skipped=(Skip("annotations of image 7", "the file lists no such image"),))
    assert take_census(dataset).skipped[-1] == Omission("", "annotations of image 7", "the file lists no such image")


def invoke(*words: str) -> Any:
    return CliRunner().invoke(data, list(words))


def test_verify_says_where_a_copy_differs_and_exits_with_1(root: Path) -> None:
    result = invoke("verify", "pascal-part", "--root", str(root))
    assert result.exit_code == 1, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert ["images", "4,772", "3", "-4,769", "0"] in lines
    assert ["objects", "–", "5", "–", "1"] in lines
    assert "This is not the published set: images differ." in result.output
    assert "1 × part: its mask is empty" in result.output
    assert "2008_000002: part 2 (tail) of object 0 (dog)" in result.output


def test_verify_exits_with_0_where_all_agrees(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(load.__globals__["EXPECTED"], ("val", "paper"), Counts(3, 5, 5))
    result = invoke("verify", "pascal-part", "--root", str(root), "--deep")
    assert result.exit_code == 0, result.output
    assert "All published counts agree." in result.output


def test_verify_exits_with_1_where_an_image_is_damaged(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(load.__globals__["EXPECTED"], ("val", "paper"), Counts(3, 5, 5))
    (root / "VOCdevkit" / "VOC2010" / "JPEGImages" / "2008_000007.jpg").write_bytes(b"")
    result = invoke("verify", "pascal-part", "--root", str(root), "--deep")
    assert result.exit_code == 1
    assert "Unreadable: 1" in result.output
    assert "2008_000007.jpg cannot be read" in result.output


def test_verify_exits_with_0_where_nothing_was_published(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(load.__globals__["EXPECTED"], ("val", "paper"), None)
    result = invoke("verify", "pascal-part", "--root", str(root))
    assert result.exit_code == 0
    assert "No counts were published" in result.output


def test_options_and_reference_say_the_same(root: Path) -> None:
    by_option = invoke("info", "pascal-part", "--root", str(root), "--split", "train")
    by_reference = invoke("info", f"pascal-part,root={root},split=train")
    assert by_option.exit_code == 0, by_option.output
    assert by_option.output == by_reference.output
    assert "pascal-part train-paper" in by_option.output


def test_info_prints_objects_parts_and_sizes(root: Path) -> None:
    output = invoke("info", "pascal-part", "--root", str(root)).output
    lines = [line.split() for line in output.splitlines()]
    assert ["clicks", "3"] in lines
    assert ["0", "2", "50.0", "%"] in lines
    assert ["objects", "30", "30", "48", "48", "48", "48"] in lines
    assert ["dog", "2", "head", "2,", "leye", "1"] in lines


def test_missing_files_are_an_error_unless_allowed(root: Path) -> None:
    (root / "VOCdevkit" / "VOC2010" / "JPEGImages" / "2008_000007.jpg").unlink()
    refused = invoke("verify", "pascal-part", "--root", str(root))
    assert isinstance(refused.exception, DataMissing)
    allowed = invoke("verify", "pascal-part", "--root", str(root), "--allow-missing")
    assert "Missing files: 1 (2008_000007.jpg)" in allowed.output


def test_option_that_the_dataset_does_not_know_is_an_error(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from consbench.datasets import SampleList\n\ndef nothing():\n    return SampleList([], name='nothing')\n"
    )
    assert invoke("info", f"{tmp_path / 'mine.py'}:nothing").exit_code == 0
    result = invoke("info", f"{tmp_path / 'mine.py'}:nothing", "--split", "val")
    assert isinstance(result.exception, UnknownName)
    assert "is called 'split'" in str(result.exception)
