"""Samples are checked when they are made and when their pixels are read."""

import dataclasses

import numpy as np
import pytest

from consbench.errors import BadSample
from consbench.masks import Mask
from consbench.types import Click, Object, Part, Sample


def mask(height=4, width=6):
    return Mask.from_array(np.ones((height, width), dtype=bool))


def sample(objects=(), image=None):
    pixels = np.zeros((4, 6, 3), dtype=np.uint8) if image is None else image
    return Sample("cat-1", 4, 6, tuple(objects), lambda: pixels)


def test_a_click_is_x_then_y():
    assert Click(3, 5) == (3, 5)
    assert (Click(3, 5).x, Click(3, 5).y) == (3, 5)


def test_parts_of_one_object_must_have_different_ids():
    parts = (Part(1, "head", mask()), Part(2, "tail", mask()), Part(1, "paw", mask()))
    with pytest.raises(ValueError, match=r"object 7: part ids must differ; got \[1, 2, 1\]"):
        Object(7, "cat", mask(), parts)


def test_objects_of_one_image_must_have_different_ids():
    with pytest.raises(ValueError, match=r"image cat-1: object ids must differ; got \[3, 3\]"):
        sample([Object(3, "cat", mask(), ()), Object(3, "dog", mask(), ())])


def test_two_objects_may_each_have_a_part_of_the_same_id():
    part = (Part(0, "head", mask()),)
    assert len(sample([Object(0, "cat", mask(), part), Object(1, "cat", mask(), part)]).objects) == 2


@pytest.mark.parametrize(
    "wrong",
    [Object(5, "cat", mask(6, 4), ()), Object(5, "cat", mask(), (Part(0, "head", mask(6, 4)),))],
    ids=["object", "part"],
)
def test_a_mask_of_another_size_than_the_image_is_named(wrong):
    with pytest.raises(BadSample, match=r"image cat-1: a mask of object 5 is 6×4 \(height × width\), the image 4×6"):
        sample([wrong])


def test_the_image_is_read_when_asked_for_and_not_before():
    reads = []

    def read():
        reads.append(1)
        return np.full((4, 6, 3), 9, dtype=np.uint8)

    made = Sample("a", 4, 6, (), read)
    assert reads == []
    assert (made.image() == 9).all()
    assert reads == [1]


@pytest.mark.parametrize(
    ("image", "came"),
    [
        (np.zeros((6, 4, 3), dtype=np.uint8), r"got uint8 of shape \(6, 4, 3\)"),
        (np.zeros((4, 6), dtype=np.uint8), r"got uint8 of shape \(4, 6\)"),
        (np.zeros((4, 6, 4), dtype=np.uint8), r"got uint8 of shape \(4, 6, 4\)"),
        (np.zeros((4, 6, 3)), r"got float64 of shape \(4, 6, 3\)"),
    ],
    ids=["turned", "grey", "alpha", "float"],
)
def test_an_image_of_another_size_or_type_is_refused(image, came):
    with pytest.raises(BadSample, match=r"image cat-1: expected uint8 of shape \(4, 6, 3\) \(H, W, RGB\); " + came):
        sample(image=image).image()


def test_samples_are_equal_by_their_annotation_and_not_by_how_pixels_are_read():
    assert sample() == sample()
    assert sample() != sample([Object(0, "cat", mask(), ())])


@pytest.mark.parametrize("noun", [Part(0, "head", mask()), Object(0, "cat", mask(), ()), mask()])
def test_nouns_cannot_be_changed(noun):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(noun, dataclasses.fields(noun)[0].name, 1)
