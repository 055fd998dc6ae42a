"""Run-length masks agree with plain numpy on the arrays they stand for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from consbench.masks import Mask, encode, iou, union

SIZES = st.tuples(st.integers(1, 17), st.integers(1, 17))


@st.composite
def stacks(draw, most=4):
    """Bool arrays (N, H, W): random ones, with empty and full masks among them."""
    size = draw(SIZES)
    plain = st.sampled_from([np.zeros(size, dtype=bool), np.ones(size, dtype=bool)])
    return np.stack(draw(st.lists(plain | hnp.arrays(bool, size), min_size=1, max_size=most)))


@given(masks_NHW=stacks())
def test_a_stack_comes_back_from_its_codes_unchanged(masks_NHW):
    codes = encode(masks_NHW)
    assert [code.shape for code in codes] == [masks_NHW.shape[1:]] * len(masks_NHW)
    np.testing.assert_array_equal(np.stack([code.array() for code in codes]), masks_NHW)
    assert all(code.array().dtype == bool for code in codes)


@given(masks_NHW=stacks())
def test_a_mask_has_the_same_code_alone_in_a_stack_and_in_any_memory_layout(masks_NHW):
    codes = encode(masks_NHW)
    assert codes == [Mask.from_array(mask_HW) for mask_HW in masks_NHW]
    assert codes == encode(np.asfortranarray(masks_NHW))
    flipped = masks_NHW[:, ::-1, ::-1].copy()
    assert encode(masks_NHW[:, ::-1, ::-1]) == encode(flipped)


@pytest.mark.parametrize("value", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (255, 257)])
def test_empty_and_full_masks_of_odd_sizes_come_back(size, value):
    mask_HW = np.full(size, value)
    np.testing.assert_array_equal(Mask.from_array(mask_HW).array(), mask_HW)


def test_one_array_may_hold_any_numbers_and_every_non_zero_pixel_belongs():
    values = np.array([[0, 255, -1], [0.5, 0, 2]])
    np.testing.assert_array_equal(Mask.from_array(values).array(), values != 0)


def test_a_code_is_the_one_of_coco():
    # Runs go down the columns and begin with zeros: 1 zero, 2 ones, 1 zero; "0" plus each, in 5 bits.
    assert Mask.from_array(np.array([[0, 1], [1, 0]])).counts == b"121"


@pytest.mark.parametrize("shape", [(), (3,), (1, 3, 3)])
def test_one_mask_has_two_axes(shape):
    with pytest.raises(ValueError, match=r"a mask has 2 axes \(H, W\); got shape"):
        Mask.from_array(np.ones(shape, dtype=bool))


def test_a_stack_of_no_masks_has_no_codes():
    assert encode(np.zeros((0, 3, 4), dtype=bool)) == []


@given(masks_NHW=stacks())
def test_area_and_box_are_those_of_the_pixels(masks_NHW):
    for code, mask_HW in zip(encode(masks_NHW), masks_NHW, strict=True):
        assert code.area == mask_HW.sum()
        ys, xs = np.nonzero(mask_HW)
        tight = (xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1) if len(xs) else (0, 0, 0, 0)
        assert code.box == tight


def test_area_and_box_are_python_integers_that_json_can_hold():
    mask = Mask.from_array(np.eye(3))
    assert {type(v) for v in (mask.area, *mask.box, *mask.shape)} == {int}


@given(masks_NHW=stacks())
def test_a_union_holds_the_pixels_of_any(masks_NHW):
    np.testing.assert_array_equal(union(encode(masks_NHW)).array(), masks_NHW.any(axis=0))


@settings(max_examples=200)
@given(masks_NHW=stacks(most=6), cut=st.integers(0, 6))
def test_iou_is_the_exact_ratio_of_pixels_and_zero_for_two_empty_masks(masks_NHW, cut):
    a, b = masks_NHW[:cut], masks_NHW[cut:]
    expected = np.zeros((len(a), len(b)))
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            inside, either = int((one & other).sum()), int((one | other).sum())
            expected[i, j] = inside / either if either else 0.0
    measured = iou(encode(a), encode(b))
    assert measured.dtype == np.float64
    assert measured.shape == expected.shape
    assert (measured == expected).all(), "to the last bit"


def test_masks_of_different_sizes_are_not_compared():
    wide, tall = Mask.from_array(np.ones((2, 3))), Mask.from_array(np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"different sizes cannot be compared: \[\(2, 3\), \(3, 2\)\]"):
        iou([wide], [tall])
    with pytest.raises(ValueError, match="different sizes"):
        iou([wide, tall], [])


@pytest.mark.parametrize("sizes", [[], [(2, 3), (3, 2)]])
def test_a_union_needs_masks_of_one_size(sizes):
    with pytest.raises(ValueError, match="a union needs one or more masks of one size; got sizes"):
        union([Mask.from_array(np.ones(size)) for size in sizes])


def test_only_bool_stacks_are_encoded():
    with pytest.raises(
        ValueError, match=r"masks must be bool with 3 axes \(N, H, W\); got float64 of shape \(1, 2, 3\)"
    ):
        encode(np.ones((1, 2, 3)))
