"""Polygons and run lengths become the pixels they cover, or an error that says what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from consbench.datasets.segmentation import decode, run_lengths
from consbench.masks import Mask

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40))


def runs_by_hand(mask_HW: np.ndarray) -> list[int]:
    """COCO's uncompressed code, in plain Python: down the columns, background first."""
    runs, current = [0], False
    for pixel in mask_HW.T.ravel().tolist():
        if pixel != current:
            runs.append(0)
            current = pixel
        runs[-1] += 1
    return runs


@given(MASKS)
def test_list_of_runs_decodes_to_the_mask(mask_HW: np.ndarray) -> None:
    height, width = mask_HW.shape
    mask = decode({"size": [height, width], "counts": runs_by_hand(mask_HW)}, height, width).mask
    if mask_HW.any():
        np.testing.assert_array_equal(mask.array(), mask_HW)
    else:
        assert mask is None


@given(MASKS)
def test_compressed_runs_unpack_to_the_runs_counted_by_hand(mask_HW: np.ndarray) -> None:
    assert run_lengths(Mask.from_array(mask_HW).counts.decode()) == runs_by_hand(mask_HW)


@given(MASKS)
def test_compressed_runs_decode_to_the_mask(mask_HW: np.ndarray) -> None:
    height, width = mask_HW.shape
    code = {"size": [height, width], "counts": Mask.from_array(mask_HW).counts.decode()}
    mask = decode(code, height, width).mask
    assert mask == (Mask.from_array(mask_HW) if mask_HW.any() else None)


@given(st.text(alphabet=[chr(c) for c in range(40, 120)], max_size=30))
def test_any_text_of_runs_decodes_or_is_refused(counts: str) -> None:
    """Nothing reaches pycocotools that does not cover the image exactly."""
    try:
        decoded = decode({"size": [4, 4], "counts": counts}, 4, 4)
    except ValueError as error:
        assert "run lengths" in str(error)  # noqa: PT017
    else:
        assert decoded.mask is None or decoded.mask.array().shape == (4, 4)


@given(st.lists(st.integers(-5, 20), max_size=6))
def test_runs_that_do_not_cover_the_image_are_refused(runs: list[int]) -> None:
    code = {"size": [4, 4], "counts": runs}
    if sum(runs) == 16 and min(runs) >= 0:
        mask = decode(code, 4, 4).mask
        assert (mask.area if mask else 0) == sum(runs[1::2])
    else:
        with pytest.raises(ValueError, match=r"cover \d+ pixels, the image has 16|hold a negative one"):
            decode(code, 4, 4)


@given(st.integers(0, 7), st.integers(0, 5), st.integers(1, 8), st.integers(1, 6))
def test_square_polygons_cover_their_pixels(x: int, y: int, width: int, height: int) -> None:
    right, bottom = min(x + width, 8), min(y + height, 6)
    expected_HW = np.zeros((6, 8), dtype=bool)
    expected_HW[y:bottom, x:right] = True
    mask = decode([[x, y, right, y, right, bottom, x, bottom]], 6, 8).mask
    np.testing.assert_array_equal(mask.array(), expected_HW)


def test_several_polygons_are_one_mask() -> None:
    decoded = decode([[0, 0, 2, 0, 2, 2, 0, 2], [1, 1, 4, 1, 4, 4, 1, 4]], 6, 8)
    assert decoded.mask.area == 4 + 9 - 1


@pytest.mark.parametrize("nothing", [None, []])
def test_no_segmentation_gives_no_mask(nothing: Any) -> None:
    assert decode(nothing, 6, 8) == (None, "it has no segmentation", ())


@pytest.mark.parametrize("numbers", [0, 2, 4])
def test_short_polygons_are_left_out_and_said(numbers: int) -> None:
    """pycocotools fails on 0 and 2 numbers, and reads 4 as a box, which fills far more than was drawn."""
    short = [1.0] * numbers
    assert decode([short], 6, 8).reason == "no polygon has 3 corners"
    beside = decode([short, [0, 0, 2, 0, 2, 2, 0, 2]], 6, 8)
    assert beside.mask.area == 4
    assert beside.dropped == (f"polygon 0 has {numbers} numbers, 6 make an area",)


def test_polygon_without_pixels_is_an_empty_mask() -> None:
    assert decode([[1, 1, 1, 1, 1, 1]], 6, 8).reason == "its mask is empty"


@pytest.mark.parametrize(
    ("segmentation", "says"),
    [
        ([[1, 1, 4, 1, 4, 4, 1]], "polygon 0 has 7 numbers; x and y come in pairs"),
        ([[1, 1, 1e9, 1, 4, 4]], "polygon 0 reaches far out of the image of 8×6 pixels"),
        ([[1, 1, float("nan"), 1, 4, 4]], "polygon 0 reaches far out"),
        ([["a", 1, 4, 1, 4, 4]], "polygon 0 is no list of numbers"),
        ([1, 1, 4, 1, 4, 4], "polygon 0 is no list of numbers"),
        ("polygon", "a list of polygons or run lengths; got str"),
        ({"size": [8, 6], "counts": [48]}, r"size \[8, 6\], the image \[6, 8\] \(height, width\)"),
        ({"size": [6, 8]}, "a list of whole numbers or COCO's compressed text"),
        ({"size": [6, 8], "counts": [24.0, 24.0]}, "a list of whole numbers"),
        ({"size": [6, 8], "counts": "1é"}, "foreign character 'é'"),
        ({"size": [6, 8], "counts": "1P"}, "end within a number"),
        ({"size": [6, 8], "counts": "P" * 40 + "1"}, "a number without end"),
        ({"size": [6, 8], "counts": [20, -4, 32]}, "hold a negative one, -4"),
        ({"size": [6, 8], "counts": []}, "cover 0 pixels, the image has 48"),
    ],
)
def test_damaged_codes_say_what_is_wrong(segmentation: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        decode(segmentation, 6, 8)
