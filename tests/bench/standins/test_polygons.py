"""Polygons rasterise back to the mask they were traced from, by pycocotools."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco
from scipy.ndimage import binary_dilation

from consbench.standins.polygons import polygons


def raster(outlines, shape):
    if not outlines:
        return np.zeros(shape, dtype=bool)
    return coco.decode(coco.merge(coco.frPyObjects(outlines, *shape))).astype(bool)


@settings(max_examples=150, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.booleans()))
def test_any_small_mask_comes_back_exactly(mask_HW):
    assert (raster(polygons(mask_HW), mask_HW.shape) == mask_HW).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_blobs_with_holes_come_back_exactly(seed):
    rng = np.random.default_rng(seed)
    mask_HW = binary_dilation(rng.random((60, 47)) < 0.03, iterations=int(rng.integers(1, 4)))
    outlines = polygons(mask_HW)
    assert (raster(outlines, mask_HW.shape) == mask_HW).all()
    assert all(len(outline) >= 8 and len(outline) % 2 == 0 for outline in outlines)


def test_polygons_of_a_mask_do_not_overlap():
    mask_HW = np.ones((9, 9), dtype=bool)
    mask_HW[2:4, 2:4] = mask_HW[5:8, 5:8] = False
    areas = [raster([outline], (9, 9)).sum() for outline in polygons(mask_HW)]
    assert sum(areas) == mask_HW.sum()


def test_only_corners_are_kept():
    assert polygons(np.ones((7, 3), dtype=bool)) == [[0.0, 0.0, 3.0, 0.0, 3.0, 7.0, 0.0, 7.0]]


def test_an_empty_mask_has_no_polygon():
    assert polygons(np.zeros((4, 4), dtype=bool)) == []
