"""The loader against genuine files of Pascal Part, read a second time by plain scipy, slowly and simply."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from consbench.datasets.matfile import object_classes
from consbench.datasets.pascal_part import CLASSES_WITHOUT_PARTS, load

SAMPLES = os.environ.get("CONSBENCH_SAMPLES")
pytestmark = [
    pytest.mark.genuine,
    pytest.mark.skipif(not SAMPLES, reason="CONSBENCH_SAMPLES names no folder of genuine files"),
]


@pytest.fixture
def root() -> Path:
    return Path(SAMPLES or "") / "pascal_part"


@pytest.fixture
def mats(root: Path) -> list[Path]:
    found = sorted((root / "trainval" / "Annotations_Part").glob("*.mat"))
    assert found, "the samples hold no annotation"
    return found


def signature(value: Any) -> Any:
    """Shapes, types and field names of a nested MATLAB value, without its contents."""
    if isinstance(value, np.ndarray) and value.dtype.names:
        fields = [(name, [signature(value[name].flat[0])] if value.size else []) for name in value.dtype.names]
        return (value.ndim, value.shape == (0, 0), fields)
    kind = "text" if value.dtype.kind == "U" else str(value.dtype)
    return (kind, value.ndim)


def test_every_object_part_and_mask_agrees_with_a_plain_reading(root: Path, mats: list[Path]) -> None:
    dataset = load(root, split="trainval", subset="all", allow_missing=True)
    assert sorted(dataset.ids) == [path.stem for path in mats]
    objects = parts = 0
    for path in mats:
        sample = dataset.load(path.stem)
        assert sample.skipped == ()
        raw = loadmat(path)["anno"][0, 0]["objects"][0]
        assert len(raw) == len(sample.objects)
        for position in range(len(raw)):
            ours, theirs = sample.objects[position], raw[position]
            assert ours.object_id == position
            assert ours.category == theirs["class"][0]
            np.testing.assert_array_equal(ours.mask.array(), theirs["mask"] == 1)
            raw_parts = theirs["parts"][0] if theirs["parts"].size else []
            assert [part.category for part in ours.parts] == [part["part_name"][0] for part in raw_parts]
            for part_position in range(len(raw_parts)):
                part = ours.parts[part_position]
                assert part.part_id == part_position
                np.testing.assert_array_equal(part.mask.array(), raw_parts[part_position]["mask"] == 1)
                assert not (part.mask.array() & ~ours.mask.array()).any()
                parts += 1
            objects += 1
        assert sample.image().shape == (*raw[0]["mask"].shape, 3)
    assert (len(mats), objects, parts) == (14, 32, 302)


def test_quick_look_at_class_names_agrees_with_a_plain_reading(mats: list[Path]) -> None:
    for path in mats:
        raw = loadmat(path)["anno"][0, 0]["objects"][0]
        assert list(object_classes(path)) == [str(entry["class"][0]) for entry in raw]


def test_paper_subset_agrees_with_the_list_that_was_computed_from_other_annotations(
    root: Path, mats: list[Path]
) -> None:
    kept = set()
    for split, listed in (("val", "pascal_part_val_4772.txt"), ("train", "pascal_part_train_4653.txt")):
        expected = set((root / listed).read_text().split()) & {path.stem for path in mats}
        assert set(load(root, split=split, allow_missing=True).ids) == expected
        kept |= expected
    left_out = [path for path in mats if path.stem not in kept]
    assert left_out, "no sample tests the rule"
    assert all(set(object_classes(path)) <= CLASSES_WITHOUT_PARTS for path in left_out)


def test_files_that_tests_write_have_the_structure_of_genuine_ones(
    mats: list[Path], tmp_path: Path, write_mat: Callable[..., None]
) -> None:
    for path in mats:
        genuine = loadmat(path)["anno"]
        copied = [
            (
                str(o["class"][0]),
                o["mask"],
                [(str(p["part_name"][0]), p["mask"]) for p in o["parts"].flat],
            )
            for o in genuine[0, 0]["objects"].flat
        ]
        write_mat(tmp_path / path.name, copied)
        written = loadmat(tmp_path / path.name)["anno"]
        assert signature(written) == signature(genuine)
        for ours, theirs in zip(written[0, 0]["objects"].flat, genuine[0, 0]["objects"].flat, strict=True):
            assert signature(np.array([[ours]])) == signature(np.array([[theirs]]))
