"""What a mask holds of other objects, against pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from consbench import Mask, Object, Sample
from consbench.masks import intersections
from consbench.surroundings import Spill, Surroundings

stacks = st.tuples(st.integers(1, 7), st.integers(1, 9)).flatmap(
    lambda size: st.tuples(
        arrays(bool, st.integers(1, 5).map(lambda n: (n, *size))),
        arrays(bool, st.integers(0, 4).map(lambda n: (n, *size))),
    )
)


def annotated(objects: np.ndarray, crowd: int = -1) -> Sample:
    found = tuple(Object(10 + n, "o", Mask.from_array(m), (), crowd=n == crowd) for n, m in enumerate(objects))
    return Sample("s", *objects.shape[1:], found, lambda: np.zeros((*objects.shape[1:], 3), np.uint8))


@given(stacks)
def test_spill_equals_counting_pixels(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    objects, masks = drawn
    sample = annotated(objects)
    surroundings = Surroundings.of(sample)
    for n, obj in enumerate(sample.objects):
        others = np.delete(objects, n, axis=0)
        expected = [
            Spill(
                int((mask & others.any(axis=0) & ~objects[n]).sum()),
                sum(bool(o.any()) and 2 * int((mask & o & ~objects[n]).sum()) >= o.sum() for o in others),
            )
            for mask in masks
        ]
        assert surroundings.spill(obj, [Mask.from_array(mask) for mask in masks]) == expected


@given(stacks)
def test_intersections_equal_counting_pixels(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = drawn
    expected = np.array([[(x & y).sum() for y in b] for x in a]).reshape(len(a), len(b))

    found = intersections([Mask.from_array(x) for x in a], [Mask.from_array(y) for y in b])
    assert (found == expected).all()
    assert found.dtype == np.int64


@pytest.mark.parametrize("crowd", [-1, 1])
def test_crowd_regions_and_objects_without_parts_are_surroundings_too(crowd: int) -> None:
    objects = np.zeros((2, 4, 6), bool)
    objects[0, :, :3] = objects[1, :, 3:] = True
    sample = annotated(objects, crowd)
    everything = Mask.from_array(np.ones((4, 6), bool))

    assert Surroundings.of(sample).spill(sample.objects[0], [everything]) == [Spill(12, 1)]
