"""What a drawn scene promises: determinism, part-whole structure, held-out kinds."""

import io
from collections import Counter, defaultdict

import numpy as np
import pytest
from PIL import Image

from consbench.errors import UnknownName, UsageError
from consbench.masks import union
from consbench.standins import PROFILES, contact_sheet, scene
from consbench.standins.kinds import KINDS, PARTLESS_IN_SEVERAL, PLAIN_KINDS, kinds
from consbench.standins.shapes import fitted

MANY = 70


@pytest.fixture(scope="module")
def streams():
    """`MANY` evaluation scenes of every profile, small to be fast."""
    return {profile: [scene(profile, 7, i, size=128, held_out=True) for i in range(MANY)] for profile in PROFILES}


@pytest.mark.parametrize("profile", PROFILES)
def test_equal_arguments_give_equal_scenes(profile):
    assert scene(profile, 3, 5) == scene(profile, 3, 5)


@pytest.mark.parametrize("profile", PROFILES)
def test_seed_index_and_stream_each_change_the_scene(profile):
    drawn = [scene(profile, 3, 5), scene(profile, 4, 5), scene(profile, 3, 6), scene(profile, 3, 5, held_out=True)]
    assert len({s.jpeg for s in drawn}) == len(drawn)


def test_a_scene_does_not_depend_on_what_was_drawn_before_it():
    alone = scene("several", 11, 4)
    np.random.seed(0)  # noqa: NPY002  # the global generator must not be drawn from
    in_turn = [scene("several", 11, i) for i in (9, 0, 4)]
    assert in_turn[2] == alone


@pytest.mark.parametrize("profile", PROFILES)
def test_the_global_generator_is_left_alone(profile):
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    scene(profile, 0, 0)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_parts_lie_in_their_object_and_nothing_is_empty(streams):
    for profile, scenes in streams.items():
        for drawn in scenes:
            for obj in drawn.objects:
                assert obj.mask.area > 0, profile
                for part in obj.parts:
                    assert part.mask.area >= 4, (profile, obj.category, part.category)
                    assert union([obj.mask, part.mask]) == obj.mask, (profile, obj.category, part.category)


def test_objects_never_overlap(streams):
    for scenes in streams.values():
        for drawn in scenes:
            total = sum(obj.mask.area for obj in drawn.objects)
            assert total == union([obj.mask for obj in drawn.objects]).area


def test_single_shows_one_object_which_is_the_union_of_its_parts(streams):
    for drawn in streams["single"]:
        (obj,) = drawn.objects
        assert obj.mask == union([part.mask for part in obj.parts])


def test_the_number_of_objects_is_that_of_the_profile(streams):
    several = Counter(len(drawn.objects) for drawn in streams["several"])
    clutter = Counter(len(drawn.objects) for drawn in streams["clutter"])
    assert set(several) <= set(range(1, 6))
    assert len(several) >= 3
    assert max(clutter) <= 14
    assert np.median(list(clutter.elements())) >= 6


def test_several_numbers_like_parts_and_leaves_some_objects_without(streams):
    objects = [obj for drawn in streams["several"] for obj in drawn.objects]
    names = {part.category for obj in objects for part in obj.parts}
    assert {"wheel_1", "wheel_2"} <= names
    assert all(not obj.parts for obj in objects if obj.category in PARTLESS_IN_SEVERAL)
    assert any(not obj.parts for obj in objects if obj.category not in PARTLESS_IN_SEVERAL)
    assert any(obj.parts and union([p.mask for p in obj.parts]).area < obj.mask.area for obj in objects)
    for obj in objects:
        assert len({part.category for part in obj.parts}) == len(obj.parts)


def test_clutter_merges_like_parts_into_one_mask(streams):
    objects = [obj for drawn in streams["clutter"] for obj in drawn.objects]
    for obj in objects:
        names = [part.category for part in obj.parts]
        assert len(set(names)) == len(names)
        assert not any(name[-1].isdigit() for name in names)
    assert {"ball", "book"} <= {obj.category for obj in objects if not obj.parts}


def test_parts_are_nested_in_parts(streams):
    """An eye lies in a head: its pixels belong to both."""
    nested = 0
    for drawn in streams["several"]:
        for obj in drawn.objects:
            parts = {part.category: part.mask for part in obj.parts}
            if {"head", "eye"} <= set(parts):
                assert union([parts["head"], parts["eye"]]) == parts["head"]
                nested += 1
    assert nested >= 5


def test_most_objects_have_two_parts_or_more(streams):
    for profile in ("single", "clutter"):
        counts = [
            len(obj.parts)
            for drawn in streams[profile]
            for obj in drawn.objects
            if obj.category not in ("ball", "book")
        ]
        assert np.mean(np.array(counts) >= 2) > 0.9, profile


def test_every_kind_is_met_and_shows_parts(streams):
    shown = defaultdict(int)
    for drawn in streams["clutter"] + streams["single"]:
        for obj in drawn.objects:
            shown[obj.category] = max(shown[obj.category], len({part.category for part in obj.parts}))
    for kind in KINDS:
        assert shown[kind.name] >= 2, kind.name


@pytest.mark.parametrize("profile", PROFILES)
def test_held_out_kinds_are_never_in_the_training_stream(profile):
    held = {kind.name for kind in KINDS if kind.held_out}
    assert len(held) >= 4
    training = {obj.category for i in range(25) for obj in scene(profile, 1, i, size=96).objects}
    assert len(training) >= 5
    assert not training & held


def test_held_out_kinds_are_in_the_evaluation_stream(streams):
    held = {kind.name for kind in KINDS if kind.held_out}
    assert held <= {obj.category for scenes in streams.values() for drawn in scenes for obj in drawn.objects}
    assert {kind.name for kind in kinds(held_out=True)} - {kind.name for kind in kinds(held_out=False)} == held


@pytest.mark.parametrize("kind", [*KINDS, *PLAIN_KINDS], ids=lambda kind: kind.name)
def test_every_kind_is_drawn_whole_in_many_poses(kind):
    """Each drawing is finite and not degenerate; parts are nested in one order; no name hides a typing slip."""
    shapes = set()
    for seed in range(30):
        pieces = fitted(kind.draw(np.random.default_rng(seed)))
        assert len(pieces) + (kind in PLAIN_KINDS) >= 2
        assert len(pieces) < 255, "a piece's number is one byte"
        points_N2 = np.concatenate([piece.outline_N2 for piece in pieces])
        assert np.isfinite(points_N2).all()
        assert np.ptp(points_N2, axis=0).max() == pytest.approx(1.0)
        shapes.add(points_N2.round(6).tobytes())
        assert all(bool(piece.parts) != (kind in PLAIN_KINDS) for piece in pieces)
        assert {name for piece in pieces for name in piece.parts} >= kind.loose
        above = defaultdict(set)
        for piece in pieces:
            for outer, inner in zip(piece.parts, piece.parts[1:], strict=False):
                above[inner].add(outer)
        assert all(len(outer) == 1 for outer in above.values())
    assert len(shapes) >= 20


def test_sizes_are_varied_in_both_orientations_and_keep_the_long_side(streams):
    sizes = [(drawn.height, drawn.width) for scenes in streams.values() for drawn in scenes]
    assert all(max(size) == 128 for size in sizes)
    assert sum(h > w for h, w in sizes) > 20
    assert sum(w > h for h, w in sizes) > 20
    assert max(scene("single", 0, 0, size=256).image_HWC.shape) == 256


def test_the_image_is_the_jpeg_and_not_flat(streams):
    for scenes in streams.values():
        for drawn in scenes[:10]:
            image_HWC = drawn.image_HWC
            assert image_HWC.shape == (drawn.height, drawn.width, 3)
            assert image_HWC.dtype == np.uint8
            assert Image.open(io.BytesIO(drawn.jpeg)).format == "JPEG"
            assert image_HWC.std() > 10


def test_a_scene_is_a_sample(streams):
    drawn = streams["several"][0]
    sample = drawn.sample("x")
    assert sample.objects == drawn.objects
    assert (sample.image() == drawn.image_HWC).all()


def test_edges_of_objects_are_where_the_picture_changes():
    """The masks fit the picture: colours differ across an object's border more than beside it."""
    across, beside = [], []
    for i in range(40):
        drawn = scene("single", 2, i)
        grey_HW = drawn.image_HWC.mean(axis=2)
        mask_HW = drawn.objects[0].mask.array()
        edge = mask_HW[:, 1:-2] != mask_HW[:, 2:-1]
        step = np.abs(grey_HW[:, 3:] - grey_HW[:, :-3])
        across.append(step[edge].mean())
        beside.append(step[~edge].mean())
    assert np.median(np.array(across) / np.array(beside)) > 3


def test_wrong_arguments_are_named():
    with pytest.raises(UnknownName, match="no profile is called 'severl'; did you mean 'several'"):
        scene("severl", 0, 0)
    with pytest.raises(UsageError, match=r"size >= 64.*got size=10, seed=0, index=0"):
        scene("single", 0, 0, size=10)
    with pytest.raises(UsageError, match="seed=-1"):
        scene("single", -1, 0)


def test_contact_sheet_shows_images_parts_and_objects(streams):
    samples = [drawn.sample(str(i)) for i, drawn in enumerate(streams["several"][:5])]
    assert contact_sheet(samples, columns=4, cell=50).size == (200, 300)
    assert contact_sheet(samples, columns=4, cell=50, overlays=False).size == (200, 100)
