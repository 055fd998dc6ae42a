"""The data of a run: divided by image, drawn once, disjoint from what is evaluated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consbench.datasets.base import SampleList
from consbench.errors import UnknownName, UsageError
from consbench.standins import scene
from consbench.standins.kinds import kinds
from consbench.types import Sample
from consbench_reference_training.config import Data, Standins
from consbench_reference_training.sources import draw_standins, open_sources, split

SPEC = Standins(images=6, size=64, processes=1)


def nothing(count):
    return SampleList([Sample(f"{i:03d}", 1, 1, (), lambda: np.zeros((1, 1, 3), np.uint8)) for i in range(count)])


@settings(deadline=None)
@given(st.integers(2, 60), st.floats(0.01, 0.99), st.integers(0, 99))
def test_a_split_is_a_division_with_something_on_both_sides(count, share, seed):
    half = split(nothing(count), share, seed)
    assert sorted(half.train + half.validation) == list(nothing(count).ids)
    assert half.train
    assert half.validation
    assert abs(len(half.validation) - share * count) <= 1


def test_a_split_depends_on_ids_and_seed_alone():
    forward, backward = nothing(30), SampleList([*nothing(30)][::-1])
    assert split(forward, 0.2, 7)[1:] == split(backward, 0.2, 7)[1:]
    assert split(forward, 0.2, 7)[1:] != split(forward, 0.2, 8)[1:]


def test_the_record_tells_the_halves_apart():
    told = split(nothing(10), 0.2, 0).as_json()
    assert (told["train_images"], told["validation_images"]) == (8, 2)
    assert told["train_fingerprint"] != told["validation_fingerprint"]


def test_one_image_cannot_be_divided():
    with pytest.raises(UsageError, match="has 1 images; at least 2 are needed"):
        split(nothing(1), 0.2, 0)


def test_no_data_at_all_is_refused_naming_the_keys(tmp_path):
    with pytest.raises(UsageError, match=r"data\.sources is empty and data\.standins\.images is 0.*--data"):
        open_sources(Data(), 0, cache=tmp_path)


def test_a_dataset_that_is_not_known_is_refused(tmp_path):
    with pytest.raises(UnknownName, match="no dataset is called 'pascal-parts'; did you mean 'pascal-part'"):
        open_sources(Data(sources=("pascal-parts",)), 0, cache=tmp_path)


def test_drawn_scenes_come_back_as_they_were_drawn(tmp_path):
    found = draw_standins(SPEC, cache=tmp_path)
    assert len(found) == 6
    assert list(found.ids) == [f"{p}-{i:06d}" for i in (0, 1) for p in SPEC.profiles]
    drawn = scene("single", SPEC.seed, 1, size=64)
    sample = found.load("single-000001")
    assert sample.objects == drawn.objects
    np.testing.assert_array_equal(sample.image(), drawn.image_HWC)


def test_scenes_are_drawn_once_and_by_any_number_of_processes_alike(tmp_path):
    calls = []
    one = draw_standins(SPEC, cache=tmp_path / "a", progress=lambda done, total: calls.append((done, total)))
    assert calls == [(n, 6) for n in range(1, 7)]
    again = draw_standins(SPEC, cache=tmp_path / "a", progress=lambda done, total: calls.append((done, total)))
    assert len(calls) == 6
    several = draw_standins(Standins(images=6, size=64, processes=2), cache=tmp_path / "b")
    assert one.fingerprint(one.ids) == again.fingerprint(again.ids) == several.fingerprint(several.ids)
    for image_id in one.ids:
        assert one.load(image_id).objects == several.load(image_id).objects


def test_other_arguments_are_another_file(tmp_path):
    one = draw_standins(SPEC, cache=tmp_path)
    other = draw_standins(Standins(images=6, size=64, seed=1, processes=1), cache=tmp_path)
    assert one.split != other.split
    assert one.load("single-000000").objects != other.load("single-000000").objects


def test_an_interrupted_drawing_leaves_nothing_behind(tmp_path):
    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_standins(SPEC, cache=tmp_path, progress=stop)
    assert list((tmp_path / "training").iterdir()) == []


def test_held_out_kinds_and_evaluation_images_never_train(tmp_path):
    held_out = {kind.name for kind in kinds(held_out=True)} - {kind.name for kind in kinds(held_out=False)}
    found = draw_standins(Standins(images=18, size=64, processes=1), cache=tmp_path)
    seen = {obj.category for sample in found for obj in sample.objects}
    assert len(held_out) >= 4
    assert seen.isdisjoint(held_out)
    evaluated = {scene(p, SPEC.seed, i, size=64, held_out=True).jpeg for p in SPEC.profiles for i in range(6)}
    trained = {row["jpeg"] for row in found._table.to_pylist()}
    assert evaluated.isdisjoint(trained)


def test_an_image_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UnknownName, match="no image is called 'single-9'"):
        draw_standins(SPEC, cache=tmp_path).load("single-9")
