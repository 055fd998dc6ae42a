"""Clicks: the exact centre with its tie rule, and the named alternatives."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from consbench import Mask, Object, Part
from consbench.clicks import ClickStrategy, centre, centroid_inside, squared_distance
from consbench.errors import UnknownName, UsageError

masks = arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 11))).filter(lambda m: m.any())


def slow_centre(mask: np.ndarray) -> tuple[int, int]:
    """Every pixel against every outside pixel, in integers, first in row-major order."""
    padded = np.pad(mask, 1)
    outside = np.argwhere(~padded)
    best, where = -1, (0, 0)
    for y, x in np.argwhere(mask):
        nearest = min((int(y) + 1 - int(v)) ** 2 + (int(x) + 1 - int(u)) ** 2 for v, u in outside)
        if nearest > best:
            best, where = nearest, (int(x), int(y))
    return where


@given(masks)
def test_centre_is_the_first_maximum_of_the_exact_squared_distance(mask: np.ndarray) -> None:
    assert slow_centre(mask) == centre(Mask.from_array(mask))


@given(masks)
def test_squared_distance_is_the_square_of_scipys_distance(mask: np.ndarray) -> None:
    padded = np.pad(mask, 1)

    assert np.allclose(ndimage.distance_transform_edt(padded) ** 2, squared_distance(padded), atol=1e-9)


@given(masks)
def test_every_strategy_clicks_inside_what_it_names(mask: np.ndarray) -> None:
    whole = np.ones_like(mask)
    part = Part(3, "part", Mask.from_array(mask))
    obj = Object(1, "object", Mask.from_array(whole), (part,))

    for text in ("part-centre", "part-centroid", "random#4", "jitter@2#4"):
        x, y = ClickStrategy.parse(text).click("image", obj, part)
        assert mask[y, x], text
    assert centre(obj.mask) == ClickStrategy.parse("object-centre").click("image", obj, part)


def test_a_tie_goes_to_the_smallest_y_then_the_smallest_x() -> None:
    square = np.zeros((8, 8), bool)
    square[2:6, 3:7] = True  # four pixels share the maximum

    assert centre(Mask.from_array(square)) == (4, 3)


def test_the_image_border_counts_as_an_edge() -> None:
    assert centre(Mask.from_array(np.ones((5, 9), bool))) == (2, 2)


def test_the_centroid_of_a_ring_is_moved_onto_the_ring() -> None:
    ring = np.zeros((7, 7), bool)
    ring[1:6, 1:6] = True
    ring[2:5, 2:5] = False

    x, y = centroid_inside(Mask.from_array(ring))
    assert (x, y) == (3, 1)  # four pixels are two away from the middle; the first in row-major order


def test_random_clicks_follow_the_seed_and_the_ids_only() -> None:
    part = Part(0, "part", Mask.from_array(np.ones((50, 50), bool)))
    obj = Object(0, "object", part.mask, (part,))

    def click(text: str, image_id: str = "a") -> tuple[int, int]:
        return ClickStrategy.parse(text).click(image_id, obj, part)

    assert click("random#1") == click("random#1")
    assert click("random#1") != click("random#2")
    assert click("random#1") != click("random#1", image_id="b")


def test_jitter_stays_within_its_radius_and_reaches_it() -> None:
    part = Part(0, "part", Mask.from_array(np.ones((41, 41), bool)))
    obj = Object(0, "object", part.mask, (part,))
    distances = set()
    for seed in range(200):
        x, y = ClickStrategy("jitter", radius=3, seed=seed).click("image", obj, part)
        distances.add((x - 20) ** 2 + (y - 20) ** 2)

    assert max(distances) == 9
    assert min(distances) == 0


@pytest.mark.parametrize("text", ["part-centre", "object-centre", "part-centroid", "random#7", "jitter@2.5#7"])
def test_a_strategy_is_a_name_that_parses_back(text: str) -> None:
    assert text == str(ClickStrategy.parse(text))


def test_an_unknown_strategy_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match="no click strategy is called 'part-center'; did you mean 'part-centre'"):
        ClickStrategy.parse("part-center")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jitter", "a radius belongs to jitter"),
        ("random@3", "a radius belongs to jitter"),
        ("part-centre#3", "part-centre draws nothing, so it takes no seed"),
        ("jitter@x", "'jitter@x' is not a click strategy"),
    ],
)
def test_a_malformed_strategy_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ClickStrategy.parse(text)


def test_an_empty_mask_has_no_centre() -> None:
    with pytest.raises(ValueError, match="an empty mask has no pixel to click on"):
        centre(Mask.from_array(np.zeros((3, 3), bool)))


@pytest.mark.genuine
@pytest.mark.skipif("CONSBENCH_SAMPLES" not in os.environ, reason="set CONSBENCH_SAMPLES to genuine dataset files")
def test_centres_of_genuine_pascal_parts_agree_with_plain_scipy() -> None:
    from scipy.io import loadmat

    files = sorted(Path(os.environ["CONSBENCH_SAMPLES"]).glob("pascal_part/trainval/Annotations_Part/*.mat"))
    assert len(files) == 14
    parts = 0
    for file in files:
        for obj in loadmat(file)["anno"][0, 0]["objects"][0]:
            for part in obj["parts"][0] if obj["parts"].size else []:
                mask = part["mask"] > 0
                squared = np.rint(ndimage.distance_transform_edt(np.pad(mask, 1)) ** 2).astype(int)[1:-1, 1:-1]
                y, x = np.argwhere(squared == squared.max())[0]
                assert (x, y) == centre(Mask.from_array(mask))
                parts += 1
    assert parts > 100
