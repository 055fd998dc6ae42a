"""region-tree: the contract, what the tree is, and that a plain picture gets its plain answer."""

from itertools import combinations, pairwise, product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from consbench.errors import UsageError
from consbench.model import as_model, check_prediction
from consbench_adapters.region_tree import FACTOR, LARGEST, SMALLEST, choose, load, merge, persistence
from consbench_adapters.superpixels import lab, merge_to, shrink

IMAGES = hnp.arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24), st.just(3)))
"""Noise, mostly: the worst case of a method that looks for regions."""


def answer(image_HWC, clicks, **options):
    return load(**options).encode(image_HWC).predict(np.asarray(clicks, dtype=np.float64))


def photograph(height=60, width=80):
    """Smooth colours with edges and grain: like a photograph in what matters here."""
    y, x = np.mgrid[:height, :width]
    image = np.stack(
        [128 + 100 * np.sin(x / 9), 128 + 100 * np.cos(y / 7), 90 + 60 * ((x // 16 + y // 12) % 2)], axis=-1
    )
    grain = np.random.default_rng(5).integers(-12, 13, image.shape)
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def object_with_part(unit=1, swap=False):
    """A blue object with a red part on a grey ground: the image, the masks, a click (x, y) on the part."""
    image = np.full((60 * unit, 80 * unit, 3), 128, dtype=np.uint8)
    whole, part = np.zeros((2, *image.shape[:2]), dtype=bool)
    whole[16 * unit : 44 * unit, 20 * unit : 56 * unit] = True
    part[20 * unit : 32 * unit, 24 * unit : 36 * unit] = True
    image[whole], image[part] = (20, 40, 220), (230, 30, 20)
    if swap:
        return image.transpose(1, 0, 2).copy(), whole.T, part.T, (26 * unit, 30 * unit)
    return image, whole, part, (30 * unit, 26 * unit)


# ── what the user sees ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("swap", [False, True], ids=["landscape", "portrait"])
@pytest.mark.parametrize("grain", [0, 10], ids=["flat", "grainy"])
def test_a_click_on_the_part_of_a_two_tone_object_gives_exactly_the_object_and_the_part(swap, grain):
    image, whole, part, click = object_with_part(swap=swap)
    noise = np.random.default_rng(1).integers(-grain, grain + 1, image.shape)
    masks_KHW = answer(np.clip(image + noise, 0, 255).astype(np.uint8), [click]).masks_NKHW[0]
    np.testing.assert_array_equal(masks_KHW[0], whole)
    np.testing.assert_array_equal(masks_KHW[1], part)


def test_an_image_beyond_the_long_side_is_averaged_down_and_its_masks_come_back_at_full_size():
    image, whole, part, click = object_with_part(unit=4)
    masks_KHW = answer(image, [click], long_side=80).masks_NKHW[0]
    np.testing.assert_array_equal(masks_KHW[0], whole)
    np.testing.assert_array_equal(masks_KHW[1], part)


def test_a_click_on_the_plain_rest_of_an_object_gets_the_rest_which_stands_out_most():
    """No training says that the part belongs to it: this is the inconsistency that CVR counts."""
    image, whole, part, _ = object_with_part()
    masks_KHW = answer(image, [(50, 40)]).masks_NKHW[0]
    np.testing.assert_array_equal(masks_KHW[0], whole & ~part)


@settings(max_examples=60, deadline=None)
@given(image=IMAGES, data=st.data())
def test_every_answer_keeps_the_contract_is_nested_and_holds_the_click(image, data):
    height, width = image.shape[:2]
    pixel = st.tuples(st.integers(0, width - 1), st.integers(0, height - 1))
    clicks = data.draw(st.lists(pixel, min_size=1, max_size=4))
    options = {"superpixels": data.draw(st.integers(1, 80)), "long_side": data.draw(st.sampled_from([1, 7, 384]))}
    checked = check_prediction(answer(image, clicks, **options), len(clicks), (height, width))
    assert checked.masks_NKHW.shape[1] == 3
    assert checked.valid_NK is None
    assert ((checked.scores_NK >= 0) & (checked.scores_NK <= 1)).all()
    for (x, y), masks_KHW in zip(clicks, checked.masks_NKHW, strict=True):
        assert masks_KHW[:, y, x].all()
        assert not (masks_KHW[1:] & ~masks_KHW[:-1]).any(), "a smaller answer lies within the larger one"


def test_answers_to_a_photograph_differ_in_area_by_the_factor_and_none_is_grain_or_most_of_it():
    image = photograph()
    masks_NKHW = answer(image, [(x, y) for x in (5, 40, 75) for y in (5, 30, 55)]).masks_NKHW
    areas = masks_NKHW.sum(axis=(2, 3))
    assert (areas[:, :-1] >= FACTOR * areas[:, 1:]).all()
    assert areas.max() <= LARGEST * image[..., 0].size
    assert areas.min() >= SMALLEST * image[..., 0].size


@pytest.mark.parametrize("levels", [1, 2, 5])
def test_levels_says_how_many_answers_there_are(levels):
    assert answer(photograph(), [(3, 4)], levels=levels).masks_NKHW.shape[:2] == (1, levels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (2, 2), (1, 50), (50, 1), (3, 3)])
def test_tiny_images_are_answered(shape):
    image = np.arange(np.prod(shape) * 3, dtype=np.uint8).reshape(*shape, 3)
    checked = check_prediction(answer(image, [(shape[1] - 1, shape[0] - 1)]), 1, shape)
    assert checked.masks_NKHW[0, :, -1, -1].all()


def test_one_pixel_is_its_own_answer_at_every_scale_and_stands_out_from_nothing():
    answered = answer(np.full((1, 1, 3), 7, dtype=np.uint8), [(0, 0)])
    assert answered.masks_NKHW.tolist() == [[[[True]], [[True]], [[True]]]]
    assert answered.scores_NK.tolist() == [[0, 0, 0]]


def test_in_a_constant_image_nothing_stands_out():
    answered = answer(np.full((30, 40, 3), 200, dtype=np.uint8), [(20, 10)])
    assert answered.masks_NKHW[0, :, 10, 20].all()
    assert answered.scores_NK.tolist() == [[0, 0, 0]]


def test_no_clicks_get_no_answers():
    assert answer(photograph(), np.zeros((0, 2))).masks_NKHW.shape == (0, 3, 60, 80)


def test_clicks_between_and_beyond_pixels_count_as_the_nearest_pixel():
    asked = answer(photograph(), [(9.6, 4.4), (-3, 1000)])
    wanted = answer(photograph(), [(10, 4), (0, 59)])
    np.testing.assert_array_equal(asked.masks_NKHW, wanted.masks_NKHW)


def test_a_batch_of_clicks_is_answered_as_each_click_on_its_own():
    encoded = load().encode(photograph())
    clicks = np.array([[5, 5], [70, 50], [40, 30], [5, 5]], dtype=np.float64)
    batch = encoded.predict(clicks)
    for n in range(len(clicks)):
        single = encoded.predict(clicks[n : n + 1])
        np.testing.assert_array_equal(batch.masks_NKHW[n], single.masks_NKHW[0])
        np.testing.assert_array_equal(batch.scores_NK[n], single.scores_NK[0])


def test_two_models_give_the_same_bytes_whatever_they_saw_before_and_leave_the_image_alone():
    image = photograph()
    before = image.copy()
    fresh, used = load(), load()
    used.encode(image[::-1].copy()).predict(np.array([[1.0, 1.0]]))
    image.flags.writeable = False
    one, other = (m.encode(image).predict(np.array([[33.0, 21.0], [60.0, 2.0]])) for m in (fresh, used))
    assert one.masks_NKHW.tobytes() == other.masks_NKHW.tobytes()
    assert one.scores_NK.tobytes() == other.scores_NK.tobytes()
    np.testing.assert_array_equal(image, before)


def test_it_is_a_model_that_declares_its_order_and_describes_every_option():
    model = load(superpixels=50, levels=2, long_side=99)
    assert as_model(model) is model
    assert model.default_order == "area"
    about = model.describe()
    assert (about["superpixels"], about["levels"], about["long_side"]) == (50, 2, 99)
    assert about["version"] >= 1


@pytest.mark.parametrize("option", ["superpixels", "levels", "long_side"])
def test_an_option_below_one_is_refused(option):
    with pytest.raises(UsageError, match=f"region-tree: {option} must be at least 1; got 0"):
        load(**{option: 0})


# ── the tree ──────────────────────────────────────────────────────────────────────────────────────


def merge_slowly(lab_hw3):
    """The merges as sets of blocks with their cost, every cost counted anew from the pixels."""
    h, w = lab_hw3.shape[:2]
    blocks = list(product(range(h), range(w)))
    touching = [(p, q) for p in blocks for q in ((p[0], p[1] + 1), (p[0] + 1, p[1])) if q in blocks]
    regions, merges = {n: frozenset([p]) for n, p in enumerate(blocks)}, []

    def cost(a, b):
        steps = [
            np.linalg.norm(lab_hw3[p] - lab_hw3[q])
            for p, q in touching
            if {p in a, q in a} == {p in b, q in b} == {True, False}
        ]
        if not steps:
            return None
        mean_a, mean_b = (np.mean([lab_hw3[p] for p in side], axis=0) for side in (a, b))
        return (
            (np.linalg.norm(mean_a - mean_b) + np.mean(steps)) * len(a) * len(b) / (len(a) + len(b)) / sqrt(len(steps))
        )

    while len(regions) > 1:
        priced = [(c, i, j) for i, j in combinations(regions, 2) if (c := cost(regions[i], regions[j])) is not None]
        price, i, j = min(priced)
        regions[len(blocks) + len(merges)] = both = regions.pop(i) | regions.pop(j)
        merges.append((both, price))
    return merges


@pytest.mark.parametrize("seed", range(4))
def test_the_tree_is_that_of_merging_the_cheapest_pair_with_costs_counted_from_the_pixels(seed):
    colours = np.random.default_rng(seed).uniform(0, 100, (4, 5, 3))
    regions = merge_to(colours, count=20)
    tree = merge(regions)
    leaf_hw = tree.start_V[regions.labels_hw]
    expected = merge_slowly(colours)
    highest = {}
    for v, (blocks, price) in enumerate(expected, start=20):
        inside = (leaf_hw >= tree.start_V[v]) & (leaf_hw < tree.stop_V[v])
        assert {tuple(p) for p in np.argwhere(inside)} == blocks
        highest[blocks] = max([price, *(height for below, height in highest.items() if below < blocks)])
        assert tree.height_V[v] == pytest.approx(highest[blocks], rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(image=IMAGES, count=st.integers(1, 60))
def test_a_parent_holds_its_two_children_and_is_never_lower(image, count):
    tree = merge(merge_to(lab(image.astype(float)), count))
    nodes, leaves = len(tree.parent_V), int(tree.stop_V[-1])
    assert nodes == 2 * leaves - 1
    assert tree.parent_V[-1] == -1
    assert (tree.parent_V[:-1] > np.arange(nodes - 1)).all()
    for node in range(leaves, nodes):
        a, b = np.flatnonzero(tree.parent_V == node)
        intervals = sorted([(tree.start_V[a], tree.stop_V[a]), (tree.start_V[b], tree.stop_V[b])])
        assert intervals[0][1] == intervals[1][0]
        assert (intervals[0][0], intervals[1][1]) == (tree.start_V[node], tree.stop_V[node])
        assert tree.height_V[node] >= max(tree.height_V[a], tree.height_V[b])


def test_a_node_that_runs_along_the_frame_persists_less():
    image, whole, _, _ = object_with_part()
    regions = merge_to(lab(image.astype(float)), 300)
    tree = merge(regions)
    leaf_hw = tree.start_V[regions.labels_hw]
    scores = persistence(tree, leaf_hw)
    members = [(leaf_hw >= a) & (leaf_hw < b) for a, b in zip(tree.start_V, tree.stop_V, strict=True)]
    ground = next(v for v, mask in enumerate(members) if (mask == ~whole).all())
    subject = next(v for v, mask in enumerate(members) if (mask == whole).all())
    assert scores[ground] == 0, "it holds the whole frame"
    assert 0.5 < scores[subject] < 1
    assert scores[-1] == 0, "the root has nothing to stand out from"


@given(
    area=st.lists(st.integers(1, 400), min_size=1, max_size=9, unique=True),
    count=st.integers(1, 4),
    data=st.data(),
)
def test_the_choice_is_the_best_of_all_chains_that_differ_by_the_factor(area, count, data):
    area = sorted(area, reverse=True)
    # eighths add without rounding, so that equal sums are equal
    value = [data.draw(st.integers(0, 8)) / 8 for _ in area]
    chosen = choose(np.array(area, dtype=float), np.array(value), count)

    def chains(length):
        return [
            c
            for c in combinations(range(len(area)), length)
            if all(area[a] >= FACTOR * area[b] for a, b in pairwise(c))
        ]

    length = next(n for n in range(count, 0, -1) if chains(n))
    assert len(chosen) == count
    assert chosen[length:] == [chosen[length - 1]] * (count - length)
    assert tuple(chosen[:length]) in chains(length)
    assert sum(value[i] for i in chosen[:length]) == max(sum(value[i] for i in c) for c in chains(length))


# ── the superpixels ───────────────────────────────────────────────────────────────────────────────


@settings(max_examples=40, deadline=None)
@given(image=IMAGES, count=st.integers(1, 60))
def test_superpixels_are_as_many_as_asked_connected_and_measured_right(image, count):
    colours = lab(image.astype(float))
    regions = merge_to(colours, count)
    wanted = min(count, image.shape[0] * image.shape[1])
    assert sorted(np.unique(regions.labels_hw)) == list(range(wanted))
    for label in range(wanted):
        inside = regions.labels_hw == label
        assert ndimage.label(inside)[1] == 1
        assert regions.area_R[label] == inside.sum()
        np.testing.assert_allclose(regions.mean_R3[label], colours[inside].mean(axis=0), atol=1e-9)


def partition_slowly(colours_hw3, count):
    """The same rounds on sets of blocks: every region joins its cheapest neighbour, the cheapest pairs first."""
    h, w = colours_hw3.shape[:2]
    regions = [{block} for block in product(range(h), range(w))]
    while len(regions) > count:
        home = {block: n for n, region in enumerate(regions) for block in region}
        touching = {
            frozenset((home[y, x], home[other]))
            for y, x in home
            for other in ((y, x + 1), (y + 1, x))
            if other in home and home[other] != home[y, x]
        }
        error = [sum(np.var([colours_hw3[b] for b in region], axis=0)) * len(region) for region in regions]

        def growth(pair, regions=regions, error=error):
            both = set.union(*(regions[n] for n in pair))
            return sum(np.var([colours_hw3[b] for b in both], axis=0)) * len(both) - sum(error[n] for n in pair)

        cost = {pair: growth(pair) for pair in touching}
        wanted = {min((p for p in touching if n in p), key=cost.get) for n in range(len(regions))}
        joined = regions
        for pair in sorted(wanted, key=cost.get)[: len(regions) - count]:
            one, other = (next(r for r in joined if regions[n] <= r) for n in pair)
            joined = [r for r in joined if r not in (one, other)] + [one | other]
        regions = joined
    return {frozenset(region) for region in regions}


@pytest.mark.parametrize("count", [1, 2, 5, 9, 17, 29])
@pytest.mark.parametrize("seed", [0, 1])
def test_superpixels_join_the_neighbour_that_adds_least_squared_error(seed, count):
    colours = np.random.default_rng(seed).uniform(0, 100, (5, 6, 3))
    labels = merge_to(colours, count).labels_hw
    found = {frozenset(map(tuple, np.argwhere(labels == n).tolist())) for n in range(count)}
    assert found == partition_slowly(colours, count)


@settings(max_examples=40, deadline=None)
@given(image=IMAGES, count=st.integers(2, 40))
def test_adjacent_superpixels_are_listed_once_with_the_length_and_contrast_of_their_border(image, count):
    colours = lab(image.astype(float))
    regions = merge_to(colours, count)
    labels, expected = regions.labels_hw, {}
    for y, x in np.ndindex(*labels.shape):
        for v, u in ((y, x + 1), (y + 1, x)):
            if v < labels.shape[0] and u < labels.shape[1] and labels[y, x] != labels[v, u]:
                pair = (min(labels[y, x], labels[v, u]), max(labels[y, x], labels[v, u]))
                border, contrast = expected.get(pair, (0, 0.0))
                expected[pair] = (border + 1, contrast + np.linalg.norm(colours[y, x] - colours[v, u]))
    assert [tuple(pair) for pair in regions.pair_E2] == sorted(expected)
    np.testing.assert_array_equal(regions.border_E, [expected[p][0] for p in sorted(expected)])
    np.testing.assert_allclose(regions.contrast_E, [expected[p][1] for p in sorted(expected)], atol=1e-9)


@settings(deadline=None)
@given(image=IMAGES, long_side=st.integers(1, 30))
def test_shrinking_averages_every_pixel_into_one_block(image, long_side):
    blocks, (row_H, column_W) = shrink(image, long_side)
    assert max(blocks.shape[:2]) == min(long_side, max(image.shape[:2]))
    for r, c in np.ndindex(*blocks.shape[:2]):
        np.testing.assert_allclose(blocks[r, c], image[row_H == r][:, column_W == c].reshape(-1, 3).mean(axis=0))


def test_an_image_that_fits_is_not_shrunk():
    image = photograph(20, 30)
    np.testing.assert_array_equal(shrink(image, 30)[0], image)


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.74, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.20, -107.86)),
        ((119, 119, 119), (50.03, 0, 0)),
        ((2, 2, 2), (0.55, 0, 0)),
    ],
)
def test_colours_are_those_of_published_tables_of_cielab(rgb, expected):
    assert lab(np.array([[rgb]], dtype=float))[0, 0] == pytest.approx(expected, abs=1 / 16)
