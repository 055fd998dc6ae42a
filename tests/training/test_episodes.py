"""Where clicks fall, what their targets are, and that episodes depend on seed and number alone."""

import numpy as np
import pytest
import torch
from PIL import Image

from consbench.errors import BadSample, UsageError
from consbench.masks import Mask
from consbench.types import Object, Part, Sample
from consbench_reference_training.config import Episodes
from consbench_reference_training.episodes import EpisodeStream, Item, coverage, draw, find_items
from consbench_reference_training.sources import Split

OF_OBJECT = Episodes(of="object", most_clicks=32)
OF_IMAGE = Episodes(of="image", most_clicks=40)


def box(top, left, height, width, size=(24, 32)):
    mask = np.zeros(size, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def as_split(dataset):
    ids = tuple(dataset.ids)
    return Split(dataset, ids[1:], ids[:1])


def stream(dataset, spec, seed=0, **options):
    split = as_split(dataset)
    items = find_items([split], spec)
    return EpisodeStream([split], items, spec, image_size=64, target_size=32, seed=seed, **options)


@pytest.fixture
def two_parts(samples):
    return samples([[[box(2, 2, 6, 8), box(8, 2, 6, 8)], [box(0, 20, 4, 4), box(5, 20, 4, 4)]] for _ in range(5)])


def test_an_episode_of_an_object_clicks_once_in_each_part(two_parts):
    sample = two_parts.load("image-1")
    seen = set()
    for seed in range(60):
        episode = draw(sample, Item(0, "image-1", 0), OF_OBJECT, np.random.default_rng(seed), 64, 32)
        # The image is 32 wide and the network's input 64: pixel (x, y) lies at (2x, 2y).
        pixels = (episode.clicks_N2 / 2).int().tolist()
        assert len(pixels) == 2
        for (x, y), part in zip(pixels, sample.objects[0].parts, strict=True):
            assert part.mask.array()[y, x]
        seen.add(tuple(pixels[0]))
    assert len(seen) > 30, "each of the 48 pixels is as likely"


def test_targets_are_the_object_and_the_part(two_parts):
    sample = two_parts.load("image-1")
    episode = draw(sample, Item(0, "image-1", 0), OF_OBJECT, np.random.default_rng(0), 64, 32)
    assert episode.valid_NT.all()
    for n, part in enumerate(sample.objects[0].parts):
        # 32 cells over a square of 32 pixels: a cell is a pixel, and the last 8 rows are padding.
        np.testing.assert_array_equal(episode.targets_NTSS[n, 0, :24] > 0, sample.objects[0].mask.array())
        np.testing.assert_array_equal(episode.targets_NTSS[n, 1, :24] > 0, part.mask.array())
        assert episode.targets_NTSS[n, :, 24:].sum() == 0


def test_of_more_parts_than_clicks_a_random_choice_is_kept(samples):
    sample = samples([[[box(0, 2 * k, 3, 2) for k in range(12)]]]).load("image-0")
    spec = Episodes(of="object", most_clicks=5)
    chosen = set()
    for seed in range(20):
        episode = draw(sample, Item(0, "image-0", 0), spec, np.random.default_rng(seed), 64, 32)
        assert len(episode.clicks_N2) == 5
        assert len({int(x) // 4 for x, _ in episode.clicks_N2}) == 5, "five different parts"
        chosen |= {int(x) // 4 for x, _ in episode.clicks_N2}
    assert chosen == set(range(12))


def test_what_has_no_pixels_or_is_a_crowd_is_left_out(samples):
    good = [box(2, 2, 6, 8), box(8, 2, 6, 8)]
    dataset = samples([[good], [good], [[box(0, 0, 4, 4)]], [[box(0, 0, 4, 4), np.zeros((24, 32), bool)]], [good]])
    crowd = dataset.load("image-4")
    crowded = Sample(
        "crowd",
        24,
        32,
        (Object(0, "thing", crowd.objects[0].mask, crowd.objects[0].parts, crowd=True),),
        crowd.read_image,
    )
    dataset._samples["crowd"] = crowded
    items = find_items([as_split(dataset)], OF_OBJECT)
    assert [item.image_id for item in items] == ["image-1", "image-4"]


def test_data_without_an_object_of_two_parts_are_refused(samples):
    dataset = samples([[[box(0, 0, 4, 4)]] for _ in range(4)])
    with pytest.raises(
        UsageError, match=r"training half of made \(all\) has no object with 2 or more parts in 3 images"
    ):
        find_items([as_split(dataset)], OF_OBJECT)


def test_whole_part_and_subpart_of_a_click_in_nested_parts(samples):
    head, eye, body = box(2, 2, 10, 10), box(4, 4, 3, 3), box(12, 2, 8, 10)
    sample = samples([[[head, eye, body]]]).load("image-0")
    episode = draw(sample, Item(0, "image-0"), OF_IMAGE, np.random.default_rng(0), 64, 32)
    whole = head | body
    seen = set()
    for (x, y), targets, valid in zip(
        (episode.clicks_N2 / 2).int().tolist(), episode.targets_NTSS[:, :, :24], episode.valid_NT, strict=True
    ):
        chain = [whole] + ([body] if body[y, x] else [head]) + ([eye] if eye[y, x] else [])
        assert valid.tolist() == [level < len(chain) for level in range(3)]
        for target, mask in zip(targets, chain, strict=False):
            np.testing.assert_array_equal(target > 0, mask)
        seen.add(len(chain))
    assert seen == {2, 3}


def test_a_part_in_pieces_has_the_piece_as_subpart(samples):
    left, right = box(0, 0, 4, 4), box(0, 10, 4, 4)
    sample = samples([[[left | right, box(10, 0, 8, 14)]]]).load("image-0")
    episode = draw(sample, Item(0, "image-0"), OF_IMAGE, np.random.default_rng(0), 64, 32)
    pieces = 0
    for (x, y), targets, valid in zip(
        (episode.clicks_N2 / 2).int().tolist(), episode.targets_NTSS[:, :, :24], episode.valid_NT, strict=True
    ):
        assert bool(valid[2]) == bool((left | right)[y, x])
        if valid[2]:
            np.testing.assert_array_equal(targets[2] > 0, left if left[y, x] else right)
            pieces += 1
    assert pieces > 5


def test_coverage_is_the_share_of_each_cell(samples):
    mask = np.zeros((1, 8, 6), bool)
    mask[0, 0, 0] = mask[0, 4:, :4] = True
    cells = coverage(mask, 4)
    wanted = np.array(
        Image.fromarray(np.pad(mask[0], ((0, 0), (0, 2))).astype(np.float32)).resize((4, 4), Image.Resampling.BOX)
    )
    np.testing.assert_allclose(cells[0], wanted)
    assert float(cells[0, 0, 0]) == 0.25


def test_pixels_are_those_of_the_image_in_the_networks_frame(two_parts):
    episode = draw(two_parts.load("image-3"), Item(0, "image-3", 0), OF_OBJECT, np.random.default_rng(0), 64, 32)
    assert episode.pixels_CHW.shape == (3, 48, 64)
    assert episode.pixels_CHW.dtype == torch.uint8
    assert (episode.pixels_CHW == 3).all()


def equal(a, b):
    return a.name == b.name and torch.equal(a.clicks_N2, b.clicks_N2) and torch.equal(a.targets_NTSS, b.targets_NTSS)


def test_the_same_seed_gives_the_same_episodes_and_another_gives_others(two_parts):
    one, same, other = (stream(two_parts, OF_OBJECT, seed) for seed in (4, 4, 5))
    numbers = [17, 0, 5, 3]
    assert all(equal(one[n], same[n]) for n in numbers)
    assert [equal(one[n], same[n]) for n in reversed(numbers)] == [True] * 4, "in whatever order they are asked for"
    assert not all(equal(one[n], other[n]) for n in numbers)


def test_every_epoch_is_a_new_order_of_all_objects(two_parts):
    found = stream(two_parts, OF_OBJECT)
    epochs = [[found.item(n).name for n in range(e * 8, e * 8 + 8)] for e in range(3)]
    assert all(sorted(epoch) == sorted(epochs[0]) for epoch in epochs)
    assert len(set(epochs[0])) == 8
    assert epochs[0] != epochs[1]


def test_a_fixed_stream_asks_the_same_questions_every_time(two_parts):
    found = stream(two_parts, OF_OBJECT, fixed=True)
    assert [found.item(n) for n in range(8)] == found.items
    assert equal(found[2], found[2])


def test_an_unreadable_image_is_replaced_and_data_of_nothing_else_given_up(two_parts, caplog):
    def broken():
        raise BadSample("image-2 is cut short")

    whole = two_parts.load("image-2")
    two_parts._samples["image-2"] = Sample("image-2", 24, 32, whole.objects, broken)
    found = stream(two_parts, OF_OBJECT)
    names = {found[n].name for n in range(8)}
    assert not any(name.startswith("image-2") for name in names)
    assert "image-2 is cut short" in caplog.text
    for image_id in two_parts.ids:
        two_parts._samples[image_id] = Sample(image_id, 24, 32, whole.objects, broken)
    with pytest.raises(UsageError, match="16 images in a row cannot be read"):
        found[0]


def test_parts_without_pixels_are_never_clicked_on():
    empty = Mask.from_array(np.zeros((24, 32), bool))
    parts = (
        Part(0, "a", Mask.from_array(box(0, 0, 4, 4))),
        Part(1, "none", empty),
        Part(2, "b", Mask.from_array(box(4, 0, 4, 4))),
    )
    sample = Sample(
        "i",
        24,
        32,
        (Object(0, "o", Mask.from_array(box(0, 0, 8, 4)), parts), Object(1, "gone", empty, ())),
        lambda: np.zeros((24, 32, 3), np.uint8),
    )
    for item, spec in ((Item(0, "i", 0), OF_OBJECT), (Item(0, "i"), OF_IMAGE)):
        episode = draw(sample, item, spec, np.random.default_rng(0), 64, 32)
        assert (episode.targets_NTSS.sum(dim=(-2, -1)) > 0)[episode.valid_NT].all()
