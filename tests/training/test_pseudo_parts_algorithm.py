"""Painting and cutting, against a slow reading of the rule pixel by pixel, and on drawings with known answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from consbench.errors import ContractError, UsageError
from consbench.masks import Mask
from consbench_reference_training.pseudo_parts.algorithm import Region, Slivers, cut, paint

HEIGHT, WIDTH = 5, 6
masks = arrays(bool, (HEIGHT, WIDTH))
scores = st.sampled_from([0.0, 0.25, 0.5])  # few values, so that ties are met
proposals = st.lists(st.tuples(masks, scores), max_size=6)


def draw(*rows):
    """A mask of rows of '#' and '.'."""
    return Mask.from_array(np.array([[c == "#" for c in row] for row in rows]))


def as_regions(proposed):
    return [Region(Mask.from_array(mask), score) for mask, score in proposed]


def topmost(proposed, y, x):
    """Which region a pixel shows, by the rule read backwards: the smallest, then the best, then the first."""
    holding = [i for i, (mask, _) in enumerate(proposed) if mask[y, x]]
    if not holding:
        return None
    smallest = min(int(proposed[i][0].sum()) for i in holding)
    holding = [i for i in holding if int(proposed[i][0].sum()) == smallest]
    best = max(proposed[i][1] for i in holding)
    return min(i for i in holding if proposed[i][1] == best)


@given(proposals)
def test_every_pixel_shows_the_smallest_region_that_holds_it(proposed):
    labels = paint(as_regions(proposed), HEIGHT, WIDTH)
    shown = np.array(
        [[-1 if (i := topmost(proposed, y, x)) is None else i for x in range(WIDTH)] for y in range(HEIGHT)]
    )
    assert ((labels == 0) == (shown == -1)).all()
    for y, x in np.ndindex(HEIGHT, WIDTH):
        same = (labels == labels[y, x]) == (shown == shown[y, x])
        assert same.all()


@given(proposals)
def test_labels_rise_as_areas_fall(proposed):
    labels = paint(as_regions(proposed), HEIGHT, WIDTH)
    area_of = {
        int(labels[y, x]): int(proposed[i][0].sum())
        for y, x in np.ndindex(HEIGHT, WIDTH)
        if (i := topmost(proposed, y, x)) is not None
    }
    areas = [area_of[label] for label in sorted(area_of)]
    assert areas == sorted(areas, reverse=True)
    assert labels.max() <= len(proposed)


@given(proposals, st.randoms())
def test_the_order_of_proposals_matters_only_between_equals(proposed, random):
    distinct = list({(int(mask.sum()), score): (mask, score) for mask, score in proposed}.values())
    shuffled = random.sample(distinct, len(distinct))
    first, second = (paint(as_regions(p), HEIGHT, WIDTH) for p in (distinct, shuffled))
    assert (first == second).all()


@given(
    masks,
    arrays(np.int32, (HEIGHT, WIDTH), elements=st.integers(0, 5)),
    st.integers(1, 6),
    st.sampled_from([0, 0.1, 0.5]),
)
def test_parts_are_the_labels_inside_the_object(whole, labels, min_pixels, min_fraction):
    parts, slivers = cut(Mask.from_array(whole), labels, Slivers(min_fraction, min_pixels))
    expected, small = {}, 0
    for label in range(1, 6):
        pixels = [(y, x) for y, x in np.ndindex(HEIGHT, WIDTH) if whole[y, x] and labels[y, x] == label]
        if len(pixels) >= min_pixels and len(pixels) >= min_fraction * whole.sum() and pixels:
            expected[label] = pixels
        elif pixels:
            small += 1
    assert {p.label: list(zip(*map(list, np.nonzero(p.mask.array())), strict=True)) for p in parts} == expected
    assert [p.label for p in parts] == sorted(expected)
    assert slivers == small


def test_a_part_may_have_several_pieces():
    whole = draw("#####", ".....")
    left_and_right = Region(draw("##.##", "##.##"))
    middle = Region(draw("..#..", "..#.."))
    parts, _ = cut(whole, paint([middle, left_and_right], 2, 5), Slivers())
    assert [part.mask for part in parts] == [draw("##.##", "....."), draw("..#..", ".....")]


def test_one_region_around_the_whole_object_is_one_part_only():
    """The background label of the cut-out is no part: "num_parts > 2" counts it, at least two parts does not."""
    parts, _ = cut(draw(".##.", ".##."), paint([Region(draw("####", "####"))], 2, 4), Slivers())
    assert len(parts) == 1


def test_pixels_without_a_region_belong_to_no_part():
    parts, _ = cut(draw("####"), paint([Region(draw("#...")), Region(draw("...#"))], 1, 4), Slivers())
    assert sum(part.mask.area for part in parts) == 2


def test_of_two_equal_areas_the_better_score_is_on_top():
    one, other = draw("##."), draw(".##")
    assert paint([Region(one, 0.1), Region(other, 0.9)], 1, 3).tolist() == [[1, 2, 2]]
    assert paint([Region(one, 0.9), Region(other, 0.1)], 1, 3).tolist() == [[2, 2, 1]]


def test_no_regions_make_no_labels():
    assert not paint([], 3, 4).any()
    assert cut(draw("##"), paint([], 1, 2), Slivers()) == ((), 0)


def test_an_empty_object_has_no_parts():
    assert cut(draw("..", ".."), paint([Region(draw("##", "##"))], 2, 2), Slivers()) == ((), 0)


def test_a_region_of_another_size_is_refused():
    with pytest.raises(ContractError, match=r"regions must be 2×3 \(height × width\), as the image; got \(3, 2\)"):
        paint([Region(draw("##", "##", "##"))], 2, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_fraction": 1.0}, "from 0 to below 1; got 1.0"),
        ({"min_fraction": -0.1}, "from 0 to below 1; got -0.1"),
        ({"min_fraction": float("nan")}, "from 0 to below 1; got nan"),
        ({"min_pixels": 0}, "at least 1 pixel; got 0"),
    ],
)
def test_slivers_that_cannot_be_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        Slivers(**options)
